// TapDevice for JavaScript; src/hal-sim/ports/ports-addon.ts declares it.
#pragma once

#include <napi.h>
#include <uv.h>

#include <cstdint>
#include <memory>
#include <optional>
#include <vector>

#include "tap_device.h"

namespace psp {

class TapBinding : public Napi::ObjectWrap<TapBinding> {
public:
	static Napi::Function define(Napi::Env env);

	// new Tap(name). Throws as TapDevice does.
	explicit TapBinding(const Napi::CallbackInfo &info);

private:
	// libuv's handle. It outlives closing, because libuv releases it in a later turn of the event loop.
	struct Poll {
		uv_poll_t handle{};
		napi_async_cleanup_hook_handle exit_hook = nullptr;
	};

	Napi::Value mac(const Napi::CallbackInfo &info);
	void set_mac(const Napi::CallbackInfo &info, const Napi::Value &value);
	Napi::Value mtu_octets(const Napi::CallbackInfo &info);
	void set_mtu_octets(const Napi::CallbackInfo &info, const Napi::Value &value);
	void start(const Napi::CallbackInfo &info);
	Napi::Value send(const Napi::CallbackInfo &info);
	void close(const Napi::CallbackInfo &info);

	static void on_poll(uv_poll_t *handle, int status, int events);
	static void on_exit(napi_async_cleanup_hook_handle handle, void *self);
	void poll(int status);
	void close_device();
	TapDevice &open_device();

	std::optional<TapDevice> device_;
	Poll *poll_ = nullptr;
	std::unique_ptr<Napi::AsyncContext> context_;
	Napi::FunctionReference on_frames_;
	Napi::FunctionReference on_gone_;
	// The frames of one turn of the event loop, without gaps.
	std::vector<uint8_t> batch_;
};

} // namespace psp
