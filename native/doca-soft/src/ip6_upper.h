// The upper layer of IPv6 packets, behind their extension headers.
#pragma once

#include "packet.h"

namespace soft {

constexpr uint8_t PROTOCOL_HOP_BY_HOP = 0;
constexpr uint8_t PROTOCOL_ROUTING = 43;
constexpr uint8_t PROTOCOL_FRAGMENT = 44;
constexpr uint8_t PROTOCOL_AH = 51;
constexpr uint8_t PROTOCOL_DESTINATION_OPTIONS = 60;

struct UpperLayer {
	bool found;
	bool fragment;
	// The upper layer began in an earlier fragment.
	bool continued;
	uint8_t protocol;
	int32_t offset;
	int32_t protocol_at;
};

inline bool is_ip6_extension(uint8_t protocol)
{
	return protocol == PROTOCOL_HOP_BY_HOP || protocol == PROTOCOL_ROUTING || protocol == PROTOCOL_DESTINATION_OPTIONS ||
	       protocol == PROTOCOL_AH || protocol == PROTOCOL_FRAGMENT;
}

// What find_ip6_upper() does for a packet that has extension headers.
UpperLayer skip_ip6_extensions(const uint8_t *frame, int32_t ip, int32_t end);

// Finds the upper layer. `ip` is the offset of the IPv6 header in `frame`, `end` the end of the packet. Most packets have no
// extension headers.
inline UpperLayer find_ip6_upper(const uint8_t *frame, int32_t ip, int32_t end)
{
	const uint8_t protocol = frame[ip + 6];
	if (is_ip6_extension(protocol))
		return skip_ip6_extensions(frame, ip, end);
	return {true, false, false, protocol, ip + static_cast<int32_t>(IP6_OCTETS), ip + 6};
}

} // namespace soft
