#include "ip6_upper.h"

namespace soft {
namespace {

// The size of the shortest extension header, and of the fragment header.
constexpr int32_t EXTENSION_OCTETS_MIN = 8;
// More extension headers than any legitimate packet has.
constexpr int EXTENSION_HEADERS_MAX = 16;

} // namespace

UpperLayer skip_ip6_extensions(const uint8_t *frame, int32_t ip, int32_t end)
{
	const UpperLayer none = {false, false, false, 0, -1, -1};
	int32_t protocol_at = ip + 6;
	int32_t at = ip + static_cast<int32_t>(IP6_OCTETS);
	bool fragment = false;
	for (int count = 0; count <= EXTENSION_HEADERS_MAX; count++) {
		const uint8_t protocol = frame[protocol_at];
		int32_t octets;
		switch (protocol) {
		case PROTOCOL_HOP_BY_HOP:
		case PROTOCOL_ROUTING:
		case PROTOCOL_DESTINATION_OPTIONS:
			if (at + EXTENSION_OCTETS_MIN > end)
				return none;
			octets = (frame[at + 1] + 1) * 8;
			break;
		case PROTOCOL_AH:
			if (at + EXTENSION_OCTETS_MIN > end)
				return none;
			octets = (frame[at + 1] + 2) * 4;
			break;
		case PROTOCOL_FRAGMENT: {
			if (at + EXTENSION_OCTETS_MIN > end)
				return none;
			octets = EXTENSION_OCTETS_MIN;
			const uint16_t offset_and_flags = load16(frame + at + 2);
			// A fragment header with offset 0 and no more fragments: the packet is whole (RFC 6946).
			fragment |= (offset_and_flags & 0xfff9) != 0;
			if ((offset_and_flags & 0xfff8) != 0)
				return {true, true, true, frame[at], at + octets, at};
			break;
		}
		default:
			return {true, fragment, false, protocol, at, protocol_at};
		}
		if (at + octets > end)
			return none;
		protocol_at = at;
		at += octets;
	}
	return none;
}

} // namespace soft
