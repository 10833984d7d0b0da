// Keeps keys inside this process: out of freed memory, dumps and swap. Both addons offer it, and the one that is loaded is asked
// once.
#pragma once

#include <cstddef>
#include <string>

namespace guard {

// Makes glibc overwrite memory when it is freed (M_PERTURB): libraries for TLS and HTTP/2 free their buffers without doing so.
void overwrite_freed_memory();

// Forbids core dumps, and keeps all users but root from looking into the process (PR_SET_DUMPABLE, RLIMIT_CORE). Returns what
// could not be done; empty on success.
std::string forbid_dumps();

// Keeps memory out of swap and out of dumps; each page once it is touched. Returns what could not be done; empty on success.
std::string lock(void *memory, size_t octets);

// Overwrites the part of this thread's stack below the caller's frame, where former calls have left data.
void burn_stack();

// Overwrites the small blocks that this thread has freed and the allocator keeps for it: M_PERTURB leaves these as they are.
void burn_freed_blocks();

} // namespace guard
