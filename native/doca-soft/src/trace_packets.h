// What the trace tells of packets: the way of some of them pipe by pipe, and how many went which way. It belongs to a datapath,
// whose thread alone uses it.
#pragma once

#include <chrono>
#include <cstdint>
#include <map>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "exits.h"
#include "packet.h"
#include "trace_text.h"

struct doca_flow_pipe;

namespace soft {
class Datapath;
struct EntryHot;
struct Forward;
struct Counts;
} // namespace soft

namespace soft::trace {

// Pipes whose packets are counted, and ways out of each.
constexpr size_t COUNTED_PIPES_MAX = 4096;
constexpr size_t WAYS_OUT_MAX = 64;
// Packets, copies among them, whose way is told at once.
constexpr size_t SAMPLES_MAX = 128;

struct Amount {
	uint64_t packets = 0;
	uint64_t octets = 0;
};

struct PacketSample;

class PacketWatch {
public:
	explicit PacketWatch(const Datapath &datapath);
	~PacketWatch();
	PacketWatch(const PacketWatch &) = delete;
	PacketWatch &operator=(const PacketWatch &) = delete;

	// Whether packets of this burst are looked at.
	bool is_active() const { return active_; }
	// Before and after a burst.
	void begin(Packet *packets, uint32_t count);
	void end();
	// Has a pipe process packets, and looks at them before and after it.
	template <typename Process>
	void pass(doca_flow_pipe &pipe, Packet **packets, uint32_t count, Forward *results, Process process)
	{
		before(packets, count);
		process();
		after(pipe, packets, count, results);
	}
	// A packet that has hit an entry of the pipe that processes it.
	void hit(const Packet &packet, const EntryHot &hot) { notes_[packet.note].hit = &hot; }
	// A copy of a packet that is about to go its own way, among so many others that have not left yet.
	void copied(Packet &copy, const Packet &original, uint32_t depth);
	// A packet that has left by a forward, and the device's counters before that.
	void left(const Packet &packet, const Forward &forward, const Counts &before);
	// Tells counters once in a second; to be called between bursts.
	void tick();

private:
	struct PipeCounts {
		std::string name;
		bool changed = false;
		Amount hits;
		Amount misses;
		// By whether they are misses, and where they go, in JSON.
		std::map<std::pair<bool, std::string>, Amount> ways_out;
	};

	// Of a packet of the burst, or of a copy that is under way: the entry that it has hit in the pipe that processes it, its
	// length before that, and what is told of its way, nullptr for nothing.
	struct Note {
		const EntryHot *hit = nullptr;
		uint32_t octets_before = 0;
		PacketSample *sample = nullptr;
	};
	static constexpr uint32_t NOTES = BURST_MAX + COPY_DEPTH_MAX;
	static_assert(NOTES <= UINT8_MAX);

	void before(Packet **packets, uint32_t count);
	void after(doca_flow_pipe &pipe, Packet **packets, uint32_t count, const Forward *results);
	PacketSample *take_sample(const Packet &packet, uint64_t number, bool is_copy);
	PipeCounts *counts_of(const doca_flow_pipe &pipe);
	void tell_counters();

	const Datapath &datapath_;
	bool active_ = false;
	uint64_t seen_ = 0;
	Note notes_[NOTES];
	std::unique_ptr<PacketSample[]> samples_;
	size_t samples_used_ = 0;
	std::map<uint32_t, PipeCounts> counts_;
	std::chrono::steady_clock::time_point told_;
};

} // namespace soft::trace
