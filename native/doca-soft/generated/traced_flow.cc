// Made of the headers by `npm run docs` (scripts/soft-trace.mjs).
// Each function of the API: calls the function that does it, and tells the call when there is a trace.
// clang-format off
#undef doca_buf_set_data
#undef doca_buf_chain_list
#undef doca_buf_inventory_create
#undef doca_buf_inventory_destroy
#undef doca_buf_inventory_start
#undef doca_buf_inventory_buf_get_by_args
#undef doca_ctx_start
#undef doca_ctx_stop
#undef doca_ctx_get_state
#undef doca_ctx_set_user_data
#undef doca_ctx_get_user_data
#undef doca_devinfo_create_list
#undef doca_devinfo_destroy_list
#undef doca_dev_open
#undef doca_dev_close
#undef doca_dev_as_devinfo
#undef doca_devinfo_is_equal_pci_addr
#undef doca_devinfo_get_pci_addr_str
#undef doca_devinfo_get_ipv4_addr
#undef doca_devinfo_get_ipv6_addr
#undef doca_devinfo_get_mac_addr
#undef doca_devinfo_get_iface_name
#undef doca_devinfo_get_ibdev_name
#undef doca_devinfo_get_pci_func_type
#undef doca_devinfo_get_sf_index
#undef doca_devinfo_get_vhca_id
#undef doca_devinfo_get_active_rate
#undef doca_devinfo_get_lid
#undef doca_devinfo_cap_is_hotplug_manager_supported
#undef doca_devinfo_cap_is_notification_moderation_supported
#undef doca_devinfo_cap_is_accelerate_resource_reclaim_supported
#undef doca_dev_accelerate_resource_reclaim
#undef doca_devinfo_rep_create_list
#undef doca_devinfo_rep_destroy_list
#undef doca_devinfo_rep_cap_is_filter_all_supported
#undef doca_devinfo_rep_cap_is_filter_net_supported
#undef doca_devinfo_rep_cap_is_filter_emulated_supported
#undef doca_dev_rep_open
#undef doca_dev_rep_close
#undef doca_dev_rep_as_devinfo
#undef doca_devinfo_rep_is_equal_pci_addr
#undef doca_devinfo_rep_get_pci_addr_str
#undef doca_devinfo_rep_get_vuid
#undef doca_devinfo_rep_get_iface_name
#undef doca_devinfo_rep_get_pci_func_type
#undef doca_devinfo_rep_get_is_hotplug
#undef doca_devinfo_rep_get_vhca_id
#undef doca_dpdk_port_probe
#undef doca_dpdk_get_first_port_id
#undef doca_dpdk_port_as_dev
#undef doca_dpdk_open_dev_rep_by_port_id
#undef doca_dpdk_get_rep_vf_index
#undef doca_dpdk_get_rep_sf_num
#undef doca_dpdk_cap_is_rep_port_supported
#undef doca_dpdk_mempool_create
#undef doca_dpdk_mempool_destroy
#undef doca_dpdk_mempool_dev_add
#undef doca_dpdk_mempool_set_permissions
#undef doca_dpdk_mempool_start
#undef doca_dpdk_mempool_mbuf_to_buf
#undef doca_error_get_name
#undef doca_error_get_descr
#undef doca_flow_cfg_create
#undef doca_flow_cfg_destroy
#undef doca_flow_cfg_set_pipe_queues
#undef doca_flow_cfg_set_queue_depth
#undef doca_flow_cfg_set_nr_counters
#undef doca_flow_cfg_set_nr_meters
#undef doca_flow_cfg_set_mode_args
#undef doca_flow_cfg_set_nr_shared_resource
#undef doca_flow_cfg_set_cb_entry_process
#undef doca_flow_cfg_set_cb_pipe_process
#undef doca_flow_cfg_set_cb_shared_resource_unbind
#undef doca_flow_cfg_set_rss_key
#undef doca_flow_cfg_set_definitions
#undef doca_flow_cfg_set_default_rss
#undef doca_flow_init
#undef doca_flow_destroy
#undef doca_flow_port_cfg_create
#undef doca_flow_port_cfg_destroy
#undef doca_flow_port_cfg_set_devargs
#undef doca_flow_port_cfg_set_dev
#undef doca_flow_port_cfg_set_operation_state
#undef doca_flow_port_cfg_set_rss_cfg
#undef doca_flow_port_cfg_set_priv_data_size
#undef doca_flow_port_cfg_set_service_threads_core
#undef doca_flow_port_cfg_set_service_threads_cycle
#undef doca_flow_port_start
#undef doca_flow_port_stop
#undef doca_flow_port_priv_data
#undef doca_flow_port_pair
#undef doca_flow_port_switch_get
#undef doca_flow_port_pipes_flush
#undef doca_flow_port_pipes_dump
#undef doca_flow_port_operation_state_modify
#undef doca_flow_port_calc_entropy
#undef doca_flow_pipe_cfg_create
#undef doca_flow_pipe_cfg_destroy
#undef doca_flow_pipe_cfg_set_name
#undef doca_flow_pipe_cfg_set_label
#undef doca_flow_pipe_cfg_set_type
#undef doca_flow_pipe_cfg_set_domain
#undef doca_flow_pipe_cfg_set_is_root
#undef doca_flow_pipe_cfg_set_nr_entries
#undef doca_flow_pipe_cfg_set_match
#undef doca_flow_pipe_cfg_set_actions
#undef doca_flow_pipe_cfg_set_monitor
#undef doca_flow_pipe_cfg_set_ordered_lists
#undef doca_flow_pipe_cfg_set_miss_counter
#undef doca_flow_pipe_cfg_set_dir_info
#undef doca_flow_pipe_cfg_set_excluded_queue
#undef doca_flow_pipe_cfg_set_is_resizable
#undef doca_flow_pipe_cfg_set_congestion_level_threshold
#undef doca_flow_pipe_cfg_set_user_ctx
#undef doca_flow_pipe_cfg_set_hash_map_algorithm
#undef doca_flow_pipe_create
#undef doca_flow_pipe_destroy
#undef doca_flow_pipe_update_miss
#undef doca_flow_pipe_dump
#undef doca_flow_pipe_calc_hash
#undef doca_flow_get_target
#undef doca_flow_pipe_add_entry
#undef doca_flow_pipe_update_entry
#undef doca_flow_pipe_control_add_entry
#undef doca_flow_pipe_hash_add_entry
#undef doca_flow_pipe_ordered_list_add_entry
#undef doca_flow_pipe_remove_entry
#undef doca_flow_entries_process
#undef doca_flow_pipe_entry_get_status
#undef doca_flow_aging_handle
#undef doca_flow_shared_resource_set_cfg
#undef doca_flow_shared_resources_bind
#undef doca_flow_shared_resources_query
#undef doca_flow_resource_query_entry
#undef doca_flow_resource_query_pipe_miss
#undef doca_flow_crypto_psp_master_key_rotate
#undef doca_flow_crypto_psp_spi_key_bulk_alloc
#undef doca_flow_crypto_psp_spi_key_bulk_generate
#undef doca_flow_crypto_psp_spi_key_bulk_get
#undef doca_flow_crypto_psp_spi_key_wipe
#undef doca_flow_crypto_psp_spi_key_bulk_clear
#undef doca_flow_crypto_psp_spi_key_bulk_free
#undef doca_flow_definitions_cfg_create
#undef doca_flow_definitions_cfg_destroy
#undef doca_flow_definitions_create
#undef doca_flow_definitions_destroy
#undef doca_flow_definitions_add_field
#undef doca_flow_tune_server_cfg_create
#undef doca_flow_tune_server_cfg_set_cfg_file_path
#undef doca_flow_tune_server_cfg_destroy
#undef doca_flow_tune_server_init
#undef doca_flow_tune_server_destroy
#undef doca_log_backend_create_standard
#undef doca_log_backend_create_with_file
#undef doca_log_backend_create_with_fd
#undef doca_log_backend_create_with_buf
#undef doca_log_backend_create_with_syslog
#undef doca_log_backend_create_with_file_sdk
#undef doca_log_backend_create_with_fd_sdk
#undef doca_log_backend_create_with_buf_sdk
#undef doca_log_backend_create_with_syslog_sdk
#undef doca_log_backend_set_sdk_level
#undef doca_log_backend_set_level_lower_limit
#undef doca_log_backend_set_level_upper_limit
#undef doca_log_level_set_global_lower_limit
#undef doca_log_level_set_global_upper_limit
#undef doca_log_level_set_global_sdk_limit
#undef doca_log_level_get_global_lower_limit
#undef doca_log_level_get_global_upper_limit
#undef doca_log_level_get_global_sdk_limit
#undef doca_log_register_source
#undef doca_log_unregister_source
#undef doca_mmap_create
#undef doca_mmap_destroy
#undef doca_mmap_start
#undef doca_mmap_add_dev
#undef doca_mmap_set_memrange
#undef doca_mmap_get_memrange
#undef doca_pe_create
#undef doca_pe_destroy
#undef doca_pe_connect_ctx
#undef doca_pe_progress
#undef doca_soft_quiesce
#undef doca_soft_get_set_up
#undef doca_soft_rss_packets
#undef doca_soft_kernel_drops
#undef doca_soft_psp_spi_key_bulk_set_gmac
#undef doca_soft_set_faults
#undef doca_soft_set_clock
#undef doca_soft_measure_aead
#undef doca_version_runtime
#undef doca_flow_port_cfg_set_actions_mem_size
#undef doca_flow_port_cfg_set_port_id
#undef doca_flow_port_cfg_set_dev_rep
#undef doca_dpdk_port_probe_with_representors
#undef doca_flow_cfg_set_tune_cfg
#undef doca_flow_tune_cfg_create
#undef doca_flow_tune_cfg_destroy
#undef doca_flow_tune_cfg_set_profile
#undef doca_flow_cfg_set_resource_mode
#undef doca_flow_port_cfg_set_nr_resources
#undef doca_flow_port_update_default_miss
#undef doca_flow_port_query_default_miss
#undef doca_flow_port_shared_resource_get
#undef doca_flow_port_shared_resource_put
#undef doca_flow_port_shared_resource_set_cfg
#undef doca_flow_port_shared_resources_query
#undef doca_flow_pipe_basic_add_entry
#undef doca_flow_pipe_basic_update_entry
#include <doca_buf.h>
#include <doca_buf_inventory.h>
#include <doca_build_config.h>
#include <doca_common_defines.h>
#include <doca_compat.h>
#include <doca_ctx.h>
#include <doca_dev.h>
#include <doca_dpdk.h>
#include <doca_error.h>
#include <doca_flow.h>
#include <doca_flow_crypto.h>
#include <doca_flow_definitions.h>
#include <doca_flow_net.h>
#include <doca_flow_tune_server.h>
#include <doca_log.h>
#include <doca_mmap.h>
#include <doca_pe.h>
#include <doca_soft.h>
#include <doca_types.h>
#include <doca_version.h>

#include "trace_types.h"
#include "../src/trace_call.h"

using namespace soft::trace;

extern "C" __attribute__((visibility("hidden"))) decltype(doca_buf_set_data) untraced_doca_buf_set_data;
doca_error_t doca_buf_set_data(struct doca_buf *buf, void *data, size_t data_len)
{
	if (!is_on())
		return untraced_doca_buf_set_data(buf, data, data_len);
	Call call("doca_buf_set_data");
	call.handle("buf", "buf", buf);
	call.pointer("data", data);
	call.number("data_len", data_len);
	const auto result = untraced_doca_buf_set_data(buf, data, data_len);
	call.ended(result, enum_doca_error);
	return result;
}

extern "C" __attribute__((visibility("hidden"))) decltype(doca_buf_chain_list) untraced_doca_buf_chain_list;
doca_error_t doca_buf_chain_list(struct doca_buf *list, struct doca_buf *more)
{
	if (!is_on())
		return untraced_doca_buf_chain_list(list, more);
	Call call("doca_buf_chain_list");
	call.handle("list", "buf", list);
	call.handle("more", "buf", more);
	const auto result = untraced_doca_buf_chain_list(list, more);
	call.ended(result, enum_doca_error);
	return result;
}

extern "C" __attribute__((visibility("hidden"))) decltype(doca_buf_inventory_create) untraced_doca_buf_inventory_create;
doca_error_t doca_buf_inventory_create(size_t num_elements, struct doca_buf_inventory **inventory)
{
	if (!is_on())
		return untraced_doca_buf_inventory_create(num_elements, inventory);
	Call call("doca_buf_inventory_create");
	call.number("num_elements", num_elements);
	const auto result = untraced_doca_buf_inventory_create(num_elements, inventory);
	call.ended(result, enum_doca_error);
	if (result == DOCA_SUCCESS) {
		if (inventory != nullptr) call.handle("inventory", "buf_inventory", *inventory);
	}
	return result;
}

extern "C" __attribute__((visibility("hidden"))) decltype(doca_buf_inventory_destroy) untraced_doca_buf_inventory_destroy;
doca_error_t doca_buf_inventory_destroy(struct doca_buf_inventory *inventory)
{
	if (!is_on())
		return untraced_doca_buf_inventory_destroy(inventory);
	Call call("doca_buf_inventory_destroy");
	call.handle("inventory", "buf_inventory", inventory);
	const auto result = untraced_doca_buf_inventory_destroy(inventory);
	call.ended(result, enum_doca_error);
	return result;
}

extern "C" __attribute__((visibility("hidden"))) decltype(doca_buf_inventory_start) untraced_doca_buf_inventory_start;
doca_error_t doca_buf_inventory_start(struct doca_buf_inventory *inventory)
{
	if (!is_on())
		return untraced_doca_buf_inventory_start(inventory);
	Call call("doca_buf_inventory_start");
	call.handle("inventory", "buf_inventory", inventory);
	const auto result = untraced_doca_buf_inventory_start(inventory);
	call.ended(result, enum_doca_error);
	return result;
}

extern "C" __attribute__((visibility("hidden"))) decltype(doca_buf_inventory_buf_get_by_args) untraced_doca_buf_inventory_buf_get_by_args;
doca_error_t doca_buf_inventory_buf_get_by_args(struct doca_buf_inventory *inventory, struct doca_mmap *mmap, void *addr, size_t len, void *data, size_t data_len, struct doca_buf **buf)
{
	if (!is_on())
		return untraced_doca_buf_inventory_buf_get_by_args(inventory, mmap, addr, len, data, data_len, buf);
	Call call("doca_buf_inventory_buf_get_by_args");
	call.handle("inventory", "buf_inventory", inventory);
	call.handle("mmap", "mmap", mmap);
	call.pointer("addr", addr);
	call.number("len", len);
	call.pointer("data", data);
	call.number("data_len", data_len);
	const auto result = untraced_doca_buf_inventory_buf_get_by_args(inventory, mmap, addr, len, data, data_len, buf);
	call.ended(result, enum_doca_error);
	if (result == DOCA_SUCCESS) {
		if (buf != nullptr) call.handle("buf", "buf", *buf);
	}
	return result;
}

extern "C" __attribute__((visibility("hidden"))) decltype(doca_ctx_start) untraced_doca_ctx_start;
doca_error_t doca_ctx_start(struct doca_ctx *ctx)
{
	if (!is_on())
		return untraced_doca_ctx_start(ctx);
	Call call("doca_ctx_start");
	call.handle("ctx", "ctx", ctx);
	const auto result = untraced_doca_ctx_start(ctx);
	call.ended(result, enum_doca_error);
	return result;
}

extern "C" __attribute__((visibility("hidden"))) decltype(doca_ctx_stop) untraced_doca_ctx_stop;
doca_error_t doca_ctx_stop(struct doca_ctx *ctx)
{
	if (!is_on())
		return untraced_doca_ctx_stop(ctx);
	Call call("doca_ctx_stop");
	call.handle("ctx", "ctx", ctx);
	const auto result = untraced_doca_ctx_stop(ctx);
	call.ended(result, enum_doca_error);
	return result;
}

extern "C" __attribute__((visibility("hidden"))) decltype(doca_ctx_get_state) untraced_doca_ctx_get_state;
doca_error_t doca_ctx_get_state(const struct doca_ctx *ctx, enum doca_ctx_states *state)
{
	if (!is_on())
		return untraced_doca_ctx_get_state(ctx, state);
	Call call("doca_ctx_get_state");
	call.handle("ctx", "ctx", ctx);
	const auto result = untraced_doca_ctx_get_state(ctx, state);
	call.ended(result, enum_doca_error);
	if (result == DOCA_SUCCESS) {
		call.enumeration("state", *state, enum_doca_ctx_states);
	}
	return result;
}

extern "C" __attribute__((visibility("hidden"))) decltype(doca_ctx_set_user_data) untraced_doca_ctx_set_user_data;
doca_error_t doca_ctx_set_user_data(struct doca_ctx *ctx, union doca_data user_data)
{
	if (!is_on())
		return untraced_doca_ctx_set_user_data(ctx, user_data);
	Call call("doca_ctx_set_user_data");
	call.handle("ctx", "ctx", ctx);
	const auto result = untraced_doca_ctx_set_user_data(ctx, user_data);
	call.ended(result, enum_doca_error);
	return result;
}

extern "C" __attribute__((visibility("hidden"))) decltype(doca_ctx_get_user_data) untraced_doca_ctx_get_user_data;
doca_error_t doca_ctx_get_user_data(const struct doca_ctx *ctx, union doca_data *user_data)
{
	if (!is_on())
		return untraced_doca_ctx_get_user_data(ctx, user_data);
	Call call("doca_ctx_get_user_data");
	call.handle("ctx", "ctx", ctx);
	call.pointer("user_data", user_data);
	const auto result = untraced_doca_ctx_get_user_data(ctx, user_data);
	call.ended(result, enum_doca_error);
	return result;
}

extern "C" __attribute__((visibility("hidden"))) decltype(doca_devinfo_create_list) untraced_doca_devinfo_create_list;
doca_error_t doca_devinfo_create_list(struct doca_devinfo ***list, uint32_t *count)
{
	if (!is_on())
		return untraced_doca_devinfo_create_list(list, count);
	Call call("doca_devinfo_create_list");
	const auto result = untraced_doca_devinfo_create_list(list, count);
	call.ended(result, enum_doca_error);
	if (result == DOCA_SUCCESS) {
		if (count != nullptr) call.number("count", *count);
	}
	return result;
}

extern "C" __attribute__((visibility("hidden"))) decltype(doca_devinfo_destroy_list) untraced_doca_devinfo_destroy_list;
doca_error_t doca_devinfo_destroy_list(struct doca_devinfo **list)
{
	if (!is_on())
		return untraced_doca_devinfo_destroy_list(list);
	Call call("doca_devinfo_destroy_list");
	call.pointer("list", list);
	const auto result = untraced_doca_devinfo_destroy_list(list);
	call.ended(result, enum_doca_error);
	return result;
}

extern "C" __attribute__((visibility("hidden"))) decltype(doca_dev_open) untraced_doca_dev_open;
doca_error_t doca_dev_open(struct doca_devinfo *devinfo, struct doca_dev **dev)
{
	if (!is_on())
		return untraced_doca_dev_open(devinfo, dev);
	Call call("doca_dev_open");
	call.handle("devinfo", "devinfo", devinfo);
	const auto result = untraced_doca_dev_open(devinfo, dev);
	call.ended(result, enum_doca_error);
	if (result == DOCA_SUCCESS) {
		if (dev != nullptr) call.handle("dev", "dev", *dev);
	}
	return result;
}

extern "C" __attribute__((visibility("hidden"))) decltype(doca_dev_close) untraced_doca_dev_close;
doca_error_t doca_dev_close(struct doca_dev *dev)
{
	if (!is_on())
		return untraced_doca_dev_close(dev);
	Call call("doca_dev_close");
	call.handle("dev", "dev", dev);
	const auto result = untraced_doca_dev_close(dev);
	call.ended(result, enum_doca_error);
	return result;
}

extern "C" __attribute__((visibility("hidden"))) decltype(doca_dev_as_devinfo) untraced_doca_dev_as_devinfo;
struct doca_devinfo *doca_dev_as_devinfo(const struct doca_dev *dev)
{
	if (!is_on())
		return untraced_doca_dev_as_devinfo(dev);
	Call call("doca_dev_as_devinfo");
	call.handle("dev", "dev", dev);
	const auto result = untraced_doca_dev_as_devinfo(dev);
	call.ended(handle("devinfo", result));
	return result;
}

extern "C" __attribute__((visibility("hidden"))) decltype(doca_devinfo_is_equal_pci_addr) untraced_doca_devinfo_is_equal_pci_addr;
doca_error_t doca_devinfo_is_equal_pci_addr(const struct doca_devinfo *devinfo, const char *pci_address, uint8_t *is_equal)
{
	if (!is_on())
		return untraced_doca_devinfo_is_equal_pci_addr(devinfo, pci_address, is_equal);
	Call call("doca_devinfo_is_equal_pci_addr");
	call.handle("devinfo", "devinfo", devinfo);
	call.text("pci_address", pci_address);
	const auto result = untraced_doca_devinfo_is_equal_pci_addr(devinfo, pci_address, is_equal);
	call.ended(result, enum_doca_error);
	if (result == DOCA_SUCCESS) {
		if (is_equal != nullptr) call.number("is_equal", *is_equal);
	}
	return result;
}

extern "C" __attribute__((visibility("hidden"))) decltype(doca_devinfo_get_pci_addr_str) untraced_doca_devinfo_get_pci_addr_str;
doca_error_t doca_devinfo_get_pci_addr_str(const struct doca_devinfo *devinfo, char *pci_address)
{
	if (!is_on())
		return untraced_doca_devinfo_get_pci_addr_str(devinfo, pci_address);
	Call call("doca_devinfo_get_pci_addr_str");
	call.handle("devinfo", "devinfo", devinfo);
	const auto result = untraced_doca_devinfo_get_pci_addr_str(devinfo, pci_address);
	call.ended(result, enum_doca_error);
	if (result == DOCA_SUCCESS) {
		call.text("pci_address", pci_address);
	}
	return result;
}

extern "C" __attribute__((visibility("hidden"))) decltype(doca_devinfo_get_ipv4_addr) untraced_doca_devinfo_get_ipv4_addr;
doca_error_t doca_devinfo_get_ipv4_addr(const struct doca_devinfo *devinfo, uint8_t *address, uint32_t size)
{
	if (!is_on())
		return untraced_doca_devinfo_get_ipv4_addr(devinfo, address, size);
	Call call("doca_devinfo_get_ipv4_addr");
	call.handle("devinfo", "devinfo", devinfo);
	call.number("size", size);
	const auto result = untraced_doca_devinfo_get_ipv4_addr(devinfo, address, size);
	call.ended(result, enum_doca_error);
	if (result == DOCA_SUCCESS) {
		call.octets("address", address, size);
	}
	return result;
}

