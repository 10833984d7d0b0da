// The state between doca_flow_init and doca_flow_destroy, once per process.
#pragma once

#include <cstdint>
#include <memory>
#include <mutex>
#include <vector>

#include <doca_flow.h>

#include "definitions.h"
#include "device.h"
#include "shared_monitors.h"

struct doca_flow_cfg {
	soft::Mode mode = soft::Mode::EXPERT;
	uint16_t pipe_queues = 1;
	uint32_t queue_depth = 128;
	uint32_t counters = 0;
	// Numbers of key slots and of mirrors that may be bound to ports.
	uint32_t psp_slots = 0;
	uint32_t mirrors = 0;
	// Meters of single entries of each port; and how many there are of shared counters and meters.
	uint32_t meters = 0;
	uint32_t shared_counters = 0;
	uint32_t shared_meters = 0;
	// How many configurations of RSS forwards may name by a number.
	uint32_t shared_rss = 0;
	// Each port has its own key slots; from 3.2 on.
	bool port_resources = false;
	doca_flow_entry_process_cb entry_callback = nullptr;
	// The default queues of RSS, up to 3.1; empty when the application set none.
	std::vector<uint16_t> default_rss;
	soft::Definitions definitions;
};

struct doca_flow_port {
	soft::Device *device;
	uint16_t dpdk_port;
	// Whether it is the PF's port, which all pipes belong to; in mode vnf all ports are.
	bool is_switch;
	std::vector<uint8_t> priv_data;
	// The key slots that the port hands out, from 3.2 on: their number, the next one, those that were given back, and whether
	// a slot is handed out.
	uint32_t psp_slots = 0;
	uint32_t psp_next = 1;
	std::vector<uint32_t> psp_free;
	std::vector<bool> psp_taken;
};

namespace soft {

// A configuration of RSS that forwards name by its number.
struct SharedRss {
	// Whether it was set, and bound to a port.
	bool is_set = false;
	bool is_bound = false;
	uint32_t outer_flags = 0;
	uint32_t inner_flags = 0;
	doca_flow_rss_hash_function hash_function = DOCA_FLOW_RSS_HASH_FUNCTION_TOEPLITZ;
	std::vector<uint16_t> queues;
};

struct Library {
	doca_flow_cfg cfg;
	std::mutex mutex;
	// Works for all ports in mode vnf, while there are any.
	std::weak_ptr<Worker> worker;
	// The ports that are started.
	std::vector<doca_flow_port *> ports;
	// The device that each number of a key slot, or of a mirror, was bound to; nullptr when it was not bound.
	std::vector<Device *> psp_owner;
	std::vector<Device *> mirror_owner;
	// Where resources do not belong to ports.
	std::shared_ptr<SharedMonitors> shared;
	std::vector<SharedRss> shared_rss;
};

// nullptr before doca_flow_init and after doca_flow_destroy.
extern Library *library;

// Reports entries that were removed with their pipes to the application.
void report_removed(const std::vector<RemovedEntry> &entries);

// Reads a forward into the device's own form; CHANGEABLE means that it is left to entries.
doca_error_t read_forward(Device &device, const doca_flow_fwd *fwd, Forward &forward);
// Reads the forward of packets that no entry of the pipe `pipe` matches.
doca_error_t read_miss(Device &device, const std::string &pipe, const doca_flow_fwd *fwd, Forward &miss);

} // namespace soft
