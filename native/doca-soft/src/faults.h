// Failures on purpose: operations on entries that the device refuses, or cannot do, as a seed says.
#pragma once

#include <atomic>
#include <cstdint>

#include "random_source.h"

namespace soft {

class Faults {
public:
	// Of 1000 operations so many are refused, and of the rest so many fail later; 0: none.
	void set(uint32_t seed, uint32_t per_thousand)
	{
		refused_ = seed;
		failed_ = ~seed;
		returned_ = seed ^ 0x55555555;
		per_thousand_ = per_thousand;
	}
	// Whether a call is to be refused.
	bool refuses() { return draw(refused_); }
	// Whether an operation that was taken is to fail.
	bool fails() { return draw(failed_); }
	// Of an operation that has failed inside its call, whether that returns an error besides.
	bool returns_error() { return per_thousand_ != 0 && random_of_step(returned_ += RANDOM_STEP) % 2 == 0; }

private:
	bool draw(std::atomic<uint32_t> &state)
	{
		return per_thousand_ != 0 && random_of_step(state += RANDOM_STEP) % 1000 < per_thousand_;
	}

	std::atomic<uint32_t> per_thousand_{0};
	// Apart, since calls and the device are in different threads.
	std::atomic<uint32_t> refused_{0};
	std::atomic<uint32_t> failed_{0};
	std::atomic<uint32_t> returned_{0};
};

inline Faults faults;

} // namespace soft
