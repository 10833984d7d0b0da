// Meters of entries and shared ones, and the colours that they give packets.
#include <algorithm>

#include "by_release.h"
#include "meter_reference.h"
#include "monitors.h"

using namespace world;

namespace {

uint64_t received()
{
	return sent_by(wire).size();
}

doca_flow_fwd to_wire()
{
	doca_flow_fwd fwd = forward_of(DOCA_FLOW_FWD_PORT);
	fwd.port_id = pf;
	return fwd;
}

// A meter of an entry's own drops what is beyond its rate.
void entries_have_meters()
{
	set_time(1000 * SECOND);
	start_with_library_resources();
	const doca_flow_fwd fwd = to_wire();
	doca_flow_monitor left_open = own_meter(UINT64_MAX, UINT64_MAX);
	left_open.counter_type = DOCA_FLOW_RESOURCE_TYPE_NON_SHARED;
	doca_flow_pipe *const root = root_with(left_open, &fwd);
	CHECK(try_add(root, 1, nullptr) == DOCA_ERROR_INVALID_VALUE);
	const doca_flow_monitor slow = own_meter(100, 250);
	const doca_flow_monitor fast = own_meter(1'000'000, 1000);
	doca_flow_pipe_entry *const entry = add(root, 1, &slow);
	add(root, 2, &fast);
	hit(1, 5, 100);
	CHECK(received() == 2);
	hit(2, 5, 100);
	CHECK(received() == 5);
	// Both are what they are also after the meter.
	CHECK(packets_of(entry) == 5);
	// 50 tokens are left; the others come one by one.
	set_time(1000 * SECOND + SECOND / 2 - 1);
	hit(1, 1, 100);
	CHECK(received() == 0);
	set_time(1000 * SECOND + SECOND / 2);
	hit(1, 2, 100);
	CHECK(received() == 1);
	// No more than the burst, however long it takes.
	set_time(5000 * SECOND);
	hit(1, 5, 100);
	CHECK(received() == 2);
	// A meter that is updated begins full.
	const doca_flow_monitor more = own_meter(1, 1000);
	OK(update_monitor(0, root, &more, entry));
	process(0);
	reported();
	hit(1, 15, 100);
	CHECK(received() == 10);

	// One is left; none when it is used, and again when the entry or its pipe is gone.
	doca_flow_pipe_entry *const last = add(root, 3, &slow);
	OK(try_add(root, 4, &slow));
	process(0);
	CHECK((reported() == std::vector<Completion>{{4, 0, false, DOCA_FLOW_ENTRY_OP_ADD}}));
	remove(last);
	add(root, 4, &slow);
	doca_flow_pipe_destroy(root);
	forget_reports();
	doca_flow_pipe *const next = root_with(own_meter(2, 3, DOCA_FLOW_METER_LIMIT_TYPE_PACKETS), &fwd);
	for (uint32_t i = 1; i <= METERS; i++)
		add(next, i, nullptr);
	hit(1, 5, 1000);
	CHECK(received() == 3);
	set_time(5001 * SECOND);
	hit(1, 5, 1000);
	CHECK(received() == 2);
	doca_flow_port_pipes_flush(pf_port);
	forget_reports();
	doca_flow_pipe *const again = root_with(own_meter(2, 3), &fwd);
	for (uint32_t i = 1; i <= METERS; i++)
		add(again, i, nullptr);
	stop();
}

// A root with a shared meter, and behind it a control pipe that has an entry for each colour.
struct Colors {
	doca_flow_pipe *root;
	doca_flow_pipe *behind;
	doca_flow_pipe_entry *entries[3];
	uint64_t before[3] = {};

	explicit Colors(const doca_flow_monitor &monitor)
	{
		PipeOptions options;
		options.type = DOCA_FLOW_PIPE_CONTROL;
		OK(create(options, behind));
		for (const uint8_t color :
		     {DOCA_FLOW_METER_COLOR_RED, DOCA_FLOW_METER_COLOR_YELLOW, DOCA_FLOW_METER_COLOR_GREEN}) {
			doca_flow_match match = {};
			doca_flow_match mask = {};
			match.parser_meta.meter_color = static_cast<doca_flow_meter_color>(color);
			// Of the octet two bits.
			memset(&mask.parser_meta.meter_color, 3, sizeof(mask.parser_meta.meter_color));
			OK(add_control(0, 0, behind, &match, &mask, &DROP, 0, &entries[color]));
		}
		process(0);
		reported();
		static_assert(sizeof(doca_flow_match{}.parser_meta.meter_color) == 1);
		const doca_flow_fwd fwd = to_pipe(behind);
		root = root_with(monitor, &fwd);
	}

