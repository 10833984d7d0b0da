#include "meter.h"

#include <algorithm>

#include "clock.h"
#include "log.h"

namespace soft {

using Wide = unsigned __int128;

void Meter::fill(Bucket &bucket, uint64_t size)
{
	bucket.size = size;
	bucket.tokens = size;
}

doca_error_t Meter::configure(const doca_flow_resource_meter_cfg &cfg, uint64_t now)
{
	if (cfg.limit_type != DOCA_FLOW_METER_LIMIT_TYPE_BYTES && cfg.limit_type != DOCA_FLOW_METER_LIMIT_TYPE_PACKETS)
		return invalid("a meter of limit_type %d", cfg.limit_type);
	if (cfg.color_mode != DOCA_FLOW_METER_COLOR_MODE_BLIND && cfg.color_mode != DOCA_FLOW_METER_COLOR_MODE_AWARE)
		return invalid("a meter of color_mode %d", cfg.color_mode);
	*this = {};
	algorithm_ = cfg.alg;
	aware_ = cfg.color_mode == DOCA_FLOW_METER_COLOR_MODE_AWARE;
	counts_packets_ = cfg.limit_type == DOCA_FLOW_METER_LIMIT_TYPE_PACKETS;
	start_ = now;
	committed_.rate = cfg.cir;
	fill(committed_, cfg.cbs);
	switch (cfg.alg) {
	case DOCA_FLOW_METER_ALGORITHM_TYPE_RFC2697:
		fill(other_, cfg.rfc2697.ebs);
		return DOCA_SUCCESS;
	case DOCA_FLOW_METER_ALGORITHM_TYPE_RFC2698:
		other_.rate = cfg.rfc2698.pir;
		fill(other_, cfg.rfc2698.pbs);
		return DOCA_SUCCESS;
	case DOCA_FLOW_METER_ALGORITHM_TYPE_RFC4115:
		other_.rate = cfg.rfc4115.eir;
		fill(other_, cfg.rfc4115.ebs);
		return DOCA_SUCCESS;
	}
	return invalid("a meter of algorithm %d", cfg.alg);
}

Wide Meter::newly_come(Bucket &bucket, uint64_t passed)
{
	// Counted from the start, so that no part of a token is lost however often it is asked for.
	const Wide come = std::max(Wide{passed} * bucket.rate / NANOSECONDS_PER_SECOND, bucket.come);
	const Wide fresh = come - bucket.come;
	bucket.come = come;
	return fresh;
}

Wide Meter::add(Bucket &bucket, Wide tokens)
{
	const Wide room = bucket.size - bucket.tokens;
	const Wide taken = std::min(tokens, room);
	bucket.tokens += static_cast<uint64_t>(taken);
	return tokens - taken;
}

doca_flow_meter_color Meter::take(uint64_t now, uint32_t octets, doca_flow_meter_color before)
{
	const uint64_t size = counts_packets_ ? 1 : octets;
	const uint64_t passed = now > start_ ? now - start_ : 0;
	const doca_flow_meter_color first = aware_ ? before : DOCA_FLOW_METER_COLOR_GREEN;
	const Wide rest = add(committed_, newly_come(committed_, passed));
	switch (algorithm_) {
	case DOCA_FLOW_METER_ALGORITHM_TYPE_RFC2697:
		// The second bucket gets what the first one has no room for.
		add(other_, rest);
		return take_rfc2697(size, first);
	case DOCA_FLOW_METER_ALGORITHM_TYPE_RFC2698:
		add(other_, newly_come(other_, passed));
		return take_rfc2698(size, first);
	default:
		add(other_, newly_come(other_, passed));
		return take_rfc4115(size, first);
	}
}

doca_flow_meter_color Meter::take_rfc2697(uint64_t size, doca_flow_meter_color before)
{
	if (before == DOCA_FLOW_METER_COLOR_GREEN && committed_.tokens >= size) {
		committed_.tokens -= size;
		return DOCA_FLOW_METER_COLOR_GREEN;
	}
	if (before != DOCA_FLOW_METER_COLOR_RED && other_.tokens >= size) {
		other_.tokens -= size;
		return DOCA_FLOW_METER_COLOR_YELLOW;
	}
	return DOCA_FLOW_METER_COLOR_RED;
}

doca_flow_meter_color Meter::take_rfc2698(uint64_t size, doca_flow_meter_color before)
{
	if (before == DOCA_FLOW_METER_COLOR_RED || other_.tokens < size)
		return DOCA_FLOW_METER_COLOR_RED;
	other_.tokens -= size;
	if (before == DOCA_FLOW_METER_COLOR_YELLOW || committed_.tokens < size)
		return DOCA_FLOW_METER_COLOR_YELLOW;
	committed_.tokens -= size;
	return DOCA_FLOW_METER_COLOR_GREEN;
}

// Unlike the other two, this RFC wants a token to be left.
doca_flow_meter_color Meter::take_rfc4115(uint64_t size, doca_flow_meter_color before)
{
	if (before == DOCA_FLOW_METER_COLOR_GREEN && committed_.tokens > size) {
		committed_.tokens -= size;
		return DOCA_FLOW_METER_COLOR_GREEN;
	}
	if (before != DOCA_FLOW_METER_COLOR_RED && other_.tokens > size) {
		other_.tokens -= size;
		return DOCA_FLOW_METER_COLOR_YELLOW;
	}
	return DOCA_FLOW_METER_COLOR_RED;
}

} // namespace soft
