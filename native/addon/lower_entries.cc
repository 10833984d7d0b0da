// The entries of a lowered program.
#include "lower.h"

#include <algorithm>

#include "templates.h"

namespace {

// How often DOCA is asked to take back what failed in part.
constexpr int TAKE_BACK_TRIES = 8;

bool is_zero(const void *from, size_t octets)
{
	const auto *at = static_cast<const uint8_t *>(from);
	return std::all_of(at, at + octets, [](uint8_t octet) { return octet == 0; });
}

doca_flow_fwd to_list(doca_flow_pipe *pipe, uint32_t index)
{
	auto fwd = zeroed<doca_flow_fwd>();
	fwd.type = DOCA_FLOW_FWD_ORDERED_LIST_PIPE;
	fwd.ordered_list_pipe.pipe = pipe;
	fwd.ordered_list_pipe.idx = index;
	return fwd;
}

} // namespace

EntryRecord &LoweredProgram::slot_of(uint32_t pipe, uint32_t slot, bool *failed)
{
	std::deque<EntryRecord> &slots = pipes_[pipe].slots;
	if (slot >= slots.size())
		slots.resize(slot + 1);
	EntryRecord &record = slots[slot];
	operations_.drain(record);
	record.failed = failed;
	return record;
}

// A record for an entry that comes.
EntryRecord &LoweredProgram::new_record(uint32_t pipe, uint32_t slot, bool *failed)
{
	EntryRecord &record = slot_of(pipe, slot, failed);
	if (record.unwanted)
		forget(pipe, slot);
	if (record.entry != nullptr)
		throw Failure(DOCA_ERROR_DRIVER, "an entry of pipe " + program_.pipes[pipe].name +
							 ", whose place has one that could not be removed");
	pipes_[pipe].former += record.last;
	record = EntryRecord{};
	record.failed = failed;
	return record;
}

// The record of an entry that is there.
EntryRecord &LoweredProgram::present_record(uint32_t pipe, uint32_t slot, bool *failed)
{
	EntryRecord &record = slot_of(pipe, slot, failed);
	if (record.entry == nullptr || record.unwanted)
		throw Failure(DOCA_ERROR_NOT_FOUND, "an entry of pipe " + program_.pipes[pipe].name);
	return record;
}

void LoweredProgram::add(uint32_t pipe, uint32_t slot, uint8_t action_index, const ValuesSpec &values, const ForwardSpec &forward,
			 bool *failed)
{
	EntryRecord &record = new_record(pipe, slot, failed);
	record.action_index = action_index;
	record.counted = program_.pipes[pipe].counter;
	try {
		hand_over_add(pipe, record, values, forward);
	} catch (const Failure &) {
		forget(pipe, slot);
		throw;
	}
}

