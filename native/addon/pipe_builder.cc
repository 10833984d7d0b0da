#include "pipe_builder.h"

#include <algorithm>

#include "actions.h"
#include "doca_structs.h"
#include "matches.h"

namespace {

// DOCA's control pipes have no fwd_miss: an entry of the lowest priority stands for it.
constexpr uint32_t PRIORITY_MISS = 7;

// Action templates as DOCA wants them: arrays of pointers.
struct ActionTemplates {
	explicit ActionTemplates(size_t count) : actions(count, zeroed<Actions>()), masks(actions)
	{
		for (size_t i = 0; i < count; i++) {
			action_pointers.push_back(&actions[i]);
			mask_pointers.push_back(&masks[i]);
		}
	}
	ActionTemplates(const ActionTemplates &) = delete;
	ActionTemplates &operator=(const ActionTemplates &) = delete;

	std::vector<Actions> actions;
	std::vector<Actions> masks;
	std::vector<doca_flow_actions *> action_pointers;
	std::vector<doca_flow_actions *> mask_pointers;
};

doca_flow_monitor monitor_of(bool counted)
{
	auto monitor = zeroed<doca_flow_monitor>();
	if (counted)
		monitor.counter_type = DOCA_FLOW_RESOURCE_TYPE_NON_SHARED;
	return monitor;
}

} // namespace

void PipeBuilder::build(const PipeSpec &spec, LoweredPipe &lowered)
{
	if (spec.control)
		build_control(spec, lowered);
	else
		build_basic(spec, lowered);
}

void PipeBuilder::build_basic(const PipeSpec &spec, LoweredPipe &lowered)
{
	auto match = zeroed<Match>();
	auto mask = zeroed<Match>();
	lowered.repeated = zeroed<Match>();
	add_fields(device_, spec.match, match, mask, &lowered.repeated);

	ActionTemplates templates(spec.actions.size());
	lowered.repeated_actions = templates.actions;
	for (size_t i = 0; i < spec.actions.size(); i++) {
		const ActionsSpec &action = spec.actions[i];
		check_possible(spec, action);
		const bool in_list = Shape::in_list(action);
		if (!in_list || !sets_after_crypto(action))
			write_template_sets(action, templates.actions[i], templates.masks[i], lowered.repeated_actions[i], false);
		if (!in_list)
			write_crypto(device_, action, nullptr, templates.actions[i]);
	}

	// Where packets go after the actions.
	doca_flow_monitor monitor = monitor_of(spec.counter);
	CopiedForward onward;
	lowered.changeable = spec.forward.kind == ForwardSpec::OF_ENTRY;
	if (spec.mirror < 0)
		onward.forward = forwards_.forward_of(spec.forward);
	else if (lowered.changeable)
		throw Failure(DOCA_ERROR_NOT_SUPPORTED, "pipe " + spec.name + ", a mirror with forwards of entries");
	else
		onward = shape_.copy(spec.domain, spec.mirror, spec.forward, monitor);
	const doca_flow_fwd forward = create_lists(spec, onward.forward, lowered);
	const doca_flow_fwd miss = forwards_.forward_of(spec.miss);

	const std::string doing = "pipe " + spec.name;
	const auto configure = [&](doca_flow_pipe_cfg *cfg) {
		check(doca_flow_pipe_cfg_set_is_root(cfg, spec.is_root), doing + ", is_root");
		check(doca_flow_pipe_cfg_set_nr_entries(cfg, spec.size_entries), doing + ", nr_entries");
		check(doca_flow_pipe_cfg_set_match(cfg, &match, &mask), doing + ", match");
		if (!spec.actions.empty())
			check(doca_flow_pipe_cfg_set_actions(cfg, templates.action_pointers.data(),
							     templates.mask_pointers.data(), nullptr, spec.actions.size()),
			      doing + ", actions");
		check(doca_flow_pipe_cfg_set_monitor(cfg, &monitor), doing + ", monitor");
		check(doca_flow_pipe_cfg_set_miss_counter(cfg, spec.miss_counter), doing + ", miss_counter");
	};
	lowered.pipe = pipes_.create(spec.name, DOCA_FLOW_PIPE_BASIC, domain_of(spec), configure,
				     onward.in_mirror ? nullptr : &forward, &miss);
}

// Makes the ordered lists of templates whose crypto stands in them, which lead to `onward`. Returns the forward of the pipe
// itself: to its list, to where entries say, or `onward`.
doca_flow_fwd PipeBuilder::create_lists(const PipeSpec &spec, const doca_flow_fwd &onward, LoweredPipe &lowered)
{
	lowered.lists.resize(spec.actions.size());
	if (std::none_of(spec.actions.begin(), spec.actions.end(), Shape::in_list))
		return onward;
	for (size_t i = 0; i < spec.actions.size(); i++) {
		const ActionsSpec &action = spec.actions[i];
		if (!Shape::in_list(action))
			continue;
		const std::string name = spec.name + "_LIST_" + std::to_string(i);
		lowered.lists[i] = shape_.create_list(spec, action, name, spec.size_entries, onward);
		ActionList &list = *lowered.lists[i];
		if (!list.shared)
			continue;
		operations_.run(list.shared_entry, "pipe " + name,
				[&] { return shape_.add_list_entry(list, action, ValuesSpec{}, 0, nullptr, list.shared_entry); });
	}
	if (lowered.lists.size() == 1)
		return lowered.lists[0]->forward_to(lowered.lists[0]->shared ? 0 : UINT32_MAX);
	// Entries choose a template, and with it a list or none.
	lowered.changeable = true;
	auto changeable = zeroed<doca_flow_fwd>();
	changeable.type = DOCA_FLOW_FWD_CHANGEABLE;
	return changeable;
}

void PipeBuilder::build_control(const PipeSpec &spec, LoweredPipe &lowered)
{
	const std::string doing = "pipe " + spec.name;
	const auto configure = [&](doca_flow_pipe_cfg *cfg) {
		check(doca_flow_pipe_cfg_set_is_root(cfg, spec.is_root), doing + ", is_root");
		// One more for the miss, and one for a replacement until what it replaces is removed.
		check(doca_flow_pipe_cfg_set_nr_entries(cfg, spec.size_entries + 2), doing + ", nr_entries");
	};
	lowered.pipe = pipes_.create(spec.name, DOCA_FLOW_PIPE_CONTROL, domain_of(spec), configure, nullptr, nullptr);
	const doca_flow_fwd miss = forwards_.forward_of(spec.miss);
	const doca_flow_monitor monitor = monitor_of(spec.miss_counter);
	lowered.miss.counted = spec.miss_counter;
	const auto add = [&](doca_flow_pipe_entry **made) {
		return compat::add_control_entry(operations_.number(), PRIORITY_MISS, lowered.pipe, nullptr, nullptr, nullptr,
						 nullptr, nullptr, &monitor, &miss, lowered.miss.context(), made);
	};
	operations_.run(lowered.miss, doing + ", miss", [&] { return operations_.add(lowered.miss, &TrackedEntry::entry, add); });
}
