/* Calls whose names, parameters or members differ between the releases, for tests in C and C++ that are built against all. */
#pragma once

#include <stdio.h>
#include <string.h>

#include <doca_dpdk.h>
#include <doca_flow.h>
#include <doca_version.h>

#define RELEASE (DOCA_VERSION_MAJOR * 100 + DOCA_VERSION_MINOR)

/* Flags of hash pipes' entries, which are an enumeration up to 3.2. */
#if RELEASE >= 303
#define NO_FLAGS 0
#else
#define NO_FLAGS DOCA_FLOW_NO_WAIT
#endif

/* `representor` is the mapping file's name of `rep`. */
static inline doca_error_t probe_one(struct doca_dev *dev, struct doca_dev_rep *rep, const char *representor)
{
#if RELEASE >= 301
	(void)representor;
	return doca_dpdk_port_probe_with_representors(dev, "", &rep, 1);
#else
	char devargs[64];
	(void)rep;
	snprintf(devargs, sizeof(devargs), "dv_flow_en=2,representor=%s", representor);
	return doca_dpdk_port_probe(dev, devargs);
#endif
}

/* Of the PF's port `rep` is NULL, of a representor's `dev`. */
static inline doca_error_t set_port(struct doca_flow_port_cfg *cfg, uint16_t id, struct doca_dev *dev, struct doca_dev_rep *rep)
{
#if RELEASE >= 300
	doca_error_t result = doca_flow_port_cfg_set_port_id(cfg, id);
	if (result == DOCA_SUCCESS)
		result = doca_flow_port_cfg_set_dev_rep(cfg, rep);
#else
	char devargs[8];
	(void)rep;
	snprintf(devargs, sizeof(devargs), "%u", id);
	doca_error_t result = doca_flow_port_cfg_set_devargs(cfg, devargs);
#endif
	return result == DOCA_SUCCESS ? doca_flow_port_cfg_set_dev(cfg, dev) : result;
}

static inline doca_error_t add_to_basic(struct doca_flow_pipe *pipe, const struct doca_flow_match *match,
					const struct doca_flow_actions *actions, const struct doca_flow_monitor *monitor,
					const struct doca_flow_fwd *fwd, void *ctx, struct doca_flow_pipe_entry **entry)
{
#if RELEASE >= 303
	return doca_flow_pipe_basic_add_entry(0, pipe, match, 0, actions, monitor, fwd, 0, ctx, entry);
#elif RELEASE >= 302
	return doca_flow_pipe_add_entry(0, pipe, match, 0, actions, monitor, fwd, 0, ctx, entry);
#else
	return doca_flow_pipe_add_entry(0, pipe, match, actions, monitor, fwd, 0, ctx, entry);
#endif
}

static inline doca_error_t update_in_basic(struct doca_flow_pipe *pipe, const struct doca_flow_fwd *fwd,
					   struct doca_flow_pipe_entry *entry)
{
#if RELEASE >= 303
	return doca_flow_pipe_basic_update_entry(0, pipe, 0, NULL, NULL, fwd, 0, entry);
#elif RELEASE >= 302
	return doca_flow_pipe_update_entry(0, pipe, 0, NULL, NULL, fwd, DOCA_FLOW_NO_WAIT, entry);
#else
	return doca_flow_pipe_update_entry(0, pipe, NULL, NULL, fwd, DOCA_FLOW_NO_WAIT, entry);
#endif
}

static inline doca_error_t add_to_control(struct doca_flow_pipe *pipe, const struct doca_flow_match *match,
					  const struct doca_flow_match_condition *condition,
					  const struct doca_flow_actions *actions, const struct doca_flow_fwd *fwd, void *ctx,
					  struct doca_flow_pipe_entry **entry)
{
#if RELEASE >= 303
	return doca_flow_pipe_control_add_entry(0, pipe, match, NULL, condition, actions, NULL, NULL, NULL, 0, fwd, ctx, entry);
#else
	return doca_flow_pipe_control_add_entry(0, 0, pipe, match, NULL, condition, actions, NULL, NULL, NULL, fwd, ctx, entry);
#endif
}

/* Forwards to RSS of the forward's own. */
static inline void set_rss(struct doca_flow_fwd *fwd, const struct doca_flow_resource_rss_cfg *rss)
{
	memset(fwd, 0, sizeof(*fwd));
	fwd->type = DOCA_FLOW_FWD_RSS;
#if RELEASE >= 210
	fwd->rss_type = DOCA_FLOW_RESOURCE_TYPE_NON_SHARED;
	fwd->rss = *rss;
#else
	fwd->rss_outer_flags = rss->outer_flags;
	fwd->rss_inner_flags = rss->inner_flags;
	fwd->rss_queues = rss->queues_array;
	fwd->num_of_queues = rss->nr_queues;
	fwd->rss_hash_func = rss->rss_hash_func;
#endif
}
