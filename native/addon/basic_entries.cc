#include "basic_entries.h"

#include "actions.h"
#include "doca_structs.h"
#include "failure.h"
#include "matches.h"

void BasicEntries::add(uint32_t pipe, uint32_t slot, uint8_t action_index, const ValuesSpec &values, const ForwardSpec &forward,
		       bool *failed)
{
	EntryRecord &record = slots_.for_new(pipe, slot, failed);
	record.action_index = action_index;
	record.counted = program_.pipes[pipe].counter;
	try {
		hand_over_add(pipe, record, values, forward);
	} catch (const Failure &) {
		slots_.forget(pipe, slot);
		throw;
	}
}

// The actions of an entry in the pipe itself, without those that its ordered list does.
Actions BasicEntries::actions_of(const PipeSpec &spec, const LoweredPipe &lowered, uint8_t index, const ValuesSpec &values) const
{
	Actions actions = lowered.repeated_actions[index];
	const ActionList *list = lowered.lists[index].get();
	if (list == nullptr || !list->sets)
		write_entry_sets(spec.actions[index], values, actions);
	if (list == nullptr)
		write_crypto(device_, spec.actions[index], &values, actions);
	return actions;
}

void BasicEntries::hand_over_add(uint32_t pipe, EntryRecord &record, const ValuesSpec &values, const ForwardSpec &forward)
{
	const PipeSpec &spec = program_.pipes[pipe];
	LoweredPipe &lowered = pipes_[pipe];
	const uint8_t action_index = record.action_index;
	// Formats the message only when it is needed: there may be a million entries.
	const auto checked = [&spec](doca_error_t result) {
		if (result != DOCA_SUCCESS)
			throw Failure(result, "an entry of pipe " + spec.name);
	};

	Match match = lowered.repeated;
	write_entry_values(device_, spec.match, values.match.data(), match);

	auto actions = zeroed<Actions>();
	const bool has_actions = !spec.actions.empty();
	ActionList *list = nullptr;
	if (has_actions) {
		actions = actions_of(spec, lowered, action_index, values);
		list = lowered.lists[action_index].get();
	}

	const bool own_forward = spec.forward.kind == ForwardSpec::OF_ENTRY;
	auto fwd = zeroed<doca_flow_fwd>();
	const doca_flow_fwd *fwd_given = lowered.changeable ? &fwd : nullptr;
	if (own_forward) {
		fwd = forwards_.forward_of(forward);
	} else if (lowered.changeable && list == nullptr) {
		auto monitor = zeroed<doca_flow_monitor>();
		if (spec.mirror >= 0)
			fwd = shape_.copy(spec.domain, spec.mirror, spec.forward, monitor).forward;
		else
			fwd = forwards_.forward_of(spec.forward);
	}
	auto list_fwd = zeroed<doca_flow_fwd>();
	operations_.reserve(2);
	if (list != nullptr) {
		if (!list->shared) {
			record.list_index = list->take_index();
			if (own_forward)
				record.given = std::make_unique<GivenSpec>(GivenSpec{values, forward});
			checked(shape_.add_list_entry(*list, spec.actions[action_index], values, *record.list_index,
						      own_forward ? &fwd : nullptr, record));
			if (record.list_entry == nullptr)
				checked(DOCA_ERROR_DRIVER);
		}
		list_fwd = list->forward_to(record.list_index.value_or(0));
		fwd_given = &list_fwd;
	}
	checked(operations_.add(record, &TrackedEntry::entry, [&](doca_flow_pipe_entry **made) {
		return compat::add_entry(operations_.number(), lowered.pipe, &match, action_index,
					 has_actions ? &actions : nullptr, fwd_given, record.context(), made);
	}));
}

void BasicEntries::update(uint32_t pipe, uint32_t slot, const ValuesSpec *values, const ForwardSpec *forward, bool *failed)
{
	const PipeSpec &spec = program_.pipes[pipe];
	LoweredPipe &lowered = pipes_[pipe];
	EntryRecord &record = slots_.existing(pipe, slot, failed);
	std::unique_ptr<GivenSpec> given;
	if (record.given != nullptr) {
		given = std::make_unique<GivenSpec>(*record.given);
		if (values != nullptr)
			given->values = *values;
		if (forward != nullptr)
			given->forward = *forward;
		values = &given->values;
		forward = &given->forward;
	}
	auto actions = zeroed<Actions>();
	Actions *actions_given = nullptr;
	if (values != nullptr && !spec.actions.empty()) {
		actions = actions_of(spec, lowered, record.action_index, *values);
		actions_given = &actions;
	}
	auto fwd = zeroed<doca_flow_fwd>();
	const doca_flow_fwd *fwd_given = nullptr;
	if (forward != nullptr) {
		fwd = forwards_.forward_of(*forward);
		fwd_given = &fwd;
	}
	const ActionList *list = spec.actions.empty() ? nullptr : lowered.lists[record.action_index].get();
	if (list == nullptr || list->shared || values == nullptr) {
		if (actions_given == nullptr && fwd_given == nullptr)
			return;
		operations_.reserve(1);
		check(hand_over_update(lowered, record, actions_given, fwd_given), "update of an entry of pipe " + spec.name);
		return;
	}
	replace_list_entry(pipe, record, *values, actions_given, fwd_given);
	record.given = std::move(given);
}

doca_error_t BasicEntries::hand_over_update(const LoweredPipe &lowered, EntryRecord &record, Actions *actions,
					    const doca_flow_fwd *forward)
{
	return operations_.change(record, record.entry, [&] {
		return compat::update_entry(operations_.number(), lowered.pipe, record.action_index, actions, forward,
					    record.entry);
	});
}

// Adds a new list entry, makes the entry lead to it, then removes the former list entry: no packet sees a gap. `forward` is the
// list entry's.
void BasicEntries::replace_list_entry(uint32_t pipe, EntryRecord &record, const ValuesSpec &values, Actions *actions,
				      const doca_flow_fwd *forward)
{
	const PipeSpec &spec = program_.pipes[pipe];
	LoweredPipe &lowered = pipes_[pipe];
	ActionList &list = *lowered.lists[record.action_index];
	const std::string doing = "update of an entry of pipe " + spec.name;
	doca_flow_pipe_entry *const former = record.list_entry;
	const std::optional<uint32_t> former_index = record.list_index;
	const uint32_t index = list.take_index();
	record.list_entry = nullptr;
	record.list_index = index;
	try {
		operations_.run(record, doing, [&] {
			return shape_.add_list_entry(list, spec.actions[record.action_index], values, index, forward, record);
		});
		const doca_flow_fwd to_list = list.forward_to(index);
		operations_.run(record, doing, [&] { return hand_over_update(lowered, record, actions, &to_list); });
	} catch (const Failure &) {
		slots_.drop_list_part(pipe, record);
		record.list_entry = former;
		record.list_index = former_index;
		throw;
	}
	if (operations_.take_back(record, former))
		list.free.push_back(*former_index);
}
