// A BlueField's PF and one representor: bring-up, keys, packets of the slow path. All but transmit() runs in the control
// thread.
#pragma once

#include <array>
#include <atomic>
#include <functional>
#include <memory>
#include <string>
#include <thread>
#include <vector>

#include "compat.h"
#include "failure.h"
#include "lower.h"
#include "process.h"

struct rte_mempool;
struct rte_mbuf;

struct DeviceOptions {
	// "03:00.0"
	std::string pci_address;
	// Of the representor: see representor.h.
	std::string representor;
	// Queues that RSS spreads packets over, a thread each.
	uint16_t rss_queues = 1;
	uint32_t key_slots = 0;
	// Of all pipes.
	uint32_t counters = 0;
	// Devices that this process will have open at the same time, of the same size.
	uint32_t devices = 1;
	// Buffers for packets to and from the slow path.
	uint32_t buffers = 8192;
	// For DPDK where there are no huge pages; 0: its default.
	uint32_t memory_megabytes = 0;
	// Of DOCA's own messages, once per process: doca_log_level.
	uint32_t log_level = DOCA_LOG_LEVEL_WARNING;
	// For EAL, once per process.
	std::vector<std::string> eal_arguments;
};

struct PortInformation {
	std::string name;
	std::array<uint8_t, 6> mac{};
	std::vector<uint8_t> ipv4;
	std::vector<uint8_t> ipv6;
	uint32_t mtu_octets = 0;
};

struct ReceivedPacket {
	std::vector<uint8_t> frame;
	uint32_t packet_meta;
};

// Takes a batch; false: it has no room, and the batch stays with the caller.
using ReceiveHandler = std::function<bool(std::vector<ReceivedPacket> &)>;

class Device {
public:
	// Throws Failure; nothing is open then.
	explicit Device(const DeviceOptions &options);
	~Device();
	Device(const Device &) = delete;
	Device &operator=(const Device &) = delete;

	const PortInformation &port(size_t logical) const { return information_[logical]; }
	uint16_t dpdk_port(size_t logical) const { return dpdk_ports_[logical]; }

	void build(ProgramSpec program);
	// After a build whose static entries could not be installed.
	void unbuild();
	LoweredProgram &program() { return *program_; }

	// Throws Failure. Ids are 1 to key_slots.
	void set_key(uint32_t crypto_id, const uint8_t *key, size_t octets);
	// Gives the slot a key that nobody has.
	void clear_key(uint32_t crypto_id);
	// Throws Failure EMPTY when fewer are left.
	void generate_keys(uint32_t key_octets, uint32_t count, uint32_t *spis, uint8_t *keys);
	void rotate_master_key();

	// Starts to deliver, from threads of its own.
	void receive(const ReceiveHandler &handler);
	// From one thread of the caller's. Packets that were taken, from the first on.
	uint32_t transmit(const std::vector<std::pair<const uint8_t *, size_t>> &frames,
			  const std::vector<uint32_t> &packet_metas);
	// Stops what transmit() and receive() use; before the destructor.
	void stop();

private:
	void open();
	void open_dpdk_ports();
	void start_dpdk_port(uint16_t port, uint16_t queues, uint16_t mtu_octets);
	void start_flow_ports();
	void describe();
	void release();
	void receive_loop(uint16_t queue, const ReceiveHandler &handler);
	uint32_t doca_crypto_id(uint32_t crypto_id);

	const DeviceOptions options_;
	doca_dev *dev_ = nullptr;
	doca_dev_rep *rep_ = nullptr;
	bool probed_ = false;
	uint16_t dpdk_ports_[2] = {};
	rte_mempool *pool_ = nullptr;
	std::unique_ptr<FlowLibrary> library_;
	doca_flow_port *flow_ports_[2] = {};
	// Up to 3.1: the first of its key slots' numbers.
	uint32_t first_crypto_id_ = 0;
	// DOCA's numbers from 3.2, handed out by the port; 0: not yet.
	std::vector<uint32_t> crypto_ids_;
	// Key octets of a slot; 0: never set.
	std::vector<uint8_t> key_octets_;
	std::unique_ptr<LoweredProgram> program_;
	// Programs that are closed.
	std::vector<std::unique_ptr<LoweredProgram>> former_programs_;
	PortInformation information_[2];
	std::atomic<bool> stopping_{false};
	std::vector<std::thread> receivers_;
};
