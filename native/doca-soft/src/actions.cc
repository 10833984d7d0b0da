#include "actions.h"

#include <algorithm>
#include <cstddef>

#include "datapath.h"
#include "fields.h"
#include "headers.h"
#include "log.h"
#include "psp_header.h"
#include "release.h"

namespace soft {
namespace {

constexpr uint32_t ETHERNET_SOURCE = 6;

bool all_ones(const uint8_t *octets, size_t count)
{
	return std::all_of(octets, octets + count, [](uint8_t octet) { return octet == 0xff; });
}

bool all_zero(const void *from, size_t count)
{
	const auto *octets = static_cast<const uint8_t *>(from);
	return std::all_of(octets, octets + count, [](uint8_t octet) { return octet == 0; });
}

bool known_data_octets(doca_flow_crypto_encap_action_type action, doca_flow_crypto_encap_net_type net_type, uint16_t octets)
{
	const bool tunnel = net_type == DOCA_FLOW_CRYPTO_HEADER_PSP_TUNNEL;
	if (action == DOCA_FLOW_CRYPTO_REFORMAT_DECAP)
		return octets == (tunnel ? ETHERNET_OCTETS : 0);
	if (tunnel)
		return outer_ip_octets(octets) != 0;
	return octets >= UDP_OCTETS + PSP_HEADER_OCTETS && (octets - UDP_OCTETS) % PSP_LENGTH_UNIT_OCTETS == 0;
}

// Refuses members that are not supported: `rest` is actions, or their mask, without the members that are. Crypto is checked
// elsewhere.
doca_error_t refuse_others(const doca_flow_actions &rest, const doca_flow_actions &actions)
{
	if (flags_of(rest) != 0)
		return not_supported("doca_flow_actions.flags");
	if (rest.decap_type != DOCA_FLOW_RESOURCE_TYPE_NONE)
		return not_supported("doca_flow_actions.decap_type");
	if (rest.encap_type != DOCA_FLOW_RESOURCE_TYPE_NONE)
		return not_supported("doca_flow_actions.encap_type");
	if (rest.pop_vlan)
		return not_supported("doca_flow_actions.pop_vlan");
	// The members that actions share with matches.
	doca_flow_match shared{};
	shared.parser_meta = rest.parser_meta;
	shared.outer = rest.outer;
	shared.tun = rest.tun;
	doca_flow_match selectors{};
	selectors.outer = actions.outer;
	selectors.tun = actions.tun;
	return refuse_unknown("doca_flow_actions", shared, selectors);
}

} // namespace

bool Actions::empty() const
{
	return sets_.empty() && rewrites_ == nullptr && !decrypt_ && !encrypt_ && reformat_ == Reformat::NONE;
}

doca_error_t Actions::add_set(const doca_flow_actions &actions, const doca_flow_actions *mask, bool fixed, Target target,
			      size_t member_offset, uint8_t octets, uint16_t offset)
{
	const uint8_t *value = reinterpret_cast<const uint8_t *>(&actions) + member_offset;
	Set set{};
	set.target = target;
	set.octets = octets;
	set.offset = offset;
	set.member_offset = static_cast<uint16_t>(member_offset);
	memcpy(set.value, value, octets);
	if (mask == nullptr) {
		if (all_zero(value, octets))
			return DOCA_SUCCESS;
		memset(set.mask, 0xff, octets);
		set.changeable = !fixed && all_ones(value, octets);
	} else {
		memcpy(set.mask, reinterpret_cast<const uint8_t *>(mask) + member_offset, octets);
		if (all_zero(set.mask, octets))
			return DOCA_SUCCESS;
		set.changeable = !fixed;
		for (uint32_t i = 0; i < octets; i++) {
			if ((set.value[i] & set.mask[i]) != set.mask[i])
				set.changeable = false;
		}
	}
	if (set.changeable) {
		set.value_offset = static_cast<uint16_t>(value_octets_);
		value_octets_ += octets;
	}
	sets_.push_back(set);
	return DOCA_SUCCESS;
}

doca_error_t Actions::compile(const doca_flow_actions &actions, const doca_flow_actions *mask,
			      const std::vector<Descriptor> &descriptors, bool fixed, uint32_t key_slots)
{
	doca_flow_actions given = actions;
	// A field that is set to 0 has a mask, too.
	doca_flow_actions given_mask = mask == nullptr ? doca_flow_actions{} : *mask;
	// A value that a descriptor adds is not set.
	for (const Descriptor &descriptor : descriptors) {
		if (descriptor.has_source)
			continue;
		const size_t at = offset_in_actions(descriptor.destination.member_offset);
		for (doca_flow_actions *one : {&given, &given_mask})
			memset(reinterpret_cast<uint8_t *>(one) + at, 0, descriptor.destination.member_octets);
	}
	doca_flow_actions rest = given;
	doca_flow_actions mask_rest = given_mask;
	const auto add = [&](Target target, size_t member_offset, uint8_t octets, size_t offset) {
		memset(reinterpret_cast<uint8_t *>(&rest) + member_offset, 0, octets);
		memset(reinterpret_cast<uint8_t *>(&mask_rest) + member_offset, 0, octets);
		return add_set(given, mask == nullptr ? nullptr : &given_mask, fixed, target, member_offset, octets,
			       static_cast<uint16_t>(offset));
	};
	add(Target::META, offsetof(doca_flow_actions, meta.pkt_meta), 4, 0);
	for (uint32_t i = 0; i < SCRATCH_WORDS; i++)
		add(Target::META, offsetof(doca_flow_actions, meta.u32) + 4 * i, 4, 4 * (1 + i));
	add(Target::MAC, offsetof(doca_flow_actions, outer.eth.dst_mac), 6, 0);
	add(Target::MAC, offsetof(doca_flow_actions, outer.eth.src_mac), 6, ETHERNET_SOURCE);
	if (actions.tun.type == DOCA_FLOW_TUN_PSP)
		add(Target::PSP_FLAGS, offsetof(doca_flow_actions, tun.psp.s_d_ver_v), 1, 0);
	// The program's own fields need no selector.
	for (uint32_t i = 0; i < PSP_WORDS; i++) {
		if (definitions.actions.at[i] != 0)
			add_set(actions, mask, fixed, Target::PSP_WORD, definitions.actions.at[i], 4,
				static_cast<uint16_t>(PSP_WORD_6 + 4 * i));
	}
	const doca_error_t result = compile_rewrites(rest, mask == nullptr ? nullptr : &mask_rest, descriptors, actions, fixed);
	if (result != DOCA_SUCCESS)
		return result;
	for (const doca_flow_actions *unknown : {&rest, &mask_rest}) {
		const doca_error_t refused = refuse_others(*unknown, actions);
		if (refused != DOCA_SUCCESS)
			return refused;
	}
	return compile_crypto(actions.has_crypto_encap, actions.crypto_encap, actions.crypto, fixed, key_slots);
}

doca_error_t Actions::compile_rewrites(doca_flow_actions &rest, doca_flow_actions *mask_rest,
				       const std::vector<Descriptor> &descriptors, const doca_flow_actions &actions, bool fixed)
{
	auto rewrites = std::make_shared<Rewrites>();
	rewrites->compile_sets(rest, mask_rest, fixed, value_octets_);
	rewrites->compile_descriptors(descriptors, actions);
	doca_error_t result = rewrites->compile_nat64(actions.nat64);
	if (result == DOCA_SUCCESS && actions.has_push)
		result = rewrites->compile_push(actions.push, fixed, value_octets_);
	if (result != DOCA_SUCCESS)
		return result;
	if (rewrites->pushes() && actions.has_crypto_encap)
		return not_supported("doca_flow_actions.has_push together with has_crypto_encap");
	if (!rewrites->empty())
		rewrites_ = std::move(rewrites);
	return DOCA_SUCCESS;
}

doca_error_t Actions::compile_nat64(const doca_flow_nat64_action &nat64)
{
	auto rewrites = std::make_shared<Rewrites>();
	const doca_error_t result = rewrites->compile_nat64(nat64);
	if (!rewrites->empty())
		rewrites_ = std::move(rewrites);
	return result;
}

doca_error_t Actions::compile_crypto(bool has_crypto_encap, const doca_flow_crypto_encap_action &encap,
				     const doca_flow_crypto_action &crypto, bool fixed, uint32_t key_slots)
{
	key_slots_ = key_slots;
	if (crypto.action_type != DOCA_FLOW_CRYPTO_ACTION_NONE) {
		if (key_slots == 0)
			return not_supported("doca_flow_crypto_action in mode vnf");
		if (crypto.resource_type != DOCA_FLOW_CRYPTO_RESOURCE_PSP)
			return not_supported("doca_flow_crypto_action.resource_type %d", crypto.resource_type);
		if (crypto.action_type == DOCA_FLOW_CRYPTO_ACTION_DECRYPT) {
			if (crypto.crypto_id != DOCA_FLOW_PSP_DECRYPTION_ID)
				return invalid("crypto_id %u of a PSP decryption; it is DOCA_FLOW_PSP_DECRYPTION_ID",
					       crypto.crypto_id);
			decrypt_ = true;
		} else {
			encrypt_ = true;
			if (fixed || crypto.crypto_id != UINT32_MAX) {
				crypto_id_ = crypto.crypto_id;
				const doca_error_t checked = check_crypto_id(crypto_id_);
				if (checked != DOCA_SUCCESS)
					return checked;
			}
		}
	}
	if (!has_crypto_encap || encap.action_type == DOCA_FLOW_CRYPTO_REFORMAT_NONE)
		return DOCA_SUCCESS;
	if (encap.net_type != DOCA_FLOW_CRYPTO_HEADER_PSP_TUNNEL && encap.net_type != DOCA_FLOW_CRYPTO_HEADER_PSP_OVER_IPV4 &&
	    encap.net_type != DOCA_FLOW_CRYPTO_HEADER_PSP_OVER_IPV6)
		return not_supported("doca_flow_crypto_encap_action.net_type %d", encap.net_type);
	if (encap.icv_size != PSP_ICV_OCTETS)
		return not_supported("doca_flow_crypto_encap_action.icv_size %u; PSP has %u", encap.icv_size, PSP_ICV_OCTETS);
	if (encap.data_size > sizeof(encap.encap_data) || !known_data_octets(encap.action_type, encap.net_type, encap.data_size))
		return not_supported("doca_flow_crypto_encap_action.data_size %u of net_type %d", encap.data_size,
				     encap.net_type);
	reformat_ = encap.action_type == DOCA_FLOW_CRYPTO_REFORMAT_ENCAP ? Reformat::ENCAP : Reformat::DECAP;
	net_type_ = encap.net_type;
	data_octets_ = encap.data_size;
	data_changeable_ = !fixed && data_octets_ > 0 && all_ones(encap.encap_data, data_octets_);
	if (data_changeable_) {
		data_offset_ = static_cast<uint16_t>(value_octets_);
		value_octets_ += data_octets_;
	} else {
		data_.assign(encap.encap_data, encap.encap_data + data_octets_);
	}
	return DOCA_SUCCESS;
}

doca_error_t Actions::check_crypto_id(uint32_t crypto_id) const
{
	if (crypto_id == 0 || crypto_id >= key_slots_)
		return invalid("crypto_id %u of an encryption; key slots are 1 to %u", crypto_id, std::max(key_slots_, 1u) - 1);
	return DOCA_SUCCESS;
}

doca_error_t Actions::store(const doca_flow_actions *actions, uint8_t *values, uint32_t *crypto_id) const
{
	if (actions == nullptr) {
		if (data_changeable_ || (encrypt_ && crypto_id_ == 0))
			return invalid("an entry without actions; its template leaves encap_data or crypto_id to entries");
		// The template's own values, also of fields that it leaves to entries.
		for (const Set &set : sets_) {
			if (set.changeable)
				memcpy(values + set.value_offset, set.value, set.octets);
		}
		if (rewrites_ != nullptr)
			rewrites_->store(nullptr, values);
		return DOCA_SUCCESS;
	}
	for (const Set &set : sets_) {
		if (set.changeable)
			memcpy(values + set.value_offset, reinterpret_cast<const uint8_t *>(actions) + set.member_offset,
			       set.octets);
	}
	if (rewrites_ != nullptr)
		rewrites_->store(actions, values);
	return store_crypto(actions->has_crypto_encap ? &actions->crypto_encap : nullptr, &actions->crypto, values, crypto_id);
}

doca_error_t Actions::store_crypto(const doca_flow_crypto_encap_action *encap, const doca_flow_crypto_action *crypto,
				   uint8_t *values, uint32_t *crypto_id) const
{
	if (data_changeable_) {
		if (encap == nullptr)
			return invalid("an entry without has_crypto_encap; its template leaves encap_data to entries");
		memcpy(values + data_offset_, encap->encap_data, data_octets_);
	}
	if (encrypt_ && crypto_id_ == 0) {
		const doca_error_t checked = check_crypto_id(crypto->crypto_id);
		if (checked != DOCA_SUCCESS)
			return checked;
		*crypto_id = crypto->crypto_id;
	}
	return DOCA_SUCCESS;
}

void Actions::write(Packet &packet, const Set &set, const uint8_t *values) const
{
	const uint8_t *value = set.changeable ? values + set.value_offset : set.value;
	uint8_t *at;
	switch (set.target) {
	case Target::META:
		at = packet.meta + set.offset;
		break;
	case Target::MAC:
		if (packet.length < static_cast<uint32_t>(set.offset) + set.octets)
			return;
		at = packet.frame + set.offset;
		break;
	case Target::PSP_WORD: {
		const uint32_t end = set.offset + set.octets;
		if (packet.psp < 0 || packet.psp + end > packet.length || psp_header_octets(packet.frame + packet.psp) < end)
			return;
		at = packet.frame + packet.psp + set.offset;
		break;
	}
	default:
		if (packet.psp < 0)
			return;
		at = packet.frame + packet.psp + PSP_FLAGS;
	}
	for (uint32_t i = 0; i < set.octets; i++)
		at[i] = static_cast<uint8_t>((at[i] & ~set.mask[i]) | (value[i] & set.mask[i]));
	if (set.target == Target::PSP_FLAGS)
		packet.flags_written();
}

bool Actions::run(Packet &packet, const uint8_t *values, uint32_t crypto_id, Datapath &datapath) const
{
	if (decrypt_)
		datapath.decrypt(packet);
	const uint8_t *data = data_changeable_ ? values + data_offset_ : data_.data();
	if (reformat_ == Reformat::DECAP && !decapsulate(packet, net_type_, data)) {
		datapath.counts.decap_errors++;
		return false;
	}
	for (const Set &set : sets_)
		write(packet, set, values);
	if (rewrites_ != nullptr && !rewrites_->run(packet, values, datapath.pool)) {
		datapath.counts.tx_errors++;
		return false;
	}
	if (reformat_ == Reformat::ENCAP &&
	    !encapsulate(packet, net_type_, data, data_octets_, datapath.pool, datapath.flow_ports)) {
		datapath.counts.tx_errors++;
		return false;
	}
	if (encrypt_) {
		// The AEAD runs once: a packet that was encrypted for a copy cannot take a second key.
		if (packet.sealed) {
			datapath.counts.tx_errors++;
			return false;
		}
		packet.crypto_id = crypto_id_ != 0 ? crypto_id_ : crypto_id;
		packet.key = nullptr;
	}
	return true;
}

} // namespace soft
