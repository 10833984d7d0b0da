// What doca_flow_init makes: one per process.
#pragma once

#include <cstdint>
#include <mutex>
#include <vector>

#include <doca_flow.h>

#include "device.h"

struct doca_flow_cfg {
	uint16_t pipe_queues = 1;
	uint32_t queue_depth = 128;
	uint32_t counters = 0;
	uint32_t shared[DOCA_FLOW_SHARED_RESOURCE_MAX] = {};
	// The port's own numbers, 3.2 and later.
	bool port_resources = false;
	doca_flow_entry_process_cb entry_callback = nullptr;
	// Up to 3.1; empty: nothing was said.
	std::vector<uint16_t> default_rss;
};

struct doca_flow_port {
	soft::Device *device;
	uint16_t dpdk_port;
	// The PF: all pipes are its.
	bool is_switch;
	std::vector<uint8_t> priv_data;
	// Key slots that this port hands out, 3.2 and later; the next one, those that were put back, and whether a slot is out.
	uint32_t psp_slots = 0;
	uint32_t psp_next = 1;
	std::vector<uint32_t> psp_free;
	std::vector<bool> psp_taken;
};

namespace soft {

struct Library {
	doca_flow_cfg cfg;
	std::mutex mutex;
	// Ports that are started.
	std::vector<doca_flow_port *> ports;
	// Which device an application's number of a key slot, or of a mirror, was bound to.
	std::vector<Device *> psp_owner;
	std::vector<Device *> mirror_owner;
};

// nullptr before doca_flow_init and after doca_flow_destroy.
extern Library *library;

// Tells the application of entries that went with their pipes.
void report_gone(std::vector<GoneEntry> entries);

// Reads a forward. `entry` and `changeable` say whether an entry gives it, or a template that leaves it to entries.
doca_error_t read_forward(Device &device, const doca_flow_fwd *fwd, Forward &forward);

} // namespace soft
