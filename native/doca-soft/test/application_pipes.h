// The application's pipes, and how it adds entries. application.cc says what this is.
#pragma once

#include "application_ports.h"

namespace application {

// The application waits 10 milliseconds. A slow machine is no failure here.
constexpr uint64_t TIMEOUT_MICROSECONDS = FOREVER_MICROSECONDS;
constexpr uint16_t PSP_PORT = 1000;
constexpr uint8_t ICMP6 = 58;
constexpr uint8_t NEIGHBOR_SOLICITATION = 135;
// Packet metadata, in the CPU's order.
constexpr uint32_t RETURN_TO_VF = 0x78787878;
constexpr uint32_t DECRYPTED = 0x65656565;

/* ---- Entries ---- */

// Adds to a basic pipe, and wants to have heard of it, and of nothing else, after one completion.
inline void add(uint16_t queue, doca_flow_pipe *pipe, const doca_flow_match *match, const doca_flow_actions *actions,
		const doca_flow_fwd *fwd, doca_flow_pipe_entry **entry)
{
	Status &status = statuses[queue];
	status = {false, 0, 1};
	OK(add_basic(queue, pipe, match, actions, fwd, reinterpret_cast<uintptr_t>(&status), entry));
	OK(doca_flow_entries_process(pf_port, queue, TIMEOUT_MICROSECONDS, 1));
	CHECK(!status.failed && status.processed == status.wanted);
}

// Up to 3.2 nothing is waited for after an entry of a control pipe. In 3.3 one completion is, of whichever entry.
inline doca_flow_pipe_entry *add_to_control(uint16_t queue, uint32_t priority, doca_flow_pipe *pipe, const doca_flow_match *match,
					    const doca_flow_match *mask, const doca_flow_fwd *fwd)
{
	doca_flow_pipe_entry *entry;
	OK(add_control(queue, priority, pipe, match, mask, fwd, 0, &entry));
#if DOCA_SOFT_RELEASE_ >= 303
	OK(doca_flow_entries_process(pf_port, queue, TIMEOUT_MICROSECONDS, 1));
	CHECK(!statuses[queue].failed && statuses[queue].processed == 1);
#endif
	return entry;
}

/* ---- 13: pipes, from the end to the start ---- */

struct Pipes {
	doca_flow_pipe *to_program, *syndromes, *ingress_acl, *decrypt, *egress_acl, *egress_root, *miss, *root;
	doca_flow_pipe *encrypt_list;
	doca_flow_pipe_entry *solicitations;
};
inline Pipes pipes;

inline doca_flow_pipe *make(const PipeOptions &options)
{
	doca_flow_pipe *pipe;
	OK(create(options, pipe));
	return pipe;
}

// Its template says RSS, its entries which queues and which family.
inline void make_rss_pipe()
{
	doca_flow_fwd left_open = forward_of(DOCA_FLOW_FWD_RSS);
	left_open.rss_type = DOCA_FLOW_RESOURCE_TYPE_NON_SHARED;
	left_open.rss.nr_queues = -1;
	PipeOptions options;
	options.entries = 2;
	options.match.parser_meta.outer_l3_type = static_cast<doca_flow_l3_meta>(UINT32_MAX);
	options.fwd = &left_open;
	pipes.to_program = make(options);
	std::vector<uint16_t> all;
	for (uint16_t queue = 0; queue < queues; queue++)
		all.push_back(queue);
	for (const bool six : {false, true}) {
		doca_flow_match match = {};
		match.parser_meta.outer_l3_type = six ? DOCA_FLOW_L3_META_IPV6 : DOCA_FLOW_L3_META_IPV4;
		doca_flow_fwd fwd = forward_of(DOCA_FLOW_FWD_RSS);
		fwd.rss_type = DOCA_FLOW_RESOURCE_TYPE_NON_SHARED;
		fwd.rss.outer_flags = six ? DOCA_FLOW_RSS_IPV6 : DOCA_FLOW_RSS_IPV4;
		fwd.rss.queues_array = all.data();
		fwd.rss.nr_queues = queues;
		doca_flow_pipe_entry *entry;
		add(0, pipes.to_program, &match, nullptr, &fwd, &entry);
	}
}

inline void make_syndrome_pipe()
{
	const doca_flow_fwd drop = forward_of(DOCA_FLOW_FWD_DROP);
	PipeOptions options;
	options.domain = DOCA_FLOW_PIPE_DOMAIN_SECURE_INGRESS;
	options.match.parser_meta.psp_syndrome = 0xff;
	options.match_mask = &options.match;
	options.counted = true;
	options.fwd = &drop;
	options.miss = &drop;
	pipes.syndromes = make(options);
	for (uint8_t syndrome = 1; syndrome <= 2; syndrome++) {
		doca_flow_match match = {};
		match.parser_meta.psp_syndrome = syndrome;
		doca_flow_pipe_entry *entry;
		add(0, pipes.syndromes, &match, nullptr, nullptr, &entry);
	}
}

inline doca_flow_actions decapsulation()
{
	doca_flow_actions actions = {};
	actions.meta.pkt_meta = rte_cpu_to_be_32(DECRYPTED);
	actions.has_crypto_encap = true;
	actions.crypto_encap.action_type = DOCA_FLOW_CRYPTO_REFORMAT_DECAP;
	actions.crypto_encap.net_type = DOCA_FLOW_CRYPTO_HEADER_PSP_TUNNEL;
	actions.crypto_encap.icv_size = 16;
	actions.crypto_encap.data_size = 14;
	actions.crypto_encap.encap_data[12] = 0x86;
	actions.crypto_encap.encap_data[13] = 0xdd;
	return actions;
}

// One address and the SPI, which must both be of the session.
inline void make_ingress_acl()
{
	const doca_flow_fwd hit = to_pipe(pipes.to_program);
	const doca_flow_fwd miss = to_pipe(pipes.syndromes);
	doca_flow_actions actions = decapsulation();
	PipeOptions options;
	options.entries = SESSIONS_MAX;
	options.match.parser_meta.psp_syndrome = 0xff;
	options.match.tun.type = DOCA_FLOW_TUN_PSP;
	options.match.tun.psp.spi = UINT32_MAX;
	options.match.inner.l3_type = DOCA_FLOW_L3_TYPE_IP6;
	memset(options.match.inner.ip6.src_ip, 0xff, 16);
	options.match_mask = &options.match;
	options.actions = &actions;
	options.counted = true;
	options.fwd = &hit;
	options.miss = &miss;
	pipes.ingress_acl = make(options);
}

#if DOCA_SOFT_RELEASE_ >= 302
inline doca_flow_pipe *make_list_pipe(doca_flow_pipe_domain domain, doca_flow_crypto &crypto, const doca_flow_fwd &fwd)
{
	doca_flow_ordered_list_element element = {};
	element.type = DOCA_FLOW_ORDERED_LIST_ELEMENT_CRYPTO;
	element.crypto = &crypto;
	doca_flow_ordered_list list = {};
	list.size = 1;
	list.elements = &element;
	doca_flow_ordered_list *lists[] = {&list};
	doca_flow_pipe_cfg *cfg;
	doca_flow_pipe *pipe;
	OK(doca_flow_pipe_cfg_create(&cfg, pf_port));
	OK(doca_flow_pipe_cfg_set_type(cfg, DOCA_FLOW_PIPE_ORDERED_LIST));
	OK(doca_flow_pipe_cfg_set_domain(cfg, domain));
	OK(doca_flow_pipe_cfg_set_nr_entries(cfg, SESSIONS_MAX));
	OK(doca_flow_pipe_cfg_set_ordered_lists(cfg, lists, 1));
	OK(doca_flow_pipe_create(cfg, &fwd, nullptr, &pipe));
	OK(doca_flow_pipe_cfg_destroy(cfg));
	return pipe;
}

inline void add_to_list(uint16_t queue, doca_flow_pipe *pipe, uint32_t index, doca_flow_crypto &crypto)
{
	doca_flow_ordered_list_element element = {};
	element.type = DOCA_FLOW_ORDERED_LIST_ELEMENT_CRYPTO;
	element.crypto = &crypto;
	doca_flow_ordered_list list = {};
	list.size = 1;
	list.elements = &element;
	doca_flow_pipe_entry *entry;
	Status &status = statuses[queue];
	status = {false, 0, 1};
	OK(doca_flow_pipe_ordered_list_add_entry(queue, pipe, index, &list, nullptr, 0, &status, &entry));
	OK(doca_flow_entries_process(pf_port, queue, TIMEOUT_MICROSECONDS, 1));
	CHECK(!status.failed && status.processed == 1);
}
#endif

inline void make_decrypt_pipe()
{
	const doca_flow_fwd drop = forward_of(DOCA_FLOW_FWD_DROP);
	doca_flow_fwd fwd = to_pipe(pipes.ingress_acl);
	doca_flow_crypto_action decrypt = {};
	decrypt.action_type = DOCA_FLOW_CRYPTO_ACTION_DECRYPT;
	decrypt.resource_type = DOCA_FLOW_CRYPTO_RESOURCE_PSP;
	decrypt.crypto_id = DOCA_FLOW_PSP_DECRYPTION_ID;
	PipeOptions options;
	options.domain = DOCA_FLOW_PIPE_DOMAIN_SECURE_INGRESS;
	options.entries = 1;
	options.match.outer.l4_type_ext = DOCA_FLOW_L4_TYPE_EXT_UDP;
	options.match.outer.udp.l4_port.dst_port = rte_cpu_to_be_16(PSP_PORT);
	options.miss = &drop;
	options.fwd = &fwd;
#if DOCA_SOFT_RELEASE_ < 302
	doca_flow_actions actions = {};
	actions.crypto = decrypt;
	options.actions = &actions;
#else
	doca_flow_crypto crypto = {};
	crypto.crypto = decrypt;
	doca_flow_pipe *list = make_list_pipe(options.domain, crypto, fwd);
	add_to_list(0, list, 0, crypto);
	fwd = forward_of(DOCA_FLOW_FWD_ORDERED_LIST_PIPE);
	fwd.ordered_list_pipe = {list, 0};
#endif
	pipes.decrypt = make(options);
	doca_flow_pipe_entry *entry;
	const doca_flow_match match = {};
	add(0, pipes.decrypt, &match, nullptr, nullptr, &entry);
}

inline doca_flow_crypto_encap_action encapsulation()
{
	doca_flow_crypto_encap_action encap = {};
	encap.action_type = DOCA_FLOW_CRYPTO_REFORMAT_ENCAP;
	encap.net_type = DOCA_FLOW_CRYPTO_HEADER_PSP_TUNNEL;
	encap.icv_size = 16;
	encap.data_size = 78;
	memset(encap.encap_data, 0xff, encap.data_size);
	return encap;
}

inline doca_flow_crypto_action encryption(uint32_t slot)
{
	doca_flow_crypto_action encrypt = {};
	encrypt.action_type = DOCA_FLOW_CRYPTO_ACTION_ENCRYPT;
	encrypt.resource_type = DOCA_FLOW_CRYPTO_RESOURCE_PSP;
	encrypt.crypto_id = slot;
	return encrypt;
}

inline void make_egress_acl()
{
	doca_flow_fwd wire_port = forward_of(DOCA_FLOW_FWD_PORT);
	wire_port.port_id = PF;
	const doca_flow_fwd miss = to_pipe(pipes.to_program);
	doca_flow_fwd fwd = wire_port;
	PipeOptions options;
	options.domain = DOCA_FLOW_PIPE_DOMAIN_SECURE_EGRESS;
	options.entries = SESSIONS_MAX;
	options.match.outer.l3_type = DOCA_FLOW_L3_TYPE_IP6;
	memset(options.match.outer.ip6.dst_ip, 0xff, 16);
	options.counted = true;
	options.miss = &miss;
	options.fwd = &fwd;
#if DOCA_SOFT_RELEASE_ < 302
	doca_flow_actions actions = {};
	actions.has_crypto_encap = true;
	actions.crypto_encap = encapsulation();
	actions.crypto = encryption(UINT32_MAX);
	options.actions = &actions;
#else
	doca_flow_crypto crypto = {};
	crypto.has_crypto_encap = true;
	crypto.crypto_encap = encapsulation();
	crypto.crypto = encryption(UINT32_MAX);
	pipes.encrypt_list = make_list_pipe(options.domain, crypto, wire_port);
	fwd = forward_of(DOCA_FLOW_FWD_ORDERED_LIST_PIPE);
	fwd.ordered_list_pipe = {pipes.encrypt_list, UINT32_MAX};
#endif
	pipes.egress_acl = make(options);
}

// Up to 3.1 for three entries, of which there are four.
inline void make_egress_root()
{
	const doca_flow_fwd drop = forward_of(DOCA_FLOW_FWD_DROP);
	const doca_flow_fwd per_entry = forward_of(DOCA_FLOW_FWD_CHANGEABLE);
	PipeOptions options;
	options.is_root = true;
	options.domain = DOCA_SOFT_RELEASE_ < 302 ? DOCA_FLOW_PIPE_DOMAIN_EGRESS : DOCA_FLOW_PIPE_DOMAIN_SECURE_EGRESS;
	options.entries = DOCA_SOFT_RELEASE_ < 302 ? 3 : 4;
	options.match.meta.pkt_meta = UINT32_MAX;
	options.match.outer.eth.type = UINT16_MAX;
	options.match_mask = &options.match;
	options.fwd = &per_entry;
	options.miss = &drop;
	pipes.egress_root = make(options);
	doca_flow_fwd vf_fwd = forward_of(DOCA_FLOW_FWD_PORT);
	vf_fwd.port_id = VF;
	const doca_flow_fwd acl = to_pipe(pipes.egress_acl);
	for (const uint16_t type : {0x0800, 0x86dd}) {
		for (const uint32_t meta : {0u, RETURN_TO_VF}) {
			doca_flow_match match = {};
			match.meta.pkt_meta = rte_cpu_to_be_32(meta);
			match.outer.eth.type = rte_cpu_to_be_16(type);
			doca_flow_pipe_entry *entry;
			add(0, pipes.egress_root, &match, nullptr, meta == 0 ? &acl : &vf_fwd, &entry);
		}
	}
}

// What both kinds of root begin with: neighbor solicitations of the workload, and at last everything.
inline void fill_control(doca_flow_pipe *control)
{
	const doca_flow_fwd to_program = to_pipe(pipes.to_program);
	const doca_flow_fwd drop = forward_of(DOCA_FLOW_FWD_DROP);
	doca_flow_match match = {};
	doca_flow_match mask = {};
	match.parser_meta.port_id = VF;
	mask.parser_meta.port_id = UINT16_MAX;
	match.outer.ip6.next_proto = ICMP6;
	mask.outer.ip6.next_proto = 0xff;
	match.outer.l4_type_ext = DOCA_FLOW_L4_TYPE_EXT_ICMP6;
	memset(&mask.outer.l4_type_ext, 0xff, sizeof(mask.outer.l4_type_ext));
	match.outer.icmp.type = NEIGHBOR_SOLICITATION;
	mask.outer.icmp.type = 0xff;
	pipes.solicitations = add_to_control(0, 0, control, &match, &mask, &to_program);
	add_to_control(0, 4, control, nullptr, nullptr, &drop);
}

inline void make_root()
{
	const doca_flow_fwd from_wire = to_pipe(pipes.decrypt);
	const doca_flow_fwd from_vf = to_pipe(pipes.egress_root);
	PipeOptions options;
	options.is_root = true;
	options.entries = 11;
#if DOCA_SOFT_RELEASE_ < 302
	options.type = DOCA_FLOW_PIPE_CONTROL;
	pipes.root = make(options);
	fill_control(pipes.root);
	for (const uint16_t port : {PF, VF}) {
		doca_flow_match match = {};
		doca_flow_match mask = {};
		match.parser_meta.port_id = port;
		mask.parser_meta.port_id = UINT16_MAX;
		match.parser_meta.outer_l3_ok = mask.parser_meta.outer_l3_ok = 1;
		match.outer.eth.type = rte_cpu_to_be_16(0x86dd);
		mask.outer.eth.type = UINT16_MAX;
		add_to_control(0, 1, pipes.root, &match, &mask, port == PF ? &from_wire : &from_vf);
	}
#else
	PipeOptions miss_options;
	miss_options.type = DOCA_FLOW_PIPE_CONTROL;
	pipes.miss = make(miss_options);
	const doca_flow_fwd miss = to_pipe(pipes.miss);
	const doca_flow_fwd per_entry = forward_of(DOCA_FLOW_FWD_CHANGEABLE);
	options.match.parser_meta.port_id = UINT16_MAX;
	options.match.parser_meta.outer_l3_ok = UINT8_MAX;
	options.match.parser_meta.outer_ip4_checksum_ok = UINT8_MAX;
	options.match.parser_meta.outer_l4_type = static_cast<doca_flow_l4_meta>(UINT32_MAX);
	options.match.outer.eth.type = UINT16_MAX;
	options.fwd = &per_entry;
	options.miss = &miss;
	pipes.root = make(options);
	for (const uint16_t port : {PF, VF}) {
		doca_flow_match match = {};
		match.parser_meta.port_id = port;
		match.parser_meta.outer_l3_ok = 1;
		// IPv6 has no checksum.
		match.parser_meta.outer_ip4_checksum_ok = 0;
		match.parser_meta.outer_l4_type = DOCA_FLOW_L4_META_UDP;
		match.outer.eth.type = rte_cpu_to_be_16(0x86dd);
		doca_flow_pipe_entry *entry;
		add(0, pipes.root, &match, nullptr, port == PF ? &from_wire : &from_vf, &entry);
	}
	fill_control(pipes.miss);
#endif
}

} // namespace application
