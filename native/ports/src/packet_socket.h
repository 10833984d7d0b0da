// An interface of this machine as a wire: Linux's Documentation/networking/packet_mmap.rst.
#pragma once

#include <linux/if_packet.h>

#include <array>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <string>

#include "file_descriptor.h"
#include "interface.h"
#include "offloads.h"

namespace psp {

struct PacketSocketOptions {
	// An IP packet on the wire is no larger.
	size_t mtu_octets;
	// Takes frames for all MACs.
	bool promiscuous;
	// Besides the interface's own, without `promiscuous`.
	std::optional<std::array<uint8_t, 6>> mac;
};

struct PacketCounters {
	// Frames as they are on a wire, in either direction.
	uint64_t received = 0;
	uint64_t sent = 0;
	// Came while the ring was full, or were of a kind of train that the kernel cannot describe.
	uint64_t kernel_dropped = 0;
	// Larger than the MTU, once trains are cut.
	uint64_t too_big = 0;
	// Trains and checksums that are not known here.
	uint64_t not_understood = 0;
	// Not sent, because the interface's queue was full.
	uint64_t queue_full = 0;
	// Not sent for another reason: the interface is down or gone, its MTU is smaller.
	uint64_t send_errors = 0;
};

// An interface that belongs to somebody else, in this process's network namespace. Nothing of it is changed: what the socket
// adds to its filter of addresses goes with the socket, however the process ends. Frames that this machine sends are not
// received. Frames come out as they are on a wire, whatever the interface offloads.
//
// The constructor and the methods that say so throw InterfaceError. No method waits for traffic.
class PacketSocket {
public:
	PacketSocket(std::string name, const PacketSocketOptions &options);
	PacketSocket(const PacketSocket &) = delete;
	PacketSocket &operator=(const PacketSocket &) = delete;
	~PacketSocket();

	const std::string &name() const noexcept { return name_; }
	int fd() const noexcept { return receiving_.get(); }

	// The interface's own. Throws.
	int mtu_octets() const;

	// Why nothing goes through at present, in words; empty when it does. An interface that is taken away, and one of its name
	// that comes later, need another socket.
	std::string trouble() const;

	// Frames begin to come in. Throws.
	void start();

	// Adds what has come in to `frames`, about so many of them at most.
	void receive(WireFrames &frames, size_t frames_max);

	// Gives the kernel frames, in order; those that it does not take are counted.
	void send(std::span<const std::span<const uint8_t>> frames);

	// Forgets what the socket was told about its interface: that it went down.
	void clear_error() noexcept;

	PacketCounters counters();

private:
	struct Mapping {
		uint8_t *octets;
		size_t length;
	};

	void set_up_ring();
	void listen_to(int type, std::span<const uint8_t> mac);
	tpacket_block_desc *block(size_t index) const noexcept;
	void take(const tpacket3_hdr *header, WireFrames &frames);

	std::string name_;
	size_t mtu_octets_;
	int index_ = 0;
	FileDescriptor receiving_;
	FileDescriptor sending_;
	Mapping ring_{nullptr, 0};
	// The block that is read next, and where in it.
	size_t block_ = 0;
	size_t frames_left_ = 0;
	const uint8_t *next_ = nullptr;
	PacketCounters counters_;
};

} // namespace psp
