// Conditions of control pipes' entries: a field of the packet against another one, or against the entry's value.
#pragma once

#include <doca_flow.h>

#include "bit_fields.h"

namespace soft {

struct Condition {
	// The packet must have the parts in need().
	bool holds(const Packet &packet) const;
	uint32_t need() const { return a.need | b.need; }
	bool draws_random() const { return is_random(a.base, a.offset) || (has_b && is_random(b.base, b.offset)); }

	doca_flow_compare_op operation = DOCA_FLOW_COMPARE_EQ;
	BitRange a;
	// Without it `a` is compared with the value.
	bool has_b = false;
	BitRange b;
	uint64_t value = 0;
};

// Reads an entry's condition. Where it compares with the value in `match`, that member is cleared there and in `mask`, because it is no
// field that the packet must have. Both have the program's own fields behind them. Returns, and logs, NOT_SUPPORTED or INVALID_VALUE.
doca_error_t read_condition(const doca_flow_match_condition &from, doca_flow_match *match, doca_flow_match &mask,
			    Condition &condition);

} // namespace soft
