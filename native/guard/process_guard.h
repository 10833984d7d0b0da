// What keeps keys in this process, and out of dumps: asked for once by both addons, in whichever is loaded.
#pragma once

#include <cstddef>
#include <string>

namespace guard {

// From now on glibc overwrites what is freed (M_PERTURB): libraries free their buffers, of TLS and HTTP/2, as they are.
void overwrite_freed_memory();

// No core dumps, and nobody but root may look into the process (PR_SET_DUMPABLE, RLIMIT_CORE). What could not be had; empty:
// it is done.
std::string forbid_dumps();

// Keeps memory out of swap and out of dumps, page by page as it is touched. What could not be had; empty: it is done.
std::string lock(void *memory, size_t octets);

// Overwrites what former calls have left on the stack of this thread below here.
void burn_stack();

} // namespace guard
