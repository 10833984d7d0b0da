// Runs entry operations that JavaScript has packed (src/hal-doca/batch.ts). Numbers are little-endian.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "lowered_program.h"

enum class BatchOperation : uint8_t { ADD = 0, UPDATE = 1, REMOVE = 2, ADD_CONTROL = 3, REPLACE_CONTROL = 4 };

struct BatchFailure {
	uint32_t index;
	// The name of DOCA's error without its prefix DOCA_ERROR_.
	std::string code;
	std::string reason;
};

// Returns the operations that failed. `controls` are the entries that operations on control pipes refer to by index. Throws
// Failure when the batch is malformed or the device does not answer. Runs in the control thread.
std::vector<BatchFailure> run_batch(LoweredProgram &program, const ProgramSpec &spec, const std::vector<uint8_t> &batch,
				    const std::vector<ControlEntrySpec> &controls);
