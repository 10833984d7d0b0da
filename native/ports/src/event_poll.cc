#include "event_poll.h"

#include <memory>
#include <system_error>
#include <utility>

namespace psp {
namespace {

[[noreturn]] void fail_to_wait(int error)
{
	throw std::system_error(-error, std::generic_category(), "cannot wait for its frames");
}

} // namespace

EventPoll::EventPoll(Napi::Env env, int fd, OnEvent on_event, OnExit on_exit)
	: env_(env), on_event_(std::move(on_event)), on_exit_(std::move(on_exit))
{
	uv_loop_t *loop = nullptr;
	if (napi_get_uv_event_loop(env, &loop) != napi_ok)
		throw Napi::Error::New(env);
	auto handle = std::make_unique<Handle>();
	const int error = uv_poll_init(loop, &handle->poll, fd);
	if (error != 0)
		fail_to_wait(error);
	// libuv owns the handle from here on; the destructor asks for it back.
	handle_ = handle.release();
	handle_->poll.data = handle_;
	handle_->owner = this;
	napi_add_async_cleanup_hook(env, exiting, this, &handle_->exit_hook);
}

EventPoll::~EventPoll()
{
	handle_->owner = nullptr;
	uv_close(reinterpret_cast<uv_handle_t *>(&handle_->poll), [](uv_handle_t *closed) {
		const std::unique_ptr<Handle> handle(static_cast<Handle *>(closed->data));
		if (handle->exit_hook != nullptr)
			napi_remove_async_cleanup_hook(handle->exit_hook);
	});
}

void EventPoll::stop() noexcept
{
	uv_poll_stop(&handle_->poll);
}

void EventPoll::resume()
{
	const int error = uv_poll_start(&handle_->poll, UV_READABLE, on_readable);
	if (error != 0)
		fail_to_wait(error);
}

void EventPoll::exiting(napi_async_cleanup_hook_handle, void *self)
{
	static_cast<EventPoll *>(self)->on_exit_();
}

// Called by the event loop, so that no exception may leave it.
void EventPoll::on_readable(uv_poll_t *poll, int status, int)
{
	EventPoll *self = static_cast<Handle *>(poll->data)->owner;
	if (self == nullptr)
		return;
	const Napi::Env env = self->env_;
	const Napi::HandleScope scope(env);
	// The event may destroy the poll, and its functions with it.
	const OnEvent on_event = self->on_event_;
	try {
		on_event(status);
	} catch (const Napi::Error &error) {
		napi_fatal_exception(env, error.Value());
	} catch (const std::exception &error) {
		napi_fatal_exception(env, Napi::Error::New(env, error.what()).Value());
	}
}

} // namespace psp
