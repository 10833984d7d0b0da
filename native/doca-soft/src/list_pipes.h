// Pipes whose entries are found by an index, not by a match: ordered lists and flooding.
#pragma once

#include "pipe.h"

namespace soft {

// How many lists a pipe may have, which entries name by an octet, and how many elements a list.
constexpr uint32_t ORDERED_LISTS_MAX = UINT8_MAX;
constexpr uint32_t LIST_ELEMENTS_MAX = 32;

// An element of an ordered list's template: actions, or a counter.
struct ListElement {
	enum class Counts : uint8_t { NOTHING, OF_ITS_OWN, SHARED };

	doca_flow_ordered_list_element_type type;
	Actions actions;
	Counts counts = Counts::NOTHING;
	// The shared counter's number; all ones: of each entry.
	uint32_t shared_counter = 0;
	// Where an entry has the values of the actions, its counter, or the place of the shared one, among its values.
	uint32_t values_at = 0;
};

// An ordered list's template. Of an entry's values the counters come first.
struct ListTemplate {
	std::vector<ListElement> elements;
	uint32_t counters = 0;
	uint32_t value_octets = 0;
};

// Compiles the lists of a pipe. Returns, and logs, NOT_SUPPORTED or INVALID_VALUE.
doca_error_t compile_lists(const std::string &pipe, doca_flow_ordered_list *const *lists, size_t count, uint32_t key_slots,
			   std::vector<ListTemplate> &compiled);

// An ORDERED_LIST pipe: an index leads to an entry, whose elements are done in order.
class OrderedListPipe : public doca_flow_pipe {
public:
	OrderedListPipe(std::vector<ListTemplate> lists, uint32_t entries);

	void process(Packet **packets, uint32_t count, Forward *results, Datapath &datapath) override;
	bool install(doca_flow_pipe_entry &entry) override;
	void uninstall(doca_flow_pipe_entry &entry) override;

	const std::vector<ListTemplate> &lists() const { return lists_; }
	// Reads the counters of an entry, in the order of its list's elements. Returns how many there are.
	uint32_t query(const doca_flow_pipe_entry &entry, doca_flow_resource_query *counters) const;

private:
	std::vector<ListTemplate> lists_;
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
