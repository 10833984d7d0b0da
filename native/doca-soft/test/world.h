// A device between two rings, for programs that test by packets: "wire" is its uplink and "vf" its representor's port. The
// mapping file that DOCA_SOFT_CONFIG names must say port = net_ring_wire, and port = net_ring_vf of the representor vf0.
#pragma once

#include <cstring>
#include <string>
#include <unistd.h>
#include <utility>
#include <vector>

#include <doca_dev.h>
#include <doca_dpdk.h>
#include <doca_flow.h>
#include <doca_log.h>
#include <doca_soft.h>
#include <rte_eal.h>
#include <rte_eth_ring.h>
#include <rte_ethdev.h>
#include <rte_flow.h>
#include <rte_mbuf.h>
#include <rte_ring.h>

#include "by_release.h"
#include "check.h"

namespace world {

using Frame = std::vector<uint8_t>;

constexpr uint16_t RX_QUEUES = 2;
constexpr uint16_t PIPE_QUEUES = 2;
// Longer than any test may take: what waits so long does not come.
constexpr uint64_t FOREVER_MICROSECONDS = 3'600'000'000;
constexpr uint32_t QUIESCE_MILLISECONDS = 60'000;

struct Port {
	rte_ring *received;
	rte_ring *sent;
};

// How an operation on an entry ended.
struct Completion {
	uintptr_t ctx;
	uint16_t queue;
	bool succeeded;
	doca_flow_entry_op operation;
	bool operator==(const Completion &other) const
	{
		return ctx == other.ctx && queue == other.queue && succeeded == other.succeeded && operation == other.operation;
	}
};

inline rte_mempool *pool;
inline Port wire;
inline Port vf;
inline doca_dev *dev;
inline doca_dev_rep *rep;
inline uint16_t pf;
inline doca_flow_port *pf_port;
inline doca_flow_port *vf_port;
// What a test adds to the configuration of the library, and of the PF's port.
inline void (*configure_flow)(doca_flow_cfg *cfg);
inline void (*configure_port)(doca_flow_port_cfg *cfg);
inline std::vector<Completion> completions;

inline void entry_done(doca_flow_pipe_entry *, uint16_t queue, doca_flow_entry_status status, doca_flow_entry_op operation,
		       void *ctx)
{
	completions.push_back({reinterpret_cast<uintptr_t>(ctx), queue, status == DOCA_FLOW_ENTRY_STATUS_SUCCESS, operation});
}

// What has been reported since the last call.
inline std::vector<Completion> reported()
{
	return std::exchange(completions, {});
}

/* ---- Start and stop ---- */

inline void start_eal()
{
	doca_log_backend *log;
	OK(doca_log_backend_create_with_file_sdk(stderr, &log));
	const std::string prefix = "psp-world-" + std::to_string(getpid());
	const char *arguments[] = {"world", "-a00:00.0",      "--no-huge",	     "--no-shconf",   "-m",
				   "64",    "--no-telemetry", "--log-level=*:error", "--file-prefix", prefix.c_str()};
	CHECK(rte_eal_init(sizeof(arguments) / sizeof(arguments[0]), const_cast<char **>(arguments)) >= 0);
	CHECK(rte_flow_dynf_metadata_register() == 0);
	pool = rte_pktmbuf_pool_create("world", 1023, 0, 0, RTE_MBUF_DEFAULT_BUF_SIZE, SOCKET_ID_ANY);
	CHECK(pool != nullptr);
}

inline Port ring_port(const std::string &name)
{
	Port port{};
	port.received = rte_ring_create((name + "_rx").c_str(), 512, SOCKET_ID_ANY, 0);
	port.sent = rte_ring_create((name + "_tx").c_str(), 512, SOCKET_ID_ANY, 0);
	CHECK(port.received != nullptr && port.sent != nullptr);
	CHECK(rte_eth_from_rings(name.c_str(), &port.received, 1, &port.sent, 1, 0) >= 0);
	return port;
}

inline void open_device()
{
	doca_devinfo **devices;
	doca_devinfo_rep **representors;
	uint32_t count;
	OK(doca_devinfo_create_list(&devices, &count));
	OK(doca_dev_open(devices[0], &dev));
	doca_devinfo_destroy_list(devices);
	OK(doca_devinfo_rep_create_list(dev, DOCA_DEVINFO_REP_FILTER_NET, &representors, &count));
	OK(doca_dev_rep_open(representors[0], &rep));
	doca_devinfo_rep_destroy_list(representors);
}

inline void start_dpdk_port(uint16_t port, uint16_t queues)
{
	const rte_eth_conf conf = {};
	CHECK(rte_eth_dev_configure(port, queues, queues, &conf) == 0);
	for (uint16_t queue = 0; queue < queues; queue++) {
		CHECK(rte_eth_rx_queue_setup(port, queue, 64, SOCKET_ID_ANY, nullptr, pool) == 0);
		CHECK(rte_eth_tx_queue_setup(port, queue, 64, SOCKET_ID_ANY, nullptr) == 0);
	}
	CHECK(rte_eth_dev_start(port) == 0);
}

inline doca_error_t start_flow_port(uint16_t id, doca_dev *its_dev, doca_dev_rep *its_rep, doca_flow_port *&port)
{
	doca_flow_port_cfg *cfg;
	OK(doca_flow_port_cfg_create(&cfg));
	OK(set_port(cfg, id, its_dev, its_rep));
	if (configure_port != nullptr && its_dev != nullptr)
		configure_port(cfg);
	const doca_error_t result = doca_flow_port_start(cfg, &port);
	doca_flow_port_cfg_destroy(cfg);
	return result;
}

inline void start_flow()
{
	doca_flow_cfg *cfg;
	OK(doca_flow_cfg_create(&cfg));
	OK(doca_flow_cfg_set_mode_args(cfg, "switch,hws,isolated,expert"));
	OK(doca_flow_cfg_set_pipe_queues(cfg, PIPE_QUEUES));
	OK(doca_flow_cfg_set_cb_entry_process(cfg, entry_done));
	if (configure_flow != nullptr)
		configure_flow(cfg);
	OK(doca_flow_init(cfg));
	doca_flow_cfg_destroy(cfg);
	OK(start_flow_port(pf, dev, nullptr, pf_port));
	OK(start_flow_port(pf + 1, nullptr, rep, vf_port));
}

// EAL with the rings behind the ports, and the device with its started DPDK port: all that comes before DOCA Flow.
inline void start_device()
{
	start_eal();
	wire = ring_port("wire");
	vf = ring_port("vf");
	open_device();
	OK(probe_one(dev, rep, "vf0"));
	OK(doca_dpdk_get_first_port_id(dev, &pf));
	start_dpdk_port(pf, RX_QUEUES);
}

inline void start()
{
	start_device();
	start_flow();
}

inline void stop()
{
	OK(doca_flow_port_stop(vf_port));
	OK(doca_flow_port_stop(pf_port));
	doca_flow_destroy();
	OK(doca_dev_rep_close(rep));
	OK(doca_dev_close(dev));
	rte_eal_cleanup();
}

/* ---- Packets ---- */

// An Ethernet frame with a header of IPv6 from ::`source` to ::`destination`, and a payload.
inline Frame ip6_frame(uint8_t source, uint8_t destination, uint8_t protocol, const std::vector<uint8_t> &payload)
{
	Frame frame(14 + 40);
	frame[12] = 0x86;
	frame[13] = 0xdd;
	frame[14] = 0x60;
	frame[18] = static_cast<uint8_t>(payload.size() >> 8);
	frame[19] = static_cast<uint8_t>(payload.size());
	frame[20] = protocol;
	frame[21] = 64;
	frame[37] = source;
	frame[53] = destination;
	frame.insert(frame.end(), payload.begin(), payload.end());
	return frame;
}

inline rte_mbuf *mbuf_of(const Frame &frame)
{
	rte_mbuf *mbuf = rte_pktmbuf_alloc(pool);
	CHECK(mbuf != nullptr);
	char *room = rte_pktmbuf_append(mbuf, static_cast<uint16_t>(frame.size()));
	CHECK(room != nullptr);
	memcpy(room, frame.data(), frame.size());
	return mbuf;
}

inline Frame frame_of(const rte_mbuf *mbuf)
{
	const auto *octets = rte_pktmbuf_mtod(mbuf, const uint8_t *);
	return Frame(octets, octets + mbuf->pkt_len);
}

// Has a frame come in by a port, and waits until the device has done with it.
inline void arrive(const Port &port, const Frame &frame)
{
	CHECK(rte_ring_enqueue(port.received, mbuf_of(frame)) == 0);
	OK(doca_soft_quiesce(QUIESCE_MILLISECONDS));
}

inline std::vector<Frame> sent_by(const Port &port)
{
	std::vector<Frame> frames;
	void *mbuf;
	while (rte_ring_dequeue(port.sent, &mbuf) == 0) {
		frames.push_back(frame_of(static_cast<rte_mbuf *>(mbuf)));
		rte_pktmbuf_free(static_cast<rte_mbuf *>(mbuf));
	}
	return frames;
}

// The metadata of the packets that wait in a queue of the PF; they are freed.
inline std::vector<uint32_t> metadata_in(uint16_t queue)
{
	std::vector<uint32_t> metadata;
	rte_mbuf *mbufs[32];
	const uint16_t count = rte_eth_rx_burst(pf, queue, mbufs, 32);
	for (uint16_t i = 0; i < count; i++) {
		CHECK((mbufs[i]->ol_flags & RTE_MBUF_DYNFLAG_RX_METADATA) != 0);
		metadata.push_back(*RTE_FLOW_DYNF_METADATA(mbufs[i]));
		rte_pktmbuf_free(mbufs[i]);
	}
	return metadata;
}

/* ---- Pipes and entries, in the words of all releases ---- */

inline doca_flow_fwd forward_of(doca_flow_fwd_type type)
{
	doca_flow_fwd fwd = {};
	fwd.type = type;
	return fwd;
}

inline doca_flow_fwd to_pipe(doca_flow_pipe *pipe)
{
	doca_flow_fwd fwd = forward_of(DOCA_FLOW_FWD_PIPE);
	fwd.next_pipe = pipe;
	return fwd;
}

inline doca_flow_fwd to_queue(uint16_t &queue)
{
	doca_flow_resource_rss_cfg rss = {};
	rss.queues_array = &queue;
	rss.nr_queues = 1;
	doca_flow_fwd fwd;
	set_rss(&fwd, &rss);
	return fwd;
}

// A template that has each entry name the destination of its IPv6 packets; and an entry's match for it, of ::`destination`.
inline doca_flow_match match_on_address()
{
	doca_flow_match match = {};
	match.outer.l3_type = DOCA_FLOW_L3_TYPE_IP6;
	memset(match.outer.ip6.dst_ip, 0xff, sizeof(match.outer.ip6.dst_ip));
	return match;
}

inline doca_flow_match key(uint32_t destination)
{
	doca_flow_match match = {};
	match.outer.ip6.dst_ip[3] = rte_cpu_to_be_32(destination);
	return match;
}

struct ActionTemplate {
	doca_flow_actions *actions;
	doca_flow_actions *mask;
	doca_flow_action_descs *descs;
};

struct PipeOptions {
	doca_flow_pipe_type type = DOCA_FLOW_PIPE_BASIC;
	doca_flow_pipe_domain domain = DOCA_FLOW_PIPE_DOMAIN_DEFAULT;
	bool is_root = false;
	uint32_t entries = 16;
	doca_flow_match match = {};
	const doca_flow_match *match_mask = nullptr;
	doca_flow_actions *actions = nullptr;
	doca_flow_actions *actions_mask = nullptr;
	// Several, in the place of these actions.
	std::vector<ActionTemplate> templates = {};
	bool counted = false;
	doca_flow_monitor monitor = {};
	const doca_flow_fwd *fwd = nullptr;
	const doca_flow_fwd *miss = nullptr;
};

inline doca_error_t set_templates(doca_flow_pipe_cfg *cfg, const std::vector<ActionTemplate> &templates)
{
	std::vector<doca_flow_actions *> actions;
	std::vector<doca_flow_actions *> masks;
	std::vector<doca_flow_action_descs *> descs;
	for (const ActionTemplate &one : templates) {
		actions.push_back(one.actions);
		masks.push_back(one.mask);
		descs.push_back(one.descs);
	}
	// Descriptors may come without actions.
	doca_flow_actions **given = actions[0] == nullptr ? nullptr : actions.data();
	return doca_flow_pipe_cfg_set_actions(cfg, given, masks.data(), descs.data(), templates.size());
}

inline doca_error_t create(const PipeOptions &options, doca_flow_pipe *&pipe)
{
	doca_flow_pipe_cfg *cfg;
	OK(doca_flow_pipe_cfg_create(&cfg, pf_port));
	OK(doca_flow_pipe_cfg_set_name(cfg, "PIPE"));
	OK(doca_flow_pipe_cfg_set_type(cfg, options.type));
	OK(doca_flow_pipe_cfg_set_domain(cfg, options.domain));
	OK(doca_flow_pipe_cfg_set_is_root(cfg, options.is_root));
	OK(doca_flow_pipe_cfg_set_nr_entries(cfg, options.entries));
	OK(doca_flow_pipe_cfg_set_match(cfg, &options.match, options.match_mask));
	doca_flow_monitor monitor = options.monitor;
	if (options.counted)
		monitor.counter_type = DOCA_FLOW_RESOURCE_TYPE_NON_SHARED;
	OK(doca_flow_pipe_cfg_set_monitor(cfg, &monitor));
	OK(doca_flow_pipe_cfg_set_miss_counter(cfg, true));
	if (options.actions != nullptr)
		OK(doca_flow_pipe_cfg_set_actions(cfg, &options.actions,
						  options.actions_mask == nullptr ? nullptr : &options.actions_mask, nullptr, 1));
	if (!options.templates.empty())
		OK(set_templates(cfg, options.templates));
	const doca_error_t result = doca_flow_pipe_create(cfg, options.fwd, options.miss, &pipe);
	doca_flow_pipe_cfg_destroy(cfg);
	return result;
}

inline doca_error_t add_monitored(uint16_t queue, doca_flow_pipe *pipe, const doca_flow_match *match,
				  const doca_flow_actions *actions, const doca_flow_monitor *monitor, const doca_flow_fwd *fwd,
				  uintptr_t ctx, doca_flow_pipe_entry **entry)
{
	auto *user_ctx = reinterpret_cast<void *>(ctx);
#if DOCA_SOFT_RELEASE_ == 302
	return doca_flow_pipe_add_entry(queue, pipe, match, 0, actions, monitor, fwd, 0, user_ctx, entry);
#elif DOCA_SOFT_RELEASE_ < 303
	return doca_flow_pipe_add_entry(queue, pipe, match, actions, monitor, fwd, 0, user_ctx, entry);
#else
	return doca_flow_pipe_basic_add_entry(queue, pipe, match, 0, actions, monitor, fwd, 0, user_ctx, entry);
#endif
}

inline doca_error_t add_basic(uint16_t queue, doca_flow_pipe *pipe, const doca_flow_match *match,
			      const doca_flow_actions *actions, const doca_flow_fwd *fwd, uintptr_t ctx,
			      doca_flow_pipe_entry **entry)
{
	return add_monitored(queue, pipe, match, actions, nullptr, fwd, ctx, entry);
}

// Without a monitor that is given each entry has a counter of its own.
inline doca_error_t add_control(uint16_t queue, uint32_t priority, doca_flow_pipe *pipe, const doca_flow_match *match,
				const doca_flow_match *mask, const doca_flow_fwd *fwd, uintptr_t ctx,
				doca_flow_pipe_entry **entry, const doca_flow_monitor *given = nullptr)
{
	auto *user_ctx = reinterpret_cast<void *>(ctx);
	doca_flow_monitor monitor = {};
	monitor.counter_type = DOCA_FLOW_RESOURCE_TYPE_NON_SHARED;
	if (given != nullptr)
		monitor = *given;
#if DOCA_SOFT_RELEASE_ < 303
	return doca_flow_pipe_control_add_entry(queue, priority, pipe, match, mask, nullptr, nullptr, nullptr, nullptr, &monitor,
						fwd, user_ctx, entry);
#else
	return doca_flow_pipe_control_add_entry(queue, pipe, match, mask, nullptr, nullptr, nullptr, nullptr, &monitor, priority,
						fwd, user_ctx, entry);
#endif
}

inline doca_error_t update_monitor(uint16_t queue, doca_flow_pipe *pipe, const doca_flow_monitor *monitor,
				   doca_flow_pipe_entry *entry)
{
#if DOCA_SOFT_RELEASE_ < 302
	return doca_flow_pipe_update_entry(queue, pipe, nullptr, monitor, nullptr, DOCA_FLOW_NO_WAIT, entry);
#elif DOCA_SOFT_RELEASE_ < 303
	return doca_flow_pipe_update_entry(queue, pipe, 0, nullptr, monitor, nullptr, DOCA_FLOW_NO_WAIT, entry);
#else
	return doca_flow_pipe_basic_update_entry(queue, pipe, 0, nullptr, monitor, nullptr, 0, entry);
#endif
}

inline void process(uint16_t queue)
{
	OK(doca_flow_entries_process(pf_port, queue, FOREVER_MICROSECONDS, 0));
}

inline uint64_t packets_of(doca_flow_pipe_entry *entry)
{
	doca_flow_resource_query query = {};
	OK(doca_flow_resource_query_entry(entry, &query));
	return query.counter.total_pkts;
}

inline uint64_t misses_of(doca_flow_pipe *pipe)
{
	doca_flow_resource_query query = {};
	OK(doca_flow_resource_query_pipe_miss(pipe, &query));
	return query.counter.total_pkts;
}

} // namespace world
