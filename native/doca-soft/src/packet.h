// A packet as the device knows it: where its headers lie, its metadata, and the crypto that was applied.
#pragma once

#include <cstddef>

#include "octets.h"

struct rte_mbuf;

namespace soft {

// Parts of a packet that a match can compare. A field of a part that the packet lacks does not match.
enum Part : uint32_t {
	HAVE_ETH = 1 << 0,
	HAVE_IP4 = 1 << 1,
	HAVE_IP6 = 1 << 2,
	HAVE_UDP = 1 << 3,
	HAVE_TCP = 1 << 4,
	HAVE_ICMP = 1 << 5,
	HAVE_PSP = 1 << 6,
	HAVE_COOKIE = 1 << 7,
	HAVE_INNER = 1 << 8,
	HAVE_INNER_IP4 = 1 << 9,
	HAVE_INNER_IP6 = 1 << 10,
	HAVE_SYNDROME = 1 << 11,
	// The PSP header has as many words, each of four octets.
	HAVE_6_PSP_WORDS = 1 << 12,
	HAVE_8_PSP_WORDS = 1 << 13,
	HAVE_10_PSP_WORDS = 1 << 14,
	HAVE_COLOR = 1 << 15,
	// Ports of TCP or UDP.
	HAVE_PORTS = 1 << 16,
	// The base transport header of RoCE v2.
	HAVE_BTH = 1 << 17,
};

// The start from which a field's offset counts.
enum Base : uint8_t { BASE_PACKET, BASE_ETH, BASE_L3, BASE_L4, BASE_PSP, BASE_INNER, BASES };

constexpr uint32_t ETHERNET_OCTETS = 14;
constexpr uint32_t IP4_OCTETS_MIN = 20;
constexpr uint32_t IP6_OCTETS = 40;
constexpr uint32_t UDP_OCTETS = 8;
constexpr uint16_t ETHER_TYPE_IPV4 = 0x0800;
constexpr uint16_t ETHER_TYPE_IPV6 = 0x86dd;
constexpr uint8_t PROTOCOL_TCP = 6;
constexpr uint8_t PROTOCOL_UDP = 17;
constexpr uint8_t PROTOCOL_ICMPV6 = 58;
constexpr int32_t UDP_CHECKSUM_AT = 6;
constexpr uint32_t PSP_UDP_PORT = 1000;
constexpr uint32_t ROCE_V2_UDP_PORT = 4791;
constexpr uint32_t BTH_OCTETS = 12;
constexpr uint32_t SCRATCH_WORDS = 10;

// Values of the l3 and l4 types, as in doca_flow_l3_meta and doca_flow_l4_meta.
enum : uint8_t { L3_NONE = 0, L3_IPV4 = 1, L3_IPV6 = 2 };
enum : uint8_t { L4_NONE = 0, L4_TCP = 1, L4_UDP = 2, L4_ICMP = 3 };
enum : uint8_t { SYNDROME_OK = 0, SYNDROME_ICV_FAIL = 1, SYNDROME_BAD_TRAILER = 2 };

struct alignas(64) Packet {
	uint8_t *frame;
	uint32_t length;
	// Bits of Part.
	uint32_t have;
	const uint8_t *bases[BASES];

	// Metadata words in network order: pkt_meta, then the scratch words.
	uint8_t meta[4 * (1 + SCRATCH_WORDS)];

	// The parser's fields as matches compare them. The port's number is in the CPU's byte order.
	uint16_t port_id;
	uint8_t random[2];
	uint8_t l3_type;
	uint8_t l4_type;
	uint8_t l3_ok;
	uint8_t ip4_checksum_ok;
	uint8_t fragmented;
	uint8_t inner_l3_type;
	uint8_t inner_l4_type;
	uint8_t syndrome;
	// What a meter has said, as in doca_flow_meter_color.
	uint8_t color;

	// The offsets below belong to an earlier form of the frame.
	bool stale;
	// The frame holds a decrypted payload in its PSP envelope, which must not reach the network.
	bool exposed;
	// The packet is decrypted and still in its PSP envelope, so that `inner` and `payload_end` are valid.
	bool decrypted;
	// The AEAD has been applied.
	bool sealed;
	// In mode vnf: the packet has been in a pipe of the egress.
	bool in_egress;
	// Octets of VLAN tags that actions have put before the IP header, which a port's MTU does not count.
	uint8_t tag_octets;
	// For the trace, while there is one: the number of the packet's note (trace_packets.h).
	uint8_t note;

	// Offsets in the frame; -1 for what it does not have.
	int32_t l3;
	int32_t l4;
	// The end of the IP and extension headers; -1 for fragments, too.
	int32_t upper;
	// The octet that says which protocol is at `upper`.
	int32_t protocol;
	int32_t psp;
	int32_t ip_end;
	int32_t inner;
	int32_t payload_end;
	// The PSP header that an encapsulation added.
	int32_t encap;

	// The key slot that the packet is to be encrypted with; 0 for none.
	uint32_t crypto_id;
	uint32_t hops;
	// What the AEAD uses once the PSP header has its IV. Valid for the current burst, because slots may be set again.
	const void *key;
	rte_mbuf *mbuf;

	// Starts with a new packet. `packet_meta` is in network byte order.
	void load(uint8_t *new_frame, uint32_t new_length, uint16_t port, uint32_t packet_meta);
	// Makes this a copy of `other` with a frame of its own, which holds the same octets.
	void copy_from(const Packet &other, uint8_t *own_frame);
	// To be called when the frame's contents have changed their layout.
	void replace_frame(uint8_t *new_frame, uint32_t new_length);
	// To be called when the frame has moved in memory with its contents unchanged.
	void move_frame(uint8_t *new_frame);
	void parse();
	// To be called after decryption: the payload lies in [offset, end) of the frame.
	void enter_payload(uint8_t next_header, int32_t offset, int32_t end);
	// To be called when the PSP header was found, and when its flags were written.
	void flags_written();

private:
	void parse_ip4();
	void parse_ip6();
	void parse_l4(uint8_t protocol_number, int32_t at);
};

// Packets of a burst are handled one after the other, so that each costs the cache no line more than it has to.
static_assert(sizeof(Packet) == 192);

// What follows the IP and extension headers, in a packet that is no fragment or the first one.
struct UpperHeader {
	// -1: nothing that is known to be there.
	int32_t offset;
	uint8_t protocol;
};
UpperHeader upper_header(const Packet &packet);

// Whether a whole IP packet begins at `at` and ends at or before `end`.
bool ip4_valid(const uint8_t *frame, int32_t at, int32_t end);
bool ip6_valid(const uint8_t *frame, int32_t at, int32_t end);
bool ip4_fragment(const uint8_t *header);

// The folded one's complement sum of 16-bit words. `octets` must be even.
uint16_t ones_sum(const uint8_t *at, uint32_t octets);
// Computes and writes the IPv4 header's checksum.
void set_ip4_checksum(uint8_t *header);

} // namespace soft