void LoweredProgram::hand_over_add(uint32_t pipe, EntryRecord &record, const ValuesSpec &values, const ForwardSpec &forward)
{
	const PipeSpec &spec = program_.pipes[pipe];
	LoweredPipe &lowered = pipes_[pipe];
	const uint8_t action_index = record.action_index;
	// Made only when it is needed: there may be a million of these.
	const auto checked = [&spec](doca_error_t result) {
		if (result != DOCA_SUCCESS)
			throw Failure(result, "an entry of pipe " + spec.name);
	};

	doca_flow_match match = lowered.repeated;
	size_t at = 0;
	for (const FieldSpec &field : spec.match) {
		if (!field.of_entry)
			continue;
		const DocaField &doca = *field.field;
		if (doca.port)
			write_port(match, values.match.data() + at);
		else
			doca.to_match(match, values.match.data() + at, false);
		at += doca.octets;
	}

	auto actions = zeroed<doca_flow_actions>();
	const bool has_actions = !spec.actions.empty();
	ActionList *list = nullptr;
	if (has_actions) {
		const ActionsSpec &action = spec.actions[action_index];
		actions = lowered.repeated_actions[action_index];
		list = lowered.lists[action_index].get();
		fill_actions(action, &values, list == nullptr || !list->after_actions, list == nullptr, actions);
	}

	const bool own_forward = spec.forward.kind == ForwardSpec::OF_ENTRY;
	auto fwd = zeroed<doca_flow_fwd>();
	const doca_flow_fwd *fwd_given = lowered.changeable ? &fwd : nullptr;
	if (own_forward) {
		fwd = forward_of(forward);
	} else if (lowered.changeable && list == nullptr) {
		auto monitor = zeroed<doca_flow_monitor>();
		if (spec.mirror >= 0)
			mirrored(spec, spec.mirror, spec.forward, fwd, monitor);
		else
			fwd = forward_of(spec.forward);
	}
	auto list_fwd = zeroed<doca_flow_fwd>();
	operations_.reserve(2);
	if (list != nullptr) {
		if (!list->shared) {
			record.list_index = take_list_index(*list);
			if (own_forward)
				record.given = std::make_unique<GivenSpec>(GivenSpec{values, forward});
			checked(add_list_entry(*list, spec.actions[action_index], values, *record.list_index,
					       own_forward ? &fwd : nullptr, record));
			if (record.list_entry == nullptr)
				checked(DOCA_ERROR_DRIVER);
		}
		list_fwd = to_list(list->pipe, record.list_index.value_or(0));
		fwd_given = &list_fwd;
	}
	checked(operations_.add(record, &EntryRecord::entry, [&](doca_flow_pipe_entry **made) {
		return compat::add_entry(operations_.queue(), lowered.pipe, &match, action_index,
					 has_actions ? &actions : nullptr, fwd_given, &record, made);
	}));
}

void LoweredProgram::update(uint32_t pipe, uint32_t slot, const ValuesSpec *values, const ForwardSpec *forward, bool *failed)
{
	const PipeSpec &spec = program_.pipes[pipe];
	LoweredPipe &lowered = pipes_[pipe];
	EntryRecord &record = present_record(pipe, slot, failed);
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
	const std::string doing = "update of an entry of pipe " + spec.name;
	ActionList *list = spec.actions.empty() ? nullptr : lowered.lists[record.action_index].get();
	auto actions = zeroed<doca_flow_actions>();
	const bool has_actions = values != nullptr && !spec.actions.empty();
	if (has_actions) {
		actions = lowered.repeated_actions[record.action_index];
		fill_actions(spec.actions[record.action_index], values, list == nullptr || !list->after_actions, list == nullptr,
			     actions);
	}
	auto fwd = zeroed<doca_flow_fwd>();
	const doca_flow_fwd *fwd_given = nullptr;
	if (forward != nullptr) {
		fwd = forward_of(*forward);
		fwd_given = &fwd;
	}
	const auto hand_over = [&] {
		return operations_.change(record, record.entry, [&] {
			return compat::update_entry(operations_.queue(), lowered.pipe, record.action_index,
						    has_actions ? &actions : nullptr, fwd_given, record.entry);
		});
	};
	if (list == nullptr || list->shared || values == nullptr) {
		if (!has_actions && fwd_given == nullptr)
			return;
		operations_.reserve(1);
		check(hand_over(), doing);
		return;
	}

	// A new list entry, then the switch, then the old one goes: no packet sees a gap.
	doca_flow_pipe_entry *const former = record.list_entry;
	const std::optional<uint32_t> former_index = record.list_index;
	const uint32_t index = take_list_index(*list);
	record.list_entry = nullptr;
	record.list_index = index;
	auto list_fwd = zeroed<doca_flow_fwd>();
	try {
		now(record, doing,
		    [&] { return add_list_entry(*list, spec.actions[record.action_index], *values, index, fwd_given, record); });
		list_fwd = to_list(list->pipe, index);
		fwd_given = &list_fwd;
		now(record, doing, hand_over);
	} catch (const Failure &) {
		drop_list_part(lowered, record);
		record.list_entry = former;
		record.list_index = former_index;
		throw;
	}
	record.given = std::move(given);
	if (take_back(record, former))
		list->free.push_back(*former_index);
}

