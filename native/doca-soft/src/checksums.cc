#include "checksums.h"

namespace soft {
namespace {

constexpr int32_t TCP_CHECKSUM_AT = 16;
constexpr int32_t ICMPV6_CHECKSUM_AT = 2;
constexpr int32_t CHECKSUM_OCTETS = 2;

int32_t checksum_at(uint8_t protocol, int32_t l4)
{
	switch (protocol) {
	case PROTOCOL_TCP:
		return l4 + TCP_CHECKSUM_AT;
	case PROTOCOL_UDP:
		return l4 + UDP_CHECKSUM_AT;
	case PROTOCOL_ICMPV6:
		return l4 + ICMPV6_CHECKSUM_AT;
	default:
		return -1;
	}
}

} // namespace

uint32_t words_sum(const uint8_t *header, uint32_t from, uint32_t count)
{
	uint32_t sum = 0;
	for (uint32_t at = from & ~1u; at < from + count; at += 2)
		sum += load16(header + at);
	return sum;
}

void adapt_checksum(uint8_t *at, uint32_t before, uint32_t after)
{
	// The sums are of some dozen words at most, so that nothing overflows.
	uint64_t sum = static_cast<uint16_t>(~load16(at));
	sum += after;
	// The negative of a one's complement number has all its bits turned.
	uint32_t negative = before;
	while (negative > 0xffff)
		negative = (negative & 0xffff) + (negative >> 16);
	sum += 0xffff - negative;
	while (sum > 0xffff)
		sum = (sum & 0xffff) + (sum >> 16);
	store16(at, static_cast<uint16_t>(~sum));
}

void adapt_ip4_checksum(Packet &packet, uint32_t before, uint32_t after)
{
	adapt_checksum(packet.frame + packet.l3 + 10, before, after);
}

void adapt_l4_checksum(Packet &packet, uint32_t before, uint32_t after)
{
	const UpperHeader upper = upper_header(packet);
	if (upper.offset < 0)
		return;
	const int32_t at = checksum_at(upper.protocol, upper.offset);
	if (at < 0 || at + CHECKSUM_OCTETS > packet.ip_end)
		return;
	const bool is_udp = upper.protocol == PROTOCOL_UDP;
	// UDP without a checksum stays so; one that comes out as 0 is sent as all ones.
	if (is_udp && load16(packet.frame + at) == 0)
		return;
	adapt_checksum(packet.frame + at, before, after);
	if (is_udp && load16(packet.frame + at) == 0)
		store16(packet.frame + at, 0xffff);
}

} // namespace soft
