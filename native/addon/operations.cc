#include "operations.h"

#include <algorithm>
#include <chrono>
#include <iterator>

#include "failure.h"

namespace {

// How long the device may take for what is in flight.
constexpr auto ANSWER_TIME = std::chrono::seconds(10);
constexpr uint64_t PROCESS_MICROSECONDS = 10000;

} // namespace

void OperationQueue::process(uint32_t at_most)
{
	const uint32_t before = in_flight_;
	const auto deadline = std::chrono::steady_clock::now() + ANSWER_TIME;
	while (in_flight_ == before) {
		check(doca_flow_entries_process(port_, queue_, PROCESS_MICROSECONDS, at_most), "waiting for entries");
		if (in_flight_ == before && std::chrono::steady_clock::now() > deadline)
			throw Failure(DOCA_ERROR_TIME_OUT, "waiting for entries");
	}
}

void OperationQueue::reserve(uint32_t operations)
{
	// The device goes on with the rest while more is handed over.
	while (in_flight_ > 0 && in_flight_ + operations > depth_)
		process(std::max(1u, depth_ / 4));
}

void OperationQueue::begin(EntryRecord &record, doca_flow_pipe_entry *entry, CallUnderWay &under_way)
{
	if (record.pending_count == std::size(record.pending))
		throw Failure(DOCA_ERROR_UNEXPECTED, "one more operation on an entry that has as many as it can have");
	record.queue = this;
	record.pending[record.pending_count++] = {entry, &under_way};
	in_flight_++;
}

doca_error_t OperationQueue::returned(EntryRecord &record, const CallUnderWay &under_way, doca_flow_pipe_entry *entry,
				      doca_error_t result)
{
	if (under_way.completed)
		return under_way.succeeded ? DOCA_SUCCESS : result;
	PendingOperation &operation = *std::find_if(record.pending, record.pending + record.pending_count,
						    [&](const PendingOperation &pending) { return pending.call == &under_way; });
	if (result == DOCA_SUCCESS)
		operation = {entry, nullptr};
	else
		end(record, operation);
	return result;
}

void OperationQueue::end(EntryRecord &record, PendingOperation &operation)
{
	operation = record.pending[--record.pending_count];
	in_flight_--;
}

void OperationQueue::completed(EntryRecord &record, doca_flow_pipe_entry *entry, doca_flow_entry_op operation, bool succeeded)
{
	PendingOperation *const last = record.pending + record.pending_count;
	const auto pending_on = [&](const doca_flow_pipe_entry *of) {
		return std::find_if(record.pending, last, [of](const PendingOperation &pending) { return pending.entry == of; });
	};
	PendingOperation *pending = pending_on(entry);
	if (pending == last && operation == DOCA_FLOW_ENTRY_OP_ADD)
		pending = pending_on(nullptr);
	// Else it was not asked for: the entry goes with its pipe.
	if (pending != last) {
		if (pending->call != nullptr)
			*pending->call = {true, succeeded, entry};
		record.queue->end(record, *pending);
		if (!succeeded && record.failed != nullptr)
			*record.failed = true;
	}
	const bool gone = operation == (succeeded ? DOCA_FLOW_ENTRY_OP_DEL : DOCA_FLOW_ENTRY_OP_ADD);
	if (gone && entry == record.entry)
		record.entry = nullptr;
	else if (gone && entry == record.list_entry)
		record.list_entry = nullptr;
}

void OperationQueue::drain(const EntryRecord &record)
{
	while (record.pending_count > 0)
		process(0);
}

void OperationQueue::drain()
{
	while (in_flight_ > 0)
		process(0);
}
