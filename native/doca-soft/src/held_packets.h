// Packets that a program sends although they are the device's own: those that it has received by RSS. NVIDIA's programs free them
// besides, at any time after rte_eth_tx_burst. So the device works on copies of them, and keeps the buffers until they have been
// freed, or have been kept for long.
#pragma once

#include <cstddef>
#include <cstdint>
#include <deque>
#include <vector>

struct rte_eth_rxtx_callback;
struct rte_mbuf;
struct rte_mempool;
struct rte_ring;

namespace soft {

// The way of packets from the application into a port's rings, in the application's threads: takes a reference to each packet of the
// device's own pool before it is in the ring. Exists while the device runs.
class WaysIn {
public:
	WaysIn(uint16_t port, const std::vector<rte_ring *> &rings, rte_mempool *pool);
	~WaysIn();
	WaysIn(const WaysIn &) = delete;
	WaysIn &operator=(const WaysIn &) = delete;

private:
	struct Way {
		rte_ring *ring;
		rte_mempool *pool;
		const rte_eth_rxtx_callback *callback;
	};
	static uint16_t hold(uint16_t port, uint16_t queue, rte_mbuf **packets, uint16_t count, void *way);

	const uint16_t port_;
	std::vector<Way> ways_;
};

// Used by the datapath's thread.
class HeldPackets {
public:
	explicit HeldPackets(rte_mempool *pool);
	~HeldPackets();
	HeldPackets(const HeldPackets &) = delete;
	HeldPackets &operator=(const HeldPackets &) = delete;

	// Returns a packet that is the device's alone: the packet itself, or a copy of one that is held from now on. Returns nullptr
	// when there is no buffer.
	rte_mbuf *own(rte_mbuf *mbuf);
	// Gives back the buffers that the program has freed.
	void look()
	{
		if (!held_.empty())
			release_freed();
	}

private:
	void release_freed();
	void release_first();

	rte_mempool *const pool_;
	const size_t held_max_;
	std::deque<rte_mbuf *> held_;
};

} // namespace soft
