// The hash FNV-1a of 32 bits.
#pragma once

#include <cstdint>

namespace soft {

struct Fnv {
	void add(const uint8_t *octets, uint32_t count)
	{
		constexpr uint32_t PRIME = 0x01000193;
		for (uint32_t i = 0; i < count; i++)
			value = (value ^ octets[i]) * PRIME;
	}
	uint32_t value = 0x811c9dc5;
};

} // namespace soft
