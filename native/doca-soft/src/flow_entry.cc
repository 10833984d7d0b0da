// Entries: added, updated and removed through queues; counters.
#include <chrono>
#include <cstdlib>
#include <cstring>
#include <thread>
#include <utility>

#include <doca_soft.h>

#include "basic_pipe.h"
#include "faults.h"
#include "library.h"
#include "list_pipes.h"
#include "log.h"

using namespace soft;

#define REQUIRE(condition)                               \
	do {                                             \
		if (!(condition))                        \
			return DOCA_ERROR_INVALID_VALUE; \
	} while (0)

namespace {

constexpr uint32_t PRIORITY_LOWEST = 7;
// Polls of a queue before the caller's thread gives way.
constexpr uint32_t POLLS_AWAKE = 200;

doca_error_t queue_of(doca_flow_pipe *pipe, uint16_t number, EntryQueue *&queue)
{
	queue = pipe->device->queue(number);
	if (queue == nullptr)
		return invalid("there is no pipe queue %u", number);
	if (faults.refuses())
		return DOCA_ERROR_DRIVER;
	return queue->in_flight < queue->depth ? DOCA_SUCCESS : DOCA_ERROR_AGAIN;
}

// For an operation on an entry: one that failed to be added, or was removed, belongs to nobody once that is reported.
doca_error_t queue_of(const doca_flow_pipe_entry &entry, uint16_t number, EntryQueue *&queue)
{
	if (entry.outstanding == 0 && !entry.installed)
		return invalid("pipe %s: the entry is not there", entry.pipe->name.c_str());
	return queue_of(entry.pipe, number, queue);
}

doca_flow_entry_op op_of(EntryOperation operation)
{
	switch (operation) {
	case EntryOperation::ADD:
		return DOCA_FLOW_ENTRY_OP_ADD;
	case EntryOperation::UPDATE:
		return DOCA_FLOW_ENTRY_OP_UPD;
	default:
		return DOCA_FLOW_ENTRY_OP_DEL;
	}
}

void report(const EntryCompletion &done, uint16_t number)
{
	doca_flow_pipe &pipe = *done.entry->pipe;
	// Who destroys a pipe wants to hear no more of its entries' operations.
	if (library->cfg.entry_callback != nullptr && !pipe.gone())
		library->cfg.entry_callback(done.entry, number,
					    done.succeeded ? DOCA_FLOW_ENTRY_STATUS_SUCCESS : DOCA_FLOW_ENTRY_STATUS_ERROR,
					    op_of(done.operation), done.user_ctx);
	pipe.reported(*done.entry);
}

doca_error_t submit(EntryQueue &queue, uint16_t number, const EntryCommand &command)
{
	doca_flow_pipe &pipe = *command.entry->pipe;
	Device &device = *pipe.device;
	pipe.submitted(*command.entry);
	if (!device.completes_inside(pipe)) {
		queue.in_flight++;
		queue.commands.push(command);
		device.wake();
		return DOCA_SUCCESS;
	}
	EntryCompletion done = {command.entry, command.entry->user_ctx, command.operation, false};
	device.run([&] { done.succeeded = device.perform(command); });
	report(done, number);
	return !done.succeeded && faults.returns_error() ? DOCA_ERROR_DRIVER : DOCA_SUCCESS;
}

doca_error_t read_entry_monitor(const doca_flow_monitor *monitor, EntryHot &hot)
{
	if (monitor == nullptr)
		return DOCA_SUCCESS;
	if (monitor->meter_type != DOCA_FLOW_RESOURCE_TYPE_NONE || monitor->aging_sec != 0 ||
	    monitor->counter_type == DOCA_FLOW_RESOURCE_TYPE_SHARED)
		return not_supported("an entry's monitor with a meter, aging or a shared counter");
	hot.counted = hot.counted || monitor->counter_type == DOCA_FLOW_RESOURCE_TYPE_NON_SHARED;
#if DOCA_SOFT_RELEASE_ < 302
	if (monitor->shared_mirror_id != 0 && monitor->shared_mirror_id >= library->mirror_owner.size())
		return invalid("there is no mirror %u", monitor->shared_mirror_id);
	hot.mirror = static_cast<uint16_t>(monitor->shared_mirror_id);
#endif
	return DOCA_SUCCESS;
}

doca_error_t read_entry_forward(doca_flow_pipe &pipe, const doca_flow_fwd *fwd, Forward &forward)
{
	const doca_error_t result = read_forward(*pipe.device, fwd, forward);
	if (result != DOCA_SUCCESS || fwd == nullptr || fwd->type == DOCA_FLOW_FWD_NONE)
		return result;
	if (forward.kind == Forward::CHANGEABLE)
		return invalid("pipe %s: an entry's forward must say where to", pipe.name.c_str());
	// An entry may repeat what its template says.
	if (pipe.forward.kind != Forward::CHANGEABLE && !(forward == pipe.forward))
		return not_supported("pipe %s: an entry's forward where the pipe's is fixed", pipe.name.c_str());
	return DOCA_SUCCESS;
}

// Releases an entry that was taken and could not be filled.
class TakenEntry {
public:
	explicit TakenEntry(doca_flow_pipe *pipe) : entry(pipe->take_entry()) {}
	~TakenEntry()
	{
		if (entry != nullptr)
			entry->pipe->release_entry(entry);
	}
	// What the caller gets may be no entry any more: when it failed inside the call.
	doca_error_t submit_add(EntryQueue &queue, uint16_t number, void *user_ctx, doca_flow_pipe_entry **out)
	{
		entry->user_ctx = user_ctx;
		doca_flow_pipe_entry *const added = std::exchange(entry, nullptr);
		const doca_error_t result = submit(queue, number, {added, nullptr, {}, EntryOperation::ADD});
		if (result == DOCA_SUCCESS && out != nullptr)
			*out = added;
		return result;
	}
	doca_flow_pipe_entry *entry;
};

doca_error_t add_basic(uint16_t number, doca_flow_pipe *pipe, const doca_flow_match *match, uint8_t action_idx,
		       const doca_flow_actions *actions, const doca_flow_monitor *monitor, const doca_flow_fwd *fwd,
		       void *user_ctx, doca_flow_pipe_entry **entry)
try {
	REQUIRE(pipe != nullptr);
	if (pipe->type != DOCA_FLOW_PIPE_BASIC)
		return invalid("pipe %s is not a basic pipe", pipe->name.c_str());
	const auto &basic = static_cast<const BasicPipe &>(*pipe);
	EntryQueue *queue;
	doca_error_t result = queue_of(pipe, number, queue);
	if (result != DOCA_SUCCESS)
		return result;
	if (action_idx != 0 && action_idx >= basic.actions().size())
		return invalid("pipe %s: there is no action template %u", pipe->name.c_str(), action_idx);
	TakenEntry taken(pipe);
	if (taken.entry == nullptr)
		return DOCA_ERROR_FULL;
	EntryHot &hot = *taken.entry->hot;
	hot.action_index = action_idx;
	hot.counted = pipe->counted;
	basic.reader().entry_key(match, pipe->key_of(hot));
	if (!basic.actions().empty())
		result = basic.actions()[action_idx].store(actions, pipe->values_of(hot), &hot.crypto_id);
	if (result == DOCA_SUCCESS)
		result = read_entry_monitor(monitor, hot);
	if (result == DOCA_SUCCESS)
		result = read_entry_forward(*pipe, fwd, pipe->forward_of(hot));
	if (result == DOCA_SUCCESS)
		result = taken.submit_add(*queue, number, user_ctx, entry);
	return result;
} catch (const std::exception &) {
	return DOCA_ERROR_NO_MEMORY;
}

doca_error_t update_basic(uint16_t number, doca_flow_pipe *pipe, uint8_t action_idx, const doca_flow_actions *actions,
			  const doca_flow_monitor *monitor, const doca_flow_fwd *fwd, doca_flow_pipe_entry *entry)
try {
	REQUIRE(pipe != nullptr && entry != nullptr && entry->pipe == pipe);
	if (pipe->type != DOCA_FLOW_PIPE_BASIC)
		return not_supported("pipe %s: an update of an entry of a pipe that is not basic", pipe->name.c_str());
	const auto &basic = static_cast<const BasicPipe &>(*pipe);
	EntryQueue *queue;
	doca_error_t result = queue_of(*entry, number, queue);
	if (result != DOCA_SUCCESS)
		return result;
	if (action_idx != 0 && action_idx >= basic.actions().size())
		return invalid("pipe %s: there is no action template %u", pipe->name.c_str(), action_idx);
	std::unique_ptr<EntryHot, decltype(&free)> values(pipe->new_values(), free);
	const UpdateParts parts = {actions != nullptr, fwd != nullptr, monitor != nullptr};
	values->action_index = action_idx;
	if (parts.actions && !basic.actions().empty())
		result = basic.actions()[action_idx].store(actions, pipe->values_of(*values), &values->crypto_id);
	if (result == DOCA_SUCCESS)
		result = read_entry_monitor(monitor, *values);
	if (result == DOCA_SUCCESS)
		result = read_entry_forward(*pipe, fwd, pipe->forward_of(*values));
	if (result == DOCA_SUCCESS)
		result = submit(*queue, number, {entry, values.release(), parts, EntryOperation::UPDATE});
	return result;
} catch (const std::exception &) {
	return DOCA_ERROR_NO_MEMORY;
}

doca_error_t add_control(uint16_t number, uint32_t priority, doca_flow_pipe *pipe, const doca_flow_match *match,
			 const doca_flow_match *mask, const doca_flow_match_condition *condition,
			 const doca_flow_actions *actions, const doca_flow_actions *actions_mask,
			 const doca_flow_action_descs *descs, const doca_flow_monitor *monitor, const doca_flow_fwd *fwd,
			 void *user_ctx, doca_flow_pipe_entry **entry)
try {
	REQUIRE(pipe != nullptr);
	if (pipe->type != DOCA_FLOW_PIPE_CONTROL)
		return invalid("pipe %s is not a control pipe", pipe->name.c_str());
	if (priority > PRIORITY_LOWEST)
		return invalid("pipe %s: priority %u; 0 (highest) to %u", pipe->name.c_str(), priority, PRIORITY_LOWEST);
	if (descs != nullptr && descs->nb_action_desc > 0)
		return not_supported("pipe %s: action descriptors", pipe->name.c_str());
	if (match == nullptr && condition != nullptr)
		return invalid("pipe %s: a condition without a match, which has the value", pipe->name.c_str());
	EntryQueue *queue;
	doca_error_t result = queue_of(pipe, number, queue);
	if (result != DOCA_SUCCESS)
		return result;
	TakenEntry taken(pipe);
	if (taken.entry == nullptr)
		return DOCA_ERROR_FULL;
	taken.entry->own = std::make_unique<OwnProgram>();
	taken.entry->index = priority;
	OwnProgram &own = *taken.entry->own;
	EntryHot &hot = *taken.entry->hot;
	if (match != nullptr) {
		result = read_fixed(*match, mask, condition, own.match.fields, own.match.compared);
		own.match.has_condition = condition != nullptr;
		if (condition != nullptr)
			own.match.operation = condition->operation;
	}
	if (result == DOCA_SUCCESS && actions != nullptr)
		result = own.actions.compile(*actions, actions_mask, true, pipe->device->slots().count());
	if (result == DOCA_SUCCESS)
		result = read_entry_monitor(monitor, hot);
	if (result == DOCA_SUCCESS)
		result = read_entry_forward(*pipe, fwd, pipe->forward_of(hot));
	if (result == DOCA_SUCCESS)
		result = taken.submit_add(*queue, number, user_ctx, entry);
	return result;
} catch (const std::exception &) {
	return DOCA_ERROR_NO_MEMORY;
}

#if DOCA_SOFT_RELEASE_ >= 302
doca_error_t add_flooded(uint16_t number, doca_flow_pipe *pipe, uint32_t index, const doca_flow_fwd *fwd, void *user_ctx,
			 doca_flow_pipe_entry **entry)
try {
	REQUIRE(pipe != nullptr);
	if (pipe->type != DOCA_FLOW_PIPE_HASH || index >= pipe->entries_max)
		return invalid("pipe %s: no hash pipe, or index %u too high", pipe->name.c_str(), index);
	EntryQueue *queue;
	doca_error_t result = queue_of(pipe, number, queue);
	if (result != DOCA_SUCCESS)
		return result;
	TakenEntry taken(pipe);
	if (taken.entry == nullptr)
		return DOCA_ERROR_FULL;
	taken.entry->index = index;
	result = read_entry_forward(*pipe, fwd, pipe->forward_of(*taken.entry->hot));
	if (result == DOCA_SUCCESS)
		result = taken.submit_add(*queue, number, user_ctx, entry);
	return result;
} catch (const std::exception &) {
	return DOCA_ERROR_NO_MEMORY;
}
#endif

} // namespace

