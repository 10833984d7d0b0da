// Entry operations as JavaScript packs them (src/hal-doca/batch.ts), and their execution. Numbers are little-endian.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "lower.h"

enum class BatchOperation : uint8_t { ADD = 0, UPDATE = 1, REMOVE = 2, ADD_CONTROL = 3, REPLACE_CONTROL = 4 };

struct BatchFailure {
	uint32_t index;
	// Without the DOCA_ERROR_ prefix.
	std::string code;
	std::string reason;
};

// Runs in the control thread. `controls` are the entries that operations on control pipes name by number.
std::vector<BatchFailure> run_batch(LoweredProgram &program, const ProgramSpec &spec, const std::vector<uint8_t> &batch,
				    const std::vector<ControlEntrySpec> &controls);
