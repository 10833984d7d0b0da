// A BlueField's PF and one representor: bring-up, keys, and packets of the slow path. All methods but transmit() run in the
// control thread.
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
#include "lowered_program.h"
#include "process.h"

struct rte_mempool;
struct rte_mbuf;

struct DeviceOptions {
	// As in "03:00.0".
	std::string pci_address;
	// The name of the representor; see representor.h.
	std::string representor;
	// Number of queues that RSS spreads packets over. Each has a thread.
	uint16_t rss_queues = 1;
	uint32_t key_slots = 0;
	// Number of counters of all pipes together.
	uint32_t counters = 0;
	// Number of devices of this size that the process may have open at the same time.
	uint32_t devices = 1;
	// Number of buffers for packets to and from the slow path.
	uint32_t buffers = 8192;
	// Memory for DPDK where there are no huge pages; 0 means DPDK's default.
	uint32_t memory_megabytes = 0;
	// The level of DOCA's own messages, as doca_log_level. The first device's counts for the process.
	uint32_t log_level = DOCA_LOG_LEVEL_WARNING;
	// Whether programs may look at words of the PSP header, and write them. The first device's counts for those that are open
	// together with it.
	bool psp_words = false;
	// Further arguments for EAL. The first device's count for the process.
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

// Takes a batch of packets. Returns false when it has no room; then the batch stays with the caller.
using ReceiveHandler = std::function<bool(std::vector<ReceivedPacket> &)>;

class Device {
public:
	// Opens the device. Throws Failure, with nothing left open.
	explicit Device(const DeviceOptions &options);
	~Device();
	Device(const Device &) = delete;
	Device &operator=(const Device &) = delete;

	const PortInformation &port(size_t logical) const { return information_[logical]; }
	uint16_t dpdk_port(size_t logical) const { return dpdk_ports_[logical]; }

	void build(ProgramSpec program);
	// Destroys the pipes again, after a build whose static entries could not be installed.
	void unbuild();
	LoweredProgram &program() { return *program_; }

	// Sets the key of a slot, 1 to key_slots. Throws Failure.
	void set_key(uint32_t crypto_id, const uint8_t *key, size_t octets);
	// Replaces the key by one that nobody knows. Throws Failure.
	void clear_key(uint32_t crypto_id);
	// Whether it generates keys of AES-GMAC, PSP versions 2 and 3.
	bool has_gmac() const { return has_gmac_; }
	// Generates SPIs with their keys, which are written without gaps: of AES-GCM, or of AES-GMAC. Throws Failure, EMPTY when
	// fewer are left.
	void generate_keys(uint32_t key_octets, bool gmac, uint32_t count, uint32_t *spis, uint8_t *keys);
	void rotate_master_key();

	// Starts threads that deliver received packets.
	void receive(const ReceiveHandler &handler);
	// Sends packets. Returns how many were taken, from the first on. To be called from one thread only.
	uint32_t transmit(const std::vector<std::pair<const uint8_t *, size_t>> &frames,
			  const std::vector<uint32_t> &packet_metas);
	// Ends transmit() and the threads of receive(); to be called before the destructor.
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
	void look_for_gmac();

	const DeviceOptions options_;
	doca_dev *dev_ = nullptr;
	doca_dev_rep *rep_ = nullptr;
	bool probed_ = false;
	uint16_t dpdk_ports_[2] = {};
	rte_mempool *pool_ = nullptr;
	std::unique_ptr<FlowLibrary> library_;
	doca_flow_port *flow_ports_[2] = {};
	// Up to 3.1: DOCA's number of the device's first key slot.
	uint32_t first_crypto_id_ = 0;
	// From 3.2: DOCA's numbers of the key slots, which the port hands out; 0 before that.
	std::vector<uint32_t> crypto_ids_;
	// The length of the key in a slot, in octets; 0 when none was set.
	std::vector<uint8_t> key_octets_;
	std::unique_ptr<LoweredProgram> program_;
	// Closed programs: DOCA may report to their records until the ports are stopped.
	std::vector<std::unique_ptr<LoweredProgram>> former_programs_;
	PortInformation information_[2];
	bool has_gmac_ = false;
	std::atomic<bool> stopping_{false};
	std::vector<std::thread> receivers_;
};
