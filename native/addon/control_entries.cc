#include "control_entries.h"

#include <algorithm>

#include "actions.h"
#include "doca_structs.h"
#include "failure.h"
#include "matches.h"

// An entry in DOCA's structures.
struct ControlEntries::Prepared {
	Match match = zeroed<Match>();
	Match mask = zeroed<Match>();
	doca_flow_match_condition condition = zeroed<doca_flow_match_condition>();
	Actions actions = zeroed<Actions>();
	Actions actions_mask = zeroed<Actions>();
	doca_flow_monitor monitor = zeroed<doca_flow_monitor>();
	CopiedForward forward;

	bool has_actions() const { return !is_zero(actions) || !is_zero(actions_mask); }
};

namespace {

void write_condition(const ControlEntrySpec &entry, const std::string &doing, doca_flow_match_condition &condition, Match &match,
		     Match &mask)
{
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

} // namespace

ControlEntries::Prepared ControlEntries::prepare(const PipeSpec &spec, const ControlEntrySpec &entry)
{
	const std::string doing = "an entry of pipe " + spec.name;
	check_possible(spec, entry.actions);
	Prepared prepared;
	add_fields(device_, entry.match, prepared.match, prepared.mask, nullptr);
	if (entry.condition)
		write_condition(entry, doing, prepared.condition, prepared.match, prepared.mask);

	auto unused = zeroed<Actions>();
	const bool in_list = Shape::in_list(entry.actions);
	if (!in_list || !sets_after_crypto(entry.actions))
		write_template_sets(entry.actions, prepared.actions, prepared.actions_mask, unused, true);
	if (!in_list)
		write_crypto(device_, entry.actions, &entry.values, prepared.actions);

	if (entry.counter)
		prepared.monitor.counter_type = DOCA_FLOW_RESOURCE_TYPE_NON_SHARED;
	if (entry.mirror >= 0)
		prepared.forward = shape_.copy(spec.domain, entry.mirror, entry.forward, prepared.monitor);
	else
		prepared.forward.forward = forwards_.forward_of(entry.forward);
	return prepared;
}

// Makes the entry's own ordered list, and puts it before the forward, when the entry's crypto stands in one.
void ControlEntries::create_list(const PipeSpec &spec, const ControlEntrySpec &entry, EntryRecord &record, Prepared &prepared)
{
	if (!Shape::in_list(entry.actions))
		return;
	static uint32_t number = 0;
	const std::string name = spec.name + "_ENTRY_" + std::to_string(number++);
	const std::unique_ptr<ActionList> list = shape_.create_list(spec, entry.actions, name, 1, prepared.forward.forward);
	record.own_list = list->pipe;
	operations_.run(record, "an entry of pipe " + spec.name,
			[&] { return shape_.add_list_entry(*list, entry.actions, entry.values, 0, nullptr, record); });
	prepared.forward = {list->forward_to(0)};
}

doca_error_t ControlEntries::hand_over(const LoweredPipe &lowered, const ControlEntrySpec &entry, EntryRecord &record,
				       const Prepared &prepared)
{
	const bool has_actions = prepared.has_actions();
	return operations_.add(record, &TrackedEntry::entry, [&](doca_flow_pipe_entry **made) {
		return compat::add_control_entry(
			operations_.number(), entry.priority, lowered.pipe, &prepared.match, &prepared.mask,
			entry.condition ? &prepared.condition : nullptr, has_actions ? &prepared.actions : nullptr,
			has_actions ? &prepared.actions_mask : nullptr, &prepared.monitor,
			prepared.forward.in_mirror ? nullptr : &prepared.forward.forward, record.context(), made);
	});
}

void ControlEntries::add(uint32_t pipe, uint32_t slot, const ControlEntrySpec &entry, bool *failed)
{
	const PipeSpec &spec = program_.pipes[pipe];
	EntryRecord &record = slots_.for_new(pipe, slot, failed);
	Prepared prepared = prepare(spec, entry);
	record.counted = entry.counter;
	try {
		create_list(spec, entry, record, prepared);
		operations_.reserve(1);
		check(hand_over(pipes_[pipe], entry, record, prepared), "an entry of pipe " + spec.name);
	} catch (const Failure &) {
		slots_.forget(pipe, slot);
		throw;
	}
}

void ControlEntries::replace(uint32_t pipe, uint32_t slot, const ControlEntrySpec &entry, bool *failed)
{
	const PipeSpec &spec = program_.pipes[pipe];
	const std::string doing = "an entry of pipe " + spec.name;
	EntryRecord &record = slots_.existing(pipe, slot, failed);
	Prepared prepared = prepare(spec, entry);

	// The new entry is added before the former one is removed: no packet sees a gap.
	doca_flow_pipe_entry *const former = record.entry;
	doca_flow_pipe_entry *const former_list_entry = record.list_entry;
	doca_flow_pipe *const former_list = record.own_list;
	// What the former entry has counted stays with the record.
	const CounterValue counted = EntrySlots::read_counter(record);
	record.entry = record.list_entry = nullptr;
	record.own_list = nullptr;
	try {
		create_list(spec, entry, record, prepared);
		operations_.run(record, doing, [&] { return hand_over(pipes_[pipe], entry, record, prepared); });
		operations_.run(record, doing, [&] { return operations_.remove(record, former); });
	} catch (const Failure &) {
		if (record.entry == nullptr || operations_.take_back(record, record.entry))
			slots_.drop_list_part(pipe, record);
		record.entry = former;
		record.list_entry = former_list_entry;
		record.own_list = former_list;
		throw;
	}
	if (former_list != nullptr)
		doca_pipes_.destroy(former_list);
	record.former = counted;
	record.counted = entry.counter;
}