	// The colour of the packet that has come since the last call; -1 for none.
	int next()
	{
		int found = -1;
		for (int color = 0; color < 3; color++) {
			const uint64_t packets = packets_of(entries[color]);
			if (packets == before[color])
				continue;
			CHECK(found == -1 && packets == before[color] + 1);
			before[color] = packets;
			found = color;
		}
		return found;
	}
	int of(uint8_t destination, uint32_t octets)
	{
		hit(destination, 1, octets);
		return next();
	}
};

doca_flow_monitor shared_meter(uint32_t id, doca_flow_meter_color before = DOCA_FLOW_METER_COLOR_RED)
{
	doca_flow_monitor monitor = {};
	monitor.meter_type = DOCA_FLOW_RESOURCE_TYPE_SHARED;
	monitor.shared_meter.shared_meter_id = id;
	monitor.shared_meter.meter_init_color = before;
	return monitor;
}

void set_meter(uint32_t id, const doca_flow_resource_meter_cfg &meter)
{
	doca_flow_shared_resource_cfg cfg = {};
	cfg.meter_cfg = meter;
	OK(doca_flow_shared_resource_set_cfg(DOCA_FLOW_SHARED_RESOURCE_METER, id, &cfg));
}

void shared_meters_color()
{
	constexpr auto RED = DOCA_FLOW_METER_COLOR_RED;
	constexpr auto YELLOW = DOCA_FLOW_METER_COLOR_YELLOW;
	constexpr auto GREEN = DOCA_FLOW_METER_COLOR_GREEN;
	set_time(7 * SECOND);
	start_with_library_resources();
	Colors colors(shared_meter(PER_ENTRY));
	doca_flow_resource_meter_cfg cfg = {};
	cfg.alg = DOCA_FLOW_METER_ALGORITHM_TYPE_RFC2697;
	cfg.cir = 100;
	cfg.cbs = 300;
	cfg.rfc2697.ebs = 200;
	const doca_flow_monitor zero = shared_meter(0);
	const doca_flow_monitor missing = shared_meter(SHARED_METERS);
	bind(DOCA_FLOW_SHARED_RESOURCE_METER, 0, pf_port);
	// Not configured; and when it is, not bound.
	CHECK(try_add(colors.root, 1, &zero) == DOCA_ERROR_INVALID_VALUE);
	set_meter(0, cfg);
	set_meter(1, cfg);
	const doca_flow_monitor one = shared_meter(1);
	CHECK(try_add(colors.root, 1, &one) == DOCA_ERROR_INVALID_VALUE);
	CHECK(try_add(colors.root, 1, &missing) == DOCA_ERROR_INVALID_VALUE);
	CHECK(try_add(colors.root, 1, nullptr) == DOCA_ERROR_INVALID_VALUE);
	const doca_flow_monitor strange = shared_meter(0, static_cast<doca_flow_meter_color>(3));
	CHECK(try_add(colors.root, 1, &strange) == DOCA_ERROR_INVALID_VALUE);
	add(colors.root, 1, &zero);
	add(colors.root, 2, &zero);
	// Its tokens are those of both entries; nothing is dropped by the meter itself.
	CHECK(colors.of(1, 100) == GREEN);
	CHECK(colors.of(2, 200) == GREEN);
	CHECK(colors.of(1, 150) == YELLOW);
	CHECK(colors.of(2, 100) == RED);
	CHECK(colors.of(2, 54) == RED);
	set_time(9 * SECOND);
	CHECK(colors.of(2, 200) == GREEN);
	CHECK(colors.of(1, 60) == RED);

	// A meter that looks at the colour before, with a colour for each entry.
	cfg = {};
	cfg.alg = DOCA_FLOW_METER_ALGORITHM_TYPE_RFC4115;
	cfg.color_mode = DOCA_FLOW_METER_COLOR_MODE_AWARE;
	cfg.cbs = cfg.rfc4115.ebs = 1000;
	bind(DOCA_FLOW_SHARED_RESOURCE_METER, 1, nullptr);
	set_meter(1, cfg);
	uint8_t destination = 10;
	for (const auto before : {RED, YELLOW, GREEN}) {
		const doca_flow_monitor monitor = shared_meter(1, before);
		add(colors.root, destination, &monitor);
		CHECK(colors.of(destination++, 100) == before);
	}
	// What hits no entry is not among them; and configured anew a meter is full.
	CHECK(colors.of(99, 100) == -1);
	set_meter(1, cfg);
	CHECK(colors.of(static_cast<uint8_t>(destination - 1), 999) == GREEN);

	cfg.alg = static_cast<doca_flow_meter_algorithm_type>(3);
	doca_flow_shared_resource_cfg wrong = {};
	wrong.meter_cfg = cfg;
	CHECK(doca_flow_shared_resource_set_cfg(DOCA_FLOW_SHARED_RESOURCE_METER, 1, &wrong) == DOCA_ERROR_INVALID_VALUE);
	CHECK(colors.of(static_cast<uint8_t>(destination - 2), 500) == YELLOW);
	stop();
}

// A packet without a colour does not match any, not even red, which is 0.
void without_a_meter_there_is_no_color()
{
	start_with_library_resources();
	Colors colors({});
	add(colors.root, 1, nullptr);
	CHECK(colors.of(1, 100) == -1);
	stop();
}

#if DOCA_SOFT_RELEASE_ >= 302
// A copy, which is parsed anew, has the colour of its packet.
void copies_keep_their_color()
{
	set_time(SECOND);
	start_with_library_resources();
	Colors colors({});
	bind(DOCA_FLOW_SHARED_RESOURCE_METER, 0, pf_port);
	doca_flow_resource_meter_cfg cfg = {};
	cfg.cbs = cfg.rfc2697.ebs = 100;
	set_meter(0, cfg);
	doca_flow_pipe *flooding;
	doca_flow_pipe_cfg *pipe_cfg;
	OK(doca_flow_pipe_cfg_create(&pipe_cfg, pf_port));
	OK(doca_flow_pipe_cfg_set_type(pipe_cfg, DOCA_FLOW_PIPE_HASH));
	OK(doca_flow_pipe_cfg_set_nr_entries(pipe_cfg, 2));
	OK(doca_flow_pipe_cfg_set_hash_map_algorithm(pipe_cfg, DOCA_FLOW_PIPE_HASH_MAP_ALGORITHM_FLOODING));
	const doca_flow_fwd left_open = forward_of(DOCA_FLOW_FWD_CHANGEABLE);
	OK(doca_flow_pipe_create(pipe_cfg, &left_open, nullptr, &flooding));
	OK(doca_flow_pipe_cfg_destroy(pipe_cfg));
	const doca_flow_fwd to_colors = to_pipe(colors.behind);
	for (const uint32_t index : {0, 1})
		OK(doca_flow_pipe_hash_add_entry(0, flooding, index, 0, nullptr, nullptr, index == 0 ? &to_colors : &DROP,
						 NO_FLAGS, nullptr, nullptr));
	process(0);
	reported();
	doca_flow_pipe_destroy(colors.root);
	doca_flow_fwd fwd = forward_of(DOCA_FLOW_FWD_HASH_PIPE);
	fwd.hash_pipe.pipe = flooding;
	fwd.hash_pipe.algorithm = DOCA_FLOW_PIPE_HASH_MAP_ALGORITHM_FLOODING;
	doca_flow_pipe *const root = root_with(shared_meter(0), &fwd);
	add(root, 1, nullptr);
	CHECK(colors.of(1, 100) == DOCA_FLOW_METER_COLOR_GREEN);
	CHECK(colors.of(1, 100) == DOCA_FLOW_METER_COLOR_YELLOW);
	CHECK(colors.of(1, 100) == DOCA_FLOW_METER_COLOR_RED);
	stop();
}
#else
void copies_keep_their_color() {}
#endif

// Packets through pipes have the colours that the RFCs say.
void packets_have_the_colors_of_the_rfcs()
{
	set_time(SECOND);
	start_with_library_resources();
	Colors colors(shared_meter(PER_ENTRY));
	bind(DOCA_FLOW_SHARED_RESOURCE_METER, 0, pf_port);
	set_meter(0, {});
	for (const uint8_t before : {0, 1, 2}) {
		const doca_flow_monitor monitor = shared_meter(0, static_cast<doca_flow_meter_color>(before));
		add(colors.root, before + 1u, &monitor);
	}
	constexpr uint32_t SEED = 4115;
	constexpr uint32_t PACKETS = 60;
	reference::Traffic traffic(SEED);
	uint64_t time = SECOND;
	for (uint32_t combination = 0; combination < reference::Traffic::COMBINATIONS; combination++) {
		const uint64_t start = time;
		const doca_flow_resource_meter_cfg cfg = traffic.cfg(combination);
		reference::Meter expected(cfg, start);
		set_meter(0, cfg);
		for (uint32_t i = 0; i < PACKETS; i++) {
			time = traffic.next(time, start);
			set_time(time);
			const uint32_t octets = std::max(traffic.octets(), 60u);
			const doca_flow_meter_color before = traffic.color();
			const doca_flow_meter_color color = expected.arrives(time, octets, before);
			CHECK(colors.of(static_cast<uint8_t>(before + 1), octets) == color);
		}
	}
	stop();
}

const Case CASES[] = {
	{"own-meters", entries_have_meters},
	{"shared-meters", shared_meters_color},
	{"no-color", without_a_meter_there_is_no_color},
	{"copies", copies_keep_their_color},
	{"colors-of-the-rfcs", packets_have_the_colors_of_the_rfcs},
};

} // namespace

int main(int argc, char **argv)
{
	return run_case("entry_meters", CASES, argc, argv);
}