extern "C" __attribute__((visibility("hidden"))) decltype(doca_devinfo_get_ipv6_addr) untraced_doca_devinfo_get_ipv6_addr;
doca_error_t doca_devinfo_get_ipv6_addr(const struct doca_devinfo *devinfo, uint8_t *address, uint32_t size)
{
	if (!is_on())
		return untraced_doca_devinfo_get_ipv6_addr(devinfo, address, size);
	Call call("doca_devinfo_get_ipv6_addr");
	call.handle("devinfo", "devinfo", devinfo);
	call.number("size", size);
	const auto result = untraced_doca_devinfo_get_ipv6_addr(devinfo, address, size);
	call.ended(result, enum_doca_error);
	if (result == DOCA_SUCCESS) {
		call.octets("address", address, size);
	}
	return result;
}

extern "C" __attribute__((visibility("hidden"))) decltype(doca_devinfo_get_mac_addr) untraced_doca_devinfo_get_mac_addr;
doca_error_t doca_devinfo_get_mac_addr(const struct doca_devinfo *devinfo, uint8_t *address, uint32_t size)
{
	if (!is_on())
		return untraced_doca_devinfo_get_mac_addr(devinfo, address, size);
	Call call("doca_devinfo_get_mac_addr");
	call.handle("devinfo", "devinfo", devinfo);
	call.number("size", size);
	const auto result = untraced_doca_devinfo_get_mac_addr(devinfo, address, size);
	call.ended(result, enum_doca_error);
	if (result == DOCA_SUCCESS) {
		call.octets("address", address, size);
	}
	return result;
}

extern "C" __attribute__((visibility("hidden"))) decltype(doca_devinfo_get_iface_name) untraced_doca_devinfo_get_iface_name;
doca_error_t doca_devinfo_get_iface_name(const struct doca_devinfo *devinfo, char *name, uint32_t size)
{
	if (!is_on())
		return untraced_doca_devinfo_get_iface_name(devinfo, name, size);
	Call call("doca_devinfo_get_iface_name");
	call.handle("devinfo", "devinfo", devinfo);
	call.number("size", size);
	const auto result = untraced_doca_devinfo_get_iface_name(devinfo, name, size);
	call.ended(result, enum_doca_error);
	if (result == DOCA_SUCCESS) {
		call.text("name", name);
	}
	return result;
}

extern "C" __attribute__((visibility("hidden"))) decltype(doca_devinfo_get_ibdev_name) untraced_doca_devinfo_get_ibdev_name;
doca_error_t doca_devinfo_get_ibdev_name(const struct doca_devinfo *devinfo, char *name, uint32_t size)
{
	if (!is_on())
		return untraced_doca_devinfo_get_ibdev_name(devinfo, name, size);
	Call call("doca_devinfo_get_ibdev_name");
	call.handle("devinfo", "devinfo", devinfo);
	call.number("size", size);
	const auto result = untraced_doca_devinfo_get_ibdev_name(devinfo, name, size);
	call.ended(result, enum_doca_error);
	if (result == DOCA_SUCCESS) {
		call.text("name", name);
	}
	return result;
}

extern "C" __attribute__((visibility("hidden"))) decltype(doca_devinfo_get_pci_func_type) untraced_doca_devinfo_get_pci_func_type;
doca_error_t doca_devinfo_get_pci_func_type(const struct doca_devinfo *devinfo, enum doca_pci_func_type *type)
{
	if (!is_on())
		return untraced_doca_devinfo_get_pci_func_type(devinfo, type);
	Call call("doca_devinfo_get_pci_func_type");
	call.handle("devinfo", "devinfo", devinfo);
	const auto result = untraced_doca_devinfo_get_pci_func_type(devinfo, type);
	call.ended(result, enum_doca_error);
	if (result == DOCA_SUCCESS) {
		call.enumeration("type", *type, enum_doca_pci_func_type);
	}
	return result;
}

extern "C" __attribute__((visibility("hidden"))) decltype(doca_devinfo_get_sf_index) untraced_doca_devinfo_get_sf_index;
doca_error_t doca_devinfo_get_sf_index(const struct doca_devinfo *devinfo, uint32_t *index)
{
	if (!is_on())
		return untraced_doca_devinfo_get_sf_index(devinfo, index);
	Call call("doca_devinfo_get_sf_index");
	call.handle("devinfo", "devinfo", devinfo);
	const auto result = untraced_doca_devinfo_get_sf_index(devinfo, index);
	call.ended(result, enum_doca_error);
	if (result == DOCA_SUCCESS) {
		if (index != nullptr) call.number("index", *index);
	}
	return result;
}

extern "C" __attribute__((visibility("hidden"))) decltype(doca_devinfo_get_vhca_id) untraced_doca_devinfo_get_vhca_id;
doca_error_t doca_devinfo_get_vhca_id(const struct doca_devinfo *devinfo, uint16_t *vhca_id)
{
	if (!is_on())
		return untraced_doca_devinfo_get_vhca_id(devinfo, vhca_id);
	Call call("doca_devinfo_get_vhca_id");
	call.handle("devinfo", "devinfo", devinfo);
	const auto result = untraced_doca_devinfo_get_vhca_id(devinfo, vhca_id);
	call.ended(result, enum_doca_error);
	if (result == DOCA_SUCCESS) {
		if (vhca_id != nullptr) call.number("vhca_id", *vhca_id);
	}
	return result;
}

extern "C" __attribute__((visibility("hidden"))) decltype(doca_devinfo_get_active_rate) untraced_doca_devinfo_get_active_rate;
doca_error_t doca_devinfo_get_active_rate(const struct doca_devinfo *devinfo, uint64_t *rate)
{
	if (!is_on())
		return untraced_doca_devinfo_get_active_rate(devinfo, rate);
	Call call("doca_devinfo_get_active_rate");
	call.handle("devinfo", "devinfo", devinfo);
	const auto result = untraced_doca_devinfo_get_active_rate(devinfo, rate);
	call.ended(result, enum_doca_error);
	if (result == DOCA_SUCCESS) {
		if (rate != nullptr) call.number("rate", *rate);
	}
	return result;
}

extern "C" __attribute__((visibility("hidden"))) decltype(doca_devinfo_get_lid) untraced_doca_devinfo_get_lid;
doca_error_t doca_devinfo_get_lid(const struct doca_devinfo *devinfo, uint16_t *lid)
{
	if (!is_on())
		return untraced_doca_devinfo_get_lid(devinfo, lid);
	Call call("doca_devinfo_get_lid");
	call.handle("devinfo", "devinfo", devinfo);
	const auto result = untraced_doca_devinfo_get_lid(devinfo, lid);
	call.ended(result, enum_doca_error);
	if (result == DOCA_SUCCESS) {
		if (lid != nullptr) call.number("lid", *lid);
	}
	return result;
}

extern "C" __attribute__((visibility("hidden"))) decltype(doca_devinfo_cap_is_hotplug_manager_supported) untraced_doca_devinfo_cap_is_hotplug_manager_supported;
doca_error_t doca_devinfo_cap_is_hotplug_manager_supported(const struct doca_devinfo *devinfo, uint8_t *supported)
{
	if (!is_on())
		return untraced_doca_devinfo_cap_is_hotplug_manager_supported(devinfo, supported);
	Call call("doca_devinfo_cap_is_hotplug_manager_supported");
	call.handle("devinfo", "devinfo", devinfo);
	const auto result = untraced_doca_devinfo_cap_is_hotplug_manager_supported(devinfo, supported);
	call.ended(result, enum_doca_error);
	if (result == DOCA_SUCCESS) {
		if (supported != nullptr) call.number("supported", *supported);
	}
	return result;
}

extern "C" __attribute__((visibility("hidden"))) decltype(doca_devinfo_cap_is_notification_moderation_supported) untraced_doca_devinfo_cap_is_notification_moderation_supported;
doca_error_t doca_devinfo_cap_is_notification_moderation_supported(const struct doca_devinfo *devinfo, uint8_t *supported)
{
	if (!is_on())
		return untraced_doca_devinfo_cap_is_notification_moderation_supported(devinfo, supported);
	Call call("doca_devinfo_cap_is_notification_moderation_supported");
	call.handle("devinfo", "devinfo", devinfo);
	const auto result = untraced_doca_devinfo_cap_is_notification_moderation_supported(devinfo, supported);
	call.ended(result, enum_doca_error);
	if (result == DOCA_SUCCESS) {
		if (supported != nullptr) call.number("supported", *supported);
	}
	return result;
}

extern "C" __attribute__((visibility("hidden"))) decltype(doca_devinfo_cap_is_accelerate_resource_reclaim_supported) untraced_doca_devinfo_cap_is_accelerate_resource_reclaim_supported;
doca_error_t doca_devinfo_cap_is_accelerate_resource_reclaim_supported(const struct doca_devinfo *devinfo, uint8_t *supported)
{
	if (!is_on())
		return untraced_doca_devinfo_cap_is_accelerate_resource_reclaim_supported(devinfo, supported);
	Call call("doca_devinfo_cap_is_accelerate_resource_reclaim_supported");
	call.handle("devinfo", "devinfo", devinfo);
	const auto result = untraced_doca_devinfo_cap_is_accelerate_resource_reclaim_supported(devinfo, supported);
	call.ended(result, enum_doca_error);
	if (result == DOCA_SUCCESS) {
		if (supported != nullptr) call.number("supported", *supported);
	}
	return result;
}

extern "C" __attribute__((visibility("hidden"))) decltype(doca_dev_accelerate_resource_reclaim) untraced_doca_dev_accelerate_resource_reclaim;
doca_error_t doca_dev_accelerate_resource_reclaim(struct doca_dev *dev)
{
	if (!is_on())
		return untraced_doca_dev_accelerate_resource_reclaim(dev);
	Call call("doca_dev_accelerate_resource_reclaim");
	call.handle("dev", "dev", dev);
	const auto result = untraced_doca_dev_accelerate_resource_reclaim(dev);
	call.ended(result, enum_doca_error);
	return result;
}

extern "C" __attribute__((visibility("hidden"))) decltype(doca_devinfo_rep_create_list) untraced_doca_devinfo_rep_create_list;
doca_error_t doca_devinfo_rep_create_list(struct doca_dev *dev, int filter, struct doca_devinfo_rep ***list, uint32_t *count)
{
	if (!is_on())
		return untraced_doca_devinfo_rep_create_list(dev, filter, list, count);
	Call call("doca_devinfo_rep_create_list");
	call.handle("dev", "dev", dev);
	call.number("filter", filter);
	const auto result = untraced_doca_devinfo_rep_create_list(dev, filter, list, count);
	call.ended(result, enum_doca_error);
	if (result == DOCA_SUCCESS) {
		if (count != nullptr) call.number("count", *count);
	}
	return result;
}

extern "C" __attribute__((visibility("hidden"))) decltype(doca_devinfo_rep_destroy_list) untraced_doca_devinfo_rep_destroy_list;
doca_error_t doca_devinfo_rep_destroy_list(struct doca_devinfo_rep **list)
{
	if (!is_on())
		return untraced_doca_devinfo_rep_destroy_list(list);
	Call call("doca_devinfo_rep_destroy_list");
	call.pointer("list", list);
	const auto result = untraced_doca_devinfo_rep_destroy_list(list);
	call.ended(result, enum_doca_error);
	return result;
}

extern "C" __attribute__((visibility("hidden"))) decltype(doca_devinfo_rep_cap_is_filter_all_supported) untraced_doca_devinfo_rep_cap_is_filter_all_supported;
doca_error_t doca_devinfo_rep_cap_is_filter_all_supported(const struct doca_devinfo *devinfo, uint8_t *supported)
{
	if (!is_on())
		return untraced_doca_devinfo_rep_cap_is_filter_all_supported(devinfo, supported);
	Call call("doca_devinfo_rep_cap_is_filter_all_supported");
	call.handle("devinfo", "devinfo", devinfo);
	const auto result = untraced_doca_devinfo_rep_cap_is_filter_all_supported(devinfo, supported);
	call.ended(result, enum_doca_error);
	if (result == DOCA_SUCCESS) {
		if (supported != nullptr) call.number("supported", *supported);
	}
	return result;
}

extern "C" __attribute__((visibility("hidden"))) decltype(doca_devinfo_rep_cap_is_filter_net_supported) untraced_doca_devinfo_rep_cap_is_filter_net_supported;
doca_error_t doca_devinfo_rep_cap_is_filter_net_supported(const struct doca_devinfo *devinfo, uint8_t *supported)
{
	if (!is_on())
		return untraced_doca_devinfo_rep_cap_is_filter_net_supported(devinfo, supported);
	Call call("doca_devinfo_rep_cap_is_filter_net_supported");
	call.handle("devinfo", "devinfo", devinfo);
	const auto result = untraced_doca_devinfo_rep_cap_is_filter_net_supported(devinfo, supported);
	call.ended(result, enum_doca_error);
	if (result == DOCA_SUCCESS) {
		if (supported != nullptr) call.number("supported", *supported);
	}
	return result;
}

extern "C" __attribute__((visibility("hidden"))) decltype(doca_devinfo_rep_cap_is_filter_emulated_supported) untraced_doca_devinfo_rep_cap_is_filter_emulated_supported;
doca_error_t doca_devinfo_rep_cap_is_filter_emulated_supported(const struct doca_devinfo *devinfo, uint8_t *supported)
{
	if (!is_on())
		return untraced_doca_devinfo_rep_cap_is_filter_emulated_supported(devinfo, supported);
	Call call("doca_devinfo_rep_cap_is_filter_emulated_supported");
	call.handle("devinfo", "devinfo", devinfo);
	const auto result = untraced_doca_devinfo_rep_cap_is_filter_emulated_supported(devinfo, supported);
	call.ended(result, enum_doca_error);
	if (result == DOCA_SUCCESS) {
		if (supported != nullptr) call.number("supported", *supported);
	}
	return result;
}

extern "C" __attribute__((visibility("hidden"))) decltype(doca_dev_rep_open) untraced_doca_dev_rep_open;
doca_error_t doca_dev_rep_open(struct doca_devinfo_rep *devinfo, struct doca_dev_rep **rep)
{
	if (!is_on())
		return untraced_doca_dev_rep_open(devinfo, rep);
	Call call("doca_dev_rep_open");
	call.handle("devinfo", "devinfo_rep", devinfo);
	const auto result = untraced_doca_dev_rep_open(devinfo, rep);
	call.ended(result, enum_doca_error);
	if (result == DOCA_SUCCESS) {
		if (rep != nullptr) call.handle("rep", "dev_rep", *rep);
	}
	return result;
}

extern "C" __attribute__((visibility("hidden"))) decltype(doca_dev_rep_close) untraced_doca_dev_rep_close;
doca_error_t doca_dev_rep_close(struct doca_dev_rep *rep)
{
	if (!is_on())
		return untraced_doca_dev_rep_close(rep);
	Call call("doca_dev_rep_close");
	call.handle("rep", "dev_rep", rep);
	const auto result = untraced_doca_dev_rep_close(rep);
	call.ended(result, enum_doca_error);
	return result;
}

extern "C" __attribute__((visibility("hidden"))) decltype(doca_dev_rep_as_devinfo) untraced_doca_dev_rep_as_devinfo;
struct doca_devinfo_rep *doca_dev_rep_as_devinfo(struct doca_dev_rep *rep)
{
	if (!is_on())
		return untraced_doca_dev_rep_as_devinfo(rep);
	Call call("doca_dev_rep_as_devinfo");
	call.handle("rep", "dev_rep", rep);
	const auto result = untraced_doca_dev_rep_as_devinfo(rep);
	call.ended(handle("devinfo_rep", result));
	return result;
}

extern "C" __attribute__((visibility("hidden"))) decltype(doca_devinfo_rep_is_equal_pci_addr) untraced_doca_devinfo_rep_is_equal_pci_addr;
doca_error_t doca_devinfo_rep_is_equal_pci_addr(const struct doca_devinfo_rep *devinfo, const char *pci_address, uint8_t *is_equal)
{
	if (!is_on())
		return untraced_doca_devinfo_rep_is_equal_pci_addr(devinfo, pci_address, is_equal);
	Call call("doca_devinfo_rep_is_equal_pci_addr");
	call.handle("devinfo", "devinfo_rep", devinfo);
	call.text("pci_address", pci_address);
	const auto result = untraced_doca_devinfo_rep_is_equal_pci_addr(devinfo, pci_address, is_equal);
	call.ended(result, enum_doca_error);
	if (result == DOCA_SUCCESS) {
		if (is_equal != nullptr) call.number("is_equal", *is_equal);
	}
	return result;
}

extern "C" __attribute__((visibility("hidden"))) decltype(doca_devinfo_rep_get_pci_addr_str) untraced_doca_devinfo_rep_get_pci_addr_str;
doca_error_t doca_devinfo_rep_get_pci_addr_str(const struct doca_devinfo_rep *devinfo, char *pci_address)
{
	if (!is_on())
		return untraced_doca_devinfo_rep_get_pci_addr_str(devinfo, pci_address);
	Call call("doca_devinfo_rep_get_pci_addr_str");
	call.handle("devinfo", "devinfo_rep", devinfo);
	const auto result = untraced_doca_devinfo_rep_get_pci_addr_str(devinfo, pci_address);
	call.ended(result, enum_doca_error);
	if (result == DOCA_SUCCESS) {
		call.text("pci_address", pci_address);
	}
	return result;
}

extern "C" __attribute__((visibility("hidden"))) decltype(doca_devinfo_rep_get_vuid) untraced_doca_devinfo_rep_get_vuid;
doca_error_t doca_devinfo_rep_get_vuid(const struct doca_devinfo_rep *devinfo, char *vuid, uint32_t size)
{
	if (!is_on())
		return untraced_doca_devinfo_rep_get_vuid(devinfo, vuid, size);
	Call call("doca_devinfo_rep_get_vuid");
	call.handle("devinfo", "devinfo_rep", devinfo);
	call.number("size", size);
	const auto result = untraced_doca_devinfo_rep_get_vuid(devinfo, vuid, size);
	call.ended(result, enum_doca_error);
	if (result == DOCA_SUCCESS) {
		call.text("vuid", vuid);
	}
	return result;
}

extern "C" __attribute__((visibility("hidden"))) decltype(doca_devinfo_rep_get_iface_name) untraced_doca_devinfo_rep_get_iface_name;
doca_error_t doca_devinfo_rep_get_iface_name(const struct doca_devinfo_rep *devinfo, char *name, uint32_t size)
{
	if (!is_on())
		return untraced_doca_devinfo_rep_get_iface_name(devinfo, name, size);
	Call call("doca_devinfo_rep_get_iface_name");
	call.handle("devinfo", "devinfo_rep", devinfo);
	call.number("size", size);
	const auto result = untraced_doca_devinfo_rep_get_iface_name(devinfo, name, size);
	call.ended(result, enum_doca_error);
	if (result == DOCA_SUCCESS) {
		call.text("name", name);
	}
	return result;
}

extern "C" __attribute__((visibility("hidden"))) decltype(doca_devinfo_rep_get_pci_func_type) untraced_doca_devinfo_rep_get_pci_func_type;
doca_error_t doca_devinfo_rep_get_pci_func_type(const struct doca_devinfo_rep *devinfo, enum doca_pci_func_type *type)
{
	if (!is_on())
		return untraced_doca_devinfo_rep_get_pci_func_type(devinfo, type);
	Call call("doca_devinfo_rep_get_pci_func_type");
	call.handle("devinfo", "devinfo_rep", devinfo);
	const auto result = untraced_doca_devinfo_rep_get_pci_func_type(devinfo, type);
	call.ended(result, enum_doca_error);
	if (result == DOCA_SUCCESS) {
		call.enumeration("type", *type, enum_doca_pci_func_type);
	}
	return result;
}

extern "C" __attribute__((visibility("hidden"))) decltype(doca_devinfo_rep_get_is_hotplug) untraced_doca_devinfo_rep_get_is_hotplug;
doca_error_t doca_devinfo_rep_get_is_hotplug(const struct doca_devinfo_rep *devinfo, uint8_t *is_hotplug)
{
	if (!is_on())
		return untraced_doca_devinfo_rep_get_is_hotplug(devinfo, is_hotplug);
	Call call("doca_devinfo_rep_get_is_hotplug");
	call.handle("devinfo", "devinfo_rep", devinfo);
	const auto result = untraced_doca_devinfo_rep_get_is_hotplug(devinfo, is_hotplug);
	call.ended(result, enum_doca_error);
	if (result == DOCA_SUCCESS) {
		if (is_hotplug != nullptr) call.number("is_hotplug", *is_hotplug);
	}
	return result;
}

extern "C" __attribute__((visibility("hidden"))) decltype(doca_devinfo_rep_get_vhca_id) untraced_doca_devinfo_rep_get_vhca_id;
doca_error_t doca_devinfo_rep_get_vhca_id(const struct doca_devinfo_rep *devinfo, uint16_t *vhca_id)
{
	if (!is_on())
		return untraced_doca_devinfo_rep_get_vhca_id(devinfo, vhca_id);
	Call call("doca_devinfo_rep_get_vhca_id");
	call.handle("devinfo", "devinfo_rep", devinfo);
	const auto result = untraced_doca_devinfo_rep_get_vhca_id(devinfo, vhca_id);
	call.ended(result, enum_doca_error);
	if (result == DOCA_SUCCESS) {
		if (vhca_id != nullptr) call.number("vhca_id", *vhca_id);
	}
	return result;
}

extern "C" __attribute__((visibility("hidden"))) decltype(doca_dpdk_port_probe) untraced_doca_dpdk_port_probe;
doca_error_t doca_dpdk_port_probe(struct doca_dev *dev, const char *devargs)
{
	if (!is_on())
		return untraced_doca_dpdk_port_probe(dev, devargs);
	Call call("doca_dpdk_port_probe");
	call.handle("dev", "dev", dev);
	call.text("devargs", devargs);
	const auto result = untraced_doca_dpdk_port_probe(dev, devargs);
	call.ended(result, enum_doca_error);
	return result;
}

