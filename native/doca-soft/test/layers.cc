// Actions that give packets other layers, misses that go elsewhere, and ordered lists: `layers CASE` is one process, for EAL starts once
// (test/native/actions.test.ts).
#include "acting.h"
#include "cases.h"

using namespace acting;

namespace {

constexpr uint32_t MTU_OCTETS = 1500;

Frame with_tag(const Frame &frame, uint32_t tag)
{
	Frame tagged(frame.begin(), frame.begin() + 12);
	tagged.resize(16);
	put(tagged, 12, 4, tag);
	tagged.insert(tagged.end(), frame.begin() + 12, frame.end());
	return tagged;
}

doca_flow_actions pushing(uint16_t tci)
{
	doca_flow_actions actions = {};
	actions.has_push = true;
	actions.push.type = DOCA_FLOW_PUSH_ACTION_VLAN;
	actions.push.vlan.eth_type = rte_cpu_to_be_16(0x8100);
	actions.push.vlan.vlan_hdr.tci = rte_cpu_to_be_16(tci);
	return actions;
}

void tags_are_pushed()
{
	doca_flow_actions constant = pushing(0x1234);
	PipeOptions options;
	options.templates = {{&constant, nullptr, nullptr}};
	doca_flow_pipe *second = pipe_of(options, to_wire());
	add(second, nullptr, 0, &constant);
	// The entry says which tag; a packet that is as long as may be still leaves.
	doca_flow_actions open = pushing(0xffff);
	const doca_flow_actions values = pushing(0x0abc);
	doca_flow_pipe *root = acting_root(&open, nullptr, nullptr, to_wire(), &values);
	for (const Frame &frame : {ip_frames::ip4(TCP), ip_frames::ip6(UDP, 1, MTU_OCTETS - 48), Frame(60)})
		CHECK(passed(frame) == with_tag(frame, 0x81000abc));
	CHECK(passed(ip_frames::ip6(UDP, 1, MTU_OCTETS - 47)).empty());
	doca_flow_pipe_destroy(root);
	root = acting_root(&open, nullptr, nullptr, to_pipe(second), &values);
	const Frame frame = ip_frames::ip4(TCP);
	CHECK(passed(frame) == with_tag(with_tag(frame, 0x81000abc), 0x81001234));
	// More than two come from no program that means it.
	doca_flow_pipe_destroy(root);
	doca_flow_pipe *before = pipe_of(options, to_pipe(second));
	add(before, nullptr, 0, &constant);
	acting_root(&open, nullptr, nullptr, to_pipe(before), &values);
	CHECK(passed(frame).empty());
}

// A pipe whose misses go to another one, and then to a third.
void misses_go_elsewhere()
{
	doca_flow_actions pushes = pushing(0x1234);
	PipeOptions options;
	options.templates = {{&pushes, nullptr, nullptr}};
	doca_flow_pipe *push = pipe_of(options, to_wire());
	add(push, nullptr, 0, &pushes);
	doca_flow_actions marks = on_ip4();
	marks.outer.ip4.ttl = 9;
	options.templates = {{&marks, nullptr, nullptr}};
	doca_flow_pipe *mark = pipe_of(options, to_wire());
	add(mark, nullptr, 0, nullptr);
	PipeOptions selects;
	selects.is_root = true;
	selects.match.parser_meta.outer_l4_type = DOCA_FLOW_L4_META_TCP;
	const doca_flow_fwd wire_fwd = to_wire();
	const doca_flow_fwd to_mark = to_pipe(mark);
	const doca_flow_fwd to_push = to_pipe(push);
	selects.fwd = &wire_fwd;
	selects.miss = &to_mark;
	doca_flow_pipe *root;
	OK(create(selects, root));
	add(root, nullptr, 0, nullptr);
	const Frame hit = ip_frames::ip4(TCP);
	const Frame miss = ip_frames::ip4(UDP);
	Frame marked = miss;
	marked[22] = 9;
	CHECK(passed(hit) == hit);
	leaves_as(miss, marked);
	CHECK(misses_of(root) == 1);
	OK(doca_flow_pipe_update_miss(root, &to_push));
	CHECK(passed(hit) == hit);
	CHECK(passed(miss) == with_tag(miss, 0x81001234));
	CHECK(misses_of(root) == 2);
}

// 1.2.3.4 is 64:ff9b::102:304.
void families_are_translated()
{
	doca_flow_actions actions = {};
	actions.nat64.original_l3_type = DOCA_FLOW_L3_TYPE_IP4;
	doca_flow_pipe *root = acting_root(&actions, nullptr, nullptr, to_wire());
	for (const uint8_t protocol : {TCP, UDP}) {
		for (const size_t options : {0, 2, 6}) {
			Frame frame = ip_frames::ip4(protocol, 77, 13, options);
			frame[15] = 0xb9;
			frame[22] = 5;
			ip_frames::write_checksums(frame);
			Frame expected = ip_frames::ip6(protocol, 77, 13);
			put(expected, 14, 4, 0x6b900000);
			expected[21] = 5;
			leaves_as(frame, expected);
		}
	}
	// In IPv6 UDP has a checksum.
	Frame without = ip_frames::ip4(UDP);
	put(without, 40, 2, 0);
	leaves_as(without, ip_frames::ip6(UDP));
	// What would need more than another header is dropped, and what is not IPv4 left alone.
	Frame fragment = ip_frames::ip4(UDP);
	put(fragment, 20, 2, 0x2000);
	ip_frames::write_checksums(fragment);
	CHECK(passed(fragment).empty());
	CHECK(passed(ip_frames::ip4(1)).empty());
	CHECK(passed(ip_frames::ip6(TCP)) == ip_frames::ip6(TCP));
	CHECK(passed(Frame(60)) == Frame(60));

	doca_flow_pipe_destroy(root);
	actions.nat64.original_l3_type = DOCA_FLOW_L3_TYPE_IP6;
	acting_root(&actions, nullptr, nullptr, to_wire());
	for (const uint8_t protocol : {TCP, UDP}) {
		Frame frame = ip_frames::ip6(protocol);
		put(frame, 14, 4, 0x6b912345);
		// Another prefix counts in the checksum.
		put(frame, 22, 4, 0x20010db8);
		ip_frames::write_checksums(frame);
		Frame expected = ip_frames::ip4(protocol);
		expected[15] = 0xb9;
		put(expected, 20, 2, 0x4000);
		leaves_as(frame, expected);
	}
	CHECK(passed(ip_frames::ip6(ICMPV6)).empty());
}

#if DOCA_SOFT_RELEASE_ >= 300

/* ---- Ordered lists ---- */

#if DOCA_SOFT_RELEASE_ < 301
constexpr doca_flow_flags_type NO_LIST_FLAGS = DOCA_FLOW_NO_WAIT;
#else
constexpr uint32_t NO_LIST_FLAGS = 0;
#endif

doca_flow_ordered_list_element element(doca_flow_actions *actions, doca_flow_actions *mask = nullptr,
				       doca_flow_action_descs *descs = nullptr)
{
	doca_flow_ordered_list_element made = {};
	made.type = DOCA_FLOW_ORDERED_LIST_ELEMENT_ACTIONS;
	made.actions = actions;
	made.actions_mask = mask;
	made.action_descs = descs;
	return made;
}

doca_flow_ordered_list_element element(doca_flow_monitor *monitor)
{
	doca_flow_ordered_list_element made = {};
	made.type = DOCA_FLOW_ORDERED_LIST_ELEMENT_MONITOR;
	made.monitor = monitor;
	return made;
}

using Elements = std::vector<doca_flow_ordered_list_element>;

// A root that sends every packet through entry 1 of a pipe of this list, to whose elements that entry gives its own.
doca_flow_pipe_entry *through_list(Elements elements, Elements own)
{
	doca_flow_ordered_list_element none = {};
	none.type = DOCA_FLOW_ORDERED_LIST_ELEMENT_ACTIONS;
	doca_flow_actions nothing = {};
	none.actions = &nothing;
	doca_flow_ordered_list first = {0, 1, &none};
	doca_flow_ordered_list second = {1, static_cast<uint32_t>(elements.size()), elements.data()};
	doca_flow_ordered_list *lists[] = {&first, &second};
	doca_flow_pipe_cfg *cfg;
	doca_flow_pipe *pipe;
	doca_flow_pipe_entry *entry;
	const doca_flow_fwd wire_fwd = to_wire();
	OK(doca_flow_pipe_cfg_create(&cfg, pf_port));
	OK(doca_flow_pipe_cfg_set_type(cfg, DOCA_FLOW_PIPE_ORDERED_LIST));
	OK(doca_flow_pipe_cfg_set_nr_entries(cfg, 4));
	OK(doca_flow_pipe_cfg_set_ordered_lists(cfg, lists, 2));
	OK(doca_flow_pipe_create(cfg, &wire_fwd, nullptr, &pipe));
	doca_flow_pipe_cfg_destroy(cfg);
	second.elements = own.data();
	OK(doca_flow_pipe_ordered_list_add_entry(0, pipe, 1, &second, nullptr, NO_LIST_FLAGS, nullptr, &entry));
	process(0);
	doca_flow_fwd fwd = forward_of(DOCA_FLOW_FWD_ORDERED_LIST_PIPE);
	fwd.ordered_list_pipe = {pipe, 1};
	acting_root(nullptr, nullptr, descs_of({}), fwd);
	return entry;
}

// The counters stand among elements that change the packet's length.
void lists_act_in_order()
{
	doca_flow_actions actions = on_ip4();
	doca_flow_actions mask = on_ip4();
	actions.outer.ip4.src_ip = rte_cpu_to_be_32(0xc0a80000);
	mask.outer.ip4.src_ip = rte_cpu_to_be_32(0xffff0000);
	actions.outer.ip4.ttl = mask.outer.ip4.ttl = 0xff;
	doca_flow_actions values = {};
	values.outer.ip4.ttl = 33;
	doca_flow_monitor counter = {};
	counter.counter_type = DOCA_FLOW_RESOURCE_TYPE_NON_SHARED;
	doca_flow_actions nothing = {};
	doca_flow_actions pushes = pushing(0xffff);
	const doca_flow_ordered_list_element push = element(&pushes);
	doca_flow_actions tci = pushing(0x0777);
	doca_flow_action_descs *adds = descs_of({copy({"outer.ipv4.ttl", 0}, {"outer.ipv4.dscp_ecn", 1}, 7)});
	const Elements elements = {element(&actions, &mask), element(&nothing, nullptr, adds), element(&counter), push,
				   element(&counter)};
	const Elements own = {element(&values), element(&nothing), element(&counter), element(&tci), element(&counter)};
	doca_flow_pipe_entry *entry = through_list(elements, own);
	const Frame frame = ip_frames::ip4(TCP);
	Frame expected = frame;
	put(expected, 26, 2, 0xc0a8);
	expected[22] = 33;
	expected[15] = 66;
	ip_frames::write_checksums(expected);
	for (int i = 0; i < 2; i++)
		CHECK(passed(frame) == with_tag(expected, 0x81000777));
	doca_flow_resource_query counters[2] = {};
	OK(doca_flow_resource_query_entry(entry, counters));
	CHECK(counters[0].counter.total_pkts == 2 && counters[0].counter.total_bytes == 2 * frame.size());
	CHECK(counters[1].counter.total_pkts == 2 && counters[1].counter.total_bytes == 2 * (frame.size() + 4));
}

// A list whose counter is shared: entries name it where its template leaves it open.
void lists_share_counters()
{
	uint32_t id = 1;
#if DOCA_SOFT_RELEASE_ >= 302
	doca_flow_shared_resource_cfg cfg = {};
	OK(doca_flow_port_shared_resource_get(pf_port, DOCA_FLOW_SHARED_RESOURCE_COUNTER, &id));
	OK(doca_flow_port_shared_resource_set_cfg(pf_port, DOCA_FLOW_SHARED_RESOURCE_COUNTER, id, &cfg));
#else
	OK(doca_flow_shared_resources_bind(DOCA_FLOW_SHARED_RESOURCE_COUNTER, &id, 1, pf_port));
#endif
	doca_flow_monitor open = {};
	open.counter_type = DOCA_FLOW_RESOURCE_TYPE_SHARED;
	open.shared_counter.shared_counter_id = UINT32_MAX;
	doca_flow_monitor named = open;
	named.shared_counter.shared_counter_id = id;
	doca_flow_monitor own = {};
	own.counter_type = DOCA_FLOW_RESOURCE_TYPE_NON_SHARED;
	const Elements elements = {element(&open), element(&own), element(&named)};
	doca_flow_pipe_entry *entry = through_list(elements, {element(&named), element(&own), element(&named)});
	const Frame frame = ip_frames::ip4(TCP);
	CHECK(passed(frame) == frame);
	doca_flow_resource_query counters[3] = {};
	OK(doca_flow_resource_query_entry(entry, counters));
	CHECK(counters[0].counter.total_pkts == 2 && counters[2].counter.total_bytes == 2 * frame.size());
	CHECK(counters[1].counter.total_pkts == 1);
}

doca_error_t with_list(doca_flow_ordered_list *list, size_t count = 1)
{
	std::vector<doca_flow_ordered_list> copies(count, *list);
	std::vector<doca_flow_ordered_list *> lists;
	for (doca_flow_ordered_list &one : copies) {
		one.idx += static_cast<uint32_t>(lists.size());
		lists.push_back(&one);
	}
	doca_flow_pipe_cfg *cfg;
	OK(doca_flow_pipe_cfg_create(&cfg, pf_port));
	const doca_error_t result = doca_flow_pipe_cfg_set_ordered_lists(cfg, lists.data(), count);
	doca_flow_pipe_cfg_destroy(cfg);
	return result;
}

void lists_have_limits()
{
	constexpr uint32_t LISTS_MAX = 255;
	constexpr uint32_t ELEMENTS_MAX = 32;
	doca_flow_monitor counter = {};
	counter.counter_type = DOCA_FLOW_RESOURCE_TYPE_NON_SHARED;
	Elements elements(ELEMENTS_MAX, element(&counter));
	doca_flow_ordered_list list = {0, ELEMENTS_MAX, elements.data()};
	OK(with_list(&list, LISTS_MAX));
	CHECK(with_list(&list, LISTS_MAX + 1) == DOCA_ERROR_NOT_SUPPORTED);
	list.size++;
	CHECK(with_list(&list) == DOCA_ERROR_NOT_SUPPORTED);
	list.size = 1;
	list.idx = 1;
	CHECK(with_list(&list) == DOCA_ERROR_NOT_SUPPORTED);
	list.idx = 0;
	elements[0].monitor = nullptr;
	CHECK(with_list(&list) == DOCA_ERROR_INVALID_VALUE);
	counter.meter_type = DOCA_FLOW_RESOURCE_TYPE_NON_SHARED;
	elements[0].monitor = &counter;
	CHECK(with_list(&list) == DOCA_ERROR_NOT_SUPPORTED);
	elements[0].type = static_cast<doca_flow_ordered_list_element_type>(77);
	CHECK(with_list(&list) == DOCA_ERROR_NOT_SUPPORTED);
}

#endif

#if DOCA_SOFT_RELEASE_ >= 303
void lists_translate()
{
	doca_flow_nat64_action nat64 = {DOCA_FLOW_L3_TYPE_IP4};
	doca_flow_ordered_list_element translates = {};
	translates.type = DOCA_FLOW_ORDERED_LIST_ELEMENT_NAT64;
	translates.nat64 = &nat64;
	doca_flow_monitor counter = {};
	counter.counter_type = DOCA_FLOW_RESOURCE_TYPE_NON_SHARED;
	// After it the packet is IPv6.
	doca_flow_actions hops = {};
	hops.outer.l3_type = DOCA_FLOW_L3_TYPE_IP6;
	hops.outer.ip6.hop_limit = 2;
	const Elements elements = {element(&counter), translates, element(&hops), element(&counter)};
	doca_flow_pipe_entry *entry = through_list(elements, elements);
	Frame expected = ip_frames::ip6(UDP);
	expected[21] = 2;
	leaves_as(ip_frames::ip4(UDP), expected);
	doca_flow_resource_query counters[2] = {};
	OK(doca_flow_resource_query_entry(entry, counters));
	CHECK(counters[1].counter.total_bytes == counters[0].counter.total_bytes + 20);
}
#endif

} // namespace

