// The API's functions doca_flow_definitions_*, and the one that gives definitions to doca_flow_init.
#include "definitions.h"

#include <cstring>
#include <new>
#include <string>

#include <doca_flow_definitions.h>

#include "api.h"
#include "library.h"
#include "log.h"

using namespace soft;

struct doca_flow_definitions_cfg {};

struct doca_flow_definitions {
	Definitions fields;
};

Definitions soft::definitions;

namespace {

constexpr uint32_t DEFINED_OCTETS = 4;

// A field's place among the words, and the structure that it belongs to.
struct Named {
	WordOffsets *words;
	size_t structure_octets;
	uint32_t index;
};

// Returns false for an opcode that is not known.
bool find_field(Definitions &fields, const std::string &opcode, Named &named)
{
	const auto is_word_of = [&opcode, &named](const std::string &structure) {
		for (uint32_t i = 0; i < PSP_WORDS; i++) {
			if (opcode == structure + ".packet.tunnel.psp.dw" + std::to_string(PSP_WORD_FIRST + i)) {
				named.index = i;
				return true;
			}
		}
		return false;
	};
	if (is_word_of("match")) {
		named.words = &fields.match;
		named.structure_octets = sizeof(doca_flow_match);
		return true;
	}
	if (is_word_of("actions")) {
		named.words = &fields.actions;
		named.structure_octets = sizeof(doca_flow_actions);
		return true;
	}
	return false;
}

} // namespace

doca_error_t doca_flow_definitions_cfg_create(struct doca_flow_definitions_cfg **cfg)
{
	REQUIRE(cfg != nullptr);
	*cfg = new (std::nothrow) doca_flow_definitions_cfg();
	return *cfg == nullptr ? DOCA_ERROR_NO_MEMORY : DOCA_SUCCESS;
}

doca_error_t doca_flow_definitions_cfg_destroy(struct doca_flow_definitions_cfg *cfg)
{
	REQUIRE(cfg != nullptr);
	delete cfg;
	return DOCA_SUCCESS;
}

doca_error_t doca_flow_definitions_create(const struct doca_flow_definitions_cfg *cfg, struct doca_flow_definitions **made)
{
	REQUIRE(cfg != nullptr && made != nullptr);
	*made = new (std::nothrow) doca_flow_definitions();
	return *made == nullptr ? DOCA_ERROR_NO_MEMORY : DOCA_SUCCESS;
}

void doca_flow_definitions_destroy(struct doca_flow_definitions *given)
{
	delete given;
}

doca_error_t doca_flow_definitions_add_field(struct doca_flow_definitions *given, const char *opcode, uint32_t offset,
					     uint32_t size)
try {
	REQUIRE(given != nullptr && opcode != nullptr);
	Named named{};
	if (!find_field(given->fields, opcode, named))
		return not_supported("the definition of %s", opcode);
	if (size != DEFINED_OCTETS)
		return invalid("the definition of %s: %u octets; it has %u", opcode, size, DEFINED_OCTETS);
	if (offset < named.structure_octets || offset > EXTENDED_OCTETS_MAX - size)
		return invalid(
			"the definition of %s: offset %u; it stands behind the %zu octets of DOCA's structure, and within %u",
			opcode, offset, named.structure_octets, EXTENDED_OCTETS_MAX);
	uint16_t &at = named.words->at[named.index];
	if (at != 0) {
		log_sdk(DOCA_LOG_LEVEL_ERROR, "the definition of %s is there already", opcode);
		return DOCA_ERROR_ALREADY_EXIST;
	}
	at = static_cast<uint16_t>(offset);
	named.words->octets = std::max(named.words->octets, size_t{offset} + size);
	return DOCA_SUCCESS;
} catch (const std::exception &) {
	return DOCA_ERROR_NO_MEMORY;
}

// The program may destroy the definitions then.
doca_error_t doca_flow_cfg_set_definitions(struct doca_flow_cfg *cfg, const struct doca_flow_definitions *given)
{
	REQUIRE(cfg != nullptr && given != nullptr);
	cfg->definitions = given->fields;
	return DOCA_SUCCESS;
}
