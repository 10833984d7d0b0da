#include "packet.h"

#include <algorithm>

#include "ip6_upper.h"
#include "psp_header.h"

namespace soft {
namespace {

constexpr uint8_t PROTOCOL_ICMP = 1;
constexpr uint8_t PROTOCOL_IPV4 = 4;
constexpr uint8_t PROTOCOL_IPV6 = 41;

constexpr int32_t TCP_OCTETS = 20;
constexpr int32_t ICMP_OCTETS = 4;

uint8_t l4_type_of(uint8_t protocol, uint8_t l3_type, int32_t octets)
{
	if (protocol == PROTOCOL_UDP)
		return octets >= static_cast<int32_t>(UDP_OCTETS) ? L4_UDP : L4_NONE;
	if (protocol == PROTOCOL_TCP)
		return octets >= TCP_OCTETS ? L4_TCP : L4_NONE;
	const uint8_t icmp = l3_type == L3_IPV4 ? PROTOCOL_ICMP : PROTOCOL_ICMPV6;
	return protocol == icmp && octets >= ICMP_OCTETS ? L4_ICMP : L4_NONE;
}

} // namespace

bool ip4_valid(const uint8_t *frame, int32_t at, int32_t end)
{
	if (end - at < static_cast<int32_t>(IP4_OCTETS_MIN) || frame[at] >> 4 != 4)
		return false;
	const int32_t header = (frame[at] & 0x0f) * 4;
	const int32_t total = load16(frame + at + 2);
	return header >= static_cast<int32_t>(IP4_OCTETS_MIN) && total >= header && at + total <= end;
}

bool ip6_valid(const uint8_t *frame, int32_t at, int32_t end)
{
	return end - at >= static_cast<int32_t>(IP6_OCTETS) && frame[at] >> 4 == 6 &&
	       at + static_cast<int32_t>(IP6_OCTETS) + load16(frame + at + 4) <= end;
}

bool ip4_fragment(const uint8_t *header)
{
	return (load16(header + 6) & 0x3fff) != 0;
}

UpperHeader upper_header(const Packet &packet)
{
	constexpr UpperHeader NONE = {-1, 0};
	if (packet.l3_ok == 0)
		return NONE;
	const uint8_t *header = packet.frame + packet.l3;
	if (packet.l3_type == L3_IPV4) {
		const bool continued = (load16(header + 6) & 0x1fff) != 0;
		return continued ? NONE : UpperHeader{packet.l3 + (header[0] & 0x0f) * 4, header[9]};
	}
	const UpperLayer layer = find_ip6_upper(packet.frame, packet.l3, packet.ip_end);
	return layer.found && !layer.continued ? UpperHeader{layer.offset, layer.protocol} : NONE;
}

uint16_t ones_sum(const uint8_t *at, uint32_t octets)
{
	// Such a sum is the same in either order of octets, but for the order of its own (RFC 1071).
	uint64_t sum = 0;
	uint32_t i = 0;
	for (; i + 4 <= octets; i += 4) {
		uint32_t two;
		memcpy(&two, at + i, sizeof(two));
		sum += two;
	}
	if (i + 2 <= octets) {
		uint16_t last;
		memcpy(&last, at + i, sizeof(last));
		sum += last;
	}
	sum = (sum & 0xffffffff) + (sum >> 32);
	sum = (sum & 0xffff) + (sum >> 16);
	sum = (sum & 0xffff) + (sum >> 16);
	sum = (sum & 0xffff) + (sum >> 16);
	return __builtin_bswap16(static_cast<uint16_t>(sum));
}

void set_ip4_checksum(uint8_t *header)
{
	store16(header + 10, 0);
	store16(header + 10, static_cast<uint16_t>(~ones_sum(header, (header[0] & 0x0fu) * 4)));
}

void Packet::load(uint8_t *new_frame, uint32_t new_length, uint16_t port, uint32_t packet_meta)
{
	frame = new_frame;
	length = new_length;
	memset(meta, 0, sizeof(meta));
	memcpy(meta, &packet_meta, sizeof(packet_meta));
	port_id = port;
	bases[BASE_PACKET] = reinterpret_cast<const uint8_t *>(this);
	syndrome = 0;
	color = 0;
	have = 0;
	exposed = false;
	key = nullptr;
	sealed = false;
	in_egress = false;
	tag_octets = 0;
	encap = -1;
	crypto_id = 0;
	hops = 0;
	parse();
}

void Packet::copy_from(const Packet &other, uint8_t *own_frame)
{
	rte_mbuf *own = mbuf;
	*this = other;
	mbuf = own;
	frame = own_frame;
	bases[BASE_PACKET] = reinterpret_cast<const uint8_t *>(this);
	const bool was_decrypted = other.decrypted;
	parse();
	// Decryption finds a PSP header behind any port, where the parser does not look.
	if (!other.stale && other.psp >= 0) {
		psp = other.psp;
		bases[BASE_PSP] = frame + psp;
		have |= HAVE_PSP;
		flags_written();
	}
	// Inner headers of an earlier form of the frame are not valid for this one.
	if (!other.stale && (was_decrypted || other.inner_l3_type != L3_NONE)) {
		decrypted = was_decrypted;
		inner_l3_type = other.inner_l3_type;
		inner_l4_type = other.inner_l4_type;
		inner = other.inner;
		payload_end = other.payload_end;
		have |= other.have & (HAVE_INNER | HAVE_INNER_IP4 | HAVE_INNER_IP6);
		if (inner >= 0)
			bases[BASE_INNER] = frame + inner;
	}
}

void Packet::replace_frame(uint8_t *new_frame, uint32_t new_length)
{
	frame = new_frame;
	length = new_length;
	stale = true;
	decrypted = false;
	exposed = false;
	key = nullptr;
	sealed = false;
	tag_octets = 0;
	psp = -1;
	encap = -1;
	crypto_id = 0;
}

void Packet::move_frame(uint8_t *new_frame)
{
	for (int base = BASE_ETH; base < BASES; base++)
		bases[base] = new_frame + (bases[base] - frame);
	frame = new_frame;
}

void Packet::parse()
{
	stale = false;
	decrypted = false;
	have &= HAVE_SYNDROME | HAVE_COLOR;
	l3_type = L3_NONE;
	l4_type = L4_NONE;
	l3_ok = 0;
	ip4_checksum_ok = 0;
	fragmented = 0;
	inner_l3_type = L3_NONE;
	inner_l4_type = L4_NONE;
	l3 = l4 = upper = protocol = psp = inner = -1;
	payload_end = 0;
	ip_end = static_cast<int32_t>(length);
	for (int base = BASE_ETH; base < BASES; base++)
		bases[base] = frame;
	if (length < ETHERNET_OCTETS)
		return;
	have |= HAVE_ETH;
	const uint16_t ether_type = load16(frame + 12);
	if (ether_type == ETHER_TYPE_IPV4)
		parse_ip4();
	else if (ether_type == ETHER_TYPE_IPV6)
		parse_ip6();
}

void Packet::parse_ip4()
{
	constexpr int32_t at = ETHERNET_OCTETS;
	const auto end = static_cast<int32_t>(length);
	if (end < at + static_cast<int32_t>(IP4_OCTETS_MIN) || frame[at] >> 4 != 4)
		return;
	l3_type = L3_IPV4;
	l3 = at;
	bases[BASE_L3] = frame + at;
	have |= HAVE_IP4;
	if (!ip4_valid(frame, at, end))
		return;
	const uint32_t header = (frame[at] & 0x0fu) * 4;
	l3_ok = 1;
	ip_end = at + load16(frame + at + 2);
	ip4_checksum_ok = ones_sum(frame + at, header) == 0xffff ? 1 : 0;
	protocol = at + 9;
	fragmented = ip4_fragment(frame + at) ? 1 : 0;
	if (fragmented == 0)
		parse_l4(frame[at + 9], at + static_cast<int32_t>(header));
}

void Packet::parse_ip6()
{
	constexpr int32_t at = ETHERNET_OCTETS;
	const auto end = static_cast<int32_t>(length);
	if (end < at + static_cast<int32_t>(IP6_OCTETS) || frame[at] >> 4 != 6)
		return;
	l3_type = L3_IPV6;
	l3 = at;
	bases[BASE_L3] = frame + at;
	have |= HAVE_IP6;
	if (!ip6_valid(frame, at, end))
		return;
	l3_ok = 1;
	ip_end = at + static_cast<int32_t>(IP6_OCTETS) + load16(frame + at + 4);
	const UpperLayer layer = find_ip6_upper(frame, at, ip_end);
	fragmented = layer.fragment ? 1 : 0;
	if (!layer.found || layer.fragment)
		return;
	protocol = layer.protocol_at;
	parse_l4(layer.protocol, layer.offset);
}

void Packet::parse_l4(uint8_t protocol_number, int32_t at)
{
	upper = at;
	l4_type = l4_type_of(protocol_number, l3_type, ip_end - at);
	if (l4_type == L4_NONE)
		return;
	l4 = at;
	bases[BASE_L4] = frame + at;
	have |= l4_type == L4_UDP ? HAVE_UDP | HAVE_PORTS : l4_type == L4_TCP ? HAVE_TCP | HAVE_PORTS : HAVE_ICMP;
	if (l4_type != L4_UDP)
		return;
	const uint32_t port = load16(frame + at + 2);
	if (port == ROCE_V2_UDP_PORT && ip_end - at >= static_cast<int32_t>(UDP_OCTETS + BTH_OCTETS))
		have |= HAVE_BTH;
	if (port != PSP_UDP_PORT)
		return;
	if (ip_end - at < static_cast<int32_t>(UDP_OCTETS + PSP_HEADER_OCTETS))
		return;
	psp = at + static_cast<int32_t>(UDP_OCTETS);
	bases[BASE_PSP] = frame + psp;
	have |= HAVE_PSP;
	flags_written();
}

void Packet::flags_written()
{
	have &= ~static_cast<uint32_t>(HAVE_COOKIE | HAVE_6_PSP_WORDS | HAVE_8_PSP_WORDS | HAVE_10_PSP_WORDS);
	const uint8_t *header = frame + psp;
	const uint32_t octets = std::min(psp_header_octets(header), static_cast<uint32_t>(ip_end - psp));
	if (octets >= PSP_6_WORDS_OCTETS)
		have |= HAVE_6_PSP_WORDS;
	if (octets >= PSP_8_WORDS_OCTETS)
		have |= HAVE_8_PSP_WORDS;
	if (octets >= PSP_10_WORDS_OCTETS)
		have |= HAVE_10_PSP_WORDS;
	const int32_t cookie_end = psp + static_cast<int32_t>(PSP_COOKIE + PSP_COOKIE_OCTETS);
	if ((header[PSP_FLAGS] & PSP_FLAG_V) != 0 && header[PSP_EXT_LEN] >= 2 && cookie_end <= ip_end)
		have |= HAVE_COOKIE;
}

void Packet::enter_payload(uint8_t next_header, int32_t offset, int32_t end)
{
	decrypted = true;
	exposed = true;
	payload_end = end;
	inner = offset;
	bases[BASE_INNER] = frame + offset;
	if (next_header == PROTOCOL_IPV4 && ip4_valid(frame, offset, end)) {
		inner_l3_type = L3_IPV4;
		have = (have & ~static_cast<uint32_t>(HAVE_INNER_IP6)) | HAVE_INNER | HAVE_INNER_IP4;
		const uint8_t *header = frame + offset;
		if (!ip4_fragment(header))
			inner_l4_type = l4_type_of(header[9], L3_IPV4, load16(header + 2) - (header[0] & 0x0f) * 4);
	} else if (next_header == PROTOCOL_IPV6 && ip6_valid(frame, offset, end)) {
		inner_l3_type = L3_IPV6;
		have = (have & ~static_cast<uint32_t>(HAVE_INNER_IP4)) | HAVE_INNER | HAVE_INNER_IP6;
		const int32_t inner_end = offset + static_cast<int32_t>(IP6_OCTETS) + load16(frame + offset + 4);
		const UpperLayer layer = find_ip6_upper(frame, offset, inner_end);
		if (layer.found && !layer.fragment)
			inner_l4_type = l4_type_of(layer.protocol, L3_IPV6, inner_end - layer.offset);
	}
}

} // namespace soft