void soft::report_gone(std::vector<GoneEntry> entries)
{
	if (library == nullptr || library->cfg.entry_callback == nullptr)
		return;
	for (const GoneEntry &gone : entries)
		library->cfg.entry_callback(gone.entry, 0, DOCA_FLOW_ENTRY_STATUS_SUCCESS, DOCA_FLOW_ENTRY_OP_DEL, gone.user_ctx);
}

#if DOCA_SOFT_RELEASE_ < 303

// Every call is handed over at once, so that a batch has nothing to wait for.
doca_error_t doca_flow_pipe_add_entry(uint16_t pipe_queue, struct doca_flow_pipe *pipe, const struct doca_flow_match *match,
				      const struct doca_flow_actions *actions, const struct doca_flow_monitor *monitor,
				      const struct doca_flow_fwd *fwd, uint32_t, void *user_ctx,
				      struct doca_flow_pipe_entry **entry)
{
	const uint8_t action_idx = actions == nullptr ? 0 : actions->action_idx;
	return add_basic(pipe_queue, pipe, match, action_idx, actions, monitor, fwd, user_ctx, entry);
}

doca_error_t doca_flow_pipe_update_entry(uint16_t pipe_queue, struct doca_flow_pipe *pipe,
					 const struct doca_flow_actions *actions, const struct doca_flow_monitor *monitor,
					 const struct doca_flow_fwd *fwd, const enum doca_flow_flags_type,
					 struct doca_flow_pipe_entry *entry)
{
	const uint8_t action_idx = actions == nullptr ? 0 : actions->action_idx;
	return update_basic(pipe_queue, pipe, action_idx, actions, monitor, fwd, entry);
}

