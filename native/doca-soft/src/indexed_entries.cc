// Entries of pipes that are found by an index: ordered lists and hash pipes.
#include "flow_entry.h"

#include "list_pipes.h"
#include "log.h"
#include "ordered_lists.h"
#include "release.h"

using namespace soft;

#if DOCA_SOFT_RELEASE_ >= 302

doca_error_t doca_flow_pipe_hash_add_entry(uint16_t pipe_queue, struct doca_flow_pipe *pipe, uint32_t entry_index, uint8_t,
					   const struct doca_flow_actions *actions, const struct doca_flow_monitor *monitor,
					   const struct doca_flow_fwd *fwd, entry_flags_t, void *user_ctx,
					   struct doca_flow_pipe_entry **entry)
{
	if (actions != nullptr || monitor != nullptr)
		return not_supported("doca_flow_pipe_hash_add_entry with actions or a monitor");
	const auto check = [&] {
		if (pipe->type != DOCA_FLOW_PIPE_HASH || entry_index >= pipe->entries_max)
			return invalid("pipe %s: no hash pipe, or index %u too high", pipe->name.c_str(), entry_index);
		return DOCA_SUCCESS;
	};
	const auto fill = [&](doca_flow_pipe_entry &added) {
		added.index = entry_index;
		return DOCA_SUCCESS;
	};
	return add_entry({pipe_queue, pipe, nullptr, fwd, user_ctx, entry}, check, fill);
}

#else

doca_error_t doca_flow_pipe_hash_add_entry(uint16_t, struct doca_flow_pipe *, uint32_t, const struct doca_flow_actions *,
					   const struct doca_flow_monitor *, const struct doca_flow_fwd *, entry_flags_t, void *,
					   struct doca_flow_pipe_entry **)
{
	return not_supported("doca_flow_pipe_hash_add_entry");
}

#endif

#if DOCA_SOFT_RELEASE_ >= 300

doca_error_t doca_flow_pipe_ordered_list_add_entry(uint16_t pipe_queue, struct doca_flow_pipe *pipe, uint32_t idx,
						   const struct doca_flow_ordered_list *ordered_list,
						   const struct doca_flow_fwd *fwd, list_flags_t, void *user_ctx,
						   struct doca_flow_pipe_entry **entry)
{
	const auto check = [&] {
		REQUIRE(ordered_list != nullptr && ordered_list->elements != nullptr);
		if (pipe->type != DOCA_FLOW_PIPE_ORDERED_LIST || idx >= pipe->entries_max)
			return invalid("pipe %s: no ordered list pipe, or index %u too high", pipe->name.c_str(), idx);
		const auto &lists = static_cast<const OrderedListPipe &>(*pipe).lists();
		if (ordered_list->idx >= lists.size() || lists[ordered_list->idx].elements.size() != ordered_list->size)
			return invalid("pipe %s: there is no list %u of %u elements", pipe->name.c_str(), ordered_list->idx,
				       ordered_list->size);
		return DOCA_SUCCESS;
	};
	const auto fill = [&](doca_flow_pipe_entry &added) {
		added.index = idx;
		added.hot->action_index = static_cast<uint8_t>(ordered_list->idx);
		added.hot->counted = pipe->counted;
		return read_elements(static_cast<const OrderedListPipe &>(*pipe), *ordered_list, *added.hot);
	};
	return add_entry({pipe_queue, pipe, nullptr, fwd, user_ctx, entry}, check, fill);
}

#else

doca_error_t doca_flow_pipe_ordered_list_add_entry(uint16_t, struct doca_flow_pipe *, uint32_t,
						   const struct doca_flow_ordered_list *, const struct doca_flow_fwd *,
						   list_flags_t, void *, struct doca_flow_pipe_entry **)
{
	return not_supported("doca_flow_pipe_ordered_list_add_entry");
}

#endif
