/*
 * What only the software DOCA has: for its own tests and benches. A program that calls these no longer builds
 * against NVIDIA's DOCA.
 */
#ifndef DOCA_SOFT_H_
#define DOCA_SOFT_H_

#include <doca_compat.h>
#include <doca_error.h>

#ifdef __cplusplus
extern "C" {
#endif

/*
 * Returns when every device has processed all that had reached it before the call: frames that wait in its ports
 * and in the rings from the application, and entry operations. DOCA_ERROR_TIME_OUT after `timeout_ms` milliseconds.
 */
DOCA_STABLE doca_error_t doca_soft_quiesce(uint32_t timeout_ms);

#define DOCA_SOFT_DEFAULT_RSS_MAX 64

/* How a program has set a device up, where that shows on NVIDIA's library only. */
struct doca_soft_set_up {
	/* Of the PF's DPDK port: 1, or 0. */
	int promiscuous;
	/* Queues that doca_flow_cfg_set_default_rss was given, up to 3.1; none: it was not called. */
	uint32_t default_rss_count;
	uint16_t default_rss[DOCA_SOFT_DEFAULT_RSS_MAX];
	/* enum doca_flow_pipe_domain; -1: there is no egress root. */
	int egress_root_domain;
};

DOCA_STABLE doca_error_t doca_soft_get_set_up(uint16_t dpdk_port_id, struct doca_soft_set_up *set_up);

/* Packets that the device behind a DPDK port has put into the application's RSS queues so far. */
DOCA_STABLE doca_error_t doca_soft_rss_packets(uint16_t dpdk_port_id, uint64_t *packets);

/*
 * From now on the device refuses `per_thousand` of 1000 operations on entries (DOCA_ERROR_DRIVER), and of those that it
 * takes as many fail, with their callbacks; nothing has changed then. Which ones follows from `seed`. 0: none.
 */
DOCA_STABLE doca_error_t doca_soft_set_faults(uint32_t seed, uint32_t per_thousand);

/*
 * Seals, or with `open` not 0 opens, packets of `octets` octets with one AES-256 key, and nothing else, for `seconds`; how
 * many per second, and by which library. `crypto` as in the mapping file: "auto", "ipsec-mb", "openssl".
 */
DOCA_STABLE doca_error_t doca_soft_measure_aead(const char *crypto, uint32_t octets, int open, double seconds, double *per_second,
						const char **engine);

#ifdef __cplusplus
}
#endif

#endif