doca_error_t doca_flow_pipe_control_add_entry(uint16_t pipe_queue, uint32_t priority, struct doca_flow_pipe *pipe,
					      const struct doca_flow_match *match, const struct doca_flow_match *match_mask,
					      const struct doca_flow_match_condition *condition,
					      const struct doca_flow_actions *actions,
					      const struct doca_flow_actions *actions_mask,
					      const struct doca_flow_action_descs *action_descs,
					      const struct doca_flow_monitor *monitor, const struct doca_flow_fwd *fwd,
					      void *user_ctx, struct doca_flow_pipe_entry **entry)
{
	return add_control(pipe_queue, priority, pipe, match, match_mask, condition, actions, actions_mask, action_descs, monitor,
			   fwd, user_ctx, entry);
}

doca_error_t doca_flow_pipe_hash_add_entry(uint16_t, struct doca_flow_pipe *, uint32_t, const struct doca_flow_actions *,
					   const struct doca_flow_monitor *, const struct doca_flow_fwd *,
					   const enum doca_flow_flags_type, void *, struct doca_flow_pipe_entry **)
{
	return not_supported("doca_flow_pipe_hash_add_entry");
}

doca_error_t doca_flow_pipe_ordered_list_add_entry(uint16_t, struct doca_flow_pipe *, uint32_t,
						   const struct doca_flow_ordered_list *, const struct doca_flow_fwd *, uint32_t,
						   void *, struct doca_flow_pipe_entry **)
{
	return not_supported("doca_flow_pipe_ordered_list_add_entry");
}

