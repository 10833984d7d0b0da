/* Calls of DOCA whose names or parameters differ between releases 2.9 to 3.3, for the examples, which are built against any. */
#pragma once

#include <stdio.h>

#include <doca_dpdk.h>
#include <doca_flow.h>
#include <doca_version.h>

#define RELEASE (DOCA_VERSION_MAJOR * 100 + DOCA_VERSION_MINOR)

/* Probes a device with its first representor, which devargs call vf0. */
static inline doca_error_t probe(struct doca_dev *dev, struct doca_dev_rep *rep, const char *devargs)
{
#if RELEASE >= 301
	return doca_dpdk_port_probe_with_representors(dev, devargs, &rep, 1);
#else
	char text[128];
	(void)rep;
	snprintf(text, sizeof(text), "%s,representor=vf0", devargs);
	return doca_dpdk_port_probe(dev, text);
#endif
}

/* Says which DPDK port a flow port is. Of the PF's `rep` is NULL. */
static inline doca_error_t set_port(struct doca_flow_port_cfg *cfg, uint16_t id, struct doca_dev *dev, struct doca_dev_rep *rep)
{
#if RELEASE >= 300
	const doca_error_t result = doca_flow_port_cfg_set_port_id(cfg, id);
	if (result != DOCA_SUCCESS)
		return result;
	return rep == NULL ? doca_flow_port_cfg_set_dev(cfg, dev) : doca_flow_port_cfg_set_dev_rep(cfg, rep);
#else
	char devargs[8];
	snprintf(devargs, sizeof(devargs), "%u", id);
	const doca_error_t result = doca_flow_port_cfg_set_devargs(cfg, devargs);
	return result != DOCA_SUCCESS || rep != NULL ? result : doca_flow_port_cfg_set_dev(cfg, dev);
#endif
}

/* Memory for the headers that entries bring along, which a port has been given since 2.10. */
static inline doca_error_t set_actions_memory(struct doca_flow_port_cfg *cfg, uint32_t octets)
{
#if RELEASE >= 210
	return doca_flow_port_cfg_set_actions_mem_size(cfg, octets);
#else
	(void)cfg;
	(void)octets;
	return DOCA_SUCCESS;
#endif
}

/* The DPDK port that a packet has come from. */
static inline void match_port(struct doca_flow_match *match, uint16_t port)
{
#if RELEASE >= 300
	match->parser_meta.port_id = port;
#else
	match->parser_meta.port_meta = port;
#endif
}

static inline doca_error_t add_to_basic(uint16_t queue, struct doca_flow_pipe *pipe, const struct doca_flow_match *match,
					const struct doca_flow_actions *actions, struct doca_flow_pipe_entry **entry)
{
#if RELEASE >= 303
	return doca_flow_pipe_basic_add_entry(queue, pipe, match, 0, actions, NULL, NULL, DOCA_FLOW_ENTRY_FLAGS_NO_WAIT, NULL,
					      entry);
#elif RELEASE >= 302
	return doca_flow_pipe_add_entry(queue, pipe, match, 0, actions, NULL, NULL, DOCA_FLOW_NO_WAIT, NULL, entry);
#else
	return doca_flow_pipe_add_entry(queue, pipe, match, actions, NULL, NULL, DOCA_FLOW_NO_WAIT, NULL, entry);
#endif
}

static inline doca_error_t add_monitored_to_control(uint16_t queue, uint32_t priority, struct doca_flow_pipe *pipe,
						    const struct doca_flow_match *match, const struct doca_flow_match *mask,
						    const struct doca_flow_monitor *monitor, const struct doca_flow_fwd *fwd,
						    struct doca_flow_pipe_entry **entry)
{
#if RELEASE >= 303
	return doca_flow_pipe_control_add_entry(queue, pipe, match, mask, NULL, NULL, NULL, NULL, monitor, priority, fwd, NULL,
						entry);
#else
	return doca_flow_pipe_control_add_entry(queue, priority, pipe, match, mask, NULL, NULL, NULL, NULL, monitor, fwd, NULL,
						entry);
#endif
}

static inline doca_error_t add_to_control(uint16_t queue, uint32_t priority, struct doca_flow_pipe *pipe,
					  const struct doca_flow_match *match, const struct doca_flow_match *mask,
					  const struct doca_flow_fwd *fwd, struct doca_flow_pipe_entry **entry)
{
	return add_monitored_to_control(queue, priority, pipe, match, mask, NULL, fwd, entry);
}
