// PacketSocket for JavaScript; src/hal-sim/ports/ports-addon.ts declares it.
#pragma once

#include <napi.h>

#include <memory>
#include <optional>

#include "event_poll.h"
#include "packet_socket.h"

namespace psp {

class PacketBinding : public Napi::ObjectWrap<PacketBinding> {
public:
	static Napi::Function define(Napi::Env env);

	// new PacketSocket(name, {mtuOctets, promiscuous, mac?}). Throws as PacketSocket does.
	explicit PacketBinding(const Napi::CallbackInfo &info);

private:
	Napi::Value mtu_octets(const Napi::CallbackInfo &info);
	Napi::Value trouble(const Napi::CallbackInfo &info);
	Napi::Value counters(const Napi::CallbackInfo &info);
	void start(const Napi::CallbackInfo &info);
	void send(const Napi::CallbackInfo &info);
	void close(const Napi::CallbackInfo &info);

	void poll(int status);
	void close_socket();
	PacketSocket &open_socket();

	std::optional<PacketSocket> socket_;
	std::optional<EventPoll> poll_;
	std::unique_ptr<Napi::AsyncContext> context_;
	Napi::FunctionReference on_frames_;
	// The frames of one turn of the event loop.
	WireFrames frames_;
};

} // namespace psp
