// Forwards of a program as DOCA's.
#pragma once

#include <vector>

#include "lowering_device.h"
#include "program.h"

class Forwards {
public:
	Forwards(const LoweringDevice &device, size_t pipes) : rss_queues_(device.rss_queues), device_(device), pipes_(pipes) {}

	// A pipe of the program exists from now on.
	void set_pipe(size_t index, doca_flow_pipe *pipe) { pipes_[index] = pipe; }
	// The pipe that `forward` leads to must exist. What the result points to lives as long as this object. Throws Failure.
	doca_flow_fwd forward_of(const ForwardSpec &forward);

private:
	// DOCA wants a pointer to queues that it could change.
	std::vector<uint16_t> rss_queues_;
	const LoweringDevice &device_;
	std::vector<doca_flow_pipe *> pipes_;
};

// The indices of the program's pipes in an order in which they can be made: each after those that it forwards to.
std::vector<uint32_t> building_order(const ProgramSpec &program);
