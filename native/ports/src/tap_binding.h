// TapDevice for JavaScript; src/hal-sim/ports/ports-addon.ts declares it.
#pragma once

#include <napi.h>

#include <cstdint>
#include <memory>
#include <optional>
#include <vector>

#include "event_poll.h"
#include "tap_device.h"

namespace psp {

class TapBinding : public Napi::ObjectWrap<TapBinding> {
public:
	static Napi::Function define(Napi::Env env);

	// new Tap(name). Throws as TapDevice does.
	explicit TapBinding(const Napi::CallbackInfo &info);

private:
	Napi::Value mac(const Napi::CallbackInfo &info);
	void set_mac(const Napi::CallbackInfo &info, const Napi::Value &value);
	Napi::Value mtu_octets(const Napi::CallbackInfo &info);
	void set_mtu_octets(const Napi::CallbackInfo &info, const Napi::Value &value);
	void start(const Napi::CallbackInfo &info);
	Napi::Value send(const Napi::CallbackInfo &info);
	void close(const Napi::CallbackInfo &info);

	void poll(int status);
	void close_device();
	TapDevice &open_device();

	std::optional<TapDevice> device_;
	std::optional<EventPoll> poll_;
	std::unique_ptr<Napi::AsyncContext> context_;
	Napi::FunctionReference on_frames_;
	Napi::FunctionReference on_gone_;
	// The frames of one turn of the event loop, without gaps.
	std::vector<uint8_t> batch_;
};

} // namespace psp
