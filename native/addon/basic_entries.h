// Entries of basic pipes: added and updated.
#pragma once

#include <vector>

#include "entry_slots.h"
#include "forwards.h"
#include "lowered_pipe.h"
#include "lowering_device.h"
#include "operations.h"
#include "program.h"
#include "shape.h"

class BasicEntries {
public:
	BasicEntries(const ProgramSpec &program, const LoweringDevice &device, std::vector<LoweredPipe> &pipes, EntrySlots &slots,
		     Forwards &forwards, Shape &shape, OperationQueue &operations)
		: program_(program), device_(device), pipes_(pipes), slots_(slots), forwards_(forwards), shape_(shape),
		  operations_(operations)
	{
	}

	// See LoweredProgram.
	void add(uint32_t pipe, uint32_t slot, uint8_t action_index, const ValuesSpec &values, const ForwardSpec &forward,
		 bool *failed);
	void update(uint32_t pipe, uint32_t slot, const ValuesSpec *values, const ForwardSpec *forward, bool *failed);

private:
	void hand_over_add(uint32_t pipe, EntryRecord &record, const ValuesSpec &values, const ForwardSpec &forward);
	doca_error_t hand_over_update(const LoweredPipe &lowered, EntryRecord &record, Actions *actions,
				      const doca_flow_fwd *forward);
	void replace_list_entry(uint32_t pipe, EntryRecord &record, const ValuesSpec &values, Actions *actions,
				const doca_flow_fwd *forward);
	Actions actions_of(const PipeSpec &spec, const LoweredPipe &lowered, uint8_t index, const ValuesSpec &values) const;

	const ProgramSpec &program_;
	const LoweringDevice &device_;
	std::vector<LoweredPipe> &pipes_;
	EntrySlots &slots_;
	Forwards &forwards_;
	Shape &shape_;
	OperationQueue &operations_;
};
