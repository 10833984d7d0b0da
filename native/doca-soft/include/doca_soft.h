/*
 * Functions that only the software DOCA has, for its own tests and benchmarks. A program that calls them does not build
 * against NVIDIA's DOCA.
 */
#ifndef DOCA_SOFT_H_
#define DOCA_SOFT_H_

#include <doca_compat.h>
#include <doca_error.h>
#include <doca_flow_crypto.h>

#ifdef __cplusplus
extern "C" {
#endif

/*
 * Returns when every device has processed all that had reached it before the call: frames in its ports and in the rings
 * from the application, and entry operations. Returns DOCA_ERROR_TIME_OUT after `timeout_ms` milliseconds.
 */
DOCA_STABLE doca_error_t doca_soft_quiesce(uint32_t timeout_ms);

#define DOCA_SOFT_DEFAULT_RSS_MAX 64

/* How a program has set a device up, as far as only NVIDIA's library shows its effect. */
struct doca_soft_set_up {
	/* Whether the PF's DPDK port is promiscuous: 1 or 0. */
	int promiscuous;
	/* The queues that doca_flow_cfg_set_default_rss was given, up to 3.1; none when it was not called. */
	uint32_t default_rss_count;
	uint16_t default_rss[DOCA_SOFT_DEFAULT_RSS_MAX];
	/* An enum doca_flow_pipe_domain; -1 without an egress root. */
	int egress_root_domain;
};

DOCA_STABLE doca_error_t doca_soft_get_set_up(uint16_t dpdk_port_id, struct doca_soft_set_up *set_up);

/* Returns how many packets the device of a DPDK port has put into the application's RSS queues so far. */
DOCA_STABLE doca_error_t doca_soft_rss_packets(uint16_t dpdk_port_id, uint64_t *packets);

/*
 * Returns how many packets the device of a DPDK port has left to the kernel, as DOCA_FLOW_TARGET_KERNEL and misses without a
 * forward do, and has dropped: the mapping file names no `kernel`, or they have not come in by the PF, or were decrypted.
 */
DOCA_STABLE doca_error_t doca_soft_kernel_drops(uint16_t dpdk_port_id, uint64_t *packets);

/*
 * Makes the keys of a bulk those of AES-GMAC, PSP version 2 instead of 0 and 3 instead of 1: packets under them are
 * authenticated and not encrypted. DOCA has no name for this. Its key types give lengths only, and its keys are those of
 * versions 0 and 1. To be called before doca_flow_crypto_psp_spi_key_bulk_generate. Returns DOCA_ERROR_NOT_SUPPORTED where the
 * mapping file says `gmac = no`, as NVIDIA's devices would.
 */
DOCA_STABLE doca_error_t doca_soft_psp_spi_key_bulk_set_gmac(struct doca_flow_crypto_psp_spi_key_bulk *bulk);

/*
 * Injects faults: the device refuses `per_thousand` of 1000 operations on entries with DOCA_ERROR_DRIVER, and of those that
 * it takes as many fail, which their callbacks report. Such operations change nothing. Which ones fail follows from `seed`.
 * 0 ends the faults.
 */
DOCA_STABLE doca_error_t doca_soft_set_faults(uint32_t seed, uint32_t per_thousand);

/*
 * Sets the clock that meters and aging go by, in nanoseconds. From the first call on it stands still between calls; before, it is the
 * machine's.
 */
DOCA_STABLE doca_error_t doca_soft_set_clock(uint64_t nanoseconds);

/*
 * Measures AES-256-GCM alone for `seconds`: seals packets of `octets` octets with one key, or opens them if `open` is not 0.
 * Returns how many packets per second, and by which library. `crypto` is as in the mapping file: "auto", "ipsec-mb",
 * "openssl".
 */
DOCA_STABLE doca_error_t doca_soft_measure_aead(const char *crypto, uint32_t octets, int open, double seconds, double *per_second,
						const char **engine);

/*
 * Begins a trace of this process, as the variable DOCA_SOFT_TRACE in the environment does from its start on: `settings` is
 * "FILE[,packets=N][,octets=N][,lines=N][,size=N]" (docs/doca-soft.md). Returns DOCA_ERROR_BAD_STATE while there is one.
 */
DOCA_STABLE doca_error_t doca_soft_trace_start(const char *settings);
/* Ends it, by its last line. */
DOCA_STABLE doca_error_t doca_soft_trace_stop(void);

#ifdef __cplusplus
}
#endif

#endif
