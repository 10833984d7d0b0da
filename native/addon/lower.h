// A PipeProgram on a DOCA Flow port, in the two shapes that releases have: up to 3.1 crypto stands in a pipe's actions and
// copies are mirrors; from 3.2 crypto stands in ordered lists behind the pipe that matches, and copies are flooding hash
// pipes. Runs in the control thread; what is given to it has been checked against the program (src/hal/check-entry.ts).
#pragma once

#include <deque>
#include <functional>
#include <map>
#include <memory>
#include <string>
#include <unordered_map>
#include <vector>

#include "compat.h"
#include "failure.h"
#include "fields.h"
#include "program.h"

class OperationQueue;

// What an entry was given, where an update of a part needs the rest.
struct GivenSpec {
	ValuesSpec values;
	ForwardSpec forward;
};

// An installed entry, or one on its way; its address is what DOCA's callbacks get.
struct EntryRecord {
	doca_flow_pipe_entry *entry = nullptr;
	// From 3.2, where it has crypto: the ordered list's entry, its index, and for control entries its pipe.
	doca_flow_pipe_entry *list_entry = nullptr;
	uint32_t list_index = 0;
	doca_flow_pipe *own_list = nullptr;
	uint8_t action_index = 0;
	bool counted = false;
	// Of entries that this one replaced.
	uint64_t former_packets = 0;
	uint64_t former_octets = 0;

	std::unique_ptr<GivenSpec> given;

	// Operations that DOCA has not finished; one that fails is told to `failed`.
	OperationQueue *queue = nullptr;
	uint32_t pending = 0;
	bool *failed = nullptr;
};

struct CounterValue {
	uint64_t packets = 0;
	uint64_t octets = 0;
};

// What the lowering needs of the device.
struct LoweringDevice {
	// The switch port.
	doca_flow_port *port;
	// DPDK numbers of the logical ports.
	uint16_t dpdk_ports[2];
	std::vector<uint16_t> rss_queues;
	// Queue of entry operations, and how many may be in flight.
	uint16_t entry_queue;
	uint32_t queue_depth;
	// DOCA's number of a key slot.
	std::function<uint32_t(uint32_t)> crypto_id;
	// A free number of a mirror, up to 3.1.
	std::function<uint32_t()> take_mirror;
};

// Operations in flight. DOCA's callback ends in completed().
class OperationQueue {
public:
	OperationQueue(doca_flow_port *port, uint16_t queue, uint32_t depth) : port_(port), queue_(queue), depth_(depth) {}

	// Makes room for `operations` more. Throws TIME_OUT when the device does not answer.
	void reserve(uint32_t operations);
	// Counts an operation that was handed to DOCA.
	void submitted(EntryRecord &record);
	static void completed(EntryRecord &record, bool succeeded);
	// Until nothing of `record`, or nothing at all, is in flight.
	void drain(const EntryRecord &record);
	void drain();
	uint16_t queue() const { return queue_; }

private:
	// 0: whatever is done in a while.
	void process(uint32_t at_most);

	doca_flow_port *port_;
	uint16_t queue_;
	uint32_t depth_;
	uint32_t in_flight_ = 0;
};

class LoweredProgram {
public:
	// Makes all pipes, without entries. Throws Failure, which names the pipe; what was made is destroyed then.
	LoweredProgram(ProgramSpec program, LoweringDevice device);
	~LoweredProgram();
	LoweredProgram(const LoweredProgram &) = delete;
	LoweredProgram &operator=(const LoweredProgram &) = delete;

	// Operations on one slot are done one after the other, those on several side by side until finish(). They throw
	// Failure when DOCA refuses at once; `failed` is set when it does later, up to finish().
	void add(uint32_t pipe, uint32_t slot, uint8_t action_index, const ValuesSpec &values, const ForwardSpec &forward,
		 bool *failed);
	// nullptr: stays as it is.
	void update(uint32_t pipe, uint32_t slot, const ValuesSpec *values, const ForwardSpec *forward, bool *failed);
	// Adds a control pipe's entry, or replaces the one in the slot.
	void put_control(uint32_t pipe, uint32_t slot, const ControlEntrySpec &entry, bool *failed);
	void remove(uint32_t pipe, uint32_t slot, bool *failed);
	// After an add that failed: nothing of it remains.
	void forget(uint32_t pipe, uint32_t slot);
	// Waits for all operations.
	void finish() { operations_.drain(); }

