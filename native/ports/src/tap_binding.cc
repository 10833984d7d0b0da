#include "tap_binding.h"

#include <algorithm>
#include <cerrno>
#include <span>
#include <string>
#include <system_error>

#include "arguments.h"

namespace psp {
namespace {

// Frames per turn of the event loop, so that other work in it does not wait longer.
constexpr size_t BATCH_FRAMES_MAX = 128;
// Room for that many frames of a usual size, and for at least one of the largest size.
constexpr size_t BATCH_OCTETS = 256 * 1024;
static_assert(BATCH_OCTETS >= TAP_FRAME_OCTETS_MAX);

} // namespace

Napi::Function TapBinding::define(Napi::Env env)
{
	return DefineClass(env, "Tap",
			   {
				   InstanceAccessor<&TapBinding::mac, &TapBinding::set_mac>("mac"),
				   InstanceAccessor<&TapBinding::mtu_octets, &TapBinding::set_mtu_octets>("mtuOctets"),
				   InstanceMethod<&TapBinding::start>("start"),
				   InstanceMethod<&TapBinding::send>("send"),
				   InstanceMethod<&TapBinding::close>("close"),
			   });
}

TapBinding::TapBinding(const Napi::CallbackInfo &info) : Napi::ObjectWrap<TapBinding>(info), device_(interface_name_of(info[0]))
{
}

TapDevice &TapBinding::open_device()
{
	if (!device_)
		throw Napi::Error::New(Env(), "the TAP interface is closed");
	return *device_;
}

Napi::Value TapBinding::mac(const Napi::CallbackInfo &info)
{
	const MacOctets mac = open_device().mac();
	auto octets = Napi::Uint8Array::New(info.Env(), mac.size());
	std::copy(mac.begin(), mac.end(), octets.Data());
	return octets;
}

void TapBinding::set_mac(const Napi::CallbackInfo &, const Napi::Value &value)
{
	const auto octets = octets_of(value, "mac");
	MacOctets mac;
	if (octets.size() != mac.size())
		throw Napi::TypeError::New(Env(), "mac: expected 6 octets");
	std::copy(octets.begin(), octets.end(), mac.begin());
	open_device().set_mac(mac);
}

Napi::Value TapBinding::mtu_octets(const Napi::CallbackInfo &info)
{
	return Napi::Number::New(info.Env(), open_device().mtu_octets());
}

void TapBinding::set_mtu_octets(const Napi::CallbackInfo &, const Napi::Value &value)
{
	if (!value.IsNumber())
		throw Napi::TypeError::New(Env(), "mtuOctets: expected a number");
	open_device().set_mtu_octets(value.As<Napi::Number>().Int32Value());
}

void TapBinding::start(const Napi::CallbackInfo &info)
{
	const Napi::Env env = info.Env();
	TapDevice &device = open_device();
	if (poll_)
		throw Napi::Error::New(env, "the TAP interface is started already");
	const Napi::Function on_frames = function_of(info[0], "onFrames");
	const Napi::Function on_gone = function_of(info[1], "onGone");
	batch_.resize(BATCH_OCTETS);
	device.bring_up();

	on_frames_ = Napi::Persistent(on_frames);
	on_gone_ = Napi::Persistent(on_gone);
	context_ = std::make_unique<Napi::AsyncContext>(env, "psp.Tap", Value());
	poll_.emplace(
		env, device.fd(), [this](int status) { poll(status); }, [this] { close_device(); });
	Ref();
	poll_->resume();
}

Napi::Value TapBinding::send(const Napi::CallbackInfo &info)
{
	if (!info[0].IsArray())
		throw Napi::TypeError::New(info.Env(), "send: expected an array of frames");
	TapDevice &device = open_device();
	const auto frames = info[0].As<Napi::Array>();
	const uint32_t count = frames.Length();
	uint32_t sent = 0;
	for (uint32_t i = 0; i < count; i++) {
		// One scope per frame: a long burst would otherwise keep all its handles until the end.
		const Napi::HandleScope scope(info.Env());
		if (device.write(octets_of(frames[i], "send")))
			sent++;
	}
	return Napi::Number::New(info.Env(), sent);
}

void TapBinding::close(const Napi::CallbackInfo &)
{
	close_device();
}

void TapBinding::close_device()
{
	if (poll_) {
		poll_.reset();
		on_frames_.Reset();
		on_gone_.Reset();
		context_.reset();
		Unref();
	}
	device_.reset();
}

void TapBinding::poll(int status)
{
	const Napi::Env env = Env();
	// Keeps this object alive when a handler closes it.
	const Napi::Object self = Value();
	std::vector<size_t> lengths;
	size_t used = 0;
	ptrdiff_t octets = 0;
	while (lengths.size() < BATCH_FRAMES_MAX && used + TAP_FRAME_OCTETS_MAX <= batch_.size()) {
		octets = device_->read(std::span(batch_).subspan(used));
		if (octets <= 0)
			break;
		lengths.push_back(static_cast<size_t>(octets));
		used += static_cast<size_t>(octets);
	}
	if (octets == 0 && status < 0)
		octets = status;
	if (octets < 0) {
		// Polling is level-triggered: without this, the event would come again at once, for ever.
		poll_->stop();
		const std::string reason = octets == -EBADFD ? "it was removed" : std::generic_category().message(-octets);
		on_gone_.MakeCallback(self, {Napi::Error::New(env, device_->name() + ": " + reason).Value()}, *context_);
		return;
	}
	if (lengths.empty())
		return;
	auto memory = Napi::ArrayBuffer::New(env, used);
	std::copy_n(batch_.begin(), used, static_cast<uint8_t *>(memory.Data()));
	auto frames = Napi::Array::New(env, lengths.size());
	size_t at = 0;
	for (uint32_t i = 0; i < lengths.size(); i++) {
		frames[i] = Napi::Uint8Array::New(env, lengths[i], memory, at);
		at += lengths[i];
	}
	on_frames_.MakeCallback(self, {frames}, *context_);
}

} // namespace psp
