#include "offloads.h"

#include <netinet/in.h>

#include <algorithm>
#include <cstring>

namespace psp {
namespace {

constexpr size_t MACS_OCTETS = 12;
constexpr size_t ETHERNET_OCTETS = 14;
constexpr size_t TAG_OCTETS = 4;
constexpr uint16_t TYPE_IPV4 = 0x0800;
constexpr uint16_t TYPE_IPV6 = 0x86dd;
constexpr uint16_t TYPE_VLAN = 0x8100;
constexpr uint16_t TYPE_SERVICE_VLAN = 0x88a8;
constexpr size_t IPV4_OCTETS_MIN = 20;
constexpr size_t IPV6_OCTETS = 40;
constexpr int EXTENSIONS_MAX = 8;
constexpr size_t TCP_OCTETS_MIN = 20;
constexpr size_t TCP_CHECKSUM = 16;
constexpr size_t UDP_OCTETS = 8;
constexpr size_t UDP_CHECKSUM = 6;
constexpr size_t SCTP_CHECKSUM = 8;
constexpr uint8_t TCP_FIN = 0x01;
constexpr uint8_t TCP_PSH = 0x08;
constexpr uint8_t TCP_CWR = 0x80;

uint16_t read16(const uint8_t *at)
{
	return static_cast<uint16_t>((at[0] << 8) | at[1]);
}

void write16(uint8_t *at, size_t value)
{
	at[0] = static_cast<uint8_t>(value >> 8);
	at[1] = static_cast<uint8_t>(value);
}

uint32_t read32(const uint8_t *at)
{
	return (static_cast<uint32_t>(read16(at)) << 16) | read16(at + 2);
}

void write32(uint8_t *at, uint32_t value)
{
	write16(at, value >> 16);
	write16(at + 2, value & 0xffff);
}

// The one's complement sum over octets (RFC 1071), in the order of this machine, which to_checksum puts right.
uint64_t sum_of(std::span<const uint8_t> octets)
{
	uint64_t sum = 0;
	size_t at = 0;
	for (; at + 4 <= octets.size(); at += 4) {
		uint32_t word;
		std::memcpy(&word, octets.data() + at, sizeof(word));
		sum += word;
	}
	uint8_t rest[4] = {};
	std::copy(octets.begin() + static_cast<ptrdiff_t>(at), octets.end(), rest);
	uint32_t word;
	std::memcpy(&word, rest, sizeof(word));
	return sum + word;
}

// Writes the checksum of a sum. Zero stands for none in UDP, and is the same number as 0xffff in the others.
void write_checksum(uint8_t *at, uint64_t sum)
{
	while ((sum >> 16) != 0)
		sum = (sum & 0xffff) + (sum >> 16);
	auto checksum = static_cast<uint16_t>(~sum);
	if (checksum == 0)
		checksum = 0xffff;
	std::memcpy(at, &checksum, sizeof(checksum));
}

// Where the headers of a train are. `transport`: TCP's or UDP's.
struct Headers {
	bool is_ipv4;
	size_t ip;
	size_t transport;
	// Of all headers.
	size_t octets;
};

// The first header of IP; 0 when there is none.
size_t find_ip(std::span<const uint8_t> frame, uint16_t &type)
{
	for (size_t at = MACS_OCTETS; at + 2 <= frame.size(); at += TAG_OCTETS) {
		type = read16(&frame[at]);
		if (type == TYPE_IPV4 || type == TYPE_IPV6)
			return at + 2;
		if (type != TYPE_VLAN && type != TYPE_SERVICE_VLAN)
			return 0;
	}
	return 0;
}

// The transport header behind IPv6's; 0 when it is not `protocol`, or where a routing header has another last destination.
size_t find_behind_ipv6(std::span<const uint8_t> frame, size_t ip, uint8_t protocol)
{
	uint8_t next = frame[ip + 6];
	size_t at = ip + IPV6_OCTETS;
	for (int extensions = 0; next != protocol; extensions++) {
		const bool is_known = next == IPPROTO_HOPOPTS || next == IPPROTO_DSTOPTS;
		if (!is_known || extensions == EXTENSIONS_MAX || at + 8 > frame.size())
			return 0;
		next = frame[at];
		at += (size_t{frame[at + 1]} + 1) * 8;
	}
	return at;
}

std::optional<Headers> find_headers(std::span<const uint8_t> frame, uint8_t protocol, bool is_ipv4)
{
	Headers headers{};
	uint16_t type = 0;
	headers.is_ipv4 = is_ipv4;
	headers.ip = find_ip(frame, type);
	if (headers.ip == 0 || type != (is_ipv4 ? TYPE_IPV4 : TYPE_IPV6))
		return std::nullopt;
	const auto packet = frame.subspan(headers.ip);
	if (packet.size() < (is_ipv4 ? IPV4_OCTETS_MIN : IPV6_OCTETS) || packet[0] >> 4 != (is_ipv4 ? 4 : 6))
		return std::nullopt;
	if (is_ipv4) {
		const size_t ihl = size_t{packet[0] & 0x0fu} * 4;
		if (ihl < IPV4_OCTETS_MIN || packet[9] != protocol || read16(&packet[2]) != packet.size())
			return std::nullopt;
		headers.transport = headers.ip + ihl;
	} else {
		if (size_t{read16(&packet[4])} + IPV6_OCTETS != packet.size())
			return std::nullopt;
		headers.transport = find_behind_ipv6(frame, headers.ip, protocol);
		if (headers.transport == 0)
			return std::nullopt;
	}
	const size_t least = protocol == IPPROTO_TCP ? TCP_OCTETS_MIN : UDP_OCTETS;
	if (headers.transport + least > frame.size())
		return std::nullopt;
	const size_t own = protocol == IPPROTO_TCP ? static_cast<size_t>(frame[headers.transport + 12] >> 4) * 4 : UDP_OCTETS;
	headers.octets = headers.transport + own;
	if (own < least || headers.octets >= frame.size())
		return std::nullopt;
	return headers;
}

// Whoever adds frames of one OffloadedFrame.
class Adding {
public:
	Adding(const OffloadedFrame &frame, size_t mtu_octets, WireFrames &to)
		: to_(to), tag_(frame.tag), octets_max_(mtu_octets + ETHERNET_OCTETS)
	{
	}

