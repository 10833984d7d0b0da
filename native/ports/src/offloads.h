// What a network card would have done to a frame before it is on a wire: cut a train into segments, and complete checksums.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <vector>

namespace psp {

// A tag as the kernel keeps it beside a frame: the two octets of the protocol's type, and those behind it.
struct VlanTag {
	uint16_t type;
	uint16_t control;
};

// What is still to be done to a frame, as the kernel writes it before one (virtio_net_hdr, whose header is no C++): numbers in the
// order of this machine, places from the destination MAC on.
struct Todo {
	static constexpr uint8_t PARTIAL_CHECKSUM = 1;
	static constexpr uint8_t NO_TRAIN = 0;
	static constexpr uint8_t TRAIN_OF_TCP_IPV4 = 1;
	static constexpr uint8_t TRAIN_OF_TCP_IPV6 = 4;
	static constexpr uint8_t TRAIN_OF_UDP = 5;
	// Beside one of TCP's.
	static constexpr uint8_t HAS_CWR = 0x80;

	uint8_t flags;
	uint8_t train;
	uint16_t header_octets;
	uint16_t segment_octets;
	uint16_t checksum_start;
	uint16_t checksum_offset;
};
static_assert(sizeof(Todo) == 10);

// A frame as the kernel has it.
struct OffloadedFrame {
	// From the destination MAC on.
	std::span<const uint8_t> octets;
	Todo todo;
	// The tag that the kernel has taken out.
	std::optional<VlanTag> tag;
};

// Frames as they are on a wire, without gaps.
struct WireFrames {
	std::vector<uint8_t> octets;
	std::vector<uint32_t> lengths;
	// Not among them, because they were larger than an IP packet on this link may be.
	uint64_t too_big = 0;
};

// Of one train. The kernel makes trains of at most 65,535 octets of a few dozen; a virtual machine can ask for segments of one.
inline constexpr size_t SEGMENTS_MAX = 1024;

// Adds the frame to `to`, in as many frames as it is on a wire; those with a packet larger than `mtu_octets` are counted
// instead. A VLAN tag does not count for the MTU. Returns false, and adds nothing, when it is not known how to do what is to be
// done: trains inside tunnels or of other protocols, checksums that are none of IP's, headers that contradict each other.
bool add_wire_frames(const OffloadedFrame &frame, size_t mtu_octets, WireFrames &to);

} // namespace psp
