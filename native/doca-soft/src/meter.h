// Meters: token buckets that give each packet a colour, by the algorithms of RFC 2697, RFC 2698 and RFC 4115.
#pragma once

#include <doca_flow.h>

namespace soft {

// Plain data, so that it may lie in an entry's record, which begins as zeros.
class Meter {
public:
	// Its buckets are full at `now`. Returns, and logs, INVALID_VALUE for an algorithm, a mode or a type that there is not.
	doca_error_t configure(const doca_flow_resource_meter_cfg &cfg, uint64_t now);
	// Takes a packet of so many octets at the time `now`, in nanoseconds. `before` is its colour so far, which counts in
	// mode AWARE. A time before the latest one is as if it were the latest.
	doca_flow_meter_color take(uint64_t now, uint32_t octets, doca_flow_meter_color before);

private:
	// Tokens come one by one, `rate` in a second, until there are `size`.
	struct Bucket {
		uint64_t rate;
		uint64_t size;
		uint64_t tokens;
		// How many have come since the start, also those that found the bucket full.
		unsigned __int128 come;
	};

	static void fill(Bucket &bucket, uint64_t size);
	// Returns how many tokens have come since the last call.
	static unsigned __int128 newly_come(Bucket &bucket, uint64_t passed);
	// Adds as many tokens as fit, and returns the others.
	static unsigned __int128 add(Bucket &bucket, unsigned __int128 tokens);
	doca_flow_meter_color take_rfc2697(uint64_t size, doca_flow_meter_color before);
	doca_flow_meter_color take_rfc2698(uint64_t size, doca_flow_meter_color before);
	doca_flow_meter_color take_rfc4115(uint64_t size, doca_flow_meter_color before);

	doca_flow_meter_algorithm_type algorithm_;
	bool aware_;
	bool counts_packets_;
	uint64_t start_;
	// C of the RFCs; and E, or P of RFC 2698.
	Bucket committed_;
	Bucket other_;
};

} // namespace soft
