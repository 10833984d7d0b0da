// Action templates of a program, and what entries give for them, in DOCA's structures.
#pragma once

#include "lowering_device.h"
#include "program.h"

// Throws NOT_SUPPORTED when DOCA cannot do the template's actions together.
void check_possible(const PipeSpec &pipe, const ActionsSpec &actions);

// Whether `set` follows crypto when crypto stands in an ordered list: a template that decrypts or decapsulates writes to the
// packet that comes out.
bool sets_after_crypto(const ActionsSpec &actions);

// Writes the `set` fields to a template. A constant of all ones would mean "each entry gives its own" there: such constants are
// returned in `repeated`, for every entry to repeat. `fixed`: no entry follows that could repeat them.
void write_template_sets(const ActionsSpec &spec, Actions &actions, Actions &mask, Actions &repeated, bool fixed);

// Writes the entry's values of the `set` fields.
void write_entry_sets(const ActionsSpec &spec, const ValuesSpec &values, Actions &actions);

// Writes decryption, encryption, and the headers that go or come. `values` are the entry's; nullptr in a template, where all
// ones stand for what entries give.
void write_crypto(const LoweringDevice &device, const ActionsSpec &spec, const ValuesSpec *values, Actions &actions);
