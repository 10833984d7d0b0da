#include "bit_fields.h"

#include <cstddef>
#include <cstring>

#include "log.h"

namespace soft {
namespace {

constexpr uint32_t WORD_BITS = 32;
constexpr uint32_t RANGE_BITS_MAX = 64;
constexpr uint32_t META_WORDS = 1 + SCRATCH_WORDS;

#define AT(member) static_cast<uint16_t>(offsetof(doca_flow_match, member))
#define SIZE(member) static_cast<uint8_t>(sizeof(((doca_flow_match *)nullptr)->member))
// Releases of clang-format differ in braces within macros.
// clang-format off
// A field that has its octets for itself.
#define WHOLE(selector, member, string, base, offset, need, written)                                               \
	{                                                                                                          \
		string, selector, AT(member), SIZE(member), base, offset, SIZE(member), 0,                         \
			static_cast<uint8_t>(8 * SIZE(member)), need, written                                      \
	}
// `bits` bits of `octets` octets, above `shift` others.
#define PART(selector, member, string, base, offset, octets, shift, bits, need, written)                           \
	{                                                                                                          \
		string, selector, AT(member), SIZE(member), base, offset, octets, shift, bits, need, written       \
	}
// clang-format on

constexpr uint8_t UNDER_BOTH = WRITTEN_UNDER_IP4 | WRITTEN_UNDER_L4;
// A port may be one behind which PSP headers are.
constexpr uint8_t OF_UDP_PORTS = WRITTEN_UNDER_L4 | WRITTEN_LAYERS;

const BitField SETTABLE[] = {
	WHOLE(OUTER_IP4, outer.ip4.src_ip, "outer.ipv4.src_ip", BASE_L3, 12, HAVE_IP4, UNDER_BOTH),
	WHOLE(OUTER_IP4, outer.ip4.dst_ip, "outer.ipv4.dst_ip", BASE_L3, 16, HAVE_IP4, UNDER_BOTH),
	WHOLE(OUTER_IP4, outer.ip4.dscp_ecn, "outer.ipv4.dscp_ecn", BASE_L3, 1, HAVE_IP4, WRITTEN_UNDER_IP4),
	WHOLE(OUTER_IP4, outer.ip4.identification, "outer.ipv4.identification", BASE_L3, 4, HAVE_IP4, WRITTEN_UNDER_IP4),
	WHOLE(OUTER_IP4, outer.ip4.ttl, "outer.ipv4.ttl", BASE_L3, 8, HAVE_IP4, WRITTEN_UNDER_IP4),
	WHOLE(OUTER_IP6, outer.ip6.src_ip, "outer.ipv6.src_ip", BASE_L3, 8, HAVE_IP6, WRITTEN_UNDER_L4),
	WHOLE(OUTER_IP6, outer.ip6.dst_ip, "outer.ipv6.dst_ip", BASE_L3, 24, HAVE_IP6, WRITTEN_UNDER_L4),
	PART(OUTER_IP6, outer.ip6.traffic_class, "outer.ipv6.traffic_class", BASE_L3, 0, 2, 4, 8, HAVE_IP6, WRITTEN_ALONE),
	PART(OUTER_IP6, outer.ip6.flow_label, "outer.ipv6.flow_label", BASE_L3, 0, 4, 0, 20, HAVE_IP6, WRITTEN_ALONE),
	WHOLE(OUTER_IP6, outer.ip6.hop_limit, "outer.ipv6.hop_limit", BASE_L3, 7, HAVE_IP6, WRITTEN_ALONE),
	WHOLE(OUTER_UDP, outer.udp.l4_port.src_port, "outer.udp.src_port", BASE_L4, 0, HAVE_UDP, OF_UDP_PORTS),
	WHOLE(OUTER_UDP, outer.udp.l4_port.dst_port, "outer.udp.dst_port", BASE_L4, 2, HAVE_UDP, OF_UDP_PORTS),
	WHOLE(OUTER_ROCE_V2, outer.roce_v2.udp.l4_port.src_port, "outer.roce_v2.udp.src_port", BASE_L4, 0, HAVE_BTH,
	      OF_UDP_PORTS),
	WHOLE(OUTER_ROCE_V2, outer.roce_v2.udp.l4_port.dst_port, "outer.roce_v2.udp.dst_port", BASE_L4, 2, HAVE_BTH,
	      OF_UDP_PORTS),
	WHOLE(OUTER_TCP, outer.tcp.l4_port.src_port, "outer.tcp.src_port", BASE_L4, 0, HAVE_TCP, WRITTEN_UNDER_L4),
	WHOLE(OUTER_TCP, outer.tcp.l4_port.dst_port, "outer.tcp.dst_port", BASE_L4, 2, HAVE_TCP, WRITTEN_UNDER_L4),
	WHOLE(OUTER_TCP, outer.tcp.flags, "outer.tcp.flags", BASE_L4, 13, HAVE_TCP, WRITTEN_UNDER_L4),
	WHOLE(OUTER_TCP, outer.tcp.seq_num, "outer.tcp.seq_num", BASE_L4, 4, HAVE_TCP, WRITTEN_UNDER_L4),
	WHOLE(OUTER_TCP, outer.tcp.ack_num, "outer.tcp.ack_num", BASE_L4, 8, HAVE_TCP, WRITTEN_UNDER_L4),
};

// Fields that descriptors and conditions know besides those and those of matches.
const BitField OTHERS[] = {
	WHOLE(ANY, outer.eth.src_mac, "outer.eth.src_mac", BASE_ETH, 6, HAVE_ETH, WRITTEN_ALONE),
	WHOLE(ANY, outer.eth.dst_mac, "outer.eth.dst_mac", BASE_ETH, 0, HAVE_ETH, WRITTEN_ALONE),
	WHOLE(ANY, outer.ip4.version_ihl, "outer.ipv4.version_ihl", BASE_L3, 0, HAVE_IP4, WRITTEN_NEVER),
	PART(ANY, outer.tcp.data_offset, "outer.tcp.data_offset", BASE_L4, 12, 1, 4, 4, HAVE_TCP, WRITTEN_NEVER),
	PART(ANY, inner.ip6.flow_label, "inner.ipv6.flow_label", BASE_INNER, 0, 4, 0, 20, HAVE_INNER_IP6, WRITTEN_NEVER),
};

BitField field_of(const FieldPlace &place)
{
	return {place.string,
		ANY,
		place.match_offset,
		place.octets,
		place.base,
		place.offset,
		place.octets,
		0,
		static_cast<uint8_t>(8 * place.octets),
		place.need,
		WRITTEN_NEVER};
}

bool find_field(const char *string, BitField &found)
{
	for (const BitField &field : SETTABLE) {
		if (strcmp(field.string, string) == 0) {
			found = field;
			return true;
		}
	}
	for (const BitField &field : OTHERS) {
		if (strcmp(field.string, string) == 0) {
			found = field;
			return true;
		}
	}
	const FieldPlace *place = place_called(string);
	if (place != nullptr)
		found = field_of(*place);
	return place != nullptr;
}

// Returns false when the bits lie in more than eight octets.
bool lay_out(uint32_t offset, uint32_t octets, uint32_t lowest, uint32_t width, BitRange &range)
{
	range.shift = static_cast<uint8_t>(lowest % 8);
	range.octets = static_cast<uint8_t>((range.shift + width + 7) / 8);
	range.offset = static_cast<uint16_t>(offset + octets - lowest / 8 - range.octets);
	range.mask = UINT64_MAX >> (RANGE_BITS_MAX - width);
	return range.octets <= 8;
}

BitRange in_cpu_order(BitRange range, uint16_t offset, uint32_t lowest)
{
	range.cpu_order = true;
	range.offset = offset;
	range.octets = sizeof(Packet::port_id);
	range.shift = static_cast<uint8_t>(lowest);
	return range;
}

doca_error_t find_metadata(uint32_t bit_offset, uint32_t width, NamedBits &bits)
{
	const uint32_t word = bit_offset / WORD_BITS;
	const uint32_t lowest = bit_offset % WORD_BITS;
	if (word >= META_WORDS || lowest + width > WORD_BITS)
		return invalid("%u bits of meta.data at bit %u; it has %u words of %u", width, bit_offset, META_WORDS, WORD_BITS);
	bits.member_offset = static_cast<uint16_t>(offsetof(doca_flow_match, meta) + 4 * word);
	bits.member_octets = 4;
	bits.written = WRITTEN_ALONE;
	lay_out(bits.member_offset, 4, lowest, width, bits.in_match);
	lay_out(static_cast<uint32_t>(offsetof(Packet, meta) + 4 * word), 4, lowest, width, bits.in_packet);
	return DOCA_SUCCESS;
}

} // namespace

const BitField *SettableFields::begin() const
{
	return std::begin(SETTABLE);
}

const BitField *SettableFields::end() const
{
	return std::end(SETTABLE);
}

uint64_t BitRange::read(const uint8_t *start) const
{
	const uint8_t *at = start + offset;
	if (cpu_order) {
		uint16_t number;
		memcpy(&number, at, sizeof(number));
		return number >> shift & mask;
	}
	uint64_t number = 0;
	for (uint32_t i = 0; i < octets; i++)
		number = number << 8 | at[i];
	return number >> shift & mask;
}

void BitRange::write(uint8_t *start, uint64_t number) const
{
	uint8_t *at = start + offset;
	const uint64_t bits = (number & mask) << shift;
	const uint64_t kept = ~(mask << shift);
	for (uint32_t i = octets, down = 0; i-- > 0; down += 8)
		at[i] = static_cast<uint8_t>((at[i] & kept >> down) | bits >> down);
}

doca_error_t find_bits(const doca_flow_desc_field &field, uint32_t width, NamedBits &bits)
{
	bits = {};
	const char *string = field.field_string;
	if (width == 0 || width > RANGE_BITS_MAX)
		return invalid("%u bits of %s; 1 to %u are possible", width, string, RANGE_BITS_MAX);
	if (strcmp(string, "meta.data") == 0)
		return find_metadata(field.bit_offset, width, bits);
	BitField found{};
	if (!find_field(string, found))
		return not_supported("the field %s", string);
	const uint32_t lowest = field.bit_offset;
	if (lowest >= found.bits || width > found.bits - lowest)
		return invalid("%u bits of %s at bit %u; it has %u", width, string, lowest, found.bits);
	bits.member_offset = found.member_offset;
	bits.member_octets = found.member_octets;
	bits.written = found.written;
	bits.in_packet.base = found.base;
	bits.in_packet.need = found.need;
	if (!lay_out(found.offset, found.octets, found.shift + lowest, width, bits.in_packet) ||
	    !lay_out(found.member_offset, found.member_octets, lowest, width, bits.in_match))
		return not_supported("%u bits of %s at bit %u, which begin and end within nine octets", width, string, lowest);
	if (is_port_number(found.base, found.offset)) {
		bits.in_packet = in_cpu_order(bits.in_packet, found.offset, lowest);
		bits.in_match = in_cpu_order(bits.in_match, found.member_offset, lowest);
	}
	return DOCA_SUCCESS;
}

size_t offset_in_actions(size_t offset_in_match)
{
	if (offset_in_match >= offsetof(doca_flow_match, tun))
		return offset_in_match - offsetof(doca_flow_match, tun) + offsetof(doca_flow_actions, tun);
	if (offset_in_match >= offsetof(doca_flow_match, outer))
		return offset_in_match - offsetof(doca_flow_match, outer) + offsetof(doca_flow_actions, outer);
	return offset_in_match - offsetof(doca_flow_match, meta) + offsetof(doca_flow_actions, meta);
}

} // namespace soft