int main(int argc, char **argv)
{
	const Case cases[] = {
		{"tags", tags_are_pushed},
		{"misses", misses_go_elsewhere},
		{"nat64", families_are_translated},
#if DOCA_SOFT_RELEASE_ >= 300
		{"lists", lists_act_in_order},
		{"list-limits", lists_have_limits},
		{"shared-in-lists", lists_share_counters},
#endif
#if DOCA_SOFT_RELEASE_ >= 303
		{"nat64-in-lists", lists_translate},
#endif
	};
#if DOCA_SOFT_RELEASE_ >= 302
	configure_flow = [](doca_flow_cfg *cfg) { OK(doca_flow_cfg_set_resource_mode(cfg, DOCA_FLOW_RESOURCE_MODE_PORT)); };
	configure_port = [](doca_flow_port_cfg *cfg) {
		OK(doca_flow_port_cfg_set_nr_resources(cfg, DOCA_FLOW_RESOURCE_COUNTER, 16));
	};
#else
	configure_flow = [](doca_flow_cfg *cfg) {
		OK(doca_flow_cfg_set_nr_shared_resource(cfg, 4, DOCA_FLOW_SHARED_RESOURCE_COUNTER));
	};
#endif
	return run_case("layers", cases, argc, argv, [](const Case &one) {
		start();
		one.run();
		stop();
	});
}
