// A device: its ports and its tables. A worker (worker.h) does all work on its packets and tables.
#pragma once

#include <algorithm>
#include <chrono>
#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "datapath.h"
#include "entry_queue.h"
#include "held_packets.h"
#include "mapping.h"
#include "monitors.h"
#include "pipe.h"
#include "shared_monitors.h"
#include "tap_signals.h"
#include "worker.h"

struct doca_flow_port;

namespace soft {

// What a device is started with.
struct StartedPort {
	Mode mode;
	uint32_t queues;
	uint32_t queue_depth;
	uint32_t key_slots;
	// Meters of single entries, and from 3.2 on shared ones that the port hands out.
	uint32_t meters;
	std::shared_ptr<SharedMonitors> shared;
};

class Device {
public:
	explicit Device(const DeviceMapping &mapping);
	~Device();
	Device(const Device &) = delete;
	Device &operator=(const Device &) = delete;

	// Makes the DPDK ports that the application sees, and opens those that carry their packets. Throws std::runtime_error.
	void probe(const std::vector<const RepresentorMapping *> &representors);
	// The DPDK port of the PF. Those of its representors follow.
	uint16_t first_port() const { return numbers_[0]; }
	// Gives back all that belongs to EAL, which is about to end. The numbers of the ports stay known.
	void end_with_eal();
	// The MAC address of the PF.
	std::vector<uint8_t> mac() const;
	bool has_port(uint16_t dpdk_port) const { return position_of(dpdk_port) >= 0; }
	// Number of RX queues of the PF that the application has set up.
	uint16_t application_queues() const;
	// The position of a DPDK port among the device's ports; -1 when it is none of them.
	int position_of(uint16_t dpdk_port) const;

	// Start and stop the datapath with the PF's flow port. When start() throws, the datapath is stopped.
	void start(const StartedPort &how, std::shared_ptr<Worker> worker);
	void stop();
	bool running() const { return worker_ != nullptr; }
	int core() const { return mapping_.core; }

	// For the worker: one round of all work, and whether there was any.
	bool round();
	bool has_commands() const;
	// Does operations on entries that were handed over, also those that are held. Returns false when there are none.
	bool do_commands();

	// To be called within run().
	void remove_pipes();
	// Whatever leads to one of these pipes, which go, drops from now on.
	void forget(const std::vector<const doca_flow_pipe *> &gone);

	// Runs `work` in the worker's thread between two bursts and waits for it. Throws what `work` throws.
	void run(const std::function<void()> &work)
	{
		if (running())
			worker_->run(work);
		else
			work();
	}
	// Waits until a round after the call has found neither packets nor commands. Returns false when the time is over.
	bool quiesce(uint32_t timeout_ms) { return !running() || worker_->quiesce(timeout_ms); }

	// Whether an operation on an entry of this pipe is complete when its call returns.
	bool completes_inside(const doca_flow_pipe &pipe) const
	{
		return mapping_.completions == Completions::INSIDE ||
		       (mapping_.completions == Completions::CONTROL && pipe.type == DOCA_FLOW_PIPE_CONTROL);
	}
	Completions completions() const { return mapping_.completions; }
	// Whether entries that go with their pipe are reported.
	bool reports_removed() const
	{
		return mapping_.completions == Completions::CONTROL || mapping_.completions == Completions::INSIDE;
	}
	EqualKeys equal_keys() const { return mapping_.equal_keys; }
	bool nr_entries_is_a_hint() const { return mapping_.nr_entries_is_a_hint; }
	// Executes an operation; to be called within run(). Returns whether it succeeded.
	bool perform(const EntryCommand &command);

	EntryQueue *queue(uint16_t number) { return number < queues_.size() ? queues_[number].get() : nullptr; }
	// To be called after commands were queued.
	void wake() { worker_->wake(); }
	// To be called where operations are waited for. Has those done that are held until then.
	void do_held_operations()
	{
		if (holds_operations())
			run([] {});
	}

	const MirrorTargets *mirror(uint16_t number) const { return number < mirrors_.size() ? &mirrors_[number] : nullptr; }
	// To be called within run().
	void set_mirror(uint32_t number, MirrorTargets targets);

