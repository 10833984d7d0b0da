// Pipes whose entries are found by an index, not by a match: ordered lists and flooding.
#pragma once

#include "pipe.h"

namespace soft {

// An element of an ordered list's template.
struct ListElement {
	doca_flow_ordered_list_element_type type;
	Actions actions;
};

// An ORDERED_LIST pipe: an index leads to an entry, whose elements are done in order.
class OrderedListPipe : public doca_flow_pipe {
public:
	OrderedListPipe(std::vector<std::vector<ListElement>> lists, uint32_t entries);

	void process(Packet **packets, uint32_t count, Forward *results, Datapath &datapath) override;
	bool install(doca_flow_pipe_entry &entry) override;
	void uninstall(doca_flow_pipe_entry &entry) override;

	const std::vector<std::vector<ListElement>> &lists() const { return lists_; }

private:
	std::vector<std::vector<ListElement>> lists_;
	std::vector<doca_flow_pipe_entry *> by_index_;
};

// A HASH pipe that floods: each entry gets a copy of the packet, in the order of the indices, and the last one the packet itself.
class FloodingPipe : public doca_flow_pipe {
public:
	explicit FloodingPipe(uint32_t entries);

	void process(Packet **packets, uint32_t count, Forward *results, Datapath &datapath) override;
	bool install(doca_flow_pipe_entry &entry) override;
	void uninstall(doca_flow_pipe_entry &entry) override;
	void forwards_changed() override { collect(); }

private:
	void collect();

	std::vector<doca_flow_pipe_entry *> by_index_;
	std::vector<Forward> targets_;
};

} // namespace soft
