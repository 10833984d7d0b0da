// psp_ports.node: services of the kernel that the simulator's ports need and Node does not offer.
#include <napi.h>

#include <cerrno>
#include <cstring>
#include <netinet/in.h>
#include <netinet/udp.h>
#include <sys/socket.h>

#include "../../guard/guard_binding.h"
#include "packet_binding.h"
#include "tap_binding.h"

// Lets a UDP socket over IPv6, given by its descriptor, receive datagrams without a checksum, as tunnels may send them (RFC
// 6935).
static void accept_zero_checksum(const Napi::CallbackInfo &info)
{
	const int on = 1;
	const int fd = info[0].As<Napi::Number>().Int32Value();
	if (setsockopt(fd, SOL_UDP, UDP_NO_CHECK6_RX, &on, sizeof(on)) != 0) {
		throw Napi::Error::New(info.Env(), std::string("UDP_NO_CHECK6_RX: ") + std::strerror(errno));
	}
}

static Napi::Object initialize(Napi::Env env, Napi::Object exports)
{
	exports.Set("Tap", psp::TapBinding::define(env));
	exports.Set("PacketSocket", psp::PacketBinding::define(env));
	exports.Set("acceptZeroChecksum", Napi::Function::New(env, accept_zero_checksum));
	exports.Set("guard", guard::binding(env));
	return exports;
}

NODE_API_MODULE(psp_ports, initialize)
