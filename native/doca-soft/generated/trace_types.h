// Made of the headers by `npm run docs` (scripts/soft-trace.mjs).
// clang-format off
#pragma once

#include <doca_version.h>

#include "../src/trace_types.h"

#pragma GCC visibility push(default)
namespace soft::trace {

extern const Enumeration enum_doca_argp_type;
extern const Enumeration enum_doca_ctx_states;
extern const Enumeration enum_doca_pci_func_type;
extern const Enumeration enum_doca_devinfo_rep_filter;
extern const Enumeration enum_doca_error;
extern const Enumeration enum_doca_flow_pipe_type;
extern const Enumeration enum_doca_flow_pipe_domain;
extern const Enumeration enum_doca_flow_fwd_type;
extern const Enumeration enum_doca_flow_target_type;
#if DOCA_SOFT_RELEASE_ < 303
extern const Enumeration enum_doca_flow_flags_type;
#endif
extern const Enumeration enum_doca_flow_entry_op;
extern const Enumeration enum_doca_flow_entry_status;
extern const Enumeration enum_doca_flow_pipe_op;
extern const Enumeration enum_doca_flow_pipe_status;
extern const Enumeration enum_doca_flow_shared_resource_type;
#if DOCA_SOFT_RELEASE_ < 301
extern const Enumeration enum_doca_flow_direction_info;
#endif
extern const Enumeration enum_doca_flow_resource_type;
extern const Enumeration enum_doca_flow_l2_meta;
extern const Enumeration enum_doca_flow_l3_meta;
extern const Enumeration enum_doca_flow_l4_meta;
extern const Enumeration enum_doca_flow_meter_color;
extern const Enumeration enum_doca_rss_type;
extern const Enumeration enum_doca_flow_rss_hash_function;
extern const Enumeration enum_doca_flow_compare_op;
extern const Enumeration enum_doca_flow_action_type;
extern const Enumeration enum_doca_flow_ordered_list_element_type;
extern const Enumeration enum_doca_flow_pipe_hash_map_algorithm;
extern const Enumeration enum_doca_flow_port_operation_state;
extern const Enumeration enum_doca_flow_meter_limit_type;
extern const Enumeration enum_doca_flow_meter_color_mode;
extern const Enumeration enum_doca_flow_meter_algorithm_type;
extern const Structure struct_doca_flow_meta;
extern const Structure struct_doca_flow_parser_meta;
extern const Structure struct_doca_flow_match;
extern const Structure struct_doca_flow_desc_field;
extern const Structure struct_doca_flow_match_condition;
extern const Structure struct_doca_flow_encap_action;
extern const Structure struct_doca_flow_resource_encap_cfg;
extern const Structure struct_doca_flow_resource_decap_cfg;
extern const Enumeration enum_doca_flow_push_action_type;
extern const Structure struct_doca_flow_push_vlan_action;
extern const Structure struct_doca_flow_push_action;
extern const Structure struct_doca_flow_nat64_action;
extern const Structure struct_doca_flow_actions;
extern const Structure struct_doca_flow_action_desc;
extern const Structure struct_doca_flow_action_descs;
extern const Structure struct_doca_flow_resource_rss_cfg;
extern const Structure struct_doca_flow_fwd;
extern const Structure struct_doca_flow_monitor;
extern const Structure struct_doca_flow_ordered_list;
extern const Structure struct_doca_flow_resource_meter_cfg;
extern const Structure struct_doca_flow_resource_psp_cfg;
#if DOCA_SOFT_RELEASE_ < 302
extern const Structure struct_doca_flow_mirror_target;
#endif
#if DOCA_SOFT_RELEASE_ < 302
extern const Structure struct_doca_flow_resource_mirror_cfg;
#endif
extern const Structure struct_doca_flow_shared_resource_cfg;
extern const Structure struct_doca_flow_resource_query;
extern const Structure struct_doca_flow_entropy_format;
extern const Enumeration enum_doca_flow_crypto_resource_type;
extern const Enumeration enum_doca_flow_crypto_action_type;
extern const Enumeration enum_doca_flow_crypto_encap_action_type;
extern const Enumeration enum_doca_flow_crypto_encap_net_type;
extern const Enumeration enum_doca_flow_crypto_key_type;
extern const Enumeration enum_doca_flow_crypto_icv_len;
extern const Enumeration enum_doca_flow_crypto_syndrome;
extern const Structure struct_doca_flow_crypto_key_cfg;
extern const Structure struct_doca_flow_crypto_encap_action;
extern const Structure struct_doca_flow_crypto_action;
extern const Enumeration enum_doca_flow_l3_type;
extern const Enumeration enum_doca_flow_l4_type_ext;
extern const Enumeration enum_doca_flow_tun_type;
extern const Enumeration enum_doca_flow_l2_valid_header;
extern const Enumeration enum_doca_flow_ip_fragment_flags;
extern const Structure struct_doca_flow_header_eth;
extern const Structure struct_doca_flow_header_eth_vlan;
extern const Structure struct_doca_flow_header_ip4;
extern const Structure struct_doca_flow_header_ip6;
extern const Structure struct_doca_flow_header_l4_port;
extern const Structure struct_doca_flow_header_udp;
extern const Structure struct_doca_flow_header_tcp;
extern const Structure struct_doca_flow_header_icmp;
extern const Structure struct_doca_flow_header_ib_bth;
extern const Structure struct_doca_flow_header_roce_v2;
extern const Structure struct_doca_flow_header_mpls;
extern const Structure struct_doca_flow_header_geneve;
extern const Structure struct_doca_flow_header_psp;
extern const Structure struct_doca_flow_header_format;
extern const Structure struct_doca_flow_tun;
extern const Structure struct_doca_flow_ip_addr;
extern const Enumeration enum_doca_log_level;
extern const Structure struct_doca_soft_set_up;
extern const Enumeration enum_doca_access_flag;
#if DOCA_SOFT_RELEASE_ >= 300
extern const Structure struct_doca_flow_ordered_list_element;
#endif
#if DOCA_SOFT_RELEASE_ >= 301
extern const Structure struct_doca_argp_device_ctx;
#endif
#if DOCA_SOFT_RELEASE_ >= 301
extern const Structure struct_doca_argp_device_rep_ctx;
#endif
#if DOCA_SOFT_RELEASE_ >= 301
extern const Enumeration enum_doca_flow_tune_profile;
#endif
#if DOCA_SOFT_RELEASE_ >= 302
extern const Enumeration enum_doca_flow_resource;
#endif
#if DOCA_SOFT_RELEASE_ >= 302
extern const Enumeration enum_doca_flow_resource_mode;
#endif
#if DOCA_SOFT_RELEASE_ >= 302
extern const Enumeration enum_doca_flow_port_default_miss_type;
#endif
#if DOCA_SOFT_RELEASE_ >= 302
extern const Structure struct_doca_flow_crypto;
#endif
#if DOCA_SOFT_RELEASE_ >= 303
extern const Enumeration enum_doca_flow_entry_flags;
#endif

} // namespace soft::trace
#pragma GCC visibility pop
