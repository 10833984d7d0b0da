// Prefetching: asking for memory before it is needed.
#pragma once

namespace soft {

inline void prefetch_line(const void *at)
{
	__builtin_prefetch(at);
	// Volatile, because GCC takes a function that only prefetches for one that does nothing, and removes its calls.
	asm volatile("");
}

} // namespace soft
