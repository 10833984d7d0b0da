// Fields of packets as numbers, for what names them by strings and takes some of their bits: conditions and action descriptors.
#pragma once

#include <doca_flow.h>

#include "fields.h"
#include "packet.h"

namespace soft {

// Some bits of a field, at most 64, as a number.
struct BitRange {
	// The octets, up to 8, from `offset` on have the bits; as many bits as `shift` says are below them. In a structure of the API
	// the offset is that of the structure, and the base has no meaning.
	Base base = BASE_PACKET;
	uint16_t offset = 0;
	uint8_t octets = 0;
	uint8_t shift = 0;
	// The number of the port is not in network byte order.
	bool cpu_order = false;
	uint32_t need = 0;
	// As many ones as the number has bits.
	uint64_t mask = 0;

	uint64_t read(const uint8_t *start) const;
	uint64_t read(const Packet &packet) const { return read(packet.bases[base]); }
	void write(uint8_t *start, uint64_t number) const;
};

// What follows when an action writes a field: bits of the checksums that cover it.
enum Written : uint8_t {
	WRITTEN_ALONE = 0,
	WRITTEN_UNDER_IP4 = 1,
	WRITTEN_UNDER_L4 = 2,
	// The packet's layers may be others afterwards.
	WRITTEN_LAYERS = 4,
	// Actions do not write it.
	WRITTEN_NEVER = 8,
};

// A field, as it lies in a packet and in doca_flow_match: in a packet it may begin and end within octets.
struct BitField {
	// What descriptors and conditions call it.
	const char *string;
	Selector selector;
	uint16_t member_offset;
	// How many octets of the member count.
	uint8_t member_octets;
	Base base;
	uint16_t offset;
	uint8_t octets;
	uint8_t shift;
	uint8_t bits;
	uint32_t need;
	// Bits of Written.
	uint8_t written;
};

// The fields of headers that actions may set.
struct SettableFields {
	const BitField *begin() const;
	const BitField *end() const;
};

// Bits of a field that a string names: in packets and in doca_flow_match.
struct NamedBits {
	BitRange in_packet;
	BitRange in_match;
	// The member, for who leaves it out.
	uint16_t member_offset;
	uint16_t member_octets;
	uint8_t written;
};

// Finds `width` bits of a field from `bit_offset` on, which counts from the field's lowest bit. "meta.data" is doca_flow_meta as a row of
// words of 32 bits. Returns, and logs, NOT_SUPPORTED for a field that is not known, and INVALID_VALUE for bits that it lacks.
doca_error_t find_bits(const doca_flow_desc_field &field, uint32_t width, NamedBits &bits);

// The place in doca_flow_actions of a member that it shares with doca_flow_match, given its place there.
size_t offset_in_actions(size_t offset_in_match);

} // namespace soft
