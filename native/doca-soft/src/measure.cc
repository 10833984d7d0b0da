// Measures the speed of the AEAD alone, for benchmarks that compare the datapath with it.
#include <chrono>
#include <cstdlib>
#include <cstring>
#include <memory>
#include <vector>

#include <doca_soft.h>

#include "keys.h"
#include "psp_header.h"

using namespace soft;

namespace {

// Returns how long a call takes on average, over as many calls as fit in `seconds`.
template <typename Call> double seconds_of(double seconds, Call call)
{
	constexpr uint32_t CALLS_PER_LOOK = 256;
	uint64_t calls = 0;
	const auto start = std::chrono::steady_clock::now();
	std::chrono::duration<double> passed{};
	while (passed.count() < seconds) {
		for (uint32_t i = 0; i < CALLS_PER_LOOK; i++)
			call();
		calls += CALLS_PER_LOOK;
		passed = std::chrono::steady_clock::now() - start;
	}
	return passed.count() / static_cast<double>(calls);
}

} // namespace

doca_error_t doca_soft_measure_aead(const char *crypto, uint32_t octets, int open, double seconds, double *per_second,
				    const char **engine)
{
	const Aead *aead = crypto == nullptr ? nullptr : find_aead(crypto);
	if (aead == nullptr || per_second == nullptr || engine == nullptr)
		return DOCA_ERROR_INVALID_VALUE;
	constexpr uint32_t KEY_OCTETS = 32;
	const std::unique_ptr<void, decltype(&free)> context(aligned_alloc(64, (aead->context_octets + 63) / 64 * 64), free);
	const std::vector<uint8_t> key(KEY_OCTETS, 0x42);
	aead->prepare(context.get(), key.data(), KEY_OCTETS);
	std::vector<uint8_t> header(PSP_HEADER_OCTETS);
	std::vector<uint8_t> sealed(octets + PSP_ICV_OCTETS);
	aead->seal(context.get(), KEY_OCTETS, header.data() + PSP_SPI, header.data(), PSP_HEADER_OCTETS, sealed.data(), octets,
		   sealed.data() + octets);
	std::vector<uint8_t> data = sealed;
	// Opening needs a sealed packet each time, so a copy is made before each call. The time for copies is measured alone and
	// subtracted.
	const auto copy = [&] {
		memcpy(data.data(), sealed.data(), octets);
		asm volatile("" : : "r"(data.data()) : "memory");
	};
	const auto seal = [&] {
		aead->seal(context.get(), KEY_OCTETS, header.data() + PSP_SPI, header.data(), PSP_HEADER_OCTETS, data.data(),
			   octets, data.data() + octets);
	};
	const auto copy_and_open = [&] {
		copy();
		aead->open(context.get(), KEY_OCTETS, header.data() + PSP_SPI, header.data(), PSP_HEADER_OCTETS, data.data(),
			   octets, sealed.data() + octets);
	};
	const double call_seconds = open == 0 ? seconds_of(seconds, seal)
					      : seconds_of(seconds, copy_and_open) - seconds_of(seconds / 4, copy);
	aead->wipe(context.get());
	*per_second = 1 / call_seconds;
	*engine = aead->name;
	return DOCA_SUCCESS;
}
