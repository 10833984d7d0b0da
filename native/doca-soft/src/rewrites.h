// What actions do to packets beyond what PSP needs: fields of headers, with the checksums that cover them; descriptors; other layers.
#pragma once

#include <vector>

#include <doca_flow.h>

#include "descriptors.h"
#include "layers.h"

struct rte_mempool;

namespace soft {

class Rewrites {
public:
	// Compiles settable fields of headers, and clears them in `rest` and `mask_rest`. An entry's values follow `value_octets`
	// others, to which theirs are added.
	void compile_sets(doca_flow_actions &rest, doca_flow_actions *mask_rest, bool fixed, uint32_t &value_octets);
	// Compiles descriptors, which come after all sets. The values of those without a source are in `actions`.
	void compile_descriptors(const std::vector<Descriptor> &descriptors, const doca_flow_actions &actions);
	doca_error_t compile_push(const doca_flow_push_action &push, bool fixed, uint32_t &value_octets);
	doca_error_t compile_nat64(const doca_flow_nat64_action &nat64);

	bool empty() const { return steps_.empty() && !pushes_ && translated_ == L3_NONE; }
	bool pushes() const { return pushes_; }
	// Writes an entry's values; without actions those of the template.
	void store(const doca_flow_actions *actions, uint8_t *values) const;
	// Returns false when the packet, which stays as it is, cannot have the layers.
	bool run(Packet &packet, const uint8_t *values, rte_mempool *pool) const;

private:
	enum class Operation : uint8_t { SET, COPY, ADD, ADD_CONSTANT };
	struct Step {
		Operation operation;
		// Bits of Written.
		uint8_t written;
		bool changeable;
		// What is written, with its parts, and the number that is read or added. A field that is set may have more than 64 bits:
		// of its range only where the octets are counts.
		BitRange to;
		BitRange from;
		uint64_t constant;
		// SET: value and mask of the octets, as in the packet; the field that an entry gives, and where the entry has its octets.
		const BitField *field;
		uint16_t value_offset;
		uint8_t value[16];
		uint8_t mask[16];
	};

	void write(Packet &packet, const Step &step, const uint8_t *values) const;

	std::vector<Step> steps_;
	// The family of IP headers that are translated to the other one.
	uint8_t translated_ = L3_NONE;
	bool pushes_ = false;
	bool push_changeable_ = false;
	uint16_t push_offset_ = 0;
	uint8_t tag_[VLAN_TAG_OCTETS] = {};
};

} // namespace soft
