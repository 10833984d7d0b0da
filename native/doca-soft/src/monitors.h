// What entries monitor besides their own counters: shared counters, meters, and aging.
#pragma once

#include <atomic>
#include <cstdint>
#include <mutex>
#include <vector>

#include <doca_flow.h>

#include "meter.h"
#include "packet.h"

struct doca_flow_pipe;
struct doca_flow_pipe_entry;

namespace soft {

// The most entries of a device that age.
constexpr uint32_t AGING_ENTRIES_MAX = 262'144;
// So many of them are looked at before the device does other work.
constexpr uint32_t AGING_ENTRIES_PER_LOOK = 4096;

// A counter of several entries, also of several devices.
struct SharedCounter {
	void count(uint32_t packet_octets)
	{
		packets.fetch_add(1, std::memory_order_relaxed);
		octets.fetch_add(packet_octets, std::memory_order_relaxed);
	}
	void read(doca_flow_resource_query &query) const
	{
		query.counter.total_pkts = packets.load(std::memory_order_relaxed);
		query.counter.total_bytes = octets.load(std::memory_order_relaxed);
	}
	void reset()
	{
		packets = 0;
		octets = 0;
	}

	std::atomic<uint64_t> packets{0};
	std::atomic<uint64_t> octets{0};
};

// A meter of several entries, also of several devices.
class SharedMeter {
public:
	doca_error_t configure(const doca_flow_resource_meter_cfg &cfg);
	void reset() { configured_ = false; }
	bool configured() const { return configured_.load(std::memory_order_acquire); }
	doca_flow_meter_color take(uint64_t now, uint32_t octets, doca_flow_meter_color before);

private:
	std::mutex mutex_;
	Meter meter_{};
	std::atomic<bool> configured_{false};
};

// How many of something there may be, and are.
class Budget {
public:
	explicit Budget(uint32_t max) : left_(max) {}
	bool take()
	{
		uint32_t left = left_.load();
		while (left > 0 && !left_.compare_exchange_weak(left, left - 1)) {
		}
		return left > 0;
	}
	void give_back(uint32_t count) { left_ += count; }

private:
	std::atomic<uint32_t> left_;
};

// Of an entry that monitors any of these, in its record, which begins as zeros. Once the entry is installed the datapath's thread
// owns it.
struct EntryMonitor {
	// Monitors a packet that has hit the entry. Returns false when the entry's own meter does not let it pass.
	bool hit(Packet &packet, uint64_t now);
	bool needs_time() const { return ages || metered || shared_meter != nullptr; }
	// Takes over what an update says.
	void take_over(const EntryMonitor &update);

	// nullptr without one.
	SharedCounter *counter;
	SharedMeter *shared_meter;
	// The colour that packets have before the shared meter, where it looks at that.
	doca_flow_meter_color first_color;
	// Whether it has a meter of its own.
	bool metered;
	// Whether it is among the entries that age. With a time of 0 it does not age for now.
	bool ages;
	// The queue that has added it, and is told.
	uint16_t queue;
	uint32_t place;
	uint64_t aging_nanoseconds;
	uint64_t last_hit;
	// The last hit before the application was told that the entry has aged.
	uint64_t told;
	bool is_told;
	Meter meter;
};

// An entry that has aged.
struct AgedEntry {
	doca_flow_pipe_entry *entry;
	void *user_ctx;
};

// The installed entries of a device that monitor any of these. The datapath's thread owns it.
class MonitoredEntries {
public:
	MonitoredEntries(uint32_t queues, Budget &meters) : meters_(meters), cycles_(queues) {}

	// To be called before an entry is installed. Returns false, and logs, when there is no room for it.
	bool enter(doca_flow_pipe_entry &entry);
	void leave(doca_flow_pipe_entry &entry);
	// To be called before a pipe goes, with all its entries.
	void leave(doca_flow_pipe &pipe);

	// Looks at some entries, and appends those of the queue that have aged and were not told, `room` at most. Each of them
	// has an operation outstanding then.
	void look(uint16_t queue, uint32_t room, std::vector<AgedEntry> &aged);
	// Whether all have been looked at since the last call of end_cycle().
	bool is_cycle_over(uint16_t queue) const { return cycles_[queue].begun && cycles_[queue].left == 0; }
	void end_cycle(uint16_t queue) { cycles_[queue] = {}; }

private:
	// Entries are looked at from the last to the first: one that takes the place of another that has left comes from behind,
	// where it was looked at before.
	struct Cycle {
		bool begun = false;
		uint32_t left = 0;
	};

	void remove(uint32_t place);

	Budget &meters_;
	std::vector<doca_flow_pipe_entry *> aging_;
	std::vector<Cycle> cycles_;
};

// Reads what an entry of a pipe monitors besides its own counter; nullptr where it leaves all to its template.
doca_error_t read_entry_monitor(doca_flow_pipe &pipe, const doca_flow_monitor *monitor, uint16_t queue, EntryMonitor &read);
// Whether a monitor asks for anything but a counter of its own and a mirror.
bool monitors_more(const doca_flow_monitor &monitor);

} // namespace soft
