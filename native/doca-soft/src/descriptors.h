// Action descriptors: a field is copied to another one, or something is added to it.
#pragma once

#include <vector>

#include <doca_flow.h>

#include "bit_fields.h"

namespace soft {

// How many descriptors one template, or one entry of a control pipe, may have.
constexpr uint32_t ACTION_DESCRIPTORS_MAX = 32;

struct Descriptor {
	doca_flow_action_type type;
	// Without a source, the value that actions have at the destination's place counts.
	bool has_source;
	NamedBits source;
	NamedBits destination;
};

// Reads descriptors, of which those of type AUTO leave plain actions as they are. nullptr: there are none. Returns, and logs,
// NOT_SUPPORTED or INVALID_VALUE.
doca_error_t read_descriptors(const doca_flow_action_descs *from, std::vector<Descriptor> &descriptors);

} // namespace soft