extern "C" __attribute__((visibility("hidden"))) decltype(doca_dpdk_get_first_port_id) untraced_doca_dpdk_get_first_port_id;
doca_error_t doca_dpdk_get_first_port_id(const struct doca_dev *dev, uint16_t *port_id)
{
	if (!is_on())
		return untraced_doca_dpdk_get_first_port_id(dev, port_id);
	Call call("doca_dpdk_get_first_port_id");
	call.handle("dev", "dev", dev);
	const auto result = untraced_doca_dpdk_get_first_port_id(dev, port_id);
	call.ended(result, enum_doca_error);
	if (result == DOCA_SUCCESS) {
		if (port_id != nullptr) call.number("port_id", *port_id);
	}
	return result;
}

extern "C" __attribute__((visibility("hidden"))) decltype(doca_dpdk_port_as_dev) untraced_doca_dpdk_port_as_dev;
doca_error_t doca_dpdk_port_as_dev(uint16_t port_id, struct doca_dev **dev)
{
	if (!is_on())
		return untraced_doca_dpdk_port_as_dev(port_id, dev);
	Call call("doca_dpdk_port_as_dev");
	call.number("port_id", port_id);
	const auto result = untraced_doca_dpdk_port_as_dev(port_id, dev);
	call.ended(result, enum_doca_error);
	if (result == DOCA_SUCCESS) {
		if (dev != nullptr) call.handle("dev", "dev", *dev);
	}
	return result;
}

extern "C" __attribute__((visibility("hidden"))) decltype(doca_dpdk_open_dev_rep_by_port_id) untraced_doca_dpdk_open_dev_rep_by_port_id;
doca_error_t doca_dpdk_open_dev_rep_by_port_id(uint16_t port_id, struct doca_dev *dev, struct doca_dev_rep **rep)
{
	if (!is_on())
		return untraced_doca_dpdk_open_dev_rep_by_port_id(port_id, dev, rep);
	Call call("doca_dpdk_open_dev_rep_by_port_id");
	call.number("port_id", port_id);
	call.handle("dev", "dev", dev);
	const auto result = untraced_doca_dpdk_open_dev_rep_by_port_id(port_id, dev, rep);
	call.ended(result, enum_doca_error);
	if (result == DOCA_SUCCESS) {
		if (rep != nullptr) call.handle("rep", "dev_rep", *rep);
	}
	return result;
}

extern "C" __attribute__((visibility("hidden"))) decltype(doca_dpdk_get_rep_vf_index) untraced_doca_dpdk_get_rep_vf_index;
doca_error_t doca_dpdk_get_rep_vf_index(const struct doca_devinfo_rep *devinfo, uint16_t *vf_index)
{
	if (!is_on())
		return untraced_doca_dpdk_get_rep_vf_index(devinfo, vf_index);
	Call call("doca_dpdk_get_rep_vf_index");
	call.handle("devinfo", "devinfo_rep", devinfo);
	const auto result = untraced_doca_dpdk_get_rep_vf_index(devinfo, vf_index);
	call.ended(result, enum_doca_error);
	if (result == DOCA_SUCCESS) {
		if (vf_index != nullptr) call.number("vf_index", *vf_index);
	}
	return result;
}

extern "C" __attribute__((visibility("hidden"))) decltype(doca_dpdk_get_rep_sf_num) untraced_doca_dpdk_get_rep_sf_num;
doca_error_t doca_dpdk_get_rep_sf_num(const struct doca_devinfo_rep *devinfo, uint16_t *sf_num)
{
	if (!is_on())
		return untraced_doca_dpdk_get_rep_sf_num(devinfo, sf_num);
	Call call("doca_dpdk_get_rep_sf_num");
	call.handle("devinfo", "devinfo_rep", devinfo);
	const auto result = untraced_doca_dpdk_get_rep_sf_num(devinfo, sf_num);
	call.ended(result, enum_doca_error);
	if (result == DOCA_SUCCESS) {
		if (sf_num != nullptr) call.number("sf_num", *sf_num);
	}
	return result;
}

extern "C" __attribute__((visibility("hidden"))) decltype(doca_dpdk_cap_is_rep_port_supported) untraced_doca_dpdk_cap_is_rep_port_supported;
doca_error_t doca_dpdk_cap_is_rep_port_supported(const struct doca_devinfo *devinfo, uint8_t *supported)
{
	if (!is_on())
		return untraced_doca_dpdk_cap_is_rep_port_supported(devinfo, supported);
	Call call("doca_dpdk_cap_is_rep_port_supported");
	call.handle("devinfo", "devinfo", devinfo);
	const auto result = untraced_doca_dpdk_cap_is_rep_port_supported(devinfo, supported);
	call.ended(result, enum_doca_error);
	if (result == DOCA_SUCCESS) {
		if (supported != nullptr) call.number("supported", *supported);
	}
	return result;
}

extern "C" __attribute__((visibility("hidden"))) decltype(doca_dpdk_mempool_create) untraced_doca_dpdk_mempool_create;
doca_error_t doca_dpdk_mempool_create(const struct rte_mempool *mbuf_pool, struct doca_dpdk_mempool **mempool)
{
	if (!is_on())
		return untraced_doca_dpdk_mempool_create(mbuf_pool, mempool);
	Call call("doca_dpdk_mempool_create");
	call.handle("mbuf_pool", "rte_mempool", mbuf_pool);
	const auto result = untraced_doca_dpdk_mempool_create(mbuf_pool, mempool);
	call.ended(result, enum_doca_error);
	if (result == DOCA_SUCCESS) {
		if (mempool != nullptr) call.handle("mempool", "dpdk_mempool", *mempool);
	}
	return result;
}

extern "C" __attribute__((visibility("hidden"))) decltype(doca_dpdk_mempool_destroy) untraced_doca_dpdk_mempool_destroy;
doca_error_t doca_dpdk_mempool_destroy(struct doca_dpdk_mempool *mempool)
{
	if (!is_on())
		return untraced_doca_dpdk_mempool_destroy(mempool);
	Call call("doca_dpdk_mempool_destroy");
	call.handle("mempool", "dpdk_mempool", mempool);
	const auto result = untraced_doca_dpdk_mempool_destroy(mempool);
	call.ended(result, enum_doca_error);
	return result;
}

extern "C" __attribute__((visibility("hidden"))) decltype(doca_dpdk_mempool_dev_add) untraced_doca_dpdk_mempool_dev_add;
doca_error_t doca_dpdk_mempool_dev_add(struct doca_dpdk_mempool *mempool, struct doca_dev *dev)
{
	if (!is_on())
		return untraced_doca_dpdk_mempool_dev_add(mempool, dev);
	Call call("doca_dpdk_mempool_dev_add");
	call.handle("mempool", "dpdk_mempool", mempool);
	call.handle("dev", "dev", dev);
	const auto result = untraced_doca_dpdk_mempool_dev_add(mempool, dev);
	call.ended(result, enum_doca_error);
	return result;
}

extern "C" __attribute__((visibility("hidden"))) decltype(doca_dpdk_mempool_set_permissions) untraced_doca_dpdk_mempool_set_permissions;
doca_error_t doca_dpdk_mempool_set_permissions(struct doca_dpdk_mempool *mempool, uint32_t access_mask)
{
	if (!is_on())
		return untraced_doca_dpdk_mempool_set_permissions(mempool, access_mask);
	Call call("doca_dpdk_mempool_set_permissions");
	call.handle("mempool", "dpdk_mempool", mempool);
	call.number("access_mask", access_mask);
	const auto result = untraced_doca_dpdk_mempool_set_permissions(mempool, access_mask);
	call.ended(result, enum_doca_error);
	return result;
}

extern "C" __attribute__((visibility("hidden"))) decltype(doca_dpdk_mempool_start) untraced_doca_dpdk_mempool_start;
doca_error_t doca_dpdk_mempool_start(struct doca_dpdk_mempool *mempool)
{
	if (!is_on())
		return untraced_doca_dpdk_mempool_start(mempool);
	Call call("doca_dpdk_mempool_start");
	call.handle("mempool", "dpdk_mempool", mempool);
	const auto result = untraced_doca_dpdk_mempool_start(mempool);
	call.ended(result, enum_doca_error);
	return result;
}

extern "C" __attribute__((visibility("hidden"))) decltype(doca_dpdk_mempool_mbuf_to_buf) untraced_doca_dpdk_mempool_mbuf_to_buf;
doca_error_t doca_dpdk_mempool_mbuf_to_buf(const struct doca_dpdk_mempool *mempool, struct doca_buf_inventory *inventory, struct rte_mbuf *mbuf, struct doca_buf **buf)
{
	if (!is_on())
		return untraced_doca_dpdk_mempool_mbuf_to_buf(mempool, inventory, mbuf, buf);
	Call call("doca_dpdk_mempool_mbuf_to_buf");
	call.handle("mempool", "dpdk_mempool", mempool);
	call.handle("inventory", "buf_inventory", inventory);
	call.handle("mbuf", "rte_mbuf", mbuf);
	const auto result = untraced_doca_dpdk_mempool_mbuf_to_buf(mempool, inventory, mbuf, buf);
	call.ended(result, enum_doca_error);
	if (result == DOCA_SUCCESS) {
		if (buf != nullptr) call.handle("buf", "buf", *buf);
	}
	return result;
}

extern "C" __attribute__((visibility("hidden"))) decltype(doca_error_get_name) untraced_doca_error_get_name;
const char *doca_error_get_name(doca_error_t error)
{
	if (!is_on())
		return untraced_doca_error_get_name(error);
	static Often often;
	Call call("doca_error_get_name", &often);
	if (call.is_passed_over())
		return untraced_doca_error_get_name(error);
	call.enumeration("error", error, enum_doca_error);
	const auto result = untraced_doca_error_get_name(error);
	call.ended(Text{result});
	return result;
}

extern "C" __attribute__((visibility("hidden"))) decltype(doca_error_get_descr) untraced_doca_error_get_descr;
const char *doca_error_get_descr(doca_error_t error)
{
	if (!is_on())
		return untraced_doca_error_get_descr(error);
	static Often often;
	Call call("doca_error_get_descr", &often);
	if (call.is_passed_over())
		return untraced_doca_error_get_descr(error);
	call.enumeration("error", error, enum_doca_error);
	const auto result = untraced_doca_error_get_descr(error);
	call.ended(Text{result});
	return result;
}

extern "C" __attribute__((visibility("hidden"))) decltype(doca_flow_cfg_create) untraced_doca_flow_cfg_create;
doca_error_t doca_flow_cfg_create(struct doca_flow_cfg **cfg)
{
	if (!is_on())
		return untraced_doca_flow_cfg_create(cfg);
	Call call("doca_flow_cfg_create");
	const auto result = untraced_doca_flow_cfg_create(cfg);
	call.ended(result, enum_doca_error);
	if (result == DOCA_SUCCESS) {
		if (cfg != nullptr) call.handle("cfg", "flow_cfg", *cfg);
	}
	return result;
}

extern "C" __attribute__((visibility("hidden"))) decltype(doca_flow_cfg_destroy) untraced_doca_flow_cfg_destroy;
doca_error_t doca_flow_cfg_destroy(struct doca_flow_cfg *cfg)
{
	if (!is_on())
		return untraced_doca_flow_cfg_destroy(cfg);
	Call call("doca_flow_cfg_destroy");
	call.handle("cfg", "flow_cfg", cfg);
	const auto result = untraced_doca_flow_cfg_destroy(cfg);
	call.ended(result, enum_doca_error);
	return result;
}

extern "C" __attribute__((visibility("hidden"))) decltype(doca_flow_cfg_set_pipe_queues) untraced_doca_flow_cfg_set_pipe_queues;
doca_error_t doca_flow_cfg_set_pipe_queues(struct doca_flow_cfg *cfg, uint16_t pipe_queues)
{
	if (!is_on())
		return untraced_doca_flow_cfg_set_pipe_queues(cfg, pipe_queues);
	Call call("doca_flow_cfg_set_pipe_queues");
	call.handle("cfg", "flow_cfg", cfg);
	call.number("pipe_queues", pipe_queues);
	const auto result = untraced_doca_flow_cfg_set_pipe_queues(cfg, pipe_queues);
	call.ended(result, enum_doca_error);
	return result;
}

extern "C" __attribute__((visibility("hidden"))) decltype(doca_flow_cfg_set_queue_depth) untraced_doca_flow_cfg_set_queue_depth;
doca_error_t doca_flow_cfg_set_queue_depth(struct doca_flow_cfg *cfg, uint32_t queue_depth)
{
	if (!is_on())
		return untraced_doca_flow_cfg_set_queue_depth(cfg, queue_depth);
	Call call("doca_flow_cfg_set_queue_depth");
	call.handle("cfg", "flow_cfg", cfg);
	call.number("queue_depth", queue_depth);
	const auto result = untraced_doca_flow_cfg_set_queue_depth(cfg, queue_depth);
	call.ended(result, enum_doca_error);
	return result;
}

extern "C" __attribute__((visibility("hidden"))) decltype(doca_flow_cfg_set_nr_counters) untraced_doca_flow_cfg_set_nr_counters;
doca_error_t doca_flow_cfg_set_nr_counters(struct doca_flow_cfg *cfg, uint32_t nr_counters)
{
	if (!is_on())
		return untraced_doca_flow_cfg_set_nr_counters(cfg, nr_counters);
	Call call("doca_flow_cfg_set_nr_counters");
	call.handle("cfg", "flow_cfg", cfg);
	call.number("nr_counters", nr_counters);
	const auto result = untraced_doca_flow_cfg_set_nr_counters(cfg, nr_counters);
	call.ended(result, enum_doca_error);
	return result;
}

extern "C" __attribute__((visibility("hidden"))) decltype(doca_flow_cfg_set_nr_meters) untraced_doca_flow_cfg_set_nr_meters;
doca_error_t doca_flow_cfg_set_nr_meters(struct doca_flow_cfg *cfg, uint32_t nr_meters)
{
	if (!is_on())
		return untraced_doca_flow_cfg_set_nr_meters(cfg, nr_meters);
	Call call("doca_flow_cfg_set_nr_meters");
	call.handle("cfg", "flow_cfg", cfg);
	call.number("nr_meters", nr_meters);
	const auto result = untraced_doca_flow_cfg_set_nr_meters(cfg, nr_meters);
	call.ended(result, enum_doca_error);
	return result;
}

extern "C" __attribute__((visibility("hidden"))) decltype(doca_flow_cfg_set_mode_args) untraced_doca_flow_cfg_set_mode_args;
doca_error_t doca_flow_cfg_set_mode_args(struct doca_flow_cfg *cfg, const char *mode_args)
{
	if (!is_on())
		return untraced_doca_flow_cfg_set_mode_args(cfg, mode_args);
	Call call("doca_flow_cfg_set_mode_args");
	call.handle("cfg", "flow_cfg", cfg);
	call.text("mode_args", mode_args);
	const auto result = untraced_doca_flow_cfg_set_mode_args(cfg, mode_args);
	call.ended(result, enum_doca_error);
	return result;
}

extern "C" __attribute__((visibility("hidden"))) decltype(doca_flow_cfg_set_nr_shared_resource) untraced_doca_flow_cfg_set_nr_shared_resource;
doca_error_t doca_flow_cfg_set_nr_shared_resource(struct doca_flow_cfg *cfg, uint32_t nr_shared_resource, enum doca_flow_shared_resource_type type)
{
	if (!is_on())
		return untraced_doca_flow_cfg_set_nr_shared_resource(cfg, nr_shared_resource, type);
	Call call("doca_flow_cfg_set_nr_shared_resource");
	call.handle("cfg", "flow_cfg", cfg);
	call.number("nr_shared_resource", nr_shared_resource);
	call.enumeration("type", type, enum_doca_flow_shared_resource_type);
	const auto result = untraced_doca_flow_cfg_set_nr_shared_resource(cfg, nr_shared_resource, type);
	call.ended(result, enum_doca_error);
	return result;
}

extern "C" __attribute__((visibility("hidden"))) decltype(doca_flow_cfg_set_cb_entry_process) untraced_doca_flow_cfg_set_cb_entry_process;
doca_error_t doca_flow_cfg_set_cb_entry_process(struct doca_flow_cfg *cfg, doca_flow_entry_process_cb cb)
{
	if (!is_on())
		return untraced_doca_flow_cfg_set_cb_entry_process(cfg, cb);
	Call call("doca_flow_cfg_set_cb_entry_process");
	call.handle("cfg", "flow_cfg", cfg);
	call.pointer("cb", cb);
	const auto result = untraced_doca_flow_cfg_set_cb_entry_process(cfg, cb);
	call.ended(result, enum_doca_error);
	return result;
}

extern "C" __attribute__((visibility("hidden"))) decltype(doca_flow_cfg_set_cb_pipe_process) untraced_doca_flow_cfg_set_cb_pipe_process;
doca_error_t doca_flow_cfg_set_cb_pipe_process(struct doca_flow_cfg *cfg, doca_flow_pipe_process_cb cb)
{
	if (!is_on())
		return untraced_doca_flow_cfg_set_cb_pipe_process(cfg, cb);
	Call call("doca_flow_cfg_set_cb_pipe_process");
	call.handle("cfg", "flow_cfg", cfg);
	call.pointer("cb", cb);
	const auto result = untraced_doca_flow_cfg_set_cb_pipe_process(cfg, cb);
	call.ended(result, enum_doca_error);
	return result;
}

extern "C" __attribute__((visibility("hidden"))) decltype(doca_flow_cfg_set_cb_shared_resource_unbind) untraced_doca_flow_cfg_set_cb_shared_resource_unbind;
doca_error_t doca_flow_cfg_set_cb_shared_resource_unbind(struct doca_flow_cfg *cfg, doca_flow_shared_resource_unbind_cb cb)
{
	if (!is_on())
		return untraced_doca_flow_cfg_set_cb_shared_resource_unbind(cfg, cb);
	Call call("doca_flow_cfg_set_cb_shared_resource_unbind");
	call.handle("cfg", "flow_cfg", cfg);
	call.pointer("cb", cb);
	const auto result = untraced_doca_flow_cfg_set_cb_shared_resource_unbind(cfg, cb);
	call.ended(result, enum_doca_error);
	return result;
}

extern "C" __attribute__((visibility("hidden"))) decltype(doca_flow_cfg_set_rss_key) untraced_doca_flow_cfg_set_rss_key;
doca_error_t doca_flow_cfg_set_rss_key(struct doca_flow_cfg *cfg, const uint8_t *rss_key, uint32_t rss_key_len)
{
	if (!is_on())
		return untraced_doca_flow_cfg_set_rss_key(cfg, rss_key, rss_key_len);
	Call call("doca_flow_cfg_set_rss_key");
	call.handle("cfg", "flow_cfg", cfg);
	call.secret("rss_key", rss_key);
	call.number("rss_key_len", rss_key_len);
	const auto result = untraced_doca_flow_cfg_set_rss_key(cfg, rss_key, rss_key_len);
	call.ended(result, enum_doca_error);
	return result;
}

extern "C" __attribute__((visibility("hidden"))) decltype(doca_flow_cfg_set_definitions) untraced_doca_flow_cfg_set_definitions;
doca_error_t doca_flow_cfg_set_definitions(struct doca_flow_cfg *cfg, const struct doca_flow_definitions *definitions)
{
	if (!is_on())
		return untraced_doca_flow_cfg_set_definitions(cfg, definitions);
	Call call("doca_flow_cfg_set_definitions");
	call.handle("cfg", "flow_cfg", cfg);
	call.handle("definitions", "flow_definitions", definitions);
	const auto result = untraced_doca_flow_cfg_set_definitions(cfg, definitions);
	call.ended(result, enum_doca_error);
	return result;
}

#if DOCA_SOFT_RELEASE_ < 302
extern "C" __attribute__((visibility("hidden"))) decltype(doca_flow_cfg_set_default_rss) untraced_doca_flow_cfg_set_default_rss;
doca_error_t doca_flow_cfg_set_default_rss(struct doca_flow_cfg *cfg, const struct doca_flow_resource_rss_cfg *rss)
{
	if (!is_on())
		return untraced_doca_flow_cfg_set_default_rss(cfg, rss);
	Call call("doca_flow_cfg_set_default_rss");
	call.handle("cfg", "flow_cfg", cfg);
	call.structure("rss", rss, struct_doca_flow_resource_rss_cfg);
	const auto result = untraced_doca_flow_cfg_set_default_rss(cfg, rss);
	call.ended(result, enum_doca_error);
	return result;
}
#endif

extern "C" __attribute__((visibility("hidden"))) decltype(doca_flow_init) untraced_doca_flow_init;
doca_error_t doca_flow_init(struct doca_flow_cfg *cfg)
{
	if (!is_on())
		return untraced_doca_flow_init(cfg);
	Call call("doca_flow_init");
	call.handle("cfg", "flow_cfg", cfg);
	const auto result = untraced_doca_flow_init(cfg);
	call.ended(result, enum_doca_error);
	return result;
}

extern "C" __attribute__((visibility("hidden"))) decltype(doca_flow_destroy) untraced_doca_flow_destroy;
void doca_flow_destroy(void)
{
	if (!is_on())
		return untraced_doca_flow_destroy();
	Call call("doca_flow_destroy");
	untraced_doca_flow_destroy();
	call.ended();
}

extern "C" __attribute__((visibility("hidden"))) decltype(doca_flow_port_cfg_create) untraced_doca_flow_port_cfg_create;
doca_error_t doca_flow_port_cfg_create(struct doca_flow_port_cfg **cfg)
{
	if (!is_on())
		return untraced_doca_flow_port_cfg_create(cfg);
	Call call("doca_flow_port_cfg_create");
	const auto result = untraced_doca_flow_port_cfg_create(cfg);
	call.ended(result, enum_doca_error);
	if (result == DOCA_SUCCESS) {
		if (cfg != nullptr) call.handle("cfg", "flow_port_cfg", *cfg);
	}
	return result;
}

extern "C" __attribute__((visibility("hidden"))) decltype(doca_flow_port_cfg_destroy) untraced_doca_flow_port_cfg_destroy;
doca_error_t doca_flow_port_cfg_destroy(struct doca_flow_port_cfg *cfg)
{
	if (!is_on())
		return untraced_doca_flow_port_cfg_destroy(cfg);
	Call call("doca_flow_port_cfg_destroy");
	call.handle("cfg", "flow_port_cfg", cfg);
	const auto result = untraced_doca_flow_port_cfg_destroy(cfg);
	call.ended(result, enum_doca_error);
	return result;
}

