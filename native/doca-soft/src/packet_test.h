// The first test of a pipe's match: the parts that a packet must have, and the fields with fixed values.
#pragma once

#include <vector>

#include "fields.h"

namespace soft {

// The parser's fields are adjacent in the packet's record, so that all of them are compared at once. The random number, which is
// drawn for each packet, is not among them.
struct ParserWords {
	static constexpr size_t AT = offsetof(Packet, port_id);
	static bool holds(const FieldPlace &place);
	explicit ParserWords(const Packet &packet)
	{
		memcpy(words, reinterpret_cast<const uint8_t *>(&packet) + AT, sizeof(words));
	}
	ParserWords() = default;
	uint64_t words[2] = {};
};
static_assert(offsetof(Packet, color) < ParserWords::AT + sizeof(ParserWords::words));

// A bit for each of the first `count` packets of a burst, which has at most 64 packets.
inline uint64_t first_bits(uint32_t count)
{
	return count == 0 ? 0 : UINT64_MAX >> (64 - count);
}

class PacketTest {
public:
	// The fields' values are already under their masks. Fields that entries give are not compared, but packets must have
	// them.
	void add(const MatchField &field);
	void need(const FieldPlace &place) { need(place.need); }
	// Bits of Part.
	void need(uint32_t parts) { need_ |= parts; }

	// Returns the packets that pass, of those whose bits are set in `among`. It tests a whole burst field by field.
	uint64_t passing(Packet **packets, uint64_t among) const
	{
		uint64_t passed = 0;
		for (uint64_t rest = among; rest != 0; rest &= rest - 1) {
			const int i = __builtin_ctzll(rest);
			const Packet &packet = *packets[i];
			passed |= static_cast<uint64_t>(has_parts(packet.have) && parser_passes(ParserWords(packet))) << i;
		}
		return fields_passing(packets, passed);
	}
	// The parts of that test.
	bool has_parts(uint32_t have) const { return (have & need_) == need_; }
	bool parser_passes(const ParserWords &parser) const
	{
		return (((parser.words[0] & parser_mask_.words[0]) ^ parser_value_.words[0]) |
			((parser.words[1] & parser_mask_.words[1]) ^ parser_value_.words[1])) == 0;
	}
	uint64_t fields_passing(Packet **packets, uint64_t among) const
	{
		for (const Field &field : fields_)
			among = field_passing(packets, among, field);
		return among;
	}

	uint32_t parts() const { return need_; }
	const ParserWords &parser_mask() const { return parser_mask_; }
	bool has_fields() const { return !fields_.empty(); }

private:
	struct Field {
		Base base;
		uint8_t octets;
		uint16_t offset;
		// The field's octets, followed by zeros.
		uint64_t mask[2];
		uint64_t value[2];
	};
	static uint64_t field_passing(Packet **packets, uint64_t among, const Field &field);

	uint32_t need_ = 0;
	ParserWords parser_mask_;
	ParserWords parser_value_;
	std::vector<Field> fields_;
};

} // namespace soft
