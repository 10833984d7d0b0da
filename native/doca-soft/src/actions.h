// What a pipe, or an element of an ordered list, does to a packet.
#pragma once

#include <memory>
#include <vector>

#include <doca_flow.h>

#include "packet.h"
#include "rewrites.h"

namespace soft {

class Datapath;

// The actions of one template, compiled. Entries keep the values that they give in their records, `value_octets` of them.
class Actions {
public:
	// Compiles the actions of a pipe, or with `fixed` those of a control pipe's entry, which leave nothing open. `key_slots`
	// is the number of the device's key slots, 0 included, or 0 where the mode has no crypto. Returns, and logs, NOT_SUPPORTED or
	// INVALID_VALUE.
	doca_error_t compile(const doca_flow_actions &actions, const doca_flow_actions *mask,
			     const std::vector<Descriptor> &descriptors, bool fixed, uint32_t key_slots);
	// Compiles an ordered list's NAT64 element.
	doca_error_t compile_nat64(const doca_flow_nat64_action &nat64);
	// Compiles an ordered list's CRYPTO element, or the crypto part of a pipe's actions.
	doca_error_t compile_crypto(bool has_crypto_encap, const doca_flow_crypto_encap_action &encap,
				    const doca_flow_crypto_action &crypto, bool fixed, uint32_t key_slots);

	uint32_t value_octets() const { return value_octets_; }
	bool decrypts() const { return decrypt_; }
	bool empty() const;

	// Writes an entry's values to its record, and to `crypto_id` the entry's own where the template leaves it open. Without
	// actions, the template's values.
	doca_error_t store(const doca_flow_actions *actions, uint8_t *values, uint32_t *crypto_id) const;
	doca_error_t store_crypto(const doca_flow_crypto_encap_action *encap, const doca_flow_crypto_action *crypto,
				  uint8_t *values, uint32_t *crypto_id) const;

	// Does the actions. Returns false when the packet was lost and counted.
	bool run(Packet &packet, const uint8_t *values, uint32_t crypto_id, Datapath &datapath) const;

private:
	enum class Target : uint8_t { META, MAC, PSP_FLAGS, PSP_WORD };
	struct Set {
		Target target;
		bool changeable;
		uint8_t octets;
		// Where the field is: in the packet's metadata or in the frame.
		uint16_t offset;
		// Offsets of the member in doca_flow_actions, and of the value in an entry's values.
		uint16_t member_offset;
		uint16_t value_offset;
		uint8_t value[6];
		uint8_t mask[6];
	};

	doca_error_t add_set(const doca_flow_actions &actions, const doca_flow_actions *mask, bool fixed, Target target,
			     size_t member_offset, uint8_t octets, uint16_t offset);
	doca_error_t compile_rewrites(doca_flow_actions &rest, doca_flow_actions *mask_rest,
				      const std::vector<Descriptor> &descriptors, const doca_flow_actions &actions, bool fixed);
	doca_error_t check_crypto_id(uint32_t crypto_id) const;
	void write(Packet &packet, const Set &set, const uint8_t *values) const;

	std::vector<Set> sets_;
	// nullptr: none.
	std::shared_ptr<const Rewrites> rewrites_;
	bool decrypt_ = false;
	bool encrypt_ = false;
	uint32_t key_slots_ = 0;
	// 0: each entry gives its own.
	uint32_t crypto_id_ = 0;
	enum class Reformat : uint8_t { NONE, ENCAP, DECAP } reformat_ = Reformat::NONE;
	doca_flow_crypto_encap_net_type net_type_ = DOCA_FLOW_CRYPTO_HEADER_NONE;
	uint16_t data_octets_ = 0;
	bool data_changeable_ = false;
	uint16_t data_offset_ = 0;
	std::vector<uint8_t> data_;
	uint32_t value_octets_ = 0;
};

} // namespace soft
