/* The DPDK ports of devices. */
#ifndef DOCA_DPDK_H_
#define DOCA_DPDK_H_

#include <doca_buf_inventory.h>
#include <doca_compat.h>
#include <doca_dev.h>
#include <doca_error.h>
#include <doca_version.h>

#ifdef __cplusplus
extern "C" {
#endif

/* soft: of devargs only `representor=` counts, which probes all of the mapping file's */
DOCA_EXPERIMENTAL doca_error_t doca_dpdk_port_probe(struct doca_dev *dev, const char *devargs);
#if DOCA_SOFT_RELEASE_ >= 301
/* soft: devargs have no effect */
DOCA_EXPERIMENTAL doca_error_t doca_dpdk_port_probe_with_representors(struct doca_dev *dev, const char *devargs,
								      struct doca_dev_rep **reps, uint16_t count);
#endif
DOCA_EXPERIMENTAL doca_error_t doca_dpdk_get_first_port_id(const struct doca_dev *dev, uint16_t *port_id);
/* soft: of representors' ports too */
DOCA_EXPERIMENTAL doca_error_t doca_dpdk_port_as_dev(uint16_t port_id, struct doca_dev **dev);
DOCA_EXPERIMENTAL doca_error_t doca_dpdk_open_dev_rep_by_port_id(uint16_t port_id, struct doca_dev *dev,
								 struct doca_dev_rep **rep);
/* soft: not supported */
DOCA_EXPERIMENTAL doca_error_t doca_dpdk_get_rep_vf_index(const struct doca_devinfo_rep *devinfo, uint16_t *vf_index);
/* soft: not supported */
DOCA_EXPERIMENTAL doca_error_t doca_dpdk_get_rep_sf_num(const struct doca_devinfo_rep *devinfo, uint16_t *sf_num);
DOCA_EXPERIMENTAL doca_error_t doca_dpdk_cap_is_rep_port_supported(const struct doca_devinfo *devinfo, uint8_t *supported);

/* Buffers of DPDK as those of DOCA: declared so that programs link. */
struct doca_dpdk_mempool;
struct rte_mbuf;
struct rte_mempool;

/* soft: not supported */
DOCA_EXPERIMENTAL doca_error_t doca_dpdk_mempool_create(const struct rte_mempool *mbuf_pool, struct doca_dpdk_mempool **mempool);
/* soft: not supported */
DOCA_EXPERIMENTAL doca_error_t doca_dpdk_mempool_destroy(struct doca_dpdk_mempool *mempool);
/* soft: not supported */
DOCA_EXPERIMENTAL doca_error_t doca_dpdk_mempool_dev_add(struct doca_dpdk_mempool *mempool, struct doca_dev *dev);
/* soft: not supported */
DOCA_EXPERIMENTAL doca_error_t doca_dpdk_mempool_set_permissions(struct doca_dpdk_mempool *mempool, uint32_t access_mask);
/* soft: not supported */
DOCA_EXPERIMENTAL doca_error_t doca_dpdk_mempool_start(struct doca_dpdk_mempool *mempool);
/* soft: not supported */
DOCA_EXPERIMENTAL doca_error_t doca_dpdk_mempool_mbuf_to_buf(const struct doca_dpdk_mempool *mempool,
							     struct doca_buf_inventory *inventory, struct rte_mbuf *mbuf,
							     struct doca_buf **buf);

#ifdef __cplusplus
}
#endif

#endif
