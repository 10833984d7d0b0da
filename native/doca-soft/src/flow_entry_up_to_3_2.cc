// Signatures of the functions on entries up to 3.2. flow_entry_from_3_3.cc has the later ones, flow_entry.cc what they do. The flags
// have no effect: every operation is handed over at once, so that no batch waits.
#include "flow_entry.h"

using namespace soft;

#if DOCA_SOFT_RELEASE_ < 302

doca_error_t doca_flow_pipe_add_entry(uint16_t pipe_queue, struct doca_flow_pipe *pipe, const struct doca_flow_match *match,
				      const struct doca_flow_actions *actions, const struct doca_flow_monitor *monitor,
				      const struct doca_flow_fwd *fwd, uint32_t, void *user_ctx,
				      struct doca_flow_pipe_entry **entry)
{
	const uint8_t action_idx = actions == nullptr ? 0 : actions->action_idx;
	return add_basic({pipe_queue, pipe, monitor, fwd, user_ctx, entry}, match, action_idx, actions);
}

doca_error_t doca_flow_pipe_update_entry(uint16_t pipe_queue, struct doca_flow_pipe *pipe,
					 const struct doca_flow_actions *actions, const struct doca_flow_monitor *monitor,
					 const struct doca_flow_fwd *fwd, const enum doca_flow_flags_type,
					 struct doca_flow_pipe_entry *entry)
{
	const uint8_t action_idx = actions == nullptr ? 0 : actions->action_idx;
	return update_basic(pipe_queue, pipe, action_idx, actions, monitor, fwd, entry);
}

#elif DOCA_SOFT_RELEASE_ < 303

doca_error_t doca_flow_pipe_add_entry(uint16_t pipe_queue, struct doca_flow_pipe *pipe, const struct doca_flow_match *match,
				      uint8_t action_idx, const struct doca_flow_actions *actions,
				      const struct doca_flow_monitor *monitor, const struct doca_flow_fwd *fwd, uint32_t,
				      void *user_ctx, struct doca_flow_pipe_entry **entry)
{
	return add_basic({pipe_queue, pipe, monitor, fwd, user_ctx, entry}, match, action_idx, actions);
}

doca_error_t doca_flow_pipe_update_entry(uint16_t pipe_queue, struct doca_flow_pipe *pipe, uint8_t action_idx,
					 const struct doca_flow_actions *actions, const struct doca_flow_monitor *monitor,
					 const struct doca_flow_fwd *fwd, const enum doca_flow_flags_type,
					 struct doca_flow_pipe_entry *entry)
{
	return update_basic(pipe_queue, pipe, action_idx, actions, monitor, fwd, entry);
}

#endif
#if DOCA_SOFT_RELEASE_ < 303

doca_error_t doca_flow_pipe_control_add_entry(uint16_t pipe_queue, uint32_t priority, struct doca_flow_pipe *pipe,
					      const struct doca_flow_match *match, const struct doca_flow_match *match_mask,
					      const struct doca_flow_match_condition *condition,
					      const struct doca_flow_actions *actions,
					      const struct doca_flow_actions *actions_mask,
					      const struct doca_flow_action_descs *action_descs,
					      const struct doca_flow_monitor *monitor, const struct doca_flow_fwd *fwd,
					      void *user_ctx, struct doca_flow_pipe_entry **entry)
{
	return add_control({pipe_queue, pipe, monitor, fwd, user_ctx, entry}, {priority, match, match_mask, condition},
			   {actions, actions_mask, action_descs});
}

#endif
