// The datapath of one device: it takes packets from ports and from the application through the pipes to where they end. One
// thread owns it; members that other threads read are atomic.
#pragma once

#include <cstdint>
#include <vector>

#include "clock.h"
#include "exits.h"
#include "flow.h"
#include "held_packets.h"
#include "keys.h"
#include "packet.h"
#include "trace_packets.h"

struct doca_flow_pipe;
struct rte_mbuf;
struct rte_mempool;

namespace soft {

struct EntryHot;

// How many packets ahead of the AEAD the keys are prefetched.
constexpr uint32_t PREFETCH_PACKETS = 4;

// Where a packet goes next.
struct Forward {
	bool operator==(const Forward &other) const
	{
		return kind == other.kind && target == other.target && index == other.index && pipe == other.pipe;
	}

	enum Kind : uint16_t { DROP, LOST, KERNEL, RSS, PORT, PIPE, CHANGEABLE };
	Kind kind = DROP;
	// The number of the port, or of the RSS configuration.
	uint16_t target = 0;
	// The index of an ordered list's entry.
	uint32_t index = 0;
	doca_flow_pipe *pipe = nullptr;
};

// Counters that only the datapath's thread writes.
struct Counts {
	uint64_t rx_packets = 0;
	uint64_t rx_auth_failures = 0;
	uint64_t rx_errors = 0;
	uint64_t rx_bad = 0;
	uint64_t tx_packets = 0;
	uint64_t tx_errors = 0;
	uint64_t decap_errors = 0;
	uint64_t port_drops = 0;
	uint64_t rss_drops = 0;
	// Left to the kernel, where none takes it.
	uint64_t kernel_drops = 0;
};

class Datapath {
public:
	// Arguments given by reference must outlive the object. `pool` has buffers for copies.
	Datapath(const Aead &aead, RandomSource &random, MasterKeys &master_keys, IvSource &ivs, uint32_t derived_keys,
		 rte_mempool *buffers, Exits &exits);

	// Handle bursts of up to BURST_MAX packets. `port` is the number that matches see as the packets' port.
	void from_port(uint16_t port, rte_mbuf **mbufs, uint32_t count);
	void from_application(uint16_t port, rte_mbuf **mbufs, uint32_t count);
	// What the kernel behind the uplink sends leaves by that as it is.
	void from_kernel(rte_mbuf **mbufs, uint32_t count);
	void flush();
	// Wipes some of the derived keys whose master key is gone; to be called between bursts. Returns false when there are no
	// more.
	bool wipe_dead_keys();
	// Keeps the derived keys out of swap and dumps. Returns false when they may be swapped out.
	bool lock_keys() { return derived_.lock() && candidate_memory_.lock(); }

	// To be called between bursts.
	void tell_trace() { watch_.tick(); }
	// By which number the program knows the port at a position.
	uint16_t port_number(uint16_t position) const { return exits_.ports[position].number; }

	// The following is for pipes and actions.
	void decrypt(Packet &packet);
	// Prefetches the beginning of each key that decrypt() will use, and returns where the keys are, nullptr where there is
	// none yet. prefetch_key() prefetches the rest of a key, a few packets ahead.
	void prefetch_keys(Packet **packets, uint32_t count, const void **keys) const;
	void prefetch_key(const Packet &packet, const void *key) const
	{
		if (key != nullptr)
			prefetch_prepared(aead_, key, packet.length);
	}
	// To be called when a packet has hit an entry.
	void note_hit(const Packet &packet, const EntryHot &hot)
	{
		if (watch_.is_active())
			watch_.hit(packet, hot);
	}
	uint16_t draw_random() { return random_.draw16(); }
	// The time of the current burst.
	uint64_t now()
	{
		if (now_ == 0)
			now_ = clock_nanoseconds();
		return now_;
	}
	// Sends copies of the packet to all targets, encrypted if it has a key. Returns false when the packet was lost and
	// counted.
	bool copy_to(Packet &packet, const Forward *targets, size_t count);

	// Set by the thread, or while it does not run.
	doca_flow_pipe *ingress_root = nullptr;
	doca_flow_pipe *egress_root = nullptr;
	Mode mode = Mode::EXPERT;
	// Whether what ports receive and what the application sends goes through the pipes; otherwise it is dropped.
	bool connected = true;
	KeySlots *slots = nullptr;
	// The number of the port that the kernel is behind, and the way to it; its `datapath` is nullptr where there is no kernel.
	uint16_t uplink = 0;
	SwitchPort to_kernel;
	RssQueues to_application;

	Counts counts;
	FlowPorts flow_ports;
	rte_mempool *pool;

private:
	void process(uint32_t count, const Forward &start);
	void process_apart(Forward *next, uint32_t count);
	bool enter_egress(const Packet &packet, Forward &forward) const;
	void mark_egress(const doca_flow_pipe &pipe, Packet **packets, uint32_t count) const;
	void pass(doca_flow_pipe &pipe, Packet **packets, uint32_t count, Forward *results);
	void walk(Packet &packet, Forward forward);
	void leave(Packet &packet, const Forward &forward);
	void leave_or_tell(Packet &packet, const Forward &forward);
	void leave_watched(Packet &packet, const Forward &forward);
	void leave_by_port(Packet &packet, uint16_t port);
	void to_rss(Packet &packet, const RssTarget &target);
	void leave_to_kernel(Packet &packet);
	bool seal(Packet &packet);
	bool prepare_seal(Packet &packet);
	void prepare_seals_before(const Packet &packet);
	uint8_t open(Packet &packet);
	uint32_t generation_tag(uint32_t master_key) const;
	void flush(SwitchPort &port);

	const Aead &aead_;
	RandomSource &random_;
	MasterKeys &master_keys_;
	IvSource &ivs_;
	Exits &exits_;
	DerivedKeyCache derived_;
	// The tags of the master keys for which derived keys were last searched, and how far the search has come.
	uint32_t alive_[2];
	size_t looked_through_;
	// A derived key that has not yet authenticated a packet.
	HugeMemory candidate_memory_;
	void *const candidate_;
	// Packets that the application frees itself.
	HeldPackets held_;
	std::vector<Packet> packets_;
	// How many of `packets_` belong to the current burst.
	uint32_t burst_ = 0;
	// Whether the burst has come in by the uplink.
	bool from_uplink_ = false;
	uint32_t depth_ = 0;
	// 0 until somebody asks for it.
	uint64_t now_ = 0;
	trace::PacketWatch watch_{*this};
};

} // namespace soft
