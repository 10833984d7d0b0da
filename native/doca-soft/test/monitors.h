// What tests of shared counters, meters and aging have in common. They go by packets and by the clock that doca_soft_set_clock sets:
// none waits for time to pass.
#pragma once

#include "cases.h"
#include "world.h"

namespace world {

constexpr uint64_t SECOND = 1'000'000'000;
constexpr uint32_t PER_ENTRY = UINT32_MAX;
inline const doca_flow_fwd DROP = forward_of(DOCA_FLOW_FWD_DROP);

constexpr uint32_t SHARED_COUNTERS = 4;
constexpr uint32_t SHARED_METERS = 2;
constexpr uint32_t METERS = 3;

// A packet to ::`destination`, of so many octets in all.
inline Frame packet(uint8_t destination, uint32_t octets)
{
	constexpr uint32_t HEADERS = 14 + 40;
	return ip6_frame(1, destination, 17, Frame(octets - HEADERS));
}

inline void hit(uint8_t destination, uint32_t times = 1, uint32_t octets = 100)
{
	for (uint32_t i = 0; i < times; i++)
		arrive(vf, packet(destination, octets));
}

inline void set_time(uint64_t nanoseconds)
{
	OK(doca_soft_set_clock(nanoseconds));
}

// A root in which each entry has its destination.
inline doca_flow_pipe *root_with(const doca_flow_monitor &monitor, const doca_flow_fwd *fwd = &DROP, uint32_t entries = 16)
{
	doca_flow_pipe *root;
	PipeOptions options;
	options.is_root = true;
	options.entries = entries;
	options.match = match_on_address();
	options.monitor = monitor;
	options.fwd = fwd;
	options.miss = &DROP;
	OK(create(options, root));
	return root;
}

inline doca_error_t try_add(doca_flow_pipe *pipe, uint32_t destination, const doca_flow_monitor *monitor,
			    doca_flow_pipe_entry **entry = nullptr, uint16_t queue = 0)
{
	const doca_flow_match match = key(destination);
	return add_monitored(queue, pipe, &match, nullptr, monitor, nullptr, destination, entry);
}

inline doca_flow_pipe_entry *add(doca_flow_pipe *pipe, uint32_t destination, const doca_flow_monitor *monitor, uint16_t queue = 0)
{
	doca_flow_pipe_entry *entry;
	OK(try_add(pipe, destination, monitor, &entry, queue));
	process(queue);
	CHECK((reported() == std::vector<Completion>{{destination, queue, true, DOCA_FLOW_ENTRY_OP_ADD}}));
	return entry;
}

// Entries that have gone with their pipe are reported later.
inline void forget_reports()
{
	process(0);
	reported();
}

inline void remove(doca_flow_pipe_entry *entry, uint16_t queue = 0)
{
	OK(doca_flow_pipe_remove_entry(queue, 0, entry));
	process(queue);
	const std::vector<Completion> done = reported();
	CHECK(done.size() == 1 && done[0].succeeded && done[0].operation == DOCA_FLOW_ENTRY_OP_DEL);
}

inline void with_resources_of_the_library(doca_flow_cfg *cfg)
{
	OK(doca_flow_cfg_set_nr_shared_resource(cfg, SHARED_COUNTERS, DOCA_FLOW_SHARED_RESOURCE_COUNTER));
	OK(doca_flow_cfg_set_nr_shared_resource(cfg, SHARED_METERS, DOCA_FLOW_SHARED_RESOURCE_METER));
	OK(doca_flow_cfg_set_nr_meters(cfg, METERS));
}

inline void start_with_library_resources()
{
	configure_flow = with_resources_of_the_library;
	start();
}

inline void bind(doca_flow_shared_resource_type type, uint32_t id, void *to)
{
	OK(doca_flow_shared_resources_bind(type, &id, 1, to));
}

inline doca_flow_monitor own_meter(uint64_t cir, uint64_t cbs,
				   doca_flow_meter_limit_type limit = DOCA_FLOW_METER_LIMIT_TYPE_BYTES)
{
	doca_flow_monitor monitor = {};
	monitor.meter_type = DOCA_FLOW_RESOURCE_TYPE_NON_SHARED;
	monitor.non_shared_meter.limit_type = limit;
	monitor.non_shared_meter.cir = cir;
	monitor.non_shared_meter.cbs = cbs;
	return monitor;
}

} // namespace world