#else

doca_error_t doca_flow_pipe_basic_add_entry(uint16_t pipe_queue, struct doca_flow_pipe *pipe, const struct doca_flow_match *match,
					    uint8_t action_idx, const struct doca_flow_actions *actions,
					    const struct doca_flow_monitor *monitor, const struct doca_flow_fwd *fwd, uint32_t,
					    void *user_ctx, struct doca_flow_pipe_entry **entry)
{
	return add_basic(pipe_queue, pipe, match, action_idx, actions, monitor, fwd, user_ctx, entry);
}

doca_error_t doca_flow_pipe_basic_update_entry(uint16_t pipe_queue, struct doca_flow_pipe *pipe, uint8_t action_idx,
					       const struct doca_flow_actions *actions, const struct doca_flow_monitor *monitor,
					       const struct doca_flow_fwd *fwd, uint32_t, struct doca_flow_pipe_entry *entry)
{
	return update_basic(pipe_queue, pipe, action_idx, actions, monitor, fwd, entry);
}

doca_error_t doca_flow_pipe_control_add_entry(
	uint16_t pipe_queue, struct doca_flow_pipe *pipe, const struct doca_flow_match *match,
	const struct doca_flow_match *match_mask, const struct doca_flow_match_condition *condition,
	const struct doca_flow_actions *actions, const struct doca_flow_actions *actions_mask,
	const struct doca_flow_action_descs *action_descs, const struct doca_flow_monitor *monitor, uint32_t priority,
	const struct doca_flow_fwd *fwd, void *user_ctx, struct doca_flow_pipe_entry **entry)
{
	return add_control(pipe_queue, priority, pipe, match, match_mask, condition, actions, actions_mask, action_descs, monitor,
			   fwd, user_ctx, entry);
}

