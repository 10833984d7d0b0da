// Actions on fields of headers and on metadata, action descriptors, and conditions: `actions CASE` is one process, for EAL starts once
// (test/native/actions.test.ts).
#include "acting.h"
#include "cases.h"

using namespace acting;

namespace {

// A template per source; entries name it, and give the values that it leaves open.
void entries_name_their_template()
{
	doca_flow_actions mac = {};
	memset(mac.outer.eth.src_mac, 0xff, 6);
	doca_flow_actions address = on_ip4();
	address.outer.ip4.src_ip = CHANGEABLE;
	PipeOptions options;
	options.is_root = true;
	options.match.outer.l3_type = DOCA_FLOW_L3_TYPE_IP4;
	options.match.outer.ip4.src_ip = CHANGEABLE;
	options.templates = {{&mac, nullptr, nullptr}, {&address, nullptr, nullptr}};
	doca_flow_pipe *root = pipe_of(options, to_wire());
	doca_flow_match match = {};
	doca_flow_actions values = {};
	memset(values.outer.eth.src_mac, 0xaa, 6);
	values.outer.ip4.src_ip = rte_cpu_to_be_32(0x0a0b0c0d);
	match.outer.ip4.src_ip = rte_cpu_to_be_32(0x01020304);
	add(root, &match, 0, &values);
	match.outer.ip4.src_ip = rte_cpu_to_be_32(0x02020202);
	add(root, &match, 1, &values);

	const Frame first = ip_frames::ip4(TCP);
	Frame expected = first;
	memset(&expected[6], 0xaa, 6);
	leaves_as(first, expected);
	for (const uint8_t protocol : {TCP, UDP}) {
		Frame second = ip_frames::ip4(protocol);
		put(second, 26, 4, 0x02020202);
		ip_frames::write_checksums(second);
		expected = second;
		put(expected, 26, 4, 0x0a0b0c0d);
		leaves_as(second, expected);
	}
}

void headers_of_ip4()
{
	doca_flow_actions actions = on_ip4();
	doca_flow_actions mask = on_ip4();
	actions.outer.ip4.src_ip = rte_cpu_to_be_32(0xc0a80000);
	mask.outer.ip4.src_ip = rte_cpu_to_be_32(0xffff0000);
	actions.outer.ip4.dst_ip = CHANGEABLE;
	mask.outer.ip4.dst_ip = CHANGEABLE;
	actions.outer.ip4.ttl = 7;
	mask.outer.ip4.ttl = 0xff;
	// The lower bits are written as 0.
	actions.outer.ip4.dscp_ecn = 0xb8;
	mask.outer.ip4.dscp_ecn = 0xfc;
	doca_flow_actions values = {};
	values.outer.ip4.dst_ip = rte_cpu_to_be_32(0x09090909);
	acting_root(&actions, &mask, nullptr, to_wire(), &values);
	const auto written = [](Frame frame) {
		frame[15] = static_cast<uint8_t>(0xb8 | (frame[15] & 3));
		frame[22] = 7;
		put(frame, 26, 2, 0xc0a8);
		put(frame, 30, 4, 0x09090909);
		return frame;
	};
	for (Frame frame : {ip_frames::ip4(TCP), ip_frames::ip4(UDP), ip_frames::ip4(TCP, 1, 12, 3)}) {
		frame[15] = 0x03;
		ip_frames::write_checksums(frame);
		leaves_as(frame, written(frame));
	}
	// What was wrong is not made right; UDP without a checksum stays without.
	Frame wrong = ip_frames::ip4(TCP);
	put(wrong, 50, 2, number_at(wrong, 50, 2) ^ 0x0100);
	CHECK(ip_frames::l4_sum(passed(wrong)) != 0xffff);
	Frame without = ip_frames::ip4(UDP);
	put(without, 40, 2, 0);
	CHECK(number_at(passed(without), 40, 2) == 0);
	// A first fragment has the checksum of the whole; in a later one there is none.
	Frame first = ip_frames::ip4(UDP);
	put(first, 20, 2, 0x2000);
	ip_frames::write_checksums(first);
	leaves_as(first, written(first));
	Frame later = ip_frames::ip4(UDP);
	put(later, 20, 2, 0x0010);
	const Frame sent = passed(later);
	CHECK(Frame(sent.begin() + 34, sent.end()) == Frame(later.begin() + 34, later.end()));
	// IPv6 has none of these fields.
	CHECK(passed(ip_frames::ip6(TCP)) == ip_frames::ip6(TCP));
}

void headers_of_ip6()
{
	doca_flow_actions actions = {};
	actions.outer.l3_type = DOCA_FLOW_L3_TYPE_IP6;
	actions.outer.ip6.src_ip[1] = rte_cpu_to_be_32(0x11223344);
	doca_flow_actions mask = actions;
	memset(&mask.outer.ip6.src_ip[1], 0xff, 4);
	actions.outer.ip6.traffic_class = 0xff;
	mask.outer.ip6.traffic_class = 0xff;
	actions.outer.ip6.flow_label = rte_cpu_to_be_32(0xabcde);
	mask.outer.ip6.flow_label = CHANGEABLE;
	actions.outer.ip6.hop_limit = 3;
	mask.outer.ip6.hop_limit = 0xff;
	actions.outer.l4_type_ext = DOCA_FLOW_L4_TYPE_EXT_UDP;
	actions.outer.udp.l4_port.dst_port = rte_cpu_to_be_16(53);
	mask.outer.udp.l4_port.dst_port = 0xffff;
	doca_flow_actions values = {};
	values.outer.ip6.traffic_class = 0x5a;
	acting_root(&actions, &mask, nullptr, to_wire(), &values);
	for (const uint8_t protocol : {TCP, UDP, ICMPV6}) {
		const Frame frame = ip_frames::ip6(protocol);
		Frame expected = frame;
		put(expected, 14, 4, 0x65aabcde);
		expected[21] = 3;
		put(expected, 26, 4, 0x11223344);
		if (protocol == UDP)
			put(expected, 56, 2, 53);
		leaves_as(frame, expected);
	}
}

// Copies of parts of fields: a number's lowest bit is bit 0.
void fields_are_copied()
{
	PipeOptions options;
	options.is_root = true;
	options.match.parser_meta.outer_l3_type = static_cast<doca_flow_l3_meta>(CHANGEABLE);
	// Two templates of nothing but descriptors.
	options.templates = {{nullptr, nullptr, descs_of({copy({"outer.ipv4.version_ihl", 0}, {"outer.ipv4.dscp_ecn", 0}, 4)})},
			     {nullptr, nullptr,
			      descs_of({copy({"outer.ipv6.payload_len", 0}, {"outer.ipv6.traffic_class", 0}, 8),
					copy({"outer.eth.src_mac", 32}, {"outer.ipv6.flow_label", 4}, 16)})}};
	doca_flow_pipe *root = pipe_of(options, to_wire());
	const doca_flow_actions none = {};
	doca_flow_match match = {};
	match.parser_meta.outer_l3_type = DOCA_FLOW_L3_META_IPV4;
	add(root, &match, 0, &none);
	match.parser_meta.outer_l3_type = DOCA_FLOW_L3_META_IPV6;
	add(root, &match, 1, &none);
	Frame frame = ip_frames::ip4(TCP, 1, 11, 2);
	Frame expected = frame;
	expected[15] = 7;
	leaves_as(frame, expected);
	frame = ip_frames::ip6(TCP, 1, 280);
	put(frame, 14, 4, 0x6ff00005);
	expected = frame;
	// 300 octets are 0x12c, and the source address begins with 06:07.
	put(expected, 14, 4, 0x62c06075);
	leaves_as(frame, expected);
}

void values_are_added()
{
	doca_flow_actions actions = on_ip4();
	actions.outer.ip4.ttl = 0xff;
	actions.outer.l4_type_ext = DOCA_FLOW_L4_TYPE_EXT_TCP;
	actions.outer.tcp.ack_num = rte_cpu_to_be_32(314);
	actions.meta.u32[2] = rte_cpu_to_be_32(5 << 8);
	PipeOptions options;
	options.match.meta.u32[2] = rte_cpu_to_be_32(0x00000301);
	doca_flow_match mask = {};
	memset(&mask.meta.u32[2], 0xff, 4);
	options.match_mask = &mask;
	doca_flow_pipe *matches = pipe_of(options, to_wire());
	add(matches, nullptr, 0, nullptr);
	// Twice 2 and once 5 are 9; twice 5 more are 19, of which four bits are kept, and no carry goes into what is above.
	acting_root(&actions, nullptr,
		    descs_of({addition(OF_ACTIONS, {"outer.ipv4.ttl", 0}, 8), addition(OF_ACTIONS, {"outer.tcp.ack_num", 0}, 32),
			      copy({"outer.ipv4.ttl", 0}, meta(2, 0), 1), addition({"outer.ipv4.src_ip", 16}, meta(2, 8), 8),
			      addition({"outer.ipv4.src_ip", 16}, meta(2, 8), 8), addition(OF_ACTIONS, meta(2, 8), 8),
			      addition({"outer.tcp.data_offset", 0}, meta(2, 8), 4),
			      addition({"outer.tcp.data_offset", 0}, meta(2, 8), 4)}),
		    to_pipe(matches));
	Frame frame = ip_frames::ip4(TCP);
	put(frame, 42, 4, 14);
	ip_frames::write_checksums(frame);
	Frame expected = frame;
	expected[22] = 63;
	put(expected, 42, 4, 328);
	leaves_as(frame, expected);
}

// IHL and TCP's data offset, in octets, against the length; as it is done to tell packets with a payload.
void metadata_is_compared()
{
	PipeOptions control;
	control.type = DOCA_FLOW_PIPE_CONTROL;
	doca_flow_pipe *compares = pipe_of(control, DROP);
	doca_flow_match_condition condition = {};
	condition.operation = DOCA_FLOW_COMPARE_GT;
	condition.field_op.a = meta(1);
	condition.field_op.b = meta(0);
	condition.field_op.width = 32;
	OK(add_with_condition(compares, nullptr, condition, to_wire()));
	doca_flow_actions actions = {};
	acting_root(&actions, nullptr,
		    descs_of({copy({"outer.ipv4.version_ihl", 0}, meta(0, 2), 4),
			      addition({"outer.tcp.data_offset", 0}, meta(0, 2), 4),
			      addition({"outer.ipv4.total_len", 0}, meta(1), 16)}),
		    to_pipe(compares));
	CHECK(!passed(ip_frames::ip4(TCP, 1, 1)).empty());
	CHECK(passed(ip_frames::ip4(TCP, 1, 0)).empty());
}

// A condition of each kind, on TCP's sequence number and on parts of fields.
void fields_are_compared()
{
	const struct {
		doca_flow_compare_op operation;
		bool below, equal, above;
	} OPERATIONS[] = {
		{DOCA_FLOW_COMPARE_EQ, false, true, false}, {DOCA_FLOW_COMPARE_NE, true, false, true},
		{DOCA_FLOW_COMPARE_LT, true, false, false}, {DOCA_FLOW_COMPARE_LE, true, true, false},
		{DOCA_FLOW_COMPARE_GT, false, false, true}, {DOCA_FLOW_COMPARE_GE, false, true, true},
	};
	const auto passes = [](uint32_t sequence) {
		Frame frame = ip_frames::ip4(TCP);
		put(frame, 38, 4, sequence);
		ip_frames::write_checksums(frame);
		return !passed(frame).empty();
	};
	PipeOptions control;
	control.type = DOCA_FLOW_PIPE_CONTROL;
	control.is_root = true;
	doca_flow_match match = {};
	match.outer.l4_type_ext = DOCA_FLOW_L4_TYPE_EXT_TCP;
	match.outer.tcp.seq_num = rte_cpu_to_be_32(0x80000010);
	doca_flow_match_condition condition = {};
	condition.field_op.a = {"outer.tcp.seq_num", 0};
	condition.field_op.width = 32;
	for (const auto &one : OPERATIONS) {
		doca_flow_pipe *root = pipe_of(control, DROP);
		condition.operation = one.operation;
		OK(add_with_condition(root, &match, condition, to_wire()));
		CHECK(passes(0x7fffffff) == one.below && passes(0x80000010) == one.equal && passes(0x80000011) == one.above);
		// A packet without the field is not compared.
		CHECK(passed(ip_frames::ip4(UDP)).empty());
		doca_flow_pipe_destroy(root);
	}
	doca_flow_pipe *root = pipe_of(control, DROP);
	condition.operation = DOCA_FLOW_COMPARE_EQ;
	condition.field_op.a.bit_offset = 4;
	condition.field_op.width = 4;
	OK(add_with_condition(root, &match, condition, to_wire()));
	CHECK(passes(0x1f) && !passes(0x20));
	condition.field_op.a.bit_offset = 16;
	condition.field_op.b = {"outer.tcp.ack_num", 0};
	condition.field_op.width = 16;
	OK(add_with_condition(root, nullptr, condition, to_wire()));
	CHECK(passes(0x00000020) && !passes(0x00010020));
	// The port's number is in the CPU's byte order.
	doca_flow_pipe *by_port = pipe_of({DOCA_FLOW_PIPE_CONTROL}, DROP);
	condition.operation = DOCA_FLOW_COMPARE_EQ;
	doca_flow_match port = {};
#if DOCA_SOFT_RELEASE_ < 300
	port.parser_meta.port_meta = static_cast<uint32_t>(pf + 1);
#else
	port.parser_meta.port_id = static_cast<uint16_t>(pf + 1);
#endif
	condition.field_op = {{"parser_meta.port.id", 0}, {nullptr, 0}, 16};
	OK(add_with_condition(by_port, &port, condition, to_wire()));
	doca_flow_pipe_destroy(root);
	acting_root(nullptr, nullptr, descs_of({}), to_pipe(by_port));
	CHECK(passes(1));
}

// Of metadata under a mask 0 in the template is left to entries, too.
void metadata_of_entries_is_matched()
{
	doca_flow_match mask = {};
	mask.meta.u32[3] = CHANGEABLE;
	PipeOptions options;
	options.match_mask = &mask;
	doca_flow_pipe *matches = pipe_of(options, to_wire());
	doca_flow_match match = {};
	match.meta.u32[3] = rte_cpu_to_be_32(10);
	add(matches, &match, 0, nullptr);
	doca_flow_actions open = {};
	open.meta.u32[3] = CHANGEABLE;
	doca_flow_actions values = {};
	for (const bool hits : {true, false}) {
		values.meta.u32[3] = rte_cpu_to_be_32(hits ? 10 : 0);
		doca_flow_pipe *root = acting_root(&open, nullptr, nullptr, to_pipe(matches), &values);
		CHECK(passed(ip_frames::ip4(TCP)).empty() == !hits);
		doca_flow_pipe_destroy(root);
	}
	// An entry that gives nothing means 0.
	add(matches, nullptr, 0, nullptr);
	acting_root(&open, nullptr, nullptr, to_pipe(matches), &values);
	CHECK(!passed(ip_frames::ip4(TCP)).empty());
}

doca_error_t with_descriptors(const std::vector<doca_flow_action_desc> &list)
{
	doca_flow_action_descs descs = {static_cast<uint8_t>(list.size()), const_cast<doca_flow_action_desc *>(list.data())};
	doca_flow_actions actions = {};
	doca_flow_pipe_cfg *cfg;
	OK(doca_flow_pipe_cfg_create(&cfg, pf_port));
	const doca_error_t result = set_templates(cfg, {{&actions, nullptr, &descs}});
	doca_flow_pipe_cfg_destroy(cfg);
	return result;
}

void limits_are_kept()
{
	constexpr size_t DESCRIPTORS_MAX = 32;
	const doca_flow_action_desc good = copy({"outer.ipv4.src_ip", 0}, meta(0), 32);
	OK(with_descriptors(std::vector<doca_flow_action_desc>(DESCRIPTORS_MAX, good)));
	CHECK(with_descriptors(std::vector<doca_flow_action_desc>(DESCRIPTORS_MAX + 1, good)) == DOCA_ERROR_NOT_SUPPORTED);
	OK(with_descriptors({desc(DOCA_FLOW_ACTION_AUTO, OF_ACTIONS, OF_ACTIONS, 0)}));
	const doca_flow_action_desc wrong[] = {
		copy({"outer.ipv4.src_ip", 0}, meta(0), 0),
		copy({"outer.ipv4.src_ip", 1}, meta(0), 32),
		copy({"outer.ipv4.src_ip", 0}, meta(0, 1), 32),
		copy({"outer.ipv4.src_ip", 0}, meta(10), 32),
		copy({"outer.ipv4.ttl", 0}, {"meta.data", UINT32_MAX}, 8),
		copy({"outer.ipv4.src_ip", UINT32_MAX}, meta(0), 8),
		copy({"outer.eth.src_mac", 0}, meta(0), 33),
		copy({"outer.ipv6.src_ip", 0}, {"outer.ipv6.dst_ip", 0}, 65),
		addition(OF_ACTIONS, OF_ACTIONS, 8),
		desc(static_cast<doca_flow_action_type>(3), meta(0), meta(1), 8),
	};
	for (const doca_flow_action_desc &one : wrong)
		CHECK(with_descriptors({good, one}) == DOCA_ERROR_INVALID_VALUE);
	const doca_flow_action_desc unknown[] = {copy({"outer.ipv4.nothing", 0}, meta(0), 8),
						 copy(meta(0), {"outer.ipv4.version_ihl", 0}, 4), copy(OF_ACTIONS, meta(0), 8),
						 copy({"outer.ipv6.src_ip", 1}, {"outer.ipv6.dst_ip", 0}, 64)};
	for (const doca_flow_action_desc &one : unknown)
		CHECK(with_descriptors({one}) == DOCA_ERROR_NOT_SUPPORTED);
	doca_flow_action_descs nowhere = {1, nullptr};
	doca_flow_pipe_cfg *cfg;
	OK(doca_flow_pipe_cfg_create(&cfg, pf_port));
	CHECK(set_templates(cfg, {{nullptr, nullptr, &nowhere}}) == DOCA_ERROR_INVALID_VALUE);
	doca_flow_actions actions = {};
	const ActionTemplate one = {&actions, nullptr, nullptr};
	OK(set_templates(cfg, std::vector<ActionTemplate>(UINT8_MAX, one)));
	CHECK(set_templates(cfg, std::vector<ActionTemplate>(UINT8_MAX + 1, one)) == DOCA_ERROR_INVALID_VALUE);
	CHECK(doca_flow_pipe_cfg_set_actions(cfg, nullptr, nullptr, nullptr, 1) == DOCA_ERROR_INVALID_VALUE);
	doca_flow_pipe_cfg_destroy(cfg);
}

} // namespace

int main(int argc, char **argv)
{
	const Case cases[] = {
		{"templates", entries_name_their_template},
		{"ip4", headers_of_ip4},
		{"ip6", headers_of_ip6},
		{"copies", fields_are_copied},
		{"additions", values_are_added},
		{"metadata", metadata_is_compared},
		{"conditions", fields_are_compared},
		{"left-open", metadata_of_entries_is_matched},
		{"limits", limits_are_kept},
	};
	return run_case("actions", cases, argc, argv, [](const Case &one) {
		start();
		one.run();
		stop();
	});
}
