// Crypto and copies, for which DOCA's releases need pipes of different shapes:
//
//            shape_up_to_3_1.cc               shape_from_3_2.cc
//   crypto   in the actions of the pipe       in an ordered list behind the pipe
//   copies   by a mirror, which has a number  by a hash pipe that floods
//
// Each of the two files implements this header for its releases.
#pragma once

#include <deque>
#include <map>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "doca_pipes.h"
#include "doca_structs.h"
#include "failure.h"
#include "forwards.h"
#include "lowering_device.h"
#include "operations.h"
#include "program.h"

// An ordered list pipe, which does the crypto of one action template.
struct ActionList {
	doca_flow_pipe *pipe = nullptr;
	// Entries give nothing for the template, so that they all use the list entry 0.
	bool shared = false;
	TrackedEntry shared_entry;
	// Whether the list also writes the template's `set` fields, after the crypto.
	bool sets = false;

	// Indices of the list's entries: those that were given back, the first that was never used, and their number.
	std::vector<uint32_t> free;
	uint32_t next = 0;
	uint32_t size = 0;

	// Throws FULL.
	uint32_t take_index()
	{
		if (free.empty() && next == size)
			throw Failure(DOCA_ERROR_FULL, "an ordered list's indices");
		if (free.empty())
			return next++;
		const uint32_t index = free.back();
		free.pop_back();
		return index;
	}
	doca_flow_fwd forward_to(uint32_t index) const
	{
		auto fwd = zeroed<doca_flow_fwd>();
		fwd.type = DOCA_FLOW_FWD_ORDERED_LIST_PIPE;
		fwd.ordered_list_pipe.pipe = pipe;
		fwd.ordered_list_pipe.idx = index;
		return fwd;
	}
};

// Where a packet goes when it is copied, too.
struct CopiedForward {
	doca_flow_fwd forward = zeroed<doca_flow_fwd>();
	// The mirror says itself where the packet goes; the pipe has no forward.
	bool in_mirror = false;
};

class Shape {
public:
	Shape(const ProgramSpec &program, LoweringDevice &device, DocaPipes &pipes, Forwards &forwards,
	      OperationQueue &operations)
		: program_(program), device_(device), pipes_(pipes), forwards_(forwards), operations_(operations)
	{
	}

	// Whether the template's crypto stands in an ordered list.
	static bool in_list(const ActionsSpec &actions) { return PSP_ORDERED_LISTS && actions.crypto(); }

	// Makes the ordered list of a template of `spec` for at most `entries` entries, which leads to `forward`. Throws Failure.
	std::unique_ptr<ActionList> create_list(const PipeSpec &spec, const ActionsSpec &actions, const std::string &name,
						uint32_t entries, const doca_flow_fwd &forward);
	// Hands the addition of the tracked entry's list entry over. nullptr: the list's own forward.
	doca_error_t add_list_entry(const ActionList &list, const ActionsSpec &actions, const ValuesSpec &values, uint32_t index,
				    const doca_flow_fwd *forward, TrackedEntry &tracked);

	// Makes packets in a pipe of `domain` that go on to `forward` also go to the targets of a mirror of the program. The pipe's
	// monitor has part in it in some releases. Throws Failure.
	CopiedForward copy(uint32_t domain, int32_t mirror, const ForwardSpec &forward, doca_flow_monitor &monitor);

private:
	// What a mirror's copies depend on.
	struct Copies {
		int32_t mirror;
		ForwardSpec forward;
		bool ingress;

		std::string key() const
		{
			return std::to_string(mirror) + "/" + std::to_string(forward.kind) + "/" +
			       std::to_string(forward.target) + "/" + (ingress ? "in" : "out");
		}
	};

	const ProgramSpec &program_;
	LoweringDevice &device_;
	DocaPipes &pipes_;
	Forwards &forwards_;
	OperationQueue &operations_;

	// The pipes or mirrors that were made, by Copies::key().
#if PSP_ORDERED_LISTS
	doca_flow_pipe *create_flood(const Copies &copies);
	std::map<std::string, doca_flow_pipe *> floods_;
	std::deque<TrackedEntry> flood_entries_;
#else
	uint32_t create_mirror(const Copies &copies);
	std::map<std::string, uint32_t> mirrors_;
#endif
};
