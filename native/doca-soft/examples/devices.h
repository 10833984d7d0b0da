/* What each of the examples begins with: a device by its PCI address, its DPDK port, and an end that says what did not go well. */
#pragma once

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <doca_dev.h>
#include <doca_error.h>
#include <rte_ethdev.h>
#include <rte_mbuf.h>

/* The example's name is its own: PROGRAM, before this file is included. */
static inline void must(doca_error_t result, const char *what)
{
	if (result == DOCA_SUCCESS)
		return;
	fprintf(stderr, PROGRAM ": %s: %s\n", what, doca_error_get_descr(result));
	exit(1);
}

static inline struct doca_dev *open_device(const char *pci)
{
	struct doca_devinfo **list;
	struct doca_dev *dev = NULL;
	uint32_t count;
	must(doca_devinfo_create_list(&list, &count), "list of devices");
	for (uint32_t i = 0; i < count && dev == NULL; i++) {
		uint8_t equal = 0;
		doca_devinfo_is_equal_pci_addr(list[i], pci, &equal);
		if (equal)
			must(doca_dev_open(list[i], &dev), "open device");
	}
	doca_devinfo_destroy_list(list);
	if (dev == NULL)
		must(DOCA_ERROR_NOT_FOUND, pci);
	return dev;
}

/* In switch mode DOCA itself starts the ports of representors. */
static inline void start_dpdk_port(uint16_t port)
{
	struct rte_eth_conf conf;
	char name[16];
	memset(&conf, 0, sizeof(conf));
	snprintf(name, sizeof(name), "pool%u", port);
	struct rte_mempool *pool = rte_pktmbuf_pool_create(name, 1023, 0, 0, 2304, SOCKET_ID_ANY);
	if (pool == NULL || rte_eth_dev_configure(port, 1, 1, &conf) != 0 ||
	    rte_eth_rx_queue_setup(port, 0, 256, SOCKET_ID_ANY, NULL, pool) != 0 ||
	    rte_eth_tx_queue_setup(port, 0, 256, SOCKET_ID_ANY, NULL) != 0 || rte_eth_dev_start(port) != 0)
		must(DOCA_ERROR_DRIVER, "start DPDK port");
}
