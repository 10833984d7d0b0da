// What there is once per process: EAL, DOCA's log, and DOCA Flow with the numbers that devices share. All of it is for the
// control thread.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <sched.h>
#include <vector>

struct DeviceOptions;

// Where a receiving thread runs, once EAL has started: on EAL's cores by turns.
cpu_set_t receiver_cores(size_t number);

// The first device's options hold for the process. Throws Failure.
void start_eal(const DeviceOptions &options);
// The application's log, and the SDK's, to standard output.
void start_logging(uint32_t level);

// DOCA Flow as one device uses it: initialized with the first of them, destroyed with the last. A device's ports are to be
// stopped before, which leaves what was bound to them.
class FlowLibrary {
public:
	static constexpr uint32_t QUEUE_DEPTH = 1024;

	// Throws Failure.
	explicit FlowLibrary(const DeviceOptions &options);
	~FlowLibrary();
	FlowLibrary(const FlowLibrary &) = delete;
	FlowLibrary &operator=(const FlowLibrary &) = delete;

	// Up to 3.1: the first of the numbers of the device's key slots, at most as many as the first device has; once. Throws
	// Failure FULL.
	uint32_t take_crypto_ids(uint32_t count);
	// Up to 3.1: the number of a mirror. Throws Failure FULL.
	uint32_t take_mirror();

private:
	std::optional<size_t> crypto_ids_;
	std::vector<uint32_t> mirrors_;
};