	CounterValue entry_counter(uint32_t pipe, uint32_t slot);
	CounterValue miss_counter(uint32_t pipe);
	// Of all entries, former ones included.
	CounterValue total_counter(uint32_t pipe);

private:
	// An ordered list pipe that does what an action template says.
	struct ActionList {
		doca_flow_pipe *pipe = nullptr;
		// Nothing is left to entries: one list entry serves all.
		bool shared = false;
		EntryRecord shared_record;
		bool shared_failed = false;
		std::vector<uint32_t> free;
		uint32_t next = 0;
		uint32_t size = 0;
		bool after_actions = false;
	};
	struct LoweredPipe {
		doca_flow_pipe *pipe = nullptr;
		bool building = false;
		// Constants that a template cannot express, since all ones mean "of the entry": every entry repeats them.
		doca_flow_match repeated{};
		std::vector<doca_flow_actions> repeated_actions;
		std::vector<std::unique_ptr<ActionList>> lists;
		// Forwards of entries differ: the pipe's is changeable.
		bool changeable = false;
		// The catch-all of a control pipe.
		EntryRecord miss;
		std::deque<EntryRecord> slots;
		CounterValue former;
	};

	doca_flow_pipe *pipe_of(uint32_t index);
	void create_basic(uint32_t index);
	void create_control(uint32_t index);
	doca_flow_pipe *create(const PipeSpec &spec, doca_flow_pipe_type type, const std::string &name,
			       const std::function<void(doca_flow_pipe_cfg *)> &fill, const doca_flow_fwd *forward,
			       const doca_flow_fwd *miss);
	doca_flow_fwd forward_of(const ForwardSpec &forward);
	// Where packets go that `mirror` copies and that go on to `forward`: up to 3.1 with a mirror's number, from 3.2 to a
	// pipe that floods. False: there is no forward to give, the mirror itself has it.
	bool mirrored(const PipeSpec &from, int32_t mirror, const ForwardSpec &forward, doca_flow_fwd &fwd,
		      doca_flow_monitor &monitor);
	void add_field(const FieldSpec &field, doca_flow_match &match, doca_flow_match &mask, doca_flow_match *repeated);
	void write_port(doca_flow_match &match, const uint8_t *logical) const;
	// `own`: the control entry's record that the list is for; nullptr for a basic pipe's.
	std::unique_ptr<ActionList> create_list(const PipeSpec &spec, const ActionsSpec &actions, const std::string &name,
						uint32_t size, const doca_flow_fwd *forward, EntryRecord *own);
	uint32_t take_list_index(ActionList &list);
	void add_list_entry(ActionList &list, const ActionsSpec &actions, const ValuesSpec &values, uint32_t index,
			    const doca_flow_fwd *forward, EntryRecord &record, doca_flow_pipe_entry **entry);
	void fill_actions(const ActionsSpec &spec, const ValuesSpec *values, bool sets, bool crypto, doca_flow_actions &actions);
	EntryRecord &slot_of(uint32_t pipe, uint32_t slot, bool *failed);
	CounterValue read_counter(const EntryRecord &record) const;
	void destroy();

	const ProgramSpec program_;
	LoweringDevice device_;
	OperationQueue operations_;
	std::vector<LoweredPipe> pipes_;
	// In the order in which they were made.
	std::vector<doca_flow_pipe *> made_;
	// Up to 3.1 numbers of mirrors, from 3.2 flooding pipes; by mirror, forward and domain.
	std::map<std::string, uint32_t> mirror_ids_;
	std::map<std::string, doca_flow_pipe *> floods_;
	std::deque<EntryRecord> flood_records_;
};
