// PipeHAL's fields (src/hal/fields.ts) in DOCA's structures.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "compat.h"
#include "doca_words.h"

// A field in DOCA's structures. Values are octets in network order, as wide as the field is in PipeHAL.
struct DocaField {
	const char *name;
	// The name of the field in conditions; nullptr: conditions cannot use it.
	const char *string;
	// The width of a value.
	uint8_t octets;
	// The field is a single bit, which has an octet in DOCA's structures.
	bool flag;
	// The field is the logical port, which is a DPDK port in DOCA. matches.cc writes it, which knows the device's ports.
	bool port;
	// The field is packet metadata or a scratch word, not a part of the packet.
	bool metadata;
	// Writes a value to a match, or with `mask` a mask, whose all ones become as wide as DOCA's member.
	void (*to_match)(Match &match, const uint8_t *octets, bool mask);
	// Writes a value to actions; nullptr: actions cannot write the field.
	void (*to_actions)(Actions &actions, const uint8_t *octets);
	// Adds the types of the headers that a packet must have in order to have the field.
	void (*need)(Match &match, Match &mask);
	// Selects the members of the unions in a match that the field is in.
	void (*select)(Match &match);
};

// All fields.
const std::vector<const DocaField *> &doca_fields();

// Throws Failure NOT_SUPPORTED for a field that DOCA does not have.
const DocaField &doca_field(const std::string &name);
