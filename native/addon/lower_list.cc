// The ordered lists of releases from 3.2 on: what an action template does with crypto, in a pipe of its own.
#include "lower.h"

#include "templates.h"

#if PSP_ORDERED_LISTS

namespace {

// Indices of an ordered list beyond its pipe's entries: what updates replace lives on until they are done.
constexpr uint32_t LIST_SLACK = 256;

struct ListElements {
	doca_flow_crypto crypto = zeroed<doca_flow_crypto>();
	doca_flow_actions actions = zeroed<doca_flow_actions>();
	doca_flow_actions mask = zeroed<doca_flow_actions>();
	doca_flow_ordered_list_element elements[2];
	doca_flow_ordered_list list = zeroed<doca_flow_ordered_list>();

	void finish(const doca_flow_actions &with_crypto, bool after_actions)
	{
		crypto.has_crypto_encap = with_crypto.has_crypto_encap;
		crypto.crypto_encap = with_crypto.crypto_encap;
		crypto.crypto = with_crypto.crypto;
		memset(static_cast<void *>(elements), 0, sizeof(elements));
		elements[0].type = DOCA_FLOW_ORDERED_LIST_ELEMENT_CRYPTO;
		elements[0].crypto = &crypto;
		elements[1].type = DOCA_FLOW_ORDERED_LIST_ELEMENT_ACTIONS;
		elements[1].actions = &actions;
		elements[1].actions_mask = &mask;
		list.idx = 0;
		list.size = after_actions ? 2 : 1;
		list.elements = elements;
	}
};

} // namespace

std::unique_ptr<LoweredProgram::ActionList> LoweredProgram::create_list(const PipeSpec &spec, const ActionsSpec &actions,
									const std::string &name, uint32_t size,
									const doca_flow_fwd &forward)
{
	auto list = std::make_unique<ActionList>();
	list->after_actions = sets_after_crypto(actions);
	const bool sets_of_entry = list->after_actions && !actions.set.empty();
	list->shared = !actions.encap && !(actions.encrypt && actions.crypto_id == 0) && !actions.ethernet_of_entry() &&
		       !sets_of_entry && forward.type != DOCA_FLOW_FWD_CHANGEABLE;
	list->size = list->shared ? 1 : size + LIST_SLACK;
	ListElements elements;
	auto with_crypto = zeroed<doca_flow_actions>();
	fill_actions(actions, nullptr, false, true, with_crypto);
	auto unused = zeroed<doca_flow_actions>();
	// Every list entry repeats all values, so that nothing needs to be a constant of the template.
	if (list->after_actions)
		template_sets(actions, elements.actions, elements.mask, unused, false);
	elements.finish(with_crypto, list->after_actions);
	doca_flow_ordered_list *lists[] = {&elements.list};
	const std::string doing = "pipe " + name;
	list->pipe = create(
		spec, DOCA_FLOW_PIPE_ORDERED_LIST, name,
		[&](doca_flow_pipe_cfg *cfg) {
			check(doca_flow_pipe_cfg_set_nr_entries(cfg, list->size), doing + ", nr_entries");
			check(doca_flow_pipe_cfg_set_ordered_lists(cfg, lists, 1), doing + ", ordered_lists");
		},
		&forward, nullptr);
	return list;
}

uint32_t LoweredProgram::take_list_index(ActionList &list)
{
	if (list.free.empty() && list.next == list.size)
		throw Failure(DOCA_ERROR_FULL, "an ordered list's indices");
	if (list.free.empty())
		return list.next++;
	const uint32_t index = list.free.back();
	list.free.pop_back();
	return index;
}

doca_error_t LoweredProgram::add_list_entry(ActionList &list, const ActionsSpec &actions, const ValuesSpec &values,
					    uint32_t index, const doca_flow_fwd *forward, EntryRecord &record)
{
	ListElements elements;
	auto with_crypto = zeroed<doca_flow_actions>();
	fill_actions(actions, &values, false, true, with_crypto);
	if (list.after_actions) {
		auto mask = zeroed<doca_flow_actions>();
		auto unused = zeroed<doca_flow_actions>();
		template_sets(actions, elements.actions, mask, unused, true);
		fill_actions(actions, &values, true, false, elements.actions);
		elements.mask = mask;
	}
	elements.finish(with_crypto, list.after_actions);
	return operations_.add(record, &EntryRecord::list_entry, [&](doca_flow_pipe_entry **made) {
		return doca_flow_pipe_ordered_list_add_entry(operations_.queue(), list.pipe, index, &elements.list, forward,
							     compat::NO_WAIT, &record, made);
	});
}

#else

std::unique_ptr<LoweredProgram::ActionList> LoweredProgram::create_list(const PipeSpec &, const ActionsSpec &,
									const std::string &, uint32_t, const doca_flow_fwd &)
{
	return nullptr;
}

uint32_t LoweredProgram::take_list_index(ActionList &)
{
	return 0;
}

doca_error_t LoweredProgram::add_list_entry(ActionList &, const ActionsSpec &, const ValuesSpec &, uint32_t,
					    const doca_flow_fwd *, EntryRecord &)
{
	return DOCA_ERROR_NOT_SUPPORTED;
}

#endif
