// What becomes of a pipe of the program, and of its entries.
#pragma once

#include <deque>
#include <memory>
#include <optional>
#include <vector>

#include "operations.h"
#include "program.h"
#include "shape.h"

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

// What an entry was given, where an update of one part needs the other one.
struct GivenSpec {
	ValuesSpec values;
	ForwardSpec forward;
};

// An entry of PipeHAL.
struct EntryRecord : TrackedEntry {
	// Index of the list entry when it belongs to this entry alone.
	std::optional<uint32_t> list_index;
	// Entries of control pipes have an ordered list pipe of their own.
	doca_flow_pipe *own_list = nullptr;
	uint8_t action_index = 0;
	bool counted = false;
	// The addition failed in part, and DOCA did not remove the rest.
	bool unwanted = false;
	// What the entries that this one replaced had counted.
	CounterValue former;
	// All that was counted, once the entry was removed.
	CounterValue last;
	std::unique_ptr<GivenSpec> given;
};

// A pipe of the program with its pipe, or pipes, of DOCA.
struct LoweredPipe {
	doca_flow_pipe *pipe = nullptr;
	// Constants that a template cannot express, because all ones mean "each entry gives its own" there: every entry repeats
	// them.
	Match repeated{};
	std::vector<Actions> repeated_actions;
	// By action template; nullptr where the pipe's own actions do the crypto, or where there is none.
	std::vector<std::unique_ptr<ActionList>> lists;
	// Forwards of entries differ, so that the pipe's is changeable.
	bool changeable = false;
	// The entry of a control pipe that stands for its miss.
	EntryRecord miss;
	// By slot. A deque, because records must not move.
	std::deque<EntryRecord> slots;
	// What entries that are gone had counted.
	CounterValue former;
};
