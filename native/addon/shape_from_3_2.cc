// Crypto and copies in releases from 3.2 on.
#include "shape.h"

#include "actions.h"

#if PSP_ORDERED_LISTS

namespace {

// Indices of an ordered list beyond its pipe's entries: an updated entry has two until the former list entry is removed.
constexpr uint32_t LIST_SLACK = 256;

// A list of two elements, crypto and the fields that are written after it, with the memory that DOCA's structure points to.
struct ListElements {
	doca_flow_crypto crypto = zeroed<doca_flow_crypto>();
	Actions actions = zeroed<Actions>();
	Actions mask = zeroed<Actions>();
	doca_flow_ordered_list_element elements[2];
	doca_flow_ordered_list list = zeroed<doca_flow_ordered_list>();

	// `values` are an entry's; nullptr for the template.
	void write_crypto(const LoweringDevice &device, const ActionsSpec &spec, const ValuesSpec *values)
	{
		auto written = zeroed<Actions>();
		::write_crypto(device, spec, values, written);
		crypto.has_crypto_encap = written.has_crypto_encap;
		crypto.crypto_encap = written.crypto_encap;
		crypto.crypto = written.crypto;
	}
	void finish(bool sets)
	{
		memset(static_cast<void *>(elements), 0, sizeof(elements));
		elements[0].type = DOCA_FLOW_ORDERED_LIST_ELEMENT_CRYPTO;
		elements[0].crypto = &crypto;
		elements[1].type = DOCA_FLOW_ORDERED_LIST_ELEMENT_ACTIONS;
		elements[1].actions = &actions;
		elements[1].actions_mask = &mask;
		list.idx = 0;
		list.size = sets ? 2 : 1;
		list.elements = elements;
	}
};

// Whether entries give nothing for what the list does and for where it leads.
bool is_shared(const ActionsSpec &actions, const doca_flow_fwd &forward)
{
	return !actions.encap && !(actions.encrypt && actions.crypto_id == 0) && !actions.ethernet_of_entry() &&
	       !sets_after_crypto(actions) && forward.type != DOCA_FLOW_FWD_CHANGEABLE;
}

} // namespace

// Crypto stands in an ordered list pipe, one for each action template.

std::unique_ptr<ActionList> Shape::create_list(const PipeSpec &spec, const ActionsSpec &actions, const std::string &name,
					       uint32_t entries, const doca_flow_fwd &forward)
{
	auto list = std::make_unique<ActionList>();
	list->sets = sets_after_crypto(actions);
	list->shared = is_shared(actions, forward);
	list->size = list->shared ? 1 : entries + LIST_SLACK;
	ListElements elements;
	elements.write_crypto(device_, actions, nullptr);
	auto unused = zeroed<Actions>();
	// Every list entry repeats all values, so that nothing needs to be a constant of the template.
	if (list->sets)
		write_template_sets(actions, elements.actions, elements.mask, unused, false);
	elements.finish(list->sets);
	doca_flow_ordered_list *lists[] = {&elements.list};
	const std::string doing = "pipe " + name;
	const auto configure = [&](doca_flow_pipe_cfg *cfg) {
		check(doca_flow_pipe_cfg_set_nr_entries(cfg, list->size), doing + ", nr_entries");
		check(doca_flow_pipe_cfg_set_ordered_lists(cfg, lists, 1), doing + ", ordered_lists");
	};
	list->pipe = pipes_.create(name, DOCA_FLOW_PIPE_ORDERED_LIST, domain_of(spec), configure, &forward, nullptr);
	return list;
}

doca_error_t Shape::add_list_entry(const ActionList &list, const ActionsSpec &actions, const ValuesSpec &values, uint32_t index,
				   const doca_flow_fwd *forward, TrackedEntry &tracked)
{
	ListElements elements;
	elements.write_crypto(device_, actions, &values);
	if (list.sets) {
		auto unused = zeroed<Actions>();
		write_template_sets(actions, elements.actions, elements.mask, unused, true);
		write_entry_sets(actions, values, elements.actions);
	}
	elements.finish(list.sets);
	return operations_.add(tracked, &TrackedEntry::list_entry, [&](doca_flow_pipe_entry **made) {
		return doca_flow_pipe_ordered_list_add_entry(operations_.number(), list.pipe, index, &elements.list, forward,
							     compat::NO_WAIT, tracked.context(), made);
	});
}

// Copies are made by a hash pipe that floods: it hands each packet to all of its entries, the packet itself to the last.

CopiedForward Shape::copy(uint32_t domain, int32_t mirror, const ForwardSpec &forward, doca_flow_monitor &)
{
	const Copies copies = {mirror, forward, domain <= DOCA_FLOW_PIPE_DOMAIN_SECURE_INGRESS};
	const std::string key = copies.key();
	auto found = floods_.find(key);
	if (found == floods_.end())
		found = floods_.emplace(key, create_flood(copies)).first;
	CopiedForward copied;
	copied.forward.type = DOCA_FLOW_FWD_HASH_PIPE;
	copied.forward.hash_pipe.pipe = found->second;
	copied.forward.hash_pipe.algorithm = DOCA_FLOW_PIPE_HASH_MAP_ALGORITHM_FLOODING;
	return copied;
}

doca_flow_pipe *Shape::create_flood(const Copies &copies)
{
	std::vector<doca_flow_fwd> targets;
	for (const ForwardSpec &target : program_.mirrors[static_cast<size_t>(copies.mirror)])
		targets.push_back(forwards_.forward_of(target));
	targets.push_back(forwards_.forward_of(copies.forward));
	const std::string doing = "mirror " + copies.key();
	const auto domain = copies.ingress ? DOCA_FLOW_PIPE_DOMAIN_DEFAULT : DOCA_FLOW_PIPE_DOMAIN_EGRESS;
	const auto configure = [&](doca_flow_pipe_cfg *cfg) {
		check(doca_flow_pipe_cfg_set_nr_entries(cfg, static_cast<uint32_t>(targets.size())), doing);
		check(doca_flow_pipe_cfg_set_hash_map_algorithm(cfg, DOCA_FLOW_PIPE_HASH_MAP_ALGORITHM_FLOODING), doing);
	};
	auto changeable = zeroed<doca_flow_fwd>();
	changeable.type = DOCA_FLOW_FWD_CHANGEABLE;
	const std::string name = "MIRROR_" + std::to_string(floods_.size());
	doca_flow_pipe *const flood = pipes_.create(name, DOCA_FLOW_PIPE_HASH, domain, configure, &changeable, nullptr);
	try {
		for (uint32_t i = 0; i < targets.size(); i++) {
			TrackedEntry &tracked = flood_entries_.emplace_back();
			const auto add = [&](doca_flow_pipe_entry **made) {
				return doca_flow_pipe_hash_add_entry(operations_.number(), flood, i, 0, nullptr, nullptr,
								     &targets[i], compat::NO_WAIT, tracked.context(), made);
			};
			operations_.run(tracked, doing, [&] { return operations_.add(tracked, &TrackedEntry::entry, add); });
		}
	} catch (const Failure &) {
		pipes_.destroy(flood);
		throw;
	}
	return flood;
}

#endif
