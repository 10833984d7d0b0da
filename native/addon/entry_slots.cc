#include "entry_slots.h"

#include "doca_structs.h"
#include "failure.h"

// The record of a slot, once no operation on it is in flight any more.
EntryRecord &EntrySlots::at(uint32_t pipe, uint32_t slot, bool *failed)
{
	std::deque<EntryRecord> &slots = pipes_[pipe].slots;
	if (slot >= slots.size())
		slots.resize(slot + 1);
	EntryRecord &record = slots[slot];
	operations_.drain(record);
	record.failed = failed;
	return record;
}

EntryRecord &EntrySlots::for_new(uint32_t pipe, uint32_t slot, bool *failed)
{
	EntryRecord &record = at(pipe, slot, failed);
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

EntryRecord &EntrySlots::existing(uint32_t pipe, uint32_t slot, bool *failed)
{
	EntryRecord &record = at(pipe, slot, failed);
	if (record.entry == nullptr || record.unwanted)
		throw Failure(DOCA_ERROR_NOT_FOUND, "an entry of pipe " + program_.pipes[pipe].name);
	return record;
}

void EntrySlots::remove(uint32_t pipe, uint32_t slot, bool *failed)
{
	EntryRecord &record = existing(pipe, slot, failed);
	record.last = read_counter(record);
	operations_.reserve(1);
	check(operations_.remove(record, record.entry), "removal of an entry of pipe " + program_.pipes[pipe].name);
	if (!record.list_index && record.own_list == nullptr)
		return;
	operations_.drain(record);
	if (record.entry == nullptr)
		drop_list_part(pipe, record);
}

void EntrySlots::forget(uint32_t pipe, uint32_t slot)
{
	EntryRecord &record = at(pipe, slot, nullptr);
	record.unwanted = record.entry != nullptr && !operations_.take_back(record, record.entry);
	if (record.unwanted)
		return;
	drop_list_part(pipe, record);
	record = EntryRecord{};
}

void EntrySlots::drop_list_part(uint32_t pipe, EntryRecord &record)
{
	if (record.own_list != nullptr)
		doca_pipes_.destroy(record.own_list);
	else if (record.list_index && (record.list_entry == nullptr || operations_.take_back(record, record.list_entry)))
		pipes_[pipe].lists[record.action_index]->free.push_back(*record.list_index);
	record.own_list = nullptr;
	record.list_entry = nullptr;
	record.list_index.reset();
}

void EntrySlots::abandon()
{
	for (LoweredPipe &lowered : pipes_) {
		for (EntryRecord &record : lowered.slots)
			record.failed = nullptr;
	}
}

CounterValue EntrySlots::read_counter(const EntryRecord &record)
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

CounterValue EntrySlots::counter(uint32_t pipe, uint32_t slot)
{
	return read_counter(at(pipe, slot, nullptr));
}

CounterValue EntrySlots::miss_counter(uint32_t pipe) const
{
	const LoweredPipe &lowered = pipes_[pipe];
	if (program_.pipes[pipe].control)
		return read_counter(lowered.miss);
	auto query = zeroed<doca_flow_resource_query>();
	check(doca_flow_resource_query_pipe_miss(lowered.pipe, &query), "the miss counter of pipe " + program_.pipes[pipe].name);
	return {query.counter.total_pkts, query.counter.total_bytes};
}

CounterValue EntrySlots::total_counter(uint32_t pipe) const
{
	const LoweredPipe &lowered = pipes_[pipe];
	CounterValue total = lowered.former;
	for (const EntryRecord &record : lowered.slots)
		total += read_counter(record);
	return total;
}
