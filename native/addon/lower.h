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
#include "operations.h"
#include "program.h"

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

class LoweredProgram {
public:
	// Has no pipes yet.
	LoweredProgram(ProgramSpec program, LoweringDevice device);
	~LoweredProgram() { close(); }
	LoweredProgram(const LoweredProgram &) = delete;
	LoweredProgram &operator=(const LoweredProgram &) = delete;

	// Makes all pipes, without entries. Throws Failure, which names the pipe; close() is all that may follow then.
	void build();
	// Destroys the pipes. The program itself is to stay until the port is stopped: DOCA may come back to its records.
	void close();

	// Operations on one slot are done one after the other, those on several side by side until finish(). They throw
	// Failure when DOCA refuses at once; `failed` is set when it does later, up to finish(). What failed has changed
	// nothing, after an add once forget() was called.
	void add(uint32_t pipe, uint32_t slot, uint8_t action_index, const ValuesSpec &values, const ForwardSpec &forward,
		 bool *failed);
	// nullptr: stays as it is.
	void update(uint32_t pipe, uint32_t slot, const ValuesSpec *values, const ForwardSpec *forward, bool *failed);
	// Adds a control pipe's entry, or replaces the one in the slot.
	void put_control(uint32_t pipe, uint32_t slot, const ControlEntrySpec &entry, bool replaces, bool *failed);
	void remove(uint32_t pipe, uint32_t slot, bool *failed);
	// After an add, of a control pipe's entry as well, that failed later: nothing of it remains.
	void forget(uint32_t pipe, uint32_t slot);
	// Waits for all operations. Throws TIME_OUT when the device does not answer.
	void finish() { operations_.drain(); }
	// From now on no `failed` is set, whatever is still under way.
	void abandon();

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
	std::unique_ptr<ActionList> create_list(const PipeSpec &spec, const ActionsSpec &actions, const std::string &name,
						uint32_t size, const doca_flow_fwd &forward);
	uint32_t take_list_index(ActionList &list);
	// Hands the record's list entry over.
	doca_error_t add_list_entry(ActionList &list, const ActionsSpec &actions, const ValuesSpec &values, uint32_t index,
				    const doca_flow_fwd *forward, EntryRecord &record);
	// The part of an entry that stands in ordered lists goes.
	void drop_list_part(LoweredPipe &lowered, EntryRecord &record);
	// Hands one operation of a record over, and waits until it is done. Throws Failure, and nothing has changed then.
	void now(EntryRecord &record, const std::string &doing, const std::function<doca_error_t()> &hand_over);
	doca_error_t hand_over_removal(EntryRecord &record, doca_flow_pipe_entry *entry);
	// Removes what nobody wants any more. False: DOCA would not.
	bool take_back(EntryRecord &record, doca_flow_pipe_entry *entry);
	void fill_actions(const ActionsSpec &spec, const ValuesSpec *values, bool sets, bool crypto, doca_flow_actions &actions);
	EntryRecord &slot_of(uint32_t pipe, uint32_t slot, bool *failed);
	EntryRecord &new_record(uint32_t pipe, uint32_t slot, bool *failed);
	EntryRecord &present_record(uint32_t pipe, uint32_t slot, bool *failed);
	void hand_over_add(uint32_t pipe, EntryRecord &record, const ValuesSpec &values, const ForwardSpec &forward);
	CounterValue read_counter(const EntryRecord &record) const;
	void destroy_last();

	const ProgramSpec program_;
	LoweringDevice device_;
	OperationQueue operations_;
	std::vector<LoweredPipe> pipes_;
	// In the order in which they were made.
	std::vector<doca_flow_pipe *> made_;
	// Up to 3.1 numbers of mirrors, from 3.2 flooding pipes; by mirror, forward and domain.
	std::map<std::string, uint32_t> mirror_ids_;
	std::map<std::string, doca_flow_pipe *> floods_;
	// Of flooding pipes, and of lists that all entries share.
	std::deque<EntryRecord> own_records_;
	bool closed_ = false;
};
