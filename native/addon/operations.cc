#include "operations.h"

#include <algorithm>
#include <chrono>

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

void OperationQueue::submitted(EntryRecord &record)
{
	record.queue = this;
	record.pending++;
	in_flight_++;
}

void OperationQueue::completed(EntryRecord &record, const doca_flow_pipe_entry *entry, doca_flow_entry_op operation,
			       bool succeeded)
{
	// Told of without having been asked for: entries that go with their pipe.
	if (record.pending == 0)
		return;
	record.pending--;
	record.queue->in_flight_--;
	if (!succeeded && record.failed != nullptr)
		*record.failed = true;
	const bool gone = operation == (succeeded ? DOCA_FLOW_ENTRY_OP_DEL : DOCA_FLOW_ENTRY_OP_ADD);
	if (gone && entry == record.entry)
		record.entry = nullptr;
	else if (gone && entry == record.list_entry)
		record.list_entry = nullptr;
}

void OperationQueue::drain(const EntryRecord &record)
{
	while (record.pending > 0)
		process(0);
}

void OperationQueue::drain()
{
	while (in_flight_ > 0)
		process(0);
}
