// What exists once per process: EAL, DOCA's log, and DOCA Flow with the numbers that devices share. Only the control thread uses
// it.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <sched.h>
#include <vector>

struct DeviceOptions;

// The cores of a receiving thread: one of EAL's, by turns. EAL must have started.
cpu_set_t receiver_cores(size_t number);

// Starts EAL unless it runs already, so that the first device's options count for the process. Throws Failure.
void start_eal(const DeviceOptions &options);
// Has the SDK log to standard output (log_stream.h). Only the first call has an effect. Throws Failure.
void start_logging(uint32_t level);

// One device's use of DOCA Flow, which is initialized with the first use and destroyed with the last. The device's ports must be
// stopped before the object goes, which also unbinds what was bound to them.
class FlowLibrary {
public:
	static constexpr uint32_t QUEUE_DEPTH = 1024;

	// Throws Failure.
	explicit FlowLibrary(const DeviceOptions &options);
	~FlowLibrary();
	FlowLibrary(const FlowLibrary &) = delete;
	FlowLibrary &operator=(const FlowLibrary &) = delete;

	// Whether matches and actions have words of the PSP header, as the first device's options say.
	static bool has_psp_words();
	// Up to 3.1: takes consecutive numbers for the device's key slots, at most as many as the first device has, and returns the
	// first one. To be called once. Throws Failure FULL.
	uint32_t take_crypto_ids(uint32_t count);
	// Up to 3.1: takes a number for a mirror. Throws Failure FULL.
	uint32_t take_mirror();

private:
	std::optional<size_t> crypto_ids_;
	std::vector<uint32_t> mirrors_;
};
