// Defects that tests inject in order to see that they are found. `test-defect` in the mapping file names one; only a library that
// was built for tests has them (-DDOCA_SOFT_DEFECTS=ON).
#pragma once

namespace soft {

#ifdef SOFT_DEFECTS
constexpr bool DEFECTS = true;
#else
constexpr bool DEFECTS = false;
#endif

enum class Defect {
	NONE,
	// IVs are picoseconds of the machine's clock modulo 2^64, unless test-first-iv says where they begin.
	IV_CLOCK,
	// Keys are not wiped when they are replaced, evicted or dropped.
	KEYS_STAY,
	// A generated key is written with one octet more than its caller has room for.
	OVERFLOWS,
	// Where a key slot has a key, another one that is set there is not taken.
	KEYS_KEPT,
	// Basic pipes let in every cookie where they are told which one.
	COOKIES_IGNORED,
	// Of eight packets that an entry has hit its counter tells seven.
	COUNTS_LOST,
};

} // namespace soft