extern "C" __attribute__((visibility("hidden"))) decltype(doca_flow_port_cfg_set_devargs) untraced_doca_flow_port_cfg_set_devargs;
doca_error_t doca_flow_port_cfg_set_devargs(struct doca_flow_port_cfg *cfg, const char *devargs)
{
	if (!is_on())
		return untraced_doca_flow_port_cfg_set_devargs(cfg, devargs);
	Call call("doca_flow_port_cfg_set_devargs");
	call.handle("cfg", "flow_port_cfg", cfg);
	call.text("devargs", devargs);
	const auto result = untraced_doca_flow_port_cfg_set_devargs(cfg, devargs);
	call.ended(result, enum_doca_error);
	return result;
}

extern "C" __attribute__((visibility("hidden"))) decltype(doca_flow_port_cfg_set_dev) untraced_doca_flow_port_cfg_set_dev;
doca_error_t doca_flow_port_cfg_set_dev(struct doca_flow_port_cfg *cfg, struct doca_dev *dev)
{
	if (!is_on())
		return untraced_doca_flow_port_cfg_set_dev(cfg, dev);
	Call call("doca_flow_port_cfg_set_dev");
	call.handle("cfg", "flow_port_cfg", cfg);
	call.handle("dev", "dev", dev);
	const auto result = untraced_doca_flow_port_cfg_set_dev(cfg, dev);
	call.ended(result, enum_doca_error);
	return result;
}

extern "C" __attribute__((visibility("hidden"))) decltype(doca_flow_port_cfg_set_operation_state) untraced_doca_flow_port_cfg_set_operation_state;
doca_error_t doca_flow_port_cfg_set_operation_state(struct doca_flow_port_cfg *cfg, enum doca_flow_port_operation_state state)
{
	if (!is_on())
		return untraced_doca_flow_port_cfg_set_operation_state(cfg, state);
	Call call("doca_flow_port_cfg_set_operation_state");
	call.handle("cfg", "flow_port_cfg", cfg);
	call.enumeration("state", state, enum_doca_flow_port_operation_state);
	const auto result = untraced_doca_flow_port_cfg_set_operation_state(cfg, state);
	call.ended(result, enum_doca_error);
	return result;
}

#if DOCA_SOFT_RELEASE_ < 303
extern "C" __attribute__((visibility("hidden"))) decltype(doca_flow_port_cfg_set_rss_cfg) untraced_doca_flow_port_cfg_set_rss_cfg;
doca_error_t doca_flow_port_cfg_set_rss_cfg(struct doca_flow_port_cfg *cfg, const struct doca_flow_resource_rss_cfg *rss)
{
	if (!is_on())
		return untraced_doca_flow_port_cfg_set_rss_cfg(cfg, rss);
	Call call("doca_flow_port_cfg_set_rss_cfg");
	call.handle("cfg", "flow_port_cfg", cfg);
	call.structure("rss", rss, struct_doca_flow_resource_rss_cfg);
	const auto result = untraced_doca_flow_port_cfg_set_rss_cfg(cfg, rss);
	call.ended(result, enum_doca_error);
	return result;
}
#endif

extern "C" __attribute__((visibility("hidden"))) decltype(doca_flow_port_cfg_set_priv_data_size) untraced_doca_flow_port_cfg_set_priv_data_size;
doca_error_t doca_flow_port_cfg_set_priv_data_size(struct doca_flow_port_cfg *cfg, uint16_t size)
{
	if (!is_on())
		return untraced_doca_flow_port_cfg_set_priv_data_size(cfg, size);
	Call call("doca_flow_port_cfg_set_priv_data_size");
	call.handle("cfg", "flow_port_cfg", cfg);
	call.number("size", size);
	const auto result = untraced_doca_flow_port_cfg_set_priv_data_size(cfg, size);
	call.ended(result, enum_doca_error);
	return result;
}

extern "C" __attribute__((visibility("hidden"))) decltype(doca_flow_port_cfg_set_service_threads_core) untraced_doca_flow_port_cfg_set_service_threads_core;
doca_error_t doca_flow_port_cfg_set_service_threads_core(struct doca_flow_port_cfg *cfg, uint32_t core)
{
	if (!is_on())
		return untraced_doca_flow_port_cfg_set_service_threads_core(cfg, core);
	Call call("doca_flow_port_cfg_set_service_threads_core");
	call.handle("cfg", "flow_port_cfg", cfg);
	call.number("core", core);
	const auto result = untraced_doca_flow_port_cfg_set_service_threads_core(cfg, core);
	call.ended(result, enum_doca_error);
	return result;
}

extern "C" __attribute__((visibility("hidden"))) decltype(doca_flow_port_cfg_set_service_threads_cycle) untraced_doca_flow_port_cfg_set_service_threads_cycle;
doca_error_t doca_flow_port_cfg_set_service_threads_cycle(struct doca_flow_port_cfg *cfg, uint32_t cycle)
{
	if (!is_on())
		return untraced_doca_flow_port_cfg_set_service_threads_cycle(cfg, cycle);
	Call call("doca_flow_port_cfg_set_service_threads_cycle");
	call.handle("cfg", "flow_port_cfg", cfg);
	call.number("cycle", cycle);
	const auto result = untraced_doca_flow_port_cfg_set_service_threads_cycle(cfg, cycle);
	call.ended(result, enum_doca_error);
	return result;
}

extern "C" __attribute__((visibility("hidden"))) decltype(doca_flow_port_start) untraced_doca_flow_port_start;
doca_error_t doca_flow_port_start(const struct doca_flow_port_cfg *cfg, struct doca_flow_port **port)
{
	if (!is_on())
		return untraced_doca_flow_port_start(cfg, port);
	Call call("doca_flow_port_start");
	call.handle("cfg", "flow_port_cfg", cfg);
	const auto result = untraced_doca_flow_port_start(cfg, port);
	call.ended(result, enum_doca_error);
	if (result == DOCA_SUCCESS) {
		if (port != nullptr) call.handle("port", "flow_port", *port);
	}
	return result;
}

extern "C" __attribute__((visibility("hidden"))) decltype(doca_flow_port_stop) untraced_doca_flow_port_stop;
doca_error_t doca_flow_port_stop(struct doca_flow_port *port)
{
	if (!is_on())
		return untraced_doca_flow_port_stop(port);
	Call call("doca_flow_port_stop");
	call.handle("port", "flow_port", port);
	const auto result = untraced_doca_flow_port_stop(port);
	call.ended(result, enum_doca_error);
	return result;
}

extern "C" __attribute__((visibility("hidden"))) decltype(doca_flow_port_priv_data) untraced_doca_flow_port_priv_data;
uint8_t *doca_flow_port_priv_data(struct doca_flow_port *port)
{
	if (!is_on())
		return untraced_doca_flow_port_priv_data(port);
	Call call("doca_flow_port_priv_data");
	call.handle("port", "flow_port", port);
	const auto result = untraced_doca_flow_port_priv_data(port);
	call.ended(Pointer{result});
	return result;
}

extern "C" __attribute__((visibility("hidden"))) decltype(doca_flow_port_pair) untraced_doca_flow_port_pair;
doca_error_t doca_flow_port_pair(struct doca_flow_port *port, struct doca_flow_port *pair)
{
	if (!is_on())
		return untraced_doca_flow_port_pair(port, pair);
	Call call("doca_flow_port_pair");
	call.handle("port", "flow_port", port);
	call.handle("pair", "flow_port", pair);
	const auto result = untraced_doca_flow_port_pair(port, pair);
	call.ended(result, enum_doca_error);
	return result;
}

extern "C" __attribute__((visibility("hidden"))) decltype(doca_flow_port_switch_get) untraced_doca_flow_port_switch_get;
struct doca_flow_port *doca_flow_port_switch_get(const struct doca_flow_port *port)
{
	if (!is_on())
		return untraced_doca_flow_port_switch_get(port);
	Call call("doca_flow_port_switch_get");
	call.handle("port", "flow_port", port);
	const auto result = untraced_doca_flow_port_switch_get(port);
	call.ended(handle("flow_port", result));
	return result;
}

extern "C" __attribute__((visibility("hidden"))) decltype(doca_flow_port_pipes_flush) untraced_doca_flow_port_pipes_flush;
void doca_flow_port_pipes_flush(struct doca_flow_port *port)
{
	if (!is_on())
		return untraced_doca_flow_port_pipes_flush(port);
	Call call("doca_flow_port_pipes_flush");
	call.handle("port", "flow_port", port);
	untraced_doca_flow_port_pipes_flush(port);
	call.ended();
}

#if DOCA_SOFT_RELEASE_ < 301
extern "C" __attribute__((visibility("hidden"))) decltype(doca_flow_port_pipes_dump) untraced_doca_flow_port_pipes_dump;
void doca_flow_port_pipes_dump(struct doca_flow_port *port, FILE *file)
{
	if (!is_on())
		return untraced_doca_flow_port_pipes_dump(port, file);
	Call call("doca_flow_port_pipes_dump");
	call.handle("port", "flow_port", port);
	call.pointer("file", file);
	untraced_doca_flow_port_pipes_dump(port, file);
	call.ended();
}
#endif

extern "C" __attribute__((visibility("hidden"))) decltype(doca_flow_port_operation_state_modify) untraced_doca_flow_port_operation_state_modify;
doca_error_t doca_flow_port_operation_state_modify(struct doca_flow_port *port, enum doca_flow_port_operation_state state)
{
	if (!is_on())
		return untraced_doca_flow_port_operation_state_modify(port, state);
	Call call("doca_flow_port_operation_state_modify");
	call.handle("port", "flow_port", port);
	call.enumeration("state", state, enum_doca_flow_port_operation_state);
	const auto result = untraced_doca_flow_port_operation_state_modify(port, state);
	call.ended(result, enum_doca_error);
	return result;
}

extern "C" __attribute__((visibility("hidden"))) decltype(doca_flow_port_calc_entropy) untraced_doca_flow_port_calc_entropy;
doca_error_t doca_flow_port_calc_entropy(struct doca_flow_port *port, struct doca_flow_entropy_format *header, uint16_t *entropy)
{
	if (!is_on())
		return untraced_doca_flow_port_calc_entropy(port, header, entropy);
	Call call("doca_flow_port_calc_entropy");
	call.handle("port", "flow_port", port);
	call.structure("header", header, struct_doca_flow_entropy_format);
	const auto result = untraced_doca_flow_port_calc_entropy(port, header, entropy);
	call.ended(result, enum_doca_error);
	if (result == DOCA_SUCCESS) {
		if (entropy != nullptr) call.number("entropy", *entropy);
	}
	return result;
}

extern "C" __attribute__((visibility("hidden"))) decltype(doca_flow_pipe_cfg_create) untraced_doca_flow_pipe_cfg_create;
doca_error_t doca_flow_pipe_cfg_create(struct doca_flow_pipe_cfg **cfg, struct doca_flow_port *port)
{
	if (!is_on())
		return untraced_doca_flow_pipe_cfg_create(cfg, port);
	Call call("doca_flow_pipe_cfg_create");
	call.handle("port", "flow_port", port);
	const auto result = untraced_doca_flow_pipe_cfg_create(cfg, port);
	call.ended(result, enum_doca_error);
	if (result == DOCA_SUCCESS) {
		call.forget(*cfg);
		if (cfg != nullptr) call.handle("cfg", "flow_pipe_cfg", *cfg);
	}
	return result;
}

extern "C" __attribute__((visibility("hidden"))) decltype(doca_flow_pipe_cfg_destroy) untraced_doca_flow_pipe_cfg_destroy;
doca_error_t doca_flow_pipe_cfg_destroy(struct doca_flow_pipe_cfg *cfg)
{
	if (!is_on())
		return untraced_doca_flow_pipe_cfg_destroy(cfg);
	Call call("doca_flow_pipe_cfg_destroy");
	call.handle("cfg", "flow_pipe_cfg", cfg);
	call.forget(cfg);
	const auto result = untraced_doca_flow_pipe_cfg_destroy(cfg);
	call.ended(result, enum_doca_error);
	return result;
}

extern "C" __attribute__((visibility("hidden"))) decltype(doca_flow_pipe_cfg_set_name) untraced_doca_flow_pipe_cfg_set_name;
doca_error_t doca_flow_pipe_cfg_set_name(struct doca_flow_pipe_cfg *cfg, const char *name)
{
	if (!is_on())
		return untraced_doca_flow_pipe_cfg_set_name(cfg, name);
	Call call("doca_flow_pipe_cfg_set_name");
	call.handle("cfg", "flow_pipe_cfg", cfg);
	call.text("name", name);
	const auto result = untraced_doca_flow_pipe_cfg_set_name(cfg, name);
	call.ended(result, enum_doca_error);
	if (result == DOCA_SUCCESS) {
		call.keep(cfg, "name", true);
	}
	return result;
}

extern "C" __attribute__((visibility("hidden"))) decltype(doca_flow_pipe_cfg_set_label) untraced_doca_flow_pipe_cfg_set_label;
doca_error_t doca_flow_pipe_cfg_set_label(struct doca_flow_pipe_cfg *cfg, const char *label)
{
	if (!is_on())
		return untraced_doca_flow_pipe_cfg_set_label(cfg, label);
	Call call("doca_flow_pipe_cfg_set_label");
	call.handle("cfg", "flow_pipe_cfg", cfg);
	call.text("label", label);
	const auto result = untraced_doca_flow_pipe_cfg_set_label(cfg, label);
	call.ended(result, enum_doca_error);
	if (result == DOCA_SUCCESS) {
		call.keep(cfg, "label", true);
	}
	return result;
}

extern "C" __attribute__((visibility("hidden"))) decltype(doca_flow_pipe_cfg_set_type) untraced_doca_flow_pipe_cfg_set_type;
doca_error_t doca_flow_pipe_cfg_set_type(struct doca_flow_pipe_cfg *cfg, enum doca_flow_pipe_type type)
{
	if (!is_on())
		return untraced_doca_flow_pipe_cfg_set_type(cfg, type);
	Call call("doca_flow_pipe_cfg_set_type");
	call.handle("cfg", "flow_pipe_cfg", cfg);
	call.enumeration("type", type, enum_doca_flow_pipe_type);
	const auto result = untraced_doca_flow_pipe_cfg_set_type(cfg, type);
	call.ended(result, enum_doca_error);
	if (result == DOCA_SUCCESS) {
		call.keep(cfg, "type", true);
	}
	return result;
}

extern "C" __attribute__((visibility("hidden"))) decltype(doca_flow_pipe_cfg_set_domain) untraced_doca_flow_pipe_cfg_set_domain;
doca_error_t doca_flow_pipe_cfg_set_domain(struct doca_flow_pipe_cfg *cfg, enum doca_flow_pipe_domain domain)
{
	if (!is_on())
		return untraced_doca_flow_pipe_cfg_set_domain(cfg, domain);
	Call call("doca_flow_pipe_cfg_set_domain");
	call.handle("cfg", "flow_pipe_cfg", cfg);
	call.enumeration("domain", domain, enum_doca_flow_pipe_domain);
	const auto result = untraced_doca_flow_pipe_cfg_set_domain(cfg, domain);
	call.ended(result, enum_doca_error);
	if (result == DOCA_SUCCESS) {
		call.keep(cfg, "domain", true);
	}
	return result;
}

extern "C" __attribute__((visibility("hidden"))) decltype(doca_flow_pipe_cfg_set_is_root) untraced_doca_flow_pipe_cfg_set_is_root;
doca_error_t doca_flow_pipe_cfg_set_is_root(struct doca_flow_pipe_cfg *cfg, bool is_root)
{
	if (!is_on())
		return untraced_doca_flow_pipe_cfg_set_is_root(cfg, is_root);
	Call call("doca_flow_pipe_cfg_set_is_root");
	call.handle("cfg", "flow_pipe_cfg", cfg);
	call.number("is_root", is_root);
	const auto result = untraced_doca_flow_pipe_cfg_set_is_root(cfg, is_root);
	call.ended(result, enum_doca_error);
	if (result == DOCA_SUCCESS) {
		call.keep(cfg, "is_root", true);
	}
	return result;
}

extern "C" __attribute__((visibility("hidden"))) decltype(doca_flow_pipe_cfg_set_nr_entries) untraced_doca_flow_pipe_cfg_set_nr_entries;
doca_error_t doca_flow_pipe_cfg_set_nr_entries(struct doca_flow_pipe_cfg *cfg, uint32_t nr_entries)
{
	if (!is_on())
		return untraced_doca_flow_pipe_cfg_set_nr_entries(cfg, nr_entries);
	Call call("doca_flow_pipe_cfg_set_nr_entries");
	call.handle("cfg", "flow_pipe_cfg", cfg);
	call.number("nr_entries", nr_entries);
	const auto result = untraced_doca_flow_pipe_cfg_set_nr_entries(cfg, nr_entries);
	call.ended(result, enum_doca_error);
	if (result == DOCA_SUCCESS) {
		call.keep(cfg, "nr_entries", true);
	}
	return result;
}

extern "C" __attribute__((visibility("hidden"))) decltype(doca_flow_pipe_cfg_set_match) untraced_doca_flow_pipe_cfg_set_match;
doca_error_t doca_flow_pipe_cfg_set_match(struct doca_flow_pipe_cfg *cfg, const struct doca_flow_match *match, const struct doca_flow_match *match_mask)
{
	if (!is_on())
		return untraced_doca_flow_pipe_cfg_set_match(cfg, match, match_mask);
	Call call("doca_flow_pipe_cfg_set_match");
	call.handle("cfg", "flow_pipe_cfg", cfg);
	call.structure("match", match, struct_doca_flow_match);
	call.structure("match_mask", match_mask, struct_doca_flow_match, match);
	const auto result = untraced_doca_flow_pipe_cfg_set_match(cfg, match, match_mask);
	call.ended(result, enum_doca_error);
	if (result == DOCA_SUCCESS) {
		call.keep_match(cfg, match);
		call.keep(cfg, "match", false);
	}
	return result;
}

extern "C" __attribute__((visibility("hidden"))) decltype(doca_flow_pipe_cfg_set_actions) untraced_doca_flow_pipe_cfg_set_actions;
doca_error_t doca_flow_pipe_cfg_set_actions(struct doca_flow_pipe_cfg *cfg, struct doca_flow_actions *const *actions, struct doca_flow_actions *const *actions_masks, struct doca_flow_action_descs *const *action_descs, size_t nr_actions)
{
	if (!is_on())
		return untraced_doca_flow_pipe_cfg_set_actions(cfg, actions, actions_masks, action_descs, nr_actions);
	Call call("doca_flow_pipe_cfg_set_actions");
	call.handle("cfg", "flow_pipe_cfg", cfg);
	call.structures("actions", actions, nr_actions, struct_doca_flow_actions);
	call.structures("actions_masks", actions_masks, nr_actions, struct_doca_flow_actions, actions);
	call.structures("action_descs", action_descs, nr_actions, struct_doca_flow_action_descs);
	call.number("nr_actions", nr_actions);
	const auto result = untraced_doca_flow_pipe_cfg_set_actions(cfg, actions, actions_masks, action_descs, nr_actions);
	call.ended(result, enum_doca_error);
	if (result == DOCA_SUCCESS) {
		call.keep(cfg, "actions", false);
	}
	return result;
}

extern "C" __attribute__((visibility("hidden"))) decltype(doca_flow_pipe_cfg_set_monitor) untraced_doca_flow_pipe_cfg_set_monitor;
doca_error_t doca_flow_pipe_cfg_set_monitor(struct doca_flow_pipe_cfg *cfg, const struct doca_flow_monitor *monitor)
{
	if (!is_on())
		return untraced_doca_flow_pipe_cfg_set_monitor(cfg, monitor);
	Call call("doca_flow_pipe_cfg_set_monitor");
	call.handle("cfg", "flow_pipe_cfg", cfg);
	call.structure("monitor", monitor, struct_doca_flow_monitor);
	const auto result = untraced_doca_flow_pipe_cfg_set_monitor(cfg, monitor);
	call.ended(result, enum_doca_error);
	if (result == DOCA_SUCCESS) {
		call.keep(cfg, "monitor", true);
	}
	return result;
}

extern "C" __attribute__((visibility("hidden"))) decltype(doca_flow_pipe_cfg_set_ordered_lists) untraced_doca_flow_pipe_cfg_set_ordered_lists;
doca_error_t doca_flow_pipe_cfg_set_ordered_lists(struct doca_flow_pipe_cfg *cfg, struct doca_flow_ordered_list *const *ordered_lists, size_t nr_ordered_lists)
{
	if (!is_on())
		return untraced_doca_flow_pipe_cfg_set_ordered_lists(cfg, ordered_lists, nr_ordered_lists);
	Call call("doca_flow_pipe_cfg_set_ordered_lists");
	call.handle("cfg", "flow_pipe_cfg", cfg);
	call.structures("ordered_lists", ordered_lists, nr_ordered_lists, struct_doca_flow_ordered_list);
	call.number("nr_ordered_lists", nr_ordered_lists);
	const auto result = untraced_doca_flow_pipe_cfg_set_ordered_lists(cfg, ordered_lists, nr_ordered_lists);
	call.ended(result, enum_doca_error);
	if (result == DOCA_SUCCESS) {
		call.keep(cfg, "ordered_lists", false);
	}
	return result;
}

extern "C" __attribute__((visibility("hidden"))) decltype(doca_flow_pipe_cfg_set_miss_counter) untraced_doca_flow_pipe_cfg_set_miss_counter;
doca_error_t doca_flow_pipe_cfg_set_miss_counter(struct doca_flow_pipe_cfg *cfg, bool enabled)
{
	if (!is_on())
		return untraced_doca_flow_pipe_cfg_set_miss_counter(cfg, enabled);
	Call call("doca_flow_pipe_cfg_set_miss_counter");
	call.handle("cfg", "flow_pipe_cfg", cfg);
	call.number("enabled", enabled);
	const auto result = untraced_doca_flow_pipe_cfg_set_miss_counter(cfg, enabled);
	call.ended(result, enum_doca_error);
	if (result == DOCA_SUCCESS) {
		call.keep(cfg, "miss_counter", true);
	}
	return result;
}

