#include "rewrites.h"

#include <algorithm>

#include "checksums.h"
#include "log.h"

namespace soft {
namespace {

bool has_bits(const uint8_t *octets, size_t count)
{
	return std::any_of(octets, octets + count, [](uint8_t octet) { return octet != 0; });
}

template <typename Structure> auto *octets_of(Structure &structure)
{
	using Octet = std::conditional_t<std::is_const_v<Structure>, const uint8_t, uint8_t>;
	return reinterpret_cast<Octet *>(&structure);
}

// Whether actions have the member, by the selectors that they share with matches.
bool is_selected(const doca_flow_actions &actions, Selector selector)
{
	doca_flow_match selectors{};
	selectors.outer = actions.outer;
	return selected(selectors, selector);
}

// The octets of a field as they lie in the packet, given those of the member: a number that may be narrower, and stands further left.
void to_packet_octets(const BitField &field, const uint8_t *member, uint8_t *octets)
{
	if (field.bits == 8 * field.octets) {
		memcpy(octets, member, field.octets);
		return;
	}
	uint64_t number = 0;
	for (uint32_t i = 0; i < field.member_octets; i++)
		number = number << 8 | member[i];
	number = (number & (UINT64_MAX >> (64 - field.bits))) << field.shift;
	for (uint32_t i = field.octets; i-- > 0; number >>= 8)
		octets[i] = static_cast<uint8_t>(number);
}

// The octets of a tag as they are on the wire.
void write_tag(const doca_flow_push_action &push, uint8_t *tag)
{
	memcpy(tag, &push.vlan.eth_type, 2);
	memcpy(tag + 2, &push.vlan.vlan_hdr.tci, 2);
}

} // namespace

void Rewrites::compile_sets(doca_flow_actions &rest, doca_flow_actions *mask_rest, bool fixed, uint32_t &value_octets)
{
	const doca_flow_actions selectors = rest;
	for (const BitField &field : SettableFields()) {
		if (!is_selected(selectors, field.selector))
			continue;
		uint8_t *member = octets_of(rest) + offset_in_actions(field.member_offset);
		uint8_t all_bits[16];
		memset(all_bits, 0xff, sizeof(all_bits));
		uint8_t *mask = mask_rest == nullptr ? nullptr : octets_of(*mask_rest) + offset_in_actions(field.member_offset);
		const bool is_given = has_bits(mask == nullptr ? member : mask, field.member_octets);
		Step step{};
		step.operation = Operation::SET;
		step.written = field.written;
		step.to.base = field.base;
		step.to.offset = field.offset;
		step.to.octets = field.octets;
		step.to.need = field.need;
		step.field = &field;
		to_packet_octets(field, member, step.value);
		to_packet_octets(field, mask == nullptr ? all_bits : mask, step.mask);
		step.changeable = !fixed;
		for (uint32_t i = 0; i < field.octets; i++)
			step.changeable &= (step.value[i] & step.mask[i]) == step.mask[i];
		memset(member, 0, field.member_octets);
		if (mask != nullptr)
			memset(mask, 0, field.member_octets);
		if (!is_given)
			continue;
		if (step.changeable) {
			step.value_offset = static_cast<uint16_t>(value_octets);
			value_octets += field.octets;
		}
		steps_.push_back(step);
	}
}

void Rewrites::compile_descriptors(const std::vector<Descriptor> &descriptors, const doca_flow_actions &actions)
{
	for (const Descriptor &descriptor : descriptors) {
		Step step{};
		step.written = descriptor.destination.written;
		step.to = descriptor.destination.in_packet;
		step.operation = descriptor.type == DOCA_FLOW_ACTION_COPY ? Operation::COPY : Operation::ADD;
		if (descriptor.has_source) {
			step.from = descriptor.source.in_packet;
		} else {
			BitRange constant = descriptor.destination.in_match;
			constant.offset = static_cast<uint16_t>(offset_in_actions(constant.offset));
			step.operation = Operation::ADD_CONSTANT;
			step.constant = constant.read(octets_of(actions));
		}
		steps_.push_back(step);
	}
}

doca_error_t Rewrites::compile_push(const doca_flow_push_action &push, bool fixed, uint32_t &value_octets)
{
	if (push.type != DOCA_FLOW_PUSH_ACTION_VLAN)
		return not_supported("doca_flow_push_action.type %d", push.type);
	pushes_ = true;
	write_tag(push, tag_);
	push_changeable_ = !fixed && push.vlan.vlan_hdr.tci == UINT16_MAX;
	if (push_changeable_) {
		push_offset_ = static_cast<uint16_t>(value_octets);
		value_octets += VLAN_TAG_OCTETS;
	}
	return DOCA_SUCCESS;
}

doca_error_t Rewrites::compile_nat64(const doca_flow_nat64_action &nat64)
{
	switch (nat64.original_l3_type) {
	case DOCA_FLOW_L3_TYPE_NONE:
		return DOCA_SUCCESS;
	case DOCA_FLOW_L3_TYPE_IP4:
		translated_ = L3_IPV4;
		return DOCA_SUCCESS;
	case DOCA_FLOW_L3_TYPE_IP6:
		translated_ = L3_IPV6;
		return DOCA_SUCCESS;
	}
	return invalid("doca_flow_nat64_action.original_l3_type %d", nat64.original_l3_type);
}

void Rewrites::store(const doca_flow_actions *actions, uint8_t *values) const
{
	for (const Step &step : steps_) {
		if (!step.changeable)
			continue;
		if (actions == nullptr)
			memcpy(values + step.value_offset, step.value, step.field->octets);
		else
			to_packet_octets(*step.field, octets_of(*actions) + offset_in_actions(step.field->member_offset),
					 values + step.value_offset);
	}
	if (!push_changeable_)
		return;
	memcpy(values + push_offset_, tag_, VLAN_TAG_OCTETS);
	if (actions != nullptr)
		memcpy(values + push_offset_ + 2, &actions->push.vlan.vlan_hdr.tci, 2);
}

void Rewrites::write(Packet &packet, const Step &step, const uint8_t *values) const
{
	uint8_t *start = packet.frame + (packet.bases[step.to.base] - packet.frame);
	if (step.to.base == BASE_PACKET)
		start = reinterpret_cast<uint8_t *>(&packet);
	switch (step.operation) {
	case Operation::SET: {
		uint8_t *at = start + step.to.offset;
		const uint8_t *value = step.changeable ? values + step.value_offset : step.value;
		for (uint32_t i = 0; i < step.to.octets; i++)
			at[i] = static_cast<uint8_t>((at[i] & ~step.mask[i]) | (value[i] & step.mask[i]));
		return;
	}
	case Operation::COPY:
		step.to.write(start, step.from.read(packet));
		return;
	case Operation::ADD:
		step.to.write(start, step.to.read(start) + step.from.read(packet));
		return;
	default:
		step.to.write(start, step.to.read(start) + step.constant);
	}
}

bool Rewrites::run(Packet &packet, const uint8_t *values, rte_mempool *pool) const
{
	if (packet.stale)
		packet.parse();
	for (const Step &step : steps_) {
		const uint32_t need = step.to.need | step.from.need;
		if ((packet.have & need) != need)
			continue;
		const uint8_t *start = packet.bases[step.to.base];
		uint32_t before = 0;
		const bool covered = (step.written & (WRITTEN_UNDER_IP4 | WRITTEN_UNDER_L4)) != 0;
		if (covered)
			before = words_sum(start, step.to.offset, step.to.octets);
		write(packet, step, values);
		if (covered) {
			const uint32_t after = words_sum(start, step.to.offset, step.to.octets);
			if ((step.written & WRITTEN_UNDER_IP4) != 0)
				adapt_ip4_checksum(packet, before, after);
			if ((step.written & WRITTEN_UNDER_L4) != 0)
				adapt_l4_checksum(packet, before, after);
		}
		// What is in an open envelope stays what it was found to be.
		if ((step.written & WRITTEN_LAYERS) != 0 && !packet.exposed && packet.encap < 0)
			packet.parse();
	}
	if (translated_ != L3_NONE && !translate(packet, translated_, pool))
		return false;
	return !pushes_ || push_vlan(packet, push_changeable_ ? values + push_offset_ : tag_, pool);
}

} // namespace soft
