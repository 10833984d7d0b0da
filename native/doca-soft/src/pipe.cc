#include "pipe.h"

#include <algorithm>
#include <cstdlib>
#include <new>

#include "device.h"
#include "prefetch.h"

using namespace soft;

namespace {

size_t round_up(size_t value, size_t to)
{
	return (value + to - 1) / to * to;
}

} // namespace

void doca_flow_pipe::reserve(uint32_t value_octets, uint32_t key_octets, bool monitors)
{
	values_at_ = sizeof(EntryHot) + key_octets;
	forward_at_ = round_up(values_at_ + value_octets, alignof(Forward));
	size_t end = forward_at_ + sizeof(Forward);
	if (monitors) {
		monitor_at_ = round_up(end, alignof(EntryMonitor));
		end = monitor_at_ + sizeof(EntryMonitor);
	}
	hot_stride_ = round_up(end, LINE_OCTETS);
	hot_ = HugeMemory(hot_stride_ * entries_max, hot_stride_ * entries_expected);
	const size_t entry_octets = sizeof(doca_flow_pipe_entry);
	application_.entries = HugeMemory(entry_octets * entries_max, entry_octets * entries_expected);
}

doca_flow_pipe::~doca_flow_pipe()
{
	trace::pipe_gone(*this);
	for (uint32_t slot = 0; slot < application_.slots_used; slot++)
		entry_at(slot).~doca_flow_pipe_entry();
}

doca_flow_pipe_entry *doca_flow_pipe::take_entry()
{
	std::lock_guard<std::mutex> guard(application_.mutex);
	uint32_t slot;
	if (!application_.free_slots.empty()) {
		slot = application_.free_slots.back();
		application_.free_slots.pop_back();
	} else if (application_.slots_used < entries_max) {
		slot = application_.slots_used++;
		new (&entry_at(slot)) doca_flow_pipe_entry();
	} else {
		return nullptr;
	}
	doca_flow_pipe_entry &entry = entry_at(slot);
	entry.pipe = this;
	entry.slot = slot;
	entry.status.store(DOCA_FLOW_ENTRY_STATUS_IN_PROCESS, std::memory_order_relaxed);
	entry.hot = record(slot);
	memset(static_cast<void *>(entry.hot), 0, hot_stride_);
	return &entry;
}

void doca_flow_pipe::release_entry(doca_flow_pipe_entry *entry)
{
	entry->own.reset();
	std::lock_guard<std::mutex> guard(application_.mutex);
	application_.free_slots.push_back(entry->slot);
}

void doca_flow_pipe::submitted(doca_flow_pipe_entry &entry)
{
	application_.references++;
	entry.outstanding++;
}

void doca_flow_pipe::reported(doca_flow_pipe_entry &entry)
{
	if (entry.outstanding.fetch_sub(1) == 1 && !entry.installed)
		release_entry(&entry);
	release_reference();
}

void doca_flow_pipe::detach()
{
	application_.detached = true;
	release_reference();
}

void doca_flow_pipe::release_reference()
{
	if (application_.references.fetch_sub(1) == 1)
		delete this;
}

void doca_flow_pipe::append_installed(std::vector<RemovedEntry> &entries) const
{
	for (uint32_t slot = 0; slot < application_.slots_used; slot++) {
		doca_flow_pipe_entry &entry = entry_at(slot);
		if (entry.installed)
			entries.push_back({&entry, entry.user_ctx});
	}
}

void doca_flow_pipe::forget(const std::vector<const doca_flow_pipe *> &gone)
{
	const auto forget_in = [&gone](Forward &known) {
		if (known.pipe != nullptr && std::find(gone.begin(), gone.end(), known.pipe) != gone.end())
			known = Forward{};
	};
	forget_in(forward);
	forget_in(miss);
	for (uint32_t slot = 0; slot < application_.slots_used; slot++) {
		const doca_flow_pipe_entry &entry = entry_at(slot);
		if (entry.installed)
			forget_in(forward_of(*entry.hot));
	}
	forwards_changed();
}

EntryHot *doca_flow_pipe::new_values() const
{
	void *memory = aligned_alloc(LINE_OCTETS, hot_stride_);
	if (memory == nullptr)
		throw std::bad_alloc();
	memset(memory, 0, hot_stride_);
	return static_cast<EntryHot *>(memory);
}

void doca_flow_pipe::update(doca_flow_pipe_entry &entry, EntryHot &update, UpdateParts parts) const
{
	EntryHot &hot = *entry.hot;
	if (parts.actions) {
		hot.crypto_id = update.crypto_id;
		hot.action_index = update.action_index;
		memcpy(values_of(hot), values_of(update), forward_at_ - values_at_);
	}
	if (parts.forward)
		forward_of(hot) = forward_of(update);
	if (parts.monitor)
		hot.mirror = update.mirror;
	if (parts.monitor && hot.monitored)
		monitor_of(hot).take_over(monitor_of(update));
}

bool doca_flow_pipe::monitor_hit(EntryHot &hot, Packet &packet, Datapath &datapath) const
{
	EntryMonitor &monitor = monitor_of(hot);
	return monitor.hit(packet, monitor.needs_time() ? datapath.now() : 0);
}

void doca_flow_pipe::count_miss(const Packet &packet)
{
	if (!miss_counted)
		return;
	miss_packets.store(miss_packets.load(std::memory_order_relaxed) + 1, std::memory_order_relaxed);
	miss_octets.store(miss_octets.load(std::memory_order_relaxed) + packet.length, std::memory_order_relaxed);
}

bool doca_flow_pipe::pass_mirror(Packet &packet, uint16_t number, Forward &result, Datapath &datapath) const
{
	const MirrorTargets *targets = device->mirror(number);
	if (targets == nullptr)
		return true;
	if (!datapath.copy_to(packet, targets->targets.data(), targets->targets.size())) {
		result.kind = Forward::LOST;
		return false;
	}
	if (targets->has_original)
		result = targets->original;
	return true;
}
