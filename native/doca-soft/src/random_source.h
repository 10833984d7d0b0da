// Random octets: the kernel's, or for tests a sequence that a seed fixes.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>

namespace soft {

class RandomSource {
public:
	explicit RandomSource(std::optional<uint32_t> seed) : seeded_(seed.has_value()), state_(seed.value_or(0)) {}

	// Cryptographic, without a seed.
	void fill(uint8_t *octets, size_t count);
	// For the parser's random field: fast, and not for keys.
	uint16_t draw16();

private:
	uint32_t next();

	bool seeded_;
	uint32_t state_;
	uint64_t fast_ = 0;
};

} // namespace soft
