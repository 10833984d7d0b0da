// Shared counters and shared meters by their numbers: those of the whole library, which are bound to ports, or from 3.2 on those
// that a port hands out.
#pragma once

#include <deque>
#include <mutex>
#include <vector>

#include "monitors.h"

namespace soft {

class Device;

// The most shared counters, and the most shared meters, of the library or of a port.
constexpr uint32_t SHARED_COUNTERS_MAX = 1'048'576;
constexpr uint32_t SHARED_METERS_MAX = 65'536;
// The most meters that belong to single entries, of a port.
constexpr uint32_t METERS_MAX = 1'048'576;

// Resources of one type, numbered from 0. Once there they stay at their places in memory. May be used by any thread.
template <typename Resource> class SharedTable {
public:
	// `count` of them are there from the start and bound to nothing. Until there are `max`, more are handed out.
	SharedTable(uint32_t count, uint32_t max) : max_(max)
	{
		for (uint32_t i = 0; i < count; i++)
			slots_.emplace_back();
	}

	// Binds resources to a device, or with nullptr to all. Returns false when one is not there, with nothing changed.
	bool bind(const uint32_t *ids, uint32_t count, const Device *device)
	{
		std::lock_guard<std::mutex> guard(mutex_);
		for (uint32_t i = 0; i < count; i++) {
			if (ids[i] >= slots_.size())
				return false;
		}
		for (uint32_t i = 0; i < count; i++) {
			slots_[ids[i]].bound = true;
			slots_[ids[i]].device = device;
		}
		return true;
	}
	// To be called when a device stops.
	void unbind(const Device *device)
	{
		std::lock_guard<std::mutex> guard(mutex_);
		for (Slot &slot : slots_) {
			if (slot.device == device)
				slot.bound = false;
		}
	}
	// Hands one out that is bound to the device. Returns false when there is none left.
	bool hand_out(const Device *device, uint32_t &id)
	{
		std::lock_guard<std::mutex> guard(mutex_);
		if (!free_.empty()) {
			id = free_.back();
			free_.pop_back();
		} else if (slots_.size() < max_) {
			id = static_cast<uint32_t>(slots_.size());
			slots_.emplace_back();
			// So that taking one back never fails.
			free_.reserve(slots_.size());
		} else {
			return false;
		}
		slots_[id].bound = true;
		slots_[id].device = device;
		slots_[id].resource.reset();
		return true;
	}
	// Returns false when it was not handed out.
	bool take_back(uint32_t id)
	{
		std::lock_guard<std::mutex> guard(mutex_);
		if (id >= slots_.size() || !slots_[id].bound)
			return false;
		slots_[id].bound = false;
		free_.push_back(id);
		return true;
	}
	// Returns nullptr when it is not there.
	Resource *find(uint32_t id)
	{
		std::lock_guard<std::mutex> guard(mutex_);
		return id < slots_.size() ? &slots_[id].resource : nullptr;
	}
	// Returns nullptr when it is not there, or not bound to this device; one that was handed out is bound until it is taken back.
	Resource *find_bound(uint32_t id, const Device *device)
	{
		std::lock_guard<std::mutex> guard(mutex_);
		if (id >= slots_.size() || !slots_[id].bound)
			return nullptr;
		Slot &slot = slots_[id];
		return slot.device == nullptr || slot.device == device ? &slot.resource : nullptr;
	}

private:
	struct Slot {
		Resource resource;
		bool bound = false;
		const Device *device = nullptr;
	};

	const uint32_t max_;
	std::mutex mutex_;
	std::deque<Slot> slots_;
	std::vector<uint32_t> free_;
};

struct SharedMonitors {
	// How many are there from the start, and of how many more are handed out.
	struct Room {
		uint32_t there;
		uint32_t max;
	};
	SharedMonitors(Room counters_room, Room meters_room)
		: counters(counters_room.there, counters_room.max), meters(meters_room.there, meters_room.max)
	{
	}

	// For entries of a device's pipes. Return nullptr for what they cannot use.
	SharedCounter *counter(uint32_t id, const Device *device) { return counters.find_bound(id, device); }
	SharedMeter *meter(uint32_t id, const Device *device)
	{
		SharedMeter *const found = meters.find_bound(id, device);
		return found != nullptr && found->configured() ? found : nullptr;
	}

	SharedTable<SharedCounter> counters;
	SharedTable<SharedMeter> meters;
};

} // namespace soft
