#include "list_pipes.h"

#include <algorithm>

namespace soft {

OrderedListPipe::OrderedListPipe(std::vector<std::vector<ListElement>> lists, uint32_t entries)
	: lists_(std::move(lists)), by_index_(entries)
{
	type = DOCA_FLOW_PIPE_ORDERED_LIST;
	entries_expected = entries;
	entries_max = entries;
	uint32_t value_octets = 0;
	for (const std::vector<ListElement> &list : lists_) {
		uint32_t octets = 0;
		for (const ListElement &element : list)
			octets += element.actions.value_octets();
		value_octets = std::max(value_octets, octets);
	}
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
		hot.count(packets[i]->length);
		uint32_t values_at = 0;
		bool lost = false;
		for (const ListElement &element : lists_[hot.action_index]) {
			if (!element.actions.run(*packets[i], values_of(hot) + values_at, hot.crypto_id, datapath)) {
				lost = true;
				break;
			}
			values_at += element.actions.value_octets();
		}
		if (lost)
			results[i].kind = Forward::LOST;
		else
			results[i] = forward.kind == Forward::CHANGEABLE ? forward_of(hot) : forward;
	}
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
