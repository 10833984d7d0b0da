// PipeHAL's fields (src/hal/fields.ts) in DOCA's structures.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "compat.h"

// A field as DOCA has it. Values travel as octets in network order, as wide as the field in PipeHAL.
struct DocaField {
	const char *name;
	// In conditions.
	const char *string;
	// Octets of a value.
	uint8_t octets;
	// A single bit, which is an octet in DOCA.
	bool flag;
	// The logical port, which is a DPDK port in DOCA; written by whoever knows the device's ports.
	bool port;
	// Packet metadata and scratch words: nothing of the packet itself.
	bool metadata;
	// Writes a value, or a mask, to a match; `mask`: all ones are as wide as DOCA's member.
	void (*to_match)(doca_flow_match &match, const uint8_t *octets, bool mask);
	// And to actions; nullptr: it cannot be written.
	void (*to_actions)(doca_flow_actions &actions, const uint8_t *octets);
	// The headers that the packet must have for it, to be matched along with it.
	void (*need)(doca_flow_match &match, doca_flow_match &mask);
	// Union members of a match that are chosen by it.
	void (*select)(doca_flow_match &match);
};

// All of them.
const std::vector<const DocaField *> &doca_fields();

// Throws Failure NOT_SUPPORTED for a field that DOCA does not have.
const DocaField &doca_field(const std::string &name);
