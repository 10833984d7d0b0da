// Entries that age when no packet hits them.
#include <algorithm>

#include "monitors.h"

using namespace world;

namespace {

// As many as the library takes, and looks at at once.
constexpr uint32_t AGING_ENTRIES_MAX = 262'144;
constexpr uint32_t AGING_ENTRIES_PER_LOOK = 4096;

doca_flow_monitor aging(uint32_t seconds)
{
	doca_flow_monitor monitor = {};
	monitor.aging_sec = seconds;
	return monitor;
}

// Has all that has aged told, in as many calls as it takes; returns whose they are.
std::vector<uintptr_t> aged(uint16_t queue = 0)
{
	std::vector<uintptr_t> told;
	int count;
	while ((count = doca_flow_aging_handle(pf_port, queue, FOREVER_MICROSECONDS, 0)) != -1) {
		CHECK(count > 0);
		const std::vector<Completion> completions = reported();
		CHECK(completions.size() == static_cast<size_t>(count));
		for (const Completion &one : completions) {
			CHECK(one.succeeded && one.operation == DOCA_FLOW_ENTRY_OP_AGED && one.queue == queue);
			told.push_back(one.ctx);
		}
	}
	CHECK(reported().empty());
	std::sort(told.begin(), told.end());
	return told;
}

using Contexts = std::vector<uintptr_t>;

void entries_age()
{
	set_time(100 * SECOND);
	start();
	doca_flow_pipe *const root = root_with(aging(PER_ENTRY));
	CHECK(try_add(root, 1, nullptr) == DOCA_ERROR_INVALID_VALUE);
	const doca_flow_monitor three = aging(3);
	const doca_flow_monitor five = aging(5);
	const doca_flow_monitor never = aging(0);
	doca_flow_pipe_entry *const first = add(root, 1, &five);
	add(root, 2, &five);
	add(root, 3, &three);
	doca_flow_pipe_entry *const fourth = add(root, 4, &never);
	add(root, 5, &five, 1);
	CHECK(aged().empty());
	set_time(103 * SECOND - 1);
	CHECK(aged().empty());
	set_time(103 * SECOND);
	CHECK(aged() == Contexts{3});
	hit(2);
	set_time(105 * SECOND);
	// Of each queue its own; each is told once.
	CHECK(aged() == Contexts{1});
	CHECK(aged().empty());
	CHECK(aged(1) == Contexts{5});
	CHECK(doca_flow_aging_handle(pf_port, PIPE_QUEUES, 0, 0) == 0);
	// One that packets find again ages anew.
	hit(1);
	set_time(108 * SECOND);
	CHECK(aged() == Contexts{2});
	set_time(110 * SECOND);
	CHECK(aged() == Contexts{1});
	// Until it is removed, packets find it.
	hit(3);
	CHECK(misses_of(root) == 0);
	// Other times than before.
	OK(update_monitor(0, root, &never, first));
	OK(update_monitor(0, root, &three, fourth));
	process(0);
	reported();
	set_time(1000 * SECOND);
	CHECK((aged() == Contexts{3, 4}));
	stop();
}

// The entries are removed in the callback that tells of them, as NVIDIA's sample does.
void remove_what_has_aged(doca_flow_pipe_entry *entry, uint16_t queue, doca_flow_entry_status status,
			  doca_flow_entry_op operation, void *ctx)
{
	entry_done(entry, queue, status, operation, ctx);
	if (operation == DOCA_FLOW_ENTRY_OP_AGED)
		OK(doca_flow_pipe_remove_entry(queue, 0, entry));
}

void what_has_aged_is_removed()
{
	constexpr uint32_t ENTRIES = 200;
	constexpr uint32_t QUEUE_DEPTH = 16;
	set_time(SECOND);
	configure_flow = [](doca_flow_cfg *cfg) {
		OK(doca_flow_cfg_set_queue_depth(cfg, QUEUE_DEPTH));
		OK(doca_flow_cfg_set_cb_entry_process(cfg, remove_what_has_aged));
	};
	start();
	doca_flow_pipe *const root = root_with(aging(2), &DROP, ENTRIES);
	for (uint32_t i = 0; i < ENTRIES; i++)
		add(root, i, nullptr);
	set_time(3 * SECOND);
	hit(7);
	// As many as there may be operations, or as are asked for.
	CHECK(doca_flow_aging_handle(pf_port, 0, FOREVER_MICROSECONDS, 5) == 5);
	CHECK(doca_flow_aging_handle(pf_port, 0, FOREVER_MICROSECONDS, 0) == QUEUE_DEPTH - 5);
	CHECK(doca_flow_aging_handle(pf_port, 0, FOREVER_MICROSECONDS, 0) == 0);
	uint32_t told = QUEUE_DEPTH;
	int count = 0;
	while (count != -1) {
		process(0);
		count = doca_flow_aging_handle(pf_port, 0, FOREVER_MICROSECONDS, 0);
		told += static_cast<uint32_t>(std::max(count, 0));
	}
	CHECK(told == ENTRIES - 1);
	uint32_t ended[DOCA_FLOW_ENTRY_OP_AGED + 1] = {};
	for (const Completion &one : reported())
		ended[one.operation]++;
	CHECK(ended[DOCA_FLOW_ENTRY_OP_AGED] == ENTRIES - 1 && ended[DOCA_FLOW_ENTRY_OP_DEL] == ENTRIES - 1);
	// Packets miss them, and find the one that is left.
	hit(8);
	hit(7);
	CHECK(misses_of(root) == 1);
	// Their places are there for others; nothing is told of a pipe that is gone.
	for (uint32_t i = 1000; i < 1000 + ENTRIES - 1; i++)
		add(root, i, nullptr);
	doca_flow_pipe_destroy(root);
	forget_reports();
	set_time(100 * SECOND);
	CHECK(doca_flow_aging_handle(pf_port, 0, FOREVER_MICROSECONDS, 0) == -1);
	CHECK(reported().empty());
	stop();
}

// Many are looked at in parts; and there are no more than so many.
void aging_has_limits()
{
	set_time(SECOND);
	start();
	doca_flow_pipe *const root = root_with(aging(2), &DROP, AGING_ENTRIES_MAX + 1);
	doca_flow_pipe_entry *first = nullptr;
	for (uint32_t i = 0; i < AGING_ENTRIES_MAX; i++) {
		const doca_flow_match match = key(i);
		while (add_monitored(0, root, &match, nullptr, nullptr, nullptr, i, i == 0 ? &first : nullptr) ==
		       DOCA_ERROR_AGAIN)
			process(0);
	}
	process(0);
	CHECK(reported().size() == AGING_ENTRIES_MAX);
	uint32_t calls = 0;
	while (doca_flow_aging_handle(pf_port, 0, 0, 0) == 0)
		calls++;
	CHECK(calls == AGING_ENTRIES_MAX / AGING_ENTRIES_PER_LOOK - 1);
	CHECK(aged().empty());
	OK(try_add(root, AGING_ENTRIES_MAX, nullptr));
	process(0);
	CHECK((reported() == std::vector<Completion>{{AGING_ENTRIES_MAX, 0, false, DOCA_FLOW_ENTRY_OP_ADD}}));
	remove(first);
	add(root, AGING_ENTRIES_MAX, nullptr);
	set_time(10 * SECOND);
	CHECK(aged().size() == AGING_ENTRIES_MAX);
	stop();
}

const Case CASES[] = {
	{"aging", entries_age},
	{"aged-entries", what_has_aged_is_removed},
	{"aging-limits", aging_has_limits},
};

} // namespace

int main(int argc, char **argv)
{
	return run_case("aging", CASES, argc, argv);
}
