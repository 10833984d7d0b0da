// The part of a device that lowering a program needs.
#pragma once

#include <cstdint>
#include <functional>
#include <vector>

#include "compat.h"

struct LoweringDevice {
	// The switch port.
	doca_flow_port *port;
	// DPDK's numbers of the logical ports.
	uint16_t dpdk_ports[2];
	std::vector<uint16_t> rss_queues;
	// The queue of entry operations, and how many of them may be in flight.
	uint16_t entry_queue;
	uint32_t queue_depth;
	// Returns DOCA's number of a key slot.
	std::function<uint32_t(uint32_t)> crypto_id;
	// Returns a free number for a mirror. Releases up to 3.1 need it.
	std::function<uint32_t()> take_mirror;
};
