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
	// Packets with the same parts and the same parser's fields, as far as any entry looks at them; and the entries that such
	// packets can still match, in order.
	struct Kind {
		bool known = false;
		uint32_t parts = 0;
		ParserWords parser;
		std::vector<const doca_flow_pipe_entry *> entries;
	};
	static constexpr uint32_t KINDS = 32;

	void lay_out();
	Kind &kind_of(const Packet &packet);

	std::vector<doca_flow_pipe_entry *> order_;
	uint64_t installed_ = 0;
	bool random_ = false;
	uint32_t parts_mask_ = 0;
	ParserWords parser_mask_;
	// Kinds that were seen, each where its hash says; a new one takes another's place.
	Kind kinds_[KINDS];
};

} // namespace soft
