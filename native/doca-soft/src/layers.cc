#include "layers.h"

#include <algorithm>

#include "checksums.h"
#include "frame.h"

namespace soft {
namespace {

constexpr int32_t MACS_OCTETS = 12;
constexpr int32_t IP_AT = ETHERNET_OCTETS;
constexpr int32_t IP4_HEADER = IP4_OCTETS_MIN;
constexpr int32_t IP6_HEADER = IP6_OCTETS;
constexpr int32_t IP4_PACKET_OCTETS_MAX = 0xffff;
constexpr uint16_t IP4_DONT_FRAGMENT = 0x4000;
constexpr uint8_t NAT64_PREFIX[12] = {0x00, 0x64, 0xff, 0x9b};
constexpr uint32_t IP4_ADDRESSES = 12, IP4_ADDRESSES_OCTETS = 8;
constexpr uint32_t IP6_ADDRESSES = 8, IP6_ADDRESSES_OCTETS = 32;

// What is in an envelope must be seen to be so until it leaves.
bool in_open_envelope(const Packet &packet)
{
	return packet.exposed || packet.encap >= 0;
}

// IPv6 has no UDP without a checksum.
void compute_udp_checksum(uint8_t *frame, int32_t payload_end)
{
	const int32_t l4 = IP_AT + IP6_HEADER;
	// UDP's length says where the datagram ends.
	const int32_t end = std::min(l4 + load16(frame + l4 + 4), payload_end);
	uint64_t sum = words_sum(frame + IP_AT, IP6_ADDRESSES, IP6_ADDRESSES_OCTETS);
	sum += static_cast<uint32_t>(end - l4) + PROTOCOL_UDP;
	for (int32_t at = l4; at + 1 < end; at += 2)
		sum += load16(frame + at);
	if ((end - l4) % 2 != 0)
		sum += static_cast<uint32_t>(frame[end - 1]) << 8;
	while (sum > 0xffff)
		sum = (sum & 0xffff) + (sum >> 16);
	const auto checksum = static_cast<uint16_t>(~sum);
	store16(frame + l4 + UDP_CHECKSUM_AT, checksum == 0 ? 0xffff : checksum);
}

void write_ip6(uint8_t *ip, const uint8_t *ip4, int32_t payload_octets)
{
	const uint8_t traffic_class = ip4[1];
	store32(ip, 0x60000000u | static_cast<uint32_t>(traffic_class) << 20);
	store16(ip + 4, static_cast<uint32_t>(payload_octets));
	ip[6] = ip4[9];
	ip[7] = ip4[8];
	for (uint32_t i = 0; i < 2; i++) {
		uint8_t *address = ip + IP6_ADDRESSES + 16 * i;
		memcpy(address, NAT64_PREFIX, sizeof(NAT64_PREFIX));
		memcpy(address + sizeof(NAT64_PREFIX), ip4 + IP4_ADDRESSES + 4 * i, 4);
	}
}

void write_ip4(uint8_t *ip, const uint8_t *ip6, int32_t payload_octets)
{
	ip[0] = 0x45;
	ip[1] = static_cast<uint8_t>(load16(ip6) >> 4);
	store16(ip + 2, static_cast<uint32_t>(IP4_HEADER + payload_octets));
	store16(ip + 4, 0);
	store16(ip + 6, IP4_DONT_FRAGMENT);
	ip[8] = ip6[7];
	ip[9] = ip6[6];
	for (uint32_t i = 0; i < 2; i++)
		memcpy(ip + IP4_ADDRESSES + 4 * i, ip6 + IP6_ADDRESSES + 16 * i + sizeof(NAT64_PREFIX), 4);
	set_ip4_checksum(ip);
}

uint32_t addresses_sum(const uint8_t *ip)
{
	return ip[0] >> 4 == 4 ? words_sum(ip, IP4_ADDRESSES, IP4_ADDRESSES_OCTETS)
			       : words_sum(ip, IP6_ADDRESSES, IP6_ADDRESSES_OCTETS);
}

} // namespace

bool push_vlan(Packet &packet, const uint8_t *tag, rte_mempool *pool)
{
	constexpr int32_t TAG = VLAN_TAG_OCTETS;
	const auto octets = static_cast<int32_t>(packet.length);
	if (octets < IP_AT || in_open_envelope(packet) || packet.tag_octets >= VLAN_TAGS_MAX * TAG ||
	    !make_room(packet, TAG, octets, 0, pool))
		return false;
	const auto tags = static_cast<uint8_t>(packet.tag_octets + TAG);
	uint8_t *frame = packet.frame - TAG;
	memmove(frame, packet.frame, MACS_OCTETS);
	memcpy(frame + MACS_OCTETS, tag, VLAN_TAG_OCTETS);
	set_frame(packet, frame, octets + TAG);
	packet.tag_octets = tags;
	return true;
}

bool translate(Packet &packet, uint8_t from, rte_mempool *pool)
{
	if (packet.stale)
		packet.parse();
	if (packet.l3_type != from)
		return true;
	const bool to_ip6 = from == L3_IPV4;
	const bool has_ports = packet.l4_type == L4_TCP || packet.l4_type == L4_UDP;
	if (!has_ports || in_open_envelope(packet) || (!to_ip6 && packet.l4 != packet.l3 + IP6_HEADER))
		return false;
	const int32_t payload = packet.ip_end - packet.l4;
	if (!to_ip6 && IP4_HEADER + payload > IP4_PACKET_OCTETS_MAX)
		return false;
	const int32_t header = to_ip6 ? IP6_HEADER : IP4_HEADER;
	const int32_t before = std::max(IP_AT + header - packet.l4, 0);
	if (!make_room(packet, before, packet.ip_end, 0, pool))
		return false;
	uint8_t old_ip[IP6_OCTETS];
	memcpy(old_ip, packet.frame + packet.l3, to_ip6 ? IP4_OCTETS_MIN : IP6_OCTETS);
	const bool lacks_checksum = packet.l4_type == L4_UDP && load16(packet.frame + packet.l4 + UDP_CHECKSUM_AT) == 0;
	uint8_t *frame = packet.frame + packet.l4 - header - IP_AT;
	memmove(frame, packet.frame, MACS_OCTETS);
	store16(frame + MACS_OCTETS, to_ip6 ? ETHER_TYPE_IPV6 : ETHER_TYPE_IPV4);
	if (to_ip6)
		write_ip6(frame + IP_AT, old_ip, payload);
	else
		write_ip4(frame + IP_AT, old_ip, payload);
	const int32_t end = IP_AT + header + payload;
	set_frame(packet, frame, end);
	packet.parse();
	// Lengths and protocol count the same in both pseudo-headers.
	if (to_ip6 && lacks_checksum)
		compute_udp_checksum(frame, end);
	else
		adapt_l4_checksum(packet, addresses_sum(old_ip), addresses_sum(frame + IP_AT));
	return true;
}

} // namespace soft
