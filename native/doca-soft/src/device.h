// A device: its ports, and the thread that does all the work on its packets and tables.
#pragma once

#include <atomic>
#include <chrono>
#include <condition_variable>
#include <exception>
#include <functional>
#include <memory>
#include <mutex>
#include <string>
#include <thread>
#include <vector>

#include "datapath.h"
#include "mapping.h"
#include "pipe.h"
#include "spsc_ring.h"
#include "tap_signals.h"

struct doca_flow_port;

namespace soft {

enum class EntryOperation : uint8_t { ADD, UPDATE, REMOVE };

// An entry operation on its way to the datapath.
struct EntryCommand {
	doca_flow_pipe_entry *entry;
	// UPDATE: what the entry takes over; freed when done.
	EntryHot *update;
	UpdateParts parts;
	EntryOperation operation;
};

// And back. The entry's record may hold another entry by the time this is read.
struct EntryCompletion {
	doca_flow_pipe_entry *entry;
	void *user_ctx;
	EntryOperation operation;
	bool succeeded;
};

// One of the application's queues of entry operations.
struct EntryQueue {
	explicit EntryQueue(uint32_t depth) : commands(depth), completions(depth), depth(depth) {}
	~EntryQueue();
	EntryQueue(const EntryQueue &) = delete;
	EntryQueue &operator=(const EntryQueue &) = delete;
	SpscRing<EntryCommand> commands;
	SpscRing<EntryCompletion> completions;
	uint32_t depth;
	// Application's.
	uint32_t in_flight = 0;
};

class Device {
public:
	explicit Device(const DeviceMapping &mapping);
	~Device();
	Device(const Device &) = delete;
	Device &operator=(const Device &) = delete;

	// Makes the DPDK ports that the application sees, and opens those behind them. Throws std::runtime_error.
	void probe(const std::vector<const RepresentorMapping *> &representors);
	bool probed() const { return !faces_.empty(); }
	// DPDK port of the PF; its representors follow.
	uint16_t first_port() const { return faces_[0].dpdk_port; }
	// MAC address of the PF.
	std::vector<uint8_t> mac() const;
	bool has_port(uint16_t dpdk_port) const { return face_of(dpdk_port) >= 0; }
	// RX queues of the PF that the application has set up.
	uint16_t application_queues() const;
	// Position of a DPDK port among the device's; -1: not one of them.
	int face_of(uint16_t dpdk_port) const;

	// The datapath, from the start of the PF's flow port to its stop. What start() throws leaves it stopped.
	void start(uint32_t queues, uint32_t queue_depth, uint32_t key_slots);
	void stop();
	bool running() const { return thread_.joinable(); }

	// Runs `work` in the datapath's thread between two bursts, and waits for it; throws what it throws.
	void run(const std::function<void()> &work);
	// A round without packets and commands after this call has been seen. False after the time.
	bool quiesce(uint32_t timeout_ms);

	// Whether an operation on an entry of this pipe is complete when its call returns.
	bool completes_inside(const doca_flow_pipe &pipe) const
	{
		return mapping_.completions == Completions::INSIDE ||
		       (mapping_.completions == Completions::CONTROL && pipe.type == DOCA_FLOW_PIPE_CONTROL);
	}
	Completions completions() const { return mapping_.completions; }
	// From run() only. Whether the operation succeeded.
	bool perform(const EntryCommand &command);

	EntryQueue *queue(uint16_t number) { return number < queues_.size() ? queues_[number].get() : nullptr; }
	// After commands were queued.
	void wake();

	const MirrorTargets *mirror(uint16_t number) const { return number < mirrors_.size() ? &mirrors_[number] : nullptr; }
	// From run() only.
	void set_mirror(uint32_t number, MirrorTargets targets);

	Datapath &datapath() { return *datapath_; }
	MasterKeys &master_keys() { return master_keys_; }
	KeySlots &slots() { return *slots_; }
	const Aead &aead() const { return aead_; }
	Defect defect() const { return mapping_.defect; }

	// Pipes that exist, and the flow port that they belong to.
	std::vector<DevicePipe> pipes;
	doca_flow_port *switch_port = nullptr;
	// Entries of pipes that were destroyed, which the application is still to be told of.
	std::vector<GoneEntry> gone_entries;

private:
	// A port as the application sees it, and the one behind it.
	struct Face {
		uint16_t dpdk_port;
		uint16_t outer_port;
		bool outer_is_ours;
		std::string outer_name;
		uint32_t mtu_octets;
		// Of net_tap.
		TapLook look;
		uint32_t hold_milliseconds;
		// From when on the port is looked at; set when the ingress root is there.
		std::chrono::steady_clock::time_point held_until;
		std::vector<rte_ring *> to_application;
		std::vector<rte_ring *> from_application;
	};

	void open_outer(const PortMapping &mapping, Face &face);
	void start_representor(const Face &face);
	void make_faces(const std::vector<const RepresentorMapping *> &representors);
	void release();
	void clear();
	void loop();
	bool poll_ports();
	bool held(Face &face) const;
	bool poll_application();
	bool poll_commands();
	bool poll_work();
	void rest(uint32_t idle_rounds);

	const DeviceMapping mapping_;
	const Aead &aead_;
	RandomSource random_;
	MasterKeys master_keys_;
	IvSource ivs_;
	std::vector<Face> faces_;
	rte_mempool *pool_ = nullptr;
	std::unique_ptr<KeySlots> slots_;
	std::unique_ptr<Datapath> datapath_;
	std::vector<std::unique_ptr<EntryQueue>> queues_;
	std::vector<MirrorTargets> mirrors_;

	std::thread thread_;
	std::atomic<bool> stopping_{false};
	std::atomic<uint64_t> idle_rounds_{0};
	std::mutex mutex_;
	std::condition_variable wake_;
	std::atomic<bool> asleep_{false};
	std::atomic<bool> work_waiting_{false};
	const std::function<void()> *work_ = nullptr;
	std::exception_ptr work_failure_;
	std::condition_variable work_done_;
	std::mutex caller_mutex_;
};

// Devices that are open.
std::vector<Device *> open_devices();
Device *device_of_port(uint16_t dpdk_port);

} // namespace soft
