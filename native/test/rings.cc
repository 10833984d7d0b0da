// For tests: DPDK ports made of rings in this process, behind the software DOCA, whose far ends JavaScript uses.
#include <napi.h>

#include <algorithm>
#include <atomic>
#include <chrono>
#include <map>
#include <memory>
#include <sched.h>
#include <string>
#include <thread>
#include <vector>

#include <doca_log.h>
#include <doca_soft.h>
#include <rte_cycles.h>
#include <rte_dev.h>
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
	// Named from the port's point of view.
	rte_ring *received;
	rte_ring *sent;
};

std::map<std::string, Port> ports;
rte_mempool *pool = nullptr;

[[noreturn]] void fail(Napi::Env env, const std::string &what)
{
	throw Napi::Error::New(env, what + ": " + rte_strerror(rte_errno));
}

// Argument: EAL's arguments.
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
	// EAL has pinned this thread, which is JavaScript's: undo that.
	sched_setaffinity(0, sizeof(affinity), &affinity);
	pool = rte_pktmbuf_pool_create("test_frames", BUFFERS, 250, 0, FRAME_OCTETS_MAX + RTE_PKTMBUF_HEADROOM, SOCKET_ID_ANY);
	if (pool == nullptr)
		fail(info.Env(), "rte_pktmbuf_pool_create");
}

// Argument: a port's name. Returns the name of its Ethernet device.
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

// Arguments: a port, and frames that come in by it.
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
			std::copy_n(frame.Data(), frame.ByteLength(), room);
		if (room == nullptr || rte_ring_enqueue(port.received, mbuf) != 0) {
			rte_pktmbuf_free(mbuf);
			throw Napi::Error::New(info.Env(), "the frame is too large, or the ring is full");
		}
	}
}

// Argument: a port. Returns the frames that have left by it.
Napi::Value take(const Napi::CallbackInfo &info)
{
	const Port &port = port_of(info);
	Napi::Array frames = Napi::Array::New(info.Env());
	void *item;
	for (uint32_t i = 0; rte_ring_dequeue(port.sent, &item) == 0; i++) {
		auto *mbuf = static_cast<rte_mbuf *>(item);
		Napi::Uint8Array frame = Napi::Uint8Array::New(info.Env(), mbuf->pkt_len);
		std::copy_n(rte_pktmbuf_mtod(mbuf, const uint8_t *), mbuf->pkt_len, frame.Data());
		rte_pktmbuf_free(mbuf);
		frames.Set(i, frame);
	}
	return frames;
}

// Argument: a port, whose waiting frames are dropped.
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

// Argument: a DPDK port of a device. Returns how many packets the device has given to RSS.
Napi::Value rss_packets(const Napi::CallbackInfo &info)
{
	uint64_t packets = 0;
	doca_soft_rss_packets(static_cast<uint16_t>(info[0].As<Napi::Number>().Uint32Value()), &packets);
	return Napi::Number::New(info.Env(), static_cast<double>(packets));
}

// Argument: a DPDK port of a device. Returns how its program has set the device up.
Napi::Value set_up(const Napi::CallbackInfo &info)
{
	doca_soft_set_up found{};
	if (doca_soft_get_set_up(static_cast<uint16_t>(info[0].As<Napi::Number>().Uint32Value()), &found) != DOCA_SUCCESS)
		throw Napi::Error::New(info.Env(), "doca_soft_get_set_up");
	Napi::Object result = Napi::Object::New(info.Env());
	Napi::Array queues = Napi::Array::New(info.Env());
	for (uint32_t i = 0; i < found.default_rss_count; i++)
		queues.Set(i, Napi::Number::New(info.Env(), found.default_rss[i]));
	result.Set("promiscuous", Napi::Boolean::New(info.Env(), found.promiscuous == 1));
	result.Set("defaultRss", queues);
	result.Set("egressRootDomain", Napi::Number::New(info.Env(), found.egress_root_domain));
	return result;
}

// Arguments: a seed, and how many of 1000 operations on entries fail.
void set_faults(const Napi::CallbackInfo &info)
{
	if (doca_soft_set_faults(info[0].As<Napi::Number>().Uint32Value(), info[1].As<Napi::Number>().Uint32Value()) !=
	    DOCA_SUCCESS)
		throw Napi::Error::New(info.Env(), "doca_soft_set_faults");
}

