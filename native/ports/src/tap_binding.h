// The TapDevice as JavaScript sees it; src/hal-sim/ports/ports-addon.ts is its declaration.
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

  /** new Tap(name). Throws where TapDevice does. */
  explicit TapBinding(const Napi::CallbackInfo& info);

 private:
  /** libuv's handle: it outlives the binding's interest in it until libuv has let go of it, in a later turn. */
  struct Poll {
    uv_poll_t handle{};
    napi_async_cleanup_hook_handle exitHook = nullptr;
  };

  Napi::Value mac(const Napi::CallbackInfo& info);
  void setMac(const Napi::CallbackInfo& info, const Napi::Value& value);
  Napi::Value mtuOctets(const Napi::CallbackInfo& info);
  void setMtuOctets(const Napi::CallbackInfo& info, const Napi::Value& value);
  void start(const Napi::CallbackInfo& info);
  Napi::Value send(const Napi::CallbackInfo& info);
  void close(const Napi::CallbackInfo& info);

  static void onPoll(uv_poll_t* handle, int status, int events);
  static void onExit(napi_async_cleanup_hook_handle handle, void* self);
  void poll(int status);
  void closeDevice();
  TapDevice& openDevice();

  std::optional<TapDevice> device_;
  Poll* poll_ = nullptr;
  std::unique_ptr<Napi::AsyncContext> context_;
  Napi::FunctionReference onFrames_;
  Napi::FunctionReference onGone_;
  /** Frames of one turn, one behind the other. */
  std::vector<std::uint8_t> batch_;
};

}  // namespace psp