	// Adds a frame with these octets in two parts, and the tag between its MACs and its type. Returns where its octets would begin
	// without the tag, so that headers are where they were before; null when it is too large.
	uint8_t *add(std::span<const uint8_t> front, std::span<const uint8_t> back)
	{
		const size_t length = front.size() + back.size();
		const bool has_tag = tag_ || is_tag(read16(&front[MACS_OCTETS]));
		// What the kernel has taken out is not in `length`; one tag that it has left is, and does not count either.
		if (length > octets_max_ + (has_tag && !tag_ ? TAG_OCTETS : 0)) {
			to_.too_big++;
			return nullptr;
		}
		const size_t shift = tag_ ? TAG_OCTETS : 0;
		const size_t begin = to_.octets.size();
		to_.octets.resize(begin + length + shift);
		uint8_t *at = to_.octets.data() + begin;
		std::copy_n(front.begin(), MACS_OCTETS, at);
		if (tag_) {
			write16(at + MACS_OCTETS, tag_->type);
			write16(at + MACS_OCTETS + 2, tag_->control);
		}
		uint8_t *shifted = at + shift;
		std::copy(front.begin() + MACS_OCTETS, front.end(), shifted + MACS_OCTETS);
		std::copy(back.begin(), back.end(), shifted + front.size());
		to_.lengths.push_back(static_cast<uint32_t>(length + shift));
		return shifted;
	}

private:
	static bool is_tag(uint16_t type) { return type == TYPE_VLAN || type == TYPE_SERVICE_VLAN; }

