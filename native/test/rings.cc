// For tests: DPDK ports of rings in this process, whose far ends are in JavaScript's hands, behind the software DOCA.
#include <napi.h>

#include <chrono>
#include <map>
#include <memory>
#include <sched.h>
#include <string>
#include <vector>

#include <doca_soft.h>
#include <rte_eal.h>
#include <rte_errno.h>
#include <rte_eth_ring.h>
#include <rte_ethdev.h>
#include <rte_mbuf.h>
#include <rte_ring.h>

namespace {

constexpr unsigned RING_PACKETS = 4096;
constexpr unsigned BUFFERS = 8191;
constexpr uint16_t FRAME_OCTETS_MAX = 10240;

struct Port {
	// Seen from the port.
	rte_ring *received;
	rte_ring *sent;
};

std::map<std::string, Port> ports;
rte_mempool *pool = nullptr;

[[noreturn]] void fail(Napi::Env env, const std::string &what)
{
	throw Napi::Error::New(env, what + ": " + rte_strerror(rte_errno));
}

// EAL's arguments.
void start(const Napi::CallbackInfo &info)
{
	const auto given = info[0].As<Napi::Array>();
	std::vector<std::string> arguments;
	for (uint32_t i = 0; i < given.Length(); i++)
		arguments.push_back(given.Get(i).As<Napi::String>().Utf8Value());
	std::vector<char *> argv;
	for (std::string &argument : arguments)
		argv.push_back(argument.data());
	cpu_set_t affinity;
	sched_getaffinity(0, sizeof(affinity), &affinity);
	if (rte_eal_init(static_cast<int>(argv.size()), argv.data()) < 0)
		fail(info.Env(), "rte_eal_init");
	// This is JavaScript's thread, which EAL has just pinned.
	sched_setaffinity(0, sizeof(affinity), &affinity);
	pool = rte_pktmbuf_pool_create("test_frames", BUFFERS, 250, 0, FRAME_OCTETS_MAX + RTE_PKTMBUF_HEADROOM, SOCKET_ID_ANY);
	if (pool == nullptr)
		fail(info.Env(), "rte_pktmbuf_pool_create");
}

// A port's name; returns the name of its Ethernet device.
Napi::Value create_port(const Napi::CallbackInfo &info)
{
	const std::string name = info[0].As<Napi::String>().Utf8Value();
	Port port{};
	port.received = rte_ring_create((name + "_rx").c_str(), RING_PACKETS, SOCKET_ID_ANY, RING_F_SP_ENQ | RING_F_SC_DEQ);
	port.sent = rte_ring_create((name + "_tx").c_str(), RING_PACKETS, SOCKET_ID_ANY, RING_F_SP_ENQ | RING_F_SC_DEQ);
	if (port.received == nullptr || port.sent == nullptr)
		fail(info.Env(), "rte_ring_create");
	if (rte_eth_from_rings(name.c_str(), &port.received, 1, &port.sent, 1, 0) < 0)
		fail(info.Env(), "rte_eth_from_rings");
	ports[name] = port;
	return Napi::String::New(info.Env(), "net_ring_" + name);
}

const Port &port_of(const Napi::CallbackInfo &info)
{
	const auto found = ports.find(info[0].As<Napi::String>().Utf8Value());
	if (found == ports.end())
		throw Napi::Error::New(info.Env(), "there is no such port");
	return found->second;
}

// A port and frames that come in by it.
void inject(const Napi::CallbackInfo &info)
{
	const Port &port = port_of(info);
	const auto frames = info[1].As<Napi::Array>();
	for (uint32_t i = 0; i < frames.Length(); i++) {
		const auto frame = frames.Get(i).As<Napi::Uint8Array>();
		rte_mbuf *mbuf = rte_pktmbuf_alloc(pool);
		if (mbuf == nullptr)
			throw Napi::Error::New(info.Env(), "no buffers left");
		char *room = rte_pktmbuf_append(mbuf, static_cast<uint16_t>(frame.ByteLength()));
		if (room != nullptr)
			memcpy(room, frame.Data(), frame.ByteLength());
		if (room == nullptr || rte_ring_enqueue(port.received, mbuf) != 0) {
			rte_pktmbuf_free(mbuf);
			throw Napi::Error::New(info.Env(), "the frame is too large, or the ring is full");
		}
	}
}

// A port; the frames that have left by it.
Napi::Value take(const Napi::CallbackInfo &info)
{
	const Port &port = port_of(info);
	Napi::Array frames = Napi::Array::New(info.Env());
	void *item;
	for (uint32_t i = 0; rte_ring_dequeue(port.sent, &item) == 0; i++) {
		auto *mbuf = static_cast<rte_mbuf *>(item);
		Napi::Uint8Array frame = Napi::Uint8Array::New(info.Env(), mbuf->pkt_len);
		memcpy(frame.Data(), rte_pktmbuf_mtod(mbuf, void *), mbuf->pkt_len);
		rte_pktmbuf_free(mbuf);
		frames.Set(i, frame);
	}
	return frames;
}

// A port; forgets what waits in it.
void drain(const Napi::CallbackInfo &info)
{
	const Port &port = port_of(info);
	void *item;
	for (rte_ring *ring : {port.received, port.sent}) {
		while (rte_ring_dequeue(ring, &item) == 0)
			rte_pktmbuf_free(static_cast<rte_mbuf *>(item));
	}
}

void quiesce(const Napi::CallbackInfo &info)
{
	if (doca_soft_quiesce(10000) != DOCA_SUCCESS)
		throw Napi::Error::New(info.Env(), "the devices do not come to rest");
}

// A DPDK port of a device; the packets that it has given to RSS.
Napi::Value rss_packets(const Napi::CallbackInfo &info)
{
	uint64_t packets = 0;
	doca_soft_rss_packets(static_cast<uint16_t>(info[0].As<Napi::Number>().Uint32Value()), &packets);
	return Napi::Number::New(info.Env(), static_cast<double>(packets));
}

// Library's name, octets, whether to open, seconds; {perSecond, engine}.
Napi::Value measure_aead(const Napi::CallbackInfo &info)
{
	double per_second = 0;
	const char *engine = "";
	const std::string crypto = info[0].As<Napi::String>().Utf8Value();
	if (doca_soft_measure_aead(crypto.c_str(), info[1].As<Napi::Number>().Uint32Value(), info[2].As<Napi::Boolean>().Value() ? 1 : 0,
				   info[3].As<Napi::Number>().DoubleValue(), &per_second, &engine) != DOCA_SUCCESS)
		throw Napi::Error::New(info.Env(), "doca_soft_measure_aead");
	Napi::Object result = Napi::Object::New(info.Env());
	result.Set("perSecond", Napi::Number::New(info.Env(), per_second));
	result.Set("engine", Napi::String::New(info.Env(), engine));
	return result;
}

// Frames into one port, over and over, as fast as they are taken, and out of another, from this thread on a processor of its
// own: in port, out port, frames, seconds, processor. Packets per second that came out.
Napi::Value flood(const Napi::CallbackInfo &info)
{
	const Port in = port_of(info);
	const Port out = ports.at(info[1].As<Napi::String>().Utf8Value());
	const auto array = info[2].As<Napi::Array>();
	std::vector<std::vector<uint8_t>> frames;
	for (uint32_t i = 0; i < array.Length(); i++) {
		const auto frame = array.Get(i).As<Napi::Uint8Array>();
		frames.emplace_back(frame.Data(), frame.Data() + frame.ByteLength());
	}
	const double seconds = info[3].As<Napi::Number>().DoubleValue();
	cpu_set_t former;
	cpu_set_t own;
	sched_getaffinity(0, sizeof(former), &former);
	CPU_ZERO(&own);
	CPU_SET(info[4].As<Napi::Number>().Uint32Value(), &own);
	sched_setaffinity(0, sizeof(own), &own);

	constexpr unsigned BURST = 64;
	rte_mbuf *mbufs[BURST];
	uint64_t sent = 0;
	size_t next = 0;
	const auto start = std::chrono::steady_clock::now();
	std::chrono::duration<double> passed{};
	double measured_from = -1;
	while (passed.count() < seconds * 1.2) {
		// The first sixth of the time fills tables and caches.
		passed = std::chrono::steady_clock::now() - start;
		if (measured_from < 0 && passed.count() > seconds * 0.2) {
			measured_from = passed.count();
			sent = 0;
		}
		for (int round = 0; round < 16; round++) {
			if (rte_ring_free_count(in.received) >= BURST && rte_pktmbuf_alloc_bulk(pool, mbufs, BURST) == 0) {
				for (rte_mbuf *mbuf : mbufs) {
					const std::vector<uint8_t> &frame = frames[next];
					next = next + 1 == frames.size() ? 0 : next + 1;
					memcpy(rte_pktmbuf_append(mbuf, static_cast<uint16_t>(frame.size())), frame.data(), frame.size());
				}
				rte_ring_enqueue_bulk(in.received, reinterpret_cast<void **>(mbufs), BURST, nullptr);
			}
			const unsigned taken = rte_ring_dequeue_burst(out.sent, reinterpret_cast<void **>(mbufs), BURST, nullptr);
			rte_pktmbuf_free_bulk(mbufs, taken);
			sent += taken;
		}
	}
	sched_setaffinity(0, sizeof(former), &former);
	return Napi::Number::New(info.Env(), static_cast<double>(sent) / (passed.count() - measured_from));
}

Napi::Object initialize(Napi::Env env, Napi::Object exports)
{
	exports.Set("start", Napi::Function::New(env, start));
	exports.Set("createPort", Napi::Function::New(env, create_port));
	exports.Set("inject", Napi::Function::New(env, inject));
	exports.Set("take", Napi::Function::New(env, take));
	exports.Set("drain", Napi::Function::New(env, drain));
	exports.Set("quiesce", Napi::Function::New(env, quiesce));
	exports.Set("rssPackets", Napi::Function::New(env, rss_packets));
	exports.Set("measureAead", Napi::Function::New(env, measure_aead));
	exports.Set("flood", Napi::Function::New(env, flood));
	return exports;
}

} // namespace

NODE_API_MODULE(psp_gateway_test_rings, initialize)
