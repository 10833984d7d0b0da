// Faults that tests inject: operations on entries that the device refuses, or fails to do, as a seed decides.
#pragma once

#include <atomic>
#include <cstdint>

#include "random_source.h"

namespace soft {

class Faults {
public:
	// Makes that many of 1000 operations be refused, and of the others as many fail later; 0 for none.
	void set(uint32_t seed, uint32_t per_thousand)
	{
		refused_ = seed;
		failed_ = ~seed;
		returned_ = seed ^ 0x55555555;
		per_thousand_ = per_thousand;
	}
	// Whether the next call is refused.
	bool refuses() { return draw(refused_); }
	// Whether the next operation that was taken fails.
	bool fails() { return draw(failed_); }
	// Whether the call returns an error, when the operation has failed inside it.
	bool returns_error() { return per_thousand_ != 0 && random_of_step(returned_ += RANDOM_STEP) % 2 == 0; }

private:
	bool draw(std::atomic<uint32_t> &state)
	{
		return per_thousand_ != 0 && random_of_step(state += RANDOM_STEP) % 1000 < per_thousand_;
	}

	std::atomic<uint32_t> per_thousand_{0};
	// Separate states, because calls and the device run in different threads.
	std::atomic<uint32_t> refused_{0};
	std::atomic<uint32_t> failed_{0};
	std::atomic<uint32_t> returned_{0};
};

inline Faults faults;

} // namespace soft