#if DOCA_SOFT_RELEASE_ < 301
extern "C" __attribute__((visibility("hidden"))) decltype(doca_flow_pipe_cfg_set_dir_info) untraced_doca_flow_pipe_cfg_set_dir_info;
doca_error_t doca_flow_pipe_cfg_set_dir_info(struct doca_flow_pipe_cfg *cfg, enum doca_flow_direction_info dir_info)
{
	if (!is_on())
		return untraced_doca_flow_pipe_cfg_set_dir_info(cfg, dir_info);
	Call call("doca_flow_pipe_cfg_set_dir_info");
	call.handle("cfg", "flow_pipe_cfg", cfg);
	call.enumeration("dir_info", dir_info, enum_doca_flow_direction_info);
	const auto result = untraced_doca_flow_pipe_cfg_set_dir_info(cfg, dir_info);
	call.ended(result, enum_doca_error);
	if (result == DOCA_SUCCESS) {
		call.keep(cfg, "dir_info", true);
	}
	return result;
}
#endif

extern "C" __attribute__((visibility("hidden"))) decltype(doca_flow_pipe_cfg_set_excluded_queue) untraced_doca_flow_pipe_cfg_set_excluded_queue;
doca_error_t doca_flow_pipe_cfg_set_excluded_queue(struct doca_flow_pipe_cfg *cfg, uint16_t queue)
{
	if (!is_on())
		return untraced_doca_flow_pipe_cfg_set_excluded_queue(cfg, queue);
	Call call("doca_flow_pipe_cfg_set_excluded_queue");
	call.handle("cfg", "flow_pipe_cfg", cfg);
	call.number("queue", queue);
	const auto result = untraced_doca_flow_pipe_cfg_set_excluded_queue(cfg, queue);
	call.ended(result, enum_doca_error);
	if (result == DOCA_SUCCESS) {
		call.keep(cfg, "excluded_queue", true);
	}
	return result;
}

extern "C" __attribute__((visibility("hidden"))) decltype(doca_flow_pipe_cfg_set_is_resizable) untraced_doca_flow_pipe_cfg_set_is_resizable;
doca_error_t doca_flow_pipe_cfg_set_is_resizable(struct doca_flow_pipe_cfg *cfg, bool is_resizable)
{
	if (!is_on())
		return untraced_doca_flow_pipe_cfg_set_is_resizable(cfg, is_resizable);
	Call call("doca_flow_pipe_cfg_set_is_resizable");
	call.handle("cfg", "flow_pipe_cfg", cfg);
	call.number("is_resizable", is_resizable);
	const auto result = untraced_doca_flow_pipe_cfg_set_is_resizable(cfg, is_resizable);
	call.ended(result, enum_doca_error);
	if (result == DOCA_SUCCESS) {
		call.keep(cfg, "is_resizable", true);
	}
	return result;
}

extern "C" __attribute__((visibility("hidden"))) decltype(doca_flow_pipe_cfg_set_congestion_level_threshold) untraced_doca_flow_pipe_cfg_set_congestion_level_threshold;
doca_error_t doca_flow_pipe_cfg_set_congestion_level_threshold(struct doca_flow_pipe_cfg *cfg, uint8_t percent)
{
	if (!is_on())
		return untraced_doca_flow_pipe_cfg_set_congestion_level_threshold(cfg, percent);
	Call call("doca_flow_pipe_cfg_set_congestion_level_threshold");
	call.handle("cfg", "flow_pipe_cfg", cfg);
	call.number("percent", percent);
	const auto result = untraced_doca_flow_pipe_cfg_set_congestion_level_threshold(cfg, percent);
	call.ended(result, enum_doca_error);
	if (result == DOCA_SUCCESS) {
		call.keep(cfg, "congestion_level_threshold", true);
	}
	return result;
}

extern "C" __attribute__((visibility("hidden"))) decltype(doca_flow_pipe_cfg_set_user_ctx) untraced_doca_flow_pipe_cfg_set_user_ctx;
doca_error_t doca_flow_pipe_cfg_set_user_ctx(struct doca_flow_pipe_cfg *cfg, void *user_ctx)
{
	if (!is_on())
		return untraced_doca_flow_pipe_cfg_set_user_ctx(cfg, user_ctx);
	Call call("doca_flow_pipe_cfg_set_user_ctx");
	call.handle("cfg", "flow_pipe_cfg", cfg);
	call.pointer("user_ctx", user_ctx);
	const auto result = untraced_doca_flow_pipe_cfg_set_user_ctx(cfg, user_ctx);
	call.ended(result, enum_doca_error);
	if (result == DOCA_SUCCESS) {
		call.keep(cfg, "user_ctx", true);
	}
	return result;
}

extern "C" __attribute__((visibility("hidden"))) decltype(doca_flow_pipe_cfg_set_hash_map_algorithm) untraced_doca_flow_pipe_cfg_set_hash_map_algorithm;
doca_error_t doca_flow_pipe_cfg_set_hash_map_algorithm(struct doca_flow_pipe_cfg *cfg, uint32_t flags)
{
	if (!is_on())
		return untraced_doca_flow_pipe_cfg_set_hash_map_algorithm(cfg, flags);
	Call call("doca_flow_pipe_cfg_set_hash_map_algorithm");
	call.handle("cfg", "flow_pipe_cfg", cfg);
	call.number("flags", flags);
	const auto result = untraced_doca_flow_pipe_cfg_set_hash_map_algorithm(cfg, flags);
	call.ended(result, enum_doca_error);
	if (result == DOCA_SUCCESS) {
		call.keep(cfg, "hash_map_algorithm", true);
	}
	return result;
}

extern "C" __attribute__((visibility("hidden"))) decltype(doca_flow_pipe_create) untraced_doca_flow_pipe_create;
doca_error_t doca_flow_pipe_create(const struct doca_flow_pipe_cfg *cfg, const struct doca_flow_fwd *fwd, const struct doca_flow_fwd *fwd_miss, struct doca_flow_pipe **pipe)
{
	if (!is_on())
		return untraced_doca_flow_pipe_create(cfg, fwd, fwd_miss, pipe);
	Call call("doca_flow_pipe_create");
	call.handle("cfg", "flow_pipe_cfg", cfg);
	call.structure("fwd", fwd, struct_doca_flow_fwd);
	call.structure("fwd_miss", fwd_miss, struct_doca_flow_fwd);
	const auto result = untraced_doca_flow_pipe_create(cfg, fwd, fwd_miss, pipe);
	call.ended(result, enum_doca_error);
	if (result == DOCA_SUCCESS) {
		call.pipe_made(cfg, *pipe);
		if (pipe != nullptr) call.pipe("pipe", *pipe);
	}
	return result;
}

extern "C" __attribute__((visibility("hidden"))) decltype(doca_flow_pipe_destroy) untraced_doca_flow_pipe_destroy;
void doca_flow_pipe_destroy(struct doca_flow_pipe *pipe)
{
	if (!is_on())
		return untraced_doca_flow_pipe_destroy(pipe);
	Call call("doca_flow_pipe_destroy");
	call.pipe("pipe", pipe);
	untraced_doca_flow_pipe_destroy(pipe);
	call.ended();
}

extern "C" __attribute__((visibility("hidden"))) decltype(doca_flow_pipe_update_miss) untraced_doca_flow_pipe_update_miss;
doca_error_t doca_flow_pipe_update_miss(struct doca_flow_pipe *pipe, const struct doca_flow_fwd *fwd_miss)
{
	if (!is_on())
		return untraced_doca_flow_pipe_update_miss(pipe, fwd_miss);
	Call call("doca_flow_pipe_update_miss");
	call.pipe("pipe", pipe);
	call.structure("fwd_miss", fwd_miss, struct_doca_flow_fwd);
	const auto result = untraced_doca_flow_pipe_update_miss(pipe, fwd_miss);
	call.ended(result, enum_doca_error);
	if (result == DOCA_SUCCESS) {
		call.miss_updated(pipe);
	}
	return result;
}

extern "C" __attribute__((visibility("hidden"))) decltype(doca_flow_pipe_dump) untraced_doca_flow_pipe_dump;
void doca_flow_pipe_dump(struct doca_flow_pipe *pipe, FILE *file)
{
	if (!is_on())
		return untraced_doca_flow_pipe_dump(pipe, file);
	Call call("doca_flow_pipe_dump");
	call.pipe("pipe", pipe);
	call.pointer("file", file);
	untraced_doca_flow_pipe_dump(pipe, file);
	call.ended();
}

extern "C" __attribute__((visibility("hidden"))) decltype(doca_flow_pipe_calc_hash) untraced_doca_flow_pipe_calc_hash;
doca_error_t doca_flow_pipe_calc_hash(struct doca_flow_pipe *pipe, const struct doca_flow_match *match, uint32_t *hash)
{
	if (!is_on())
		return untraced_doca_flow_pipe_calc_hash(pipe, match, hash);
	Call call("doca_flow_pipe_calc_hash");
	call.pipe("pipe", pipe);
	call.structure("match", match, struct_doca_flow_match, call.match_of(pipe));
	const auto result = untraced_doca_flow_pipe_calc_hash(pipe, match, hash);
	call.ended(result, enum_doca_error);
	if (result == DOCA_SUCCESS) {
		if (hash != nullptr) call.number("hash", *hash);
	}
	return result;
}

extern "C" __attribute__((visibility("hidden"))) decltype(doca_flow_get_target) untraced_doca_flow_get_target;
doca_error_t doca_flow_get_target(enum doca_flow_target_type type, struct doca_flow_target **target)
{
	if (!is_on())
		return untraced_doca_flow_get_target(type, target);
	Call call("doca_flow_get_target");
	call.enumeration("type", type, enum_doca_flow_target_type);
	const auto result = untraced_doca_flow_get_target(type, target);
	call.ended(result, enum_doca_error);
	if (result == DOCA_SUCCESS) {
		if (target != nullptr) call.handle("target", "flow_target", *target);
	}
	return result;
}

#if DOCA_SOFT_RELEASE_ < 302
extern "C" __attribute__((visibility("hidden"))) decltype(doca_flow_pipe_add_entry) untraced_doca_flow_pipe_add_entry;
doca_error_t doca_flow_pipe_add_entry(uint16_t pipe_queue, struct doca_flow_pipe *pipe, const struct doca_flow_match *match, const struct doca_flow_actions *actions, const struct doca_flow_monitor *monitor, const struct doca_flow_fwd *fwd, uint32_t flags, void *user_ctx, struct doca_flow_pipe_entry **entry)
{
	if (!is_on())
		return untraced_doca_flow_pipe_add_entry(pipe_queue, pipe, match, actions, monitor, fwd, flags, user_ctx, entry);
	Call call("doca_flow_pipe_add_entry");
	call.number("pipe_queue", pipe_queue);
	call.pipe("pipe", pipe);
	call.structure("match", match, struct_doca_flow_match, call.match_of(pipe));
	call.structure("actions", actions, struct_doca_flow_actions);
	call.structure("monitor", monitor, struct_doca_flow_monitor);
	call.structure("fwd", fwd, struct_doca_flow_fwd);
	call.number("flags", flags);
	call.pointer("user_ctx", user_ctx);
	const auto result = untraced_doca_flow_pipe_add_entry(pipe_queue, pipe, match, actions, monitor, fwd, flags, user_ctx, entry);
	call.ended(result, enum_doca_error);
	if (result == DOCA_SUCCESS) {
		call.entry_changed("added", pipe, entry == nullptr ? nullptr : *entry);
		if (entry != nullptr) call.entry("entry", *entry);
	}
	return result;
}
#endif

#if DOCA_SOFT_RELEASE_ >= 302 && DOCA_SOFT_RELEASE_ < 303
extern "C" __attribute__((visibility("hidden"))) decltype(doca_flow_pipe_add_entry) untraced_doca_flow_pipe_add_entry;
doca_error_t doca_flow_pipe_add_entry(uint16_t pipe_queue, struct doca_flow_pipe *pipe, const struct doca_flow_match *match, uint8_t action_idx, const struct doca_flow_actions *actions, const struct doca_flow_monitor *monitor, const struct doca_flow_fwd *fwd, uint32_t flags, void *user_ctx, struct doca_flow_pipe_entry **entry)
{
	if (!is_on())
		return untraced_doca_flow_pipe_add_entry(pipe_queue, pipe, match, action_idx, actions, monitor, fwd, flags, user_ctx, entry);
	Call call("doca_flow_pipe_add_entry");
	call.number("pipe_queue", pipe_queue);
	call.pipe("pipe", pipe);
	call.structure("match", match, struct_doca_flow_match, call.match_of(pipe));
	call.number("action_idx", action_idx);
	call.structure("actions", actions, struct_doca_flow_actions);
	call.structure("monitor", monitor, struct_doca_flow_monitor);
	call.structure("fwd", fwd, struct_doca_flow_fwd);
	call.number("flags", flags);
	call.pointer("user_ctx", user_ctx);
	const auto result = untraced_doca_flow_pipe_add_entry(pipe_queue, pipe, match, action_idx, actions, monitor, fwd, flags, user_ctx, entry);
	call.ended(result, enum_doca_error);
	if (result == DOCA_SUCCESS) {
		call.entry_changed("added", pipe, entry == nullptr ? nullptr : *entry);
		if (entry != nullptr) call.entry("entry", *entry);
	}
	return result;
}
#endif

#if DOCA_SOFT_RELEASE_ < 302
extern "C" __attribute__((visibility("hidden"))) decltype(doca_flow_pipe_update_entry) untraced_doca_flow_pipe_update_entry;
doca_error_t doca_flow_pipe_update_entry(uint16_t pipe_queue, struct doca_flow_pipe *pipe, const struct doca_flow_actions *actions, const struct doca_flow_monitor *monitor, const struct doca_flow_fwd *fwd, const enum doca_flow_flags_type flags, struct doca_flow_pipe_entry *entry)
{
	if (!is_on())
		return untraced_doca_flow_pipe_update_entry(pipe_queue, pipe, actions, monitor, fwd, flags, entry);
	Call call("doca_flow_pipe_update_entry");
	call.number("pipe_queue", pipe_queue);
	call.pipe("pipe", pipe);
	call.structure("actions", actions, struct_doca_flow_actions);
	call.structure("monitor", monitor, struct_doca_flow_monitor);
	call.structure("fwd", fwd, struct_doca_flow_fwd);
	call.enumeration("flags", flags, enum_doca_flow_flags_type);
	call.entry("entry", entry);
	const auto result = untraced_doca_flow_pipe_update_entry(pipe_queue, pipe, actions, monitor, fwd, flags, entry);
	call.ended(result, enum_doca_error);
	if (result == DOCA_SUCCESS) {
		call.entry_changed("updated", pipe, entry);
	}
	return result;
}
#endif

#if DOCA_SOFT_RELEASE_ >= 302 && DOCA_SOFT_RELEASE_ < 303
extern "C" __attribute__((visibility("hidden"))) decltype(doca_flow_pipe_update_entry) untraced_doca_flow_pipe_update_entry;
doca_error_t doca_flow_pipe_update_entry(uint16_t pipe_queue, struct doca_flow_pipe *pipe, uint8_t action_idx, const struct doca_flow_actions *actions, const struct doca_flow_monitor *monitor, const struct doca_flow_fwd *fwd, const enum doca_flow_flags_type flags, struct doca_flow_pipe_entry *entry)
{
	if (!is_on())
		return untraced_doca_flow_pipe_update_entry(pipe_queue, pipe, action_idx, actions, monitor, fwd, flags, entry);
	Call call("doca_flow_pipe_update_entry");
	call.number("pipe_queue", pipe_queue);
	call.pipe("pipe", pipe);
	call.number("action_idx", action_idx);
	call.structure("actions", actions, struct_doca_flow_actions);
	call.structure("monitor", monitor, struct_doca_flow_monitor);
	call.structure("fwd", fwd, struct_doca_flow_fwd);
	call.enumeration("flags", flags, enum_doca_flow_flags_type);
	call.entry("entry", entry);
	const auto result = untraced_doca_flow_pipe_update_entry(pipe_queue, pipe, action_idx, actions, monitor, fwd, flags, entry);
	call.ended(result, enum_doca_error);
	if (result == DOCA_SUCCESS) {
		call.entry_changed("updated", pipe, entry);
	}
	return result;
}
#endif

#if DOCA_SOFT_RELEASE_ < 303
extern "C" __attribute__((visibility("hidden"))) decltype(doca_flow_pipe_control_add_entry) untraced_doca_flow_pipe_control_add_entry;
doca_error_t doca_flow_pipe_control_add_entry(uint16_t pipe_queue, uint32_t priority, struct doca_flow_pipe *pipe, const struct doca_flow_match *match, const struct doca_flow_match *match_mask, const struct doca_flow_match_condition *condition, const struct doca_flow_actions *actions, const struct doca_flow_actions *actions_mask, const struct doca_flow_action_descs *action_descs, const struct doca_flow_monitor *monitor, const struct doca_flow_fwd *fwd, void *user_ctx, struct doca_flow_pipe_entry **entry)
{
	if (!is_on())
		return untraced_doca_flow_pipe_control_add_entry(pipe_queue, priority, pipe, match, match_mask, condition, actions, actions_mask, action_descs, monitor, fwd, user_ctx, entry);
	Call call("doca_flow_pipe_control_add_entry");
	call.number("pipe_queue", pipe_queue);
	call.number("priority", priority);
	call.pipe("pipe", pipe);
	call.structure("match", match, struct_doca_flow_match, call.match_of(pipe));
	call.structure("match_mask", match_mask, struct_doca_flow_match, match);
	call.structure("condition", condition, struct_doca_flow_match_condition);
	call.structure("actions", actions, struct_doca_flow_actions);
	call.structure("actions_mask", actions_mask, struct_doca_flow_actions, actions);
	call.structure("action_descs", action_descs, struct_doca_flow_action_descs);
	call.structure("monitor", monitor, struct_doca_flow_monitor);
	call.structure("fwd", fwd, struct_doca_flow_fwd);
	call.pointer("user_ctx", user_ctx);
	const auto result = untraced_doca_flow_pipe_control_add_entry(pipe_queue, priority, pipe, match, match_mask, condition, actions, actions_mask, action_descs, monitor, fwd, user_ctx, entry);
	call.ended(result, enum_doca_error);
	if (result == DOCA_SUCCESS) {
		call.entry_changed("added", pipe, entry == nullptr ? nullptr : *entry);
		if (entry != nullptr) call.entry("entry", *entry);
	}
	return result;
}
#endif

#if DOCA_SOFT_RELEASE_ >= 303
extern "C" __attribute__((visibility("hidden"))) decltype(doca_flow_pipe_control_add_entry) untraced_doca_flow_pipe_control_add_entry;
doca_error_t doca_flow_pipe_control_add_entry(uint16_t pipe_queue, struct doca_flow_pipe *pipe, const struct doca_flow_match *match, const struct doca_flow_match *match_mask, const struct doca_flow_match_condition *condition, const struct doca_flow_actions *actions, const struct doca_flow_actions *actions_mask, const struct doca_flow_action_descs *action_descs, const struct doca_flow_monitor *monitor, uint32_t priority, const struct doca_flow_fwd *fwd, void *user_ctx, struct doca_flow_pipe_entry **entry)
{
	if (!is_on())
		return untraced_doca_flow_pipe_control_add_entry(pipe_queue, pipe, match, match_mask, condition, actions, actions_mask, action_descs, monitor, priority, fwd, user_ctx, entry);
	Call call("doca_flow_pipe_control_add_entry");
	call.number("pipe_queue", pipe_queue);
	call.pipe("pipe", pipe);
	call.structure("match", match, struct_doca_flow_match, call.match_of(pipe));
	call.structure("match_mask", match_mask, struct_doca_flow_match, match);
	call.structure("condition", condition, struct_doca_flow_match_condition);
	call.structure("actions", actions, struct_doca_flow_actions);
	call.structure("actions_mask", actions_mask, struct_doca_flow_actions, actions);
	call.structure("action_descs", action_descs, struct_doca_flow_action_descs);
	call.structure("monitor", monitor, struct_doca_flow_monitor);
	call.number("priority", priority);
	call.structure("fwd", fwd, struct_doca_flow_fwd);
	call.pointer("user_ctx", user_ctx);
	const auto result = untraced_doca_flow_pipe_control_add_entry(pipe_queue, pipe, match, match_mask, condition, actions, actions_mask, action_descs, monitor, priority, fwd, user_ctx, entry);
	call.ended(result, enum_doca_error);
	if (result == DOCA_SUCCESS) {
		call.entry_changed("added", pipe, entry == nullptr ? nullptr : *entry);
		if (entry != nullptr) call.entry("entry", *entry);
	}
	return result;
}
#endif

#if DOCA_SOFT_RELEASE_ < 302
extern "C" __attribute__((visibility("hidden"))) decltype(doca_flow_pipe_hash_add_entry) untraced_doca_flow_pipe_hash_add_entry;
doca_error_t doca_flow_pipe_hash_add_entry(uint16_t pipe_queue, struct doca_flow_pipe *pipe, uint32_t entry_index, const struct doca_flow_actions *actions, const struct doca_flow_monitor *monitor, const struct doca_flow_fwd *fwd, const enum doca_flow_flags_type flags, void *user_ctx, struct doca_flow_pipe_entry **entry)
{
	if (!is_on())
		return untraced_doca_flow_pipe_hash_add_entry(pipe_queue, pipe, entry_index, actions, monitor, fwd, flags, user_ctx, entry);
	Call call("doca_flow_pipe_hash_add_entry");
	call.number("pipe_queue", pipe_queue);
	call.pipe("pipe", pipe);
	call.number("entry_index", entry_index);
	call.structure("actions", actions, struct_doca_flow_actions);
	call.structure("monitor", monitor, struct_doca_flow_monitor);
	call.structure("fwd", fwd, struct_doca_flow_fwd);
	call.enumeration("flags", flags, enum_doca_flow_flags_type);
	call.pointer("user_ctx", user_ctx);
	const auto result = untraced_doca_flow_pipe_hash_add_entry(pipe_queue, pipe, entry_index, actions, monitor, fwd, flags, user_ctx, entry);
	call.ended(result, enum_doca_error);
	if (result == DOCA_SUCCESS) {
		call.entry_changed("added", pipe, entry == nullptr ? nullptr : *entry);
		if (entry != nullptr) call.entry("entry", *entry);
	}
	return result;
}
#endif

