// Pipes: tables of entries that decide what happens to a packet. The datapath's thread owns what it looks at; entries are
// prepared by the application's threads and handed over (device.h).
#pragma once

#include <atomic>
#include <memory>
#include <mutex>
#include <string>
#include <vector>

#include <doca_flow.h>

#include "actions.h"
#include "datapath.h"
#include "fields.h"
#include "huge_memory.h"
#include "packet_test.h"

namespace soft {

class Device;

// Copies go to `targets`, in order, before the packet itself goes on.
struct MirrorTargets {
	std::vector<Forward> targets;
	// Where the packet itself goes, if the mirror says so.
	bool has_original = false;
	Forward original;
};

// The part of an entry that every packet touches. In the same record follow the key that finds it, the values of its
// actions, and its forward, which is looked at where the pipe has none (doca_flow_pipe says where they lie).
struct EntryHot {
	// Counters are written by one thread and read by others.
	void count(uint32_t packet_octets)
	{
		if (!counted)
			return;
		__atomic_store_n(&packets, packets + 1, __ATOMIC_RELAXED);
		__atomic_store_n(&octets, octets + packet_octets, __ATOMIC_RELAXED);
	}

	uint64_t packets;
	uint64_t octets;
	uint32_t crypto_id;
	// Index in the pipe's actions.
	uint8_t action_index;
	bool counted;
	uint16_t mirror;
};

// What a control pipe's entry asks of a packet.
struct FixedMatch {
	std::vector<MatchField> fields;
	PacketTest test;
	bool has_condition = false;
	MatchField compared{};
	doca_flow_compare_op operation = DOCA_FLOW_COMPARE_EQ;
};

// What an update replaces.
struct UpdateParts {
	bool actions;
	bool forward;
	bool mirror;
};

// An entry that goes with its pipe. Its record may be gone by the time this is read.
struct GoneEntry {
	doca_flow_pipe_entry *entry;
	void *user_ctx;
};

// What a control pipe's entry has of its own.
struct OwnProgram {
	FixedMatch match;
	Actions actions;
};

} // namespace soft

struct doca_flow_pipe_entry {
	doca_flow_pipe *pipe = nullptr;
	void *user_ctx = nullptr;
	std::atomic<int> status{DOCA_FLOW_ENTRY_STATUS_IN_PROCESS};
	// Operations that were handed over and are not reported yet.
	std::atomic<uint32_t> outstanding{0};
	// Whether packets find it. The datapath's; others may look when nothing is outstanding.
	bool installed = false;
	// Slot in its pipe.
	uint32_t slot = 0;
	// Control pipes: 0 is the highest. Ordered lists and hash pipes: the caller's index.
	uint32_t index = 0;
	uint64_t order = 0;
	soft::EntryHot *hot = nullptr;
	std::unique_ptr<soft::OwnProgram> own;
};

struct doca_flow_pipe {
public:
	virtual ~doca_flow_pipe() = default;

	// Datapath. results[i].index comes in as the index that led here.
	virtual void process(soft::Packet **packets, uint32_t count, soft::Forward *results, soft::Datapath &datapath) = 0;
	// Datapath, between bursts. False: the entry could not be installed, and nothing changed.
	virtual bool install(doca_flow_pipe_entry &entry) = 0;
	// The entry is installed.
	virtual void uninstall(doca_flow_pipe_entry &entry) = 0;
	// Takes over those parts of `update`, which was made by new_values().
	void update(doca_flow_pipe_entry &entry, soft::EntryHot &update, soft::UpdateParts parts) const;

	// Application. nullptr when the pipe is full.
	doca_flow_pipe_entry *take_entry();
	void release_entry(doca_flow_pipe_entry *entry);
	// An operation on an entry was handed over, and was reported: with the last one goes an entry that is not installed.
	void submitted(doca_flow_pipe_entry &entry);
	void reported(doca_flow_pipe_entry &entry);
	// The device has it no more. Frees it when no operation is outstanding, or with the last one.
	void go();
	bool gone() const { return application_.gone; }
	// Adds the entries that packets find; nothing is outstanding, or the device is stopped.
	void append_installed(std::vector<soft::GoneEntry> &entries) const;
	// A record that is no entry's; freed with free().
	soft::EntryHot *new_values() const;
	// Parts of a record, an entry's or new_values()': the octets of its key, the values of its actions, its forward.
	static uint8_t *key_of(soft::EntryHot &hot) { return reinterpret_cast<uint8_t *>(&hot) + sizeof(soft::EntryHot); }
	uint8_t *values_of(soft::EntryHot &hot) const { return reinterpret_cast<uint8_t *>(&hot) + values_at_; }
	soft::Forward &forward_of(soft::EntryHot &hot) const
	{
		return *reinterpret_cast<soft::Forward *>(reinterpret_cast<uint8_t *>(&hot) + forward_at_);
	}

	soft::Device *device = nullptr;
	std::string name;
	doca_flow_pipe_type type = DOCA_FLOW_PIPE_BASIC;
	doca_flow_pipe_domain domain = DOCA_FLOW_PIPE_DOMAIN_DEFAULT;
	bool is_root = false;
	uint32_t entries_max = 0;
	soft::Forward forward;
	soft::Forward miss;
	bool miss_counted = false;
	std::atomic<uint64_t> miss_packets{0};
	std::atomic<uint64_t> miss_octets{0};
	bool counted = false;
	// Number of a mirror; 0: none.
	uint16_t mirror = 0;

protected:
	// Room for the entries; `value_octets` of actions and `key_octets`, in words of 64 bits, for each.
	void reserve(uint32_t value_octets, uint32_t key_octets);
	soft::EntryHot *record(uint32_t slot) const
	{
		return reinterpret_cast<soft::EntryHot *>(hot_.data() + slot * hot_stride_);
	}
	void count_miss(const soft::Packet &packet);
	// Sends the copies that mirror `number` asks for. False when the packet was lost in it.
	bool pass_mirror(soft::Packet &packet, uint16_t number, soft::Forward &result, soft::Datapath &datapath) const;

	soft::HugeMemory hot_;
	size_t hot_stride_ = 0;
	size_t values_at_ = 0;
	// Behind the values.
	size_t forward_at_ = 0;

private:
	void release_reference();

	// What the application's threads write with every operation, on lines that the datapath has no need of.
	struct alignas(64) ApplicationSide {
		// The device's, and one for each operation that is outstanding.
		std::atomic<uint32_t> references{1};
		std::atomic<bool> gone{false};
		std::mutex mutex;
		std::vector<uint32_t> free_slots;
		uint32_t slots_used = 0;
		std::unique_ptr<doca_flow_pipe_entry[]> entries;
	};
	ApplicationSide application_;
};

namespace soft {

struct PipeGoes {
	void operator()(doca_flow_pipe *pipe) const { pipe->go(); }
};
// A device's hold on a pipe.
using DevicePipe = std::unique_ptr<doca_flow_pipe, PipeGoes>;

} // namespace soft
