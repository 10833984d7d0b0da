// Where packets leave: the ports and RSS targets of all devices that one worker works for, so that forwards may name those of another.
#pragma once

#include <atomic>
#include <cstdint>
#include <vector>

#include "packet.h"

struct rte_mbuf;
struct rte_ring;

namespace soft {

class Datapath;

constexpr uint32_t BURST_MAX = 64;
// How deep copies of copies may be nested; deeper nesting is a mistake in the program.
constexpr uint32_t COPY_DEPTH_MAX = 64;

// How doca_flow_init has been told to work: ports on their own, or a device's behind a manager; EXPERT is the latter without
// rules that the library makes.
enum class Mode { VNF, SWITCH, EXPERT };

// A port: its DPDK port, and the frames that wait to leave by it.
struct SwitchPort {
	// The number that the application knows it by.
	uint16_t number = 0;
	uint16_t dpdk_port = 0;
	uint32_t mtu_octets = 0;
	// The port that faces the network.
	bool uplink = false;
	// Of the device that it belongs to; nullptr while that is stopped.
	Datapath *datapath = nullptr;
	uint32_t waiting = 0;
	rte_mbuf *frames[BURST_MAX];
};

// The application's RX queues of one device.
struct RssQueues {
	std::vector<rte_ring *> rings;
	// Number of packets given to them.
	std::atomic<uint64_t> packets{0};
};

// The fields of a header that packets are spread by, as bits: source, destination.
enum : uint8_t { RSS_NONE = 0, RSS_SOURCE = 1, RSS_DESTINATION = 2, RSS_BOTH = 3 };

// What packets are spread over queues by: addresses of packets of either family, ports of either protocol.
struct RssFields {
	bool operator==(const RssFields &other) const
	{
		return ip4 == other.ip4 && ip6 == other.ip6 && udp == other.udp && tcp == other.tcp && inner == other.inner;
	}
	// Packets of a family without any go to the first queue.
	uint8_t ip4 = RSS_BOTH;
	uint8_t ip6 = RSS_BOTH;
	uint8_t udp = RSS_BOTH;
	uint8_t tcp = RSS_BOTH;
	// By the headers inside the tunnel, if there is one.
	bool inner = false;
};

// Which of a device's RX queues packets are spread over, and by what.
struct RssTarget {
	bool operator==(const RssTarget &other) const
	{
		return port == other.port && queues == other.queues && fields == other.fields;
	}
	// The queue for this packet.
	uint16_t queue_for(Packet &packet) const;

	// nullptr while the device is stopped: the place is free.
	RssQueues *port = nullptr;
	std::vector<uint16_t> queues;
	RssFields fields;
};

// Used by the worker's thread.
struct Exits {
	// The place of the port that the application knows by this number, from now on; -1 when it has none.
	int position_of(uint16_t number) const;
	SwitchPort &place_of(uint16_t number);
	// The place of an RSS target, an equal one's where there is one; -1 when there are too many.
	int position_of(const RssTarget &target);
	// To be called when the device stops.
	void close(const Datapath &datapath);

	std::vector<SwitchPort> ports;
	std::vector<RssTarget> rss;
	// The number of pipes of all devices, which no packet passes more of.
	uint32_t pipes = 0;
	// Whether what a pipe of the ingress forwards to a port goes through the egress root of that port.
	bool egress_by_port = false;
};

} // namespace soft
