// What NVIDIA's own programs rely on beyond what is written: `reliance CASE` is one process, for EAL starts once. Built for each
// release (test/native/reliance.test.ts).
#include <doca_flow_tune_server.h>

#include "cases.h"
#include "world.h"

using namespace world;

namespace {

const doca_flow_fwd DROP = forward_of(DOCA_FLOW_FWD_DROP);
constexpr uint8_t ICMP6 = 58;
constexpr uint8_t NEIGHBOR_SOLICITATION = 135;

// The application ends where it cannot make this; a server it goes on without.
void the_tune_server_is_configured()
{
	doca_flow_tune_server_cfg *cfg = nullptr;
	CHECK(doca_flow_tune_server_cfg_create(nullptr) == DOCA_ERROR_INVALID_VALUE);
	OK(doca_flow_tune_server_cfg_create(&cfg));
	OK(doca_flow_tune_server_cfg_set_cfg_file_path(cfg, "/nowhere/tune.json"));
	CHECK(doca_flow_tune_server_init(cfg) == DOCA_ERROR_NOT_SUPPORTED);
	OK(doca_flow_tune_server_cfg_destroy(cfg));
	doca_flow_tune_server_destroy();
}

#if DOCA_SOFT_RELEASE_ >= 301
// The template says that packets go to the program, and each entry to which of its queues.
void entries_say_the_queues()
{
	start();
	doca_flow_fwd left_open = forward_of(DOCA_FLOW_FWD_RSS);
	left_open.rss_type = DOCA_FLOW_RESOURCE_TYPE_NON_SHARED;
	left_open.rss.nr_queues = -1;
	doca_flow_pipe *root;
	PipeOptions options;
	options.is_root = true;
	options.match = match_on_address();
	options.fwd = &left_open;
	options.miss = &DROP;
	OK(create(options, root));
	doca_flow_pipe_entry *entry;
	for (uint16_t queue = 0; queue < RX_QUEUES; queue++) {
		doca_flow_fwd fwd = to_queue(queue);
		fwd.rss.outer_flags = DOCA_FLOW_RSS_IPV6;
		const doca_flow_match match = key(10u + queue);
		OK(add_basic(0, root, &match, nullptr, &fwd, 0, &entry));
	}
	const doca_flow_match other = key(99);
	CHECK(add_basic(0, root, &other, nullptr, &left_open, 0, &entry) == DOCA_ERROR_INVALID_VALUE);
	CHECK(doca_flow_pipe_update_miss(root, &left_open) == DOCA_ERROR_NOT_SUPPORTED);
	process(0);
	for (uint8_t i = 0; i < 3; i++)
		arrive(vf, ip6_frame(1, 11, 17, Frame(8)));
	arrive(vf, ip6_frame(1, 10, 17, Frame(8)));
	CHECK(metadata_in(0).size() == 1 && metadata_in(1).size() == 3);
	stop();
}
#endif

// Neighbor solicitations, by a protocol of IPv6 without outer.l3_type, which would say that there is one.
void next_proto_without_a_selector_is_passed_over()
{
	start();
	doca_flow_pipe *root;
	PipeOptions options;
	options.type = DOCA_FLOW_PIPE_CONTROL;
	options.is_root = true;
	OK(create(options, root));
	doca_flow_match match = {};
	doca_flow_match mask = {};
	match.outer.ip6.next_proto = ICMP6;
	mask.outer.ip6.next_proto = 0xff;
	match.outer.l4_type_ext = DOCA_FLOW_L4_TYPE_EXT_ICMP6;
	memset(&mask.outer.l4_type_ext, 0xff, sizeof(mask.outer.l4_type_ext));
	match.outer.icmp.type = NEIGHBOR_SOLICITATION;
	mask.outer.icmp.type = 0xff;
	doca_flow_pipe_entry *solicitations;
	doca_flow_pipe_entry *others;
	OK(add_control(0, 1, root, &match, &mask, &DROP, 0, &solicitations));
	OK(add_control(0, 7, root, nullptr, nullptr, &DROP, 0, &others));
	// The same without a mask, and what else of the union nothing selects.
	doca_flow_pipe_entry *refused;
	OK(add_control(0, 2, root, &match, nullptr, &DROP, 0, &refused));
	mask.outer.ip6.hop_limit = 0xff;
	CHECK(add_control(0, 3, root, &match, &mask, &DROP, 0, &refused) == DOCA_ERROR_NOT_SUPPORTED);
	process(0);
	arrive(vf, ip6_frame(1, 2, ICMP6, {NEIGHBOR_SOLICITATION, 0, 0, 0, 0, 0, 0, 0}));
	arrive(vf, ip6_frame(1, 2, ICMP6, {NEIGHBOR_SOLICITATION + 1, 0, 0, 0, 0, 0, 0, 0}));
	arrive(vf, ip6_frame(1, 2, 17, {NEIGHBOR_SOLICITATION, 0, 0, 0, 0, 8, 0, 0}));
	CHECK(packets_of(solicitations) == 1 && packets_of(others) == 2);
	stop();
}

// Values under a mask that is equal are each entry's own: one without actions has the template's.
void entries_without_actions_do_the_templates()
{
	start();
	uint16_t queue = 0;
	const doca_flow_fwd to_program = to_queue(queue);
	doca_flow_actions actions = {};
	doca_flow_actions mask = {};
	actions.meta.pkt_meta = mask.meta.pkt_meta = rte_cpu_to_be_32(0x80);
	actions.meta.u32[1] = UINT32_MAX;
	mask.meta.u32[1] = UINT32_MAX;
	doca_flow_pipe *root;
	PipeOptions options;
	options.is_root = true;
	options.match = match_on_address();
	options.actions = &actions;
	options.actions_mask = &mask;
	options.fwd = &to_program;
	options.miss = &DROP;
	OK(create(options, root));
	doca_flow_pipe_entry *entry;
	const doca_flow_match without = key(1);
	const doca_flow_match with = key(2);
	doca_flow_actions own = {};
	OK(add_basic(0, root, &without, nullptr, nullptr, 0, &entry));
	OK(add_basic(0, root, &with, &own, nullptr, 0, &entry));
	process(0);
	arrive(vf, ip6_frame(9, 1, 17, Frame(8)));
	CHECK(metadata_in(0) == std::vector<uint32_t>{0x80});
	arrive(vf, ip6_frame(9, 2, 17, Frame(8)));
	CHECK(metadata_in(0) == std::vector<uint32_t>{0});
	stop();
}

// The entry of a session that is re-keyed comes before its former one goes.
void the_newest_of_equal_keys_counts()
{
	start();
	doca_flow_pipe *root;
	PipeOptions options;
	options.is_root = true;
	options.counted = true;
	options.fwd = &DROP;
	options.miss = &DROP;
	for (const bool has_key : {true, false}) {
		options.match = has_key ? match_on_address() : doca_flow_match{};
		OK(create(options, root));
		const doca_flow_match match = key(5);
		doca_flow_pipe_entry *entries[4];
		// How many packets each has had.
		uint64_t counts[4] = {};
		const auto hits = [&](uint32_t expected) {
			arrive(vf, ip6_frame(1, 5, 17, Frame(8)));
			counts[expected]++;
		};
		for (uint32_t i = 0; i < 4; i++) {
			OK(add_basic(0, root, &match, nullptr, nullptr, i, &entries[i]));
			process(0);
			CHECK((reported() == std::vector<Completion>{{i, 0, true, DOCA_FLOW_ENTRY_OP_ADD}}));
			hits(i);
		}
		const auto remove = [&](uint32_t i) {
			CHECK(packets_of(entries[i]) == counts[i]);
			OK(doca_flow_pipe_remove_entry(0, 0, entries[i]));
			process(0);
			CHECK((reported() == std::vector<Completion>{{i, 0, true, DOCA_FLOW_ENTRY_OP_DEL}}));
		};
		remove(1);
		hits(3);
		remove(3);
		hits(2);
		remove(0);
		hits(2);
		remove(2);
		// None is left.
		arrive(vf, ip6_frame(1, 5, 17, Frame(8)));
		CHECK(misses_of(root) == 1);
		OK(add_basic(0, root, &match, nullptr, nullptr, 7, &entries[0]));
		process(0);
		reported();
		arrive(vf, ip6_frame(1, 5, 17, Frame(8)));
		CHECK(packets_of(entries[0]) == 1);
		OK(doca_flow_pipe_remove_entry(0, 0, entries[0]));
		process(0);
		reported();
		doca_flow_pipe_destroy(root);
	}
	stop();
}

// Up to 3.1 a pipe takes more entries than it was configured for, each of which packets find.
void the_number_of_entries_is_a_hint()
{
	start();
	constexpr uint32_t EXPECTED = 3;
	constexpr uint32_t ROOM = DOCA_SOFT_RELEASE_ < 302 ? EXPECTED + 16384 : EXPECTED;
	doca_flow_pipe *pipe;
	PipeOptions options;
	options.entries = EXPECTED;
	options.counted = true;
	options.match = match_on_address();
	options.fwd = &DROP;
	options.miss = &DROP;
	OK(create(options, pipe));
	std::vector<doca_flow_pipe_entry *> entries(ROOM);
	for (uint32_t i = 0; i < ROOM; i++) {
		const doca_flow_match match = key(i);
		OK(add_basic(0, pipe, &match, nullptr, nullptr, i, &entries[i]));
		process(0);
		CHECK((reported() == std::vector<Completion>{{i, 0, true, DOCA_FLOW_ENTRY_OP_ADD}}));
	}
	doca_flow_pipe_entry *more;
	const doca_flow_match match = key(ROOM);
	CHECK(add_basic(0, pipe, &match, nullptr, nullptr, 0, &more) == DOCA_ERROR_FULL);
	// Packets find those that were added first, in the middle, and last.
	doca_flow_pipe *root;
	const doca_flow_fwd fwd = to_pipe(pipe);
	PipeOptions root_options;
	root_options.is_root = true;
	root_options.fwd = &fwd;
	root_options.miss = &DROP;
	OK(create(root_options, root));
	OK(add_basic(0, root, nullptr, nullptr, nullptr, 0, &more));
	process(0);
	for (uint32_t i : {0u, EXPECTED - 1, ROOM / 2, ROOM - 1}) {
		Frame frame = ip6_frame(1, 0, 17, Frame(8));
		const uint32_t destination = rte_cpu_to_be_32(i);
		memcpy(&frame[50], &destination, sizeof(destination));
		const uint64_t before = packets_of(entries[i]);
		arrive(vf, frame);
		CHECK(packets_of(entries[i]) == before + 1);
	}
	// And a control pipe as well.
	doca_flow_pipe *control;
	PipeOptions control_options;
	control_options.type = DOCA_FLOW_PIPE_CONTROL;
	control_options.entries = EXPECTED;
	OK(create(control_options, control));
	for (uint32_t i = 0; i <= EXPECTED; i++)
		CHECK(add_control(0, 0, control, nullptr, nullptr, &DROP, 0, &more) ==
		      (i < ROOM ? DOCA_SUCCESS : DOCA_ERROR_FULL));
	stop();
}

// An entry of a control pipe is complete when the call returns, unless the mapping file says otherwise.
void control_entries_are_complete_at_once()
{
	start();
	doca_flow_pipe *root;
	PipeOptions options;
	options.type = DOCA_FLOW_PIPE_CONTROL;
	options.is_root = true;
	OK(create(options, root));
	doca_flow_pipe_entry *entry;
	OK(add_control(0, 0, root, nullptr, nullptr, &DROP, 5, &entry));
	CHECK((reported() == std::vector<Completion>{{5, 0, true, DOCA_FLOW_ENTRY_OP_ADD}}));
	process(0);
	CHECK(reported().empty());
	stop();
}

void a_queue_gives_what_it_is_asked_for()
{
	start();
	doca_flow_pipe *pipe;
	PipeOptions options;
	options.match = match_on_address();
	options.fwd = &DROP;
	OK(create(options, pipe));
	// Nothing is pending.
	OK(doca_flow_entries_process(pf_port, 0, FOREVER_MICROSECONDS, 1));
	OK(doca_flow_entries_process(pf_port, 0, FOREVER_MICROSECONDS, 0));
	CHECK(reported().empty());
	doca_flow_pipe_entry *entries[3];
	for (uint32_t i = 0; i < 3; i++) {
		const doca_flow_match match = key(i);
		OK(add_basic(1, pipe, &match, nullptr, nullptr, i, &entries[i]));
	}
	// One, although more have ended; and those of another queue are not this one's.
	OK(doca_soft_quiesce(QUIESCE_MILLISECONDS));
	OK(doca_flow_entries_process(pf_port, 0, FOREVER_MICROSECONDS, 1));
	CHECK(reported().empty());
	OK(doca_flow_entries_process(pf_port, 1, FOREVER_MICROSECONDS, 1));
	CHECK((reported() == std::vector<Completion>{{0, 1, true, DOCA_FLOW_ENTRY_OP_ADD}}));
	// Fewer than it asks for, without waiting for those that do not come.
	OK(doca_flow_entries_process(pf_port, 1, FOREVER_MICROSECONDS, 100));
	CHECK((reported() ==
	       std::vector<Completion>{{1, 1, true, DOCA_FLOW_ENTRY_OP_ADD}, {2, 1, true, DOCA_FLOW_ENTRY_OP_ADD}}));
	// Removal by another queue than the one that has added.
	OK(doca_flow_pipe_remove_entry(0, 0, entries[2]));
	OK(doca_flow_entries_process(pf_port, 0, FOREVER_MICROSECONDS, 1));
	CHECK((reported() == std::vector<Completion>{{2, 0, true, DOCA_FLOW_ENTRY_OP_DEL}}));
	stop();
}

// Programs wait 10 ms for what a device does in microseconds, and take more for a failure: here the device is a thread, which on a busy
// machine does not even begin in that time. So what was handed over before is always reported, but to who does not wait at all.
void a_short_time_is_enough()
{
	start();
	doca_flow_pipe *pipe;
	PipeOptions options;
	options.match = match_on_address();
	options.fwd = &DROP;
	options.entries = 100;
	OK(create(options, pipe));
	constexpr uint64_t MICROSECOND = 1;
	for (uint32_t i = 0; i < options.entries; i++) {
		doca_flow_pipe_entry *entry;
		const doca_flow_match match = key(i);
		OK(add_basic(0, pipe, &match, nullptr, nullptr, i, &entry));
		OK(doca_flow_entries_process(pf_port, 0, MICROSECOND, 1));
		CHECK((reported() == std::vector<Completion>{{i, 0, true, DOCA_FLOW_ENTRY_OP_ADD}}));
	}
	stop();
}

// Up to 3.0 the number is enough for a representor's port.
void a_port_is_known_by_its_number()
{
	start();
	OK(doca_flow_port_stop(vf_port));
	const doca_error_t result = start_flow_port(pf + 1, nullptr, nullptr, vf_port);
	CHECK(result == (DOCA_SOFT_RELEASE_ < 301 ? DOCA_SUCCESS : DOCA_ERROR_INVALID_VALUE));
	if (result != DOCA_SUCCESS)
		OK(start_flow_port(pf + 1, nullptr, rep, vf_port));
	stop();
}

const Case CASES[] = {
	{"tune-server", the_tune_server_is_configured},
#if DOCA_SOFT_RELEASE_ >= 301
	{"queues-of-entries", entries_say_the_queues},
#endif
	{"next-proto", next_proto_without_a_selector_is_passed_over},
	{"no-actions", entries_without_actions_do_the_templates},
	{"equal-keys", the_newest_of_equal_keys_counts},
	{"hint", the_number_of_entries_is_a_hint},
	{"control-entries", control_entries_are_complete_at_once},
	{"queues", a_queue_gives_what_it_is_asked_for},
	{"short-time", a_short_time_is_enough},
	{"port-number", a_port_is_known_by_its_number},
};

} // namespace

int main(int argc, char **argv)
{
	return run_case("reliance", CASES, argc, argv);
}
