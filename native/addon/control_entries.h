// Entries of control pipes: added and replaced.
#pragma once

#include <vector>

#include "doca_pipes.h"
#include "entry_slots.h"
#include "forwards.h"
#include "lowered_pipe.h"
#include "lowering_device.h"
#include "operations.h"
#include "program.h"
#include "shape.h"

class ControlEntries {
public:
	ControlEntries(const ProgramSpec &program, const LoweringDevice &device, std::vector<LoweredPipe> &pipes,
		       DocaPipes &doca_pipes, EntrySlots &slots, Forwards &forwards, Shape &shape, OperationQueue &operations)
		: program_(program), device_(device), pipes_(pipes), doca_pipes_(doca_pipes), slots_(slots), forwards_(forwards),
		  shape_(shape), operations_(operations)
	{
	}

	// Add an entry, or replace the one in the slot. See LoweredProgram.
	void add(uint32_t pipe, uint32_t slot, const ControlEntrySpec &entry, bool *failed);
	void replace(uint32_t pipe, uint32_t slot, const ControlEntrySpec &entry, bool *failed);

private:
	struct Prepared;

	Prepared prepare(const PipeSpec &spec, const ControlEntrySpec &entry);
	void create_list(const PipeSpec &spec, const ControlEntrySpec &entry, EntryRecord &record, Prepared &prepared);
	doca_error_t hand_over(const LoweredPipe &lowered, const ControlEntrySpec &entry, EntryRecord &record,
			       const Prepared &prepared);

	const ProgramSpec &program_;
	const LoweringDevice &device_;
	std::vector<LoweredPipe> &pipes_;
	DocaPipes &doca_pipes_;
	EntrySlots &slots_;
	Forwards &forwards_;
	Shape &shape_;
	OperationQueue &operations_;
};
