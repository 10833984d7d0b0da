// A PipeProgram (src/hal/program.ts) as the addon works with it.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "fields.h"

// How one field is matched or written; `field` is never null. Octets are in network order, as wide as the field.
struct FieldSpec {
	const DocaField *field = nullptr;
	// Each entry gives its own value.
	bool of_entry = false;
	std::vector<uint8_t> value;
	// Empty: all bits.
	std::vector<uint8_t> mask;
};

struct ForwardSpec {
	enum Kind : uint8_t { PIPE = 0, PORT = 1, RSS = 2, DROP = 3, KERNEL = 4, OF_ENTRY = 5 };
	Kind kind = DROP;
	// Index of the pipe, or logical port.
	uint32_t target = 0;

	bool operator==(const ForwardSpec &other) const { return kind == other.kind && target == other.target; }
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
	// psp-tunnel: empty when it is of the entry.
	std::vector<uint8_t> ethernet_header;
	std::vector<FieldSpec> set;
	bool encap = false;
	doca_flow_crypto_encap_net_type encap_net_type = DOCA_FLOW_CRYPTO_HEADER_NONE;
	uint32_t encap_octets = 0;
	bool encrypt = false;
	// 0: of the entry.
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
	// Index of the mirror; -1: none.
	int32_t mirror = -1;
	std::vector<FieldSpec> match;
	std::vector<ActionsSpec> actions;
	ForwardSpec forward;
	ForwardSpec miss;
};

// What an entry gives for what its template leaves open.
struct ValuesSpec {
	// Of the template's match and `set` fields of entries, in their order, one after the other.
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
	// Targets of each mirror.
	std::vector<std::vector<ForwardSpec>> mirrors;
};
