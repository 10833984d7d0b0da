// The time that meters and aging go by: the machine's monotonic clock, or what a test says.
#pragma once

#include <cstdint>

namespace soft {

constexpr uint64_t NANOSECONDS_PER_SECOND = 1'000'000'000;

// Nanoseconds from a start that is the same for the whole process.
uint64_t clock_nanoseconds();
// From now on the clock stands at this time until it is set again.
void set_clock(uint64_t nanoseconds);

} // namespace soft
