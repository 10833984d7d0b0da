#include "tap_binding.h"

#include <algorithm>
#include <cerrno>
#include <span>
#include <string>
#include <system_error>

namespace psp {
namespace {

/** Frames per turn of the event loop: the others in it wait no longer than these take. */
constexpr std::size_t kBatchFramesMax = 128;
/** Room for that many frames of a usual size; at least one of any size. */
constexpr std::size_t kBatchOctets = 256 * 1024;
static_assert(kBatchOctets >= kTapFrameOctetsMax);

std::span<const std::uint8_t> octetsOf(const Napi::Value& value, const char* what) {
  if (!value.IsTypedArray() || value.As<Napi::TypedArray>().TypedArrayType() != napi_uint8_array) {
    throw Napi::TypeError::New(value.Env(), std::string(what) + ": expected a Uint8Array");
  }
  const auto array = value.As<Napi::Uint8Array>();
  return {array.Data(), array.ByteLength()};
}

Napi::Function functionOf(const Napi::Value& value, const char* what) {
  if (!value.IsFunction()) throw Napi::TypeError::New(value.Env(), std::string(what) + ": expected a function");
  return value.As<Napi::Function>();
}

std::string nameOf(const Napi::CallbackInfo& info) {
  if (!info[0].IsString()) throw Napi::TypeError::New(info.Env(), "Tap: expected the interface's name");
  return info[0].As<Napi::String>();
}

}  // namespace

Napi::Function TapBinding::define(Napi::Env env) {
  return DefineClass(env, "Tap",
                     {
                         InstanceAccessor<&TapBinding::mac, &TapBinding::setMac>("mac"),
                         InstanceAccessor<&TapBinding::mtuOctets, &TapBinding::setMtuOctets>("mtuOctets"),
                         InstanceMethod<&TapBinding::start>("start"),
                         InstanceMethod<&TapBinding::send>("send"),
                         InstanceMethod<&TapBinding::close>("close"),
                     });
}

TapBinding::TapBinding(const Napi::CallbackInfo& info) : Napi::ObjectWrap<TapBinding>(info), device_(nameOf(info)) {}

TapDevice& TapBinding::openDevice() {
  if (!device_) throw Napi::Error::New(Env(), "the TAP interface is closed");
  return *device_;
}

Napi::Value TapBinding::mac(const Napi::CallbackInfo& info) {
  const MacOctets mac = openDevice().mac();
  auto octets = Napi::Uint8Array::New(info.Env(), mac.size());
  std::copy(mac.begin(), mac.end(), octets.Data());
  return octets;
}

void TapBinding::setMac(const Napi::CallbackInfo&, const Napi::Value& value) {
  const auto octets = octetsOf(value, "mac");
  MacOctets mac;
  if (octets.size() != mac.size()) throw Napi::TypeError::New(Env(), "mac: expected 6 octets");
  std::copy(octets.begin(), octets.end(), mac.begin());
  openDevice().setMac(mac);
}

Napi::Value TapBinding::mtuOctets(const Napi::CallbackInfo& info) {
  return Napi::Number::New(info.Env(), openDevice().mtuOctets());
}

void TapBinding::setMtuOctets(const Napi::CallbackInfo&, const Napi::Value& value) {
  if (!value.IsNumber()) throw Napi::TypeError::New(Env(), "mtuOctets: expected a number");
  openDevice().setMtuOctets(value.As<Napi::Number>().Int32Value());
}

void TapBinding::start(const Napi::CallbackInfo& info) {
  const Napi::Env env = info.Env();
  TapDevice& device = openDevice();
  if (poll_ != nullptr) throw Napi::Error::New(env, "the TAP interface is started already");
  const Napi::Function onFrames = functionOf(info[0], "onFrames");
  const Napi::Function onGone = functionOf(info[1], "onGone");
  batch_.resize(kBatchOctets);
  device.bringUp();

  onFrames_ = Napi::Persistent(onFrames);
  onGone_ = Napi::Persistent(onGone);
  context_ = std::make_unique<Napi::AsyncContext>(env, "psp.Tap", Value());
  uv_loop_t* loop = nullptr;
  if (napi_get_uv_event_loop(env, &loop) != napi_ok) throw Napi::Error::New(env);
  auto poll = std::make_unique<Poll>();
  int error = uv_poll_init(loop, &poll->handle, device.fd());
  if (error == 0) {
    // From here on libuv has the handle, and only it can give it back: see closeDevice.
    poll_ = poll.release();
    poll_->handle.data = this;
    Ref();
    napi_add_async_cleanup_hook(env, onExit, this, &poll_->exitHook);
    error = uv_poll_start(&poll_->handle, UV_READABLE, onPoll);
  }
  if (error != 0) throw TapError(device.name() + ": cannot wait for its frames: " + uv_strerror(error));
}

Napi::Value TapBinding::send(const Napi::CallbackInfo& info) {
  if (!info[0].IsArray()) throw Napi::TypeError::New(info.Env(), "send: expected an array of frames");
  TapDevice& device = openDevice();
  const auto frames = info[0].As<Napi::Array>();
  const std::uint32_t count = frames.Length();
  std::uint32_t sent = 0;
  for (std::uint32_t i = 0; i < count; i++) {
    // A burst may be long: its handles are not kept until its end.
    const Napi::HandleScope scope(info.Env());
    if (device.write(octetsOf(frames[i], "send"))) sent++;
  }
  return Napi::Number::New(info.Env(), sent);
}

void TapBinding::close(const Napi::CallbackInfo&) { closeDevice(); }

void TapBinding::closeDevice() {
  if (poll_ != nullptr) {
    auto* handle = reinterpret_cast<uv_handle_t*>(&poll_->handle);
    handle->data = poll_;
    poll_ = nullptr;
    uv_close(handle, [](uv_handle_t* closed) {
      const std::unique_ptr<Poll> poll(static_cast<Poll*>(closed->data));
      if (poll->exitHook != nullptr) napi_remove_async_cleanup_hook(poll->exitHook);
    });
    onFrames_.Reset();
    onGone_.Reset();
    context_.reset();
    Unref();
  }
  // Allowed at once after uv_close: libuv does not touch the descriptor any more.
  device_.reset();
}

/** The process, or the worker, ends while the interface is open. */
void TapBinding::onExit(napi_async_cleanup_hook_handle, void* self) { static_cast<TapBinding*>(self)->closeDevice(); }

/** From the event loop: no exception may leave it; JavaScript's are uncaught ones, as from any other callback. */
void TapBinding::onPoll(uv_poll_t* handle, int status, int) {
  auto* self = static_cast<TapBinding*>(handle->data);
  const Napi::Env env = self->Env();
  const Napi::HandleScope scope(env);
  try {
    self->poll(status);
  } catch (const Napi::Error& error) {
    napi_fatal_exception(env, error.Value());
  } catch (const std::exception& error) {
    napi_fatal_exception(env, Napi::Error::New(env, error.what()).Value());
  }
}

void TapBinding::poll(int status) {
  const Napi::Env env = Env();
  // The handlers may close us; this keeps the object until they are done.
  const Napi::Object self = Value();
  std::vector<std::size_t> lengths;
  std::size_t used = 0;
  std::ptrdiff_t octets = 0;
  while (lengths.size() < kBatchFramesMax && used + kTapFrameOctetsMax <= batch_.size()) {
    octets = device_->read(std::span(batch_).subspan(used));
    if (octets <= 0) break;
    lengths.push_back(static_cast<std::size_t>(octets));
    used += static_cast<std::size_t>(octets);
  }
  if (octets == 0 && status < 0) octets = status;
  if (octets < 0) {
    // Level-triggered, it would come again at once and for ever.
    uv_poll_stop(&poll_->handle);
    const std::string reason = octets == -EBADFD ? "it was removed" : std::generic_category().message(-octets);
    onGone_.MakeCallback(self, {Napi::Error::New(env, device_->name() + ": " + reason).Value()}, *context_);
    return;
  }
  if (lengths.empty()) return;
  auto memory = Napi::ArrayBuffer::New(env, used);
  std::copy_n(batch_.begin(), used, static_cast<std::uint8_t*>(memory.Data()));
  auto frames = Napi::Array::New(env, lengths.size());
  std::size_t at = 0;
  for (std::uint32_t i = 0; i < lengths.size(); i++) {
    frames[i] = Napi::Uint8Array::New(env, lengths[i], memory, at);
    at += lengths[i];
  }
  onFrames_.MakeCallback(self, {frames}, *context_);
}

}  // namespace psp
