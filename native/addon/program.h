// A pipe program (src/hal/program.ts) as the addon works with it.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "fields.h"

// How one field is matched or written. Octets are in network order and as wide as the field.
struct FieldSpec {
	// Never nullptr.
	const DocaField *field = nullptr;
	// Each entry gives its own value.
	bool of_entry = false;
	std::vector<uint8_t> value;
	// Empty when all bits count.
	std::vector<uint8_t> mask;

	// The mask, written out where all bits count.
	std::vector<uint8_t> full_mask() const
	{
		if (!mask.empty())
			return mask;
		return std::vector<uint8_t>(field->octets, field->flag ? 1 : 0xff);
	}
};

struct ForwardSpec {
	enum Kind : uint8_t { PIPE = 0, PORT = 1, RSS = 2, DROP = 3, KERNEL = 4, OF_ENTRY = 5 };
	Kind kind = DROP;
	// The index of a pipe, or a logical port.
	uint32_t target = 0;
};

struct ConditionSpec {
	const DocaField *field = nullptr;
	doca_flow_compare_op operation = DOCA_FLOW_COMPARE_NE;
	std::vector<uint8_t> value;
};

struct ActionsSpec {
	bool decrypt = false;
	bool decap = false;
	doca_flow_crypto_encap_net_type decap_net_type = DOCA_FLOW_CRYPTO_HEADER_NONE;
	// For psp-tunnel; empty when each entry gives its own.
	std::vector<uint8_t> ethernet_header;
	std::vector<FieldSpec> set;
	bool encap = false;
	doca_flow_crypto_encap_net_type encap_net_type = DOCA_FLOW_CRYPTO_HEADER_NONE;
	uint32_t encap_octets = 0;
	bool encrypt = false;
	// 0 when each entry gives its own.
	uint32_t crypto_id = 0;

	bool crypto() const { return decrypt || decap || encap || encrypt; }
	bool ethernet_of_entry() const
	{
		return decap && decap_net_type == DOCA_FLOW_CRYPTO_HEADER_PSP_TUNNEL && ethernet_header.empty();
	}
};

struct PipeSpec {
	std::string name;
	bool control = false;
	uint32_t domain = 0;
	bool is_root = false;
	uint32_t size_entries = 0;
	bool miss_counter = false;
	bool counter = false;
	// Index of the mirror; -1 without one.
	int32_t mirror = -1;
	std::vector<FieldSpec> match;
	std::vector<ActionsSpec> actions;
	ForwardSpec forward;
	ForwardSpec miss;
};

// The values that an entry gives for what its template leaves open.
struct ValuesSpec {
	// Values of the template's match and `set` fields that entries give, in the order of the fields, without gaps.
	std::vector<uint8_t> match;
	std::vector<uint8_t> set;
	std::vector<uint8_t> ethernet_header;
	std::vector<uint8_t> encap_header;
	uint32_t crypto_id = 0;
};

struct ControlEntrySpec {
	uint32_t priority = 0;
	std::vector<FieldSpec> match;
	std::optional<ConditionSpec> condition;
	ActionsSpec actions;
	ValuesSpec values;
	ForwardSpec forward;
	bool counter = false;
	int32_t mirror = -1;
};

struct ProgramSpec {
	std::vector<PipeSpec> pipes;
	// The targets of each mirror.
	std::vector<std::vector<ForwardSpec>> mirrors;
};
