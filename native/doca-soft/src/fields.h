// Maps fields of doca_flow_match and doca_flow_actions to octets of a packet.
#pragma once

#include <functional>
#include <string>
#include <vector>

#include <doca_flow.h>

#include "definitions.h"
#include "packet.h"

namespace soft {

// The largest size of all fields of a match together.
constexpr uint32_t KEY_OCTETS_MAX = 128;

// The selector of a member of a union in a match; ANY when the member is in no union.
enum Selector {
	ANY,
	OUTER_IP4,
	OUTER_IP6,
	OUTER_UDP,
	OUTER_TCP,
	OUTER_ICMP,
	OUTER_TRANSPORT,
	OUTER_ROCE_V2,
	TUN_PSP,
	INNER_IP4,
	INNER_IP6,
	INNER_UDP,
	INNER_TCP,
	INNER_ICMP,
};

// Whether a match, or actions with the same members, has the member that a selector stands for.
bool selected(const doca_flow_match &match, Selector selector);

// Where a field of a match lies in the packet. A value has the same octets in both.
struct FieldPlace {
	const char *name;
	// The field's name in conditions; nullptr when conditions cannot compare it.
	const char *string;
	uint16_t match_offset;
	// The size of the member in the structure, and how many of its octets count: enumerations have four, of which one counts.
	uint8_t member_octets;
	uint8_t octets;
	Base base;
	uint16_t offset;
	// The parts, as bits of Part, that the packet must have.
	uint32_t need;
};

// A field that a pipe, or an entry of a control pipe, matches.
struct MatchField {
	const FieldPlace *place;
	// Every entry gives its own value.
	bool changeable;
	uint8_t value[16];
	uint8_t mask[16];
};

// Makes the program's own fields known, before there are pipes.
void define_words(const WordOffsets &match);

// The fields that a template looks at (DOCA Flow, "match"): without a mask all ones is changeable, other non-zero values
// are constant; with one, all ones under the mask is changeable. NOT_SUPPORTED names a field that this library does not know.
doca_error_t read_template(const doca_flow_match &match, const doca_flow_match *mask, std::vector<MatchField> &fields);

// Reads the fields of a control pipe's entry, which are all constant.
doca_error_t read_fixed(const doca_flow_match &match, const doca_flow_match *mask, std::vector<MatchField> &fields);

// The field that conditions and descriptors know by this string; nullptr for none.
const FieldPlace *place_called(const char *string);

// Refuses, with NOT_SUPPORTED and its name, a member of `rest` that is not 0 and selects nothing. `rest` is `structure` without
// the members that are supported. `selectors` says which members of unions the names are of.
doca_error_t refuse_unknown(const char *structure, doca_flow_match rest, const doca_flow_match &selectors);

// The octets of a field in a match structure.
inline const uint8_t *member(const doca_flow_match &match, const FieldPlace &place)
{
	return reinterpret_cast<const uint8_t *>(&match) + place.match_offset;
}

// Copies a packet's field to `out`. The packet must have it.
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
	case 3:
		memcpy(out, at, 3);
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

bool is_random(Base base, uint32_t offset);
inline bool is_random(const FieldPlace &place)
{
	return is_random(place.base, place.offset);
}
// Whether this is the number of the port, which is in the CPU's byte order.
bool is_port_number(Base base, uint32_t offset);

// Calls back for each field that a match may have, with its place.
void visit_fields(const std::function<void(const FieldPlace &)> &visit);

} // namespace soft
