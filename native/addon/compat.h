// Names and signatures of DOCA Flow that changed between the releases 2.9 LTS and 3.3, in one spelling, which the rest of the
// addon uses.
#pragma once

#include <cstdint>
#include <cstdio>
#include <cstring>
#include <string>
#include <vector>

#include <doca_dev.h>
#include <doca_dpdk.h>
#include <doca_error.h>
#include <doca_flow.h>
#include <doca_flow_crypto.h>
#include <doca_log.h>
#include <doca_version.h>
#include <rte_flow.h>

// The release as one number, 302 for 3.2. DOCA_VERSION_LTE_CURRENT does not serve: it mixes the patch into the minor number.
#define PSP_DOCA_RELEASE (DOCA_VERSION_MAJOR * 100 + DOCA_VERSION_MINOR)

// Whether crypto stands in ordered lists, copies are made by flooding hash pipes (shape.h), and key slots belong to the port.
#define PSP_ORDERED_LISTS (PSP_DOCA_RELEASE >= 302)

// The software DOCA alone has this function (doca_soft.h): it makes the keys of a bulk those of AES-GMAC, for which DOCA itself has
// no name. Over NVIDIA's library the symbol is not there, and its address is null.
extern "C" __attribute__((weak)) doca_error_t doca_soft_psp_spi_key_bulk_set_gmac(doca_flow_crypto_psp_spi_key_bulk *bulk);
// The same is so of what the device has left to a kernel that is not there.
extern "C" __attribute__((weak)) doca_error_t doca_soft_kernel_drops(uint16_t dpdk_port_id, uint64_t *packets);

