// From the fields of doca_flow_match and doca_flow_actions to the octets of a packet.
#pragma once

#include <string>
#include <vector>

#include <doca_flow.h>

#include "packet.h"

namespace soft {

// Octets of a match, all its fields one after the other.
constexpr uint32_t KEY_OCTETS_MAX = 128;

// Where a field of a match lies in the packet. Values have the same octets in both.
struct FieldPlace {
	const char *name;
	// Name in conditions; nullptr: it cannot be compared.
	const char *string;
	uint16_t match_offset;
	// Octets of the member in the structure, and those that count: enumerations take four and count one.
	uint8_t member_octets;
	uint8_t octets;
	Base base;
	uint16_t offset;
	// Bits of Part that the packet must have.
	uint32_t need;
};

// One field that a pipe, or an entry of a control pipe, looks at.
struct MatchField {
	const FieldPlace *place;
	// Every entry gives its own value.
	bool changeable;
	uint8_t value[16];
	uint8_t mask[16];
};

// The fields that a template looks at (DOCA Flow, "match"): without a mask all ones is changeable, other non-zero values
// are constant; with one, all ones under the mask is changeable. NOT_SUPPORTED names a field that this library does not know.
doca_error_t read_template(const doca_flow_match &match, const doca_flow_match *mask, std::vector<MatchField> &fields);

// The fields of a control pipe's entry: all constant. The field that `condition` compares, if any, is left out and
// returned in `compared` with its value.
doca_error_t read_fixed(const doca_flow_match &match, const doca_flow_match *mask, const doca_flow_match_condition *condition,
			std::vector<MatchField> &fields, MatchField &compared);

// NOT_SUPPORTED, with the name of a member of `rest` that is not 0 and selects nothing: what remains of `structure` when what
// is known is taken out. Members of unions are named as `selectors` says.
doca_error_t refuse_unknown(const char *structure, doca_flow_match rest, const doca_flow_match &selectors);

// The octets of a field of a match structure.
inline const uint8_t *member(const doca_flow_match &match, const FieldPlace &place)
{
	return reinterpret_cast<const uint8_t *>(&match) + place.match_offset;
}

// Copies a packet's field to `out`; the packet has it.
inline void read_field(const Packet &packet, const FieldPlace &place, uint8_t *out)
{
	const uint8_t *at = packet.bases[place.base] + place.offset;
	switch (place.octets) {
	case 1:
		*out = *at;
		break;
	case 2:
		memcpy(out, at, 2);
		break;
	case 4:
		memcpy(out, at, 4);
		break;
	case 6:
		memcpy(out, at, 6);
		break;
	case 8:
		memcpy(out, at, 8);
		break;
	default:
		memcpy(out, at, 16);
	}
}

// The number that stands in a field of up to four octets.
uint32_t field_number(const FieldPlace &place, const uint8_t *octets);
bool is_random(const FieldPlace &place);

} // namespace soft
