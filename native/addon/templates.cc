#include "templates.h"

#include <algorithm>

#include "failure.h"

std::vector<uint8_t> full_mask(const FieldSpec &field)
{
	if (!field.mask.empty())
		return field.mask;
	return std::vector<uint8_t>(field.field->octets, field.field->flag ? 1 : 0xff);
}

void check_possible(const PipeSpec &pipe, const ActionsSpec &actions)
{
	const auto refuse = [&pipe](const char *what) {
		throw Failure(DOCA_ERROR_NOT_SUPPORTED, "pipe " + pipe.name + ", " + what);
	};
	if (actions.decap && actions.encap)
		refuse("decap and encap in one action template");
	if (actions.decrypt && actions.encrypt)
		refuse("decrypt and encrypt in one action template");
}

bool sets_after_crypto(const ActionsSpec &actions)
{
	if (!actions.decrypt && !actions.decap)
		return false;
	return std::any_of(actions.set.begin(), actions.set.end(), [](const FieldSpec &field) { return !field.field->metadata; });
}

void template_sets(const ActionsSpec &spec, doca_flow_actions &actions, doca_flow_actions &mask, doca_flow_actions &repeated,
		   bool fixed)
{
	for (const FieldSpec &field : spec.set) {
		const DocaField &doca = *field.field;
		auto one_value = zeroed<doca_flow_actions>();
		auto one_mask = zeroed<doca_flow_actions>();
		const std::vector<uint8_t> bits = full_mask(field);
		doca.to_actions(one_mask, bits.data());
		one_mask.tun.type = DOCA_FLOW_TUN_NONE;
		if (field.of_entry)
			doca.to_actions(one_value, bits.data());
		else
			doca.to_actions(one_value, field.value.data());
		if (one_value.tun.type != DOCA_FLOW_TUN_NONE)
			actions.tun.type = mask.tun.type = repeated.tun.type = one_value.tun.type;
		merge(actions, one_value, one_mask);
		merge(mask, one_mask, one_mask);
		if (!fixed && !field.of_entry && all_ones_under(one_value, one_mask))
			merge(repeated, one_value, one_mask);
	}
}
