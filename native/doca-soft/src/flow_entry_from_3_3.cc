// Signatures of the functions on entries from 3.3 on. flow_entry_up_to_3_2.cc has the earlier ones, flow_entry.cc what they do. The
// flags have no effect: every operation is handed over at once, so that no batch waits.
#include "flow_entry.h"

using namespace soft;

#if DOCA_SOFT_RELEASE_ >= 303

doca_error_t doca_flow_pipe_basic_add_entry(uint16_t pipe_queue, struct doca_flow_pipe *pipe, const struct doca_flow_match *match,
					    uint8_t action_idx, const struct doca_flow_actions *actions,
					    const struct doca_flow_monitor *monitor, const struct doca_flow_fwd *fwd, uint32_t,
					    void *user_ctx, struct doca_flow_pipe_entry **entry)
{
	return add_basic({pipe_queue, pipe, monitor, fwd, user_ctx, entry}, match, action_idx, actions);
}

doca_error_t doca_flow_pipe_basic_update_entry(uint16_t pipe_queue, struct doca_flow_pipe *pipe, uint8_t action_idx,
					       const struct doca_flow_actions *actions, const struct doca_flow_monitor *monitor,
					       const struct doca_flow_fwd *fwd, uint32_t, struct doca_flow_pipe_entry *entry)
{
	return update_basic(pipe_queue, pipe, action_idx, actions, monitor, fwd, entry);
}

doca_error_t doca_flow_pipe_control_add_entry(
	uint16_t pipe_queue, struct doca_flow_pipe *pipe, const struct doca_flow_match *match,
	const struct doca_flow_match *match_mask, const struct doca_flow_match_condition *condition,
	const struct doca_flow_actions *actions, const struct doca_flow_actions *actions_mask,
	const struct doca_flow_action_descs *action_descs, const struct doca_flow_monitor *monitor, uint32_t priority,
	const struct doca_flow_fwd *fwd, void *user_ctx, struct doca_flow_pipe_entry **entry)
{
	return add_control({pipe_queue, pipe, monitor, fwd, user_ctx, entry}, {priority, match, match_mask, condition},
			   {actions, actions_mask, action_descs});
}

#endif
