// The thread that does all work on packets and tables: of one device, or in mode vnf of all, whose pipes forward to each other.
#pragma once

#include <atomic>
#include <chrono>
#include <condition_variable>
#include <exception>
#include <functional>
#include <mutex>
#include <thread>
#include <vector>

#include "datapath.h"

namespace soft {

class Device;

class Worker {
public:
	// The thread runs on the processor `core`; on any with -1.
	explicit Worker(int core) : core_(core) {}
	// It must have no devices.
	~Worker() = default;
	Worker(const Worker &) = delete;
	Worker &operator=(const Worker &) = delete;

	// From add() to remove() it works for the device. `join` and `part` are run between bursts. The thread runs while there
	// are devices.
	void add(Device &device, const std::function<void()> &join);
	void remove(Device &device, const std::function<void()> &part);

	// Runs `work` in the thread between two bursts and waits for it. Throws what `work` throws.
	void run(const std::function<void()> &work);
	// Waits until a round after the call has found neither packets nor commands. Returns false when the time is over.
	bool quiesce(uint32_t timeout_ms);
	// To be called after commands were queued.
	void wake();

	// To be called within run(). Whatever leads to one of these pipes, which go, drops from now on.
	void forget(const std::vector<const doca_flow_pipe *> &pipes);

	Exits exits;

private:
	void loop();
	bool poll_work();
	void idle_backoff(uint32_t idle_rounds);
	bool has_commands() const;

	const int core_;
	// The thread's, and those of callers who wait for it.
	std::vector<Device *> devices_;
	std::thread thread_;
	// How long the thread sleeps after its next round without work.
	std::chrono::nanoseconds sleep_{0};
	std::atomic<bool> stopping_{false};
	std::atomic<uint64_t> idle_rounds_{0};
	std::mutex mutex_;
	std::condition_variable wake_;
	std::atomic<bool> asleep_{false};
	std::atomic<bool> work_waiting_{false};
	const std::function<void()> *work_ = nullptr;
	std::exception_ptr work_failure_;
	std::condition_variable work_done_;
	std::mutex caller_mutex_;
};

} // namespace soft
