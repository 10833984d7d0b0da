#include "packet_socket.h"

#include <linux/if_arp.h>
#include <linux/if_ether.h>
#include <netinet/in.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/socket.h>

#include <algorithm>
#include <atomic>
#include <cerrno>
#include <cstring>
#include <utility>

namespace psp {
namespace {

// A train of the largest size fits into one block, with what the kernel writes before it.
constexpr size_t BLOCK_OCTETS = 256 * 1024;
// 16 MiB in all: 50 ms of 200,000 frames of 1,500 octets a second.
constexpr size_t BLOCKS = 64;
// The kernel hands a block over when it is full or so old.
constexpr unsigned BLOCK_TIMEOUT_MS = 1;
constexpr int SEND_BUFFER_OCTETS = 4 * 1024 * 1024;
constexpr size_t SEND_BATCH = 64;
constexpr const char *NEEDS_RAW = "run as root or with CAP_NET_RAW";

// One that receives nothing until it is bound to an interface.
FileDescriptor open_packet_socket(const std::string &name)
{
	const int fd = ::socket(AF_PACKET, SOCK_RAW | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
	if (fd >= 0)
		return FileDescriptor(fd);
	const int error = errno;
	fail(name, "cannot open it as a wire", error, error == EPERM || error == EACCES ? NEEDS_RAW : "");
}

template <typename Value> void set_option(const std::string &name, int fd, int option, const Value &value, const char *doing)
{
	if (::setsockopt(fd, SOL_PACKET, option, &value, sizeof(value)) != 0)
		fail(name, doing, errno, "");
}

int index_of(const std::string &name, int fd)
{
	ifreq request = request_for(name);
	if (::ioctl(fd, SIOCGIFINDEX, &request) == 0)
		return request.ifr_ifindex;
	const int error = errno;
	fail(name, "cannot open it as a wire", error,
	     error == ENODEV ? "no interface of that name is in this network namespace (ip link)" : "");
}

void bind_to(const std::string &name, int fd, int index, uint16_t protocol)
{
	sockaddr_ll address{};
	address.sll_family = AF_PACKET;
	address.sll_protocol = htons(protocol);
	address.sll_ifindex = index;
	// An interface that is down can be bound all the same.
	if (::bind(fd, reinterpret_cast<const sockaddr *>(&address), sizeof(address)) != 0 && errno != ENETDOWN)
		fail(name, "cannot open it as a wire", errno, "");
}

} // namespace

PacketSocket::PacketSocket(std::string name, const PacketSocketOptions &options)
	: name_(std::move(name)), mtu_octets_(options.mtu_octets), receiving_(open_packet_socket(name_)),
	  sending_(open_packet_socket(name_))
{
	index_ = index_of(name_, fd());
	ifreq request = request_for(name_);
	if (::ioctl(fd(), SIOCGIFHWADDR, &request) != 0)
		fail(name_, "cannot read its MAC", errno, "");
	if (request.ifr_hwaddr.sa_family != ARPHRD_ETHER)
		throw InterfaceError(name_ + ": cannot open it as a wire: it is no Ethernet interface");
	set_up_ring();
	if (options.promiscuous)
		listen_to(PACKET_MR_PROMISC, {});
	else if (options.mac)
		listen_to(PACKET_MR_UNICAST, *options.mac);
	// As much as the system allows; what does not fit is counted.
	::setsockopt(sending_.get(), SOL_SOCKET, SO_SNDBUF, &SEND_BUFFER_OCTETS, sizeof(SEND_BUFFER_OCTETS));
	bind_to(name_, sending_.get(), index_, 0);
}

PacketSocket::~PacketSocket()
{
	if (ring_.octets != nullptr)
		::munmap(ring_.octets, ring_.length);
}

void PacketSocket::set_up_ring()
{
	const int version = TPACKET_V3;
	const int on = 1;
	set_option(name_, fd(), PACKET_VERSION, version, "cannot have a ring of its frames");
	set_option(name_, fd(), PACKET_VNET_HDR, on, "cannot learn what is offloaded to it");
	set_option(name_, fd(), PACKET_IGNORE_OUTGOING, on, "cannot leave out what this machine sends (Linux 4.20)");
	tpacket_req3 request{};
	request.tp_block_size = BLOCK_OCTETS;
	request.tp_block_nr = BLOCKS;
	// Frames of any length stand one behind the other in a block: the kernel only checks that these numbers agree.
	request.tp_frame_size = BLOCK_OCTETS;
	request.tp_frame_nr = BLOCKS;
	request.tp_retire_blk_tov = BLOCK_TIMEOUT_MS;
	set_option(name_, fd(), PACKET_RX_RING, request, "cannot have a ring of its frames");
	const size_t length = BLOCK_OCTETS * BLOCKS;
	void *memory = ::mmap(nullptr, length, PROT_READ | PROT_WRITE, MAP_SHARED, fd(), 0);
	if (memory == MAP_FAILED)
		fail(name_, "cannot map the ring of its frames", errno, "");
	ring_ = {static_cast<uint8_t *>(memory), length};
}

void PacketSocket::listen_to(int type, std::span<const uint8_t> mac)
{
	packet_mreq request{};
	request.mr_ifindex = index_;
	request.mr_type = static_cast<unsigned short>(type);
	request.mr_alen = static_cast<unsigned short>(mac.size());
	std::copy(mac.begin(), mac.end(), request.mr_address);
	set_option(name_, fd(), PACKET_ADD_MEMBERSHIP, request, "cannot take frames for other MACs");
}

int PacketSocket::mtu_octets() const
{
	ifreq request = request_for(name_);
	if (::ioctl(fd(), SIOCGIFMTU, &request) != 0)
		fail(name_, "cannot read its MTU", errno, "");
	return request.ifr_mtu;
}

std::string PacketSocket::trouble() const
{
	ifreq request = request_for(name_);
	if (::ioctl(fd(), SIOCGIFINDEX, &request) != 0 || request.ifr_ifindex != index_)
		return "it was removed";
	if (::ioctl(fd(), SIOCGIFFLAGS, &request) != 0 || (request.ifr_flags & IFF_UP) == 0)
		return "it is down";
	return (request.ifr_flags & IFF_RUNNING) == 0 ? "it has no carrier" : "";
}

void PacketSocket::start()
{
	bind_to(name_, fd(), index_, ETH_P_ALL);
}

tpacket_block_desc *PacketSocket::block(size_t index) const noexcept
{
	return reinterpret_cast<tpacket_block_desc *>(ring_.octets + index * BLOCK_OCTETS);
}

void PacketSocket::receive(WireFrames &frames, size_t frames_max)
{
	while (frames.lengths.size() < frames_max) {
		auto *description = block(block_);
		auto &header = description->hdr.bh1;
		std::atomic_ref<uint32_t> status(header.block_status);
		if (next_ == nullptr) {
			if ((status.load(std::memory_order_acquire) & TP_STATUS_USER) == 0)
				break;
			frames_left_ = header.num_pkts;
			next_ = reinterpret_cast<const uint8_t *>(description) + header.offset_to_first_pkt;
		}
		for (; frames_left_ > 0 && frames.lengths.size() < frames_max; frames_left_--) {
			const auto *frame = reinterpret_cast<const tpacket3_hdr *>(next_);
			take(frame, frames);
			next_ += frame->tp_next_offset;
		}
		if (frames_left_ > 0)
			break;
		next_ = nullptr;
		status.store(TP_STATUS_KERNEL, std::memory_order_release);
		block_ = (block_ + 1) % BLOCKS;
	}
}

void PacketSocket::take(const tpacket3_hdr *header, WireFrames &frames)
{
	const uint8_t *octets = reinterpret_cast<const uint8_t *>(header) + header->tp_mac;
	const size_t before = frames.lengths.size();
	const uint64_t too_big = frames.too_big;
	// Larger than a block, as only a train can be that is no IP packet any more (BIG TCP).
	bool is_understood = header->tp_snaplen == header->tp_len;
	if (is_understood) {
		OffloadedFrame frame{{octets, header->tp_snaplen}, {}, std::nullopt};
		std::memcpy(&frame.todo, octets - sizeof(frame.todo), sizeof(frame.todo));
		if ((header->tp_status & TP_STATUS_VLAN_VALID) != 0) {
			const bool has_type = (header->tp_status & TP_STATUS_VLAN_TPID_VALID) != 0;
			frame.tag = VlanTag{has_type ? header->hv1.tp_vlan_tpid : uint16_t{ETH_P_8021Q},
					    static_cast<uint16_t>(header->hv1.tp_vlan_tci)};
		}
		is_understood = add_wire_frames(frame, mtu_octets_, frames);
	}
	if (!is_understood)
		counters_.not_understood++;
	counters_.received += frames.lengths.size() - before + frames.too_big - too_big;
	counters_.too_big += frames.too_big - too_big;
}

void PacketSocket::send(std::span<const std::span<const uint8_t>> frames)
{
	std::array<mmsghdr, SEND_BATCH> messages{};
	std::array<iovec, SEND_BATCH> parts{};
	while (!frames.empty()) {
		const size_t count = std::min(frames.size(), SEND_BATCH);
		for (size_t i = 0; i < count; i++) {
			parts[i] = {const_cast<uint8_t *>(frames[i].data()), frames[i].size()};
			messages[i].msg_hdr.msg_iov = &parts[i];
			messages[i].msg_hdr.msg_iovlen = 1;
		}
		const int sent = ::sendmmsg(sending_.get(), messages.data(), static_cast<unsigned>(count), 0);
		if (sent > 0) {
			counters_.sent += static_cast<uint64_t>(sent);
			frames = frames.subspan(static_cast<size_t>(sent));
			continue;
		}
		const int error = errno;
		if (error == EINTR)
			continue;
		// The error is the first frame's; those behind it may be small enough, or find room.
		(error == EAGAIN || error == ENOBUFS ? counters_.queue_full : counters_.send_errors)++;
		frames = frames.subspan(1);
	}
}

void PacketSocket::clear_error() noexcept
{
	for (const int each : {receiving_.get(), sending_.get()}) {
		int error = 0;
		socklen_t length = sizeof(error);
		::getsockopt(each, SOL_SOCKET, SO_ERROR, &error, &length);
	}
}

PacketCounters PacketSocket::counters()
{
	tpacket_stats_v3 stats{};
	socklen_t length = sizeof(stats);
	// Reading them sets them to zero.
	if (::getsockopt(fd(), SOL_PACKET, PACKET_STATISTICS, &stats, &length) == 0)
		counters_.kernel_dropped += stats.tp_drops;
	return counters_;
}

} // namespace psp
