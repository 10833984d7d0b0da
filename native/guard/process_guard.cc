#include "process_guard.h"

#include <cerrno>
#include <cstdint>
#include <cstdlib>
#include <cstring>
#include <malloc.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <unistd.h>

namespace guard {
namespace {

// glibc keeps small blocks that were freed in a cache of each thread, as they are: so many (glibc.malloc.tcache_count) of each size.
constexpr size_t CACHED_OCTETS_MIN = 24;
constexpr size_t CACHED_OCTETS_MAX = 1032;
constexpr size_t CACHED_STEP_OCTETS = 16;
constexpr size_t CACHED_BLOCKS = 7;
constexpr size_t STACK_OCTETS = size_t{128} << 10;
// glibc fills freed memory with this octet, and new memory with its complement: zeros, as in fresh pages.
constexpr int FILL = 0xff;

std::string failure(const char *what)
{
	return std::string(what) + ": " + strerror(errno);
}

} // namespace

void overwrite_freed_memory()
{
#ifdef M_PERTURB
	mallopt(M_PERTURB, FILL);
#endif
}

std::string forbid_dumps()
{
	const rlimit none = {0, 0};
	if (setrlimit(RLIMIT_CORE, &none) != 0)
		return failure("setrlimit of RLIMIT_CORE");
	return prctl(PR_SET_DUMPABLE, 0) == 0 ? "" : failure("prctl of PR_SET_DUMPABLE");
}

std::string lock(void *memory, size_t octets)
{
	const auto page = static_cast<uintptr_t>(sysconf(_SC_PAGESIZE));
	const uintptr_t begin = reinterpret_cast<uintptr_t>(memory) / page * page;
	const uintptr_t end = (reinterpret_cast<uintptr_t>(memory) + octets + page - 1) / page * page;
	void *pages = reinterpret_cast<void *>(begin);
	std::string problem;
	if (madvise(pages, end - begin, MADV_DONTDUMP) != 0)
		problem = failure("madvise of MADV_DONTDUMP");
	// MLOCK_ONFAULT: tables are large and mostly empty.
	if (mlock2(pages, end - begin, MLOCK_ONFAULT) != 0)
		problem = failure("mlock2");
	return problem;
}

__attribute__((noinline)) void burn_stack()
{
	uint8_t octets[STACK_OCTETS];
	explicit_bzero(octets, sizeof(octets));
}

void burn_freed_blocks()
{
	for (size_t octets = CACHED_OCTETS_MIN; octets <= CACHED_OCTETS_MAX; octets += CACHED_STEP_OCTETS) {
		void *blocks[CACHED_BLOCKS];
		for (void *&block : blocks) {
			block = malloc(octets);
			if (block != nullptr)
				explicit_bzero(block, octets);
		}
		for (void *block : blocks)
			free(block);
	}
}

} // namespace guard
