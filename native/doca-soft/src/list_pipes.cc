#include "list_pipes.h"

#include <algorithm>

namespace soft {
namespace {

SharedCounter &shared_counter(const uint8_t *values)
{
	SharedCounter *counter;
	memcpy(&counter, values, sizeof(void *));
	return *counter;
}

} // namespace

OrderedListPipe::OrderedListPipe(std::vector<ListTemplate> lists, uint32_t entries) : lists_(std::move(lists)), by_index_(entries)
{
	type = DOCA_FLOW_PIPE_ORDERED_LIST;
	entries_expected = entries;
	entries_max = entries;
	uint32_t value_octets = 0;
	for (const ListTemplate &list : lists_)
		value_octets = std::max(value_octets, list.value_octets);
	reserve(value_octets, 0, false);
}

bool OrderedListPipe::install(doca_flow_pipe_entry &entry)
{
	if (entry.index >= by_index_.size() || by_index_[entry.index] != nullptr)
		return false;
	by_index_[entry.index] = &entry;
	return true;
}

void OrderedListPipe::uninstall(doca_flow_pipe_entry &entry)
{
	by_index_[entry.index] = nullptr;
}

void OrderedListPipe::process(Packet **packets, uint32_t count, Forward *results, Datapath &datapath)
{
	for (uint32_t i = 0; i < count; i++) {
		const uint32_t index = results[i].index;
		const doca_flow_pipe_entry *entry = index < by_index_.size() ? by_index_[index] : nullptr;
		if (entry == nullptr) {
			results[i].kind = Forward::DROP;
			continue;
		}
		EntryHot &hot = *entry->hot;
		datapath.note_hit(*packets[i], hot);
		hot.count(packets[i]->length);
		bool lost = false;
		for (const ListElement &element : lists_[hot.action_index].elements) {
			uint8_t *values = values_of(hot) + element.values_at;
			if (element.counts == ListElement::Counts::OF_ITS_OWN)
				reinterpret_cast<Counter *>(values)->count(packets[i]->length);
			else if (element.counts == ListElement::Counts::SHARED)
				shared_counter(values).count(packets[i]->length);
			else if (!element.actions.run(*packets[i], values, hot.crypto_id, datapath))
				lost = true;
			if (lost)
				break;
		}
		if (lost)
			results[i].kind = Forward::LOST;
		else
			results[i] = forward.kind == Forward::CHANGEABLE ? forward_of(hot) : forward;
	}
}

uint32_t OrderedListPipe::query(const doca_flow_pipe_entry &entry, doca_flow_resource_query *counters) const
{
	uint32_t count = 0;
	for (const ListElement &element : lists_[entry.hot->action_index].elements) {
		const uint8_t *values = values_of(*entry.hot) + element.values_at;
		if (element.counts == ListElement::Counts::OF_ITS_OWN)
			reinterpret_cast<const Counter *>(values)->read(counters[count++]);
		else if (element.counts == ListElement::Counts::SHARED)
			shared_counter(values).read(counters[count++]);
	}
	return count;
}

FloodingPipe::FloodingPipe(uint32_t entries) : by_index_(entries)
{
	type = DOCA_FLOW_PIPE_HASH;
	entries_expected = entries;
	entries_max = entries;
	reserve(0, 0, false);
}

bool FloodingPipe::install(doca_flow_pipe_entry &entry)
{
	if (entry.index >= by_index_.size() || by_index_[entry.index] != nullptr)
		return false;
	by_index_[entry.index] = &entry;
	collect();
	return true;
}

void FloodingPipe::uninstall(doca_flow_pipe_entry &entry)
{
	by_index_[entry.index] = nullptr;
	collect();
}

void FloodingPipe::collect()
{
	targets_.clear();
	for (const doca_flow_pipe_entry *entry : by_index_) {
		if (entry != nullptr)
			targets_.push_back(forward.kind == Forward::CHANGEABLE ? forward_of(*entry->hot) : forward);
	}
}

void FloodingPipe::process(Packet **packets, uint32_t count, Forward *results, Datapath &datapath)
{
	for (uint32_t i = 0; i < count; i++) {
		if (targets_.empty()) {
			results[i].kind = Forward::DROP;
			continue;
		}
		if (datapath.copy_to(*packets[i], targets_.data(), targets_.size() - 1))
			results[i] = targets_.back();
		else
			results[i].kind = Forward::LOST;
	}
}

} // namespace soft
