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

// The bits of an RSS flag's whole, source and destination, as RssFields has them.
uint8_t fields_of(uint32_t flags, uint32_t whole, uint32_t source, uint32_t destination)
{
	return static_cast<uint8_t>(((flags & (whole | source)) != 0 ? RSS_SOURCE : RSS_NONE) |
				    ((flags & (whole | destination)) != 0 ? RSS_DESTINATION : RSS_NONE));
}

// Where flags leave families out, packets of both are spread; of ports, both count unless flags say which.
RssFields rss_fields(uint32_t flags)
{
	RssFields fields;
	fields.ip4 = fields_of(flags, DOCA_FLOW_RSS_IPV4, RSS_IPV4_SRC, RSS_IPV4_DST);
	fields.ip6 = fields_of(flags, DOCA_FLOW_RSS_IPV6, RSS_IPV6_SRC, RSS_IPV6_DST);
	const bool parts = (flags & RSS_PARTS) != 0;
	if (fields.ip4 == RSS_NONE && fields.ip6 == RSS_NONE)
		fields.ip4 = fields.ip6 = RSS_BOTH;
	if (parts) {
		fields.udp = fields_of(flags, DOCA_FLOW_RSS_UDP, RSS_UDP_SRC, RSS_UDP_DST);
		fields.tcp = fields_of(flags, DOCA_FLOW_RSS_TCP, RSS_TCP_SRC, RSS_TCP_DST);
	}
	return fields;
}

doca_error_t read_rss(Device &device, const doca_flow_resource_rss_cfg &rss, RssTarget &target)
{
	if (rss.nr_queues < 1 || rss.queues_array == nullptr)
		return not_supported("a forward to RSS without queues");
	if (rss.inner_flags != 0 && rss.outer_flags != 0)
		return not_supported("doca_flow_resource_rss_cfg.inner_flags beside outer_flags");
	if (rss.rss_hash_func != DOCA_FLOW_RSS_HASH_FUNCTION_TOEPLITZ)
		return not_supported("doca_flow_resource_rss_cfg.rss_hash_func %d", rss.rss_hash_func);
	const uint32_t flags = rss.outer_flags | rss.inner_flags;
	const uint32_t ip4 = DOCA_FLOW_RSS_IPV4 | RSS_IPV4_SRC | RSS_IPV4_DST;
	const uint32_t ip6 = DOCA_FLOW_RSS_IPV6 | RSS_IPV6_SRC | RSS_IPV6_DST;
	const uint32_t udp = DOCA_FLOW_RSS_UDP | RSS_UDP_SRC | RSS_UDP_DST;
	const uint32_t tcp = DOCA_FLOW_RSS_TCP | RSS_TCP_SRC | RSS_TCP_DST;
	const auto mixes = [flags](uint32_t one, uint32_t other) { return (flags & one) != 0 && (flags & other) != 0; };
	if (!RSS_MIXES_FAMILIES && (mixes(ip4, ip6) || mixes(udp, tcp)))
		return invalid("RSS flags 0x%x mix families; use an entry for each", flags);
	if ((flags & ~(ip4 | ip6 | udp | tcp)) != 0)
		return not_supported("RSS flags 0x%x; those of IPV4, IPV6, UDP and TCP are", flags);
	target.queues.assign(rss.queues_array, rss.queues_array + rss.nr_queues);
	const uint16_t there = device.application_queues();
	for (const uint16_t queue : target.queues) {
		if (queue >= there)
			return invalid("a forward to RSS queue %u; the PF's DPDK port has %u", queue, there);
	}
	target.fields = rss_fields(flags);
	target.fields.inner = rss.inner_flags != 0;
	return DOCA_SUCCESS;
}

// What it is now; forwards do not see what is set later.
doca_error_t read_shared_rss(Device &device, uint32_t id, RssTarget &target)
{
	if (id >= library->shared_rss.size() || !library->shared_rss[id].is_set || !library->shared_rss[id].is_bound)
		return invalid("a forward to shared RSS %u, which was not set and bound", id);
	SharedRss &shared = library->shared_rss[id];
	doca_flow_resource_rss_cfg rss{};
	rss.outer_flags = shared.outer_flags;
	rss.inner_flags = shared.inner_flags;
	rss.queues_array = shared.queues.data();
	rss.nr_queues = static_cast<int>(shared.queues.size());
	rss.rss_hash_func = shared.hash_function;
	return read_rss(device, rss, target);
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
		RssTarget target;
		const doca_error_t result = is_shared_rss(*fwd) ? read_shared_rss(device, fwd->shared_rss_id, target)
								: read_rss(device, rss_of(*fwd), target);
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
