// The API's function that tells the application of entries that have aged, and the clock that tests set.
#include <doca_soft.h>

#include "api.h"
#include "clock.h"
#include "library.h"
#include "log.h"

using namespace soft;

namespace {

constexpr uint64_t NANOSECONDS_PER_MICROSECOND = 1000;

// Collects entries that have aged, until there is no room, the time is over, or all were looked at.
void collect(Device &device, uint16_t queue, uint64_t quota, uint32_t room, std::vector<AgedEntry> &aged)
{
	const uint64_t start = clock_nanoseconds();
	bool over = false;
	do {
		device.run([&] {
			device.monitored().look(queue, room, aged);
			over = device.monitored().is_cycle_over(queue);
		});
	} while (!over && aged.size() < room && (clock_nanoseconds() - start) / NANOSECONDS_PER_MICROSECOND < quota);
}

} // namespace

int doca_flow_aging_handle(struct doca_flow_port *port, uint16_t number, uint64_t quota, uint64_t max_entries)
try {
	if (port == nullptr || library == nullptr)
		return 0;
	Device &device = *port->device;
	EntryQueue *queue = device.queue(number);
	if (queue == nullptr) {
		invalid("there is no pipe queue %u", number);
		return 0;
	}
	// An application removes entries in its callback: for each the queue must have room.
	uint64_t room = queue->depth - queue->in_flight;
	if (max_entries != 0)
		room = std::min(room, max_entries);
	if (room == 0)
		return 0;
	std::vector<AgedEntry> aged;
	aged.reserve(room);
	collect(device, number, quota, static_cast<uint32_t>(room), aged);
	for (const AgedEntry &one : aged) {
		doca_flow_pipe &pipe = *one.entry->pipe;
		if (library->cfg.entry_callback != nullptr && !pipe.detached())
			library->cfg.entry_callback(one.entry, number, DOCA_FLOW_ENTRY_STATUS_SUCCESS, DOCA_FLOW_ENTRY_OP_AGED,
						    one.user_ctx);
		pipe.reported(*one.entry);
	}
	if (!aged.empty())
		return static_cast<int>(aged.size());
	bool over = false;
	device.run([&] {
		over = device.monitored().is_cycle_over(number);
		if (over)
			device.monitored().end_cycle(number);
	});
	return over ? -1 : 0;
} catch (const std::exception &) {
	return 0;
}

doca_error_t doca_soft_set_clock(uint64_t nanoseconds)
{
	REQUIRE(nanoseconds != UINT64_MAX);
	set_clock(nanoseconds);
	return DOCA_SUCCESS;
}