#if DOCA_SOFT_RELEASE_ >= 302 && DOCA_SOFT_RELEASE_ < 303
extern "C" __attribute__((visibility("hidden"))) decltype(doca_flow_pipe_hash_add_entry) untraced_doca_flow_pipe_hash_add_entry;
doca_error_t doca_flow_pipe_hash_add_entry(uint16_t pipe_queue, struct doca_flow_pipe *pipe, uint32_t entry_index, uint8_t action_idx, const struct doca_flow_actions *actions, const struct doca_flow_monitor *monitor, const struct doca_flow_fwd *fwd, const enum doca_flow_flags_type flags, void *user_ctx, struct doca_flow_pipe_entry **entry)
{
	if (!is_on())
		return untraced_doca_flow_pipe_hash_add_entry(pipe_queue, pipe, entry_index, action_idx, actions, monitor, fwd, flags, user_ctx, entry);
	Call call("doca_flow_pipe_hash_add_entry");
	call.number("pipe_queue", pipe_queue);
	call.pipe("pipe", pipe);
	call.number("entry_index", entry_index);
	call.number("action_idx", action_idx);
	call.structure("actions", actions, struct_doca_flow_actions);
	call.structure("monitor", monitor, struct_doca_flow_monitor);
	call.structure("fwd", fwd, struct_doca_flow_fwd);
	call.enumeration("flags", flags, enum_doca_flow_flags_type);
	call.pointer("user_ctx", user_ctx);
	const auto result = untraced_doca_flow_pipe_hash_add_entry(pipe_queue, pipe, entry_index, action_idx, actions, monitor, fwd, flags, user_ctx, entry);
	call.ended(result, enum_doca_error);
	if (result == DOCA_SUCCESS) {
		call.entry_changed("added", pipe, entry == nullptr ? nullptr : *entry);
		if (entry != nullptr) call.entry("entry", *entry);
	}
	return result;
}
#endif

#if DOCA_SOFT_RELEASE_ >= 303
extern "C" __attribute__((visibility("hidden"))) decltype(doca_flow_pipe_hash_add_entry) untraced_doca_flow_pipe_hash_add_entry;
doca_error_t doca_flow_pipe_hash_add_entry(uint16_t pipe_queue, struct doca_flow_pipe *pipe, uint32_t entry_index, uint8_t action_idx, const struct doca_flow_actions *actions, const struct doca_flow_monitor *monitor, const struct doca_flow_fwd *fwd, uint32_t flags, void *user_ctx, struct doca_flow_pipe_entry **entry)
{
	if (!is_on())
		return untraced_doca_flow_pipe_hash_add_entry(pipe_queue, pipe, entry_index, action_idx, actions, monitor, fwd, flags, user_ctx, entry);
	Call call("doca_flow_pipe_hash_add_entry");
	call.number("pipe_queue", pipe_queue);
	call.pipe("pipe", pipe);
	call.number("entry_index", entry_index);
	call.number("action_idx", action_idx);
	call.structure("actions", actions, struct_doca_flow_actions);
	call.structure("monitor", monitor, struct_doca_flow_monitor);
	call.structure("fwd", fwd, struct_doca_flow_fwd);
	call.number("flags", flags);
	call.pointer("user_ctx", user_ctx);
	const auto result = untraced_doca_flow_pipe_hash_add_entry(pipe_queue, pipe, entry_index, action_idx, actions, monitor, fwd, flags, user_ctx, entry);
	call.ended(result, enum_doca_error);
	if (result == DOCA_SUCCESS) {
		call.entry_changed("added", pipe, entry == nullptr ? nullptr : *entry);
		if (entry != nullptr) call.entry("entry", *entry);
	}
	return result;
}
#endif

#if DOCA_SOFT_RELEASE_ < 301
extern "C" __attribute__((visibility("hidden"))) decltype(doca_flow_pipe_ordered_list_add_entry) untraced_doca_flow_pipe_ordered_list_add_entry;
doca_error_t doca_flow_pipe_ordered_list_add_entry(uint16_t pipe_queue, struct doca_flow_pipe *pipe, uint32_t idx, const struct doca_flow_ordered_list *ordered_list, const struct doca_flow_fwd *fwd, enum doca_flow_flags_type flags, void *user_ctx, struct doca_flow_pipe_entry **entry)
{
	if (!is_on())
		return untraced_doca_flow_pipe_ordered_list_add_entry(pipe_queue, pipe, idx, ordered_list, fwd, flags, user_ctx, entry);
	Call call("doca_flow_pipe_ordered_list_add_entry");
	call.number("pipe_queue", pipe_queue);
	call.pipe("pipe", pipe);
	call.number("idx", idx);
	call.structure("ordered_list", ordered_list, struct_doca_flow_ordered_list);
	call.structure("fwd", fwd, struct_doca_flow_fwd);
	call.enumeration("flags", flags, enum_doca_flow_flags_type);
	call.pointer("user_ctx", user_ctx);
	const auto result = untraced_doca_flow_pipe_ordered_list_add_entry(pipe_queue, pipe, idx, ordered_list, fwd, flags, user_ctx, entry);
	call.ended(result, enum_doca_error);
	if (result == DOCA_SUCCESS) {
		call.entry_changed("added", pipe, entry == nullptr ? nullptr : *entry);
		if (entry != nullptr) call.entry("entry", *entry);
	}
	return result;
}
#endif

#if DOCA_SOFT_RELEASE_ >= 301
extern "C" __attribute__((visibility("hidden"))) decltype(doca_flow_pipe_ordered_list_add_entry) untraced_doca_flow_pipe_ordered_list_add_entry;
doca_error_t doca_flow_pipe_ordered_list_add_entry(uint16_t pipe_queue, struct doca_flow_pipe *pipe, uint32_t idx, const struct doca_flow_ordered_list *ordered_list, const struct doca_flow_fwd *fwd, uint32_t flags, void *user_ctx, struct doca_flow_pipe_entry **entry)
{
	if (!is_on())
		return untraced_doca_flow_pipe_ordered_list_add_entry(pipe_queue, pipe, idx, ordered_list, fwd, flags, user_ctx, entry);
	Call call("doca_flow_pipe_ordered_list_add_entry");
	call.number("pipe_queue", pipe_queue);
	call.pipe("pipe", pipe);
	call.number("idx", idx);
	call.structure("ordered_list", ordered_list, struct_doca_flow_ordered_list);
	call.structure("fwd", fwd, struct_doca_flow_fwd);
	call.number("flags", flags);
	call.pointer("user_ctx", user_ctx);
	const auto result = untraced_doca_flow_pipe_ordered_list_add_entry(pipe_queue, pipe, idx, ordered_list, fwd, flags, user_ctx, entry);
	call.ended(result, enum_doca_error);
	if (result == DOCA_SUCCESS) {
		call.entry_changed("added", pipe, entry == nullptr ? nullptr : *entry);
		if (entry != nullptr) call.entry("entry", *entry);
	}
	return result;
}
#endif

extern "C" __attribute__((visibility("hidden"))) decltype(doca_flow_pipe_remove_entry) untraced_doca_flow_pipe_remove_entry;
doca_error_t doca_flow_pipe_remove_entry(uint16_t pipe_queue, uint32_t flags, struct doca_flow_pipe_entry *entry)
{
	if (!is_on())
		return untraced_doca_flow_pipe_remove_entry(pipe_queue, flags, entry);
	Call call("doca_flow_pipe_remove_entry");
	call.number("pipe_queue", pipe_queue);
	call.number("flags", flags);
	call.entry("entry", entry);
	const auto result = untraced_doca_flow_pipe_remove_entry(pipe_queue, flags, entry);
	call.ended(result, enum_doca_error);
	if (result == DOCA_SUCCESS) {
		call.entry_changed("removed", nullptr, entry);
	}
	return result;
}

extern "C" __attribute__((visibility("hidden"))) decltype(doca_flow_entries_process) untraced_doca_flow_entries_process;
doca_error_t doca_flow_entries_process(struct doca_flow_port *port, uint16_t pipe_queue, uint64_t timeout, uint32_t max_processed_entries)
{
	if (!is_on())
		return untraced_doca_flow_entries_process(port, pipe_queue, timeout, max_processed_entries);
	static Often often;
	Call call("doca_flow_entries_process", &often);
	if (call.is_passed_over())
		return untraced_doca_flow_entries_process(port, pipe_queue, timeout, max_processed_entries);
	call.handle("port", "flow_port", port);
	call.number("pipe_queue", pipe_queue);
	call.number("timeout", timeout);
	call.number("max_processed_entries", max_processed_entries);
	const auto result = untraced_doca_flow_entries_process(port, pipe_queue, timeout, max_processed_entries);
	call.ended(result, enum_doca_error);
	return result;
}

extern "C" __attribute__((visibility("hidden"))) decltype(doca_flow_pipe_entry_get_status) untraced_doca_flow_pipe_entry_get_status;
enum doca_flow_entry_status doca_flow_pipe_entry_get_status(const struct doca_flow_pipe_entry *entry)
{
	if (!is_on())
		return untraced_doca_flow_pipe_entry_get_status(entry);
	static Often often;
	Call call("doca_flow_pipe_entry_get_status", &often);
	if (call.is_passed_over())
		return untraced_doca_flow_pipe_entry_get_status(entry);
	call.entry("entry", entry);
	const auto result = untraced_doca_flow_pipe_entry_get_status(entry);
	call.ended(result, enum_doca_flow_entry_status);
	return result;
}

extern "C" __attribute__((visibility("hidden"))) decltype(doca_flow_aging_handle) untraced_doca_flow_aging_handle;
int doca_flow_aging_handle(struct doca_flow_port *port, uint16_t queue, uint64_t quota, uint64_t max_entries)
{
	if (!is_on())
		return untraced_doca_flow_aging_handle(port, queue, quota, max_entries);
	static Often often;
	Call call("doca_flow_aging_handle", &often);
	if (call.is_passed_over())
		return untraced_doca_flow_aging_handle(port, queue, quota, max_entries);
	call.handle("port", "flow_port", port);
	call.number("queue", queue);
	call.number("quota", quota);
	call.number("max_entries", max_entries);
	const auto result = untraced_doca_flow_aging_handle(port, queue, quota, max_entries);
	call.ended(result);
	return result;
}

extern "C" __attribute__((visibility("hidden"))) decltype(doca_flow_shared_resource_set_cfg) untraced_doca_flow_shared_resource_set_cfg;
doca_error_t doca_flow_shared_resource_set_cfg(enum doca_flow_shared_resource_type type, uint32_t id, struct doca_flow_shared_resource_cfg *cfg)
{
	if (!is_on())
		return untraced_doca_flow_shared_resource_set_cfg(type, id, cfg);
	Call call("doca_flow_shared_resource_set_cfg");
	call.enumeration("type", type, enum_doca_flow_shared_resource_type);
	call.number("id", id);
	call.structure("cfg", cfg, struct_doca_flow_shared_resource_cfg, nullptr, type);
	const auto result = untraced_doca_flow_shared_resource_set_cfg(type, id, cfg);
	call.ended(result, enum_doca_error);
	return result;
}

extern "C" __attribute__((visibility("hidden"))) decltype(doca_flow_shared_resources_bind) untraced_doca_flow_shared_resources_bind;
doca_error_t doca_flow_shared_resources_bind(enum doca_flow_shared_resource_type type, uint32_t *ids, uint32_t count, void *bindable)
{
	if (!is_on())
		return untraced_doca_flow_shared_resources_bind(type, ids, count, bindable);
	Call call("doca_flow_shared_resources_bind");
	call.enumeration("type", type, enum_doca_flow_shared_resource_type);
	call.numbers("ids", ids, count);
	call.number("count", count);
	call.pointer("bindable", bindable);
	const auto result = untraced_doca_flow_shared_resources_bind(type, ids, count, bindable);
	call.ended(result, enum_doca_error);
	return result;
}

extern "C" __attribute__((visibility("hidden"))) decltype(doca_flow_shared_resources_query) untraced_doca_flow_shared_resources_query;
doca_error_t doca_flow_shared_resources_query(enum doca_flow_shared_resource_type type, uint32_t *ids, struct doca_flow_resource_query *queries, uint32_t count)
{
	if (!is_on())
		return untraced_doca_flow_shared_resources_query(type, ids, queries, count);
	static Often often;
	Call call("doca_flow_shared_resources_query", &often);
	if (call.is_passed_over())
		return untraced_doca_flow_shared_resources_query(type, ids, queries, count);
	call.enumeration("type", type, enum_doca_flow_shared_resource_type);
	call.numbers("ids", ids, count);
	call.number("count", count);
	const auto result = untraced_doca_flow_shared_resources_query(type, ids, queries, count);
	call.ended(result, enum_doca_error);
	if (result == DOCA_SUCCESS) {
		call.structures("queries", queries, count, struct_doca_flow_resource_query);
	}
	return result;
}

extern "C" __attribute__((visibility("hidden"))) decltype(doca_flow_resource_query_entry) untraced_doca_flow_resource_query_entry;
doca_error_t doca_flow_resource_query_entry(struct doca_flow_pipe_entry *entry, struct doca_flow_resource_query *query)
{
	if (!is_on())
		return untraced_doca_flow_resource_query_entry(entry, query);
	static Often often;
	Call call("doca_flow_resource_query_entry", &often);
	if (call.is_passed_over())
		return untraced_doca_flow_resource_query_entry(entry, query);
	call.entry("entry", entry);
	const auto result = untraced_doca_flow_resource_query_entry(entry, query);
	call.ended(result, enum_doca_error);
	if (result == DOCA_SUCCESS) {
		call.structures("query", query, 1, struct_doca_flow_resource_query);
	}
	return result;
}

extern "C" __attribute__((visibility("hidden"))) decltype(doca_flow_resource_query_pipe_miss) untraced_doca_flow_resource_query_pipe_miss;
doca_error_t doca_flow_resource_query_pipe_miss(struct doca_flow_pipe *pipe, struct doca_flow_resource_query *query)
{
	if (!is_on())
		return untraced_doca_flow_resource_query_pipe_miss(pipe, query);
	static Often often;
	Call call("doca_flow_resource_query_pipe_miss", &often);
	if (call.is_passed_over())
		return untraced_doca_flow_resource_query_pipe_miss(pipe, query);
	call.pipe("pipe", pipe);
	const auto result = untraced_doca_flow_resource_query_pipe_miss(pipe, query);
	call.ended(result, enum_doca_error);
	if (result == DOCA_SUCCESS) {
		call.structures("query", query, 1, struct_doca_flow_resource_query);
	}
	return result;
}

extern "C" __attribute__((visibility("hidden"))) decltype(doca_flow_crypto_psp_master_key_rotate) untraced_doca_flow_crypto_psp_master_key_rotate;
doca_error_t doca_flow_crypto_psp_master_key_rotate(struct doca_flow_port *port)
{
	if (!is_on())
		return untraced_doca_flow_crypto_psp_master_key_rotate(port);
	Call call("doca_flow_crypto_psp_master_key_rotate");
	call.handle("port", "flow_port", port);
	const auto result = untraced_doca_flow_crypto_psp_master_key_rotate(port);
	call.ended(result, enum_doca_error);
	return result;
}

extern "C" __attribute__((visibility("hidden"))) decltype(doca_flow_crypto_psp_spi_key_bulk_alloc) untraced_doca_flow_crypto_psp_spi_key_bulk_alloc;
doca_error_t doca_flow_crypto_psp_spi_key_bulk_alloc(struct doca_flow_port *port, enum doca_flow_crypto_key_type type, uint32_t count, struct doca_flow_crypto_psp_spi_key_bulk **bulk)
{
	if (!is_on())
		return untraced_doca_flow_crypto_psp_spi_key_bulk_alloc(port, type, count, bulk);
	Call call("doca_flow_crypto_psp_spi_key_bulk_alloc");
	call.handle("port", "flow_port", port);
	call.enumeration("type", type, enum_doca_flow_crypto_key_type);
	call.number("count", count);
	const auto result = untraced_doca_flow_crypto_psp_spi_key_bulk_alloc(port, type, count, bulk);
	call.ended(result, enum_doca_error);
	if (result == DOCA_SUCCESS) {
		if (bulk != nullptr) call.handle("bulk", "flow_crypto_psp_spi_key_bulk", *bulk);
	}
	return result;
}

extern "C" __attribute__((visibility("hidden"))) decltype(doca_flow_crypto_psp_spi_key_bulk_generate) untraced_doca_flow_crypto_psp_spi_key_bulk_generate;
doca_error_t doca_flow_crypto_psp_spi_key_bulk_generate(struct doca_flow_crypto_psp_spi_key_bulk *bulk)
{
	if (!is_on())
		return untraced_doca_flow_crypto_psp_spi_key_bulk_generate(bulk);
	Call call("doca_flow_crypto_psp_spi_key_bulk_generate");
	call.handle("bulk", "flow_crypto_psp_spi_key_bulk", bulk);
	const auto result = untraced_doca_flow_crypto_psp_spi_key_bulk_generate(bulk);
	call.ended(result, enum_doca_error);
	return result;
}

extern "C" __attribute__((visibility("hidden"))) decltype(doca_flow_crypto_psp_spi_key_bulk_get) untraced_doca_flow_crypto_psp_spi_key_bulk_get;
doca_error_t doca_flow_crypto_psp_spi_key_bulk_get(struct doca_flow_crypto_psp_spi_key_bulk *bulk, uint32_t index, uint32_t *spi, uint32_t *key)
{
	if (!is_on())
		return untraced_doca_flow_crypto_psp_spi_key_bulk_get(bulk, index, spi, key);
	Call call("doca_flow_crypto_psp_spi_key_bulk_get");
	call.handle("bulk", "flow_crypto_psp_spi_key_bulk", bulk);
	call.number("index", index);
	call.secret("key", key);
	const auto result = untraced_doca_flow_crypto_psp_spi_key_bulk_get(bulk, index, spi, key);
	call.ended(result, enum_doca_error);
	if (result == DOCA_SUCCESS) {
		if (spi != nullptr) call.number("spi", *spi);
	}
	return result;
}

extern "C" __attribute__((visibility("hidden"))) decltype(doca_flow_crypto_psp_spi_key_wipe) untraced_doca_flow_crypto_psp_spi_key_wipe;
doca_error_t doca_flow_crypto_psp_spi_key_wipe(struct doca_flow_crypto_psp_spi_key_bulk *bulk, uint32_t index)
{
	if (!is_on())
		return untraced_doca_flow_crypto_psp_spi_key_wipe(bulk, index);
	Call call("doca_flow_crypto_psp_spi_key_wipe");
	call.handle("bulk", "flow_crypto_psp_spi_key_bulk", bulk);
	call.number("index", index);
	const auto result = untraced_doca_flow_crypto_psp_spi_key_wipe(bulk, index);
	call.ended(result, enum_doca_error);
	return result;
}

extern "C" __attribute__((visibility("hidden"))) decltype(doca_flow_crypto_psp_spi_key_bulk_clear) untraced_doca_flow_crypto_psp_spi_key_bulk_clear;
doca_error_t doca_flow_crypto_psp_spi_key_bulk_clear(struct doca_flow_crypto_psp_spi_key_bulk *bulk)
{
	if (!is_on())
		return untraced_doca_flow_crypto_psp_spi_key_bulk_clear(bulk);
	Call call("doca_flow_crypto_psp_spi_key_bulk_clear");
	call.handle("bulk", "flow_crypto_psp_spi_key_bulk", bulk);
	const auto result = untraced_doca_flow_crypto_psp_spi_key_bulk_clear(bulk);
	call.ended(result, enum_doca_error);
	return result;
}

extern "C" __attribute__((visibility("hidden"))) decltype(doca_flow_crypto_psp_spi_key_bulk_free) untraced_doca_flow_crypto_psp_spi_key_bulk_free;
doca_error_t doca_flow_crypto_psp_spi_key_bulk_free(struct doca_flow_crypto_psp_spi_key_bulk *bulk)
{
	if (!is_on())
		return untraced_doca_flow_crypto_psp_spi_key_bulk_free(bulk);
	Call call("doca_flow_crypto_psp_spi_key_bulk_free");
	call.handle("bulk", "flow_crypto_psp_spi_key_bulk", bulk);
	const auto result = untraced_doca_flow_crypto_psp_spi_key_bulk_free(bulk);
	call.ended(result, enum_doca_error);
	return result;
}

extern "C" __attribute__((visibility("hidden"))) decltype(doca_flow_definitions_cfg_create) untraced_doca_flow_definitions_cfg_create;
doca_error_t doca_flow_definitions_cfg_create(struct doca_flow_definitions_cfg **cfg)
{
	if (!is_on())
		return untraced_doca_flow_definitions_cfg_create(cfg);
	Call call("doca_flow_definitions_cfg_create");
	const auto result = untraced_doca_flow_definitions_cfg_create(cfg);
	call.ended(result, enum_doca_error);
	if (result == DOCA_SUCCESS) {
		if (cfg != nullptr) call.handle("cfg", "flow_definitions_cfg", *cfg);
	}
	return result;
}

extern "C" __attribute__((visibility("hidden"))) decltype(doca_flow_definitions_cfg_destroy) untraced_doca_flow_definitions_cfg_destroy;
doca_error_t doca_flow_definitions_cfg_destroy(struct doca_flow_definitions_cfg *cfg)
{
	if (!is_on())
		return untraced_doca_flow_definitions_cfg_destroy(cfg);
	Call call("doca_flow_definitions_cfg_destroy");
	call.handle("cfg", "flow_definitions_cfg", cfg);
	const auto result = untraced_doca_flow_definitions_cfg_destroy(cfg);
	call.ended(result, enum_doca_error);
	return result;
}

extern "C" __attribute__((visibility("hidden"))) decltype(doca_flow_definitions_create) untraced_doca_flow_definitions_create;
doca_error_t doca_flow_definitions_create(const struct doca_flow_definitions_cfg *cfg, struct doca_flow_definitions **definitions)
{
	if (!is_on())
		return untraced_doca_flow_definitions_create(cfg, definitions);
	Call call("doca_flow_definitions_create");
	call.handle("cfg", "flow_definitions_cfg", cfg);
	const auto result = untraced_doca_flow_definitions_create(cfg, definitions);
	call.ended(result, enum_doca_error);
	if (result == DOCA_SUCCESS) {
		if (definitions != nullptr) call.handle("definitions", "flow_definitions", *definitions);
	}
	return result;
}

extern "C" __attribute__((visibility("hidden"))) decltype(doca_flow_definitions_destroy) untraced_doca_flow_definitions_destroy;
void doca_flow_definitions_destroy(struct doca_flow_definitions *definitions)
{
	if (!is_on())
		return untraced_doca_flow_definitions_destroy(definitions);
	Call call("doca_flow_definitions_destroy");
	call.handle("definitions", "flow_definitions", definitions);
	untraced_doca_flow_definitions_destroy(definitions);
	call.ended();
}

