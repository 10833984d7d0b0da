// The application's calls from its start to the ports of DOCA Flow, and its end. application.cc says what this is.
#pragma once

#include <csignal>

#include <doca_flow_tune_server.h>
#include <rte_lcore.h>
#include <rte_mempool.h>

#include "world.h"

namespace application {

using namespace world;

constexpr uint32_t SESSIONS_MAX = 4;
constexpr uint32_t ACTIONS_MEMORY_OCTETS = 8388608u * 64;
constexpr uint16_t PF = 0;
constexpr uint16_t VF = 1;

/* ---- What its callback counts ---- */

// What the application gives each addition as user_ctx, one for each queue.
struct Status {
	bool failed;
	int processed;
	int wanted;
};
inline Status statuses[RTE_MAX_LCORE + 1];

inline void application_entry_done(doca_flow_pipe_entry *, uint16_t, doca_flow_entry_status status, doca_flow_entry_op operation,
				   void *ctx)
{
	if (operation != DOCA_FLOW_ENTRY_OP_ADD || ctx == nullptr)
		return;
	auto &to = *static_cast<Status *>(ctx);
	to.processed++;
	to.failed |= status != DOCA_FLOW_ENTRY_STATUS_SUCCESS;
}

/* ---- 1 to 9: log, device, EAL, DPDK's ports ---- */

inline uint16_t queues;
inline rte_mempool *packets;

inline void start_log()
{
	doca_log_backend *sdk;
	OK(doca_log_backend_create_standard());
	OK(doca_log_backend_create_with_file_sdk(stderr, &sdk));
	OK(doca_log_backend_set_sdk_level(sdk, DOCA_LOG_LEVEL_WARNING));
	signal(SIGINT, SIG_DFL);
}

inline void init_eal(const char *lcores)
{
	const std::string prefix = "psp-application-" + std::to_string(getpid());
	std::vector<const char *> arguments = {
		"",   "-a", "pci:00:00.0",    "--file-prefix",	    prefix.c_str(), "--no-huge", "--no-shconf",
		"-m", "64", "--no-telemetry", "--log-level=*:error"};
	if (lcores != nullptr)
		arguments.insert(arguments.end(), {"--lcores", lcores});
	CHECK(rte_eal_init(static_cast<int>(arguments.size()), const_cast<char **>(arguments.data())) >= 0);
}

inline void probe()
{
	OK(doca_dpdk_port_probe_with_representors(dev, "dv_flow_en=2,dv_xmeta_en=4,fdb_def_rule_en=0", &rep, 1));
}

inline void configure_port(uint16_t port)
{
	rte_eth_dev_info info = {};
	CHECK(rte_eth_dev_info_get(port, &info) == 0);
	if ((*info.dev_flags & RTE_ETH_DEV_REPRESENTOR) != 0)
		return;
	uint16_t mtu = 0;
	CHECK(rte_eth_dev_get_mtu(port, &mtu) == 0);
	static uint8_t key[40] = {0x6d, 0x5a};
	rte_eth_conf conf = {};
	conf.rxmode.mtu = mtu;
	conf.rxmode.mq_mode = queues > 1 ? RTE_ETH_MQ_RX_RSS : RTE_ETH_MQ_RX_NONE;
	conf.rx_adv_conf.rss_conf.rss_key = key;
	conf.rx_adv_conf.rss_conf.rss_key_len = sizeof(key);
	conf.rx_adv_conf.rss_conf.rss_hf = RTE_ETH_RSS_IP | RTE_ETH_RSS_UDP | RTE_ETH_RSS_TCP;
	CHECK((conf.rx_adv_conf.rss_conf.rss_hf & ~info.flow_type_rss_offloads) == 0);
	CHECK(queues <= info.max_rx_queues && queues <= info.max_tx_queues);
	CHECK(rte_eth_dev_configure(port, queues, queues, &conf) == 0);
	CHECK(rte_eth_promiscuous_enable(port) == 0);
	for (uint16_t queue = 0; queue < queues; queue++) {
		CHECK(rte_eth_rx_queue_setup(port, queue, 512, rte_eth_dev_socket_id(port), nullptr, packets) == 0);
		CHECK(rte_eth_tx_queue_setup(port, queue, 512, rte_eth_dev_socket_id(port), nullptr) == 0);
	}
	rte_flow_error error;
	CHECK(rte_flow_isolate(port, 1, &error) == 0);
	CHECK(rte_eth_dev_start(port) == 0);
}

inline void start_ports()
{
	const uint16_t count = rte_eth_dev_count_avail();
	CHECK(count == 2);
	rte_ether_addr mac;
	CHECK(rte_eth_macaddr_get(PF, &mac) == 0);
	uint8_t address[DOCA_DEVINFO_IPV6_ADDR_SIZE];
	OK(doca_devinfo_get_ipv6_addr(doca_dev_as_devinfo(dev), address, sizeof(address)));
	CHECK(doca_devinfo_get_ipv4_addr(doca_dev_as_devinfo(dev), address, DOCA_DEVINFO_IPV4_ADDR_SIZE) == DOCA_ERROR_NOT_FOUND);
	queues = static_cast<uint16_t>(rte_lcore_count());
	packets = rte_pktmbuf_pool_create("application", 1023, 0, 0, RTE_MBUF_DEFAULT_BUF_SIZE, SOCKET_ID_ANY);
	CHECK(packets != nullptr);
	pool = packets;
	CHECK(rte_flow_dynf_metadata_register() == 0);
	uint16_t configured = 0;
	for (uint16_t port = 0; configured < count; port++) {
		CHECK(port < RTE_MAX_ETHPORTS);
		if (!rte_eth_dev_is_valid_port(port))
			continue;
		configure_port(port);
		configured++;
	}
}

/* ---- 10 to 12: the library and its ports ---- */

inline uint32_t key_slots[SESSIONS_MAX];

inline void init_flow()
{
	doca_flow_cfg *cfg;
	OK(doca_flow_cfg_create(&cfg));
	OK(doca_flow_cfg_set_pipe_queues(cfg, static_cast<uint16_t>(queues + 1)));
	OK(doca_flow_cfg_set_cb_entry_process(cfg, application_entry_done));
#if DOCA_SOFT_RELEASE_ < 302
	OK(doca_flow_cfg_set_nr_counters(cfg, 2 * SESSIONS_MAX + 10));
	OK(doca_flow_cfg_set_mode_args(cfg, "switch,hws,isolated,expert"));
	OK(doca_flow_cfg_set_nr_shared_resource(cfg, SESSIONS_MAX + 1, DOCA_FLOW_SHARED_RESOURCE_PSP));
	OK(doca_flow_cfg_set_nr_shared_resource(cfg, 4, DOCA_FLOW_SHARED_RESOURCE_MIRROR));
	std::vector<uint16_t> all;
	for (uint16_t queue = 0; queue < queues; queue++)
		all.push_back(queue);
	doca_flow_resource_rss_cfg rss = {};
	rss.queues_array = all.data();
	rss.nr_queues = queues;
	OK(doca_flow_cfg_set_default_rss(cfg, &rss));
	doca_flow_tune_cfg *tune = nullptr;
	if (doca_flow_tune_cfg_create(&tune) == DOCA_SUCCESS) {
		OK(doca_flow_tune_cfg_set_profile(tune, DOCA_FLOW_TUNE_PROFILE_FULL));
		OK(doca_flow_cfg_set_tune_cfg(cfg, tune));
		OK(doca_flow_tune_cfg_destroy(tune));
	}
#else
	OK(doca_flow_cfg_set_mode_args(cfg, "switch,hws,expert"));
	OK(doca_flow_cfg_set_resource_mode(cfg, DOCA_FLOW_RESOURCE_MODE_PORT));
#endif
	OK(doca_flow_init(cfg));
	OK(doca_flow_cfg_destroy(cfg));
	doca_flow_tune_server_cfg *server;
	OK(doca_flow_tune_server_cfg_create(&server));
	const doca_error_t started = doca_flow_tune_server_init(server);
	CHECK(started == DOCA_SUCCESS || started == DOCA_ERROR_NOT_SUPPORTED);
	OK(doca_flow_tune_server_cfg_destroy(server));
}

inline void start_flow_port_of(uint16_t id, doca_dev *its_dev, doca_dev_rep *its_rep, doca_flow_port *&port)
{
	doca_flow_port_cfg *cfg;
	OK(doca_flow_port_cfg_create(&cfg));
	OK(doca_flow_port_cfg_set_port_id(cfg, id));
	OK(doca_flow_port_cfg_set_dev(cfg, its_dev));
	OK(doca_flow_port_cfg_set_dev_rep(cfg, its_rep));
	OK(doca_flow_port_cfg_set_actions_mem_size(cfg, ACTIONS_MEMORY_OCTETS));
#if DOCA_SOFT_RELEASE_ >= 302
	if (its_rep == nullptr) {
		OK(doca_flow_port_cfg_set_nr_resources(cfg, DOCA_FLOW_RESOURCE_COUNTER, 2 * SESSIONS_MAX + 10));
		OK(doca_flow_port_cfg_set_nr_resources(cfg, DOCA_FLOW_RESOURCE_PSP, SESSIONS_MAX));
	}
#endif
	OK(doca_flow_port_start(cfg, &port));
	OK(doca_flow_port_cfg_destroy(cfg));
}

inline void take_key_slots()
{
#if DOCA_SOFT_RELEASE_ < 302
	for (uint32_t i = 0; i < SESSIONS_MAX; i++)
		key_slots[i] = i + 1;
	OK(doca_flow_shared_resources_bind(DOCA_FLOW_SHARED_RESOURCE_PSP, key_slots, SESSIONS_MAX, pf_port));
#else
	for (uint32_t &slot : key_slots)
		OK(doca_flow_port_shared_resource_get(pf_port, DOCA_FLOW_SHARED_RESOURCE_PSP, &slot));
#endif
}

/* ---- 15: the end ---- */

inline void close_ports()
{
	uint32_t closed = 0;
	for (uint16_t port = RTE_MAX_ETHPORTS; port-- > 0;) {
		if (!rte_eth_dev_is_valid_port(port))
			continue;
		uint16_t peers[RTE_MAX_ETHPORTS];
		for (const uint32_t direction : {0, 1})
			CHECK(rte_eth_hairpin_get_peer_ports(port, peers, RTE_MAX_ETHPORTS, direction) == 0);
		CHECK(rte_eth_dev_stop(port) == 0 && rte_eth_dev_close(port) == 0);
		closed++;
	}
	CHECK(closed == 2);
}

inline void end()
{
	OK(doca_flow_port_stop(vf_port));
	OK(doca_flow_port_stop(pf_port));
	CHECK(rte_mempool_avail_count(pool) == pool->size);
	doca_flow_tune_server_destroy();
	doca_flow_destroy();
	close_ports();
#if DOCA_SOFT_RELEASE_ >= 303
	CHECK(rte_eal_cleanup() == 0);
	doca_dev *same;
	OK(doca_dpdk_port_as_dev(PF, &same));
	CHECK(same == dev);
#endif
	OK(doca_dev_rep_close(rep));
	OK(doca_dev_close(dev));
#if DOCA_SOFT_RELEASE_ < 303
	CHECK(rte_eal_cleanup() == 0);
#endif
}

} // namespace application
