// DOCA's structures of matches and actions, handled as octets.
#pragma once

#include <algorithm>
#include <cstdint>
#include <cstring>

// A structure whose members, and the padding between them, are all zero.
template <typename Struct> Struct zeroed()
{
	Struct value;
	memset(static_cast<void *>(&value), 0, sizeof(value));
	return value;
}

template <typename Struct> bool is_zero(const Struct &value)
{
	const auto *at = reinterpret_cast<const uint8_t *>(&value);
	return std::all_of(at, at + sizeof(Struct), [](uint8_t octet) { return octet == 0; });
}

// Whether all bits of `value` under `mask` are ones, which in a template means "each entry gives its own".
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

// Copies the bits of `from` that are set in `mask` to `to`.
template <typename Struct> void merge(Struct &to, const Struct &from, const Struct &mask)
{
	auto *t = reinterpret_cast<uint8_t *>(&to);
	const auto *f = reinterpret_cast<const uint8_t *>(&from);
	const auto *m = reinterpret_cast<const uint8_t *>(&mask);
	for (size_t i = 0; i < sizeof(Struct); i++)
		t[i] = static_cast<uint8_t>((t[i] & ~m[i]) | (f[i] & m[i]));
}
