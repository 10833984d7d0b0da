// The records of entries, by pipe and slot: who is there, how an entry goes, and what it has counted.
#pragma once

#include <vector>

#include "doca_pipes.h"
#include "lowered_pipe.h"
#include "operations.h"
#include "program.h"

class EntrySlots {
public:
	EntrySlots(const ProgramSpec &program, std::vector<LoweredPipe> &pipes, DocaPipes &doca_pipes, OperationQueue &operations)
		: program_(program), pipes_(pipes), doca_pipes_(doca_pipes), operations_(operations)
	{
	}

	// The record for an entry that is going to be added. Throws Failure when the slot has an entry that DOCA did not remove.
	EntryRecord &for_new(uint32_t pipe, uint32_t slot, bool *failed);
	// The record of an entry that exists. Throws Failure NOT_FOUND.
	EntryRecord &existing(uint32_t pipe, uint32_t slot, bool *failed);
	void remove(uint32_t pipe, uint32_t slot, bool *failed);
	// Removes what there is of an entry whose addition failed.
	void forget(uint32_t pipe, uint32_t slot);
	// Removes the part of an entry that stands in an ordered list.
	void drop_list_part(uint32_t pipe, EntryRecord &record);
	// From now on no failure is reported to `failed`.
	void abandon();

	CounterValue counter(uint32_t pipe, uint32_t slot);
	CounterValue miss_counter(uint32_t pipe) const;
	// Counts all entries, those that are gone included.
	CounterValue total_counter(uint32_t pipe) const;
	static CounterValue read_counter(const EntryRecord &record);

private:
	EntryRecord &at(uint32_t pipe, uint32_t slot, bool *failed);

	const ProgramSpec &program_;
	std::vector<LoweredPipe> &pipes_;
	DocaPipes &doca_pipes_;
	OperationQueue &operations_;
};