doca_error_t doca_flow_pipe_hash_add_entry(uint16_t pipe_queue, struct doca_flow_pipe *pipe, uint32_t entry_index, uint8_t,
					   const struct doca_flow_actions *actions, const struct doca_flow_monitor *monitor,
					   const struct doca_flow_fwd *fwd, uint32_t, void *user_ctx,
					   struct doca_flow_pipe_entry **entry)
{
	if (actions != nullptr || monitor != nullptr)
		return not_supported("doca_flow_pipe_hash_add_entry with actions or a monitor");
	return add_flooded(pipe_queue, pipe, entry_index, fwd, user_ctx, entry);
}

doca_error_t doca_flow_pipe_ordered_list_add_entry(uint16_t pipe_queue, struct doca_flow_pipe *pipe, uint32_t idx,
						   const struct doca_flow_ordered_list *ordered_list,
						   const struct doca_flow_fwd *fwd, uint32_t, void *user_ctx,
						   struct doca_flow_pipe_entry **entry)
try {
	REQUIRE(pipe != nullptr && ordered_list != nullptr && ordered_list->elements != nullptr);
	if (pipe->type != DOCA_FLOW_PIPE_ORDERED_LIST || idx >= pipe->entries_max)
		return invalid("pipe %s: no ordered list pipe, or index %u too high", pipe->name.c_str(), idx);
	const auto &lists = static_cast<const OrderedListPipe &>(*pipe).lists();
	if (ordered_list->idx >= lists.size() || lists[ordered_list->idx].size() != ordered_list->size)
		return invalid("pipe %s: there is no list %u of %u elements", pipe->name.c_str(), ordered_list->idx,
			       ordered_list->size);
	EntryQueue *queue;
	doca_error_t result = queue_of(pipe, pipe_queue, queue);
	if (result != DOCA_SUCCESS)
		return result;
	TakenEntry taken(pipe);
	if (taken.entry == nullptr)
		return DOCA_ERROR_FULL;
	EntryHot &hot = *taken.entry->hot;
	taken.entry->index = idx;
	hot.action_index = static_cast<uint8_t>(ordered_list->idx);
	hot.counted = pipe->counted;
	uint32_t values_at = 0;
	for (uint32_t i = 0; i < ordered_list->size && result == DOCA_SUCCESS; i++) {
		const ListElement &compiled = lists[ordered_list->idx][i];
		const doca_flow_ordered_list_element &element = ordered_list->elements[i];
		uint8_t *values = pipe->values_of(hot) + values_at;
		if (element.type != compiled.type)
			result = invalid("pipe %s: element %u of list %u is of type %d; its template's of type %d",
					 pipe->name.c_str(), i, ordered_list->idx, element.type, compiled.type);
		else if (element.type == DOCA_FLOW_ORDERED_LIST_ELEMENT_ACTIONS)
			result = compiled.actions.store(element.actions, values, &hot.crypto_id);
		else if (element.crypto == nullptr)
			result = invalid("pipe %s: element %u of list %u has no crypto", pipe->name.c_str(), i,
					 ordered_list->idx);
		else
			result = compiled.actions.store_crypto(element.crypto->has_crypto_encap ? &element.crypto->crypto_encap
												: nullptr,
							       &element.crypto->crypto, values, &hot.crypto_id);
		values_at += compiled.actions.value_octets();
	}
	if (result == DOCA_SUCCESS)
		result = read_entry_forward(*pipe, fwd, pipe->forward_of(hot));
	if (result == DOCA_SUCCESS)
		result = taken.submit_add(*queue, pipe_queue, user_ctx, entry);
	return result;
} catch (const std::exception &) {
	return DOCA_ERROR_NO_MEMORY;
}

