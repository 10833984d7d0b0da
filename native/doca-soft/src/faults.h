// Failures on purpose: operations on entries that the device refuses, or cannot do, as a seed says.
#pragma once

#include <atomic>
#include <cstdint>

namespace soft {

class Faults {
public:
	// Of 1000 operations so many are refused, and of the rest so many fail later; 0: none.
	void set(uint32_t seed, uint32_t per_thousand)
	{
		refused_ = seed;
		failed_ = ~seed;
		per_thousand_ = per_thousand;
	}
	// Whether a call is to be refused.
	bool refuses() { return draw(refused_); }
	// Whether an operation that was taken is to fail.
	bool fails() { return draw(failed_); }

private:
	bool draw(std::atomic<uint32_t> &state)
	{
		if (per_thousand_ == 0)
			return false;
		// A counter through a finalizer of MurmurHash3's kind.
		uint32_t word = state += 0x9e3779b9;
		word = (word ^ word >> 16) * 0x85ebca6b;
		word = (word ^ word >> 13) * 0xc2b2ae35;
		return (word ^ word >> 16) % 1000 < per_thousand_;
	}

	std::atomic<uint32_t> per_thousand_{0};
	// Apart, since calls and the device are in different threads.
	std::atomic<uint32_t> refused_{0};
	std::atomic<uint32_t> failed_{0};
};

inline Faults faults;

} // namespace soft
