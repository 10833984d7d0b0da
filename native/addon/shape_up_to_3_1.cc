// Crypto and copies in releases up to 3.1.
#include "shape.h"

#if !PSP_ORDERED_LISTS

// Crypto stands in the pipe's own actions (actions.h): nothing asks for ordered lists.

std::unique_ptr<ActionList> Shape::create_list(const PipeSpec &, const ActionsSpec &, const std::string &name, uint32_t,
					       const doca_flow_fwd &)
{
	throw Failure(DOCA_ERROR_NOT_SUPPORTED, "pipe " + name);
}

doca_error_t Shape::add_list_entry(const ActionList &, const ActionsSpec &, const ValuesSpec &, uint32_t, const doca_flow_fwd *,
				   TrackedEntry &)
{
	return DOCA_ERROR_NOT_SUPPORTED;
}

// Copies are made by a mirror, a shared resource whose number the pipe's monitor has.

CopiedForward Shape::copy(uint32_t domain, int32_t mirror, const ForwardSpec &forward, doca_flow_monitor &monitor)
{
	const Copies copies = {mirror, forward, domain <= DOCA_FLOW_PIPE_DOMAIN_SECURE_INGRESS};
	const std::string key = copies.key();
	auto found = mirrors_.find(key);
	if (found == mirrors_.end())
		found = mirrors_.emplace(key, create_mirror(copies)).first;
	monitor.shared_mirror_id = found->second;
	// In the ingress domains the mirror says where the packet itself goes, in the egress domains the pipe does.
	return {forwards_.forward_of(forward), copies.ingress};
}

uint32_t Shape::create_mirror(const Copies &copies)
{
	std::vector<doca_flow_mirror_target> targets;
	for (const ForwardSpec &target : program_.mirrors[static_cast<size_t>(copies.mirror)]) {
		auto &added = targets.emplace_back(zeroed<doca_flow_mirror_target>());
		added.fwd = forwards_.forward_of(target);
	}
	auto cfg = zeroed<doca_flow_shared_resource_cfg>();
	cfg.mirror_cfg.nr_targets = static_cast<int>(targets.size());
	cfg.mirror_cfg.target = targets.data();
	if (copies.ingress)
		cfg.mirror_cfg.fwd = forwards_.forward_of(copies.forward);
	uint32_t id = device_.take_mirror();
	const std::string doing = "mirror " + copies.key();
	check(doca_flow_shared_resource_set_cfg(DOCA_FLOW_SHARED_RESOURCE_MIRROR, id, &cfg), doing);
	check(doca_flow_shared_resources_bind(DOCA_FLOW_SHARED_RESOURCE_MIRROR, &id, 1, device_.port), doing);
	return id;
}

#endif
