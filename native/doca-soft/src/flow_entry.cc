#include "flow_entry.h"

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
#include "release.h"

using namespace soft;

namespace {

constexpr uint32_t PRIORITY_LOWEST = 7;
// Polls of a queue before the caller's thread yields.
constexpr uint32_t POLLS_AWAKE = 200;

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
	trace::entry_reported(*done.entry, op_of(done.operation), done.succeeded);
	// An application that destroys a pipe is not told of operations on its entries any more.
	if (library->cfg.entry_callback != nullptr && !pipe.detached())
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

// The queue for an operation on an entry that exists. One that failed to be added, or was removed, does not, once that is
// reported.
doca_error_t find_queue_of(const doca_flow_pipe_entry &entry, uint16_t number, EntryQueue *&queue)
{
	if (entry.outstanding == 0 && !entry.installed)
		return invalid("pipe %s: the entry is not there", entry.pipe->name.c_str());
	return find_queue(*entry.pipe, number, queue);
}

doca_error_t read_monitor(doca_flow_pipe &pipe, uint16_t queue, const doca_flow_monitor *monitor, EntryHot &hot)
{
	const bool asks_for_more = monitor != nullptr && monitors_more(*monitor);
	if (asks_for_more && !pipe.has_monitors())
		return invalid("pipe %s: an entry's meter, aging or shared counter where its template has none",
			       pipe.name.c_str());
	hot.monitored = asks_for_more || monitors_more(pipe.monitor);
	if (hot.monitored) {
		const doca_error_t result = read_entry_monitor(pipe, monitor, queue, pipe.monitor_of(hot));
		if (result != DOCA_SUCCESS)
			return result;
	}
	if (monitor == nullptr)
		return DOCA_SUCCESS;
	hot.counted = hot.counted || monitor->counter_type == DOCA_FLOW_RESOURCE_TYPE_NON_SHARED;
	const uint32_t mirror = mirror_of(*monitor);
	if (mirror != 0 && mirror >= library->mirror_owner.size())
		return invalid("there is no mirror %u", mirror);
	hot.mirror = static_cast<uint16_t>(mirror);
	return DOCA_SUCCESS;
}

doca_error_t read_entry_forward(const doca_flow_pipe &pipe, const doca_flow_fwd *fwd, Forward &forward)
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

doca_error_t check_action_index(const BasicPipe &pipe, uint8_t index)
{
	if (index != 0 && index >= pipe.actions().size())
		return invalid("pipe %s: there is no action template %u", pipe.name.c_str(), index);
	return DOCA_SUCCESS;
}

// Reads the values that an entry gives for its action template.
doca_error_t read_actions(const BasicPipe &pipe, uint8_t index, const doca_flow_actions *actions, EntryHot &hot)
{
	hot.action_index = index;
	if (pipe.actions().empty())
		return DOCA_SUCCESS;
	return pipe.actions()[index].store(actions, pipe.values_of(hot), &hot.crypto_id);
}

doca_error_t check_control(const doca_flow_pipe &pipe, const ControlMatch &match)
{
	const char *name = pipe.name.c_str();
	if (pipe.type != DOCA_FLOW_PIPE_CONTROL)
		return invalid("pipe %s is not a control pipe", name);
	if (match.priority > PRIORITY_LOWEST)
		return invalid("pipe %s: priority %u; 0 (highest) to %u", name, match.priority, PRIORITY_LOWEST);
	return DOCA_SUCCESS;
}

// Compiles the actions of an entry of a control pipe.
doca_error_t compile_own(const doca_flow_pipe &pipe, const ControlActions &from, Actions &actions)
{
	std::vector<Descriptor> descriptors;
	const doca_error_t result = read_descriptors(from.descs, descriptors);
	if (result != DOCA_SUCCESS || (from.actions == nullptr && descriptors.empty()))
		return result;
	const Extended<doca_flow_actions> none{definitions.actions};
	const doca_flow_actions &given = from.actions == nullptr ? *none : *from.actions;
	return actions.compile(given, from.mask, descriptors, true, pipe.device->key_slots());
}

// Reads what an entry of a control pipe matches.
doca_error_t read_fixed_match(const ControlMatch &from, FixedMatch &match)
{
	Extended<doca_flow_match> values{definitions.match};
	Extended<doca_flow_match> mask{definitions.match};
	if (from.match != nullptr)
		values = Extended(*from.match, definitions.match);
	if (from.mask != nullptr)
		mask = Extended(*from.mask, definitions.match);
	match.has_condition = from.condition != nullptr;
	if (match.has_condition) {
		doca_flow_match *compared = from.match == nullptr ? nullptr : &*values;
		const doca_error_t result = read_condition(*from.condition, compared, *mask, match.condition);
		if (result != DOCA_SUCCESS)
			return result;
	}
	if (from.match == nullptr)
		return DOCA_SUCCESS;
	return read_fixed(*values, from.mask == nullptr ? nullptr : &*mask, match.fields);
}

} // namespace