	WireFrames &to_;
	std::optional<VlanTag> tag_;
	size_t octets_max_;
};

uint64_t pseudo_header_sum(const uint8_t *packet, bool is_ipv4, uint8_t protocol, size_t octets)
{
	const uint8_t rest[4] = {0, protocol, static_cast<uint8_t>(octets >> 8), static_cast<uint8_t>(octets)};
	return sum_of(is_ipv4 ? std::span(packet + 12, 8) : std::span(packet + 8, 32)) + sum_of(rest);
}

bool add_train(const OffloadedFrame &frame, uint8_t protocol, bool is_ipv4, Adding &adding)
{
	const auto &octets = frame.octets;
	const auto headers = find_headers(octets, protocol, is_ipv4);
	if (!headers)
		return false;
	const bool is_tcp = protocol == IPPROTO_TCP;
	const size_t checksum = headers->transport + (is_tcp ? TCP_CHECKSUM : UDP_CHECKSUM);
	const bool is_partial = (frame.todo.flags & Todo::PARTIAL_CHECKSUM) != 0;
	// Where another header is to be completed, the train is inside a tunnel.
	if (is_partial && frame.todo.checksum_start != headers->transport)
		return false;
	const bool has_checksum = is_tcp || is_partial || read16(&octets[checksum]) != 0;
	const auto payload = octets.subspan(headers->octets);
	const size_t size = frame.todo.segment_octets;
	if (size == 0 || (payload.size() + size - 1) / size > SEGMENTS_MAX)
		return false;
	for (size_t at = 0; at < payload.size(); at += size) {
		const auto part = payload.subspan(at, std::min(size, payload.size() - at));
		const bool is_last = at + part.size() == payload.size();
		uint8_t *segment = adding.add(octets.first(headers->octets), part);
		if (segment == nullptr)
			continue;
		uint8_t *packet = segment + headers->ip;
		uint8_t *transport = segment + headers->transport;
		const size_t packet_octets = headers->octets - headers->ip + part.size();
		const size_t transport_octets = headers->octets - headers->transport + part.size();
		if (is_ipv4) {
			write16(packet + 2, packet_octets);
			write16(packet + 4, (read16(packet + 4) + at / size) & 0xffff);
			write16(packet + 10, 0);
			write_checksum(packet + 10, sum_of({packet, headers->transport - headers->ip}));
		} else {
			write16(packet + 4, packet_octets - IPV6_OCTETS);
		}
		if (is_tcp) {
			write32(transport + 4, read32(transport + 4) + static_cast<uint32_t>(at));
			if (!is_last)
				transport[13] &= static_cast<uint8_t>(~(TCP_FIN | TCP_PSH));
			if (at != 0)
				transport[13] &= static_cast<uint8_t>(~TCP_CWR);
		} else {
			write16(transport + 4, transport_octets);
		}
		uint8_t *field = segment + checksum;
		write16(field, 0);
		if (has_checksum)
			write_checksum(field, sum_of({transport, transport_octets}) +
						      pseudo_header_sum(packet, is_ipv4, protocol, transport_octets));
	}
	return true;
}

// Completes a checksum, whose field has the pseudo header's sum in it already.
bool add_partial(const OffloadedFrame &frame, Adding &adding)
{
	const auto &octets = frame.octets;
	const size_t start = frame.todo.checksum_start;
	const size_t offset = frame.todo.checksum_offset;
	// SCTP's is a CRC.
	if (start < ETHERNET_OCTETS || start + offset + 2 > octets.size() || offset == SCTP_CHECKSUM)
		return false;
	uint8_t *added = adding.add(octets, {});
	if (added != nullptr)
		write_checksum(added + start + offset, sum_of({added + start, octets.size() - start}));
	return true;
}

} // namespace

bool add_wire_frames(const OffloadedFrame &frame, size_t mtu_octets, WireFrames &to)
{
	if (frame.octets.size() < ETHERNET_OCTETS)
		return false;
	Adding adding(frame, mtu_octets, to);
	switch (frame.todo.train & ~Todo::HAS_CWR) {
	case Todo::NO_TRAIN:
		if ((frame.todo.flags & Todo::PARTIAL_CHECKSUM) != 0)
			return add_partial(frame, adding);
		adding.add(frame.octets, {});
		return true;
	case Todo::TRAIN_OF_TCP_IPV4:
		return add_train(frame, IPPROTO_TCP, true, adding);
	case Todo::TRAIN_OF_TCP_IPV6:
		return add_train(frame, IPPROTO_TCP, false, adding);
	case Todo::TRAIN_OF_UDP: {
		uint16_t type = 0;
		find_ip(frame.octets, type);
		return add_train(frame, IPPROTO_UDP, type == TYPE_IPV4, adding);
	}
	default:
		return false;
	}
}

} // namespace psp
