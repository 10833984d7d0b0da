#include "clock.h"

#include <atomic>
#include <chrono>

namespace soft {
namespace {

constexpr uint64_t NOT_SET = UINT64_MAX;
std::atomic<uint64_t> set_time{NOT_SET};

} // namespace

uint64_t clock_nanoseconds()
{
	const uint64_t set = set_time.load(std::memory_order_acquire);
	if (set != NOT_SET)
		return set;
	const auto now = std::chrono::steady_clock::now().time_since_epoch();
	return static_cast<uint64_t>(std::chrono::duration_cast<std::chrono::nanoseconds>(now).count());
}

void set_clock(uint64_t nanoseconds)
{
	set_time.store(nanoseconds, std::memory_order_release);
}

} // namespace soft