extern "C" __attribute__((visibility("hidden"))) decltype(doca_flow_definitions_add_field) untraced_doca_flow_definitions_add_field;
doca_error_t doca_flow_definitions_add_field(struct doca_flow_definitions *definitions, const char *opcode, uint32_t offset, uint32_t size)
{
	if (!is_on())
		return untraced_doca_flow_definitions_add_field(definitions, opcode, offset, size);
	Call call("doca_flow_definitions_add_field");
	call.handle("definitions", "flow_definitions", definitions);
	call.text("opcode", opcode);
	call.number("offset", offset);
	call.number("size", size);
	const auto result = untraced_doca_flow_definitions_add_field(definitions, opcode, offset, size);
	call.ended(result, enum_doca_error);
	return result;
}

extern "C" __attribute__((visibility("hidden"))) decltype(doca_flow_tune_server_cfg_create) untraced_doca_flow_tune_server_cfg_create;
doca_error_t doca_flow_tune_server_cfg_create(struct doca_flow_tune_server_cfg **cfg)
{
	if (!is_on())
		return untraced_doca_flow_tune_server_cfg_create(cfg);
	Call call("doca_flow_tune_server_cfg_create");
	const auto result = untraced_doca_flow_tune_server_cfg_create(cfg);
	call.ended(result, enum_doca_error);
	if (result == DOCA_SUCCESS) {
		if (cfg != nullptr) call.handle("cfg", "flow_tune_server_cfg", *cfg);
	}
	return result;
}

extern "C" __attribute__((visibility("hidden"))) decltype(doca_flow_tune_server_cfg_set_cfg_file_path) untraced_doca_flow_tune_server_cfg_set_cfg_file_path;
doca_error_t doca_flow_tune_server_cfg_set_cfg_file_path(struct doca_flow_tune_server_cfg *cfg, const char *path)
{
	if (!is_on())
		return untraced_doca_flow_tune_server_cfg_set_cfg_file_path(cfg, path);
	Call call("doca_flow_tune_server_cfg_set_cfg_file_path");
	call.handle("cfg", "flow_tune_server_cfg", cfg);
	call.text("path", path);
	const auto result = untraced_doca_flow_tune_server_cfg_set_cfg_file_path(cfg, path);
	call.ended(result, enum_doca_error);
	return result;
}

extern "C" __attribute__((visibility("hidden"))) decltype(doca_flow_tune_server_cfg_destroy) untraced_doca_flow_tune_server_cfg_destroy;
doca_error_t doca_flow_tune_server_cfg_destroy(struct doca_flow_tune_server_cfg *cfg)
{
	if (!is_on())
		return untraced_doca_flow_tune_server_cfg_destroy(cfg);
	Call call("doca_flow_tune_server_cfg_destroy");
	call.handle("cfg", "flow_tune_server_cfg", cfg);
	const auto result = untraced_doca_flow_tune_server_cfg_destroy(cfg);
	call.ended(result, enum_doca_error);
	return result;
}

extern "C" __attribute__((visibility("hidden"))) decltype(doca_flow_tune_server_init) untraced_doca_flow_tune_server_init;
doca_error_t doca_flow_tune_server_init(struct doca_flow_tune_server_cfg *cfg)
{
	if (!is_on())
		return untraced_doca_flow_tune_server_init(cfg);
	Call call("doca_flow_tune_server_init");
	call.handle("cfg", "flow_tune_server_cfg", cfg);
	const auto result = untraced_doca_flow_tune_server_init(cfg);
	call.ended(result, enum_doca_error);
	return result;
}

extern "C" __attribute__((visibility("hidden"))) decltype(doca_flow_tune_server_destroy) untraced_doca_flow_tune_server_destroy;
void doca_flow_tune_server_destroy(void)
{
	if (!is_on())
		return untraced_doca_flow_tune_server_destroy();
	Call call("doca_flow_tune_server_destroy");
	untraced_doca_flow_tune_server_destroy();
	call.ended();
}

extern "C" __attribute__((visibility("hidden"))) decltype(doca_log_backend_create_standard) untraced_doca_log_backend_create_standard;
doca_error_t doca_log_backend_create_standard(void)
{
	if (!is_on())
		return untraced_doca_log_backend_create_standard();
	Call call("doca_log_backend_create_standard");
	const auto result = untraced_doca_log_backend_create_standard();
	call.ended(result, enum_doca_error);
	return result;
}

extern "C" __attribute__((visibility("hidden"))) decltype(doca_log_backend_create_with_file) untraced_doca_log_backend_create_with_file;
doca_error_t doca_log_backend_create_with_file(FILE *file, struct doca_log_backend **backend)
{
	if (!is_on())
		return untraced_doca_log_backend_create_with_file(file, backend);
	Call call("doca_log_backend_create_with_file");
	call.pointer("file", file);
	const auto result = untraced_doca_log_backend_create_with_file(file, backend);
	call.ended(result, enum_doca_error);
	if (result == DOCA_SUCCESS) {
		if (backend != nullptr) call.handle("backend", "log_backend", *backend);
	}
	return result;
}

extern "C" __attribute__((visibility("hidden"))) decltype(doca_log_backend_create_with_fd) untraced_doca_log_backend_create_with_fd;
doca_error_t doca_log_backend_create_with_fd(int fd, struct doca_log_backend **backend)
{
	if (!is_on())
		return untraced_doca_log_backend_create_with_fd(fd, backend);
	Call call("doca_log_backend_create_with_fd");
	call.number("fd", fd);
	const auto result = untraced_doca_log_backend_create_with_fd(fd, backend);
	call.ended(result, enum_doca_error);
	if (result == DOCA_SUCCESS) {
		if (backend != nullptr) call.handle("backend", "log_backend", *backend);
	}
	return result;
}

extern "C" __attribute__((visibility("hidden"))) decltype(doca_log_backend_create_with_buf) untraced_doca_log_backend_create_with_buf;
doca_error_t doca_log_backend_create_with_buf(char *buffer, size_t capacity, doca_log_buf_flush_cb flush, struct doca_log_backend **backend)
{
	if (!is_on())
		return untraced_doca_log_backend_create_with_buf(buffer, capacity, flush, backend);
	Call call("doca_log_backend_create_with_buf");
	call.pointer("buffer", buffer);
	call.number("capacity", capacity);
	call.pointer("flush", flush);
	const auto result = untraced_doca_log_backend_create_with_buf(buffer, capacity, flush, backend);
	call.ended(result, enum_doca_error);
	if (result == DOCA_SUCCESS) {
		if (backend != nullptr) call.handle("backend", "log_backend", *backend);
	}
	return result;
}

extern "C" __attribute__((visibility("hidden"))) decltype(doca_log_backend_create_with_syslog) untraced_doca_log_backend_create_with_syslog;
doca_error_t doca_log_backend_create_with_syslog(const char *name, struct doca_log_backend **backend)
{
	if (!is_on())
		return untraced_doca_log_backend_create_with_syslog(name, backend);
	Call call("doca_log_backend_create_with_syslog");
	call.text("name", name);
	const auto result = untraced_doca_log_backend_create_with_syslog(name, backend);
	call.ended(result, enum_doca_error);
	if (result == DOCA_SUCCESS) {
		if (backend != nullptr) call.handle("backend", "log_backend", *backend);
	}
	return result;
}

extern "C" __attribute__((visibility("hidden"))) decltype(doca_log_backend_create_with_file_sdk) untraced_doca_log_backend_create_with_file_sdk;
doca_error_t doca_log_backend_create_with_file_sdk(FILE *file, struct doca_log_backend **backend)
{
	if (!is_on())
		return untraced_doca_log_backend_create_with_file_sdk(file, backend);
	Call call("doca_log_backend_create_with_file_sdk");
	call.pointer("file", file);
	const auto result = untraced_doca_log_backend_create_with_file_sdk(file, backend);
	call.ended(result, enum_doca_error);
	if (result == DOCA_SUCCESS) {
		if (backend != nullptr) call.handle("backend", "log_backend", *backend);
	}
	return result;
}

extern "C" __attribute__((visibility("hidden"))) decltype(doca_log_backend_create_with_fd_sdk) untraced_doca_log_backend_create_with_fd_sdk;
doca_error_t doca_log_backend_create_with_fd_sdk(int fd, struct doca_log_backend **backend)
{
	if (!is_on())
		return untraced_doca_log_backend_create_with_fd_sdk(fd, backend);
	Call call("doca_log_backend_create_with_fd_sdk");
	call.number("fd", fd);
	const auto result = untraced_doca_log_backend_create_with_fd_sdk(fd, backend);
	call.ended(result, enum_doca_error);
	if (result == DOCA_SUCCESS) {
		if (backend != nullptr) call.handle("backend", "log_backend", *backend);
	}
	return result;
}

extern "C" __attribute__((visibility("hidden"))) decltype(doca_log_backend_create_with_buf_sdk) untraced_doca_log_backend_create_with_buf_sdk;
doca_error_t doca_log_backend_create_with_buf_sdk(char *buffer, size_t capacity, doca_log_buf_flush_cb flush, struct doca_log_backend **backend)
{
	if (!is_on())
		return untraced_doca_log_backend_create_with_buf_sdk(buffer, capacity, flush, backend);
	Call call("doca_log_backend_create_with_buf_sdk");
	call.pointer("buffer", buffer);
	call.number("capacity", capacity);
	call.pointer("flush", flush);
	const auto result = untraced_doca_log_backend_create_with_buf_sdk(buffer, capacity, flush, backend);
	call.ended(result, enum_doca_error);
	if (result == DOCA_SUCCESS) {
		if (backend != nullptr) call.handle("backend", "log_backend", *backend);
	}
	return result;
}

extern "C" __attribute__((visibility("hidden"))) decltype(doca_log_backend_create_with_syslog_sdk) untraced_doca_log_backend_create_with_syslog_sdk;
doca_error_t doca_log_backend_create_with_syslog_sdk(const char *name, struct doca_log_backend **backend)
{
	if (!is_on())
		return untraced_doca_log_backend_create_with_syslog_sdk(name, backend);
	Call call("doca_log_backend_create_with_syslog_sdk");
	call.text("name", name);
	const auto result = untraced_doca_log_backend_create_with_syslog_sdk(name, backend);
	call.ended(result, enum_doca_error);
	if (result == DOCA_SUCCESS) {
		if (backend != nullptr) call.handle("backend", "log_backend", *backend);
	}
	return result;
}

extern "C" __attribute__((visibility("hidden"))) decltype(doca_log_backend_set_sdk_level) untraced_doca_log_backend_set_sdk_level;
doca_error_t doca_log_backend_set_sdk_level(struct doca_log_backend *backend, uint32_t level)
{
	if (!is_on())
		return untraced_doca_log_backend_set_sdk_level(backend, level);
	Call call("doca_log_backend_set_sdk_level");
	call.handle("backend", "log_backend", backend);
	call.number("level", level);
	const auto result = untraced_doca_log_backend_set_sdk_level(backend, level);
	call.ended(result, enum_doca_error);
	return result;
}

extern "C" __attribute__((visibility("hidden"))) decltype(doca_log_backend_set_level_lower_limit) untraced_doca_log_backend_set_level_lower_limit;
doca_error_t doca_log_backend_set_level_lower_limit(struct doca_log_backend *backend, uint32_t level)
{
	if (!is_on())
		return untraced_doca_log_backend_set_level_lower_limit(backend, level);
	Call call("doca_log_backend_set_level_lower_limit");
	call.handle("backend", "log_backend", backend);
	call.number("level", level);
	const auto result = untraced_doca_log_backend_set_level_lower_limit(backend, level);
	call.ended(result, enum_doca_error);
	return result;
}

extern "C" __attribute__((visibility("hidden"))) decltype(doca_log_backend_set_level_upper_limit) untraced_doca_log_backend_set_level_upper_limit;
doca_error_t doca_log_backend_set_level_upper_limit(struct doca_log_backend *backend, uint32_t level)
{
	if (!is_on())
		return untraced_doca_log_backend_set_level_upper_limit(backend, level);
	Call call("doca_log_backend_set_level_upper_limit");
	call.handle("backend", "log_backend", backend);
	call.number("level", level);
	const auto result = untraced_doca_log_backend_set_level_upper_limit(backend, level);
	call.ended(result, enum_doca_error);
	return result;
}

extern "C" __attribute__((visibility("hidden"))) decltype(doca_log_level_set_global_lower_limit) untraced_doca_log_level_set_global_lower_limit;
doca_error_t doca_log_level_set_global_lower_limit(uint32_t level)
{
	if (!is_on())
		return untraced_doca_log_level_set_global_lower_limit(level);
	Call call("doca_log_level_set_global_lower_limit");
	call.number("level", level);
	const auto result = untraced_doca_log_level_set_global_lower_limit(level);
	call.ended(result, enum_doca_error);
	return result;
}

extern "C" __attribute__((visibility("hidden"))) decltype(doca_log_level_set_global_upper_limit) untraced_doca_log_level_set_global_upper_limit;
doca_error_t doca_log_level_set_global_upper_limit(uint32_t level)
{
	if (!is_on())
		return untraced_doca_log_level_set_global_upper_limit(level);
	Call call("doca_log_level_set_global_upper_limit");
	call.number("level", level);
	const auto result = untraced_doca_log_level_set_global_upper_limit(level);
	call.ended(result, enum_doca_error);
	return result;
}

extern "C" __attribute__((visibility("hidden"))) decltype(doca_log_level_set_global_sdk_limit) untraced_doca_log_level_set_global_sdk_limit;
doca_error_t doca_log_level_set_global_sdk_limit(uint32_t level)
{
	if (!is_on())
		return untraced_doca_log_level_set_global_sdk_limit(level);
	Call call("doca_log_level_set_global_sdk_limit");
	call.number("level", level);
	const auto result = untraced_doca_log_level_set_global_sdk_limit(level);
	call.ended(result, enum_doca_error);
	return result;
}

extern "C" __attribute__((visibility("hidden"))) decltype(doca_log_level_get_global_lower_limit) untraced_doca_log_level_get_global_lower_limit;
uint32_t doca_log_level_get_global_lower_limit(void)
{
	if (!is_on())
		return untraced_doca_log_level_get_global_lower_limit();
	Call call("doca_log_level_get_global_lower_limit");
	const auto result = untraced_doca_log_level_get_global_lower_limit();
	call.ended(result);
	return result;
}

extern "C" __attribute__((visibility("hidden"))) decltype(doca_log_level_get_global_upper_limit) untraced_doca_log_level_get_global_upper_limit;
uint32_t doca_log_level_get_global_upper_limit(void)
{
	if (!is_on())
		return untraced_doca_log_level_get_global_upper_limit();
	Call call("doca_log_level_get_global_upper_limit");
	const auto result = untraced_doca_log_level_get_global_upper_limit();
	call.ended(result);
	return result;
}

extern "C" __attribute__((visibility("hidden"))) decltype(doca_log_level_get_global_sdk_limit) untraced_doca_log_level_get_global_sdk_limit;
uint32_t doca_log_level_get_global_sdk_limit(void)
{
	if (!is_on())
		return untraced_doca_log_level_get_global_sdk_limit();
	Call call("doca_log_level_get_global_sdk_limit");
	const auto result = untraced_doca_log_level_get_global_sdk_limit();
	call.ended(result);
	return result;
}

extern "C" __attribute__((visibility("hidden"))) decltype(doca_log_register_source) untraced_doca_log_register_source;
doca_error_t doca_log_register_source(const char *name, int *source)
{
	if (!is_on())
		return untraced_doca_log_register_source(name, source);
	Call call("doca_log_register_source");
	call.text("name", name);
	const auto result = untraced_doca_log_register_source(name, source);
	call.ended(result, enum_doca_error);
	if (result == DOCA_SUCCESS) {
		if (source != nullptr) call.number("source", *source);
	}
	return result;
}

extern "C" __attribute__((visibility("hidden"))) decltype(doca_log_unregister_source) untraced_doca_log_unregister_source;
doca_error_t doca_log_unregister_source(int source)
{
	if (!is_on())
		return untraced_doca_log_unregister_source(source);
	Call call("doca_log_unregister_source");
	call.number("source", source);
	const auto result = untraced_doca_log_unregister_source(source);
	call.ended(result, enum_doca_error);
	return result;
}

extern "C" __attribute__((visibility("hidden"))) decltype(doca_mmap_create) untraced_doca_mmap_create;
doca_error_t doca_mmap_create(struct doca_mmap **mmap)
{
	if (!is_on())
		return untraced_doca_mmap_create(mmap);
	Call call("doca_mmap_create");
	const auto result = untraced_doca_mmap_create(mmap);
	call.ended(result, enum_doca_error);
	if (result == DOCA_SUCCESS) {
		if (mmap != nullptr) call.handle("mmap", "mmap", *mmap);
	}
	return result;
}

extern "C" __attribute__((visibility("hidden"))) decltype(doca_mmap_destroy) untraced_doca_mmap_destroy;
doca_error_t doca_mmap_destroy(struct doca_mmap *mmap)
{
	if (!is_on())
		return untraced_doca_mmap_destroy(mmap);
	Call call("doca_mmap_destroy");
	call.handle("mmap", "mmap", mmap);
	const auto result = untraced_doca_mmap_destroy(mmap);
	call.ended(result, enum_doca_error);
	return result;
}

extern "C" __attribute__((visibility("hidden"))) decltype(doca_mmap_start) untraced_doca_mmap_start;
doca_error_t doca_mmap_start(struct doca_mmap *mmap)
{
	if (!is_on())
		return untraced_doca_mmap_start(mmap);
	Call call("doca_mmap_start");
	call.handle("mmap", "mmap", mmap);
	const auto result = untraced_doca_mmap_start(mmap);
	call.ended(result, enum_doca_error);
	return result;
}

extern "C" __attribute__((visibility("hidden"))) decltype(doca_mmap_add_dev) untraced_doca_mmap_add_dev;
doca_error_t doca_mmap_add_dev(struct doca_mmap *mmap, struct doca_dev *dev)
{
	if (!is_on())
		return untraced_doca_mmap_add_dev(mmap, dev);
	Call call("doca_mmap_add_dev");
	call.handle("mmap", "mmap", mmap);
	call.handle("dev", "dev", dev);
	const auto result = untraced_doca_mmap_add_dev(mmap, dev);
	call.ended(result, enum_doca_error);
	return result;
}

extern "C" __attribute__((visibility("hidden"))) decltype(doca_mmap_set_memrange) untraced_doca_mmap_set_memrange;
doca_error_t doca_mmap_set_memrange(struct doca_mmap *mmap, void *addr, size_t len)
{
	if (!is_on())
		return untraced_doca_mmap_set_memrange(mmap, addr, len);
	Call call("doca_mmap_set_memrange");
	call.handle("mmap", "mmap", mmap);
	call.pointer("addr", addr);
	call.number("len", len);
	const auto result = untraced_doca_mmap_set_memrange(mmap, addr, len);
	call.ended(result, enum_doca_error);
	return result;
}

extern "C" __attribute__((visibility("hidden"))) decltype(doca_mmap_get_memrange) untraced_doca_mmap_get_memrange;
doca_error_t doca_mmap_get_memrange(const struct doca_mmap *mmap, void **addr, size_t *len)
{
	if (!is_on())
		return untraced_doca_mmap_get_memrange(mmap, addr, len);
	Call call("doca_mmap_get_memrange");
	call.handle("mmap", "mmap", mmap);
	call.pointer("addr", addr);
	const auto result = untraced_doca_mmap_get_memrange(mmap, addr, len);
	call.ended(result, enum_doca_error);
	if (result == DOCA_SUCCESS) {
		if (len != nullptr) call.number("len", *len);
	}
	return result;
}

extern "C" __attribute__((visibility("hidden"))) decltype(doca_pe_create) untraced_doca_pe_create;
doca_error_t doca_pe_create(struct doca_pe **pe)
{
	if (!is_on())
		return untraced_doca_pe_create(pe);
	Call call("doca_pe_create");
	const auto result = untraced_doca_pe_create(pe);
	call.ended(result, enum_doca_error);
	if (result == DOCA_SUCCESS) {
		if (pe != nullptr) call.handle("pe", "pe", *pe);
	}
	return result;
}

extern "C" __attribute__((visibility("hidden"))) decltype(doca_pe_destroy) untraced_doca_pe_destroy;
doca_error_t doca_pe_destroy(struct doca_pe *pe)
{
	if (!is_on())
		return untraced_doca_pe_destroy(pe);
	Call call("doca_pe_destroy");
	call.handle("pe", "pe", pe);
	const auto result = untraced_doca_pe_destroy(pe);
	call.ended(result, enum_doca_error);
	return result;
}

extern "C" __attribute__((visibility("hidden"))) decltype(doca_pe_connect_ctx) untraced_doca_pe_connect_ctx;
doca_error_t doca_pe_connect_ctx(struct doca_pe *pe, struct doca_ctx *ctx)
{
	if (!is_on())
		return untraced_doca_pe_connect_ctx(pe, ctx);
	Call call("doca_pe_connect_ctx");
	call.handle("pe", "pe", pe);
	call.handle("ctx", "ctx", ctx);
	const auto result = untraced_doca_pe_connect_ctx(pe, ctx);
	call.ended(result, enum_doca_error);
	return result;
}

extern "C" __attribute__((visibility("hidden"))) decltype(doca_pe_progress) untraced_doca_pe_progress;
uint8_t doca_pe_progress(struct doca_pe *pe)
{
	if (!is_on())
		return untraced_doca_pe_progress(pe);
	static Often often;
	Call call("doca_pe_progress", &often);
	if (call.is_passed_over())
		return untraced_doca_pe_progress(pe);
	call.handle("pe", "pe", pe);
	const auto result = untraced_doca_pe_progress(pe);
	call.ended(result);
	return result;
}

extern "C" __attribute__((visibility("hidden"))) decltype(doca_soft_quiesce) untraced_doca_soft_quiesce;
doca_error_t doca_soft_quiesce(uint32_t timeout_ms)
{
	if (!is_on())
		return untraced_doca_soft_quiesce(timeout_ms);
	static Often often;
	Call call("doca_soft_quiesce", &often);
	if (call.is_passed_over())
		return untraced_doca_soft_quiesce(timeout_ms);
	call.number("timeout_ms", timeout_ms);
	const auto result = untraced_doca_soft_quiesce(timeout_ms);
	call.ended(result, enum_doca_error);
	return result;
}

