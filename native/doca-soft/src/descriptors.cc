#include "descriptors.h"

#include "log.h"

namespace soft {
namespace {

doca_error_t read_one(const doca_flow_action_desc &from, Descriptor &read)
{
	read.type = from.type;
	if (from.type != DOCA_FLOW_ACTION_ADD && from.type != DOCA_FLOW_ACTION_COPY)
		return invalid("an action descriptor of type %d", from.type);
	const auto &op = from.field_op;
	if (op.dst.field_string == nullptr)
		return invalid("an action descriptor without its destination");
	doca_error_t result = find_bits(op.dst, op.width, read.destination);
	if (result != DOCA_SUCCESS)
		return result;
	if ((read.destination.written & WRITTEN_NEVER) != 0)
		return not_supported("%s as the destination of an action descriptor", op.dst.field_string);
	read.has_source = op.src.field_string != nullptr;
	if (read.has_source)
		return find_bits(op.src, op.width, read.source);
	return from.type == DOCA_FLOW_ACTION_ADD ? DOCA_SUCCESS : not_supported("a copy to %s of no field", op.dst.field_string);
}

} // namespace

doca_error_t read_descriptors(const doca_flow_action_descs *from, std::vector<Descriptor> &descriptors)
{
	descriptors.clear();
	if (from == nullptr || from->nb_action_desc == 0)
		return DOCA_SUCCESS;
	if (from->desc_array == nullptr)
		return invalid("%u action descriptors at no place", from->nb_action_desc);
	if (from->nb_action_desc > ACTION_DESCRIPTORS_MAX)
		return not_supported("%u action descriptors; %u are possible", from->nb_action_desc, ACTION_DESCRIPTORS_MAX);
	for (uint32_t i = 0; i < from->nb_action_desc; i++) {
		if (from->desc_array[i].type == DOCA_FLOW_ACTION_AUTO)
			continue;
		Descriptor read{};
		const doca_error_t result = read_one(from->desc_array[i], read);
		if (result != DOCA_SUCCESS)
			return result;
		descriptors.push_back(read);
	}
	return DOCA_SUCCESS;
}

} // namespace soft
