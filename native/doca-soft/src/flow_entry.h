// Operations on entries, without the signatures of the API, in which releases differ: flow_entry_up_to_3_2.cc and flow_entry_from_3_3.cc
// have those.
#pragma once

#include <cstdint>
#include <exception>

#include <doca_flow.h>

#include "api.h"
#include "device.h"
#include "pipe.h"

namespace soft {

// What all functions that add an entry are given.
struct Addition {
	uint16_t queue;
	doca_flow_pipe *pipe;
	const doca_flow_monitor *monitor;
	const doca_flow_fwd *fwd;
	void *user_ctx;
	doca_flow_pipe_entry **entry;
};

// What an entry of a control pipe is given besides.
struct ControlMatch {
	uint32_t priority;
	const doca_flow_match *match;
	const doca_flow_match *mask;
	const doca_flow_match_condition *condition;
};

struct ControlActions {
	const doca_flow_actions *actions;
	const doca_flow_actions *mask;
	const doca_flow_action_descs *descs;
};

doca_error_t add_basic(const Addition &addition, const doca_flow_match *match, uint8_t action_index,
		       const doca_flow_actions *actions);
doca_error_t add_control(const Addition &addition, const ControlMatch &match, const ControlActions &actions);
doca_error_t update_basic(uint16_t queue, doca_flow_pipe *pipe, uint8_t action_index, const doca_flow_actions *actions,
			  const doca_flow_monitor *monitor, const doca_flow_fwd *fwd, doca_flow_pipe_entry *entry);

// The queue for an operation on a pipe's entries: whether there is one, whether it has room, and whether a fault on purpose
// refuses the operation.
doca_error_t find_queue(const doca_flow_pipe &pipe, uint16_t number, EntryQueue *&queue);
// Reads the monitor and the forward of an entry, which `queue` is told of; nullptr leaves either to the template.
doca_error_t read_monitor_and_forward(doca_flow_pipe &pipe, uint16_t queue, const doca_flow_monitor *monitor,
				      const doca_flow_fwd *fwd, EntryHot &hot);

// An entry that was taken from its pipe, and goes back unless it is submitted.
class TakenEntry {
public:
	explicit TakenEntry(doca_flow_pipe &pipe) : entry_(pipe.take_entry()) {}
	~TakenEntry()
	{
		if (entry_ != nullptr)
			entry_->pipe->release_entry(entry_);
	}
	TakenEntry(const TakenEntry &) = delete;
	TakenEntry &operator=(const TakenEntry &) = delete;

	// Whether the pipe had one left.
	explicit operator bool() const { return entry_ != nullptr; }
	doca_flow_pipe_entry &operator*() const { return *entry_; }
	// Hands the entry over. The addition's place gets it only on success: an entry that has failed inside the call is none.
	doca_error_t submit(EntryQueue &queue, const Addition &addition);

private:
	doca_flow_pipe_entry *entry_;
};

// Adds an entry. `check` validates what is particular to the pipe's type and returns an error; `fill` reads the entry's values
// into the entry, and returns an error as well.
template <typename Check, typename Fill> doca_error_t add_entry(const Addition &addition, const Check &check, const Fill &fill)
try {
	REQUIRE(addition.pipe != nullptr);
	doca_flow_pipe &pipe = *addition.pipe;
	EntryQueue *queue = nullptr;
	doca_error_t result = check();
	if (result == DOCA_SUCCESS)
		result = find_queue(pipe, addition.queue, queue);
	if (result != DOCA_SUCCESS)
		return result;
	TakenEntry taken(pipe);
	if (!taken)
		return DOCA_ERROR_FULL;
	result = fill(*taken);
	if (result == DOCA_SUCCESS)
		result = read_monitor_and_forward(pipe, addition.queue, addition.monitor, addition.fwd, *(*taken).hot);
	return result == DOCA_SUCCESS ? taken.submit(*queue, addition) : result;
} catch (const std::exception &) {
	return DOCA_ERROR_NO_MEMORY;
}

} // namespace soft
