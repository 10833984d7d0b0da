// Tests the queue of operations (native/addon/operations.h) with a library whose callbacks come at known moments: inside the call
// or after it, with success or failure, whatever the call returns. test/native/operations.test.ts builds and runs it.
#include <cstdio>
#include <deque>
#include <functional>

#include "../doca-soft/test/check.h"
#include "operations.h"

namespace {

// The reports of doca_flow_entries_process, one for each call.
std::deque<std::function<void()>> reports;

doca_flow_pipe_entry *entry(uintptr_t number)
{
	return reinterpret_cast<doca_flow_pipe_entry *>(number);
}

struct Bench {
	OperationQueue queue{nullptr, 0, 8};
	TrackedEntry record;
	bool failed = false;

	Bench() { record.failed = &failed; }

	void report(uintptr_t number, doca_flow_entry_op operation, bool succeeded)
	{
		OperationQueue::completed(record, entry(number), operation, succeeded);
	}
	// The call reports the outcome before it writes the entry and returns.
	doca_error_t add_inside(uintptr_t number, bool succeeds, doca_error_t returns)
	{
		return queue.add(record, &TrackedEntry::entry, [&](doca_flow_pipe_entry **made) {
			report(number, DOCA_FLOW_ENTRY_OP_ADD, succeeds);
			if (returns == DOCA_SUCCESS)
				*made = entry(number);
			return returns;
		});
	}
	doca_error_t add_later(uintptr_t number, doca_flow_pipe_entry *TrackedEntry::*place)
	{
		return queue.add(record, place, [&](doca_flow_pipe_entry **made) {
			*made = entry(number);
			return DOCA_SUCCESS;
		});
	}
	doca_error_t change_inside(doca_flow_entry_op operation, bool succeeds, doca_error_t returns)
	{
		doca_flow_pipe_entry *const of = record.entry;
		return queue.change(record, of, [&] {
			OperationQueue::completed(record, of, operation, succeeds);
			return returns;
		});
	}
	// Checks that nothing is in flight: otherwise the queue would ask for a report, and there is none.
	void check_idle()
	{
		CHECK(reports.empty() && record.pending_count == 0);
		queue.drain(record);
		queue.drain();
		queue.reserve(8);
	}
	// Checks that the queue waits for an operation that is reported later, and for nothing else.
	void check_counts()
	{
		check_idle();
		CHECK(add_later(99, &TrackedEntry::entry) == DOCA_SUCCESS && record.pending_count == 1);
		reports.push_back([this] { report(99, DOCA_FLOW_ENTRY_OP_ADD, true); });
		queue.drain();
		CHECK(record.entry == entry(99));
		check_idle();
	}
};

void later()
{
	Bench bench;
	CHECK(bench.add_later(1, &TrackedEntry::entry) == DOCA_SUCCESS && bench.record.entry == entry(1));
	reports.push_back([&] { bench.report(1, DOCA_FLOW_ENTRY_OP_ADD, false); });
	bench.queue.drain(bench.record);
	CHECK(bench.failed && bench.record.entry == nullptr);
	bench.check_counts();
}

void inside()
{
	Bench bench;
	CHECK(bench.add_inside(1, true, DOCA_SUCCESS) == DOCA_SUCCESS && bench.record.entry == entry(1) && !bench.failed);
	bench.check_idle();
	CHECK(bench.change_inside(DOCA_FLOW_ENTRY_OP_UPD, true, DOCA_SUCCESS) == DOCA_SUCCESS && bench.record.entry == entry(1));
	bench.check_idle();
	CHECK(bench.change_inside(DOCA_FLOW_ENTRY_OP_DEL, true, DOCA_SUCCESS) == DOCA_SUCCESS && bench.record.entry == nullptr);
	CHECK(!bench.failed);
	bench.check_counts();
}

void failed_inside()
{
	for (const doca_error_t returns : {DOCA_SUCCESS, DOCA_ERROR_DRIVER}) {
		Bench bench;
		// The entry that the call writes does not exist.
		CHECK(bench.add_inside(1, false, returns) == returns && bench.failed && bench.record.entry == nullptr);
		bench.check_idle();
		CHECK(bench.add_inside(2, true, DOCA_SUCCESS) == DOCA_SUCCESS);
		for (const doca_flow_entry_op operation : {DOCA_FLOW_ENTRY_OP_UPD, DOCA_FLOW_ENTRY_OP_DEL}) {
			bench.failed = false;
			CHECK(bench.change_inside(operation, false, returns) == returns && bench.failed);
			// The entry still exists.
			CHECK(bench.record.entry == entry(2));
			bench.check_idle();
		}
		bench.check_counts();
	}
}

// The device has done the operation although the call returns an error: the entry that the callback named exists, or is removed.
void done_inside_and_refused()
{
	Bench bench;
	CHECK(bench.add_inside(1, true, DOCA_ERROR_DRIVER) == DOCA_SUCCESS && bench.record.entry == entry(1));
	bench.check_idle();
	CHECK(bench.change_inside(DOCA_FLOW_ENTRY_OP_UPD, true, DOCA_ERROR_DRIVER) == DOCA_SUCCESS);
	bench.check_idle();
	CHECK(bench.change_inside(DOCA_FLOW_ENTRY_OP_DEL, true, DOCA_ERROR_DRIVER) == DOCA_SUCCESS &&
	      bench.record.entry == nullptr);
	CHECK(!bench.failed);
	bench.check_counts();
}

void refused()
{
	Bench bench;
	CHECK(bench.queue.add(bench.record, &TrackedEntry::entry, [](doca_flow_pipe_entry **) { return DOCA_ERROR_FULL; }) ==
	      DOCA_ERROR_FULL);
	CHECK(bench.record.entry == nullptr && !bench.failed);
	bench.check_idle();
	CHECK(bench.add_inside(1, true, DOCA_SUCCESS) == DOCA_SUCCESS);
	CHECK(bench.queue.change(bench.record, bench.record.entry, [] { return DOCA_ERROR_AGAIN; }) == DOCA_ERROR_AGAIN);
	CHECK(bench.record.entry == entry(1) && !bench.failed);
	bench.check_counts();
}

// An entry with crypto is two entries of DOCA. Each callback ends its own addition.
void two_of_a_record()
{
	for (const bool first_succeeds : {true, false}) {
		Bench bench;
		CHECK(bench.add_later(1, &TrackedEntry::list_entry) == DOCA_SUCCESS);
		// The first addition ends inside the second call, the second addition later.
		const doca_error_t result = bench.queue.add(bench.record, &TrackedEntry::entry, [&](doca_flow_pipe_entry **made) {
			bench.report(1, DOCA_FLOW_ENTRY_OP_ADD, first_succeeds);
			*made = entry(2);
			return DOCA_SUCCESS;
		});
		CHECK(result == DOCA_SUCCESS && bench.record.pending_count == 1 && bench.record.entry == entry(2));
		CHECK(bench.record.list_entry == (first_succeeds ? entry(1) : nullptr) && bench.failed != first_succeeds);
		reports.push_back([&] { bench.report(2, DOCA_FLOW_ENTRY_OP_ADD, true); });
		bench.queue.drain(bench.record);
		bench.check_counts();
	}
}

// Entries that are removed with their pipe are reported without an operation, at any time.
void unasked()
{
	Bench bench;
	bench.report(7, DOCA_FLOW_ENTRY_OP_DEL, true);
	const doca_error_t result = bench.queue.add(bench.record, &TrackedEntry::entry, [&](doca_flow_pipe_entry **made) {
		bench.report(7, DOCA_FLOW_ENTRY_OP_DEL, true);
		*made = entry(1);
		return DOCA_SUCCESS;
	});
	CHECK(result == DOCA_SUCCESS && bench.record.pending_count == 1 && bench.record.entry == entry(1));
	reports.push_back([&] { bench.report(7, DOCA_FLOW_ENTRY_OP_DEL, true); });
	reports.push_back([&] { bench.report(1, DOCA_FLOW_ENTRY_OP_ADD, true); });
	bench.queue.drain();
	CHECK(bench.record.entry == entry(1));
	// A second report.
	bench.report(1, DOCA_FLOW_ENTRY_OP_ADD, true);
	bench.check_idle();
	bench.report(1, DOCA_FLOW_ENTRY_OP_DEL, true);
	CHECK(bench.record.entry == nullptr && !bench.failed);
	bench.check_counts();
}

} // namespace

// Replaces the library's function.
doca_error_t doca_flow_entries_process(struct doca_flow_port *, uint16_t, uint64_t, uint32_t)
{
	CHECK(!reports.empty());
	const std::function<void()> report = reports.front();
	reports.pop_front();
	report();
	return DOCA_SUCCESS;
}

int main()
{
	later();
	inside();
	failed_inside();
	done_inside_and_refused();
	refused();
	two_of_a_record();
	unasked();
	puts("all is as it should be");
	return 0;
}