namespace compat {

// Makes the keys of a bulk, which has been allocated and not yet generated, those of AES-GMAC.
inline doca_error_t set_gmac(doca_flow_crypto_psp_spi_key_bulk *bulk)
{
	if (doca_soft_psp_spi_key_bulk_set_gmac == nullptr)
		return DOCA_ERROR_NOT_SUPPORTED;
	return doca_soft_psp_spi_key_bulk_set_gmac(bulk);
}

// Reads how many packets were left to the kernel behind a port and dropped. False where nobody counts them.
inline bool kernel_drops(uint16_t dpdk_port, uint64_t &packets)
{
	return doca_soft_kernel_drops != nullptr && doca_soft_kernel_drops(dpdk_port, &packets) == DOCA_SUCCESS;
}

// Arguments that keep EAL from probing the NIC itself.
inline std::vector<const char *> eal_device_arguments()
{
#if PSP_DOCA_RELEASE >= 303
	return {"-a", "pci:00:00.0", "-a", "auxiliary:mlx5_core.sf.0"};
#else
	return {"-a00:00.0"};
#endif
}

inline const char *mode_arguments()
{
#if PSP_DOCA_RELEASE >= 303
	return "switch,hws,expert";
#else
	return "switch,hws,isolated,expert";
#endif
}

// Leaves packets that no pipe matches to the kernel; to be called before a PF's DPDK port starts. From 3.1 on the mode alone
// does that.
inline int isolate(uint16_t dpdk_port)
{
#if PSP_DOCA_RELEASE <= 300
	rte_flow_error error{};
	return rte_flow_isolate(dpdk_port, 1, &error);
#else
	(void)dpdk_port;
	return 0;
#endif
}

// Tells DOCA the queues of packets that go to the application without a forward that names queues. From 3.2 on there is no
// such setting.
inline doca_error_t set_default_rss(doca_flow_cfg *cfg, std::vector<uint16_t> &queues)
{
#if PSP_DOCA_RELEASE <= 301
	doca_flow_resource_rss_cfg rss{};
	rss.queues_array = queues.data();
	rss.nr_queues = static_cast<int>(queues.size());
	return doca_flow_cfg_set_default_rss(cfg, &rss);
#else
	(void)cfg;
	(void)queues;
	return DOCA_SUCCESS;
#endif
}

// The domain of a root. From 3.2 on NVIDIA's own gateway has its egress root in the secure domain, with the pipes that follow.
inline doca_flow_pipe_domain root_domain(doca_flow_pipe_domain domain)
{
#if PSP_DOCA_RELEASE >= 302
	if (domain == DOCA_FLOW_PIPE_DOMAIN_EGRESS)
		return DOCA_FLOW_PIPE_DOMAIN_SECURE_EGRESS;
#endif
	return domain;
}

inline const char *probe_arguments()
{
#if PSP_DOCA_RELEASE >= 303
	return "dv_flow_en=2,dv_xmeta_en=4,fdb_def_rule_en=0";
#else
	return "dv_flow_en=2,dv_xmeta_en=4,fdb_def_rule_en=0,vport_match=1,repr_matching_en=0";
#endif
}

inline doca_error_t probe(doca_dev *dev, doca_dev_rep *rep, const char *representor)
{
#if PSP_DOCA_RELEASE >= 301
	(void)representor;
	doca_dev_rep *reps[] = {rep};
	return doca_dpdk_port_probe_with_representors(dev, probe_arguments(), reps, 1);
#else
	(void)rep;
	const std::string arguments = std::string(probe_arguments()) + ",representor=" + representor;
	return doca_dpdk_port_probe(dev, arguments.c_str());
#endif
}

// Configures a port by its DPDK number; `rep` is nullptr for the PF.
inline doca_error_t set_port(doca_flow_port_cfg *cfg, uint16_t dpdk_port, doca_dev *dev, doca_dev_rep *rep,
			     uint32_t actions_memory_octets)
{
#if PSP_DOCA_RELEASE >= 300
	doca_error_t result = doca_flow_port_cfg_set_port_id(cfg, dpdk_port);
#else
	char text[8];
	snprintf(text, sizeof(text), "%u", dpdk_port);
	doca_error_t result = doca_flow_port_cfg_set_devargs(cfg, text);
#endif
#if PSP_DOCA_RELEASE >= 301
	if (result == DOCA_SUCCESS && rep != nullptr)
		result = doca_flow_port_cfg_set_dev_rep(cfg, rep);
	else if (result == DOCA_SUCCESS)
		result = doca_flow_port_cfg_set_dev(cfg, dev);
#else
	if (result == DOCA_SUCCESS)
		result = doca_flow_port_cfg_set_dev(cfg, rep != nullptr ? nullptr : dev);
#endif
#if PSP_DOCA_RELEASE >= 210
	if (result == DOCA_SUCCESS)
		result = doca_flow_port_cfg_set_actions_mem_size(cfg, actions_memory_octets);
#else
	(void)actions_memory_octets;
#endif
	return result;
}

inline void match_port(doca_flow_match &match, uint16_t port)
{
#if PSP_DOCA_RELEASE >= 300
	match.parser_meta.port_id = port;
#else
	match.parser_meta.port_meta = port;
#endif
}

inline void match_any_port(doca_flow_match &mask)
{
#if PSP_DOCA_RELEASE >= 300
	mask.parser_meta.port_id = UINT16_MAX;
#else
	mask.parser_meta.port_meta = UINT32_MAX;
#endif
}

// A forward to all queues of the PF. From 3.1 on one entry cannot spread both families: IPv4 is spread, and the rest goes to the
// first queue.
inline void set_rss(doca_flow_fwd &fwd, std::vector<uint16_t> &queues)
{
#if PSP_DOCA_RELEASE >= 301
	const uint32_t flags = DOCA_FLOW_RSS_IPV4;
#else
	const uint32_t flags = DOCA_FLOW_RSS_IPV4 | DOCA_FLOW_RSS_IPV6;
#endif
	fwd.type = DOCA_FLOW_FWD_RSS;
#if PSP_DOCA_RELEASE >= 210
	fwd.rss_type = DOCA_FLOW_RESOURCE_TYPE_NON_SHARED;
	fwd.rss.outer_flags = flags;
	fwd.rss.queues_array = queues.data();
	fwd.rss.nr_queues = static_cast<int>(queues.size());
#else
	fwd.rss_outer_flags = flags;
	fwd.rss_queues = queues.data();
	fwd.num_of_queues = static_cast<int>(queues.size());
#endif
}

// Flags of an operation that is handed over at once, not with a batch.
#if PSP_DOCA_RELEASE >= 303
constexpr auto NO_WAIT = DOCA_FLOW_ENTRY_FLAGS_NO_WAIT;
#else
constexpr auto NO_WAIT = DOCA_FLOW_NO_WAIT;
#endif

inline doca_error_t add_entry(uint16_t queue, doca_flow_pipe *pipe, const doca_flow_match *match, uint8_t action_index,
			      doca_flow_actions *actions, const doca_flow_fwd *fwd, void *context, doca_flow_pipe_entry **entry)
{
#if PSP_DOCA_RELEASE >= 303
	return doca_flow_pipe_basic_add_entry(queue, pipe, match, action_index, actions, nullptr, fwd, NO_WAIT, context, entry);
#elif PSP_DOCA_RELEASE >= 302
	return doca_flow_pipe_add_entry(queue, pipe, match, action_index, actions, nullptr, fwd, NO_WAIT, context, entry);
#else
	if (actions != nullptr)
		actions->action_idx = action_index;
	return doca_flow_pipe_add_entry(queue, pipe, match, actions, nullptr, fwd, NO_WAIT, context, entry);
#endif
}

inline doca_error_t update_entry(uint16_t queue, doca_flow_pipe *pipe, uint8_t action_index, doca_flow_actions *actions,
				 const doca_flow_fwd *fwd, doca_flow_pipe_entry *entry)
{
#if PSP_DOCA_RELEASE >= 303
	return doca_flow_pipe_basic_update_entry(queue, pipe, action_index, actions, nullptr, fwd, NO_WAIT, entry);
#elif PSP_DOCA_RELEASE >= 302
	return doca_flow_pipe_update_entry(queue, pipe, action_index, actions, nullptr, fwd, NO_WAIT, entry);
#else
	if (actions != nullptr)
		actions->action_idx = action_index;
	return doca_flow_pipe_update_entry(queue, pipe, actions, nullptr, fwd, NO_WAIT, entry);
#endif
}

inline doca_error_t add_control_entry(uint16_t queue, uint32_t priority, doca_flow_pipe *pipe, const doca_flow_match *match,
				      const doca_flow_match *mask, const doca_flow_match_condition *condition,
				      const doca_flow_actions *actions, const doca_flow_actions *actions_mask,
				      const doca_flow_monitor *monitor, const doca_flow_fwd *fwd, void *context,
				      doca_flow_pipe_entry **entry)
{
#if PSP_DOCA_RELEASE >= 303
	return doca_flow_pipe_control_add_entry(queue, pipe, match, mask, condition, actions, actions_mask, nullptr, monitor,
						priority, fwd, context, entry);
#else
	return doca_flow_pipe_control_add_entry(queue, priority, pipe, match, mask, condition, actions, actions_mask, nullptr,
						monitor, fwd, context, entry);
#endif
}

// Sets the key of a slot. It has 16 or 32 octets and is read during the call.
inline doca_error_t set_psp_key(doca_flow_port *port, uint32_t id, const uint8_t *key, size_t octets)
{
	doca_flow_shared_resource_cfg cfg{};
	uint32_t words[DOCA_FLOW_CRYPTO_KEY_LEN_MAX / 4];
	memcpy(words, key, octets);
	cfg.psp_cfg.key_cfg.key_type = octets == 16 ? DOCA_FLOW_CRYPTO_KEY_128 : DOCA_FLOW_CRYPTO_KEY_256;
	cfg.psp_cfg.key_cfg.key = words;
#if PSP_DOCA_RELEASE >= 302
	const doca_error_t result = doca_flow_port_shared_resource_set_cfg(port, DOCA_FLOW_SHARED_RESOURCE_PSP, id, &cfg);
#else
	(void)port;
#if PSP_DOCA_RELEASE <= 210
	cfg.domain = DOCA_FLOW_PIPE_DOMAIN_SECURE_EGRESS;
#endif
	const doca_error_t result = doca_flow_shared_resource_set_cfg(DOCA_FLOW_SHARED_RESOURCE_PSP, id, &cfg);
#endif
	explicit_bzero(words, sizeof(words));
	return result;
}

} // namespace compat
