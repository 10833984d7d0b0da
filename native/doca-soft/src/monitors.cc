#include "monitors.h"

#include <algorithm>
#include <new>

#include "clock.h"
#include "device.h"
#include "log.h"
#include "pipe.h"
#include "shared_monitors.h"

namespace soft {
namespace {

doca_error_t not_given(const doca_flow_pipe &pipe, const char *what)
{
	return invalid("pipe %s: an entry without %s, which its template leaves to entries", pipe.name.c_str(), what);
}

// Of a control pipe each entry has all of its own. Of other pipes it gives what the template leaves open.
doca_error_t merge(const doca_flow_pipe &pipe, const doca_flow_monitor *own, doca_flow_monitor &merged)
{
	if (pipe.type == DOCA_FLOW_PIPE_CONTROL) {
		merged = own == nullptr ? doca_flow_monitor{} : *own;
		return DOCA_SUCCESS;
	}
	merged = pipe.monitor;
	// An entry may leave the types to its template.
	if (own != nullptr && own->meter_type != DOCA_FLOW_RESOURCE_TYPE_NONE && own->meter_type != merged.meter_type)
		return invalid("pipe %s: an entry's meter of another type than its template's", pipe.name.c_str());
	if (own != nullptr && own->counter_type == DOCA_FLOW_RESOURCE_TYPE_SHARED && own->counter_type != merged.counter_type)
		return invalid("pipe %s: an entry's shared counter where its template has none", pipe.name.c_str());
	if (own != nullptr && own->aging_sec != 0 && merged.aging_sec == 0)
		return invalid("pipe %s: an entry's aging where its template has none", pipe.name.c_str());
	if (merged.counter_type == DOCA_FLOW_RESOURCE_TYPE_SHARED && merged.shared_counter.shared_counter_id == UINT32_MAX) {
		if (own == nullptr)
			return not_given(pipe, "a shared counter");
		merged.shared_counter = own->shared_counter;
	}
	if (merged.meter_type == DOCA_FLOW_RESOURCE_TYPE_SHARED && merged.shared_meter.shared_meter_id == UINT32_MAX) {
		if (own == nullptr)
			return not_given(pipe, "a shared meter");
		merged.shared_meter = own->shared_meter;
	}
	if (merged.meter_type == DOCA_FLOW_RESOURCE_TYPE_NON_SHARED) {
		const bool cir_open = merged.non_shared_meter.cir == UINT64_MAX;
		const bool cbs_open = merged.non_shared_meter.cbs == UINT64_MAX;
		if (own == nullptr && (cir_open || cbs_open))
			return not_given(pipe, "a meter");
		if (cir_open)
			merged.non_shared_meter.cir = own->non_shared_meter.cir;
		if (cbs_open)
			merged.non_shared_meter.cbs = own->non_shared_meter.cbs;
	}
	if (merged.aging_sec == UINT32_MAX) {
		if (own == nullptr)
			return not_given(pipe, "aging_sec");
		merged.aging_sec = own->aging_sec;
	}
	return DOCA_SUCCESS;
}

doca_error_t read_shared_meter(const doca_flow_pipe &pipe, const doca_flow_monitor &monitor, EntryMonitor &read)
{
	const uint32_t id = monitor.shared_meter.shared_meter_id;
	read.first_color = monitor.shared_meter.meter_init_color;
	if (read.first_color > DOCA_FLOW_METER_COLOR_GREEN)
		return invalid("pipe %s: meter_init_color %d", pipe.name.c_str(), read.first_color);
	read.shared_meter = pipe.device->shared().meter(id, pipe.device);
	if (read.shared_meter == nullptr)
		return invalid("pipe %s: shared meter %u is not there, not bound to the port, or not configured",
			       pipe.name.c_str(), id);
	return DOCA_SUCCESS;
}

} // namespace

doca_error_t SharedMeter::configure(const doca_flow_resource_meter_cfg &cfg)
{
	std::lock_guard<std::mutex> guard(mutex_);
	Meter made{};
	const doca_error_t result = made.configure(cfg, clock_nanoseconds());
	if (result != DOCA_SUCCESS)
		return result;
	meter_ = made;
	configured_.store(true, std::memory_order_release);
	return DOCA_SUCCESS;
}

doca_flow_meter_color SharedMeter::take(uint64_t now, uint32_t octets, doca_flow_meter_color before)
{
	std::lock_guard<std::mutex> guard(mutex_);
	return meter_.take(now, octets, before);
}

bool EntryMonitor::hit(Packet &packet, uint64_t now)
{
	last_hit = now;
	if (counter != nullptr)
		counter->count(packet.length);
	if (shared_meter != nullptr) {
		packet.color = shared_meter->take(now, packet.length, first_color);
		packet.have |= HAVE_COLOR;
	}
	return !metered || meter.take(now, packet.length, DOCA_FLOW_METER_COLOR_GREEN) == DOCA_FLOW_METER_COLOR_GREEN;
}

void EntryMonitor::take_over(const EntryMonitor &update)
{
	// Another thread may ask for the counter.
	__atomic_store_n(&counter, update.counter, __ATOMIC_RELAXED);
	shared_meter = update.shared_meter;
	first_color = update.first_color;
	aging_nanoseconds = update.aging_nanoseconds;
	meter = update.meter;
}

bool MonitoredEntries::enter(doca_flow_pipe_entry &entry)
{
	doca_flow_pipe &pipe = *entry.pipe;
	EntryMonitor &monitor = pipe.monitor_of(*entry.hot);
	if (monitor.ages) {
		bool fits = aging_.size() < AGING_ENTRIES_MAX;
		try {
			if (fits)
				aging_.push_back(&entry);
		} catch (const std::bad_alloc &) {
			fits = false;
		}
		if (!fits) {
			log_sdk(DOCA_LOG_LEVEL_ERROR, "pipe %s: no more entries can age; up to %u do", pipe.name.c_str(),
				AGING_ENTRIES_MAX);
			return false;
		}
		monitor.place = static_cast<uint32_t>(aging_.size() - 1);
		monitor.last_hit = clock_nanoseconds();
	}
	if (monitor.metered) {
		if (!meters_.take()) {
			if (monitor.ages)
				remove(monitor.place);
			log_sdk(DOCA_LOG_LEVEL_ERROR, "pipe %s: the port has no meter left", pipe.name.c_str());
			return false;
		}
		pipe.meters++;
	}
	return true;
}

void MonitoredEntries::remove(uint32_t place)
{
	doca_flow_pipe_entry *const last = aging_.back();
	aging_[place] = last;
	last->pipe->monitor_of(*last->hot).place = place;
	aging_.pop_back();
}

void MonitoredEntries::leave(doca_flow_pipe_entry &entry)
{
	const EntryMonitor &monitor = entry.pipe->monitor_of(*entry.hot);
	if (monitor.ages)
		remove(monitor.place);
	if (monitor.metered) {
		meters_.give_back(1);
		entry.pipe->meters--;
	}
}

void MonitoredEntries::leave(doca_flow_pipe &pipe)
{
	meters_.give_back(pipe.meters);
	pipe.meters = 0;
	for (size_t place = aging_.size(); place > 0; place--) {
		if (aging_[place - 1]->pipe == &pipe)
			remove(static_cast<uint32_t>(place - 1));
	}
}

void MonitoredEntries::look(uint16_t queue, uint32_t room, std::vector<AgedEntry> &aged)
{
	Cycle &cycle = cycles_[queue];
	const auto there = static_cast<uint32_t>(aging_.size());
	cycle.left = cycle.begun ? std::min(cycle.left, there) : there;
	cycle.begun = true;
	const uint64_t now = clock_nanoseconds();
	for (uint32_t looked = 0; cycle.left > 0 && looked < AGING_ENTRIES_PER_LOOK && aged.size() < room; looked++) {
		doca_flow_pipe_entry &entry = *aging_[--cycle.left];
		EntryMonitor &monitor = entry.pipe->monitor_of(*entry.hot);
		const uint64_t idle = now > monitor.last_hit ? now - monitor.last_hit : 0;
		if (monitor.queue != queue || monitor.aging_nanoseconds == 0 || idle < monitor.aging_nanoseconds)
			continue;
		if (monitor.is_told && monitor.told == monitor.last_hit)
			continue;
		monitor.is_told = true;
		monitor.told = monitor.last_hit;
		aged.push_back({&entry, entry.user_ctx});
		entry.pipe->submitted(entry);
	}
}

bool monitors_more(const doca_flow_monitor &monitor)
{
	return monitor.meter_type != DOCA_FLOW_RESOURCE_TYPE_NONE || monitor.aging_sec != 0 ||
	       monitor.counter_type == DOCA_FLOW_RESOURCE_TYPE_SHARED;
}

doca_error_t read_entry_monitor(doca_flow_pipe &pipe, const doca_flow_monitor *monitor, uint16_t queue, EntryMonitor &read)
{
	doca_flow_monitor merged{};
	const doca_error_t result = merge(pipe, monitor, merged);
	if (result != DOCA_SUCCESS)
		return result;
	read.queue = queue;
	read.ages = merged.aging_sec != 0 || pipe.monitor.aging_sec != 0;
	read.aging_nanoseconds = merged.aging_sec * NANOSECONDS_PER_SECOND;
	if (merged.counter_type == DOCA_FLOW_RESOURCE_TYPE_SHARED) {
		const uint32_t id = merged.shared_counter.shared_counter_id;
		read.counter = pipe.device->shared().counter(id, pipe.device);
		if (read.counter == nullptr)
			return invalid("pipe %s: shared counter %u is not there, or not bound to the port", pipe.name.c_str(),
				       id);
	}
	switch (merged.meter_type) {
	case DOCA_FLOW_RESOURCE_TYPE_NONE:
		return DOCA_SUCCESS;
	case DOCA_FLOW_RESOURCE_TYPE_SHARED:
		return read_shared_meter(pipe, merged, read);
	case DOCA_FLOW_RESOURCE_TYPE_NON_SHARED: {
		// One rate, whose excess is dropped.
		doca_flow_resource_meter_cfg cfg{};
		cfg.limit_type = merged.non_shared_meter.limit_type;
		cfg.cir = merged.non_shared_meter.cir;
		cfg.cbs = merged.non_shared_meter.cbs;
		read.metered = true;
		return read.meter.configure(cfg, clock_nanoseconds());
	}
	}
	return invalid("pipe %s: a meter of type %d", pipe.name.c_str(), merged.meter_type);
}

} // namespace soft
