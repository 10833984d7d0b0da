#include "operations.h"

#include <algorithm>
#include <chrono>
#include <iterator>

#include "failure.h"

namespace {

// How long the device may take to answer.
constexpr auto ANSWER_TIME = std::chrono::seconds(10);
constexpr uint64_t PROCESS_MICROSECONDS = 10000;
// How often DOCA is asked to remove an entry of an operation that failed in part.
constexpr int TAKE_BACK_TRIES = 8;

} // namespace

void OperationQueue::process(uint32_t at_most)
{
	const uint32_t before = in_flight_;
	const auto deadline = std::chrono::steady_clock::now() + ANSWER_TIME;
	while (in_flight_ == before) {
		check(doca_flow_entries_process(port_, number_, PROCESS_MICROSECONDS, at_most), "waiting for entries");
		if (in_flight_ == before && std::chrono::steady_clock::now() > deadline)
			throw Failure(DOCA_ERROR_TIME_OUT, "waiting for entries");
	}
}

void OperationQueue::reserve(uint32_t operations)
{
	// Wait for a quarter of the queue only: the device works on the rest while more operations are handed over.
	while (in_flight_ > 0 && in_flight_ + operations > depth_)
		process(std::max(1u, depth_ / 4));
}

void OperationQueue::begin(TrackedEntry &tracked, doca_flow_pipe_entry *entry, CallUnderWay &under_way)
{
	if (tracked.pending_count == std::size(tracked.pending))
		throw Failure(DOCA_ERROR_UNEXPECTED, "one more operation on an entry that has as many as it can have");
	tracked.queue = this;
	tracked.pending[tracked.pending_count++] = {entry, &under_way};
	in_flight_++;
}

doca_error_t OperationQueue::returned(TrackedEntry &tracked, const CallUnderWay &under_way, doca_flow_pipe_entry *entry,
				      doca_error_t result)
{
	if (under_way.completed)
		return under_way.succeeded ? DOCA_SUCCESS : result;
	PendingOperation &operation = *std::find_if(tracked.pending, tracked.pending + tracked.pending_count,
						    [&](const PendingOperation &pending) { return pending.call == &under_way; });
	if (result == DOCA_SUCCESS)
		operation = {entry, nullptr};
	else
		end(tracked, operation);
	return result;
}

void OperationQueue::end(TrackedEntry &tracked, PendingOperation &operation)
{
	operation = tracked.pending[--tracked.pending_count];
	in_flight_--;
}

doca_error_t OperationQueue::remove(TrackedEntry &tracked, doca_flow_pipe_entry *entry)
{
	return change(tracked, entry, [&] { return doca_flow_pipe_remove_entry(number_, compat::NO_WAIT, entry); });
}

void OperationQueue::run(TrackedEntry &tracked, const std::string &doing, const HandOver &hand_over)
{
	bool failed = false;
	bool *const outer = tracked.failed;
	tracked.failed = &failed;
	try {
		reserve(1);
		check(hand_over(), doing);
		drain(tracked);
	} catch (const Failure &) {
		tracked.failed = outer;
		throw;
	}
	tracked.failed = outer;
	if (failed)
		throw Failure(DOCA_ERROR_DRIVER, doing);
}

bool OperationQueue::take_back(TrackedEntry &tracked, doca_flow_pipe_entry *entry)
{
	for (int tries = 0; tries < TAKE_BACK_TRIES; tries++) {
		try {
			run(tracked, "taking an entry back", [&] { return remove(tracked, entry); });
			return true;
		} catch (const Failure &failure) {
			if (failure.code == DOCA_ERROR_TIME_OUT)
				return false;
		}
	}
	return false;
}

void OperationQueue::completed(TrackedEntry &tracked, doca_flow_pipe_entry *entry, doca_flow_entry_op operation, bool succeeded)
{
	PendingOperation *const last = tracked.pending + tracked.pending_count;
	const auto pending_on = [&](const doca_flow_pipe_entry *of) {
		return std::find_if(tracked.pending, last, [of](const PendingOperation &pending) { return pending.entry == of; });
	};
	PendingOperation *pending = pending_on(entry);
	if (pending == last && operation == DOCA_FLOW_ENTRY_OP_ADD)
		pending = pending_on(nullptr);
	// Without a pending operation nobody asked for this one: the entry is removed together with its pipe.
	if (pending != last && !tracked.queue->given_up_) {
		if (pending->call != nullptr)
			*pending->call = {true, succeeded, entry};
		tracked.queue->end(tracked, *pending);
		if (!succeeded && tracked.failed != nullptr)
			*tracked.failed = true;
	}
	const bool gone = operation == (succeeded ? DOCA_FLOW_ENTRY_OP_DEL : DOCA_FLOW_ENTRY_OP_ADD);
	if (gone && entry == tracked.entry)
		tracked.entry = nullptr;
	else if (gone && entry == tracked.list_entry)
		tracked.list_entry = nullptr;
}

void OperationQueue::drain(const TrackedEntry &tracked)
{
	while (tracked.pending_count > 0)
		process(0);
}

void OperationQueue::drain()
{
	while (in_flight_ > 0)
		process(0);
}
