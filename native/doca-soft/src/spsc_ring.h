// A bounded queue without locks, from one thread to one other.
#pragma once

#include <atomic>
#include <cstddef>
#include <vector>

namespace soft {

template <typename Item> class SpscRing {
public:
	// Room for `capacity` items, rounded up to a power of two.
	explicit SpscRing(size_t capacity)
	{
		size_t size = 1;
		while (size < capacity)
			size *= 2;
		items_.resize(size);
	}

	// For the producer. Returns false when the queue is full.
	bool push(const Item &item)
	{
		const size_t head = head_.load(std::memory_order_relaxed);
		if (head - tail_.load(std::memory_order_acquire) == items_.size())
			return false;
		items_[head & (items_.size() - 1)] = item;
		head_.store(head + 1, std::memory_order_release);
		return true;
	}

	// For the consumer. Returns false when the queue is empty.
	bool pop(Item &item)
	{
		const size_t tail = tail_.load(std::memory_order_relaxed);
		if (head_.load(std::memory_order_acquire) == tail)
			return false;
		item = items_[tail & (items_.size() - 1)];
		tail_.store(tail + 1, std::memory_order_release);
		return true;
	}

	bool empty() const { return head_.load(std::memory_order_acquire) == tail_.load(std::memory_order_acquire); }

private:
	std::vector<Item> items_;
	alignas(64) std::atomic<size_t> head_{0};
	alignas(64) std::atomic<size_t> tail_{0};
};

} // namespace soft
