// Random octets: the kernel's, or in tests a sequence that follows from a seed.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>

namespace soft {

// The number of a step of a sequence: a counter that goes through a finalizer like MurmurHash3's.
constexpr uint32_t RANDOM_STEP = 0x9e3779b9;
inline uint32_t random_of_step(uint32_t word)
{
	word = (word ^ word >> 16) * 0x85ebca6b;
	word = (word ^ word >> 13) * 0xc2b2ae35;
	return word ^ word >> 16;
}

class RandomSource {
public:
	explicit RandomSource(std::optional<uint32_t> seed) : seeded_(seed.has_value()), state_(seed.value_or(0)) {}

	// Cryptographically secure, unless there is a seed.
	void fill(uint8_t *octets, size_t count);
	// For the parser's random field: fast, and not suitable for keys.
	uint16_t draw16();

private:
	uint32_t next();

	bool seeded_;
	uint32_t state_;
	uint64_t fast_ = 0;
};

} // namespace soft
