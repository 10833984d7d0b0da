#include "fields.h"

#include <algorithm>
#include <cstddef>

#include "log.h"
#include "psp_header.h"

namespace soft {
namespace {

struct SelectedPlace {
	Selector selector;
	FieldPlace place;
};

#define AT(member) static_cast<uint16_t>(offsetof(doca_flow_match, member))
// Releases of clang-format differ in braces within macros.
// clang-format off
// A field of the packet's own record; `counted` octets of it.
#define OWN(member, string, counted, in_packet, need)                                                              \
	{                                                                                                          \
		ANY, { #member, string, AT(member), sizeof(((doca_flow_match *)nullptr)->member), counted, BASE_PACKET, \
			static_cast<uint16_t>(offsetof(Packet, in_packet)), need }                                 \
	}
#define HEADER(selector, member, string, base, offset, need)                                                       \
	{                                                                                                          \
		selector, { #member, string, AT(member), sizeof(((doca_flow_match *)nullptr)->member),              \
			sizeof(((doca_flow_match *)nullptr)->member), base, offset, need }                         \
	}
#define SCRATCH(i)                                                                                                 \
	{                                                                                                          \
		ANY, { "meta.u32[" #i "]", nullptr, AT(meta.u32[i]), 4, 4, BASE_PACKET,                             \
			static_cast<uint16_t>(offsetof(Packet, meta) + 4 * (1 + i)), 0 }                           \
	}
// clang-format on

const SelectedPlace PLACES[] = {
	OWN(meta.pkt_meta, "meta.data", 4, meta, 0),
	SCRATCH(0),
	SCRATCH(1),
	SCRATCH(2),
	SCRATCH(3),
	SCRATCH(4),
	SCRATCH(5),
	SCRATCH(6),
	SCRATCH(7),
	SCRATCH(8),
	SCRATCH(9),
#if DOCA_SOFT_RELEASE_ < 300
	OWN(parser_meta.port_meta, "parser_meta.port.id", 2, port_id, 0),
#else
	OWN(parser_meta.port_id, "parser_meta.port.id", 2, port_id, 0),
#endif
	OWN(parser_meta.random, "parser_meta.random.value", 2, random, 0),
	OWN(parser_meta.psp_syndrome, "parser_meta.psp.syndrome", 1, syndrome, HAVE_SYNDROME),
	OWN(parser_meta.meter_color, nullptr, 1, color, HAVE_COLOR),
	OWN(parser_meta.outer_l3_type, "parser_meta.packet_type.l3_outer", 1, l3_type, 0),
	OWN(parser_meta.outer_l4_type, "parser_meta.packet_type.l4_outer", 1, l4_type, 0),
	OWN(parser_meta.inner_l3_type, "parser_meta.packet_type.l3_inner", 1, inner_l3_type, 0),
	OWN(parser_meta.inner_l4_type, "parser_meta.packet_type.l4_inner", 1, inner_l4_type, HAVE_INNER),
	OWN(parser_meta.outer_ip_fragmented, "parser_meta.outer_ip_fragmented.flag", 1, fragmented, 0),
	OWN(parser_meta.outer_l3_ok, "parser_meta.outer_integrity.l3_ok", 1, l3_ok, 0),
	OWN(parser_meta.outer_ip4_checksum_ok, "parser_meta.outer_integrity.ipv4_checksum_ok", 1, ip4_checksum_ok, 0),
	HEADER(ANY, outer.eth.src_mac, "outer.eth.src_mac", BASE_ETH, 6, HAVE_ETH),
	HEADER(ANY, outer.eth.dst_mac, "outer.eth.dst_mac", BASE_ETH, 0, HAVE_ETH),
	HEADER(ANY, outer.eth.type, "outer.eth.type", BASE_ETH, 12, HAVE_ETH),
	HEADER(OUTER_IP4, outer.ip4.src_ip, "outer.ipv4.src_ip", BASE_L3, 12, HAVE_IP4),
	HEADER(OUTER_IP4, outer.ip4.dst_ip, "outer.ipv4.dst_ip", BASE_L3, 16, HAVE_IP4),
	HEADER(OUTER_IP4, outer.ip4.dscp_ecn, "outer.ipv4.dscp_ecn", BASE_L3, 1, HAVE_IP4),
	HEADER(OUTER_IP4, outer.ip4.total_len, "outer.ipv4.total_len", BASE_L3, 2, HAVE_IP4),
	HEADER(OUTER_IP4, outer.ip4.identification, "outer.ipv4.identification", BASE_L3, 4, HAVE_IP4),
	HEADER(OUTER_IP4, outer.ip4.flags_fragment_offset, "outer.ipv4.flags_fragment_offset", BASE_L3, 6, HAVE_IP4),
	HEADER(OUTER_IP4, outer.ip4.next_proto, "outer.ipv4.next_proto", BASE_L3, 9, HAVE_IP4),
	HEADER(OUTER_IP4, outer.ip4.ttl, "outer.ipv4.ttl", BASE_L3, 8, HAVE_IP4),
	HEADER(OUTER_IP6, outer.ip6.src_ip, "outer.ipv6.src_ip", BASE_L3, 8, HAVE_IP6),
	HEADER(OUTER_IP6, outer.ip6.dst_ip, "outer.ipv6.dst_ip", BASE_L3, 24, HAVE_IP6),
	HEADER(OUTER_IP6, outer.ip6.payload_len, "outer.ipv6.payload_len", BASE_L3, 4, HAVE_IP6),
	HEADER(OUTER_IP6, outer.ip6.next_proto, "outer.ipv6.next_proto", BASE_L3, 6, HAVE_IP6),
	HEADER(OUTER_IP6, outer.ip6.hop_limit, "outer.ipv6.hop_limit", BASE_L3, 7, HAVE_IP6),
	HEADER(OUTER_UDP, outer.udp.l4_port.src_port, "outer.udp.src_port", BASE_L4, 0, HAVE_UDP),
	HEADER(OUTER_UDP, outer.udp.l4_port.dst_port, "outer.udp.dst_port", BASE_L4, 2, HAVE_UDP),
	HEADER(OUTER_TCP, outer.tcp.l4_port.src_port, "outer.tcp.src_port", BASE_L4, 0, HAVE_TCP),
	HEADER(OUTER_TCP, outer.tcp.l4_port.dst_port, "outer.tcp.dst_port", BASE_L4, 2, HAVE_TCP),
	HEADER(OUTER_TCP, outer.tcp.seq_num, "outer.tcp.seq_num", BASE_L4, 4, HAVE_TCP),
	HEADER(OUTER_TCP, outer.tcp.ack_num, "outer.tcp.ack_num", BASE_L4, 8, HAVE_TCP),
	HEADER(OUTER_TCP, outer.tcp.flags, "outer.tcp.flags", BASE_L4, 13, HAVE_TCP),
	HEADER(OUTER_ICMP, outer.icmp.type, "outer.icmp4.type", BASE_L4, 0, HAVE_ICMP),
	HEADER(OUTER_ICMP, outer.icmp.code, "outer.icmp4.code", BASE_L4, 1, HAVE_ICMP),
	HEADER(OUTER_TRANSPORT, outer.transport.src_port, "outer.transport.src_port", BASE_L4, 0, HAVE_PORTS),
	HEADER(OUTER_TRANSPORT, outer.transport.dst_port, "outer.transport.dst_port", BASE_L4, 2, HAVE_PORTS),
	HEADER(OUTER_ROCE_V2, outer.roce_v2.udp.l4_port.src_port, nullptr, BASE_L4, 0, HAVE_BTH),
	HEADER(OUTER_ROCE_V2, outer.roce_v2.udp.l4_port.dst_port, nullptr, BASE_L4, 2, HAVE_BTH),
	HEADER(OUTER_ROCE_V2, outer.roce_v2.bth.opcode, nullptr, BASE_L4, 8, HAVE_BTH),
	HEADER(OUTER_ROCE_V2, outer.roce_v2.bth.sempt, nullptr, BASE_L4, 9, HAVE_BTH),
	HEADER(OUTER_ROCE_V2, outer.roce_v2.bth.pkey, nullptr, BASE_L4, 10, HAVE_BTH),
	HEADER(OUTER_ROCE_V2, outer.roce_v2.bth.flags0, nullptr, BASE_L4, 12, HAVE_BTH),
	HEADER(OUTER_ROCE_V2, outer.roce_v2.bth.dest_qp, nullptr, BASE_L4, 13, HAVE_BTH),
	HEADER(OUTER_ROCE_V2, outer.roce_v2.bth.flags1, nullptr, BASE_L4, 16, HAVE_BTH),
	HEADER(OUTER_ROCE_V2, outer.roce_v2.bth.psn, nullptr, BASE_L4, 17, HAVE_BTH),
	HEADER(TUN_PSP, tun.psp.nexthdr, "tunnel.psp.nexthdr", BASE_PSP, PSP_NEXT_HEADER, HAVE_PSP),
	HEADER(TUN_PSP, tun.psp.hdrextlen, "tunnel.psp.hdrextlen", BASE_PSP, PSP_EXT_LEN, HAVE_PSP),
	HEADER(TUN_PSP, tun.psp.res_cryptofst, "tunnel.psp.res_cryptofst", BASE_PSP, PSP_CRYPT_OFFSET, HAVE_PSP),
	HEADER(TUN_PSP, tun.psp.s_d_ver_v, "tunnel.psp.s_d_ver_v", BASE_PSP, PSP_FLAGS, HAVE_PSP),
	HEADER(TUN_PSP, tun.psp.spi, "tunnel.psp.spi", BASE_PSP, PSP_SPI, HAVE_PSP),
	HEADER(TUN_PSP, tun.psp.iv, "tunnel.psp.iv", BASE_PSP, PSP_IV, HAVE_PSP),
	HEADER(TUN_PSP, tun.psp.vc, "tunnel.psp.vc", BASE_PSP, PSP_COOKIE, HAVE_COOKIE),
	HEADER(INNER_IP4, inner.ip4.src_ip, "inner.ipv4.src_ip", BASE_INNER, 12, HAVE_INNER_IP4),
	HEADER(INNER_IP4, inner.ip4.dst_ip, "inner.ipv4.dst_ip", BASE_INNER, 16, HAVE_INNER_IP4),
	HEADER(INNER_IP4, inner.ip4.next_proto, "inner.ipv4.next_proto", BASE_INNER, 9, HAVE_INNER_IP4),
	HEADER(INNER_IP6, inner.ip6.src_ip, "inner.ipv6.src_ip", BASE_INNER, 8, HAVE_INNER_IP6),
	HEADER(INNER_IP6, inner.ip6.dst_ip, "inner.ipv6.dst_ip", BASE_INNER, 24, HAVE_INNER_IP6),
	HEADER(INNER_IP6, inner.ip6.next_proto, "inner.ipv6.next_proto", BASE_INNER, 6, HAVE_INNER_IP6),
};

// Words of the PSP header in the program's own structure, as the definitions say when the library is initialized.
FieldPlace WORD_PLACES[PSP_WORDS] = {
	{"tun.psp.dw6", "tunnel.psp.dw6", 0, 4, 4, BASE_PSP, PSP_WORD_6, HAVE_PSP | HAVE_6_PSP_WORDS},
	{"tun.psp.dw7", "tunnel.psp.dw7", 0, 4, 4, BASE_PSP, PSP_WORD_6 + 4, HAVE_PSP | HAVE_8_PSP_WORDS},
	{"tun.psp.dw8", "tunnel.psp.dw8", 0, 4, 4, BASE_PSP, PSP_WORD_6 + 8, HAVE_PSP | HAVE_8_PSP_WORDS},
	{"tun.psp.dw9", "tunnel.psp.dw9", 0, 4, 4, BASE_PSP, PSP_WORD_6 + 12, HAVE_PSP | HAVE_10_PSP_WORDS},
};

// Calls `look` with each place whose member the selectors of `match` select, the program's own ones among them.
template <typename Look> void for_each_place(const doca_flow_match &match, Look &&look)
{
	for (const SelectedPlace &candidate : PLACES) {
		// The mask may leave the selectors out.
		if (selected(match, candidate.selector))
			look(candidate.place);
	}
	for (const FieldPlace &place : WORD_PLACES) {
		if (place.match_offset != 0)
			look(place);
	}
}

bool all(const uint8_t *octets, size_t count, uint8_t value)
{
	return std::all_of(octets, octets + count, [value](uint8_t octet) { return octet == value; });
}

template <typename Member> void clear(Member &member)
{
	memset(static_cast<void *>(&member), 0, sizeof(member));
}

// A member of doca_flow_match, or a part of it, that is not in PLACES. Refusals name it.
struct Unknown {
	Selector selector;
	const char *name;
	size_t from;
	size_t octets;
};

// Releases of clang-format differ in braces within macros.
// clang-format off
#define UNKNOWN(selector, member)                                                                                  \
	{                                                                                                          \
		selector, #member, offsetof(doca_flow_match, member), sizeof(((doca_flow_match *)nullptr)->member) \
	}
// clang-format on

// A structure comes after those of its members that have a name of their own.
const Unknown UNKNOWNS[] = {
#if DOCA_SOFT_RELEASE_ < 301
	UNKNOWN(ANY, flags),
	UNKNOWN(ANY, meta.mark),
#endif
	UNKNOWN(ANY, parser_meta.ipsec_syndrome),
	UNKNOWN(ANY, parser_meta.ipsec_ar_syndrome),
	UNKNOWN(ANY, parser_meta.outer_l2_type),
	UNKNOWN(ANY, parser_meta.inner_l2_type),
	UNKNOWN(ANY, parser_meta.inner_ip_fragmented),
	UNKNOWN(ANY, parser_meta.outer_l4_ok),
	UNKNOWN(ANY, parser_meta.outer_l4_checksum_ok),
	UNKNOWN(ANY, parser_meta.inner_l3_ok),
	UNKNOWN(ANY, parser_meta.inner_ip4_checksum_ok),
	UNKNOWN(ANY, parser_meta.inner_l4_ok),
	UNKNOWN(ANY, parser_meta.inner_l4_checksum_ok),
	UNKNOWN(ANY, outer.l2_valid_headers),
	UNKNOWN(ANY, outer.eth_vlan),
	UNKNOWN(OUTER_IP4, outer.ip4.version_ihl),
	UNKNOWN(OUTER_IP6, outer.ip6.traffic_class),
	UNKNOWN(OUTER_IP6, outer.ip6.flow_label),
	UNKNOWN(OUTER_TCP, outer.tcp.data_offset),
	UNKNOWN(OUTER_ICMP, outer.icmp.ident),
	UNKNOWN(ANY, inner.eth),
	UNKNOWN(ANY, inner.l2_valid_headers),
	UNKNOWN(ANY, inner.eth_vlan),
	UNKNOWN(INNER_IP4, inner.ip4.version_ihl),
	UNKNOWN(INNER_IP4, inner.ip4.dscp_ecn),
	UNKNOWN(INNER_IP4, inner.ip4.total_len),
	UNKNOWN(INNER_IP4, inner.ip4.identification),
	UNKNOWN(INNER_IP4, inner.ip4.flags_fragment_offset),
	UNKNOWN(INNER_IP4, inner.ip4.ttl),
	UNKNOWN(INNER_IP6, inner.ip6.traffic_class),
	UNKNOWN(INNER_IP6, inner.ip6.flow_label),
	UNKNOWN(INNER_IP6, inner.ip6.payload_len),
	UNKNOWN(INNER_IP6, inner.ip6.hop_limit),
	UNKNOWN(INNER_UDP, inner.udp),
	UNKNOWN(INNER_TCP, inner.tcp),
	UNKNOWN(INNER_ICMP, inner.icmp),
	// The name of a union, when nothing selects a member that has this octet.
	{ANY, "outer.ip4 or outer.ip6 that outer.l3_type does not select", offsetof(doca_flow_match, outer.ip4),
	 sizeof(doca_flow_header_ip6)},
	{ANY, "outer.udp or another that outer.l4_type_ext does not select", offsetof(doca_flow_match, outer.udp),
	 sizeof(doca_flow_match::outer) - offsetof(doca_flow_header_format, udp)},
	{ANY, "tun other than tun.psp", offsetof(doca_flow_match, tun), sizeof(doca_flow_tun)},
	{ANY, "inner.ip4 or inner.ip6 that inner.l3_type does not select", offsetof(doca_flow_match, inner.ip4),
	 sizeof(doca_flow_header_ip6)},
	UNKNOWN(ANY, inner),
};

// The name of the member that has the octet at the offset `at`; empty between members.
const char *name_of(size_t at, const doca_flow_match &selectors)
{
	// Some members of matches are missing in actions.
	for (const SelectedPlace &candidate : PLACES) {
		const FieldPlace &place = candidate.place;
		if (at >= place.match_offset && at < place.match_offset + size_t{place.member_octets} &&
		    selected(selectors, candidate.selector))
			return place.name;
	}
	for (const Unknown &unknown : UNKNOWNS) {
		if (at >= unknown.from && at < unknown.from + unknown.octets && selected(selectors, unknown.selector))
			return unknown.name;
	}
	return "";
}

void narrow(const FieldPlace &place, const uint8_t *from, uint8_t *to)
{
	memcpy(to, from, place.octets);
}

// Whether a template with a mask leaves a field to its entries: where all ones stand under the mask, and of metadata also where nothing
// does, as NVIDIA's programs have it. An entry that gives no value means 0 then, as a constant would.
bool is_left_to_entries(const FieldPlace &place, const uint8_t *value, const uint8_t *mask)
{
	bool ones = true;
	bool nothing = place.base == BASE_PACKET && place.offset - offsetof(Packet, meta) < sizeof(Packet::meta);
	for (uint32_t i = 0; i < place.member_octets; i++) {
		ones &= (value[i] & mask[i]) == mask[i];
		nothing &= (value[i] & mask[i]) == 0;
	}
	return ones || nothing;
}

doca_error_t read(const doca_flow_match &match, const doca_flow_match *mask, bool fixed, std::vector<MatchField> &fields)
{
	doca_flow_match rest = mask == nullptr ? match : *mask;
	for_each_place(match, [&](const FieldPlace &place) {
		const uint8_t *value = member(match, place);
		MatchField field{};
		field.place = &place;
		narrow(place, value, field.value);
		if (place.match_offset < sizeof(rest))
			memset(reinterpret_cast<uint8_t *>(&rest) + place.match_offset, 0, place.member_octets);
		if (mask == nullptr) {
			if (all(value, place.member_octets, 0))
				return;
			memset(field.mask, 0xff, place.octets);
			field.changeable = !fixed && all(value, place.member_octets, 0xff);
		} else {
			narrow(place, member(*mask, place), field.mask);
			if (all(field.mask, place.octets, 0))
				return;
			field.changeable = !fixed && is_left_to_entries(place, value, member(*mask, place));
		}
		for (uint32_t i = 0; i < place.octets; i++)
			field.value[i] &= field.mask[i];
		fields.push_back(field);
	});
	// NVIDIA's own programs give this one without the selector of its union. Nothing looks at it then.
	if (match.outer.l3_type == DOCA_FLOW_L3_TYPE_NONE)
		clear(rest.outer.ip6.next_proto);
	return refuse_unknown("doca_flow_match", rest, match);
}

} // namespace

void define_words(const WordOffsets &match)
{
	for (uint32_t i = 0; i < PSP_WORDS; i++)
		WORD_PLACES[i].match_offset = match.at[i];
}

bool selected(const doca_flow_match &match, Selector selector)
{
	const auto l4 = match.outer.l4_type_ext;
	const auto inner_l4 = match.inner.l4_type_ext;
	switch (selector) {
	case ANY:
		return true;
	case OUTER_IP4:
		return match.outer.l3_type == DOCA_FLOW_L3_TYPE_IP4;
	case OUTER_IP6:
		return match.outer.l3_type == DOCA_FLOW_L3_TYPE_IP6;
	case OUTER_UDP:
		return l4 == DOCA_FLOW_L4_TYPE_EXT_UDP;
	case OUTER_TCP:
		return l4 == DOCA_FLOW_L4_TYPE_EXT_TCP;
	case OUTER_ICMP:
		return l4 == DOCA_FLOW_L4_TYPE_EXT_ICMP || l4 == DOCA_FLOW_L4_TYPE_EXT_ICMP6;
	case OUTER_TRANSPORT:
		return l4 == DOCA_FLOW_L4_TYPE_EXT_TRANSPORT;
	case OUTER_ROCE_V2:
		return l4 == DOCA_FLOW_L4_TYPE_EXT_ROCE_V2;
	case TUN_PSP:
		return match.tun.type == DOCA_FLOW_TUN_PSP;
	case INNER_IP4:
		return match.inner.l3_type == DOCA_FLOW_L3_TYPE_IP4;
	case INNER_IP6:
		return match.inner.l3_type == DOCA_FLOW_L3_TYPE_IP6;
	case INNER_UDP:
		return inner_l4 == DOCA_FLOW_L4_TYPE_EXT_UDP;
	case INNER_TCP:
		return inner_l4 == DOCA_FLOW_L4_TYPE_EXT_TCP;
	case INNER_ICMP:
		return inner_l4 == DOCA_FLOW_L4_TYPE_EXT_ICMP || inner_l4 == DOCA_FLOW_L4_TYPE_EXT_ICMP6;
	}
	return false;
}

doca_error_t refuse_unknown(const char *structure, doca_flow_match rest, const doca_flow_match &selectors)
{
	clear(rest.outer.l3_type);
	clear(rest.outer.l4_type_ext);
	clear(rest.inner.l3_type);
	clear(rest.inner.l4_type_ext);
	clear(rest.tun.type);
	const auto *octets = reinterpret_cast<const uint8_t *>(&rest);
	for (size_t i = 0; i < sizeof(rest); i++) {
		const char *name = octets[i] == 0 ? "" : name_of(i, selectors);
		if (*name != '\0')
			return not_supported("%s.%s", structure, name);
	}
	return DOCA_SUCCESS;
}

doca_error_t read_template(const doca_flow_match &match, const doca_flow_match *mask, std::vector<MatchField> &fields)
{
	const doca_error_t result = read(match, mask, false, fields);
	if (result != DOCA_SUCCESS)
		return result;
	uint32_t octets = 0;
	for (const MatchField &field : fields)
		octets += field.place->octets;
	// There are two areas, constants and key, each of which is rounded up.
	if (octets + 24 > KEY_OCTETS_MAX)
		return not_supported("a match on %u octets; %u are possible", octets, KEY_OCTETS_MAX - 24);
	return DOCA_SUCCESS;
}

doca_error_t read_fixed(const doca_flow_match &match, const doca_flow_match *mask, std::vector<MatchField> &fields)
{
	return read(match, mask, true, fields);
}

const FieldPlace *place_called(const char *string)
{
	for (const SelectedPlace &candidate : PLACES) {
		const FieldPlace &place = candidate.place;
		if (place.string != nullptr && strcmp(place.string, string) == 0)
			return &place;
	}
	for (const FieldPlace &place : WORD_PLACES) {
		if (place.match_offset != 0 && strcmp(place.string, string) == 0)
			return &place;
	}
	return nullptr;
}

void visit_fields(const std::function<void(const FieldPlace &)> &visit)
{
	for (const SelectedPlace &known : PLACES)
		visit(known.place);
}

bool is_random(Base base, uint32_t offset)
{
	return base == BASE_PACKET && offset == offsetof(Packet, random);
}

bool is_port_number(Base base, uint32_t offset)
{
	return base == BASE_PACKET && offset == offsetof(Packet, port_id);
}

} // namespace soft
