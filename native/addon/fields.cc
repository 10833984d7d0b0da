#include "fields.h"

#include <unordered_map>

#include "failure.h"

namespace {

uint32_t number(const uint8_t *octets, uint32_t count)
{
	uint32_t value = 0;
	for (uint32_t i = 0; i < count; i++)
		value = value << 8 | octets[i];
	return value;
}

constexpr bool is_metadata(const char *name)
{
	return name[0] == 'm' && name[1] == 'e' && name[2] == 't' && name[3] == 'a' && name[4] == '.';
}

void nothing(Match &) {}

void no_need(Match &, Match &) {}

template <typename Type> void need_type(Type &value, Type &mask, Type wanted)
{
	// A type that the program itself matches stays as it is.
	if (static_cast<uint32_t>(mask) != 0)
		return;
	value = wanted;
	mask = static_cast<Type>(UINT32_MAX);
}

void need_outer_ip4(Match &match, Match &mask)
{
	need_type(match.parser_meta.outer_l3_type, mask.parser_meta.outer_l3_type, DOCA_FLOW_L3_META_IPV4);
}

void need_outer_ip6(Match &match, Match &mask)
{
	need_type(match.parser_meta.outer_l3_type, mask.parser_meta.outer_l3_type, DOCA_FLOW_L3_META_IPV6);
}

void need_udp(Match &match, Match &mask)
{
	need_type(match.parser_meta.outer_l4_type, mask.parser_meta.outer_l4_type, DOCA_FLOW_L4_META_UDP);
}

void need_icmp(Match &match, Match &mask)
{
	need_type(match.parser_meta.outer_l4_type, mask.parser_meta.outer_l4_type, DOCA_FLOW_L4_META_ICMP);
}

void need_inner_ip4(Match &match, Match &mask)
{
	need_type(match.parser_meta.inner_l3_type, mask.parser_meta.inner_l3_type, DOCA_FLOW_L3_META_IPV4);
}

void need_inner_ip6(Match &match, Match &mask)
{
	need_type(match.parser_meta.inner_l3_type, mask.parser_meta.inner_l3_type, DOCA_FLOW_L3_META_IPV6);
}

void select_outer_ip4(Match &match)
{
	match.outer.l3_type = DOCA_FLOW_L3_TYPE_IP4;
}

void select_outer_ip6(Match &match)
{
	match.outer.l3_type = DOCA_FLOW_L3_TYPE_IP6;
}

void select_udp(Match &match)
{
	match.outer.l4_type_ext = DOCA_FLOW_L4_TYPE_EXT_UDP;
}

void select_icmp(Match &match)
{
	match.outer.l4_type_ext = DOCA_FLOW_L4_TYPE_EXT_ICMP;
}

void select_psp(Match &match)
{
	match.tun.type = DOCA_FLOW_TUN_PSP;
}

void select_inner_ip4(Match &match)
{
	match.inner.l3_type = DOCA_FLOW_L3_TYPE_IP4;
}

void select_inner_ip6(Match &match)
{
	match.inner.l3_type = DOCA_FLOW_L3_TYPE_IP6;
}

// Versions of clang-format differ in how they set braces within macros.
// clang-format off
// A member with the same octets as the packet, which actions cannot write.
#define OCTETS(NAME, STRING, MEMBER, COUNT, NEED, SELECT) \
	{                                                                                                                  \
		NAME, STRING, COUNT, false, false, is_metadata(NAME), \
			[](Match &match, const uint8_t *octets, bool) { memcpy(&match.MEMBER, octets, COUNT); }, \
			nullptr, NEED, SELECT                                                                              \
	}
// The same, writable by actions.
#define WRITABLE(NAME, STRING, MEMBER, COUNT, NEED, SELECT) \
	{                                                                                                                  \
		NAME, STRING, COUNT, false, false, is_metadata(NAME), \
			[](Match &match, const uint8_t *octets, bool) { memcpy(&match.MEMBER, octets, COUNT); }, \
			[](Actions &actions, const uint8_t *octets) { memcpy(&actions.MEMBER, octets, COUNT); }, \
			NEED, SELECT                                                                                       \
	}
// A type: in DOCA an enumeration of four octets in the CPU's order.
#define TYPE(NAME, STRING, MEMBER)                                                                                         \
	{                                                                                                                  \
		NAME, STRING, 1, false, false, false, \
			[](Match &match, const uint8_t *octets, bool mask) {                                     \
				const uint32_t value = mask && octets[0] == 0xff ? UINT32_MAX : octets[0];                 \
				match.MEMBER = static_cast<decltype(match.MEMBER)>(value);                                 \
			},                                                                                                 \
			nullptr, no_need, nothing                                                                          \
	}
// A member of one octet; of a flag one bit counts.
#define SMALL(NAME, STRING, MEMBER, BITS)                                                                                  \
	{                                                                                                                  \
		NAME, STRING, 1, (BITS) == 1, false, false, \
			[](Match &match, const uint8_t *octets, bool mask) {                                     \
				match.MEMBER = mask && octets[0] == (BITS) ? 0xff : octets[0];                             \
			},                                                                                                 \
			nullptr, no_need, nothing                                                                          \
	}
// A word of the PSP header; actions need no selector for it.
#define WORD(NUMBER) \
	WRITABLE("tun.psp.dw" #NUMBER, "tunnel.psp.dw" #NUMBER, psp_words[(NUMBER) - PSP_WORD_FIRST], 4, no_need, select_psp)
// clang-format on

const DocaField FIELDS[] = {
	{"parser_meta.port_id", "parser_meta.port.id", 2, false, true, false,
	 [](Match &match, const uint8_t *octets, bool mask) {
		 if (mask)
			 compat::match_any_port(match);
		 else
			 compat::match_port(match, static_cast<uint16_t>(number(octets, 2)));
	 },
	 nullptr, no_need, nothing},
	TYPE("parser_meta.outer_l3_type", "parser_meta.packet_type.l3_outer", parser_meta.outer_l3_type),
	TYPE("parser_meta.outer_l4_type", "parser_meta.packet_type.l4_outer", parser_meta.outer_l4_type),
	TYPE("parser_meta.inner_l3_type", "parser_meta.packet_type.l3_inner", parser_meta.inner_l3_type),
	TYPE("parser_meta.inner_l4_type", "parser_meta.packet_type.l4_inner", parser_meta.inner_l4_type),
	SMALL("parser_meta.outer_l3_ok", "parser_meta.outer_integrity.l3_ok", parser_meta.outer_l3_ok, 1),
	SMALL("parser_meta.outer_ip4_checksum_ok", "parser_meta.outer_integrity.ipv4_checksum_ok",
	      parser_meta.outer_ip4_checksum_ok, 1),
	SMALL("parser_meta.psp_syndrome", "parser_meta.psp.syndrome", parser_meta.psp_syndrome, 0xff),
	OCTETS("parser_meta.random", "parser_meta.random.value", parser_meta.random, 2, no_need, nothing),
	WRITABLE("meta.pkt_meta", "meta.data", meta.pkt_meta, 4, no_need, nothing),
	WRITABLE("meta.u32.0", nullptr, meta.u32[0], 4, no_need, nothing),
	WRITABLE("meta.u32.1", nullptr, meta.u32[1], 4, no_need, nothing),
	WRITABLE("meta.u32.2", nullptr, meta.u32[2], 4, no_need, nothing),
	WRITABLE("meta.u32.3", nullptr, meta.u32[3], 4, no_need, nothing),
	WRITABLE("meta.u32.4", nullptr, meta.u32[4], 4, no_need, nothing),
	WRITABLE("outer.eth.dst_mac", nullptr, outer.eth.dst_mac, 6, no_need, nothing),
	WRITABLE("outer.eth.src_mac", nullptr, outer.eth.src_mac, 6, no_need, nothing),
	OCTETS("outer.eth.type", "outer.eth.type", outer.eth.type, 2, no_need, nothing),
	OCTETS("outer.ip4.src_ip", "outer.ipv4.src_ip", outer.ip4.src_ip, 4, need_outer_ip4, select_outer_ip4),
	OCTETS("outer.ip4.dst_ip", "outer.ipv4.dst_ip", outer.ip4.dst_ip, 4, need_outer_ip4, select_outer_ip4),
	OCTETS("outer.ip4.next_proto", "outer.ipv4.next_proto", outer.ip4.next_proto, 1, need_outer_ip4, select_outer_ip4),
	OCTETS("outer.ip4.total_len", "outer.ipv4.total_len", outer.ip4.total_len, 2, need_outer_ip4, select_outer_ip4),
	OCTETS("outer.ip4.flags_fragment_offset", "outer.ipv4.flags_fragment_offset", outer.ip4.flags_fragment_offset, 2,
	       need_outer_ip4, select_outer_ip4),
	OCTETS("outer.ip6.src_ip", nullptr, outer.ip6.src_ip, 16, need_outer_ip6, select_outer_ip6),
	OCTETS("outer.ip6.dst_ip", nullptr, outer.ip6.dst_ip, 16, need_outer_ip6, select_outer_ip6),
	OCTETS("outer.ip6.next_proto", "outer.ipv6.next_proto", outer.ip6.next_proto, 1, need_outer_ip6, select_outer_ip6),
	OCTETS("outer.ip6.payload_len", "outer.ipv6.payload_len", outer.ip6.payload_len, 2, need_outer_ip6, select_outer_ip6),
	OCTETS("outer.udp.src_port", "outer.udp.src_port", outer.udp.l4_port.src_port, 2, need_udp, select_udp),
	OCTETS("outer.udp.dst_port", "outer.udp.dst_port", outer.udp.l4_port.dst_port, 2, need_udp, select_udp),
	OCTETS("outer.icmp.type", "outer.icmp4.type", outer.icmp.type, 1, need_icmp, select_icmp),
	OCTETS("outer.icmp.code", "outer.icmp4.code", outer.icmp.code, 1, need_icmp, select_icmp),
	OCTETS("tun.psp.nexthdr", "tunnel.psp.nexthdr", tun.psp.nexthdr, 1, no_need, select_psp),
	OCTETS("tun.psp.hdrextlen", "tunnel.psp.hdrextlen", tun.psp.hdrextlen, 1, no_need, select_psp),
	OCTETS("tun.psp.res_cryptofst", "tunnel.psp.res_cryptofst", tun.psp.res_cryptofst, 1, no_need, select_psp),
	{"tun.psp.s_d_ver_v", "tunnel.psp.s_d_ver_v", 1, false, false, false,
	 [](Match &match, const uint8_t *octets, bool) { match.tun.psp.s_d_ver_v = octets[0]; },
	 [](Actions &actions, const uint8_t *octets) {
		 actions.tun.type = DOCA_FLOW_TUN_PSP;
		 actions.tun.psp.s_d_ver_v = octets[0];
	 },
	 no_need, select_psp},
	OCTETS("tun.psp.spi", "tunnel.psp.spi", tun.psp.spi, 4, no_need, select_psp),
	OCTETS("tun.psp.vc", nullptr, tun.psp.vc, 8, no_need, select_psp),
	WORD(6),
	WORD(7),
	WORD(8),
	WORD(9),
	OCTETS("inner.ip4.src_ip", "inner.ipv4.src_ip", inner.ip4.src_ip, 4, need_inner_ip4, select_inner_ip4),
	OCTETS("inner.ip4.dst_ip", "inner.ipv4.dst_ip", inner.ip4.dst_ip, 4, need_inner_ip4, select_inner_ip4),
	OCTETS("inner.ip6.src_ip", nullptr, inner.ip6.src_ip, 16, need_inner_ip6, select_inner_ip6),
	OCTETS("inner.ip6.dst_ip", nullptr, inner.ip6.dst_ip, 16, need_inner_ip6, select_inner_ip6),
};

} // namespace

const std::vector<const DocaField *> &doca_fields()
{
	static const auto *all = [] {
		auto *list = new std::vector<const DocaField *>();
		for (const DocaField &field : FIELDS)
			list->push_back(&field);
		return list;
	}();
	return *all;
}

const DocaField &doca_field(const std::string &name)
{
	static const auto *by_name = [] {
		auto *map = new std::unordered_map<std::string, const DocaField *>();
		for (const DocaField &field : FIELDS)
			map->emplace(field.name, &field);
		return map;
	}();
	const auto found = by_name->find(name);
	if (found == by_name->end())
		throw Failure(DOCA_ERROR_NOT_SUPPORTED, "field " + name);
	return *found->second;
}
