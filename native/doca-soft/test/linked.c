/*
 * Names that the code which NVIDIA's programs share only needs to link, in C and, by linked.cc, in C++: prints each that says
 * something else than that it is not supported (test/native/linked.test.ts).
 */
#include <stdio.h>

#include <doca_buf.h>
#include <doca_buf_inventory.h>
#include <doca_ctx.h>
#include <doca_dev.h>
#include <doca_dpdk.h>
#include <doca_log.h>
#include <doca_mmap.h>
#include <doca_pe.h>

DOCA_LOG_REGISTER(PSP_GATEWAY::MAIN::a b);

#define UNSUPPORTED(call)                                                       \
	do {                                                                    \
		const doca_error_t result = call;                               \
		calls++;                                                        \
		if (result != DOCA_ERROR_NOT_SUPPORTED)                         \
			printf("%s: %s\n", #call, doca_error_get_name(result)); \
	} while (0)

int main(void)
{
	int calls = 0;
	void *data = NULL;
	size_t octets = 0;
	uint8_t flag = 0;
	uint16_t lid = 0;
	union doca_data user_data;
	enum doca_ctx_states state = DOCA_CTX_STATE_STOPPING;
	struct doca_mmap *mmap = NULL;
	struct doca_buf *buf = NULL;
	struct doca_buf_inventory *inventory = NULL;
	struct doca_pe *pe = NULL;
	struct doca_ctx *ctx = NULL;
	struct doca_dpdk_mempool *mempool = NULL;
	user_data.u64 = DOCA_ACCESS_FLAG_PCI_RELAXED_ORDERING;

	UNSUPPORTED(doca_mmap_create(&mmap));
	UNSUPPORTED(doca_mmap_destroy(mmap));
	UNSUPPORTED(doca_mmap_start(mmap));
	UNSUPPORTED(doca_mmap_add_dev(mmap, NULL));
	UNSUPPORTED(doca_mmap_set_memrange(mmap, data, octets));
	UNSUPPORTED(doca_mmap_get_memrange(mmap, &data, &octets));
	UNSUPPORTED(doca_buf_set_data(buf, data, octets));
	UNSUPPORTED(doca_buf_chain_list(buf, buf));
	UNSUPPORTED(doca_buf_inventory_create(1, &inventory));
	UNSUPPORTED(doca_buf_inventory_destroy(inventory));
	UNSUPPORTED(doca_buf_inventory_start(inventory));
	UNSUPPORTED(doca_buf_inventory_buf_get_by_args(inventory, mmap, data, octets, data, octets, &buf));
	UNSUPPORTED(doca_buf_inventory_buf_get_by_addr(inventory, mmap, data, octets, &buf));
	UNSUPPORTED(doca_buf_inventory_buf_get_by_data(inventory, mmap, data, octets, &buf));
	UNSUPPORTED(doca_pe_create(&pe));
	UNSUPPORTED(doca_pe_destroy(pe));
	UNSUPPORTED(doca_pe_connect_ctx(pe, ctx));
	UNSUPPORTED(doca_ctx_start(ctx));
	UNSUPPORTED(doca_ctx_stop(ctx));
	UNSUPPORTED(doca_ctx_get_state(ctx, &state));
	UNSUPPORTED(doca_ctx_set_user_data(ctx, user_data));
	UNSUPPORTED(doca_ctx_get_user_data(ctx, &user_data));
	UNSUPPORTED(doca_devinfo_get_lid(NULL, &lid));
	UNSUPPORTED(doca_devinfo_cap_is_hotplug_manager_supported(NULL, &flag));
	UNSUPPORTED(doca_devinfo_cap_is_notification_moderation_supported(NULL, &flag));
	UNSUPPORTED(doca_devinfo_cap_is_accelerate_resource_reclaim_supported(NULL, &flag));
	UNSUPPORTED(doca_dev_accelerate_resource_reclaim(NULL));
	UNSUPPORTED(doca_dpdk_mempool_create(NULL, &mempool));
	UNSUPPORTED(doca_dpdk_mempool_destroy(mempool));
	UNSUPPORTED(doca_dpdk_mempool_dev_add(mempool, NULL));
	UNSUPPORTED(doca_dpdk_mempool_set_permissions(mempool, DOCA_ACCESS_FLAG_LOCAL_READ_WRITE));
	UNSUPPORTED(doca_dpdk_mempool_start(mempool));
	UNSUPPORTED(doca_dpdk_mempool_mbuf_to_buf(mempool, inventory, NULL, &buf));
	DOCA_LOG_INFO("%d calls", calls);
	printf("%d calls, progress %u\n", calls, doca_pe_progress(pe));
	return 0;
}
