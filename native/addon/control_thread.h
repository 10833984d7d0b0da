// The one thread of the process that calls DOCA. It runs the jobs of all devices one after the other.
#pragma once

#include <condition_variable>
#include <deque>
#include <functional>
#include <mutex>
#include <thread>

class ControlThread {
public:
	static ControlThread &instance()
	{
		// Never destroyed: EAL's main thread must not end before the process does.
		static auto *thread = new ControlThread();
		return *thread;
	}

	void post(std::function<void()> job)
	{
		{
			std::lock_guard<std::mutex> guard(mutex_);
			jobs_.push_back(std::move(job));
		}
		waiting_.notify_one();
	}

private:
	ControlThread()
	{
		std::thread([this] { run(); }).detach();
	}

	void run()
	{
		for (;;) {
			std::unique_lock<std::mutex> lock(mutex_);
			waiting_.wait(lock, [this] { return !jobs_.empty(); });
			const std::function<void()> job = std::move(jobs_.front());
			jobs_.pop_front();
			lock.unlock();
			job();
		}
	}

	std::mutex mutex_;
	std::condition_variable waiting_;
	std::deque<std::function<void()>> jobs_;
};
