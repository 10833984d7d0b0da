// Pipes: tables of entries that decide what happens to a packet. The datapath's thread owns what it reads. The application's
// threads prepare entries and hand them over (device.h).
#pragma once

#include <atomic>
#include <memory>
#include <mutex>
#include <string>
#include <vector>

#include <doca_flow.h>

#include "actions.h"
#include "condition.h"
#include "datapath.h"
#include "fields.h"
#include "huge_memory.h"
#include "monitors.h"
#include "packet_test.h"
#include "trace_hooks.h"

namespace soft {

class Device;

// A mirror. Copies go to `targets`, in order, before the packet itself goes on.
struct MirrorTargets {
	std::vector<Forward> targets;
	// Whether the mirror says where the packet itself goes, and where.
	bool has_original = false;
	Forward original;
};

// A counter, which one thread writes and others read.
struct Counter {
	void count(uint32_t packet_octets)
	{
		__atomic_store_n(&packets, packets + 1, __ATOMIC_RELAXED);
		__atomic_store_n(&octets, octets + packet_octets, __ATOMIC_RELAXED);
	}
	void read(doca_flow_resource_query &query) const
	{
		query.counter.total_pkts = __atomic_load_n(&packets, __ATOMIC_RELAXED);
		query.counter.total_bytes = __atomic_load_n(&octets, __ATOMIC_RELAXED);
	}

	uint64_t packets;
	uint64_t octets;
};

// The part of an entry that every packet touches. It is followed in the same record by the key that finds it, the values of its
// actions, its forward, which counts when the pipe has none, and what it monitors besides the counter (doca_flow_pipe knows their
// offsets).
struct EntryHot {
	void count(uint32_t packet_octets)
	{
		if (counted)
			counter.count(packet_octets);
	}

	Counter counter;
	uint32_t crypto_id;
	// The index of the action template.
	uint8_t action_index;
	bool counted : 1;
	// Whether it has an EntryMonitor that is to look at its packets.
	bool monitored : 1;
	uint16_t mirror;
};

// The match of a control pipe's entry.
struct FixedMatch {
	std::vector<MatchField> fields;
	PacketTest test;
	bool has_condition = false;
	Condition condition;
};

// The parts of an entry that an update replaces.
struct UpdateParts {
	bool actions;
	bool forward;
	bool monitor;
};

// An entry that was removed with its pipe. Its record may be freed by the time this is read.
struct RemovedEntry {
	doca_flow_pipe_entry *entry;
	void *user_ctx;
};

// The match and the actions that each entry of a control pipe has of its own.
struct OwnProgram {
	FixedMatch match;
	Actions actions;
};

} // namespace soft

struct doca_flow_pipe_entry {
	doca_flow_pipe *pipe = nullptr;
	void *user_ctx = nullptr;
	std::atomic<int> status{DOCA_FLOW_ENTRY_STATUS_IN_PROCESS};
	// Number of operations that were handed over and are not reported yet.
	std::atomic<uint32_t> outstanding{0};
	// Whether packets find the entry. The datapath's thread owns it; others may read it when no operation is outstanding.
	bool installed = false;
	// The slot in its pipe.
	uint32_t slot = 0;
	// In control pipes the priority, of which 0 is the highest; in ordered lists and hash pipes the caller's index.
	uint32_t index = 0;
	uint64_t order = 0;
	// In basic pipes, where the newest entry of a key hides the others: the next newer and the next older of this key.
	doca_flow_pipe_entry *newer = nullptr;
	doca_flow_pipe_entry *older = nullptr;
	soft::EntryHot *hot = nullptr;
	std::unique_ptr<soft::OwnProgram> own;
};

struct doca_flow_pipe {
public:
	virtual ~doca_flow_pipe();

	// For the datapath. results[i].index is on entry the index that led to this pipe.
	virtual void process(soft::Packet **packets, uint32_t count, soft::Forward *results, soft::Datapath &datapath) = 0;
	// For the datapath, between bursts. Returns false, with nothing changed, when the entry could not be installed.
	virtual bool install(doca_flow_pipe_entry &entry) = 0;
	// The entry must be installed.
	virtual void uninstall(doca_flow_pipe_entry &entry) = 0;
	// To be called when forwards of entries were changed other than by install() and uninstall().
	virtual void forwards_changed() {}
	// Takes these parts of `update` over, which new_values() has made.
	void update(doca_flow_pipe_entry &entry, soft::EntryHot &update, soft::UpdateParts parts) const;

