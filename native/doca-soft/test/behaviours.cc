// What a mapping file can have the library do otherwise: `behaviours CASE` is one process, for EAL starts once
// (test/native/behaviours.test.ts writes the mapping file of each case).
#include <algorithm>

#include "cases.h"
#include "world.h"

using namespace world;

namespace {

const doca_flow_fwd DROP = forward_of(DOCA_FLOW_FWD_DROP);

// A root that counts packets by their destination, or without a key all of them.
doca_flow_pipe *counting_root(bool has_key = true, uint32_t entries = 128)
{
	doca_flow_pipe *root;
	PipeOptions options;
	options.is_root = true;
	options.entries = entries;
	options.counted = true;
	options.match = has_key ? match_on_address() : doca_flow_match{};
	options.fwd = &DROP;
	options.miss = &DROP;
	OK(create(options, root));
	return root;
}

doca_flow_pipe_entry *add(uint16_t queue, doca_flow_pipe *pipe, uint8_t destination, uintptr_t ctx)
{
	const doca_flow_match match = key(destination);
	doca_flow_pipe_entry *entry = nullptr;
	OK(add_basic(queue, pipe, &match, nullptr, nullptr, ctx, &entry));
	return entry;
}

void packet_to(uint8_t destination)
{
	arrive(vf, ip6_frame(100, destination, 17, Frame(8)));
}

void process_at_most(uint16_t queue, uint32_t count)
{
	OK(doca_flow_entries_process(pf_port, queue, FOREVER_MICROSECONDS, count));
}

Completion added(uintptr_t ctx, uint16_t queue, bool succeeded = true)
{
	return {ctx, queue, succeeded, DOCA_FLOW_ENTRY_OP_ADD};
}

// completions = late
void every_third_call_does_and_reports()
{
	start();
	doca_flow_pipe *root = counting_root();
	doca_flow_pipe_entry *entry = nullptr;
	for (uint8_t i = 0; i < 3; i++)
		entry = add(1, root, i, i);
	for (int calls = 1; calls < 3; calls++) {
		// Another queue has nothing that could be late.
		process(0);
		process(1);
		CHECK(reported().empty());
		CHECK(doca_flow_pipe_entry_get_status(entry) == DOCA_FLOW_ENTRY_STATUS_IN_PROCESS);
		packet_to(0);
		CHECK(misses_of(root) == static_cast<uint64_t>(calls));
	}
	process_at_most(1, 2);
	CHECK((reported() == std::vector<Completion>{added(0, 1), added(1, 1)}));
	packet_to(2);
	CHECK(packets_of(entry) == 1);
	process(1);
	process(1);
	CHECK(reported().empty());
	process(1);
	CHECK((reported() == std::vector<Completion>{added(2, 1)}));
	// What waits for a call is done before the pipe goes.
	entry = add(1, root, 9, 9);
	doca_flow_pipe_destroy(root);
	CHECK(doca_flow_pipe_entry_get_status(entry) == DOCA_FLOW_ENTRY_STATUS_SUCCESS);
	for (int calls = 1; calls <= 3; calls++)
		process(1);
	CHECK(reported().empty());
	add(1, counting_root(), 9, 9);
	stop();
}

// completions = one
void each_call_reports_one()
{
	start();
	doca_flow_pipe *root = counting_root();
	doca_flow_pipe_entry *entries[3];
	for (uint8_t i = 0; i < 3; i++)
		entries[i] = add(0, root, i, i);
	process(0);
	CHECK((reported() == std::vector<Completion>{added(0, 0)}));
	// The others are there already.
	packet_to(2);
	CHECK(packets_of(entries[2]) == 1);
	process_at_most(0, 100);
	CHECK((reported() == std::vector<Completion>{added(1, 0)}));
	process_at_most(0, 1);
	CHECK((reported() == std::vector<Completion>{added(2, 0)}));
	process(0);
	CHECK(reported().empty());
	stop();
}

// Adds entries 0 to 15, and removes those with even numbers.
void operations_are_shuffled_in(doca_flow_pipe *pipe, uint32_t first_call)
{
	constexpr uint8_t ENTRIES = 16;
	for (uint8_t i = 0; i < ENTRIES; i++) {
		doca_flow_pipe_entry *entry = add(0, pipe, i, i);
		if (i % 2 == 0)
			OK(doca_flow_pipe_remove_entry(0, 0, entry));
	}
	process_at_most(0, first_call);
	CHECK(completions.size() == first_call);
	process(0);
	const std::vector<Completion> order = reported();
	CHECK(order.size() == ENTRIES * 3 / 2);
	bool in_order = true;
	for (uint8_t i = 0; i < ENTRIES; i++) {
		const auto here = std::find(order.begin(), order.end(), added(i, 0));
		CHECK(here != order.end());
		if (i % 2 == 0)
			CHECK(std::find(here, order.end(), Completion{i, 0, true, DOCA_FLOW_ENTRY_OP_DEL}) != order.end());
		in_order = in_order && here - order.begin() == i + (i + 1) / 2;
	}
	CHECK(!in_order);
}

// completions = shuffled
void order_is_none_of_the_programs()
{
	start();
	doca_flow_pipe *root = counting_root();
	operations_are_shuffled_in(root, 5);
	packet_to(0);
	CHECK(misses_of(root) == 1);
	doca_flow_pipe_destroy(root);

	// Of equal keys the newest counts: which one that is, is open between queues.
	constexpr uint8_t KEYS = 32;
	root = counting_root();
	doca_flow_pipe_entry *entries[2][KEYS];
	for (uint16_t queue = 0; queue < 2; queue++) {
		for (uint8_t i = 0; i < KEYS; i++)
			entries[queue][i] = add(queue, root, i, i);
	}
	packet_to(0);
	CHECK(misses_of(root) == 1);
	process(1);
	process(0);
	CHECK(reported().size() == size_t{2} * KEYS);
	uint64_t hits[2] = {};
	for (uint8_t i = 0; i < KEYS; i++) {
		packet_to(i);
		for (uint16_t queue = 0; queue < 2; queue++)
			hits[queue] += packets_of(entries[queue][i]);
	}
	CHECK(hits[0] + hits[1] == KEYS && hits[0] > 0 && hits[1] > 0);

	// What is done and what waits when the port stops.
	add(0, root, 40, 40);
	add(0, root, 41, 41);
	process_at_most(0, 1);
	CHECK(reported().size() == 1);
	add(0, root, 42, 42);
	stop();
}

// equal-keys = refused
void equal_keys_are_refused()
{
	start();
	for (const bool has_key : {true, false}) {
		doca_flow_pipe *root = counting_root(has_key);
		doca_flow_pipe_entry *first = add(0, root, 5, 1);
		add(0, root, 5, 2);
		process(0);
		CHECK((reported() == std::vector<Completion>{added(1, 0), added(2, 0, false)}));
		packet_to(5);
		CHECK(packets_of(first) == 1);
		// In one batch, the key is free when it is added again.
		OK(doca_flow_pipe_remove_entry(0, 0, first));
		doca_flow_pipe_entry *next = add(0, root, 5, 3);
		process(0);
		CHECK((reported() == std::vector<Completion>{{1, 0, true, DOCA_FLOW_ENTRY_OP_DEL}, added(3, 0)}));
		packet_to(5);
		CHECK(packets_of(next) == 1);
		if (has_key) {
			add(0, root, 6, 4);
			process(0);
			CHECK((reported() == std::vector<Completion>{added(4, 0)}));
		}
		OK(doca_flow_pipe_remove_entry(0, 0, next));
		process(0);
		reported();
		packet_to(5);
		CHECK(misses_of(root) == 1);
		doca_flow_pipe_destroy(root);
	}
	stop();
}

void pipes_take(bool more)
{
	constexpr uint32_t ENTRIES = 3;
	start();
	doca_flow_pipe *root = counting_root(true, ENTRIES);
	doca_flow_pipe *control;
	PipeOptions options;
	options.type = DOCA_FLOW_PIPE_CONTROL;
	options.entries = ENTRIES;
	OK(create(options, control));
	for (uint32_t i = 0; i <= ENTRIES; i++) {
		const doca_error_t expected = i < ENTRIES || more ? DOCA_SUCCESS : DOCA_ERROR_FULL;
		const doca_flow_match match = key(i);
		doca_flow_pipe_entry *entry;
		CHECK(add_basic(0, root, &match, nullptr, nullptr, i, &entry) == expected);
		CHECK(add_control(0, 0, control, nullptr, nullptr, &DROP, i, &entry) == expected);
	}
	process(0);
	packet_to(ENTRIES);
	CHECK(misses_of(root) == (more ? 0 : 1));
	stop();
}

// nr-entries = hint
void the_number_of_entries_is_a_hint()
{
	pipes_take(true);
}

// nr-entries = limit
void the_number_of_entries_is_a_limit()
{
	pipes_take(false);
}

const Case CASES[] = {
	{"late", every_third_call_does_and_reports}, {"one", each_call_reports_one},
	{"shuffled", order_is_none_of_the_programs}, {"refused", equal_keys_are_refused},
	{"hint", the_number_of_entries_is_a_hint},   {"limit", the_number_of_entries_is_a_limit},
};

} // namespace

int main(int argc, char **argv)
{
	return run_case("behaviours", CASES, argc, argv);
}