void LoweredProgram::put_control(uint32_t pipe, uint32_t slot, const ControlEntrySpec &entry, bool replaces, bool *failed)
{
	const PipeSpec &spec = program_.pipes[pipe];
	LoweredPipe &lowered = pipes_[pipe];
	EntryRecord &record = replaces ? present_record(pipe, slot, failed) : new_record(pipe, slot, failed);
	const std::string doing = "an entry of pipe " + spec.name;
	check_possible(spec, entry.actions);

	auto match = zeroed<doca_flow_match>();
	auto mask = zeroed<doca_flow_match>();
	for (const FieldSpec &field : entry.match)
		add_field(field, match, mask, nullptr);
	for (const FieldSpec &field : entry.match)
		field.field->need(match, mask);
	auto condition = zeroed<doca_flow_match_condition>();
	if (entry.condition) {
		const DocaField &doca = *entry.condition->field;
		const bool also_matched = std::any_of(entry.match.begin(), entry.match.end(),
						      [&doca](const FieldSpec &field) { return field.field == &doca; });
		if (doca.string == nullptr || also_matched || doca.port)
			throw Failure(DOCA_ERROR_NOT_SUPPORTED,
				      doing + ", a condition on " + doca.name + (also_matched ? ", which it matches too" : ""));
		condition.operation = entry.condition->operation;
		condition.field_op.a.field_string = doca.string;
		condition.field_op.width = doca.octets * 8u;
		doca.to_match(match, entry.condition->value.data(), false);
		doca.select(match);
		doca.select(mask);
		doca.need(match, mask);
	}

	auto actions = zeroed<doca_flow_actions>();
	auto actions_mask = zeroed<doca_flow_actions>();
	auto unused = zeroed<doca_flow_actions>();
	const bool lists = PSP_ORDERED_LISTS && entry.actions.crypto();
	const bool after = lists && sets_after_crypto(entry.actions);
	if (!after)
		template_sets(entry.actions, actions, actions_mask, unused, true);
	fill_actions(entry.actions, &entry.values, false, !lists, actions);

	auto monitor = zeroed<doca_flow_monitor>();
	if (entry.counter)
		monitor.counter_type = DOCA_FLOW_RESOURCE_TYPE_NON_SHARED;
	auto fwd = zeroed<doca_flow_fwd>();
	bool has_forward = true;
	if (entry.mirror >= 0)
		has_forward = mirrored(spec, entry.mirror, entry.forward, fwd, monitor);
	else
		fwd = forward_of(entry.forward);
	const doca_flow_fwd *fwd_given = has_forward ? &fwd : nullptr;
	auto list_fwd = zeroed<doca_flow_fwd>();
	const bool has_actions = !is_zero(&actions, sizeof(actions)) || !is_zero(&actions_mask, sizeof(actions_mask));
	const auto hand_over = [&] {
		return operations_.add(record, &EntryRecord::entry, [&](doca_flow_pipe_entry **made) {
			return compat::add_control_entry(operations_.queue(), entry.priority, lowered.pipe, &match, &mask,
							 entry.condition ? &condition : nullptr, has_actions ? &actions : nullptr,
							 has_actions ? &actions_mask : nullptr, &monitor, fwd_given, &record,
							 made);
		});
	};
	const auto make_list = [&] {
		if (!lists)
			return;
		static uint32_t number = 0;
		const std::string name = spec.name + "_ENTRY_" + std::to_string(number++);
		std::unique_ptr<ActionList> list = create_list(spec, entry.actions, name, 1, fwd);
		// It lives as long as the entry.
		made_.pop_back();
		record.own_list = list->pipe;
		now(record, doing, [&] { return add_list_entry(*list, entry.actions, entry.values, 0, nullptr, record); });
		list_fwd = to_list(list->pipe, 0);
		fwd_given = &list_fwd;
	};
	if (!replaces) {
		record.counted = entry.counter;
		try {
			make_list();
			operations_.reserve(1);
			check(hand_over(), doing);
		} catch (const Failure &) {
			forget(pipe, slot);
			throw;
		}
		return;
	}

	// The new one comes before the old one goes: no packet sees a gap.
	doca_flow_pipe_entry *const former = record.entry;
	doca_flow_pipe_entry *const former_list_entry = record.list_entry;
	doca_flow_pipe *const former_list = record.own_list;
	// What it has counted stays with the record.
	const CounterValue counted = read_counter(record);
	record.entry = record.list_entry = nullptr;
	record.own_list = nullptr;
	try {
		make_list();
		now(record, doing, hand_over);
		now(record, doing, [&] { return hand_over_removal(record, former); });
	} catch (const Failure &) {
		if (record.entry == nullptr || take_back(record, record.entry))
			drop_list_part(lowered, record);
		record.entry = former;
		record.list_entry = former_list_entry;
		record.own_list = former_list;
		throw;
	}
	if (former_list != nullptr)
		doca_flow_pipe_destroy(former_list);
	record.former = counted;
	record.counted = entry.counter;
}

