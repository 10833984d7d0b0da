// The application's queues of operations on entries, which the device does, and which the application is told of.
#pragma once

#include <cstdint>
#include <vector>

#include "mapping.h"
#include "pipe.h"
#include "spsc_ring.h"

namespace soft {

enum class EntryOperation : uint8_t { ADD, UPDATE, REMOVE };

// An entry operation that is handed to the datapath.
struct EntryCommand {
	doca_flow_pipe_entry *entry;
	// For UPDATE: the values that the entry takes over. The datapath frees them.
	EntryHot *update;
	UpdateParts parts;
	EntryOperation operation;
};

// The result of an entry operation. The record may belong to another entry by the time this is read.
struct EntryCompletion {
	doca_flow_pipe_entry *entry;
	void *user_ctx;
	EntryOperation operation;
	bool succeeded;
};

class EntryQueue {
public:
	EntryQueue(uint32_t depth, Completions how) : commands(depth), completions(depth), depth(depth), how_(how) {}
	~EntryQueue();
	EntryQueue(const EntryQueue &) = delete;
	EntryQueue &operator=(const EntryQueue &) = delete;

	// For the application's thread, in a call of doca_flow_entries_process. Whether the call has to end with nothing reported,
	// as if its time were over; to be asked once.
	bool is_too_early();
	// How many operations the call reports of those that it was asked for; 0 for all.
	uint32_t at_most(uint32_t asked_for) const { return how_ == Completions::ONE ? 1 : asked_for; }
	// Takes what is to be reported next. Returns false when there is nothing yet.
	bool take(EntryCompletion &done);

	SpscRing<EntryCommand> commands;
	SpscRing<EntryCompletion> completions;
	const uint32_t depth;
	// Operations that were handed over and are not reported. Used by the application's thread only, as what follows.
	uint32_t in_flight = 0;

private:
	const Completions how_;
	// Calls with operations in flight since the last one that was not too early.
	uint32_t calls_ = 0;
	uint32_t shuffle_ = 0;
	// What is done, in that order, and is reported in another one.
	std::vector<EntryCompletion> done_;
};

} // namespace soft
