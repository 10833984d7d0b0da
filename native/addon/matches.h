// Match fields of a program in DOCA's structures.
#pragma once

#include <vector>

#include "lowering_device.h"
#include "program.h"

// Adds fields, and the types of the headers that they are in, to a match and its mask. In a template a constant of all ones
// would mean "each entry gives its own": such constants are returned in `repeated`, for every entry to repeat. nullptr: it is
// the match of a control pipe's entry, where all ones are an ordinary value. Throws Failure.
void add_fields(const LoweringDevice &device, const std::vector<FieldSpec> &fields, Match &match, Match &mask, Match *repeated);

// Writes the values that an entry gives, in the order of the template's fields, to the entry's match.
void write_entry_values(const LoweringDevice &device, const std::vector<FieldSpec> &fields, const uint8_t *values, Match &match);
