#include "random_source.h"

#include <cstdlib>
#include <sys/random.h>

namespace soft {

void RandomSource::fill(uint8_t *octets, size_t count)
{
	if (seeded_) {
		for (size_t i = 0; i < count; i += 4) {
			const uint32_t word = next();
			for (size_t j = 0; j < 4 && i + j < count; j++)
				octets[i + j] = static_cast<uint8_t>(word >> (24 - 8 * j));
		}
		return;
	}
	for (size_t done = 0; done < count;) {
		const ssize_t got = getrandom(octets + done, count - done, 0);
		// The kernel's source does not fail, and keys of any other source would be worse than none.
		if (got < 0)
			abort();
		done += static_cast<size_t>(got);
	}
}

uint16_t RandomSource::draw16()
{
	if (seeded_)
		return static_cast<uint16_t>(next());
	if (fast_ == 0)
		fill(reinterpret_cast<uint8_t *>(&fast_), sizeof(fast_));
	// xorshift64
	fast_ ^= fast_ << 13;
	fast_ ^= fast_ >> 7;
	fast_ ^= fast_ << 17;
	return static_cast<uint16_t>(fast_ >> 32);
}

uint32_t RandomSource::next()
{
	return random_of_step(state_ += RANDOM_STEP);
}

} // namespace soft
