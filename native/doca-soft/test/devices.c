/*
 * Prints what the software DOCA reads from its mapping file, for test/native/mapping.test.ts.
 *
 *     devices                      the PCI addresses of its devices, or the error and the log
 *     devices PCI EAL-arguments    MAC addresses: of the device before and after it has been probed, and of the DPDK ports of
 *                                  its PF and its first representor
 */
#include <stdio.h>
#include <stdlib.h>

#include <doca_dev.h>
#include <doca_log.h>

#include <rte_eal.h>
#include <rte_ethdev.h>

#include "by_release.h"

static void must(doca_error_t result, const char *what)
{
	if (result == DOCA_SUCCESS)
		return;
	printf("%s: %s\n", what, doca_error_get_name(result));
	exit(0);
}

static void print_mac(const char *name, const uint8_t *mac)
{
	printf("%s %02x:%02x:%02x:%02x:%02x:%02x\n", name, mac[0], mac[1], mac[2], mac[3], mac[4], mac[5]);
}

static void print_device_mac(const char *name, const struct doca_dev *dev)
{
	uint8_t mac[DOCA_DEVINFO_MAC_ADDR_SIZE];
	must(doca_devinfo_get_mac_addr(doca_dev_as_devinfo(dev), mac, sizeof(mac)), name);
	print_mac(name, mac);
}

static void print_port_mac(const char *name, uint16_t port)
{
	struct rte_ether_addr mac;
	if (rte_eth_macaddr_get(port, &mac) != 0)
		must(DOCA_ERROR_NOT_FOUND, name);
	print_mac(name, mac.addr_bytes);
}

int main(int argc, char **argv)
{
	struct doca_log_backend *log;
	struct doca_devinfo **devices;
	struct doca_devinfo_rep **representors;
	struct doca_dev *dev = NULL;
	struct doca_dev_rep *rep;
	uint32_t count;
	uint16_t port;
	must(doca_log_backend_create_with_file_sdk(stdout, &log), "log");
	if (argc > 2) {
		char *eal[32] = {argv[0], "-a00:00.0"};
		int eal_count = 2;
		for (int i = 2; i < argc && eal_count < 32; i++)
			eal[eal_count++] = argv[i];
		if (rte_eal_init(eal_count, eal) < 0)
			must(DOCA_ERROR_INITIALIZATION, "EAL");
	}
	must(doca_devinfo_create_list(&devices, &count), "list");
	for (uint32_t i = 0; i < count; i++) {
		char pci[DOCA_DEVINFO_PCI_ADDR_SIZE];
		uint8_t equal = 0;
		must(doca_devinfo_get_pci_addr_str(devices[i], pci), "PCI address");
		if (argc < 2)
			printf("device %s\n", pci);
		else
			must(doca_devinfo_is_equal_pci_addr(devices[i], argv[1], &equal), "PCI address");
		if (equal)
			must(doca_dev_open(devices[i], &dev), "device");
	}
	doca_devinfo_destroy_list(devices);
	if (argc < 2)
		return 0;
	if (dev == NULL)
		must(DOCA_ERROR_NOT_FOUND, "device");
	must(doca_devinfo_rep_create_list(dev, DOCA_DEVINFO_REP_FILTER_NET, &representors, &count), "representors");
	must(doca_dev_rep_open(representors[0], &rep), "representor");
	doca_devinfo_rep_destroy_list(representors);
	print_device_mac("before", dev);
	must(probe_one(dev, rep, "vf0"), "probe");
	must(doca_dpdk_get_first_port_id(dev, &port), "port");
	print_device_mac("after", dev);
	print_port_mac("PF", port);
	print_port_mac("representor", port + 1);
	doca_dev_rep_close(rep);
	must(doca_dev_close(dev), "close");
	return 0;
}
