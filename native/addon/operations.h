// Operations on entries that DOCA has not finished yet.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>

#include "compat.h"
#include "program.h"

class OperationQueue;

// What an entry was given, where an update of a part needs the rest.
struct GivenSpec {
	ValuesSpec values;
	ForwardSpec forward;
};

struct CounterValue {
	uint64_t packets = 0;
	uint64_t octets = 0;

	CounterValue &operator+=(const CounterValue &other)
	{
		packets += other.packets;
		octets += other.octets;
		return *this;
	}
};

// How a call that hands an operation over goes on, while it has not returned.
struct CallUnderWay {
	// DOCA's callback came inside it, and named this entry.
	bool completed = false;
	bool succeeded = false;
	doca_flow_pipe_entry *entry = nullptr;
};

// An operation that DOCA has not finished.
struct PendingOperation {
	// nullptr: that of an addition, which DOCA has not named yet.
	doca_flow_pipe_entry *entry = nullptr;
	// nullptr: it has returned.
	CallUnderWay *call = nullptr;
};

// An installed entry, or one on its way; its address is what DOCA's callbacks get, until the port is stopped.
struct EntryRecord {
	// nullptr: there is none, or no more.
	doca_flow_pipe_entry *entry = nullptr;
	// From 3.2, where it has crypto: the ordered list's entry, its index if it is the entry's own, and for control entries
	// its pipe.
	doca_flow_pipe_entry *list_entry = nullptr;
	std::optional<uint32_t> list_index;
	doca_flow_pipe *own_list = nullptr;
	uint8_t action_index = 0;
	bool counted = false;
	// It failed in part, and DOCA would not take the rest of it back.
	bool unwanted = false;
	// Of entries that this one replaced.
	CounterValue former;
	// All that was counted, when it was removed.
	CounterValue last;

	std::unique_ptr<GivenSpec> given;

	// Operations that DOCA has not finished, one on each of its entries at most; one that fails is told to `failed`.
	OperationQueue *queue = nullptr;
	uint32_t pending_count = 0;
	PendingOperation pending[2];
	bool *failed = nullptr;
};

// Operations in flight. DOCA's callback ends in completed().
//
// An operation counts from before its call on: DOCA may finish it, well or not, inside the call, as it does with entries of
// control pipes. Where the callback has come, it alone says how the operation went, whatever the call returns; where it has
// not, the call says whether the operation was taken.
class OperationQueue {
public:
	OperationQueue(doca_flow_port *port, uint16_t queue, uint32_t depth) : port_(port), queue_(queue), depth_(depth) {}

	// Makes room for `operations` more. Throws TIME_OUT when the device does not answer.
	void reserve(uint32_t operations);
	// Hands an addition over: `call` gets the place for DOCA's entry. It ends in `record.*place`, unless the addition has
	// failed by then.
	template <typename Call>
	doca_error_t add(EntryRecord &record, doca_flow_pipe_entry *EntryRecord::*place, const Call &call)
	{
		CallUnderWay under_way;
		begin(record, nullptr, under_way);
		doca_flow_pipe_entry *made = nullptr;
		const doca_error_t result = call(&made);
		if (under_way.completed ? under_way.succeeded : result == DOCA_SUCCESS)
			record.*place = under_way.completed ? under_way.entry : made;
		return returned(record, under_way, made, result);
	}
	// Hands an update or a removal of one of the record's entries over.
	template <typename Call> doca_error_t change(EntryRecord &record, doca_flow_pipe_entry *entry, const Call &call)
	{
		CallUnderWay under_way;
		begin(record, entry, under_way);
		return returned(record, under_way, entry, call());
	}
	static void completed(EntryRecord &record, doca_flow_pipe_entry *entry, doca_flow_entry_op operation, bool succeeded);
	// Until nothing of `record`, or nothing at all, is in flight.
	void drain(const EntryRecord &record);
	void drain();
	uint16_t queue() const { return queue_; }

private:
	void begin(EntryRecord &record, doca_flow_pipe_entry *entry, CallUnderWay &under_way);
	doca_error_t returned(EntryRecord &record, const CallUnderWay &under_way, doca_flow_pipe_entry *entry,
			      doca_error_t result);
	void end(EntryRecord &record, PendingOperation &operation);
	// 0: whatever is done in a while.
	void process(uint32_t at_most);

	doca_flow_port *port_;
	uint16_t queue_;
	uint32_t depth_;
	uint32_t in_flight_ = 0;
};
