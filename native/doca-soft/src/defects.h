// Defects that tests put back on purpose, to see that they are found. The mapping file's `test-defect` names them, and only where
// the library was built for tests (-DDOCA_SOFT_DEFECTS=ON).
#pragma once

namespace soft {

#ifdef SOFT_DEFECTS
constexpr bool DEFECTS = true;
#else
constexpr bool DEFECTS = false;
#endif

enum class Defect {
	NONE,
	// IVs are picoseconds of the machine's clock, modulo 2^64, unless test-first-iv says where they begin.
	IV_CLOCK,
	// Keys stay where they were when they are replaced, evicted or dropped.
	KEYS_STAY,
	// A key that is given out is written with one octet more than its caller has room for.
	OVERFLOWS,
};

} // namespace soft
