// What a pipe asks of a packet before it looks any further: parts that it has, and fields that have fixed values.
#pragma once

#include <vector>

#include "fields.h"

namespace soft {

// The parser's fields stand next to each other in the packet's record: all of them are compared at once. The random number,
// which is drawn for each packet, is not one of them.
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
static_assert(offsetof(Packet, syndrome) < ParserWords::AT + sizeof(ParserWords::words));

class PacketTest {
public:
	// The fields' values stand under their masks. What is changeable is not looked at, but has to be there.
	void add(const MatchField &field);
	void need(const FieldPlace &place) { need_ |= place.need; }

	bool passes(const Packet &packet) const
	{
		return has_parts(packet.have) && parser_passes(ParserWords(packet)) && fields_pass(packet);
	}
	// The same in parts.
	bool has_parts(uint32_t have) const { return (have & need_) == need_; }
	bool parser_passes(const ParserWords &parser) const
	{
		return (((parser.words[0] & parser_mask_.words[0]) ^ parser_value_.words[0]) |
			((parser.words[1] & parser_mask_.words[1]) ^ parser_value_.words[1])) == 0;
	}
	bool fields_pass(const Packet &packet) const
	{
		for (const Field &field : fields_) {
			if (differs(packet, field))
				return false;
		}
		return true;
	}

	uint32_t parts() const { return need_; }
	const ParserWords &parser_mask() const { return parser_mask_; }
	bool has_fields() const { return !fields_.empty(); }

private:
	struct Field {
		Base base;
		uint8_t octets;
		uint16_t offset;
		// The field's octets, and zeros.
		uint64_t mask[2];
		uint64_t value[2];
	};
	static bool differs(const Packet &packet, const Field &field);

	uint32_t need_ = 0;
	ParserWords parser_mask_;
	ParserWords parser_value_;
	std::vector<Field> fields_;
};

} // namespace soft
