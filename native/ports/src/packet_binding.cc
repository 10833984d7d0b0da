#include "packet_binding.h"

#include <algorithm>
#include <string>
#include <utility>
#include <vector>

#include "arguments.h"

namespace psp {
namespace {

// Per turn of the event loop, so that other work in it does not wait longer.
constexpr size_t TURN_FRAMES = 512;

PacketSocketOptions options_of(const Napi::Value &value)
{
	if (!value.IsObject())
		throw Napi::TypeError::New(value.Env(), "PacketSocket: expected options");
	const auto object = value.As<Napi::Object>();
	const Napi::Value mtu = object.Get("mtuOctets");
	const Napi::Value promiscuous = object.Get("promiscuous");
	if (!mtu.IsNumber() || !promiscuous.IsBoolean())
		throw Napi::TypeError::New(value.Env(), "PacketSocket: expected mtuOctets and promiscuous");
	PacketSocketOptions options{mtu.As<Napi::Number>().Uint32Value(), promiscuous.As<Napi::Boolean>(), std::nullopt};
	const Napi::Value mac = object.Get("mac");
	if (!mac.IsUndefined()) {
		const auto octets = octets_of(mac, "mac");
		if (octets.size() != 6)
			throw Napi::TypeError::New(value.Env(), "mac: expected 6 octets");
		std::copy(octets.begin(), octets.end(), options.mac.emplace().begin());
	}
	return options;
}

} // namespace

Napi::Function PacketBinding::define(Napi::Env env)
{
	return DefineClass(env, "PacketSocket",
			   {
				   InstanceAccessor<&PacketBinding::mtu_octets>("mtuOctets"),
				   InstanceMethod<&PacketBinding::trouble>("trouble"),
				   InstanceMethod<&PacketBinding::counters>("counters"),
				   InstanceMethod<&PacketBinding::start>("start"),
				   InstanceMethod<&PacketBinding::send>("send"),
				   InstanceMethod<&PacketBinding::close>("close"),
			   });
}

PacketBinding::PacketBinding(const Napi::CallbackInfo &info) : Napi::ObjectWrap<PacketBinding>(info)
{
	socket_.emplace(interface_name_of(info[0]), options_of(info[1]));
}

PacketSocket &PacketBinding::open_socket()
{
	if (!socket_)
		throw Napi::Error::New(Env(), "the interface is closed");
	return *socket_;
}

Napi::Value PacketBinding::mtu_octets(const Napi::CallbackInfo &info)
{
	return Napi::Number::New(info.Env(), open_socket().mtu_octets());
}

Napi::Value PacketBinding::trouble(const Napi::CallbackInfo &info)
{
	const std::string trouble = open_socket().trouble();
	return trouble.empty() ? info.Env().Undefined() : Napi::String::New(info.Env(), trouble);
}

Napi::Value PacketBinding::counters(const Napi::CallbackInfo &info)
{
	const PacketCounters counters = open_socket().counters();
	auto object = Napi::Object::New(info.Env());
	const std::pair<const char *, uint64_t> values[] = {
		{"received", counters.received},
		{"sent", counters.sent},
		{"kernelDropped", counters.kernel_dropped},
		{"tooBig", counters.too_big},
		{"notUnderstood", counters.not_understood},
		{"queueFull", counters.queue_full},
		{"sendErrors", counters.send_errors},
	};
	for (const auto &[name, value] : values)
		object.Set(name, Napi::Number::New(info.Env(), static_cast<double>(value)));
	return object;
}

void PacketBinding::start(const Napi::CallbackInfo &info)
{
	const Napi::Env env = info.Env();
	PacketSocket &socket = open_socket();
	if (poll_)
		throw Napi::Error::New(env, "the interface is started already");
	const Napi::Function on_frames = function_of(info[0], "onFrames");
	socket.start();
	on_frames_ = Napi::Persistent(on_frames);
	context_ = std::make_unique<Napi::AsyncContext>(env, "psp.PacketSocket", Value());
	poll_.emplace(
		env, socket.fd(), [this](int status) { poll(status); }, [this] { close_socket(); });
	Ref();
	poll_->resume();
}

void PacketBinding::send(const Napi::CallbackInfo &info)
{
	if (!info[0].IsArray())
		throw Napi::TypeError::New(info.Env(), "send: expected an array of frames");
	PacketSocket &socket = open_socket();
	const auto frames = info[0].As<Napi::Array>();
	const uint32_t count = frames.Length();
	std::vector<std::span<const uint8_t>> octets;
	octets.reserve(std::min<size_t>(count, TURN_FRAMES));
	for (uint32_t i = 0; i < count;) {
		// One scope per batch: a long burst would otherwise keep all its handles until the end.
		const Napi::HandleScope scope(info.Env());
		octets.clear();
		for (; i < count && octets.size() < TURN_FRAMES; i++)
			octets.push_back(octets_of(frames[i], "send"));
		socket.send(octets);
	}
}

void PacketBinding::close(const Napi::CallbackInfo &)
{
	close_socket();
}

void PacketBinding::close_socket()
{
	if (poll_) {
		poll_.reset();
		on_frames_.Reset();
		context_.reset();
		Unref();
	}
	socket_.reset();
}

void PacketBinding::poll(int status)
{
	const Napi::Env env = Env();
	// Keeps this object alive when a handler closes it.
	const Napi::Object self = Value();
	if (status < 0) {
		// The interface went down or away. Frames come again once it is up; of one that is away, none come.
		socket_->clear_error();
		poll_->resume();
	}
	frames_.octets.clear();
	frames_.lengths.clear();
	socket_->receive(frames_, TURN_FRAMES);
	if (frames_.lengths.empty())
		return;
	auto memory = Napi::ArrayBuffer::New(env, frames_.octets.size());
	std::copy(frames_.octets.begin(), frames_.octets.end(), static_cast<uint8_t *>(memory.Data()));
	auto lengths = Napi::Uint32Array::New(env, frames_.lengths.size());
	std::copy(frames_.lengths.begin(), frames_.lengths.end(), lengths.Data());
	on_frames_.MakeCallback(self, {memory, lengths}, *context_);
}

} // namespace psp
