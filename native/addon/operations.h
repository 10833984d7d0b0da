// Operations on entries that DOCA has not finished yet.
#pragma once

#include <cstdint>
#include <functional>
#include <string>

#include "compat.h"

class OperationQueue;

// State of a call that hands an operation over, until the call returns.
struct CallUnderWay {
	// Whether DOCA has called back inside the call, with which outcome, and for which entry.
	bool completed = false;
	bool succeeded = false;
	doca_flow_pipe_entry *entry = nullptr;
};

// An operation that DOCA has not finished.
struct PendingOperation {
	// nullptr for an addition whose entry DOCA has not named yet.
	doca_flow_pipe_entry *entry = nullptr;
	// nullptr once the call has returned.
	CallUnderWay *call = nullptr;
};

// The entries of DOCA behind one entry of PipeHAL, and the operations on them. Its address is the context of DOCA's callbacks,
// so the object must not move or go away before the port is stopped.
struct TrackedEntry {
	// nullptr while there is no such entry in the device.
	doca_flow_pipe_entry *entry = nullptr;
	// The second entry, in an ordered list, of an entry with crypto. Releases from 3.2 have it.
	doca_flow_pipe_entry *list_entry = nullptr;

	// Operations that DOCA has not finished, at most one on each of the two entries.
	OperationQueue *queue = nullptr;
	uint32_t pending_count = 0;
	PendingOperation pending[2];
	// Set when an operation fails after its call has returned; nullptr when nobody asks.
	bool *failed = nullptr;

	void *context() { return this; }
};

// The operations in flight on one of DOCA's queues. DOCA's callback ends in completed().
//
// An operation counts as in flight from before its call: DOCA may finish it inside the call, successfully or not, as it does
// with entries of control pipes. If the callback has come, it alone decides the outcome, whatever the call returns. If it has
// not, the call's result says whether DOCA took the operation.
class OperationQueue {
public:
	using HandOver = std::function<doca_error_t()>;

	OperationQueue(doca_flow_port *port, uint16_t number, uint32_t depth) : port_(port), number_(number), depth_(depth) {}

	// DOCA's number of the queue.
	uint16_t number() const { return number_; }

	// Makes room for that many more operations. Throws TIME_OUT when the device does not answer.
	void reserve(uint32_t operations);

	// Hands an addition over; `call` gets the place where DOCA writes the new entry. The entry is stored in `tracked.*place`,
	// unless the addition has failed by then.
	template <typename Call>
	doca_error_t add(TrackedEntry &tracked, doca_flow_pipe_entry *TrackedEntry::*place, const Call &call)
	{
		CallUnderWay under_way;
		begin(tracked, nullptr, under_way);
		doca_flow_pipe_entry *made = nullptr;
		const doca_error_t result = call(&made);
		if (under_way.completed ? under_way.succeeded : result == DOCA_SUCCESS)
			tracked.*place = under_way.completed ? under_way.entry : made;
		return returned(tracked, under_way, made, result);
	}
	// Hands an update or a removal of one of the two entries over.
	template <typename Call> doca_error_t change(TrackedEntry &tracked, doca_flow_pipe_entry *entry, const Call &call)
	{
		CallUnderWay under_way;
		begin(tracked, entry, under_way);
		return returned(tracked, under_way, entry, call());
	}
	// Hands the removal of one of the two entries over.
	doca_error_t remove(TrackedEntry &tracked, doca_flow_pipe_entry *entry);

	// Hands one operation over and waits until it is done. Throws Failure, in which case nothing has changed.
	void run(TrackedEntry &tracked, const std::string &doing, const HandOver &hand_over);
	// Removes an entry that must not stay, with several attempts. Returns false when DOCA did not remove it.
	bool take_back(TrackedEntry &tracked, doca_flow_pipe_entry *entry);

	// Waits until no operation on `tracked`, or none at all, is in flight. Throws TIME_OUT when the device does not answer.
	void drain(const TrackedEntry &tracked);
	void drain();
	// Ignores the outcome of all operations that are still in flight.
	void give_up() { given_up_ = true; }

	// To be called by DOCA's callback.
	static void completed(TrackedEntry &tracked, doca_flow_pipe_entry *entry, doca_flow_entry_op operation, bool succeeded);

private:
	void begin(TrackedEntry &tracked, doca_flow_pipe_entry *entry, CallUnderWay &under_way);
	doca_error_t returned(TrackedEntry &tracked, const CallUnderWay &under_way, doca_flow_pipe_entry *entry,
			      doca_error_t result);
	void end(TrackedEntry &tracked, PendingOperation &operation);
	// Waits for at least one completion and handles up to `at_most` of them; 0 means all that are there.
	void process(uint32_t at_most);

	doca_flow_port *port_;
	uint16_t number_;
	uint32_t depth_;
	uint32_t in_flight_ = 0;
	bool given_up_ = false;
};