	// For the application. Returns nullptr when the pipe is full.
	doca_flow_pipe_entry *take_entry();
	void release_entry(doca_flow_pipe_entry *entry);
	// To be called when an operation on an entry was handed over, and when it was reported. The last report frees an entry
	// that is not installed.
	void submitted(doca_flow_pipe_entry &entry);
	void reported(doca_flow_pipe_entry &entry);
	// To be called when the device gives the pipe up. Frees it once no operation is outstanding.
	void detach();
	uint32_t slot_of(const soft::EntryHot &hot) const
	{
		return static_cast<uint32_t>((reinterpret_cast<const uint8_t *>(&hot) - hot_.data()) / hot_stride_);
	}
	bool detached() const { return application_.detached; }
	// Appends the installed entries. No operation may be outstanding, unless the device is stopped.
	void append_installed(std::vector<soft::RemovedEntry> &entries) const;
	// For the datapath, between bursts. Whatever of this pipe forwards to one of these, which go, drops from now on.
	void forget(const std::vector<const doca_flow_pipe *> &gone);
	// Makes a record that belongs to no entry. Free it with free().
	soft::EntryHot *new_values() const;
	// The parts of a record, of an entry or made by new_values(): the octets of the key, the values of the actions, the
	// forward.
	static uint8_t *key_of(soft::EntryHot &hot) { return reinterpret_cast<uint8_t *>(&hot) + sizeof(soft::EntryHot); }
	uint8_t *values_of(soft::EntryHot &hot) const { return reinterpret_cast<uint8_t *>(&hot) + values_at_; }
	soft::Forward &forward_of(soft::EntryHot &hot) const
	{
		return *reinterpret_cast<soft::Forward *>(reinterpret_cast<uint8_t *>(&hot) + forward_at_);
	}
	// Whether the records of the pipe's entries have room for an EntryMonitor; and where that is.
	bool has_monitors() const { return monitor_at_ != 0; }
	soft::EntryMonitor &monitor_of(soft::EntryHot &hot) const
	{
		return *reinterpret_cast<soft::EntryMonitor *>(reinterpret_cast<uint8_t *>(&hot) + monitor_at_);
	}

	soft::Device *device = nullptr;
	// As the trace names it.
	const uint32_t number = soft::trace::next_pipe_number();
	std::string name;
	doca_flow_pipe_type type = DOCA_FLOW_PIPE_BASIC;
	doca_flow_pipe_domain domain = DOCA_FLOW_PIPE_DOMAIN_DEFAULT;
	bool is_root = false;
	// How many entries it is made for, and how many it takes.
	uint32_t entries_expected = 0;
	uint32_t entries_max = 0;
	soft::Forward forward;
	soft::Forward miss;
	bool miss_counted = false;
	std::atomic<uint64_t> miss_packets{0};
	std::atomic<uint64_t> miss_octets{0};
	bool counted = false;
	// The number of the mirror; 0 for none.
	uint16_t mirror = 0;
	// The template of what entries monitor besides; without effect for control pipes.
	doca_flow_monitor monitor = {};
	// How many meters of their own installed entries have. The datapath's thread owns it.
	uint32_t meters = 0;

protected:
	// Allocates the entries. Each has `value_octets` for the values of actions, and `key_octets`, a multiple of 8. Of what
	// the pipe takes beyond what is expected, only what is used costs memory. `monitors`: whether entries may monitor more
	// than a counter of their own.
	void reserve(uint32_t value_octets, uint32_t key_octets, bool monitors);
	doca_flow_pipe_entry &entry_at(uint32_t slot) const
	{
		return reinterpret_cast<doca_flow_pipe_entry *>(application_.entries.data())[slot];
	}
	soft::EntryHot *record(uint32_t slot) const
	{
		return reinterpret_cast<soft::EntryHot *>(hot_.data() + slot * hot_stride_);
	}
	// Counts a packet that has hit an entry, and monitors it. Returns false when a meter does not let it pass.
	bool take_hit(soft::EntryHot &hot, soft::Packet &packet, soft::Datapath &datapath) const
	{
		datapath.note_hit(packet, hot);
		hot.count(packet.length);
		return !hot.monitored || monitor_hit(hot, packet, datapath);
	}
	void count_miss(const soft::Packet &packet);
	// Sends the copies of the mirror `number`. Returns false when the packet was lost.
	bool pass_mirror(soft::Packet &packet, uint16_t number, soft::Forward &result, soft::Datapath &datapath) const;

	soft::HugeMemory hot_;
	size_t hot_stride_ = 0;
	size_t values_at_ = 0;
	// The offset of the forward, after the values.
	size_t forward_at_ = 0;
	// The offset of the EntryMonitor, after the forward; 0 without one.
	size_t monitor_at_ = 0;

private:
	bool monitor_hit(soft::EntryHot &hot, soft::Packet &packet, soft::Datapath &datapath) const;
	void release_reference();

	// Members that the application's threads write with every operation, on cache lines that the datapath does not use.
	struct alignas(64) ApplicationSide {
		// One reference of the device, and one for each outstanding operation.
		std::atomic<uint32_t> references{1};
		std::atomic<bool> detached{false};
		std::mutex mutex;
		std::vector<uint32_t> free_slots;
		// The entries before this one exist.
		uint32_t slots_used = 0;
		soft::HugeMemory entries;
	};
	ApplicationSide application_;
};

namespace soft {

struct DetachPipe {
	void operator()(doca_flow_pipe *pipe) const { pipe->detach(); }
};
// A device's ownership of a pipe.
using DevicePipe = std::unique_ptr<doca_flow_pipe, DetachPipe>;

} // namespace soft
