// A pipe program on a flow port of DOCA. All of it runs in the control thread; what it is given has been checked against the
// program (src/hal/check-entry.ts).
#pragma once

#include <vector>

#include "basic_entries.h"
#include "control_entries.h"
#include "doca_pipes.h"
#include "entry_slots.h"
#include "forwards.h"
#include "lowered_pipe.h"
#include "lowering_device.h"
#include "operations.h"
#include "program.h"
#include "shape.h"

class LoweredProgram {
public:
	// Makes no pipes yet.
	LoweredProgram(ProgramSpec program, LoweringDevice device);
	~LoweredProgram() { close(); }
	LoweredProgram(const LoweredProgram &) = delete;
	LoweredProgram &operator=(const LoweredProgram &) = delete;

	// Makes all pipes, without entries. Throws Failure, which names the pipe; then only close() may follow.
	void build();
	// Destroys the pipes. The object must live until the port is stopped, because DOCA may still report to its records.
	void close();

	// Operations on one slot are done one after the other, those on several slots side by side until finish(). All four throw
	// Failure when DOCA refuses at once; `failed` is set when DOCA fails later, up to finish(). A failed operation has changed
	// nothing; after an addition that failed later, call forget().
	void add(uint32_t pipe, uint32_t slot, uint8_t action_index, const ValuesSpec &values, const ForwardSpec &forward,
		 bool *failed)
	{
		basic_.add(pipe, slot, action_index, values, forward, failed);
	}
	// nullptr leaves a part as it is.
	void update(uint32_t pipe, uint32_t slot, const ValuesSpec *values, const ForwardSpec *forward, bool *failed)
	{
		basic_.update(pipe, slot, values, forward, failed);
	}
	void add_control(uint32_t pipe, uint32_t slot, const ControlEntrySpec &entry, bool *failed)
	{
		control_.add(pipe, slot, entry, failed);
	}
	void replace_control(uint32_t pipe, uint32_t slot, const ControlEntrySpec &entry, bool *failed)
	{
		control_.replace(pipe, slot, entry, failed);
	}
	void remove(uint32_t pipe, uint32_t slot, bool *failed) { slots_.remove(pipe, slot, failed); }
	// Removes what there is of an entry whose addition failed later.
	void forget(uint32_t pipe, uint32_t slot) { slots_.forget(pipe, slot); }
	// Waits for all operations. Throws TIME_OUT when the device does not answer.
	void finish() { operations_.drain(); }
	// From now on no `failed` is set, whatever is still in flight.
	void abandon() { slots_.abandon(); }

	CounterValue entry_counter(uint32_t pipe, uint32_t slot) { return slots_.counter(pipe, slot); }
	CounterValue miss_counter(uint32_t pipe) const { return slots_.miss_counter(pipe); }
	// Counts all entries, those that are gone included.
	CounterValue total_counter(uint32_t pipe) const { return slots_.total_counter(pipe); }

private:
	const ProgramSpec program_;
	LoweringDevice device_;
	OperationQueue operations_;
	DocaPipes doca_pipes_;
	Forwards forwards_;
	Shape shape_;
	std::vector<LoweredPipe> pipes_;
	EntrySlots slots_;
	BasicEntries basic_;
	ControlEntries control_;
	bool closed_ = false;
};
