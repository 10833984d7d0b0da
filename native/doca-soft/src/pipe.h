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

struct rte_hash;

namespace soft {

class Device;

// Copies go to `targets`, in order, before the packet itself goes on.
struct MirrorTargets {
	std::vector<Forward> targets;
	// Where the packet itself goes, if the mirror says so.
	bool has_original = false;
	Forward original;
};

// The part of an entry that every packet touches. Values of its actions follow in the same record.
struct alignas(64) EntryHot {
	uint64_t packets;
	uint64_t octets;
	uint32_t crypto_id;
	// Index in the pipe's actions.
	uint8_t action_index;
	bool counted;
	uint16_t mirror;
	Forward forward;
	uint8_t values[1];
};

// Octets that a control pipe's entries look at, together: all fields that there are fit.
constexpr uint32_t CONTROL_OCTETS_MAX = 256;

// A fixed match, over the octets of its pipe's fields: packet & mask == value.
struct FixedMatch {
	std::vector<MatchField> fields;
	uint32_t need = 0;
	uint8_t words = 0;
	uint64_t value[CONTROL_OCTETS_MAX / 8] = {};
	uint64_t mask[CONTROL_OCTETS_MAX / 8] = {};
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
	virtual void uninstall(doca_flow_pipe_entry &entry) = 0;
	// Takes over those parts of `update`, which was made by new_values().
	void update(doca_flow_pipe_entry &entry, const soft::EntryHot &update, soft::UpdateParts parts) const;

	// Application. nullptr when the pipe is full.
	doca_flow_pipe_entry *take_entry();
	void release_entry(doca_flow_pipe_entry *entry);
	// A record that is no entry's; freed with free().
	soft::EntryHot *new_values() const;
	// The octets of the key that `entry` is found by.
	uint8_t *key_of(const doca_flow_pipe_entry &entry) const;

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
	// Room for the entries; `value_octets` of actions and `key_octets` for each.
	void reserve(uint32_t value_octets, uint32_t key_octets);
	void count_miss(const soft::Packet &packet);
	// Sends the copies that mirror `number` asks for. False when the packet was lost in it.
	bool pass_mirror(soft::Packet &packet, uint16_t number, soft::Forward &result, soft::Datapath &datapath) const;

private:
	std::mutex mutex_;
	std::vector<uint32_t> free_slots_;
	uint32_t slots_used_ = 0;
	std::unique_ptr<doca_flow_pipe_entry[]> entries_;
	soft::HugeMemory hot_;
	soft::HugeMemory keys_;
	size_t hot_stride_ = 0;
	size_t key_stride_ = 0;
};

namespace soft {

// Reads the fields that a pipe compares into one buffer.
class KeyReader {
public:
	// Constants first, then what entries give, each area rounded up to words.
	void layout(std::vector<MatchField> fields);
	// False when the packet lacks a field or differs from a constant; else `key` holds what entries give.
	bool read(const Packet &packet, uint64_t *words) const;
	uint32_t key_octets() const { return key_words_ * 8; }
	uint32_t key_at_word() const { return constant_words_; }
	bool draws_random() const { return random_; }
	// The key of an entry that gives the values in `match`.
	void entry_key(const doca_flow_match *match, uint8_t *key) const;

private:
	struct Step {
		const FieldPlace *place;
		uint32_t at;
	};
	std::vector<MatchField> fields_;
	std::vector<Step> steps_;
	uint32_t need_ = 0;
	uint32_t constant_words_ = 0;
	uint32_t key_words_ = 0;
	bool random_ = false;
	uint64_t mask_[KEY_OCTETS_MAX / 8] = {};
	uint64_t constant_[KEY_OCTETS_MAX / 8] = {};
};

class BasicPipe : public doca_flow_pipe {
public:
	BasicPipe(std::vector<MatchField> fields, std::vector<Actions> actions, uint32_t entries);
	~BasicPipe() override;

	void process(Packet **packets, uint32_t count, Forward *results, Datapath &datapath) override;
	bool install(doca_flow_pipe_entry &entry) override;
	void uninstall(doca_flow_pipe_entry &entry) override;

	const KeyReader &reader() const { return reader_; }
	const std::vector<Actions> &actions() const { return actions_; }

private:
	void hit(Packet &packet, EntryHot &entry, Forward &result, Datapath &datapath);

	KeyReader reader_;
	std::vector<Actions> actions_;
	rte_hash *table_ = nullptr;
	// Without fields of entries there is one entry.
	EntryHot *only_ = nullptr;
	bool decrypts_ = false;
};

class ControlPipe : public doca_flow_pipe {
public:
	explicit ControlPipe(uint32_t entries);

	void process(Packet **packets, uint32_t count, Forward *results, Datapath &datapath) override;
	bool install(doca_flow_pipe_entry &entry) override;
	void uninstall(doca_flow_pipe_entry &entry) override;

private:
	void lay_out();

	std::vector<doca_flow_pipe_entry *> order_;
	uint64_t installed_ = 0;
	// All fields that any entry compares, and where they stand.
	struct Step {
		const FieldPlace *place;
		uint32_t at;
	};
	std::vector<Step> steps_;
	uint32_t words_ = 0;
	bool parser_fields_ = false;
	bool random_ = false;
};

// ORDERED_LIST: an index leads to an entry, whose elements are done in order.
class OrderedListPipe : public doca_flow_pipe {
public:
	OrderedListPipe(std::vector<std::vector<Actions>> lists, uint32_t entries);

	void process(Packet **packets, uint32_t count, Forward *results, Datapath &datapath) override;
	bool install(doca_flow_pipe_entry &entry) override;
	void uninstall(doca_flow_pipe_entry &entry) override;

	const std::vector<std::vector<Actions>> &lists() const { return lists_; }

private:
	std::vector<std::vector<Actions>> lists_;
	std::vector<doca_flow_pipe_entry *> by_index_;
};

// HASH with FLOODING: every entry gets the packet, in the order of their indices; the last one the packet itself.
class FloodingPipe : public doca_flow_pipe {
public:
	explicit FloodingPipe(uint32_t entries);

	void process(Packet **packets, uint32_t count, Forward *results, Datapath &datapath) override;
	bool install(doca_flow_pipe_entry &entry) override;
	void uninstall(doca_flow_pipe_entry &entry) override;

private:
	void collect();

	std::vector<doca_flow_pipe_entry *> by_index_;
	std::vector<Forward> targets_;
};

} // namespace soft
