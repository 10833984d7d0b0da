// The meters of RFC 2697, RFC 2698 and RFC 4115, written down once more from their text and not from src/meter.cc: every token comes by
// itself at its time. Slow, and for small rates.
#pragma once

#include <cstdint>
#include <random>

#include <doca_flow.h>

namespace reference {

using Cfg = doca_flow_resource_meter_cfg;
using Color = doca_flow_meter_color;

constexpr uint64_t SECOND = 1'000'000'000;

class Meter {
public:
	Meter(const Cfg &meter_cfg, uint64_t start) : cfg(meter_cfg), start_(start), tc(static_cast<int64_t>(cfg.cbs))
	{
		te = static_cast<int64_t>(is(DOCA_FLOW_METER_ALGORITHM_TYPE_RFC2697)   ? cfg.rfc2697.ebs
					  : is(DOCA_FLOW_METER_ALGORITHM_TYPE_RFC2698) ? cfg.rfc2698.pbs
										       : cfg.rfc4115.ebs);
		te_max = te;
	}

	Color arrives(uint64_t time, uint32_t octets, Color precolored)
	{
		// Tokens that come at this very time are there for the packet.
		while (comes_by(ticks_c + 1, cfg.cir, time)) {
			ticks_c++;
			if (tc < static_cast<int64_t>(cfg.cbs))
				tc++;
			else if (is(DOCA_FLOW_METER_ALGORITHM_TYPE_RFC2697) && te < te_max)
				te++;
		}
		const uint64_t second_rate = is(DOCA_FLOW_METER_ALGORITHM_TYPE_RFC2698)	  ? cfg.rfc2698.pir
					     : is(DOCA_FLOW_METER_ALGORITHM_TYPE_RFC4115) ? cfg.rfc4115.eir
											  : 0;
		while (comes_by(ticks_e + 1, second_rate, time)) {
			ticks_e++;
			if (te < te_max)
				te++;
		}
		const int64_t b = cfg.limit_type == DOCA_FLOW_METER_LIMIT_TYPE_PACKETS ? 1 : octets;
		const bool blind = cfg.color_mode == DOCA_FLOW_METER_COLOR_MODE_BLIND;
		switch (cfg.alg) {
		case DOCA_FLOW_METER_ALGORITHM_TYPE_RFC2697:
			return srtcm(b, blind || precolored == DOCA_FLOW_METER_COLOR_GREEN,
				     blind || precolored != DOCA_FLOW_METER_COLOR_RED);
		case DOCA_FLOW_METER_ALGORITHM_TYPE_RFC2698:
			return trtcm(b, !blind && precolored == DOCA_FLOW_METER_COLOR_RED,
				     !blind && precolored == DOCA_FLOW_METER_COLOR_YELLOW);
		default:
			return efficient(b, blind ? DOCA_FLOW_METER_COLOR_GREEN : precolored);
		}
	}

private:
	bool is(doca_flow_meter_algorithm_type algorithm) const { return cfg.alg == algorithm; }
	// Whether the token of this number has come, of `rate` in a second.
	bool comes_by(uint64_t number, uint64_t rate, uint64_t time) const { return number * SECOND <= (time - start_) * rate; }

	Color srtcm(int64_t b, bool may_be_green, bool may_be_yellow)
	{
		if (may_be_green && tc - b >= 0)
			return tc -= b, DOCA_FLOW_METER_COLOR_GREEN;
		if (may_be_yellow && te - b >= 0)
			return te -= b, DOCA_FLOW_METER_COLOR_YELLOW;
		return DOCA_FLOW_METER_COLOR_RED;
	}

	// te is Tp.
	Color trtcm(int64_t b, bool is_red, bool is_yellow)
	{
		if (is_red || te - b < 0)
			return DOCA_FLOW_METER_COLOR_RED;
		if (is_yellow || tc - b < 0)
			return te -= b, DOCA_FLOW_METER_COLOR_YELLOW;
		return te -= b, tc -= b, DOCA_FLOW_METER_COLOR_GREEN;
	}

	Color efficient(int64_t b, Color incoming)
	{
		switch (incoming) {
		case DOCA_FLOW_METER_COLOR_GREEN:
			if (tc - b > 0)
				return tc -= b, DOCA_FLOW_METER_COLOR_GREEN;
			[[fallthrough]];
		case DOCA_FLOW_METER_COLOR_YELLOW:
			if (te - b > 0)
				return te -= b, DOCA_FLOW_METER_COLOR_YELLOW;
			[[fallthrough]];
		default:
			return DOCA_FLOW_METER_COLOR_RED;
		}
	}

	const Cfg cfg;
	const uint64_t start_;
	int64_t tc;
	int64_t te = 0;
	int64_t te_max = 0;
	uint64_t ticks_c = 0;
	uint64_t ticks_e = 0;
};

// Traffic from a seed: meters of each algorithm, mode and limit in turn, and packets around the times at which tokens come.
class Traffic {
public:
	explicit Traffic(uint32_t seed) : random_(seed) {}

	// The number'th of the combinations, of which there are COMBINATIONS.
	static constexpr uint32_t COMBINATIONS = 12;
	Cfg cfg(uint32_t number)
	{
		Cfg cfg{};
		cfg.alg = static_cast<doca_flow_meter_algorithm_type>(number % 3);
		cfg.color_mode = static_cast<doca_flow_meter_color_mode>(number / 3 % 2);
		cfg.limit_type = static_cast<doca_flow_meter_limit_type>(number / 6 % 2);
		const bool packets = cfg.limit_type == DOCA_FLOW_METER_LIMIT_TYPE_PACKETS;
		const uint64_t rate = packets ? 40 : 5000;
		const uint64_t size = packets ? 12 : 2000;
		cfg.cir = up_to(rate);
		cfg.cbs = up_to(size);
		// Of the other members each is one of these two, whatever their order.
		cfg.rfc2698.pir = cfg.alg == DOCA_FLOW_METER_ALGORITHM_TYPE_RFC2697 ? up_to(size) : up_to(2 * rate);
		cfg.rfc2698.pbs = up_to(2 * size);
		rate_ = cfg.cir;
		return cfg;
	}
	// The time of the next packet after `time`.
	uint64_t next(uint64_t time, uint64_t start)
	{
		switch (up_to(3)) {
		case 0:
			return time + up_to(50'000'000);
		case 1:
			return time + up_to(1000);
		case 2:
			return time;
		default:
			if (rate_ == 0)
				return time + 1;
			// When the next token comes, or just before.
			const uint64_t tokens = (time - start) * rate_ / SECOND + 1;
			const uint64_t comes = start + (tokens * SECOND + rate_ - 1) / rate_ - up_to(1);
			return comes < time ? time : comes;
		}
	}
	uint32_t octets() { return static_cast<uint32_t>(up_to(3) == 0 ? up_to(1500) : 64 + up_to(64)); }
	Color color() { return static_cast<Color>(up_to(2)); }

private:
	uint64_t up_to(uint64_t most) { return std::uniform_int_distribution<uint64_t>(0, most)(random_); }

	std::mt19937 random_;
	uint64_t rate_ = 0;
};

} // namespace reference