// Arguments: the library's name, octets, whether to open, seconds. Returns {perSecond, engine}.
Napi::Value measure_aead(const Napi::CallbackInfo &info)
{
	double per_second = 0;
	const char *engine = "";
	const std::string crypto = info[0].As<Napi::String>().Utf8Value();
	if (doca_soft_measure_aead(crypto.c_str(), info[1].As<Napi::Number>().Uint32Value(),
				   info[2].As<Napi::Boolean>().Value() ? 1 : 0, info[3].As<Napi::Number>().DoubleValue(),
				   &per_second, &engine) != DOCA_SUCCESS)
		throw Napi::Error::New(info.Env(), "doca_soft_measure_aead");
	Napi::Object result = Napi::Object::New(info.Env());
	result.Set("perSecond", Napi::Number::New(info.Env(), per_second));
	result.Set("engine", Napi::String::New(info.Env(), engine));
	return result;
}

// ---- For benchmarks: ports of net_null, whose frames are made in the device's own thread ----

struct Source {
	// The frames that come in by turns; none while it is empty. Changed only while no device polls it.
	std::vector<std::vector<uint8_t>> frames;
	size_t next = 0;
	// Octets that differ from packet to packet when there is a single frame, and their offset in it.
	std::vector<uint8_t> patches;
	size_t patch_octets = 0;
	size_t patch_at = 0;
	size_t next_patch = 0;
	std::atomic<bool> flowing{false};
	// The device's time that went into making frames.
	std::atomic<uint64_t> cycles{0};
	const rte_eth_rxtx_callback *callback = nullptr;
};

std::map<std::string, std::unique_ptr<Source>> sources;

uint16_t fill(uint16_t, uint16_t, rte_mbuf **mbufs, uint16_t count, uint16_t, void *context)
{
	auto &source = *static_cast<Source *>(context);
	if (!source.flowing.load(std::memory_order_acquire)) {
		rte_pktmbuf_free_bulk(mbufs, count);
		return 0;
	}
	const uint64_t start = rte_rdtsc_precise();
	for (uint16_t i = 0; i < count; i++) {
		const std::vector<uint8_t> &frame = source.frames[source.next];
		source.next = source.next + 1 == source.frames.size() ? 0 : source.next + 1;
		// Prefetch the next frame.
		__builtin_prefetch(source.frames[source.next].data());
		mbufs[i]->data_len = static_cast<uint16_t>(frame.size());
		mbufs[i]->pkt_len = static_cast<uint32_t>(frame.size());
		uint8_t *octets = rte_pktmbuf_mtod(mbufs[i], uint8_t *);
		memcpy(octets, frame.data(), frame.size());
		if (source.patch_octets > 0) {
			memcpy(octets + source.patch_at, source.patches.data() + source.next_patch, source.patch_octets);
			source.next_patch += source.patch_octets;
			if (source.next_patch == source.patches.size())
				source.next_patch = 0;
		}
	}
	source.cycles.store(source.cycles.load(std::memory_order_relaxed) + rte_rdtsc_precise() - start,
			    std::memory_order_relaxed);
	return count;
}

// Arguments: a number, and whether frames come in by the device. Returns the name of a net_null device.
Napi::Value create_null(const Napi::CallbackInfo &info)
{
	const std::string name = "net_null" + info[0].As<Napi::String>().Utf8Value();
	const bool receives = info[1].As<Napi::Boolean>().Value();
	if (rte_eal_hotplug_add("vdev", name.c_str(), receives ? "size=64,copy=0" : "no-rx=1") != 0)
		fail(info.Env(), name);
	sources[name] = std::make_unique<Source>();
	return Napi::String::New(info.Env(), name);
}

// Argument: the name of a started net_null device, whose frames come from its source from now on.
void attach_source(const Napi::CallbackInfo &info)
{
	const std::string name = info[0].As<Napi::String>().Utf8Value();
	Source &source = *sources.at(name);
	uint16_t port = 0;
	if (rte_eth_dev_get_port_by_name(name.c_str(), &port) != 0)
		fail(info.Env(), name);
	// A callback of an earlier device may still exist, or not.
	if (source.callback != nullptr)
		rte_eth_remove_rx_callback(port, 0, source.callback);
	source.callback = rte_eth_add_rx_callback(port, 0, fill, &source);
	if (source.callback == nullptr)
		fail(info.Env(), name);
}

// Reads, from the third argument on, frames, patches of a single frame, and the patches' offset in it.
void load_source(Source &source, const Napi::CallbackInfo &info)
{
	source.frames.clear();
	source.next = 0;
	const auto array = info[2].As<Napi::Array>();
	for (uint32_t i = 0; i < array.Length(); i++) {
		const auto frame = array.Get(i).As<Napi::Uint8Array>();
		source.frames.emplace_back(frame.Data(), frame.Data() + frame.ByteLength());
	}
	source.patches.clear();
	source.next_patch = 0;
	source.patch_octets = 0;
	const auto patches = info[3].As<Napi::Array>();
	for (uint32_t i = 0; i < patches.Length(); i++) {
		const auto patch = patches.Get(i).As<Napi::Uint8Array>();
		source.patch_octets = patch.ByteLength();
		source.patches.insert(source.patches.end(), patch.Data(), patch.Data() + patch.ByteLength());
	}
	source.patch_at = info[4].As<Napi::Number>().Uint32Value();
}

