#include "held_packets.h"

#include <algorithm>
#include <atomic>

#include <rte_ethdev.h>
#include <rte_malloc.h>
#include <rte_mbuf.h>
#include <rte_ring.h>

namespace soft {
namespace {

// Most packets that are held, as far as they are not more than a part of the pool.
constexpr size_t HELD_MAX = 1024;
constexpr size_t POOL_PART = 4;

} // namespace

WaysIn::WaysIn(uint16_t port, const std::vector<rte_ring *> &rings, rte_mempool *pool) : port_(port)
{
	for (rte_ring *ring : rings)
		ways_.push_back({ring, pool, nullptr});
	rte_eth_dev_info info{};
	const uint16_t queues = rte_eth_dev_info_get(port, &info) == 0 ? info.nb_tx_queues : 0;
	for (uint16_t queue = 0; queue < std::min<size_t>(queues, ways_.size()); queue++)
		ways_[queue].callback = rte_eth_add_tx_callback(port, queue, hold, &ways_[queue]);
}

WaysIn::~WaysIn()
{
	for (uint16_t queue = 0; queue < ways_.size(); queue++) {
		const rte_eth_rxtx_callback *callback = ways_[queue].callback;
		if (callback == nullptr)
			continue;
		// A port that the application has closed has no callbacks any more.
		rte_eth_remove_tx_callback(port_, queue, callback);
		rte_free(const_cast<rte_eth_rxtx_callback *>(callback));
	}
}

// Hands on as many packets as the ring has room for: the application keeps the others, without a reference of ours.
uint16_t WaysIn::hold(uint16_t, uint16_t, rte_mbuf **packets, uint16_t count, void *given)
{
	const Way &way = *static_cast<const Way *>(given);
	const auto fits = static_cast<uint16_t>(std::min<unsigned>(count, rte_ring_free_count(way.ring)));
	for (uint16_t i = 0; i < fits; i++) {
		if (packets[i]->pool == way.pool)
			rte_mbuf_refcnt_update(packets[i], 1);
	}
	return fits;
}

HeldPackets::HeldPackets(rte_mempool *pool)
	: pool_(pool), held_max_(pool == nullptr ? 0 : std::min<size_t>(HELD_MAX, pool->size / POOL_PART))
{
}

HeldPackets::~HeldPackets()
{
	while (!held_.empty())
		release_first();
}

rte_mbuf *HeldPackets::own(rte_mbuf *mbuf)
{
	if (mbuf->pool != pool_)
		return mbuf;
	// With its metadata.
	rte_mbuf *copy = rte_pktmbuf_copy(mbuf, pool_, 0, UINT32_MAX);
	if (held_.size() >= held_max_)
		release_first();
	held_.push_back(mbuf);
	return copy;
}

void HeldPackets::release_freed()
{
	while (!held_.empty() && rte_mbuf_refcnt_read(held_.front()) == 1) {
		// DPDK reads the count without an order. What the program did with the packet, it did before it gave it up.
		std::atomic_thread_fence(std::memory_order_acquire);
		release_first();
	}
}

void HeldPackets::release_first()
{
	rte_mbuf *mbuf = held_.front();
	held_.pop_front();
	// A program that has not freed it until now does not.
	rte_mbuf_refcnt_set(mbuf, 1);
	rte_pktmbuf_free(mbuf);
}

} // namespace soft