void LoweredProgram::remove(uint32_t pipe, uint32_t slot, bool *failed)
{
	EntryRecord &record = present_record(pipe, slot, failed);
	record.last = read_counter(record);
	operations_.reserve(1);
	check(hand_over_removal(record, record.entry), "removal of an entry of pipe " + program_.pipes[pipe].name);
	if (!record.list_index && record.own_list == nullptr)
		return;
	operations_.drain(record);
	if (record.entry == nullptr)
		drop_list_part(pipes_[pipe], record);
}

doca_error_t LoweredProgram::hand_over_removal(EntryRecord &record, doca_flow_pipe_entry *entry)
{
	return operations_.change(record, entry,
				  [&] { return doca_flow_pipe_remove_entry(operations_.queue(), compat::NO_WAIT, entry); });
}

void LoweredProgram::forget(uint32_t pipe, uint32_t slot)
{
	EntryRecord &record = slot_of(pipe, slot, nullptr);
	record.unwanted = record.entry != nullptr && !take_back(record, record.entry);
	if (record.unwanted)
		return;
	drop_list_part(pipes_[pipe], record);
	record = EntryRecord{};
}

bool LoweredProgram::take_back(EntryRecord &record, doca_flow_pipe_entry *entry)
{
	for (int tries = 0; tries < TAKE_BACK_TRIES; tries++) {
		try {
			now(record, "taking an entry back", [&] { return hand_over_removal(record, entry); });
			return true;
		} catch (const Failure &failure) {
			if (failure.code == DOCA_ERROR_TIME_OUT)
				return false;
		}
	}
	return false;
}

void LoweredProgram::drop_list_part(LoweredPipe &lowered, EntryRecord &record)
{
	if (record.own_list != nullptr)
		doca_flow_pipe_destroy(record.own_list);
	else if (record.list_index && (record.list_entry == nullptr || take_back(record, record.list_entry)))
		lowered.lists[record.action_index]->free.push_back(*record.list_index);
	record.own_list = nullptr;
	record.list_entry = nullptr;
	record.list_index.reset();
}

CounterValue LoweredProgram::read_counter(const EntryRecord &record) const
{
	if (record.entry == nullptr)
		return record.last;
	CounterValue value = record.former;
	if (record.counted) {
		auto query = zeroed<doca_flow_resource_query>();
		check(doca_flow_resource_query_entry(record.entry, &query), "a counter");
		value.packets += query.counter.total_pkts;
		value.octets += query.counter.total_bytes;
	}
	return value;
}

CounterValue LoweredProgram::entry_counter(uint32_t pipe, uint32_t slot)
{
	return read_counter(slot_of(pipe, slot, nullptr));
}

CounterValue LoweredProgram::miss_counter(uint32_t pipe)
{
	LoweredPipe &lowered = pipes_[pipe];
	if (program_.pipes[pipe].control)
		return read_counter(lowered.miss);
	auto query = zeroed<doca_flow_resource_query>();
	check(doca_flow_resource_query_pipe_miss(lowered.pipe, &query), "the miss counter of pipe " + program_.pipes[pipe].name);
	return {query.counter.total_pkts, query.counter.total_bytes};
}

CounterValue LoweredProgram::total_counter(uint32_t pipe)
{
	LoweredPipe &lowered = pipes_[pipe];
	CounterValue total = lowered.former;
	for (const EntryRecord &record : lowered.slots)
		total += read_counter(record);
	return total;
}