extern "C" __attribute__((visibility("hidden"))) decltype(doca_soft_get_set_up) untraced_doca_soft_get_set_up;
doca_error_t doca_soft_get_set_up(uint16_t dpdk_port_id, struct doca_soft_set_up *set_up)
{
	if (!is_on())
		return untraced_doca_soft_get_set_up(dpdk_port_id, set_up);
	Call call("doca_soft_get_set_up");
	call.number("dpdk_port_id", dpdk_port_id);
	const auto result = untraced_doca_soft_get_set_up(dpdk_port_id, set_up);
	call.ended(result, enum_doca_error);
	if (result == DOCA_SUCCESS) {
		call.structures("set_up", set_up, 1, struct_doca_soft_set_up);
	}
	return result;
}

extern "C" __attribute__((visibility("hidden"))) decltype(doca_soft_rss_packets) untraced_doca_soft_rss_packets;
doca_error_t doca_soft_rss_packets(uint16_t dpdk_port_id, uint64_t *packets)
{
	if (!is_on())
		return untraced_doca_soft_rss_packets(dpdk_port_id, packets);
	static Often often;
	Call call("doca_soft_rss_packets", &often);
	if (call.is_passed_over())
		return untraced_doca_soft_rss_packets(dpdk_port_id, packets);
	call.number("dpdk_port_id", dpdk_port_id);
	const auto result = untraced_doca_soft_rss_packets(dpdk_port_id, packets);
	call.ended(result, enum_doca_error);
	if (result == DOCA_SUCCESS) {
		if (packets != nullptr) call.number("packets", *packets);
	}
	return result;
}

extern "C" __attribute__((visibility("hidden"))) decltype(doca_soft_kernel_drops) untraced_doca_soft_kernel_drops;
doca_error_t doca_soft_kernel_drops(uint16_t dpdk_port_id, uint64_t *packets)
{
	if (!is_on())
		return untraced_doca_soft_kernel_drops(dpdk_port_id, packets);
	static Often often;
	Call call("doca_soft_kernel_drops", &often);
	if (call.is_passed_over())
		return untraced_doca_soft_kernel_drops(dpdk_port_id, packets);
	call.number("dpdk_port_id", dpdk_port_id);
	const auto result = untraced_doca_soft_kernel_drops(dpdk_port_id, packets);
	call.ended(result, enum_doca_error);
	if (result == DOCA_SUCCESS) {
		if (packets != nullptr) call.number("packets", *packets);
	}
	return result;
}

extern "C" __attribute__((visibility("hidden"))) decltype(doca_soft_psp_spi_key_bulk_set_gmac) untraced_doca_soft_psp_spi_key_bulk_set_gmac;
doca_error_t doca_soft_psp_spi_key_bulk_set_gmac(struct doca_flow_crypto_psp_spi_key_bulk *bulk)
{
	if (!is_on())
		return untraced_doca_soft_psp_spi_key_bulk_set_gmac(bulk);
	Call call("doca_soft_psp_spi_key_bulk_set_gmac");
	call.handle("bulk", "flow_crypto_psp_spi_key_bulk", bulk);
	const auto result = untraced_doca_soft_psp_spi_key_bulk_set_gmac(bulk);
	call.ended(result, enum_doca_error);
	return result;
}

extern "C" __attribute__((visibility("hidden"))) decltype(doca_soft_set_faults) untraced_doca_soft_set_faults;
doca_error_t doca_soft_set_faults(uint32_t seed, uint32_t per_thousand)
{
	if (!is_on())
		return untraced_doca_soft_set_faults(seed, per_thousand);
	Call call("doca_soft_set_faults");
	call.number("seed", seed);
	call.number("per_thousand", per_thousand);
	const auto result = untraced_doca_soft_set_faults(seed, per_thousand);
	call.ended(result, enum_doca_error);
	return result;
}

extern "C" __attribute__((visibility("hidden"))) decltype(doca_soft_set_clock) untraced_doca_soft_set_clock;
doca_error_t doca_soft_set_clock(uint64_t nanoseconds)
{
	if (!is_on())
		return untraced_doca_soft_set_clock(nanoseconds);
	Call call("doca_soft_set_clock");
	call.number("nanoseconds", nanoseconds);
	const auto result = untraced_doca_soft_set_clock(nanoseconds);
	call.ended(result, enum_doca_error);
	return result;
}

extern "C" __attribute__((visibility("hidden"))) decltype(doca_soft_measure_aead) untraced_doca_soft_measure_aead;
doca_error_t doca_soft_measure_aead(const char *crypto, uint32_t octets, int open, double seconds, double *per_second, const char **engine)
{
	if (!is_on())
		return untraced_doca_soft_measure_aead(crypto, octets, open, seconds, per_second, engine);
	Call call("doca_soft_measure_aead");
	call.text("crypto", crypto);
	call.number("octets", octets);
	call.number("open", open);
	call.number("seconds", seconds);
	const auto result = untraced_doca_soft_measure_aead(crypto, octets, open, seconds, per_second, engine);
	call.ended(result, enum_doca_error);
	if (result == DOCA_SUCCESS) {
		if (per_second != nullptr) call.number("per_second", *per_second);
		call.text("engine", *engine);
	}
	return result;
}

extern "C" __attribute__((visibility("hidden"))) decltype(doca_version_runtime) untraced_doca_version_runtime;
const char *doca_version_runtime(void)
{
	if (!is_on())
		return untraced_doca_version_runtime();
	Call call("doca_version_runtime");
	const auto result = untraced_doca_version_runtime();
	call.ended(Text{result});
	return result;
}

#if DOCA_SOFT_RELEASE_ >= 210
extern "C" __attribute__((visibility("hidden"))) decltype(doca_flow_port_cfg_set_actions_mem_size) untraced_doca_flow_port_cfg_set_actions_mem_size;
doca_error_t doca_flow_port_cfg_set_actions_mem_size(struct doca_flow_port_cfg *cfg, uint32_t size)
{
	if (!is_on())
		return untraced_doca_flow_port_cfg_set_actions_mem_size(cfg, size);
	Call call("doca_flow_port_cfg_set_actions_mem_size");
	call.handle("cfg", "flow_port_cfg", cfg);
	call.number("size", size);
	const auto result = untraced_doca_flow_port_cfg_set_actions_mem_size(cfg, size);
	call.ended(result, enum_doca_error);
	return result;
}
#endif

#if DOCA_SOFT_RELEASE_ >= 300
extern "C" __attribute__((visibility("hidden"))) decltype(doca_flow_port_cfg_set_port_id) untraced_doca_flow_port_cfg_set_port_id;
doca_error_t doca_flow_port_cfg_set_port_id(struct doca_flow_port_cfg *cfg, uint16_t port_id)
{
	if (!is_on())
		return untraced_doca_flow_port_cfg_set_port_id(cfg, port_id);
	Call call("doca_flow_port_cfg_set_port_id");
	call.handle("cfg", "flow_port_cfg", cfg);
	call.number("port_id", port_id);
	const auto result = untraced_doca_flow_port_cfg_set_port_id(cfg, port_id);
	call.ended(result, enum_doca_error);
	return result;
}
#endif

#if DOCA_SOFT_RELEASE_ >= 300
extern "C" __attribute__((visibility("hidden"))) decltype(doca_flow_port_cfg_set_dev_rep) untraced_doca_flow_port_cfg_set_dev_rep;
doca_error_t doca_flow_port_cfg_set_dev_rep(struct doca_flow_port_cfg *cfg, struct doca_dev_rep *dev_rep)
{
	if (!is_on())
		return untraced_doca_flow_port_cfg_set_dev_rep(cfg, dev_rep);
	Call call("doca_flow_port_cfg_set_dev_rep");
	call.handle("cfg", "flow_port_cfg", cfg);
	call.handle("dev_rep", "dev_rep", dev_rep);
	const auto result = untraced_doca_flow_port_cfg_set_dev_rep(cfg, dev_rep);
	call.ended(result, enum_doca_error);
	return result;
}
#endif

#if DOCA_SOFT_RELEASE_ >= 301
extern "C" __attribute__((visibility("hidden"))) decltype(doca_dpdk_port_probe_with_representors) untraced_doca_dpdk_port_probe_with_representors;
doca_error_t doca_dpdk_port_probe_with_representors(struct doca_dev *dev, const char *devargs, struct doca_dev_rep **reps, uint16_t count)
{
	if (!is_on())
		return untraced_doca_dpdk_port_probe_with_representors(dev, devargs, reps, count);
	Call call("doca_dpdk_port_probe_with_representors");
	call.handle("dev", "dev", dev);
	call.text("devargs", devargs);
	call.handles("reps", "dev_rep", reps, count);
	call.number("count", count);
	const auto result = untraced_doca_dpdk_port_probe_with_representors(dev, devargs, reps, count);
	call.ended(result, enum_doca_error);
	return result;
}
#endif

#if DOCA_SOFT_RELEASE_ >= 301
extern "C" __attribute__((visibility("hidden"))) decltype(doca_flow_cfg_set_tune_cfg) untraced_doca_flow_cfg_set_tune_cfg;
doca_error_t doca_flow_cfg_set_tune_cfg(struct doca_flow_cfg *cfg, struct doca_flow_tune_cfg *tune_cfg)
{
	if (!is_on())
		return untraced_doca_flow_cfg_set_tune_cfg(cfg, tune_cfg);
	Call call("doca_flow_cfg_set_tune_cfg");
	call.handle("cfg", "flow_cfg", cfg);
	call.handle("tune_cfg", "flow_tune_cfg", tune_cfg);
	const auto result = untraced_doca_flow_cfg_set_tune_cfg(cfg, tune_cfg);
	call.ended(result, enum_doca_error);
	return result;
}
#endif

#if DOCA_SOFT_RELEASE_ >= 301
extern "C" __attribute__((visibility("hidden"))) decltype(doca_flow_tune_cfg_create) untraced_doca_flow_tune_cfg_create;
doca_error_t doca_flow_tune_cfg_create(struct doca_flow_tune_cfg **cfg)
{
	if (!is_on())
		return untraced_doca_flow_tune_cfg_create(cfg);
	Call call("doca_flow_tune_cfg_create");
	const auto result = untraced_doca_flow_tune_cfg_create(cfg);
	call.ended(result, enum_doca_error);
	if (result == DOCA_SUCCESS) {
		if (cfg != nullptr) call.handle("cfg", "flow_tune_cfg", *cfg);
	}
	return result;
}
#endif

#if DOCA_SOFT_RELEASE_ >= 301
extern "C" __attribute__((visibility("hidden"))) decltype(doca_flow_tune_cfg_destroy) untraced_doca_flow_tune_cfg_destroy;
doca_error_t doca_flow_tune_cfg_destroy(struct doca_flow_tune_cfg *cfg)
{
	if (!is_on())
		return untraced_doca_flow_tune_cfg_destroy(cfg);
	Call call("doca_flow_tune_cfg_destroy");
	call.handle("cfg", "flow_tune_cfg", cfg);
	const auto result = untraced_doca_flow_tune_cfg_destroy(cfg);
	call.ended(result, enum_doca_error);
	return result;
}
#endif

#if DOCA_SOFT_RELEASE_ >= 301
extern "C" __attribute__((visibility("hidden"))) decltype(doca_flow_tune_cfg_set_profile) untraced_doca_flow_tune_cfg_set_profile;
doca_error_t doca_flow_tune_cfg_set_profile(struct doca_flow_tune_cfg *cfg, enum doca_flow_tune_profile profile)
{
	if (!is_on())
		return untraced_doca_flow_tune_cfg_set_profile(cfg, profile);
	Call call("doca_flow_tune_cfg_set_profile");
	call.handle("cfg", "flow_tune_cfg", cfg);
	call.enumeration("profile", profile, enum_doca_flow_tune_profile);
	const auto result = untraced_doca_flow_tune_cfg_set_profile(cfg, profile);
	call.ended(result, enum_doca_error);
	return result;
}
#endif

#if DOCA_SOFT_RELEASE_ >= 302
extern "C" __attribute__((visibility("hidden"))) decltype(doca_flow_cfg_set_resource_mode) untraced_doca_flow_cfg_set_resource_mode;
doca_error_t doca_flow_cfg_set_resource_mode(struct doca_flow_cfg *cfg, enum doca_flow_resource_mode mode)
{
	if (!is_on())
		return untraced_doca_flow_cfg_set_resource_mode(cfg, mode);
	Call call("doca_flow_cfg_set_resource_mode");
	call.handle("cfg", "flow_cfg", cfg);
	call.enumeration("mode", mode, enum_doca_flow_resource_mode);
	const auto result = untraced_doca_flow_cfg_set_resource_mode(cfg, mode);
	call.ended(result, enum_doca_error);
	return result;
}
#endif

#if DOCA_SOFT_RELEASE_ >= 302
extern "C" __attribute__((visibility("hidden"))) decltype(doca_flow_port_cfg_set_nr_resources) untraced_doca_flow_port_cfg_set_nr_resources;
doca_error_t doca_flow_port_cfg_set_nr_resources(struct doca_flow_port_cfg *cfg, enum doca_flow_resource type, uint32_t nr_resources)
{
	if (!is_on())
		return untraced_doca_flow_port_cfg_set_nr_resources(cfg, type, nr_resources);
	Call call("doca_flow_port_cfg_set_nr_resources");
	call.handle("cfg", "flow_port_cfg", cfg);
	call.enumeration("type", type, enum_doca_flow_resource);
	call.number("nr_resources", nr_resources);
	const auto result = untraced_doca_flow_port_cfg_set_nr_resources(cfg, type, nr_resources);
	call.ended(result, enum_doca_error);
	return result;
}
#endif

#if DOCA_SOFT_RELEASE_ >= 302
extern "C" __attribute__((visibility("hidden"))) decltype(doca_flow_port_update_default_miss) untraced_doca_flow_port_update_default_miss;
doca_error_t doca_flow_port_update_default_miss(struct doca_flow_port *port, enum doca_flow_port_default_miss_type type, bool counter)
{
	if (!is_on())
		return untraced_doca_flow_port_update_default_miss(port, type, counter);
	Call call("doca_flow_port_update_default_miss");
	call.handle("port", "flow_port", port);
	call.enumeration("type", type, enum_doca_flow_port_default_miss_type);
	call.number("counter", counter);
	const auto result = untraced_doca_flow_port_update_default_miss(port, type, counter);
	call.ended(result, enum_doca_error);
	return result;
}
#endif

#if DOCA_SOFT_RELEASE_ >= 302
extern "C" __attribute__((visibility("hidden"))) decltype(doca_flow_port_query_default_miss) untraced_doca_flow_port_query_default_miss;
doca_error_t doca_flow_port_query_default_miss(struct doca_flow_port *port, struct doca_flow_resource_query *query)
{
	if (!is_on())
		return untraced_doca_flow_port_query_default_miss(port, query);
	static Often often;
	Call call("doca_flow_port_query_default_miss", &often);
	if (call.is_passed_over())
		return untraced_doca_flow_port_query_default_miss(port, query);
	call.handle("port", "flow_port", port);
	const auto result = untraced_doca_flow_port_query_default_miss(port, query);
	call.ended(result, enum_doca_error);
	if (result == DOCA_SUCCESS) {
		call.structures("query", query, 1, struct_doca_flow_resource_query);
	}
	return result;
}
#endif

#if DOCA_SOFT_RELEASE_ >= 302
extern "C" __attribute__((visibility("hidden"))) decltype(doca_flow_port_shared_resource_get) untraced_doca_flow_port_shared_resource_get;
doca_error_t doca_flow_port_shared_resource_get(struct doca_flow_port *port, enum doca_flow_shared_resource_type type, uint32_t *id)
{
	if (!is_on())
		return untraced_doca_flow_port_shared_resource_get(port, type, id);
	Call call("doca_flow_port_shared_resource_get");
	call.handle("port", "flow_port", port);
	call.enumeration("type", type, enum_doca_flow_shared_resource_type);
	const auto result = untraced_doca_flow_port_shared_resource_get(port, type, id);
	call.ended(result, enum_doca_error);
	if (result == DOCA_SUCCESS) {
		if (id != nullptr) call.number("id", *id);
	}
	return result;
}
#endif

#if DOCA_SOFT_RELEASE_ >= 302
extern "C" __attribute__((visibility("hidden"))) decltype(doca_flow_port_shared_resource_put) untraced_doca_flow_port_shared_resource_put;
doca_error_t doca_flow_port_shared_resource_put(struct doca_flow_port *port, enum doca_flow_shared_resource_type type, uint32_t id)
{
	if (!is_on())
		return untraced_doca_flow_port_shared_resource_put(port, type, id);
	Call call("doca_flow_port_shared_resource_put");
	call.handle("port", "flow_port", port);
	call.enumeration("type", type, enum_doca_flow_shared_resource_type);
	call.number("id", id);
	const auto result = untraced_doca_flow_port_shared_resource_put(port, type, id);
	call.ended(result, enum_doca_error);
	return result;
}
#endif

#if DOCA_SOFT_RELEASE_ >= 302
extern "C" __attribute__((visibility("hidden"))) decltype(doca_flow_port_shared_resource_set_cfg) untraced_doca_flow_port_shared_resource_set_cfg;
doca_error_t doca_flow_port_shared_resource_set_cfg(struct doca_flow_port *port, enum doca_flow_shared_resource_type type, uint32_t id, struct doca_flow_shared_resource_cfg *cfg)
{
	if (!is_on())
		return untraced_doca_flow_port_shared_resource_set_cfg(port, type, id, cfg);
	Call call("doca_flow_port_shared_resource_set_cfg");
	call.handle("port", "flow_port", port);
	call.enumeration("type", type, enum_doca_flow_shared_resource_type);
	call.number("id", id);
	call.structure("cfg", cfg, struct_doca_flow_shared_resource_cfg, nullptr, type);
	const auto result = untraced_doca_flow_port_shared_resource_set_cfg(port, type, id, cfg);
	call.ended(result, enum_doca_error);
	return result;
}
#endif

#if DOCA_SOFT_RELEASE_ >= 302
extern "C" __attribute__((visibility("hidden"))) decltype(doca_flow_port_shared_resources_query) untraced_doca_flow_port_shared_resources_query;
doca_error_t doca_flow_port_shared_resources_query(struct doca_flow_port *port, enum doca_flow_shared_resource_type type, uint32_t *ids, struct doca_flow_resource_query *queries, uint32_t count)
{
	if (!is_on())
		return untraced_doca_flow_port_shared_resources_query(port, type, ids, queries, count);
	static Often often;
	Call call("doca_flow_port_shared_resources_query", &often);
	if (call.is_passed_over())
		return untraced_doca_flow_port_shared_resources_query(port, type, ids, queries, count);
	call.handle("port", "flow_port", port);
	call.enumeration("type", type, enum_doca_flow_shared_resource_type);
	call.numbers("ids", ids, count);
	call.number("count", count);
	const auto result = untraced_doca_flow_port_shared_resources_query(port, type, ids, queries, count);
	call.ended(result, enum_doca_error);
	if (result == DOCA_SUCCESS) {
		call.structures("queries", queries, count, struct_doca_flow_resource_query);
	}
	return result;
}
#endif

#if DOCA_SOFT_RELEASE_ >= 303
extern "C" __attribute__((visibility("hidden"))) decltype(doca_flow_pipe_basic_add_entry) untraced_doca_flow_pipe_basic_add_entry;
doca_error_t doca_flow_pipe_basic_add_entry(uint16_t pipe_queue, struct doca_flow_pipe *pipe, const struct doca_flow_match *match, uint8_t action_idx, const struct doca_flow_actions *actions, const struct doca_flow_monitor *monitor, const struct doca_flow_fwd *fwd, uint32_t flags, void *user_ctx, struct doca_flow_pipe_entry **entry)
{
	if (!is_on())
		return untraced_doca_flow_pipe_basic_add_entry(pipe_queue, pipe, match, action_idx, actions, monitor, fwd, flags, user_ctx, entry);
	Call call("doca_flow_pipe_basic_add_entry");
	call.number("pipe_queue", pipe_queue);
	call.pipe("pipe", pipe);
	call.structure("match", match, struct_doca_flow_match, call.match_of(pipe));
	call.number("action_idx", action_idx);
	call.structure("actions", actions, struct_doca_flow_actions);
	call.structure("monitor", monitor, struct_doca_flow_monitor);
	call.structure("fwd", fwd, struct_doca_flow_fwd);
	call.number("flags", flags);
	call.pointer("user_ctx", user_ctx);
	const auto result = untraced_doca_flow_pipe_basic_add_entry(pipe_queue, pipe, match, action_idx, actions, monitor, fwd, flags, user_ctx, entry);
	call.ended(result, enum_doca_error);
	if (result == DOCA_SUCCESS) {
		call.entry_changed("added", pipe, entry == nullptr ? nullptr : *entry);
		if (entry != nullptr) call.entry("entry", *entry);
	}
	return result;
}
#endif

#if DOCA_SOFT_RELEASE_ >= 303
extern "C" __attribute__((visibility("hidden"))) decltype(doca_flow_pipe_basic_update_entry) untraced_doca_flow_pipe_basic_update_entry;
doca_error_t doca_flow_pipe_basic_update_entry(uint16_t pipe_queue, struct doca_flow_pipe *pipe, uint8_t action_idx, const struct doca_flow_actions *actions, const struct doca_flow_monitor *monitor, const struct doca_flow_fwd *fwd, uint32_t flags, struct doca_flow_pipe_entry *entry)
{
	if (!is_on())
		return untraced_doca_flow_pipe_basic_update_entry(pipe_queue, pipe, action_idx, actions, monitor, fwd, flags, entry);
	Call call("doca_flow_pipe_basic_update_entry");
	call.number("pipe_queue", pipe_queue);
	call.pipe("pipe", pipe);
	call.number("action_idx", action_idx);
	call.structure("actions", actions, struct_doca_flow_actions);
	call.structure("monitor", monitor, struct_doca_flow_monitor);
	call.structure("fwd", fwd, struct_doca_flow_fwd);
	call.number("flags", flags);
	call.entry("entry", entry);
	const auto result = untraced_doca_flow_pipe_basic_update_entry(pipe_queue, pipe, action_idx, actions, monitor, fwd, flags, entry);
	call.ended(result, enum_doca_error);
	if (result == DOCA_SUCCESS) {
		call.entry_changed("updated", pipe, entry);
	}
	return result;
}
#endif