// Argument: seconds. Returns how many buffers per second are allocated and freed.
Napi::Value measure_buffers(const Napi::CallbackInfo &info)
{
	const std::chrono::duration<double> seconds(info[0].As<Napi::Number>().DoubleValue());
	constexpr uint16_t BURST = 64;
	rte_mbuf *mbufs[BURST];
	uint64_t taken = 0;
	const auto start = std::chrono::steady_clock::now();
	std::chrono::duration<double> passed{};
	while (passed < seconds) {
		for (int round = 0; round < 16 && rte_pktmbuf_alloc_bulk(pool, mbufs, BURST) == 0; round++) {
			taken += BURST;
			rte_pktmbuf_free_bulk(mbufs, BURST);
		}
		passed = std::chrono::steady_clock::now() - start;
	}
	return Napi::Number::New(info.Env(), static_cast<double>(taken) / passed.count());
}

// Sends frames into one net_null device, over and over, as fast as they are taken. Arguments: the device that they come in by, the
// one that they leave by, frames, patches of a single frame, the patches' offset, seconds. Returns how many frames left per second
// of the device's time, without the time of making them.
Napi::Value flood(const Napi::CallbackInfo &info)
{
	const std::string in = info[0].As<Napi::String>().Utf8Value();
	const std::string out = info[1].As<Napi::String>().Utf8Value();
	Source &source = *sources.at(in);
	load_source(source, info);
	uint16_t out_port = 0;
	rte_eth_dev_get_port_by_name(out.c_str(), &out_port);
	const std::chrono::duration<double> seconds(info[5].As<Napi::Number>().DoubleValue());
	const auto sent = [out_port] {
		rte_eth_stats stats{};
		rte_eth_stats_get(out_port, &stats);
		return stats.opackets;
	};
	source.flowing.store(true, std::memory_order_release);
	// Warm tables and caches first.
	std::this_thread::sleep_for(seconds * 0.3);
	const uint64_t before = sent();
	const uint64_t cycles = source.cycles.load();
	const auto start = std::chrono::steady_clock::now();
	std::this_thread::sleep_for(seconds);
	const uint64_t after = sent();
	const std::chrono::duration<double> passed = std::chrono::steady_clock::now() - start;
	const double making = static_cast<double>(source.cycles.load() - cycles) / static_cast<double>(rte_get_tsc_hz());
	source.flowing.store(false, std::memory_order_release);
	doca_soft_quiesce(10000);
	return Napi::Number::New(info.Env(), static_cast<double>(after - before) / (passed.count() - making));
}

// Logs a message as applications do, through DOCA's log.
void log_as_application(const Napi::CallbackInfo &info)
{
	const std::string text = info[0].As<Napi::String>().Utf8Value();
	int source = 0;
	doca_log_register_source("TEST", &source);
	doca_log(DOCA_LOG_LEVEL_INFO, source, __FILE__, __LINE__, __func__, "%s", text.c_str());
}

Napi::Object initialize(Napi::Env env, Napi::Object exports)
{
	exports.Set("logAsApplication", Napi::Function::New(env, log_as_application));
	exports.Set("start", Napi::Function::New(env, start));
	exports.Set("createPort", Napi::Function::New(env, create_port));
	exports.Set("inject", Napi::Function::New(env, inject));
	exports.Set("take", Napi::Function::New(env, take));
	exports.Set("drain", Napi::Function::New(env, drain));
	exports.Set("quiesce", Napi::Function::New(env, quiesce));
	exports.Set("rssPackets", Napi::Function::New(env, rss_packets));
	exports.Set("setUp", Napi::Function::New(env, set_up));
	exports.Set("setFaults", Napi::Function::New(env, set_faults));
	exports.Set("measureAead", Napi::Function::New(env, measure_aead));
	exports.Set("createNull", Napi::Function::New(env, create_null));
	exports.Set("attachSource", Napi::Function::New(env, attach_source));
	exports.Set("flood", Napi::Function::New(env, flood));
	exports.Set("measureBuffers", Napi::Function::New(env, measure_buffers));
	return exports;
}

} // namespace

NODE_API_MODULE(psp_gateway_test_rings, initialize)
