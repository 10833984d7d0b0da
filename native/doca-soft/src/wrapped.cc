// Functions of DPDK as programs are to have them, of which the linker makes the program call these (module.pc.in: --wrap). The ports of
// devices are Ethernet devices of DPDK's ring driver, which cannot do all that a network card does, and EAL's end ends them.
#include <rte_eal.h>
#include <rte_errno.h>
#include <rte_ethdev.h>
#include <rte_flow.h>

#include <doca_compat.h>

#include "device.h"
#include "program_ports.h"

using namespace soft;

namespace {

// What the queues of a card spread packets by, and the octets of their hash's key.
constexpr uint64_t RSS_OFFLOADS = RTE_ETH_RSS_IP | RTE_ETH_RSS_UDP | RTE_ETH_RSS_TCP;
constexpr uint8_t RSS_KEY_OCTETS = 40;

bool is_of_a_device(uint16_t port)
{
	return device_of_port(port) != nullptr;
}

} // namespace

extern "C" {

DOCA_STABLE int __wrap_rte_eth_dev_info_get(uint16_t port, struct rte_eth_dev_info *info);
DOCA_STABLE int __wrap_rte_eth_dev_configure(uint16_t port, uint16_t rx_queues, uint16_t tx_queues,
					     const struct rte_eth_conf *conf);
DOCA_STABLE int __wrap_rte_eth_dev_is_valid_port(uint16_t port);
DOCA_STABLE uint16_t __wrap_rte_eth_dev_count_total(void);
DOCA_STABLE uint64_t __wrap_rte_eth_find_next_owned_by(uint16_t port, const uint64_t owner);
DOCA_STABLE uint16_t __wrap_rte_eth_find_next(uint16_t port);
DOCA_STABLE int __wrap_rte_eth_dev_stop(uint16_t port);
DOCA_STABLE int __wrap_rte_eth_dev_close(uint16_t port);
DOCA_STABLE int __wrap_rte_eth_hairpin_get_peer_ports(uint16_t port, uint16_t *peers, size_t count, uint32_t direction);
DOCA_STABLE int __wrap_rte_flow_isolate(uint16_t port, int set, struct rte_flow_error *error);
DOCA_STABLE int __wrap_rte_eal_cleanup(void);

int __wrap_rte_eth_dev_info_get(uint16_t port, struct rte_eth_dev_info *info)
{
	if (is_hidden(port))
		return -ENODEV;
	const int result = rte_eth_dev_info_get(port, info);
	if (result == 0 && is_of_a_device(port)) {
		info->flow_type_rss_offloads |= RSS_OFFLOADS;
		info->hash_key_size = RSS_KEY_OCTETS;
	}
	return result;
}

// Where packets go that the program is to have, pipes say. So that of the port's own RSS nothing is needed.
int __wrap_rte_eth_dev_configure(uint16_t port, uint16_t rx_queues, uint16_t tx_queues, const struct rte_eth_conf *conf)
{
	if (is_hidden(port))
		return -ENODEV;
	if (conf == nullptr || !is_of_a_device(port))
		return rte_eth_dev_configure(port, rx_queues, tx_queues, conf);
	if ((conf->rx_adv_conf.rss_conf.rss_hf & ~RSS_OFFLOADS) != 0)
		return -EINVAL;
	rte_eth_conf plain = *conf;
	plain.rxmode.mq_mode = RTE_ETH_MQ_RX_NONE;
	plain.rx_adv_conf.rss_conf = {};
	return rte_eth_dev_configure(port, rx_queues, tx_queues, &plain);
}

int __wrap_rte_eth_dev_is_valid_port(uint16_t port)
{
	return is_hidden(port) ? 0 : rte_eth_dev_is_valid_port(port);
}

uint16_t __wrap_rte_eth_dev_count_total(void)
{
	return static_cast<uint16_t>(rte_eth_dev_count_total() - hidden_ports());
}

uint64_t __wrap_rte_eth_find_next_owned_by(uint16_t port, const uint64_t owner)
{
	uint64_t next = rte_eth_find_next_owned_by(port, owner);
	while (next < RTE_MAX_ETHPORTS && is_hidden(static_cast<uint16_t>(next)))
		next = rte_eth_find_next_owned_by(static_cast<uint16_t>(next + 1), owner);
	return next;
}

uint16_t __wrap_rte_eth_find_next(uint16_t port)
{
	uint16_t next = rte_eth_find_next(port);
	while (next < RTE_MAX_ETHPORTS && is_hidden(next))
		next = rte_eth_find_next(static_cast<uint16_t>(next + 1));
	return next;
}

int __wrap_rte_eth_dev_stop(uint16_t port)
{
	return is_hidden(port) ? -ENODEV : rte_eth_dev_stop(port);
}

int __wrap_rte_eth_dev_close(uint16_t port)
{
	return is_hidden(port) ? -ENODEV : rte_eth_dev_close(port);
}

// A card knows hairpin queues, of which there are none here: programs up to 3.0 ask each port at their end.
int __wrap_rte_eth_hairpin_get_peer_ports(uint16_t port, uint16_t *peers, size_t count, uint32_t direction)
{
	return is_of_a_device(port) ? 0 : rte_eth_hairpin_get_peer_ports(port, peers, count, direction);
}

// Unmatched packets of a card go to the kernel, which stands behind no port here.
int __wrap_rte_flow_isolate(uint16_t port, int set, struct rte_flow_error *error)
{
	return is_of_a_device(port) ? 0 : rte_flow_isolate(port, set, error);
}

// Devices that the program has not closed yet are only closed afterwards.
int __wrap_rte_eal_cleanup(void)
{
	for (Device *device : open_devices())
		device->end_with_eal();
	return rte_eal_cleanup();
}

} // extern "C"
