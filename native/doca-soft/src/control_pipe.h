// CONTROL pipes: few entries, each with a match of its own, in the order of their priorities.
#pragma once

#include "pipe.h"

namespace soft {

class ControlPipe : public doca_flow_pipe {
public:
	// Made for `expected` entries, and takes up to `max`.
	ControlPipe(uint32_t expected, uint32_t max);

	void process(Packet **packets, uint32_t count, Forward *results, Datapath &datapath) override;
	bool install(doca_flow_pipe_entry &entry) override;
	void uninstall(doca_flow_pipe_entry &entry) override;

private:
	// The parts that a packet has and the parser's fields, as far as any entry looks at them.
	struct PacketTraits {
		uint32_t parts = 0;
		ParserWords parser;
		bool operator==(const PacketTraits &other) const
		{
			return parts == other.parts && parser.words[0] == other.parser.words[0] &&
			       parser.words[1] == other.parser.words[1];
		}
	};
	// An entry that packets can match, as they need it.
	struct Candidate {
		const FixedMatch *match;
		EntryHot *hot;
		// nullptr for none.
		const Actions *actions;
	};
	// Packets with the same traits, and the entries that they can still match, in order.
	struct PacketClass {
		bool known = false;
		PacketTraits traits;
		std::vector<Candidate> candidates;
	};
	static constexpr uint32_t CLASSES = 32;

	void lay_out();
	PacketTraits traits_of(const Packet &packet) const;
	// Valid until a class takes the place of another one.
	const PacketClass &class_of(const PacketTraits &traits);
	uint32_t class_end(Packet **packets, uint32_t from, uint32_t count, const PacketTraits &traits) const;
	void hit(Packet &packet, const Candidate &candidate, Forward &result, Datapath &datapath) const;
	void process_class(const PacketClass &same, Packet **packets, uint32_t count, Forward *results, Datapath &datapath);

	std::vector<doca_flow_pipe_entry *> order_;
	uint64_t installed_ = 0;
	bool random_ = false;
	uint32_t parts_mask_ = 0;
	ParserWords parser_mask_;
	// The classes that were seen, at the places of their hashes. A new class replaces the one in its place.
	PacketClass classes_[CLASSES];
};

} // namespace soft
