#include "packet_test.h"

namespace soft {
namespace {

// Returns the packets, of those in `among`, whose field of OCTETS octets has the value under the mask.
template <uint32_t OCTETS>
uint64_t that_pass(Packet **packets, uint64_t among, Base base, uint32_t offset, const uint64_t *mask, const uint64_t *value)
{
	uint64_t passed = 0;
	for (uint64_t rest = among; rest != 0; rest &= rest - 1) {
		const int i = __builtin_ctzll(rest);
		uint64_t words[2] = {};
		memcpy(words, packets[i]->bases[base] + offset, OCTETS);
		uint64_t difference = (words[0] & mask[0]) ^ value[0];
		if (OCTETS > 8)
			difference |= (words[1] & mask[1]) ^ value[1];
		passed |= static_cast<uint64_t>(difference == 0) << i;
	}
	return passed;
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

uint64_t PacketTest::field_passing(Packet **packets, uint64_t among, const Field &field)
{
	switch (field.octets) {
	case 1:
		return that_pass<1>(packets, among, field.base, field.offset, field.mask, field.value);
	case 2:
		return that_pass<2>(packets, among, field.base, field.offset, field.mask, field.value);
	case 3:
		return that_pass<3>(packets, among, field.base, field.offset, field.mask, field.value);
	case 4:
		return that_pass<4>(packets, among, field.base, field.offset, field.mask, field.value);
	case 6:
		return that_pass<6>(packets, among, field.base, field.offset, field.mask, field.value);
	case 8:
		return that_pass<8>(packets, among, field.base, field.offset, field.mask, field.value);
	default:
		return that_pass<16>(packets, among, field.base, field.offset, field.mask, field.value);
	}
}

} // namespace soft
