// Pipes that act on packets, for tests of what actions do: a root that packets reach by "vf", with what its actions have made of them
// leaving by "wire".
#pragma once

#include <deque>

#include <rte_byteorder.h>

#include "ip_frames.h"
#include "world.h"

namespace acting {

using namespace world;
using ip_frames::ICMPV6;
using ip_frames::number_at;
using ip_frames::put;
using ip_frames::TCP;
using ip_frames::UDP;

constexpr uint32_t CHANGEABLE = UINT32_MAX;

inline const doca_flow_fwd DROP = forward_of(DOCA_FLOW_FWD_DROP);

/* ---- Pipes ---- */

inline doca_flow_fwd to_wire()
{
	doca_flow_fwd fwd = forward_of(DOCA_FLOW_FWD_PORT);
	fwd.port_id = pf;
	return fwd;
}

// A pipe that matches all packets, unless `options` say otherwise.
inline doca_flow_pipe *pipe_of(PipeOptions options, const doca_flow_fwd &fwd)
{
	doca_flow_pipe *pipe;
	options.fwd = options.type == DOCA_FLOW_PIPE_CONTROL ? nullptr : &fwd;
	options.miss = &DROP;
	OK(create(options, pipe));
	return pipe;
}

inline void add(doca_flow_pipe *pipe, const doca_flow_match *match, uint8_t index, const doca_flow_actions *actions)
{
	doca_flow_pipe_entry *entry;
#if DOCA_SOFT_RELEASE_ < 302
	doca_flow_actions with_index = actions == nullptr ? doca_flow_actions{} : *actions;
	with_index.action_idx = index;
	OK(doca_flow_pipe_add_entry(0, pipe, match, actions == nullptr && index == 0 ? nullptr : &with_index, nullptr, nullptr, 0,
				    nullptr, &entry));
#elif DOCA_SOFT_RELEASE_ < 303
	OK(doca_flow_pipe_add_entry(0, pipe, match, index, actions, nullptr, nullptr, 0, nullptr, &entry));
#else
	OK(doca_flow_pipe_basic_add_entry(0, pipe, match, index, actions, nullptr, nullptr, 0, nullptr, &entry));
#endif
	process(0);
}

inline doca_error_t add_with_condition(doca_flow_pipe *pipe, const doca_flow_match *match,
				       const doca_flow_match_condition &condition, const doca_flow_fwd &fwd)
{
	doca_flow_pipe_entry *entry;
#if DOCA_SOFT_RELEASE_ < 303
	const doca_error_t result = doca_flow_pipe_control_add_entry(0, 0, pipe, match, nullptr, &condition, nullptr, nullptr,
								     nullptr, nullptr, &fwd, nullptr, &entry);
#else
	const doca_error_t result = doca_flow_pipe_control_add_entry(0, pipe, match, nullptr, &condition, nullptr, nullptr,
								     nullptr, nullptr, 0, &fwd, nullptr, &entry);
#endif
	process(0);
	return result;
}

// Descriptors that stay where they are.
inline doca_flow_action_descs *descs_of(std::initializer_list<doca_flow_action_desc> list)
{
	static std::deque<std::vector<doca_flow_action_desc>> arrays;
	static std::deque<doca_flow_action_descs> all;
	arrays.emplace_back(list);
	all.push_back({static_cast<uint8_t>(arrays.back().size()), arrays.back().data()});
	return &all.back();
}

inline doca_flow_action_desc desc(doca_flow_action_type type, doca_flow_desc_field src, doca_flow_desc_field dst, uint32_t width)
{
	doca_flow_action_desc made = {};
	made.type = type;
	made.field_op = {src, dst, width};
	return made;
}

inline doca_flow_action_desc copy(doca_flow_desc_field src, doca_flow_desc_field dst, uint32_t width)
{
	return desc(DOCA_FLOW_ACTION_COPY, src, dst, width);
}

inline doca_flow_action_desc addition(doca_flow_desc_field src, doca_flow_desc_field dst, uint32_t width)
{
	return desc(DOCA_FLOW_ACTION_ADD, src, dst, width);
}

constexpr doca_flow_desc_field OF_ACTIONS = {nullptr, 0};

// From bit `bit` of meta.u32[index] on.
inline doca_flow_desc_field meta(uint32_t index, uint32_t bit = 0)
{
	return {"meta.data", 32 * (index + 1) + bit};
}

// A root with one template, and one entry with these actions.
inline doca_flow_pipe *acting_root(doca_flow_actions *actions, doca_flow_actions *mask, doca_flow_action_descs *descs,
				   const doca_flow_fwd &fwd, const doca_flow_actions *of_entry = nullptr)
{
	PipeOptions options;
	options.is_root = true;
	options.templates = {{actions, mask, descs}};
	doca_flow_pipe *root = pipe_of(options, fwd);
	add(root, nullptr, 0, of_entry);
	return root;
}

// What leaves by the wire; one frame at most.
inline Frame passed(const Frame &frame)
{
	arrive(vf, frame);
	const std::vector<Frame> sent = sent_by(wire);
	CHECK(sent.size() <= 1);
	return sent.empty() ? Frame() : sent[0];
}

// The frame leaves with these octets, and its checksums are right.
inline void leaves_as(const Frame &frame, Frame expected)
{
	ip_frames::write_checksums(expected);
	const Frame sent = passed(frame);
	CHECK(sent == expected);
	ip_frames::check_checksums(sent);
}

inline doca_flow_actions on_ip4()
{
	doca_flow_actions actions = {};
	actions.outer.l3_type = DOCA_FLOW_L3_TYPE_IP4;
	return actions;
}

} // namespace acting