doca_error_t soft::find_queue(const doca_flow_pipe &pipe, uint16_t number, EntryQueue *&queue)
{
	queue = pipe.device->queue(number);
	if (queue == nullptr)
		return invalid("there is no pipe queue %u", number);
	if (faults.refuses())
		return DOCA_ERROR_DRIVER;
	return queue->in_flight < queue->depth ? DOCA_SUCCESS : DOCA_ERROR_AGAIN;
}

doca_error_t soft::read_monitor_and_forward(doca_flow_pipe &pipe, uint16_t queue, const doca_flow_monitor *monitor,
					    const doca_flow_fwd *fwd, EntryHot &hot)
{
	const doca_error_t result = read_monitor(pipe, queue, monitor, hot);
	return result == DOCA_SUCCESS ? read_entry_forward(pipe, fwd, pipe.forward_of(hot)) : result;
}

doca_error_t TakenEntry::submit(EntryQueue &queue, const Addition &addition)
{
	entry_->user_ctx = addition.user_ctx;
	doca_flow_pipe_entry *const added = std::exchange(entry_, nullptr);
	const doca_error_t result = ::submit(queue, addition.queue, {added, nullptr, {}, EntryOperation::ADD});
	if (result == DOCA_SUCCESS && addition.entry != nullptr)
		*addition.entry = added;
	return result;
}

void soft::report_removed(const std::vector<RemovedEntry> &entries)
{
	if (library == nullptr || library->cfg.entry_callback == nullptr)
		return;
	for (const RemovedEntry &gone : entries)
		library->cfg.entry_callback(gone.entry, 0, DOCA_FLOW_ENTRY_STATUS_SUCCESS, DOCA_FLOW_ENTRY_OP_DEL, gone.user_ctx);
}

doca_error_t soft::add_basic(const Addition &addition, const doca_flow_match *match, uint8_t action_index,
			     const doca_flow_actions *actions)
{
	const auto check = [&] {
		if (addition.pipe->type != DOCA_FLOW_PIPE_BASIC)
			return invalid("pipe %s is not a basic pipe", addition.pipe->name.c_str());
		return check_action_index(static_cast<const BasicPipe &>(*addition.pipe), action_index);
	};
	const auto fill = [&](doca_flow_pipe_entry &entry) {
		const auto &basic = static_cast<const BasicPipe &>(*addition.pipe);
		entry.hot->counted = basic.counted;
		basic.reader().entry_key(match, basic.key_of(*entry.hot));
		return read_actions(basic, action_index, actions, *entry.hot);
	};
	return add_entry(addition, check, fill);
}

doca_error_t soft::add_control(const Addition &addition, const ControlMatch &match, const ControlActions &actions)
{
	const auto fill = [&](doca_flow_pipe_entry &entry) {
		entry.own = std::make_unique<OwnProgram>();
		entry.index = match.priority;
		OwnProgram &own = *entry.own;
		doca_error_t result = read_fixed_match(match, own.match);
		return result == DOCA_SUCCESS ? compile_own(*addition.pipe, actions, own.actions) : result;
	};
	return add_entry(
		addition, [&] { return check_control(*addition.pipe, match); }, fill);
}

doca_error_t soft::update_basic(uint16_t number, doca_flow_pipe *pipe, uint8_t action_index, const doca_flow_actions *actions,
				const doca_flow_monitor *monitor, const doca_flow_fwd *fwd, doca_flow_pipe_entry *entry)
