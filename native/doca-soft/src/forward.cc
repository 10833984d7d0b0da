// Forwards as the API gives them, read into the device's own form; and doca_flow_get_target.
#include "api.h"
#include "library.h"
#include "log.h"
#include "release.h"

using namespace soft;

namespace {

// The only target of forwards: the kernel.
int kernel_target;

// The number of a port, in a template, that leaves it to entries.
constexpr uint16_t PORT_OF_ENTRIES = UINT16_MAX;

doca_error_t read_rss(Device &device, const doca_flow_resource_rss_cfg &rss, RssTarget &target)
{
	if (rss.nr_queues < 1 || rss.queues_array == nullptr)
		return not_supported("a forward to RSS without queues");
	if (rss.inner_flags != 0)
		return not_supported("doca_flow_resource_rss_cfg.inner_flags");
	if (rss.rss_hash_func != DOCA_FLOW_RSS_HASH_FUNCTION_TOEPLITZ)
		return not_supported("doca_flow_resource_rss_cfg.rss_hash_func %d", rss.rss_hash_func);
	const uint32_t both_l3 = DOCA_FLOW_RSS_IPV4 | DOCA_FLOW_RSS_IPV6;
	const uint32_t both_l4 = DOCA_FLOW_RSS_UDP | DOCA_FLOW_RSS_TCP;
	if (!RSS_MIXES_FAMILIES && ((rss.outer_flags & both_l3) == both_l3 || (rss.outer_flags & both_l4) == both_l4))
		return invalid("RSS flags 0x%x mix families; use an entry for each", rss.outer_flags);
	if ((rss.outer_flags & ~(both_l3 | both_l4)) != 0)
		return not_supported("doca_flow_resource_rss_cfg.outer_flags 0x%x; IPV4, IPV6, UDP and TCP are", rss.outer_flags);
	target.queues.assign(rss.queues_array, rss.queues_array + rss.nr_queues);
	const uint16_t there = device.application_queues();
	for (const uint16_t queue : target.queues) {
		if (queue >= there)
			return invalid("a forward to RSS queue %u; the PF's DPDK port has %u", queue, there);
	}
	// Without flags both are.
	const uint32_t families = (rss.outer_flags & both_l3) == 0 ? both_l3 : rss.outer_flags;
	target.ip4 = (families & DOCA_FLOW_RSS_IPV4) != 0;
	target.ip6 = (families & DOCA_FLOW_RSS_IPV6) != 0;
	return DOCA_SUCCESS;
}

} // namespace

doca_error_t soft::read_forward(Device &device, const doca_flow_fwd *fwd, Forward &forward)
{
	forward = Forward{};
	if (fwd == nullptr)
		return DOCA_SUCCESS;
	switch (fwd->type) {
	case DOCA_FLOW_FWD_NONE:
	case DOCA_FLOW_FWD_DROP:
		return DOCA_SUCCESS;
	case DOCA_FLOW_FWD_CHANGEABLE:
		forward.kind = Forward::CHANGEABLE;
		return DOCA_SUCCESS;
	case DOCA_FLOW_FWD_PORT: {
		if (fwd->port_id == PORT_OF_ENTRIES) {
			forward.kind = Forward::CHANGEABLE;
			return DOCA_SUCCESS;
		}
		const int position = device.worker().exits.position_of(fwd->port_id);
		if (position < 0)
			return invalid("a forward to port %u, which is none of the device's, nor a started one of mode vnf",
				       fwd->port_id);
		forward.kind = Forward::PORT;
		forward.target = static_cast<uint16_t>(position);
		return DOCA_SUCCESS;
	}
	case DOCA_FLOW_FWD_PIPE:
		forward.kind = fwd->next_pipe == nullptr ? Forward::CHANGEABLE : Forward::PIPE;
		forward.pipe = fwd->next_pipe;
		return DOCA_SUCCESS;
	case DOCA_FLOW_FWD_TARGET:
		if (fwd->target == nullptr)
			return invalid("a forward to no target");
		forward.kind = Forward::KERNEL;
		return DOCA_SUCCESS;
	case DOCA_FLOW_FWD_ORDERED_LIST_PIPE:
		if (fwd->ordered_list_pipe.pipe == nullptr)
			return invalid("a forward to no ordered list pipe");
		// In a template the index may be left to entries; the pipe is the same for all of them.
		forward.kind = fwd->ordered_list_pipe.idx == UINT32_MAX ? Forward::CHANGEABLE : Forward::PIPE;
		forward.pipe = fwd->ordered_list_pipe.pipe;
		forward.index = fwd->ordered_list_pipe.idx;
		return DOCA_SUCCESS;
	case DOCA_FLOW_FWD_HASH_PIPE:
		if (fwd->hash_pipe.pipe == nullptr)
			return invalid("a forward to no hash pipe");
		forward.kind = Forward::PIPE;
		forward.pipe = fwd->hash_pipe.pipe;
		return DOCA_SUCCESS;
	case DOCA_FLOW_FWD_RSS: {
		if (is_rss_of_entries(*fwd)) {
			forward.kind = Forward::CHANGEABLE;
			return DOCA_SUCCESS;
		}
		if (is_shared_rss(*fwd))
			return not_supported("a forward to shared RSS");
		RssTarget target;
		const doca_error_t result = read_rss(device, rss_of(*fwd), target);
		if (result != DOCA_SUCCESS)
			return result;
		target.port = &device.datapath().to_application;
		forward.kind = Forward::RSS;
		int position = -1;
		device.run([&] { position = device.worker().exits.position_of(target); });
		forward.target = static_cast<uint16_t>(position);
		return position >= 0 ? DOCA_SUCCESS : not_supported("that many forwards to RSS that all differ");
	}
	}
	return not_supported("a forward of type %d", fwd->type);
}

// Reads the forward of packets that no entry matches. Without one, they go to the host.
doca_error_t soft::read_miss(Device &device, const std::string &pipe, const doca_flow_fwd *fwd, Forward &miss)
{
	if (fwd == nullptr) {
		miss.kind = Forward::KERNEL;
		return DOCA_SUCCESS;
	}
	if (fwd->type == DOCA_FLOW_FWD_PORT || fwd->type == DOCA_FLOW_FWD_RSS)
		return not_supported("pipe %s: a miss to a port or to RSS", pipe.c_str());
	const doca_error_t result = read_forward(device, fwd, miss);
	if (result == DOCA_SUCCESS && miss.kind == Forward::CHANGEABLE)
		return not_supported("pipe %s: a changeable miss", pipe.c_str());
	return result;
}

doca_error_t doca_flow_get_target(enum doca_flow_target_type type, struct doca_flow_target **target)
{
	REQUIRE(target != nullptr);
	if (type != DOCA_FLOW_TARGET_KERNEL)
		return not_supported("target %d", type);
	*target = reinterpret_cast<doca_flow_target *>(&kernel_target);
	return DOCA_SUCCESS;
}
