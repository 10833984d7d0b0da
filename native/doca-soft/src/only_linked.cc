// Names that programs only need to link: the code that NVIDIA's programs share calls them for other kinds of programs. Each answers
// DOCA_ERROR_NOT_SUPPORTED.
#include <doca_buf.h>
#include <doca_buf_inventory.h>
#include <doca_ctx.h>
#include <doca_dev.h>
#include <doca_dpdk.h>
#include <doca_mmap.h>
#include <doca_pe.h>

#include "log.h"

using namespace soft;

doca_error_t doca_mmap_create(struct doca_mmap **)
{
	return not_supported("doca_mmap_create");
}

doca_error_t doca_mmap_destroy(struct doca_mmap *)
{
	return not_supported("doca_mmap_destroy");
}

doca_error_t doca_mmap_start(struct doca_mmap *)
{
	return not_supported("doca_mmap_start");
}

doca_error_t doca_mmap_add_dev(struct doca_mmap *, struct doca_dev *)
{
	return not_supported("doca_mmap_add_dev");
}

doca_error_t doca_mmap_set_memrange(struct doca_mmap *, void *, size_t)
{
	return not_supported("doca_mmap_set_memrange");
}

doca_error_t doca_mmap_get_memrange(const struct doca_mmap *, void **, size_t *)
{
	return not_supported("doca_mmap_get_memrange");
}

doca_error_t doca_buf_set_data(struct doca_buf *, void *, size_t)
{
	return not_supported("doca_buf_set_data");
}

doca_error_t doca_buf_chain_list(struct doca_buf *, struct doca_buf *)
{
	return not_supported("doca_buf_chain_list");
}

doca_error_t doca_buf_inventory_create(size_t, struct doca_buf_inventory **)
{
	return not_supported("doca_buf_inventory_create");
}

doca_error_t doca_buf_inventory_destroy(struct doca_buf_inventory *)
{
	return not_supported("doca_buf_inventory_destroy");
}

doca_error_t doca_buf_inventory_start(struct doca_buf_inventory *)
{
	return not_supported("doca_buf_inventory_start");
}

doca_error_t doca_buf_inventory_buf_get_by_args(struct doca_buf_inventory *, struct doca_mmap *, void *, size_t, void *, size_t,
						struct doca_buf **)
{
	return not_supported("doca_buf_inventory_buf_get_by_args");
}

doca_error_t doca_ctx_start(struct doca_ctx *)
{
	return not_supported("doca_ctx_start");
}

doca_error_t doca_ctx_stop(struct doca_ctx *)
{
	return not_supported("doca_ctx_stop");
}

doca_error_t doca_ctx_get_state(const struct doca_ctx *, enum doca_ctx_states *)
{
	return not_supported("doca_ctx_get_state");
}

doca_error_t doca_ctx_set_user_data(struct doca_ctx *, union doca_data)
{
	return not_supported("doca_ctx_set_user_data");
}

doca_error_t doca_ctx_get_user_data(const struct doca_ctx *, union doca_data *)
{
	return not_supported("doca_ctx_get_user_data");
}

doca_error_t doca_pe_create(struct doca_pe **)
{
	return not_supported("doca_pe_create");
}

doca_error_t doca_pe_destroy(struct doca_pe *)
{
	return not_supported("doca_pe_destroy");
}

doca_error_t doca_pe_connect_ctx(struct doca_pe *, struct doca_ctx *)
{
	return not_supported("doca_pe_connect_ctx");
}

uint8_t doca_pe_progress(struct doca_pe *)
{
	return 0;
}

doca_error_t doca_devinfo_get_lid(const struct doca_devinfo *, uint16_t *)
{
	return not_supported("doca_devinfo_get_lid");
}

doca_error_t doca_devinfo_cap_is_hotplug_manager_supported(const struct doca_devinfo *, uint8_t *)
{
	return not_supported("doca_devinfo_cap_is_hotplug_manager_supported");
}

doca_error_t doca_devinfo_cap_is_notification_moderation_supported(const struct doca_devinfo *, uint8_t *)
{
	return not_supported("doca_devinfo_cap_is_notification_moderation_supported");
}

doca_error_t doca_devinfo_cap_is_accelerate_resource_reclaim_supported(const struct doca_devinfo *, uint8_t *)
{
	return not_supported("doca_devinfo_cap_is_accelerate_resource_reclaim_supported");
}

doca_error_t doca_dev_accelerate_resource_reclaim(struct doca_dev *)
{
	return not_supported("doca_dev_accelerate_resource_reclaim");
}

doca_error_t doca_dpdk_mempool_create(const struct rte_mempool *, struct doca_dpdk_mempool **)
{
	return not_supported("doca_dpdk_mempool_create");
}

doca_error_t doca_dpdk_mempool_destroy(struct doca_dpdk_mempool *)
{
	return not_supported("doca_dpdk_mempool_destroy");
}

doca_error_t doca_dpdk_mempool_dev_add(struct doca_dpdk_mempool *, struct doca_dev *)
{
	return not_supported("doca_dpdk_mempool_dev_add");
}

doca_error_t doca_dpdk_mempool_set_permissions(struct doca_dpdk_mempool *, uint32_t)
{
	return not_supported("doca_dpdk_mempool_set_permissions");
}

doca_error_t doca_dpdk_mempool_start(struct doca_dpdk_mempool *)
{
	return not_supported("doca_dpdk_mempool_start");
}

doca_error_t doca_dpdk_mempool_mbuf_to_buf(const struct doca_dpdk_mempool *, struct doca_buf_inventory *, struct rte_mbuf *,
					   struct doca_buf **)
{
	return not_supported("doca_dpdk_mempool_mbuf_to_buf");
}
