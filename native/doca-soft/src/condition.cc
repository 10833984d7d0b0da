#include "condition.h"

#include <cstring>

#include "log.h"

namespace soft {

bool Condition::holds(const Packet &packet) const
{
	const uint64_t left = a.read(packet);
	const uint64_t right = has_b ? b.read(packet) : value;
	switch (operation) {
	case DOCA_FLOW_COMPARE_EQ:
		return left == right;
	case DOCA_FLOW_COMPARE_NE:
		return left != right;
	case DOCA_FLOW_COMPARE_LT:
		return left < right;
	case DOCA_FLOW_COMPARE_LE:
		return left <= right;
	case DOCA_FLOW_COMPARE_GT:
		return left > right;
	case DOCA_FLOW_COMPARE_GE:
		return left >= right;
	}
	return false;
}

doca_error_t read_condition(const doca_flow_match_condition &from, doca_flow_match *match, doca_flow_match &mask,
			    Condition &condition)
{
	condition.operation = from.operation;
	if (from.operation < DOCA_FLOW_COMPARE_EQ || from.operation > DOCA_FLOW_COMPARE_GE)
		return invalid("a condition's operation %d", from.operation);
	if (from.field_op.a.field_string == nullptr)
		return not_supported("a condition without its first field");
	NamedBits a;
	doca_error_t result = find_bits(from.field_op.a, from.field_op.width, a);
	if (result != DOCA_SUCCESS)
		return result;
	condition.a = a.in_packet;
	condition.has_b = from.field_op.b.field_string != nullptr;
	if (condition.has_b) {
		NamedBits b;
		result = find_bits(from.field_op.b, from.field_op.width, b);
		condition.b = b.in_packet;
		return result;
	}
	if (match == nullptr)
		return invalid("a condition without a match, which has the value");
	auto *octets = reinterpret_cast<uint8_t *>(match);
	condition.value = a.in_match.read(octets);
	memset(octets + a.member_offset, 0, a.member_octets);
	memset(reinterpret_cast<uint8_t *>(&mask) + a.member_offset, 0, a.member_octets);
	return DOCA_SUCCESS;
}

} // namespace soft
