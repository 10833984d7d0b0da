#include "headers.h"

#include "frame.h"
#include "psp_header.h"

namespace soft {
namespace {

constexpr int32_t IP_PACKET_OCTETS_MAX = 0xffff;
constexpr int32_t ETHERNET = ETHERNET_OCTETS;
constexpr int32_t UDP = UDP_OCTETS;
constexpr int32_t ICV = PSP_ICV_OCTETS;

void write_lengths(uint8_t *frame, int32_t ip, int32_t udp, int32_t end)
{
	if (frame[ip] >> 4 == 4) {
		store16(frame + ip + 2, static_cast<uint32_t>(end - ip));
		set_ip4_checksum(frame + ip);
	} else {
		store16(frame + ip + 4, static_cast<uint32_t>(end - ip - static_cast<int32_t>(IP6_OCTETS)));
	}
	store16(frame + udp + 4, static_cast<uint32_t>(end - udp));
	store16(frame + udp + 6, 0);
}

bool is_tunnel_header(uint32_t header_octets, uint32_t ip_octets)
{
	const uint32_t before = ETHERNET_OCTETS + ip_octets + UDP_OCTETS;
	return header_octets >= before + PSP_HEADER_OCTETS && (header_octets - before) % PSP_LENGTH_UNIT_OCTETS == 0;
}

bool tunnel(Packet &packet, const uint8_t *header, int32_t header_octets, rte_mempool *pool, FlowPorts &flow_ports)
{
	const int32_t octets = header_octets + packet.ip_end - packet.l3 + ICV;
	if (octets - ETHERNET > IP_PACKET_OCTETS_MAX)
		return false;
	const uint16_t entropy = flow_ports.port_of(packet.frame, packet.l3, packet.ip_end);
	if (!make_room(packet, header_octets - packet.l3, packet.ip_end, ICV, pool))
		return false;
	uint8_t *frame = packet.frame + packet.l3 - header_octets;
	memcpy(frame, header, static_cast<size_t>(header_octets));
	const int32_t udp = ETHERNET + static_cast<int32_t>(outer_ip_octets(static_cast<uint32_t>(header_octets)));
	store16(frame + udp, entropy);
	write_lengths(frame, ETHERNET, udp, octets);
	memset(frame + octets - ICV, 0, PSP_ICV_OCTETS);
	set_frame(packet, frame, octets);
	packet.psp = packet.encap = udp + UDP;
	return true;
}

bool transport(Packet &packet, uint8_t l3_type, const uint8_t *header, int32_t header_octets, rte_mempool *pool,
	       FlowPorts &flow_ports)
{
	if (packet.l3_type != l3_type || packet.upper < 0)
		return false;
	const int32_t octets = packet.ip_end + header_octets + ICV;
	const int32_t ip = packet.l3;
	if (octets - ip > IP_PACKET_OCTETS_MAX)
		return false;
	const uint16_t entropy = flow_ports.port_of(packet.frame, ip, packet.ip_end);
	if (!make_room(packet, header_octets, packet.ip_end, ICV, pool))
		return false;
	const int32_t udp = packet.upper;
	uint8_t *frame = packet.frame - header_octets;
	memmove(frame, packet.frame, static_cast<size_t>(udp));
	memcpy(frame + udp, header, static_cast<size_t>(header_octets));
	frame[udp + UDP + static_cast<int32_t>(PSP_NEXT_HEADER)] = frame[packet.protocol];
	frame[packet.protocol] = PROTOCOL_UDP;
	store16(frame + udp, entropy);
	write_lengths(frame, ip, udp, octets);
	memset(frame + octets - ICV, 0, PSP_ICV_OCTETS);
	set_frame(packet, frame, octets);
	packet.psp = packet.encap = udp + UDP;
	return true;
}

} // namespace

uint32_t outer_ip_octets(uint32_t header_octets)
{
	if (is_tunnel_header(header_octets, IP4_OCTETS_MIN))
		return IP4_OCTETS_MIN;
	return is_tunnel_header(header_octets, IP6_OCTETS) ? IP6_OCTETS : 0;
}

bool encapsulate(Packet &packet, doca_flow_crypto_encap_net_type net_type, const uint8_t *header, uint32_t header_octets,
		 rte_mempool *pool, FlowPorts &flow_ports)
{
	if (packet.stale)
		packet.parse();
	if (packet.l3_ok == 0)
		return false;
	const auto octets = static_cast<int32_t>(header_octets);
	if (net_type == DOCA_FLOW_CRYPTO_HEADER_PSP_TUNNEL)
		return tunnel(packet, header, octets, pool, flow_ports);
	const uint8_t l3_type = net_type == DOCA_FLOW_CRYPTO_HEADER_PSP_OVER_IPV4 ? L3_IPV4 : L3_IPV6;
	return transport(packet, l3_type, header, octets, pool, flow_ports);
}

bool decapsulate(Packet &packet, doca_flow_crypto_encap_net_type net_type, const uint8_t *ethernet)
{
	if (!packet.decrypted)
		return false;
	if (net_type == DOCA_FLOW_CRYPTO_HEADER_PSP_TUNNEL) {
		if (packet.inner_l3_type == L3_NONE)
			return false;
		const int32_t start = packet.inner - ETHERNET;
		memcpy(packet.frame + start, ethernet, ETHERNET_OCTETS);
		set_frame(packet, packet.frame + start, packet.payload_end - start);
		return true;
	}
	if (packet.l3_type != (net_type == DOCA_FLOW_CRYPTO_HEADER_PSP_OVER_IPV4 ? L3_IPV4 : L3_IPV6))
		return false;
	const int32_t udp = packet.l4;
	const int32_t ip = packet.l3;
	packet.frame[packet.protocol] = packet.frame[udp + UDP + static_cast<int32_t>(PSP_NEXT_HEADER)];
	const int32_t shift = packet.inner - udp;
	uint8_t *frame = packet.frame + shift;
	memmove(frame, packet.frame, static_cast<size_t>(udp));
	const int32_t octets = packet.payload_end - shift;
	if (frame[ip] >> 4 == 4) {
		store16(frame + ip + 2, static_cast<uint32_t>(octets - ip));
		set_ip4_checksum(frame + ip);
	} else {
		store16(frame + ip + 4, static_cast<uint32_t>(octets - ip - static_cast<int32_t>(IP6_OCTETS)));
	}
	set_frame(packet, frame, octets);
	return true;
}

} // namespace soft
