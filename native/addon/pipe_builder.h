// Makes DOCA's pipes for the pipes of a program.
#pragma once

#include "doca_pipes.h"
#include "forwards.h"
#include "lowered_pipe.h"
#include "lowering_device.h"
#include "operations.h"
#include "program.h"
#include "shape.h"

class PipeBuilder {
public:
	PipeBuilder(const LoweringDevice &device, DocaPipes &pipes, Forwards &forwards, Shape &shape, OperationQueue &operations)
		: device_(device), pipes_(pipes), forwards_(forwards), shape_(shape), operations_(operations)
	{
	}

	// Makes the pipe `spec` without entries. The pipes that it forwards to must exist. Throws Failure, which names the pipe.
	void build(const PipeSpec &spec, LoweredPipe &lowered);

private:
	void build_basic(const PipeSpec &spec, LoweredPipe &lowered);
	void build_control(const PipeSpec &spec, LoweredPipe &lowered);
	doca_flow_fwd create_lists(const PipeSpec &spec, const doca_flow_fwd &onward, LoweredPipe &lowered);

	const LoweringDevice &device_;
	DocaPipes &pipes_;
	Forwards &forwards_;
	Shape &shape_;
	OperationQueue &operations_;
};
