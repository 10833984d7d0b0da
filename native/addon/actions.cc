#include "actions.h"

#include <algorithm>

#include "doca_structs.h"
#include "failure.h"

namespace {

constexpr uint32_t ETHERNET_OCTETS = 14;
constexpr uint16_t ICV_OCTETS = 16;

void write_encap(const ActionsSpec &spec, const ValuesSpec *values, Actions &actions)
{
	doca_flow_crypto_encap_action &encap = actions.crypto_encap;
	actions.has_crypto_encap = true;
	encap.icv_size = ICV_OCTETS;
	// nullptr: each entry gives its own.
	const std::vector<uint8_t> *header = nullptr;
	if (spec.decap) {
		encap.action_type = DOCA_FLOW_CRYPTO_REFORMAT_DECAP;
		encap.net_type = spec.decap_net_type;
		const bool tunnel = spec.decap_net_type == DOCA_FLOW_CRYPTO_HEADER_PSP_TUNNEL;
		encap.data_size = tunnel ? ETHERNET_OCTETS : 0;
		if (tunnel && !spec.ethernet_of_entry())
			header = &spec.ethernet_header;
		else if (tunnel && values != nullptr)
			header = &values->ethernet_header;
	} else {
		encap.action_type = DOCA_FLOW_CRYPTO_REFORMAT_ENCAP;
		encap.net_type = spec.encap_net_type;
		encap.data_size = static_cast<uint16_t>(spec.encap_octets);
		if (values != nullptr)
			header = &values->encap_header;
	}
	memset(encap.encap_data, 0xff, encap.data_size);
	if (header != nullptr)
		memcpy(encap.encap_data, header->data(), std::min<size_t>(header->size(), encap.data_size));
}

} // namespace

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

void write_template_sets(const ActionsSpec &spec, Actions &actions, Actions &mask, Actions &repeated, bool fixed)
{
	for (const FieldSpec &field : spec.set) {
		const DocaField &doca = *field.field;
		auto one_value = zeroed<Actions>();
		auto one_mask = zeroed<Actions>();
		const std::vector<uint8_t> bits = field.full_mask();
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

void write_entry_sets(const ActionsSpec &spec, const ValuesSpec &values, Actions &actions)
{
	const uint8_t *at = values.set.data();
	for (const FieldSpec &field : spec.set) {
		if (!field.of_entry)
			continue;
		field.field->to_actions(actions, at);
		at += field.field->octets;
	}
}

void write_crypto(const LoweringDevice &device, const ActionsSpec &spec, const ValuesSpec *values, Actions &actions)
{
	if (spec.decrypt || spec.encrypt) {
		actions.crypto.resource_type = DOCA_FLOW_CRYPTO_RESOURCE_PSP;
		actions.crypto.action_type = spec.decrypt ? DOCA_FLOW_CRYPTO_ACTION_DECRYPT : DOCA_FLOW_CRYPTO_ACTION_ENCRYPT;
		if (spec.decrypt)
			actions.crypto.crypto_id = DOCA_FLOW_PSP_DECRYPTION_ID;
		else if (spec.crypto_id != 0)
			actions.crypto.crypto_id = device.crypto_id(spec.crypto_id);
		else
			actions.crypto.crypto_id = values == nullptr ? UINT32_MAX : device.crypto_id(values->crypto_id);
	}
	if (spec.decap || spec.encap)
		write_encap(spec, values, actions);
}
