// Prefetching: asking for memory before it is needed.
#pragma once

#include <cstddef>

namespace soft {

// Of the processor's caches.
constexpr size_t LINE_OCTETS = 64;

inline void prefetch_line(const void *at)
{
	__builtin_prefetch(at);
	// Volatile, because GCC takes a function that only prefetches for one that does nothing, and removes its calls.
	asm volatile("");
}

} // namespace soft
