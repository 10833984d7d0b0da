#include "ordered_lists.h"

#include "device.h"
#include "log.h"
#include "release.h"
#include "shared_monitors.h"

namespace soft {

#if DOCA_SOFT_RELEASE_ >= 300

namespace {

doca_error_t compile_monitor(const char *pipe, const doca_flow_monitor *monitor, ListElement &compiled)
{
	if (monitor == nullptr)
		return invalid("pipe %s: a list's MONITOR element without a monitor", pipe);
	if (monitor->meter_type != DOCA_FLOW_RESOURCE_TYPE_NONE || monitor->aging_sec != 0 || mirror_of(*monitor) != 0 ||
	    monitor->counter_type == DOCA_FLOW_RESOURCE_TYPE_NONE)
		return not_supported("pipe %s: a list's MONITOR element other than a counter", pipe);
	const bool shared = monitor->counter_type == DOCA_FLOW_RESOURCE_TYPE_SHARED;
	compiled.counts = shared ? ListElement::Counts::SHARED : ListElement::Counts::OF_ITS_OWN;
	if (shared)
		compiled.shared_counter = monitor->shared_counter.shared_counter_id;
	return DOCA_SUCCESS;
}

doca_error_t compile_actions(const char *pipe, const doca_flow_ordered_list_element &element, uint32_t key_slots,
			     ListElement &compiled)
{
	if (element.actions == nullptr)
		return invalid("pipe %s: a list's ACTIONS element without actions", pipe);
	std::vector<Descriptor> descriptors;
	const doca_error_t result = read_descriptors(element.action_descs, descriptors);
	if (result != DOCA_SUCCESS)
		return result;
	return compiled.actions.compile(*element.actions, element.actions_mask, descriptors, false, key_slots);
}

doca_error_t compile_element(const char *pipe, const doca_flow_ordered_list_element &element, [[maybe_unused]] uint32_t key_slots,
			     ListElement &compiled)
{
	compiled.type = element.type;
	switch (element.type) {
	case DOCA_FLOW_ORDERED_LIST_ELEMENT_ACTIONS:
		return compile_actions(pipe, element, key_slots, compiled);
	case DOCA_FLOW_ORDERED_LIST_ELEMENT_MONITOR:
		return compile_monitor(pipe, element.monitor, compiled);
#if DOCA_SOFT_RELEASE_ >= 303
	case DOCA_FLOW_ORDERED_LIST_ELEMENT_NAT64:
		if (element.nat64 == nullptr)
			return invalid("pipe %s: a list's NAT64 element without nat64", pipe);
		return compiled.actions.compile_nat64(*element.nat64);
#endif
#if DOCA_SOFT_RELEASE_ >= 302
	case DOCA_FLOW_ORDERED_LIST_ELEMENT_CRYPTO:
		if (element.crypto == nullptr)
			return invalid("pipe %s: a list's CRYPTO element without crypto", pipe);
		return compiled.actions.compile_crypto(element.crypto->has_crypto_encap, element.crypto->crypto_encap,
						       element.crypto->crypto, false, key_slots);
#endif
	}
	return not_supported("pipe %s: a list's element of type %d", pipe, element.type);
}

// Counters come first, so that each has the alignment that it needs.
void lay_out(ListTemplate &list)
{
	for (ListElement &element : list.elements) {
		if (element.counts != ListElement::Counts::NOTHING)
			element.values_at = static_cast<uint32_t>(sizeof(Counter)) * list.counters++;
	}
	list.value_octets = static_cast<uint32_t>(sizeof(Counter)) * list.counters;
	for (ListElement &element : list.elements) {
		if (element.counts != ListElement::Counts::NOTHING)
			continue;
		element.values_at = list.value_octets;
		list.value_octets += element.actions.value_octets();
	}
}

doca_error_t compile_list(const char *pipe, const doca_flow_ordered_list &list, uint32_t key_slots, ListTemplate &compiled)
{
	if (list.elements == nullptr)
		return invalid("pipe %s: a list without elements", pipe);
	if (list.size > LIST_ELEMENTS_MAX)
		return not_supported("pipe %s: a list of %u elements; %u are possible", pipe, list.size, LIST_ELEMENTS_MAX);
	compiled.elements.resize(list.size);
	for (uint32_t i = 0; i < list.size; i++) {
		const doca_error_t result = compile_element(pipe, list.elements[i], key_slots, compiled.elements[i]);
		if (result != DOCA_SUCCESS)
			return result;
	}
	lay_out(compiled);
	return DOCA_SUCCESS;
}

// Finds the shared counter of an entry, whose place stands for it among the entry's values.
doca_error_t read_shared_counter(const OrderedListPipe &pipe, const doca_flow_ordered_list_element &element,
				 const ListElement &compiled, uint8_t *values)
{
	uint32_t id = compiled.shared_counter;
	if (id == UINT32_MAX) {
		if (element.monitor == nullptr)
			return invalid("pipe %s: a MONITOR element of an entry's list has no monitor", pipe.name.c_str());
		id = element.monitor->shared_counter.shared_counter_id;
	}
	SharedCounter *const counter = pipe.device->shared().counter(id, pipe.device);
	if (counter == nullptr)
		return invalid("pipe %s: shared counter %u is not there, or not bound to the port", pipe.name.c_str(), id);
	memcpy(values, &counter, sizeof(void *));
	return DOCA_SUCCESS;
}

doca_error_t read_element(const OrderedListPipe &pipe, const doca_flow_ordered_list_element &element, const ListElement &compiled,
			  EntryHot &hot)
{
	uint8_t *const values = pipe.values_of(hot) + compiled.values_at;
#if DOCA_SOFT_RELEASE_ >= 302
	if (element.type == DOCA_FLOW_ORDERED_LIST_ELEMENT_CRYPTO) {
		if (element.crypto == nullptr)
			return invalid("pipe %s: a CRYPTO element of an entry's list has no crypto", pipe.name.c_str());
		return compiled.actions.store_crypto(element.crypto->has_crypto_encap ? &element.crypto->crypto_encap : nullptr,
						     &element.crypto->crypto, values, &hot.crypto_id);
	}
#endif
	if (element.type == DOCA_FLOW_ORDERED_LIST_ELEMENT_ACTIONS)
		return compiled.actions.store(element.actions, values, &hot.crypto_id);
	// Other elements leave nothing to entries.
	if (compiled.counts == ListElement::Counts::SHARED)
		return read_shared_counter(pipe, element, compiled, values);
	return DOCA_SUCCESS;
}

} // namespace

doca_error_t compile_lists(const std::string &pipe, doca_flow_ordered_list *const *lists, size_t count, uint32_t key_slots,
			   std::vector<ListTemplate> &compiled)
{
	const char *name = pipe.c_str();
	compiled.clear();
	if (count > ORDERED_LISTS_MAX)
		return not_supported("pipe %s: %zu lists; %u are possible", name, count, ORDERED_LISTS_MAX);
	for (size_t i = 0; i < count; i++) {
		if (lists[i] == nullptr)
			return invalid("pipe %s: list %zu is at no place", name, i);
		if (lists[i]->idx != i)
			return not_supported("pipe %s: list %zu with idx %u", name, i, lists[i]->idx);
		ListTemplate list;
		const doca_error_t result = compile_list(name, *lists[i], key_slots, list);
		if (result != DOCA_SUCCESS)
			return result;
		compiled.push_back(std::move(list));
	}
	return DOCA_SUCCESS;
}

doca_error_t read_elements(const OrderedListPipe &pipe, const doca_flow_ordered_list &list, EntryHot &hot)
{
	const char *name = pipe.name.c_str();
	for (uint32_t i = 0; i < list.size; i++) {
		const ListElement &compiled = pipe.lists()[list.idx].elements[i];
		const doca_flow_ordered_list_element &element = list.elements[i];
		if (element.type != compiled.type)
			return invalid("pipe %s: element %u of list %u is of type %d; its template's of type %d", name, i,
				       list.idx, element.type, compiled.type);
		const doca_error_t result = read_element(pipe, element, compiled, hot);
		if (result != DOCA_SUCCESS)
			return result;
	}
	return DOCA_SUCCESS;
}

#else

doca_error_t compile_lists(const std::string &pipe, doca_flow_ordered_list *const *, size_t, uint32_t,
			   std::vector<ListTemplate> &)
{
	return not_supported("pipe %s: ordered lists", pipe.c_str());
}

#endif

} // namespace soft
