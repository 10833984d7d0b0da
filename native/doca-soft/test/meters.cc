// Meters alone, against the RFCs written down once more (meter_reference.h). `meters SEED` repeats a seed.
#include "../src/meter.h"

#include "check.h"
#include "meter_reference.h"

using namespace soft;

namespace {

constexpr uint32_t SEEDS = 30;
constexpr uint32_t PACKETS = 2000;
constexpr doca_flow_meter_color GREEN = DOCA_FLOW_METER_COLOR_GREEN;
constexpr doca_flow_meter_color YELLOW = DOCA_FLOW_METER_COLOR_YELLOW;
constexpr doca_flow_meter_color RED = DOCA_FLOW_METER_COLOR_RED;

// Returns how many packets of each colour there were.
void colors_are_those_of_the_rfcs(uint32_t seed, uint64_t (&colors)[3])
{
	reference::Traffic traffic(seed);
	for (uint32_t combination = 0; combination < reference::Traffic::COMBINATIONS; combination++) {
		const uint64_t start = 1'000'000'007 * uint64_t{seed};
		const doca_flow_resource_meter_cfg cfg = traffic.cfg(combination);
		reference::Meter expected(cfg, start);
		Meter meter{};
		OK(meter.configure(cfg, start));
		uint64_t time = start;
		for (uint32_t i = 0; i < PACKETS; i++) {
			time = traffic.next(time, start);
			const uint32_t octets = traffic.octets();
			const doca_flow_meter_color before = traffic.color();
			const doca_flow_meter_color color = expected.arrives(time, octets, before);
			const doca_flow_meter_color got = meter.take(time, octets, before);
			if (color != got)
				fprintf(stderr, "seed %u, combination %u, packet %u of %u octets: %d instead of %d\n", seed,
					combination, i, octets, got, color);
			CHECK(color == got);
			colors[color]++;
		}
	}
}

// The first packets of RFC 4115's meter: a token has to be left. The other two take the last one.
void a_token_is_left_in_one_of_them()
{
	for (const auto algorithm : {DOCA_FLOW_METER_ALGORITHM_TYPE_RFC2697, DOCA_FLOW_METER_ALGORITHM_TYPE_RFC2698,
				     DOCA_FLOW_METER_ALGORITHM_TYPE_RFC4115}) {
		const bool leaves = algorithm == DOCA_FLOW_METER_ALGORITHM_TYPE_RFC4115;
		doca_flow_resource_meter_cfg cfg{};
		cfg.alg = algorithm;
		cfg.cbs = 100;
		if (algorithm == DOCA_FLOW_METER_ALGORITHM_TYPE_RFC2698)
			cfg.rfc2698.pbs = 100;
		Meter meter{};
		OK(meter.configure(cfg, 0));
		CHECK(meter.take(0, 100, GREEN) == (leaves ? RED : GREEN));
		CHECK(meter.take(0, 99, GREEN) == (leaves ? GREEN : RED));
	}
}

void extremes_are_no_trouble()
{
	doca_flow_resource_meter_cfg cfg{};
	cfg.alg = DOCA_FLOW_METER_ALGORITHM_TYPE_RFC2698;
	cfg.cir = cfg.cbs = cfg.rfc2698.pir = cfg.rfc2698.pbs = UINT64_MAX;
	Meter meter{};
	OK(meter.configure(cfg, 5));
	for (const uint64_t time : {uint64_t{0}, uint64_t{5}, uint64_t{1} << 62, UINT64_MAX, uint64_t{7}, UINT64_MAX})
		CHECK(meter.take(time, UINT32_MAX, RED) == GREEN);
	// Without a rate what is there is all; and time that goes back brings nothing twice.
	cfg = {};
	cfg.cbs = 10;
	OK(meter.configure(cfg, 0));
	CHECK(meter.take(UINT64_MAX, 10, GREEN) == GREEN && meter.take(UINT64_MAX, 1, GREEN) == RED);
	CHECK(meter.take(UINT64_MAX, 0, GREEN) == GREEN);
	cfg.cir = 1;
	OK(meter.configure(cfg, 0));
	CHECK(meter.take(9 * reference::SECOND, 10, GREEN) == GREEN);
	for (const uint64_t second : {9, 3, 9})
		CHECK(meter.take(second * reference::SECOND, 1, GREEN) == RED);
	CHECK(meter.take(10 * reference::SECOND, 1, GREEN) == GREEN);
}

void what_there_is_not_is_refused()
{
	Meter meter{};
	for (const int member : {0, 1, 2}) {
		doca_flow_resource_meter_cfg cfg{};
		const auto wrong = 3 - (member < 2);
		if (member == 0)
			cfg.limit_type = static_cast<doca_flow_meter_limit_type>(wrong);
		else if (member == 1)
			cfg.color_mode = static_cast<doca_flow_meter_color_mode>(wrong);
		else
			cfg.alg = static_cast<doca_flow_meter_algorithm_type>(wrong);
		CHECK(meter.configure(cfg, 0) == DOCA_ERROR_INVALID_VALUE);
	}
}

} // namespace

int main(int argc, char **argv)
{
	uint64_t colors[3] = {};
	const auto only = static_cast<uint32_t>(argc == 2 ? strtoul(argv[1], nullptr, 10) : 0);
	for (uint32_t seed = argc == 2 ? only : 1; seed <= (argc == 2 ? only : SEEDS); seed++)
		colors_are_those_of_the_rfcs(seed, colors);
	// All three are met often.
	CHECK(argc == 2 || (colors[RED] > 50'000 && colors[YELLOW] > 50'000 && colors[GREEN] > 50'000));
	a_token_is_left_in_one_of_them();
	extremes_are_no_trouble();
	what_there_is_not_is_refused();
	puts("all is as it should be");
	return 0;
}
