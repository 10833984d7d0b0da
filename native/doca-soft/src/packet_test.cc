#include "packet_test.h"

namespace soft {
namespace {

template <typename Word> uint64_t load(const uint8_t *at)
{
	Word word;
	memcpy(&word, at, sizeof(word));
	return word;
}

} // namespace

bool ParserWords::holds(const FieldPlace &place)
{
	return place.base == BASE_PACKET && place.offset >= AT && place.offset < AT + sizeof(words) && !is_random(place);
}

void PacketTest::add(const MatchField &field)
{
	const FieldPlace &place = *field.place;
	need_ |= place.need;
	if (ParserWords::holds(place)) {
		const size_t at = place.offset - ParserWords::AT;
		memcpy(reinterpret_cast<uint8_t *>(parser_mask_.words) + at, field.mask, place.octets);
		memcpy(reinterpret_cast<uint8_t *>(parser_value_.words) + at, field.value, place.octets);
		return;
	}
	Field test{place.base, place.octets, place.offset, {}, {}};
	memcpy(test.mask, field.mask, place.octets);
	memcpy(test.value, field.value, place.octets);
	fields_.push_back(test);
}

bool PacketTest::differs(const Packet &packet, const Field &field)
{
	const uint8_t *at = packet.bases[field.base] + field.offset;
	switch (field.octets) {
	case 1:
		return ((*at & field.mask[0]) ^ field.value[0]) != 0;
	case 2:
		return ((load<uint16_t>(at) & field.mask[0]) ^ field.value[0]) != 0;
	case 4:
		return ((load<uint32_t>(at) & field.mask[0]) ^ field.value[0]) != 0;
	default: {
		uint64_t words[2] = {};
		memcpy(words, at, field.octets);
		return (((words[0] & field.mask[0]) ^ field.value[0]) | ((words[1] & field.mask[1]) ^ field.value[1])) != 0;
	}
	}
}

} // namespace soft