try {
	REQUIRE(pipe != nullptr && entry != nullptr && entry->pipe == pipe);
	if (pipe->type != DOCA_FLOW_PIPE_BASIC)
		return not_supported("pipe %s: an update of an entry of a pipe that is not basic", pipe->name.c_str());
	const auto &basic = static_cast<const BasicPipe &>(*pipe);
	EntryQueue *queue = nullptr;
	doca_error_t result = check_action_index(basic, action_index);
	if (result == DOCA_SUCCESS)
		result = find_queue_of(*entry, number, queue);
	if (result != DOCA_SUCCESS)
		return result;
	std::unique_ptr<EntryHot, decltype(&free)> values(pipe->new_values(), free);
	const UpdateParts parts = {actions != nullptr, fwd != nullptr, monitor != nullptr};
	if (parts.actions)
		result = read_actions(basic, action_index, actions, *values);
	if (result == DOCA_SUCCESS && parts.monitor)
		result = read_monitor(*pipe, number, monitor, *values);
	if (result == DOCA_SUCCESS)
		result = read_entry_forward(*pipe, fwd, pipe->forward_of(*values));
	if (result == DOCA_SUCCESS)
		result = submit(*queue, number, {entry, values.release(), parts, EntryOperation::UPDATE});
	return result;
} catch (const std::exception &) {
	return DOCA_ERROR_NO_MEMORY;
}

doca_error_t doca_flow_pipe_remove_entry(uint16_t pipe_queue, uint32_t, struct doca_flow_pipe_entry *entry)
{
	REQUIRE(entry != nullptr);
	EntryQueue *queue = nullptr;
	const doca_error_t result = find_queue_of(*entry, pipe_queue, queue);
	return result == DOCA_SUCCESS ? submit(*queue, pipe_queue, {entry, nullptr, {}, EntryOperation::REMOVE}) : result;
}

doca_error_t doca_flow_entries_process(struct doca_flow_port *port, uint16_t pipe_queue, uint64_t timeout,
				       uint32_t max_processed_entries)
{
	REQUIRE(port != nullptr);
	Device &device = *port->device;
	EntryQueue *queue = device.queue(pipe_queue);
	if (queue == nullptr)
		return invalid("there is no pipe queue %u", pipe_queue);
	report_removed(std::exchange(device.removed_entries, {}));
	if (queue->is_too_early())
		return DOCA_SUCCESS;
	const uint32_t at_most = queue->at_most(max_processed_entries);
	const auto deadline = std::chrono::steady_clock::now() + std::chrono::microseconds(timeout);
	uint32_t processed = 0;
	bool is_over = false;
	for (uint32_t polls = 0; queue->in_flight > 0; polls++) {
		device.do_held_operations();
		EntryCompletion done{};
		while (queue->take(done)) {
			queue->in_flight--;
			processed++;
			report(done, pipe_queue);
			if (at_most != 0 && processed == at_most)
				return DOCA_SUCCESS;
		}
		if (timeout == 0 || is_over)
			return DOCA_SUCCESS;
		is_over = std::chrono::steady_clock::now() >= deadline;
		// A device is done within microseconds, so that programs wait some milliseconds and take it for a failure then. This one
		// is a thread, which the kernel may not have run in that time.
		if (is_over)
			device.run([] {});
		else if (polls > POLLS_AWAKE)
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

doca_error_t doca_flow_resource_query_entry(struct doca_flow_pipe_entry *entry, struct doca_flow_resource_query *query)
{
	REQUIRE(entry != nullptr && query != nullptr);
	// An entry of an ordered list has the counters of its elements.
	if (entry->pipe->type == DOCA_FLOW_PIPE_ORDERED_LIST &&
	    static_cast<const OrderedListPipe &>(*entry->pipe).query(*entry, query) > 0)
		return DOCA_SUCCESS;
	const EntryHot &hot = *entry->hot;
	const SharedCounter *shared = nullptr;
	if (hot.monitored)
		shared = __atomic_load_n(&entry->pipe->monitor_of(*entry->hot).counter, __ATOMIC_RELAXED);
	if (shared != nullptr) {
		shared->read(*query);
		return DOCA_SUCCESS;
	}
	if (!hot.counted)
		return invalid("pipe %s: the entry has no counter", entry->pipe->name.c_str());
	hot.counter.read(*query);
	if (DEFECTS && entry->pipe->device->defect() == Defect::COUNTS_LOST)
		query->counter.total_pkts -= query->counter.total_pkts / 8;
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
