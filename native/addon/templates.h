// Parts of matches and actions, as DOCA's templates of pipes and their entries want them.
#pragma once

#include <cstring>
#include <vector>

#include "compat.h"
#include "program.h"

// All members zero, and what lies between them.
template <typename Struct> Struct zeroed()
{
	Struct value;
	memset(static_cast<void *>(&value), 0, sizeof(value));
	return value;
}

// Whether a template with this value under this mask would mean "of the entry".
template <typename Struct> bool all_ones_under(const Struct &value, const Struct &mask)
{
	const auto *v = reinterpret_cast<const uint8_t *>(&value);
	const auto *m = reinterpret_cast<const uint8_t *>(&mask);
	for (size_t i = 0; i < sizeof(Struct); i++) {
		if ((v[i] & m[i]) != m[i])
			return false;
	}
	return true;
}

// Adds the members of `from` that `mask` names to `to`.
template <typename Struct> void merge(Struct &to, const Struct &from, const Struct &mask)
{
	auto *t = reinterpret_cast<uint8_t *>(&to);
	const auto *f = reinterpret_cast<const uint8_t *>(&from);
	const auto *m = reinterpret_cast<const uint8_t *>(&mask);
	for (size_t i = 0; i < sizeof(Struct); i++)
		t[i] = static_cast<uint8_t>((t[i] & ~m[i]) | (f[i] & m[i]));
}

// The field's mask; where it has none, all bits.
std::vector<uint8_t> full_mask(const FieldSpec &field);

// Throws NOT_SUPPORTED for what DOCA cannot do in one action template.
void check_possible(const PipeSpec &pipe, const ActionsSpec &actions);

// Whether `set` comes after crypto, where that stands in an ordered list: what its fields mean for what follows decides.
bool sets_after_crypto(const ActionsSpec &actions);

// The template's `set` fields; what all ones would make "of the entry" is returned in `repeated`. `fixed`: there is no entry
// that could repeat it.
void template_sets(const ActionsSpec &spec, doca_flow_actions &actions, doca_flow_actions &mask, doca_flow_actions &repeated,
		   bool fixed);
