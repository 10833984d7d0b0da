// CONTROL pipes: few entries of any kind, by priority.
#pragma once

#include "pipe.h"

namespace soft {

class ControlPipe : public doca_flow_pipe {
public:
	explicit ControlPipe(uint32_t entries);

	void process(Packet **packets, uint32_t count, Forward *results, Datapath &datapath) override;
	bool install(doca_flow_pipe_entry &entry) override;
	void uninstall(doca_flow_pipe_entry &entry) override;

private:
	// A packet's parts and the parser's fields, as far as any entry looks at them.
	struct Look {
		uint32_t parts = 0;
		ParserWords parser;
		bool operator==(const Look &other) const
		{
			return parts == other.parts && parser.words[0] == other.parser.words[0] &&
			       parser.words[1] == other.parser.words[1];
		}
	};
	// Packets of one look, and the entries that they can still match, in order.
	struct Kind {
		bool known = false;
		Look look;
		std::vector<const doca_flow_pipe_entry *> entries;
	};
	static constexpr uint32_t KINDS = 32;

	void lay_out();
	Look look_at(const Packet &packet) const;
	// Valid until the next call.
	const Kind &kind_of(const Look &look);
	void find(Packet **packets, uint32_t count, const doca_flow_pipe_entry **found);

	std::vector<doca_flow_pipe_entry *> order_;
	uint64_t installed_ = 0;
	bool random_ = false;
	uint32_t parts_mask_ = 0;
	ParserWords parser_mask_;
	// Kinds that were seen, each where its hash says; a new one takes another's place.
	Kind kinds_[KINDS];
};

} // namespace soft
