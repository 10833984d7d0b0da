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

// An installed entry, or one on its way; its address is what DOCA's callbacks get.
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

	// Operations that DOCA has not finished; one that fails is told to `failed`.
	OperationQueue *queue = nullptr;
	uint32_t pending = 0;
	bool *failed = nullptr;
};

// Operations in flight. DOCA's callback ends in completed().
class OperationQueue {
public:
	OperationQueue(doca_flow_port *port, uint16_t queue, uint32_t depth) : port_(port), queue_(queue), depth_(depth) {}

	// Makes room for `operations` more. Throws TIME_OUT when the device does not answer.
	void reserve(uint32_t operations);
	// Counts an operation that was handed to DOCA.
	void submitted(EntryRecord &record);
	static void completed(EntryRecord &record, const doca_flow_pipe_entry *entry, doca_flow_entry_op operation,
			      bool succeeded);
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