#endif

doca_error_t doca_flow_pipe_remove_entry(uint16_t pipe_queue, uint32_t, struct doca_flow_pipe_entry *entry)
{
	REQUIRE(entry != nullptr);
	EntryQueue *queue;
	const doca_error_t result = queue_of(*entry, pipe_queue, queue);
	return result == DOCA_SUCCESS ? submit(*queue, pipe_queue, {entry, nullptr, {}, EntryOperation::REMOVE}) : result;
}

doca_error_t doca_flow_entries_process(struct doca_flow_port *port, uint16_t pipe_queue, uint64_t timeout,
				       uint32_t max_processed_entries)
{
	REQUIRE(port != nullptr);
	EntryQueue *queue = port->device->queue(pipe_queue);
	if (queue == nullptr)
		return invalid("there is no pipe queue %u", pipe_queue);
	report_gone(std::exchange(port->device->gone_entries, {}));
	const auto deadline = std::chrono::steady_clock::now() + std::chrono::microseconds(timeout);
	uint32_t processed = 0;
	for (uint32_t polls = 0; queue->in_flight > 0; polls++) {
		EntryCompletion done{};
		while (queue->completions.pop(done)) {
			queue->in_flight--;
			processed++;
			report(done, pipe_queue);
			if (max_processed_entries != 0 && processed == max_processed_entries)
				return DOCA_SUCCESS;
		}
		if (timeout == 0 || std::chrono::steady_clock::now() >= deadline)
			return DOCA_SUCCESS;
		if (polls > POLLS_AWAKE)
			std::this_thread::yield();
	}
	return DOCA_SUCCESS;
}

enum doca_flow_entry_status doca_flow_pipe_entry_get_status(const struct doca_flow_pipe_entry *entry)
{
	if (entry == nullptr)
		return DOCA_FLOW_ENTRY_STATUS_ERROR;
	return static_cast<doca_flow_entry_status>(entry->status.load(std::memory_order_acquire));
}

doca_error_t doca_soft_set_faults(uint32_t seed, uint32_t per_thousand)
{
	REQUIRE(per_thousand <= 1000);
	faults.set(seed, per_thousand);
	return DOCA_SUCCESS;
}

int doca_flow_aging_handle(struct doca_flow_port *, uint16_t, uint64_t, uint64_t)
{
	return 0;
}

doca_error_t doca_flow_resource_query_entry(struct doca_flow_pipe_entry *entry, struct doca_flow_resource_query *query)
{
	REQUIRE(entry != nullptr && query != nullptr);
	if (!entry->hot->counted)
		return invalid("pipe %s: the entry has no counter", entry->pipe->name.c_str());
	query->counter.total_pkts = __atomic_load_n(&entry->hot->packets, __ATOMIC_RELAXED);
	query->counter.total_bytes = __atomic_load_n(&entry->hot->octets, __ATOMIC_RELAXED);
	return DOCA_SUCCESS;
}

doca_error_t doca_flow_resource_query_pipe_miss(struct doca_flow_pipe *pipe, struct doca_flow_resource_query *query)
{
	REQUIRE(pipe != nullptr && query != nullptr);
	if (!pipe->miss_counted)
		return invalid("pipe %s has no miss counter", pipe->name.c_str());
	query->counter.total_pkts = pipe->miss_packets.load(std::memory_order_relaxed);
	query->counter.total_bytes = pipe->miss_octets.load(std::memory_order_relaxed);
	return DOCA_SUCCESS;
}
