// Frames of IPv4 and IPv6 with TCP, UDP and ICMPv6 for tests, and their checksums, computed octet by octet.
#pragma once

#include <cstdint>
#include <vector>

#include "check.h"

namespace ip_frames {

using Frame = std::vector<uint8_t>;

constexpr uint8_t TCP = 6;
constexpr uint8_t UDP = 17;
constexpr uint8_t ICMPV6 = 58;

inline uint32_t number_at(const Frame &frame, size_t at, size_t octets)
{
	CHECK(at + octets <= frame.size());
	uint32_t number = 0;
	for (size_t i = 0; i < octets; i++)
		number = number << 8 | frame[at + i];
	return number;
}

inline void put(Frame &frame, size_t at, size_t octets, uint32_t number)
{
	CHECK(at + octets <= frame.size());
	for (size_t i = octets; i-- > 0; number >>= 8)
		frame[at + i] = static_cast<uint8_t>(number);
}

inline bool is_ip6(const Frame &frame)
{
	return number_at(frame, 12, 2) == 0x86dd;
}

inline size_t l4_of(const Frame &frame)
{
	return 14 + (is_ip6(frame) ? 40 : (frame[14] & 15) * 4);
}

inline uint8_t protocol_of(const Frame &frame)
{
	return frame[is_ip6(frame) ? 20 : 23];
}

inline size_t checksum_place(const Frame &frame)
{
	const uint8_t protocol = protocol_of(frame);
	return l4_of(frame) + (protocol == TCP ? 16 : protocol == UDP ? 6 : 2);
}

inline uint16_t folded(uint32_t sum)
{
	while (sum > 0xffff)
		sum = (sum & 0xffff) + (sum >> 16);
	return static_cast<uint16_t>(sum);
}

// The one's complement sum of octets, of which a last single one is the upper half of a word.
inline uint32_t sum_of(const Frame &frame, size_t from, size_t to)
{
	uint32_t sum = 0;
	for (size_t at = from; at < to; at++)
		sum += (at - from) % 2 == 0 ? frame[at] << 8 : frame[at];
	return sum;
}

// The sum of an L4 packet and its pseudo-header: all ones when its checksum is right.
inline uint16_t l4_sum(const Frame &frame)
{
	const size_t l4 = l4_of(frame);
	const size_t end = is_ip6(frame) ? 54 + number_at(frame, 18, 2) : 14 + number_at(frame, 16, 2);
	CHECK(end <= frame.size());
	const uint32_t addresses = is_ip6(frame) ? sum_of(frame, 22, 54) : sum_of(frame, 26, 34);
	return folded(addresses + static_cast<uint32_t>(end - l4) + protocol_of(frame) + sum_of(frame, l4, end));
}

inline void write_checksums(Frame &frame)
{
	if (!is_ip6(frame)) {
		put(frame, 24, 2, 0);
		put(frame, 24, 2, static_cast<uint16_t>(~folded(sum_of(frame, 14, l4_of(frame)))));
	}
	const size_t place = checksum_place(frame);
	put(frame, place, 2, 0);
	put(frame, place, 2, static_cast<uint16_t>(~l4_sum(frame)));
}

inline void check_checksums(const Frame &frame)
{
	if (!is_ip6(frame))
		CHECK(folded(sum_of(frame, 14, l4_of(frame))) == 0xffff);
	CHECK(l4_sum(frame) == 0xffff);
}

// An L4 header with this source port, and a payload of an odd number of octets.
inline Frame l4_packet(uint8_t protocol, uint16_t port, size_t payload_octets)
{
	const size_t header = protocol == TCP ? 20 : 8;
	Frame packet(header + payload_octets, 0x5a);
	for (size_t i = 0; i < header; i++)
		packet[i] = 0;
	put(packet, 0, 2, port);
	put(packet, 2, 2, 80);
	if (protocol == TCP)
		packet[12] = 5 << 4;
	else if (protocol == UDP)
		put(packet, 4, 2, static_cast<uint32_t>(packet.size()));
	return packet;
}

// From 1.2.3.4 to 8.8.8.8, with as many words of options.
inline Frame ip4(uint8_t protocol, uint16_t port = 1234, size_t payload_octets = 11, size_t option_words = 0)
{
	const Frame l4 = l4_packet(protocol, port, payload_octets);
	Frame frame(14 + 20 + 4 * option_words, 0x01);
	for (size_t i = 0; i < 12; i++)
		frame[i] = static_cast<uint8_t>(i);
	put(frame, 12, 2, 0x0800);
	frame[14] = static_cast<uint8_t>(0x45 + option_words);
	frame[15] = 0;
	put(frame, 16, 2, static_cast<uint32_t>(frame.size() - 14 + l4.size()));
	put(frame, 18, 4, 0);
	frame[22] = 64;
	frame[23] = protocol;
	put(frame, 26, 4, 0x01020304);
	put(frame, 30, 4, 0x08080808);
	frame.insert(frame.end(), l4.begin(), l4.end());
	write_checksums(frame);
	return frame;
}

// From 64:ff9b::102:304 to 64:ff9b::808:808.
inline Frame ip6(uint8_t protocol, uint16_t port = 1234, size_t payload_octets = 11)
{
	const Frame l4 = l4_packet(protocol, port, payload_octets);
	Frame frame(14 + 40);
	for (size_t i = 0; i < 12; i++)
		frame[i] = static_cast<uint8_t>(i);
	put(frame, 12, 2, 0x86dd);
	put(frame, 14, 4, 0x60000000);
	put(frame, 18, 2, static_cast<uint32_t>(l4.size()));
	frame[20] = protocol;
	frame[21] = 64;
	for (size_t at : {22, 38})
		put(frame, at, 4, 0x0064ff9b);
	put(frame, 34, 4, 0x01020304);
	put(frame, 50, 4, 0x08080808);
	frame.insert(frame.end(), l4.begin(), l4.end());
	write_checksums(frame);
	return frame;
}

} // namespace ip_frames
