#include "datapath.h"

#include <rte_ethdev.h>
#include <rte_flow.h>
#include <rte_mbuf.h>
#include <rte_ring.h>

#include "pipe.h"
#include "prefetch.h"

namespace soft {
namespace {

// Room for headers in a copy's buffer.
constexpr uint32_t COPY_HEADROOM_OCTETS = 128;
// Flags that describe the buffer, not what was received in it.
constexpr uint64_t KEPT_FLAGS = RTE_MBUF_F_INDIRECT | RTE_MBUF_F_EXTERNAL;

uint32_t packet_meta_of(const rte_mbuf *mbuf)
{
	if (!rte_flow_dynf_metadata_avail() || (mbuf->ol_flags & RTE_MBUF_DYNFLAG_RX_METADATA) == 0)
		return 0;
	// The application gives the number in the CPU's byte order, matches compare it in network order.
	return __builtin_bswap32(*RTE_FLOW_DYNF_METADATA(const_cast<rte_mbuf *>(mbuf)));
}

bool all_before_one_pipe(const Forward *next, uint32_t count)
{
	if (count == 0 || next[0].kind != Forward::PIPE)
		return false;
	bool all = true;
	for (uint32_t i = 1; i < count; i++)
		all &= next[i].kind == Forward::PIPE && next[i].pipe == next[0].pipe;
	return all;
}

// Prepares a packet for the pipe that it enters: counts the pipes, and parses a frame whose layout has changed.
void enter(Packet &packet)
{
	packet.hops++;
	if (packet.stale)
		packet.parse();
}

} // namespace

// Releases of clang-format differ in braces within initializers.
// clang-format off
Datapath::Datapath(const Aead &aead, RandomSource &random, MasterKeys &master_keys, IvSource &ivs,
		   uint32_t derived_keys, rte_mempool *buffers, Exits &exits)
	: pool(buffers), aead_(aead), random_(random), master_keys_(master_keys), ivs_(ivs), exits_(exits), derived_(aead, derived_keys),
	  alive_{generation_tag(0), generation_tag(1)}, looked_through_(derived_.slots()), candidate_memory_(prepared_key_stride(aead)),
	  candidate_(candidate_memory_.data()), held_(buffers), packets_(BURST_MAX)
{
}
// clang-format on

void Datapath::from_port(uint16_t port, rte_mbuf **mbufs, uint32_t count)
{
	if (!connected) {
		rte_pktmbuf_free_bulk(mbufs, count);
		return;
	}
	from_uplink_ = port == uplink;
	uint32_t taken = 0;
	for (uint32_t i = 0; i < count; i++) {
		rte_mbuf *mbuf = mbufs[i];
		if (i + 4 < count)
			rte_prefetch0(rte_pktmbuf_mtod(mbufs[i + 4], void *));
		if (mbuf->nb_segs > 1 && rte_pktmbuf_linearize(mbuf) != 0) {
			rte_pktmbuf_free(mbuf);
			counts.port_drops++;
			continue;
		}
		Packet &packet = packets_[taken++];
		packet.mbuf = mbuf;
		packet.load(rte_pktmbuf_mtod(mbuf, uint8_t *), mbuf->pkt_len, port, 0);
	}
	process(taken, {ingress_root == nullptr ? Forward::DROP : Forward::PIPE, 0, 0, ingress_root});
}

void Datapath::from_application(uint16_t port, rte_mbuf **mbufs, uint32_t count)
{
	from_uplink_ = false;
	uint32_t taken = 0;
	for (uint32_t i = 0; i < count; i++) {
		rte_mbuf *mbuf = held_.own(mbufs[i]);
		if (mbuf == nullptr || (mbuf->nb_segs > 1 && rte_pktmbuf_linearize(mbuf) != 0)) {
			rte_pktmbuf_free(mbuf);
			counts.port_drops++;
			continue;
		}
		Packet &packet = packets_[taken++];
		packet.mbuf = mbuf;
		packet.load(rte_pktmbuf_mtod(mbuf, uint8_t *), mbuf->pkt_len, port, packet_meta_of(mbuf));
	}
	Forward start = {egress_root == nullptr ? Forward::DROP : Forward::PIPE, 0, 0, egress_root};
	// Of the rules that the library makes unless the program is an expert's: what is sent by a port leaves by it.
	if (egress_root == nullptr && mode != Mode::EXPERT && connected)
		start = {Forward::PORT, static_cast<uint16_t>(exits_.position_of(port)), 0, nullptr};
	process(taken, start);
}

void Datapath::from_kernel(rte_mbuf **mbufs, uint32_t count)
{
	const int position = exits_.position_of(uplink);
	for (uint32_t i = 0; i < count; i++) {
		rte_mbuf *mbuf = mbufs[i];
		if (position < 0 || mbuf->pkt_len > exits_.ports[position].mtu_octets + ETHERNET_OCTETS ||
		    (mbuf->nb_segs > 1 && rte_pktmbuf_linearize(mbuf) != 0)) {
			rte_pktmbuf_free(mbuf);
			counts.port_drops++;
			continue;
		}
		mbuf->ol_flags &= KEPT_FLAGS;
		SwitchPort &port = exits_.ports[position];
		port.frames[port.waiting++] = mbuf;
		if (port.waiting == BURST_MAX)
			flush(port);
	}
}

// Packets go through the pipes in waves: all that wait before the same pipe go through it together. They leave in the order in
// which they came.
void Datapath::process(uint32_t count, const Forward &start)
{
	Forward next[BURST_MAX];
	Packet *group[BURST_MAX];
	burst_ = count;
	now_ = 0;
	watch_.begin(packets_.data(), count);
	for (uint32_t i = 0; i < count; i++) {
		next[i] = start;
		group[i] = &packets_[i];
	}
	// The fast path: all packets are before the same pipe, as they mostly are.
	while (all_before_one_pipe(next, count)) {
		doca_flow_pipe *pipe = next[0].pipe;
		for (uint32_t i = 0; i < count; i++)
			enter(packets_[i]);
		mark_egress(*pipe, group, count);
		pass(*pipe, group, count, next);
		if (packets_[0].hops > exits_.pipes)
			break;
	}
	process_apart(next, count);
	if (exits_.egress_by_port) {
		for (uint32_t i = 0; i < count; i++)
			enter_egress(packets_[i], next[i]);
		process_apart(next, count);
	}
	for (uint32_t i = 0; i < count; i++) {
		if (next[i].kind == Forward::PORT && packets_[i].crypto_id != 0 && prepare_seal(packets_[i]))
			prefetch_line(packets_[i].key);
	}
	for (uint32_t i = 0; i < count + PREFETCH_PACKETS; i++) {
		// Consecutive packets of one session prefetch once.
		if (i < count && (i == 0 || packets_[i].key != packets_[i - 1].key))
			prefetch_key(packets_[i], packets_[i].key);
		if (i >= PREFETCH_PACKETS)
			leave_or_tell(packets_[i - PREFETCH_PACKETS], next[i - PREFETCH_PACKETS]);
	}
	watch_.end();
}

inline void Datapath::pass(doca_flow_pipe &pipe, Packet **packets, uint32_t count, Forward *results)
{
	if (!watch_.is_active())
		pipe.process(packets, count, results, *this);
	else
		watch_.pass(pipe, packets, count, results, [&] { pipe.process(packets, count, results, *this); });
}

// The general path, for packets before different pipes.
void Datapath::process_apart(Forward *next, uint32_t count)
{
	Packet *group[BURST_MAX];
	Forward results[BURST_MAX];
	uint8_t members[BURST_MAX];
	uint8_t waiting[BURST_MAX];
	uint32_t waiting_count = 0;
	for (uint32_t i = 0; i < count; i++) {
		if (next[i].kind == Forward::PIPE)
			waiting[waiting_count++] = static_cast<uint8_t>(i);
	}
	while (waiting_count > 0) {
		doca_flow_pipe *pipe = next[waiting[0]].pipe;
		uint32_t grouped = 0;
		uint32_t others = 0;
		for (uint32_t i = 0; i < waiting_count; i++) {
			const uint8_t at = waiting[i];
			if (next[at].pipe != pipe) {
				waiting[others++] = at;
				continue;
			}
			// The limit that ends circles of forwards.
			if (packets_[at].hops > exits_.pipes) {
				next[at].kind = Forward::DROP;
				continue;
			}
			enter(packets_[at]);
			results[grouped] = next[at];
			group[grouped] = &packets_[at];
			members[grouped++] = at;
		}
		mark_egress(*pipe, group, grouped);
		pass(*pipe, group, grouped, results);
		for (uint32_t i = 0; i < grouped; i++) {
			next[members[i]] = results[i];
			if (results[i].kind == Forward::PIPE)
				waiting[others++] = members[i];
		}
		waiting_count = others;
	}
}

void Datapath::walk(Packet &packet, Forward forward)
{
	while (forward.kind == Forward::PIPE || enter_egress(packet, forward)) {
		if (packet.hops > exits_.pipes) {
			forward.kind = Forward::DROP;
			break;
		}
		enter(packet);
		Packet *one = &packet;
		mark_egress(*forward.pipe, &one, 1);
		pass(*forward.pipe, &one, 1, &forward);
	}
	leave_or_tell(packet, forward);
}

inline void Datapath::leave_or_tell(Packet &packet, const Forward &forward)
{
	if (watch_.is_active())
		leave_watched(packet, forward);
	else
		leave(packet, forward);
}

void Datapath::leave_watched(Packet &packet, const Forward &forward)
{
	const Counts before = counts;
	leave(packet, forward);
	watch_.left(packet, forward, before);
}

// In mode vnf what leaves by a port goes through the egress root of that port, once, if there is one. Returns whether it does.
bool Datapath::enter_egress(const Packet &packet, Forward &forward) const
{
	if (!exits_.egress_by_port || forward.kind != Forward::PORT || packet.in_egress)
		return false;
	const Datapath *datapath = exits_.ports[forward.target].datapath;
	if (datapath == nullptr || datapath->egress_root == nullptr)
		return false;
	forward = {Forward::PIPE, 0, 0, datapath->egress_root};
	return true;
}

void Datapath::mark_egress(const doca_flow_pipe &pipe, Packet **packets, uint32_t count) const
{
	if (!exits_.egress_by_port || pipe.domain == DOCA_FLOW_PIPE_DOMAIN_DEFAULT)
		return;
	for (uint32_t i = 0; i < count; i++)
		packets[i]->in_egress = true;
}

void Datapath::leave(Packet &packet, const Forward &forward)
{
	switch (forward.kind) {
	case Forward::PORT:
		leave_by_port(packet, forward.target);
		return;
	case Forward::RSS:
		to_rss(packet, exits_.rss[forward.target]);
		return;
	case Forward::KERNEL:
		leave_to_kernel(packet);
		return;
	default:
		rte_pktmbuf_free(packet.mbuf);
	}
}

void Datapath::leave_by_port(Packet &packet, uint16_t number)
{
	SwitchPort &port = exits_.ports[number];
	if (packet.crypto_id != 0 && !packet.sealed) {
		if (!seal(packet)) {
			rte_pktmbuf_free(packet.mbuf);
			return;
		}
	} else if (port.uplink && (packet.exposed || (packet.encap >= 0 && !packet.sealed))) {
		// A decrypted payload that is still in its PSP envelope never goes to the network.
		counts.tx_errors++;
		rte_pktmbuf_free(packet.mbuf);
		return;
	}
	if (packet.length > port.mtu_octets + ETHERNET_OCTETS + packet.tag_octets || port.datapath == nullptr) {
		counts.port_drops++;
		rte_pktmbuf_free(packet.mbuf);
		return;
	}
	packet.mbuf->ol_flags &= KEPT_FLAGS;
	port.frames[port.waiting++] = packet.mbuf;
	if (port.waiting == BURST_MAX)
		flush(port);
}

// The kernel gets what comes in by the uplink, as it came: nothing of the workload, and nothing that has been decrypted.
void Datapath::leave_to_kernel(Packet &packet)
{
	if (to_kernel.datapath == nullptr || !from_uplink_ || (packet.have & HAVE_SYNDROME) != 0) {
		counts.kernel_drops++;
		rte_pktmbuf_free(packet.mbuf);
		return;
	}
	packet.mbuf->ol_flags &= KEPT_FLAGS;
	to_kernel.frames[to_kernel.waiting++] = packet.mbuf;
	if (to_kernel.waiting == BURST_MAX)
		flush(to_kernel);
}

void Datapath::to_rss(Packet &packet, const RssTarget &target)
{
	rte_mbuf *mbuf = packet.mbuf;
	if (target.port == nullptr) {
		rte_pktmbuf_free(mbuf);
		return;
	}
	rte_ring *ring = target.port->rings[target.queue_for(packet)];
	mbuf->ol_flags &= KEPT_FLAGS;
	if (rte_flow_dynf_metadata_avail()) {
		*RTE_FLOW_DYNF_METADATA(mbuf) = load32(packet.meta);
		mbuf->ol_flags |= RTE_MBUF_DYNFLAG_RX_METADATA;
	}
	if (rte_ring_sp_enqueue(ring, mbuf) != 0) {
		counts.rss_drops++;
		rte_pktmbuf_free(mbuf);
		return;
	}
	target.port->packets.fetch_add(1, std::memory_order_release);
}

bool Datapath::copy_to(Packet &packet, const Forward *targets, size_t count)
{
	if (packet.crypto_id != 0 && !packet.sealed) {
		prepare_seals_before(packet);
		if (!seal(packet))
			return false;
	}
	for (size_t i = 0; i < count; i++) {
		if (depth_ == COPY_DEPTH_MAX)
			return true;
		rte_mbuf *mbuf = rte_pktmbuf_alloc(pool);
		if (mbuf == nullptr || packet.length + COPY_HEADROOM_OCTETS > mbuf->buf_len) {
			rte_pktmbuf_free(mbuf);
			counts.port_drops++;
			continue;
		}
		mbuf->data_off = COPY_HEADROOM_OCTETS;
		mbuf->data_len = static_cast<uint16_t>(packet.length);
		mbuf->pkt_len = packet.length;
		uint8_t *frame = rte_pktmbuf_mtod(mbuf, uint8_t *);
		memcpy(frame, packet.frame, packet.length);
		Packet copy{};
		copy.mbuf = mbuf;
		copy.copy_from(packet, frame);
		if (watch_.is_active())
			watch_.copied(copy, packet, depth_);
		depth_++;
		walk(copy, targets[i]);
		depth_--;
	}
	return true;
}

void Datapath::flush()
{
	held_.look();
	for (SwitchPort &port : exits_.ports)
		flush(port);
	flush(to_kernel);
}

void Datapath::flush(SwitchPort &port)
{
	if (port.waiting == 0)
		return;
	const uint16_t sent = rte_eth_tx_burst(port.dpdk_port, 0, port.frames, static_cast<uint16_t>(port.waiting));
	for (uint32_t i = sent; i < port.waiting; i++) {
		rte_pktmbuf_free(port.frames[i]);
		counts.port_drops++;
	}
	port.waiting = 0;
}

} // namespace soft