	// The shared counters and meters that entries of the device's pipes may use.
	SharedMonitors &shared() { return *shared_; }
	// The meters that are left for single entries, and from 3.2 on for shared ones of the port.
	Budget &meters() { return *meters_; }
	// To be used within run().
	MonitoredEntries &monitored() { return *monitored_; }

	Datapath &datapath() { return *datapath_; }
	Worker &worker() { return *worker_; }
	MasterKeys &master_keys() { return master_keys_; }
	KeySlots &slots() { return *slots_; }
	// The number of key slots, 0 included; 0 where the mode has no encryption.
	uint32_t key_slots() const { return datapath_->mode == Mode::VNF ? 0 : std::max(slots_->count(), 1u); }
	const Aead &aead() const { return aead_; }
	bool has_gmac() const { return mapping_.gmac; }
	Defect defect() const { return mapping_.defect; }

	// The pipes, and the flow port that they belong to.
	std::vector<DevicePipe> pipes;
	doca_flow_port *switch_port = nullptr;
	// Entries of destroyed pipes whose removal has not been reported to the application yet.
	std::vector<RemovedEntry> removed_entries;

private:
	// A port that the application sees, and the port behind it that carries its packets.
	struct PortPair {
		uint16_t dpdk_port;
		// Of the ring device that is the former.
		std::string name;
		uint16_t outer_port;
		bool outer_is_ours;
		std::string outer_name;
		uint32_t mtu_octets;
		// Of an interface that is somebody's: what it goes back to.
		uint16_t mtu_before;
		bool promiscuous_before;
		// The look of net_tap at its interface.
		TapLook look;
		uint32_t hold_milliseconds;
		// The time from which on the port is polled; set when the ingress root is made.
		std::chrono::steady_clock::time_point held_until;
		std::vector<rte_ring *> to_application;
		std::vector<rte_ring *> from_application;
		// While the datapath takes what the application sends by this port.
		std::unique_ptr<WaysIn> way_in;
	};

	void open_outer(const PortMapping &mapping, PortPair &pair);
	void start_outer(const std::string &key, const std::string &port, uint32_t mtu_octets, PortPair &pair);
	void open_kernel();
	static void leave_as_found(const PortPair &pair);
	void close_outer(const PortPair &pair);
	void start_representor(const PortPair &pair);
	// Queues of each port towards the application.
	uint32_t queues() const;
	void make_port_pairs(const std::vector<const RepresentorMapping *> &representors);
	void release();
	void clear();
	void open_exits();
	void close_exits();
	bool poll_ports();
	bool is_held(PortPair &pair) const;
	bool poll_application();
	bool poll_kernel();
	bool poll_commands() { return !holds_operations() && do_commands(); }
	bool do_commands_shuffled();
	void do_next(EntryQueue &queue);
	// Whether operations are done only before other work that run() brings.
	bool holds_operations() const
	{
		return mapping_.completions == Completions::LATE || mapping_.completions == Completions::SHUFFLED;
	}
	bool install(doca_flow_pipe_entry &entry);

	const DeviceMapping mapping_;
	const Aead &aead_;
	RandomSource random_;
	MasterKeys master_keys_;
	IvSource ivs_;
	std::vector<PortPair> port_pairs_;
	// Only the port that carries the packets of the kernel behind the uplink; without a name where there is none.
	PortPair kernel_{};
	// The numbers of the ports that the application sees.
	std::vector<uint16_t> numbers_;
	rte_mempool *pool_ = nullptr;
	std::unique_ptr<KeySlots> slots_;
	std::unique_ptr<Datapath> datapath_;
	std::vector<std::unique_ptr<EntryQueue>> queues_;
	std::vector<MirrorTargets> mirrors_;
	std::shared_ptr<SharedMonitors> shared_;
	std::unique_ptr<Budget> meters_;
	std::unique_ptr<MonitoredEntries> monitored_;
	uint32_t shuffle_ = 0;
	std::shared_ptr<Worker> worker_;
};

// The devices that are open.
std::vector<Device *> open_devices();
Device *device_of_port(uint16_t dpdk_port);

} // namespace soft
