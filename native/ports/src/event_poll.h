// A descriptor that Node's event loop waits for.
#pragma once

#include <napi.h>
#include <uv.h>

#include <functional>

namespace psp {

// Calls back whenever there is something to read; keeps the process alive until it is destroyed. Polling is level-triggered.
class EventPoll {
public:
	// 0, or a negative errno of libuv's: then the descriptor has an error of its own, and polling has stopped.
	using OnEvent = std::function<void(int status)>;
	using OnExit = std::function<void()>;

	// `on_event` is called from the event loop; what it throws becomes the program's uncaught exception, as from any other
	// callback. `on_exit` is called when the process, or the worker, ends before: it has to destroy the poll. Throws
	// std::system_error.
	EventPoll(Napi::Env env, int fd, OnEvent on_event, OnExit on_exit);
	EventPoll(const EventPoll &) = delete;
	EventPoll &operator=(const EventPoll &) = delete;
	// The descriptor may be closed at once afterwards.
	~EventPoll();

	// Polls no more, or again.
	void stop() noexcept;
	void resume();

private:
	// libuv's handle. It outlives the poll, because libuv releases it in a later turn of the event loop.
	struct Handle {
		uv_poll_t poll{};
		napi_async_cleanup_hook_handle exit_hook = nullptr;
		EventPoll *owner = nullptr;
	};

	static void on_readable(uv_poll_t *poll, int status, int events);
	static void exiting(napi_async_cleanup_hook_handle hook, void *self);

	Napi::Env env_;
	OnEvent on_event_;
	OnExit on_exit_;
	Handle *handle_ = nullptr;
};

} // namespace psp
