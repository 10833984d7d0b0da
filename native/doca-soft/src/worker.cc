#include "worker.h"

#include <algorithm>
#include <sched.h>
#include <sys/prctl.h>

#include <rte_lcore.h>

#include "device.h"

namespace soft {
namespace {

// Rounds without work after which the thread sleeps between two rounds.
constexpr uint32_t ROUNDS_AWAKE = 100;
// Each sleep is longer than the one before by a part of it. So after a silence the first packet waits for a small part of that
// silence, and a silence costs few wakes, which are dear in virtual machines: 64 until the sleep is the longest.
constexpr auto SLEEP_MIN = std::chrono::nanoseconds(20'000);
constexpr auto SLEEP_MAX = std::chrono::nanoseconds(1'000'000);
constexpr int SLEEP_GROWTH_DIVISOR = 16;
// The kernel's default slack would wake the thread 50 microseconds late.
constexpr unsigned long TIMER_SLACK_NANOSECONDS = 1000;

// The processors that the process could use before EAL pinned its threads.
cpu_set_t initial_affinity;
__attribute__((constructor)) void remember_affinity()
{
	sched_getaffinity(0, sizeof(initial_affinity), &initial_affinity);
}

} // namespace

void Worker::add(Device &device, const std::function<void()> &join)
{
	const bool first = devices_.empty();
	run([&] {
		devices_.reserve(devices_.size() + 1);
		join();
		devices_.push_back(&device);
	});
	if (!first)
		return;
	stopping_ = false;
	try {
		thread_ = std::thread([this] { loop(); });
	} catch (...) {
		devices_.clear();
		throw;
	}
}

void Worker::remove(Device &device, const std::function<void()> &part)
{
	if (devices_.size() == 1) {
		stopping_ = true;
		wake();
		thread_.join();
	}
	run([&] {
		devices_.erase(std::find(devices_.begin(), devices_.end(), &device));
		part();
	});
}

void Worker::forget(const std::vector<const doca_flow_pipe *> &pipes)
{
	for (Device *device : devices_)
		device->forget(pipes);
}

void Worker::loop()
{
	cpu_set_t affinity = initial_affinity;
	if (core_ >= 0) {
		CPU_ZERO(&affinity);
		CPU_SET(static_cast<unsigned>(core_), &affinity);
	}
	sched_setaffinity(0, sizeof(affinity), &affinity);
	prctl(PR_SET_TIMERSLACK, TIMER_SLACK_NANOSECONDS);
	prctl(PR_SET_NAME, "doca-soft");
	// Gives the thread caches of mempools. Without registration they are merely slower.
	const bool registered = rte_thread_register() == 0;
	uint32_t idle = 0;
	while (!stopping_.load(std::memory_order_acquire)) {
		bool busy = false;
		for (Device *device : devices_)
			busy |= device->round();
		busy |= poll_work();
		if (busy) {
			idle = 0;
			continue;
		}
		idle_rounds_.fetch_add(1, std::memory_order_release);
		// The next round looks for packets after this one was counted; quiesce() does the reverse.
		std::atomic_thread_fence(std::memory_order_seq_cst);
		idle_backoff(++idle);
	}
	// Wakes callers that wait for the thread, which has ended.
	poll_work();
	if (registered)
		rte_thread_unregister();
}

bool Worker::poll_work()
{
	if (!work_waiting_.load(std::memory_order_acquire))
		return false;
	// Entry operations that were handed over earlier take effect earlier.
	for (Device *device : devices_) {
		while (device->do_commands()) {
		}
	}
	std::lock_guard<std::mutex> guard(mutex_);
	try {
		(*work_)();
	} catch (...) {
		work_failure_ = std::current_exception();
	}
	work_ = nullptr;
	work_waiting_.store(false, std::memory_order_release);
	work_done_.notify_all();
	return true;
}

void Worker::run(const std::function<void()> &work)
{
	if (!thread_.joinable()) {
		work();
		return;
	}
	std::lock_guard<std::mutex> callers(caller_mutex_);
	std::unique_lock<std::mutex> lock(mutex_);
	work_ = &work;
	work_waiting_.store(true, std::memory_order_release);
	wake_.notify_all();
	work_done_.wait(lock, [this] { return !work_waiting_.load(std::memory_order_acquire); });
	if (work_failure_ != nullptr)
		std::rethrow_exception(std::exchange(work_failure_, nullptr));
}

void Worker::wake()
{
	// What the caller queued is there before it looks whether anybody sleeps; idle_backoff() does the reverse.
	std::atomic_thread_fence(std::memory_order_seq_cst);
	if (!asleep_.load(std::memory_order_relaxed))
		return;
	std::lock_guard<std::mutex> guard(mutex_);
	wake_.notify_all();
}

bool Worker::has_commands() const
{
	return std::any_of(devices_.begin(), devices_.end(), [](const Device *device) { return device->has_commands(); });
}

void Worker::idle_backoff(uint32_t idle_rounds)
{
	if (idle_rounds < ROUNDS_AWAKE) {
		sleep_ = SLEEP_MIN;
		std::this_thread::yield();
		return;
	}
	std::unique_lock<std::mutex> lock(mutex_);
	asleep_.store(true, std::memory_order_relaxed);
	std::atomic_thread_fence(std::memory_order_seq_cst);
	if (!has_commands() && !work_waiting_.load() && !stopping_.load())
		wake_.wait_for(lock, sleep_);
	sleep_ = std::min(sleep_ + sleep_ / SLEEP_GROWTH_DIVISOR, SLEEP_MAX);
	asleep_.store(false, std::memory_order_relaxed);
}

bool Worker::quiesce(uint32_t timeout_ms)
{
	const auto deadline = std::chrono::steady_clock::now() + std::chrono::milliseconds(timeout_ms);
	// What the caller has given to a port is there before it looks how many rounds there were. The current round may have polled
	// the port before; the next two poll every port after the call.
	std::atomic_thread_fence(std::memory_order_seq_cst);
	const uint64_t target = idle_rounds_.load(std::memory_order_acquire) + 2;
	while (idle_rounds_.load(std::memory_order_acquire) < target) {
		if (std::chrono::steady_clock::now() > deadline)
			return false;
		wake();
		std::this_thread::yield();
	}
	return true;
}

} // namespace soft
