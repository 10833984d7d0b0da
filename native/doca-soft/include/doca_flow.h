/*
 * DOCA Flow as the software DOCA presents it: names, types, enumerators and field order of the release that doca_version.h
 * names. Where the releases differ, a condition says so: from a release on ">= 302" (3.2), up to the one before it "< 302".
 *
 * doca_be fields are in network byte order; ids, sizes and queue numbers in the CPU's.
 */
#ifndef DOCA_FLOW_H_
#define DOCA_FLOW_H_

#include <stdio.h>

#include <doca_compat.h>
#include <doca_dev.h>
#include <doca_error.h>
#include <doca_flow_crypto.h>
#include <doca_flow_net.h>
#include <doca_types.h>
#include <doca_version.h>

#ifdef __cplusplus
extern "C" {
#endif

/* ---- Objects ---- */

struct doca_flow_cfg;
struct doca_flow_port_cfg;
struct doca_flow_pipe_cfg;
struct doca_flow_port;
struct doca_flow_pipe;
struct doca_flow_pipe_entry;
struct doca_flow_target;
struct doca_flow_definitions;
struct doca_flow_definitions_cfg;
struct doca_flow_parser;
#if DOCA_SOFT_RELEASE_ >= 301
struct doca_flow_tune_cfg;
#endif

/* ---- Enumerations ---- */

enum doca_flow_pipe_type {
	DOCA_FLOW_PIPE_BASIC = 0,
	DOCA_FLOW_PIPE_CONTROL = 1,
	DOCA_FLOW_PIPE_LPM = 2,		 /* soft: not supported */
	DOCA_FLOW_PIPE_CT = 3,		 /* soft: not supported */
	DOCA_FLOW_PIPE_ACL = 4,		 /* soft: not supported */
	DOCA_FLOW_PIPE_ORDERED_LIST = 5, /* soft: from 3.0 on */
	DOCA_FLOW_PIPE_HASH = 6,	 /* soft: from 3.2 on */
};

enum doca_flow_pipe_domain {
	DOCA_FLOW_PIPE_DOMAIN_DEFAULT = 0,
	DOCA_FLOW_PIPE_DOMAIN_SECURE_INGRESS = 1,
	DOCA_FLOW_PIPE_DOMAIN_EGRESS = 2,
	DOCA_FLOW_PIPE_DOMAIN_SECURE_EGRESS = 3,
};

enum doca_flow_fwd_type {
	DOCA_FLOW_FWD_NONE = 0,
	DOCA_FLOW_FWD_RSS = 1,
	DOCA_FLOW_FWD_PORT = 2,
	DOCA_FLOW_FWD_PIPE = 3,
	DOCA_FLOW_FWD_DROP = 4,
	DOCA_FLOW_FWD_TARGET = 5,	     /* soft: the packet is dropped: there is no kernel behind a port */
	DOCA_FLOW_FWD_ORDERED_LIST_PIPE = 6, /* soft: from 3.0 on */
	DOCA_FLOW_FWD_HASH_PIPE = 7,	     /* soft: from 3.2 on */
	DOCA_FLOW_FWD_CHANGEABLE = 100,
};

enum doca_flow_target_type {
	DOCA_FLOW_TARGET_KERNEL = 0,
};

#if DOCA_SOFT_RELEASE_ < 303
enum doca_flow_flags_type {
	DOCA_FLOW_NO_WAIT = 0,
	DOCA_FLOW_WAIT_FOR_BATCH = 1, /* soft: no effect: every operation is handed over at once */
};
#else
enum doca_flow_entry_flags {
	DOCA_FLOW_ENTRY_FLAGS_NO_WAIT = 1,
	DOCA_FLOW_ENTRY_FLAGS_WAIT_FOR_BATCH = 2, /* soft: no effect: every operation is handed over at once */
};

#define DOCA_FLOW_FLAGS_SET(flags, flag) ((flags) |= (flag))
#define DOCA_FLOW_FLAGS_UNSET(flags, flag) ((flags) &= ~(uint32_t)(flag))
#define DOCA_FLOW_FLAGS_IS_SET(flags, flag) (((flags) & (flag)) != 0)
#endif

enum doca_flow_entry_op {
	DOCA_FLOW_ENTRY_OP_ADD,
	DOCA_FLOW_ENTRY_OP_DEL,
	DOCA_FLOW_ENTRY_OP_UPD,
	DOCA_FLOW_ENTRY_OP_AGED,
};

enum doca_flow_entry_status {
	DOCA_FLOW_ENTRY_STATUS_IN_PROCESS,
	DOCA_FLOW_ENTRY_STATUS_SUCCESS,
	DOCA_FLOW_ENTRY_STATUS_ERROR,
};

enum doca_flow_pipe_op {
	DOCA_FLOW_PIPE_OP_CONGESTION_REACHED, /* soft: never reported */
	DOCA_FLOW_PIPE_OP_RESIZED,	      /* soft: never reported */
	DOCA_FLOW_PIPE_OP_DESTROYED,	      /* soft: never reported */
};

enum doca_flow_pipe_status {
	DOCA_FLOW_PIPE_STATUS_SUCCESS = 1,
	DOCA_FLOW_PIPE_STATUS_ERROR = 2,
};

#if DOCA_SOFT_RELEASE_ < 302
enum doca_flow_shared_resource_type {
	DOCA_FLOW_SHARED_RESOURCE_METER,
	DOCA_FLOW_SHARED_RESOURCE_COUNTER,
	DOCA_FLOW_SHARED_RESOURCE_RSS, /* soft: up to 1024, not those of ports */
	DOCA_FLOW_SHARED_RESOURCE_MIRROR,
	DOCA_FLOW_SHARED_RESOURCE_PSP,
	DOCA_FLOW_SHARED_RESOURCE_ENCAP,    /* soft: not supported */
	DOCA_FLOW_SHARED_RESOURCE_DECAP,    /* soft: not supported */
	DOCA_FLOW_SHARED_RESOURCE_IPSEC_SA, /* soft: not supported */
};
#else
enum doca_flow_shared_resource_type {
	DOCA_FLOW_SHARED_RESOURCE_METER,
	DOCA_FLOW_SHARED_RESOURCE_COUNTER,
	DOCA_FLOW_SHARED_RESOURCE_RSS, /* soft: up to 1024, not those of ports */
	DOCA_FLOW_SHARED_RESOURCE_PSP,
	DOCA_FLOW_SHARED_RESOURCE_ENCAP,    /* soft: not supported */
	DOCA_FLOW_SHARED_RESOURCE_DECAP,    /* soft: not supported */
	DOCA_FLOW_SHARED_RESOURCE_IPSEC_SA, /* soft: not supported */
};

enum doca_flow_resource {
	DOCA_FLOW_RESOURCE_METER,   /* soft: up to 1,048,576, of which 65,536 are shared */
	DOCA_FLOW_RESOURCE_COUNTER, /* soft: of shared ones, up to 1,048,576 */
	DOCA_FLOW_RESOURCE_RSS,	    /* soft: not supported */
	DOCA_FLOW_RESOURCE_PSP,
	DOCA_FLOW_RESOURCE_ENCAP,    /* soft: not supported */
	DOCA_FLOW_RESOURCE_DECAP,    /* soft: not supported */
	DOCA_FLOW_RESOURCE_IPSEC_SA, /* soft: not supported */
};

enum doca_flow_resource_mode {
	DOCA_FLOW_RESOURCE_MODE_SYSTEM = 0,
	DOCA_FLOW_RESOURCE_MODE_PORT = 1,
};

enum doca_flow_port_default_miss_type {
	DOCA_FLOW_PORT_DEFAULT_MISS_KERNEL = 0, /* soft: not supported */
	DOCA_FLOW_PORT_DEFAULT_MISS_RSS = 1,	/* soft: not supported */
	DOCA_FLOW_PORT_DEFAULT_MISS_DROP = 2,	/* soft: not supported */
};
#endif

#if DOCA_SOFT_RELEASE_ < 301
enum doca_flow_direction_info {
	DOCA_FLOW_DIRECTION_BIDIRECTIONAL,
	DOCA_FLOW_DIRECTION_NETWORK_TO_HOST,
	DOCA_FLOW_DIRECTION_HOST_TO_NETWORK,
};
#endif

enum doca_flow_resource_type {
	DOCA_FLOW_RESOURCE_TYPE_NONE,
	DOCA_FLOW_RESOURCE_TYPE_SHARED,
	DOCA_FLOW_RESOURCE_TYPE_NON_SHARED,
};

enum doca_flow_l2_meta {
	DOCA_FLOW_L2_META_NO_VLAN = 0,
	DOCA_FLOW_L2_META_MULTI_VLAN = 1,
	DOCA_FLOW_L2_META_SINGLE_VLAN = 2,
	DOCA_FLOW_L2_META_CUSTOM_VLAN = 3,
};

enum doca_flow_l3_meta {
	DOCA_FLOW_L3_META_NONE,
	DOCA_FLOW_L3_META_IPV4,
	DOCA_FLOW_L3_META_IPV6,
};

enum doca_flow_l4_meta {
	DOCA_FLOW_L4_META_NONE,
	DOCA_FLOW_L4_META_TCP,
	DOCA_FLOW_L4_META_UDP,
	DOCA_FLOW_L4_META_ICMP,
	DOCA_FLOW_L4_META_ESP,
};

enum doca_flow_meter_color {
	DOCA_FLOW_METER_COLOR_RED = 0,
	DOCA_FLOW_METER_COLOR_YELLOW = 1,
	DOCA_FLOW_METER_COLOR_GREEN = 2,
} __attribute__((packed));

enum doca_rss_type {
	DOCA_FLOW_RSS_IPV4 = 1 << 0,
	DOCA_FLOW_RSS_IPV6 = 1 << 1,
	DOCA_FLOW_RSS_UDP = 1 << 2, /* soft: no effect but beside flags of sources or destinations */
	DOCA_FLOW_RSS_TCP = 1 << 3, /* soft: no effect but beside flags of sources or destinations */
	DOCA_FLOW_RSS_ESP = 1 << 4, /* soft: not supported */
#if DOCA_SOFT_RELEASE_ >= 301
	DOCA_FLOW_RSS_IPV4_SRC = 1 << 5,
	DOCA_FLOW_RSS_IPV4_DST = 1 << 6,
	DOCA_FLOW_RSS_IPV6_SRC = 1 << 7,
	DOCA_FLOW_RSS_IPV6_DST = 1 << 8,
	DOCA_FLOW_RSS_UDP_SRC = 1 << 9,
	DOCA_FLOW_RSS_UDP_DST = 1 << 10,
	DOCA_FLOW_RSS_TCP_SRC = 1 << 11,
	DOCA_FLOW_RSS_TCP_DST = 1 << 12,
#endif
#if DOCA_SOFT_RELEASE_ >= 303
	DOCA_FLOW_RSS_AUTO = 1 << 30, /* soft: not supported */
#endif
};

enum doca_flow_rss_hash_function {
	DOCA_FLOW_RSS_HASH_FUNCTION_TOEPLITZ,
	DOCA_FLOW_RSS_HASH_FUNCTION_SYMMETRIC_TOEPLITZ, /* soft: not supported */
};

enum doca_flow_compare_op {
	DOCA_FLOW_COMPARE_EQ,
	DOCA_FLOW_COMPARE_NE,
	DOCA_FLOW_COMPARE_LT,
	DOCA_FLOW_COMPARE_LE,
	DOCA_FLOW_COMPARE_GT,
	DOCA_FLOW_COMPARE_GE,
};

enum doca_flow_action_type {
	DOCA_FLOW_ACTION_AUTO, /* soft: no effect: as an action without a descriptor */
	DOCA_FLOW_ACTION_ADD,  /* soft: modulo 2 to the width; without a source, of the value in the template's actions */
	DOCA_FLOW_ACTION_COPY, /* soft: of a field */
};

enum doca_flow_ordered_list_element_type {
	DOCA_FLOW_ORDERED_LIST_ELEMENT_ACTIONS, /* soft: from 3.0 on */
#if DOCA_SOFT_RELEASE_ < 300
	DOCA_FLOW_ORDERED_LIST_ELEMENT_ACTIONS_MASK, /* soft: not supported */
	DOCA_FLOW_ORDERED_LIST_ELEMENT_ACTION_DESCS, /* soft: not supported */
#endif
	DOCA_FLOW_ORDERED_LIST_ELEMENT_MONITOR, /* soft: from 3.0 on, of counters */
#if DOCA_SOFT_RELEASE_ >= 303
	DOCA_FLOW_ORDERED_LIST_ELEMENT_NAT64,
#endif
#if DOCA_SOFT_RELEASE_ >= 302
	DOCA_FLOW_ORDERED_LIST_ELEMENT_CRYPTO,
#endif
};

enum doca_flow_pipe_hash_map_algorithm {
	DOCA_FLOW_PIPE_HASH_MAP_ALGORITHM_HASH = 1,	   /* soft: not supported */
	DOCA_FLOW_PIPE_HASH_MAP_ALGORITHM_RANDOM = 2,	   /* soft: not supported */
	DOCA_FLOW_PIPE_HASH_MAP_ALGORITHM_IDENTITY = 4,	   /* soft: not supported */
	DOCA_FLOW_PIPE_HASH_MAP_ALGORITHM_ROUND_ROBIN = 8, /* soft: not supported */
	DOCA_FLOW_PIPE_HASH_MAP_ALGORITHM_FLOODING = 16,
	DOCA_FLOW_PIPE_HASH_MAP_ALGORITHM_SELECT_ENABLED = 32, /* soft: not supported */
};

enum doca_flow_port_operation_state {
	DOCA_FLOW_PORT_OPERATION_STATE_ACTIVE,
	DOCA_FLOW_PORT_OPERATION_STATE_ACTIVE_READY_TO_SWAP, /* soft: as ACTIVE, since a device has one program */
	DOCA_FLOW_PORT_OPERATION_STATE_STANDBY,		     /* soft: as ACTIVE, since a device has one program */
	DOCA_FLOW_PORT_OPERATION_STATE_UNCONNECTED,
};

enum doca_flow_meter_limit_type {
	DOCA_FLOW_METER_LIMIT_TYPE_BYTES,
	DOCA_FLOW_METER_LIMIT_TYPE_PACKETS,
};

enum doca_flow_meter_color_mode {
	DOCA_FLOW_METER_COLOR_MODE_BLIND,
	DOCA_FLOW_METER_COLOR_MODE_AWARE, /* soft: the colour before is meter_init_color, not an earlier meter's */
};

enum doca_flow_meter_algorithm_type {
	DOCA_FLOW_METER_ALGORITHM_TYPE_RFC2697,
	DOCA_FLOW_METER_ALGORITHM_TYPE_RFC2698,
	DOCA_FLOW_METER_ALGORITHM_TYPE_RFC4115,
};

#define DOCA_FLOW_META_SCRATCH_PAD_MAX 10
#define DOCA_FLOW_META_MAX 44
#define DOCA_FLOW_MAX_ENTRY_ACTIONS_MEM_SIZE 128

/* ---- Match ---- */

struct doca_flow_meta {
	doca_be32_t pkt_meta;				 /* soft: match; set */
	doca_be32_t u32[DOCA_FLOW_META_SCRATCH_PAD_MAX]; /* soft: match; set */
#if DOCA_SOFT_RELEASE_ < 301
	doca_be32_t mark;
#endif
};

struct doca_flow_parser_meta {
#if DOCA_SOFT_RELEASE_ < 300
	uint32_t port_meta; /* soft: match */
#else
	uint16_t port_id; /* soft: match */
#endif
	doca_be16_t random; /* soft: match */
	uint8_t ipsec_syndrome;
	uint8_t ipsec_ar_syndrome;
	uint8_t psp_syndrome;			/* soft: match */
	enum doca_flow_meter_color meter_color; /* soft: match */
	enum doca_flow_l2_meta outer_l2_type;
	enum doca_flow_l3_meta outer_l3_type; /* soft: match */
	enum doca_flow_l4_meta outer_l4_type; /* soft: match */
	enum doca_flow_l2_meta inner_l2_type;
	enum doca_flow_l3_meta inner_l3_type; /* soft: match */
	enum doca_flow_l4_meta inner_l4_type; /* soft: match */
	uint8_t outer_ip_fragmented;	      /* soft: match */
	uint8_t inner_ip_fragmented;
	uint8_t outer_l3_ok;	       /* soft: match */
	uint8_t outer_ip4_checksum_ok; /* soft: match */
	uint8_t outer_l4_ok;
	uint8_t outer_l4_checksum_ok;
	uint8_t inner_l3_ok;
	uint8_t inner_ip4_checksum_ok;
	uint8_t inner_l4_ok;
	uint8_t inner_l4_checksum_ok;
};

struct doca_flow_match {
#if DOCA_SOFT_RELEASE_ < 301
	uint32_t flags;
#endif
	struct doca_flow_meta meta;
	struct doca_flow_parser_meta parser_meta;
	struct doca_flow_header_format outer;
	struct doca_flow_tun tun;
	struct doca_flow_header_format inner;
};

/* field_string names a field ("parser_meta.random.value"); NULL stands for the value of the entry's match. */
struct doca_flow_desc_field {
	const char *field_string;
	uint32_t bit_offset;
};

/* `width` is in bits. */
struct doca_flow_match_condition {
	enum doca_flow_compare_op
		operation; /* soft: of up to 64 bits of a field with those of another one, or with the match's value */
	union {
		struct {
			struct doca_flow_desc_field a;
			struct doca_flow_desc_field b;
			uint32_t width;
		} field_op;
	};
};

/* ---- Actions ---- */

struct doca_flow_encap_action {
	struct doca_flow_header_format outer;
	struct doca_flow_tun tun;
};

struct doca_flow_resource_encap_cfg {
	bool is_l2;
	struct doca_flow_encap_action encap;
};

struct doca_flow_resource_decap_cfg {
	bool is_l2;
	struct doca_flow_header_eth eth;
	uint16_t l2_valid_headers;
	struct doca_flow_header_eth_vlan eth_vlan[DOCA_FLOW_VLAN_MAX];
};

enum doca_flow_push_action_type {
	DOCA_FLOW_PUSH_ACTION_VLAN,
};

/* `eth_type` is written before the tag. */
struct doca_flow_push_vlan_action {
	doca_be16_t eth_type;
	struct doca_flow_header_eth_vlan vlan_hdr;
};

struct doca_flow_push_action {
	enum doca_flow_push_action_type type;
	union {
		struct doca_flow_push_vlan_action vlan;
	};
};

struct doca_flow_nat64_action {
	enum doca_flow_l3_type original_l3_type;
};

struct doca_flow_actions {
#if DOCA_SOFT_RELEASE_ < 302
	uint8_t action_idx;
#endif
#if DOCA_SOFT_RELEASE_ < 303
	uint32_t flags; /* soft: not supported */
#endif
	enum doca_flow_resource_type decap_type; /* soft: not supported */
	union {
		struct doca_flow_resource_decap_cfg decap_cfg; /* soft: not supported */
		uint32_t shared_decap_id;		       /* soft: not supported */
	};
	bool pop_vlan; /* soft: not supported */
	struct doca_flow_meta meta;
	struct doca_flow_parser_meta parser_meta; /* soft: not supported */
	struct doca_flow_header_format outer;
	struct doca_flow_tun tun;
	enum doca_flow_resource_type encap_type; /* soft: not supported */
	union {
		struct doca_flow_resource_encap_cfg encap_cfg; /* soft: not supported */
		uint32_t shared_encap_id;		       /* soft: not supported */
	};
	bool has_push;			     /* soft: not together with has_crypto_encap */
	struct doca_flow_push_action push;   /* soft: of up to two tags; in a template a TCI of all ones is left to entries */
	struct doca_flow_nat64_action nat64; /* soft: of TCP and UDP that are no fragments */
	bool has_crypto_encap;
	struct doca_flow_crypto_encap_action crypto_encap; /* soft: only of PSP */
	struct doca_flow_crypto_action crypto;		   /* soft: only of PSP */
};

struct doca_flow_action_desc {
	enum doca_flow_action_type type;
	union {
		struct {
			struct doca_flow_desc_field src;
			struct doca_flow_desc_field dst;
			uint32_t width;
		} field_op;
	};
};

struct doca_flow_action_descs {
	uint8_t nb_action_desc;
	struct doca_flow_action_desc *desc_array;
};

/* ---- Forward and monitor ---- */

struct doca_flow_resource_rss_cfg {
	uint32_t outer_flags; /* soft: of IPV4, IPV6, UDP and TCP */
	uint32_t inner_flags; /* soft: as outer_flags, not beside them; without a tunnel of the packet's own headers */
	uint16_t *queues_array;
	int nr_queues;
	enum doca_flow_rss_hash_function rss_hash_func; /* soft: only TOEPLITZ; the hash is one of its own */
};

struct doca_flow_fwd {
	enum doca_flow_fwd_type type;
	union {
#if DOCA_SOFT_RELEASE_ < 210
		struct {
			uint32_t rss_outer_flags;
			uint32_t rss_inner_flags;
			uint16_t *rss_queues;
			int num_of_queues;
			uint32_t shared_rss_id; /* soft: as it is when the forward is given */
			enum doca_flow_rss_hash_function rss_hash_func;
		};
#else
		struct {
			enum doca_flow_resource_type rss_type;
			union {
				struct doca_flow_resource_rss_cfg rss;
				uint32_t shared_rss_id; /* soft: as it is when the forward is given */
			};
		};
#endif
		struct {
			uint16_t port_id;
		};
		struct {
			struct doca_flow_pipe *next_pipe;
		};
		struct {
			struct doca_flow_pipe *pipe;
			uint32_t idx;
		} ordered_list_pipe;
		struct {
			struct doca_flow_target *target;
		};
		struct {
			struct doca_flow_pipe *pipe;
			enum doca_flow_pipe_hash_map_algorithm algorithm;
		} hash_pipe;
	};
};

struct doca_flow_monitor {
	enum doca_flow_resource_type meter_type;
	union {
		struct {
			enum doca_flow_meter_limit_type limit_type;
			uint64_t cir;
			uint64_t cbs;
		} non_shared_meter;
		struct {
			uint32_t shared_meter_id;
			enum doca_flow_meter_color meter_init_color;
		} shared_meter;
	};
	enum doca_flow_resource_type counter_type;
	union {
		struct {
			uint32_t shared_counter_id;
		} shared_counter;
	};
#if DOCA_SOFT_RELEASE_ < 302
	uint32_t shared_mirror_id; /* soft: up to 65,535 */
#endif
	uint32_t aging_sec; /* soft: up to 262,144 entries of a port */
};

#if DOCA_SOFT_RELEASE_ >= 302
/* The contents of an ordered list's CRYPTO element. */
struct doca_flow_crypto {
	bool has_crypto_encap;
	struct doca_flow_crypto_encap_action crypto_encap;
	struct doca_flow_crypto_action crypto;
};
#endif

#if DOCA_SOFT_RELEASE_ >= 300
struct doca_flow_ordered_list_element {
	enum doca_flow_ordered_list_element_type type;
	union {
		struct {
			struct doca_flow_actions *actions;
			struct doca_flow_actions *actions_mask;
			struct doca_flow_action_descs *action_descs;
		};
		struct doca_flow_monitor *monitor;
#if DOCA_SOFT_RELEASE_ >= 303
		struct doca_flow_nat64_action *nat64;
#endif
#if DOCA_SOFT_RELEASE_ >= 302
		struct doca_flow_crypto *crypto;
#endif
	};
};
#endif

struct doca_flow_ordered_list {
	uint32_t idx;
	uint32_t size;
#if DOCA_SOFT_RELEASE_ < 300
	/* soft: not supported */
	const void **elements;
	enum doca_flow_ordered_list_element_type *types;
#else
	struct doca_flow_ordered_list_element *elements;
#endif
};

/* ---- Shared resources ---- */

struct doca_flow_resource_meter_cfg {
	enum doca_flow_meter_limit_type limit_type;
	enum doca_flow_meter_color_mode color_mode;
	enum doca_flow_meter_algorithm_type alg;
	uint64_t cir;
	uint64_t cbs;
	union {
		struct {
			uint64_t ebs;
		} rfc2697;
		struct {
			uint64_t pir;
			uint64_t pbs;
		} rfc2698;
		struct {
			uint64_t eir;
			uint64_t ebs;
		} rfc4115;
	};
};

struct doca_flow_resource_psp_cfg {
	struct doca_flow_crypto_key_cfg key_cfg;
};

#if DOCA_SOFT_RELEASE_ < 302
struct doca_flow_mirror_target {
	bool has_encap;			     /* soft: not supported */
	struct doca_flow_encap_action encap; /* soft: not supported */
	struct doca_flow_fwd fwd;
};

struct doca_flow_resource_mirror_cfg {
	int nr_targets;
	struct doca_flow_mirror_target *target;
	struct doca_flow_fwd fwd;
};
#endif

struct doca_flow_shared_resource_cfg {
#if DOCA_SOFT_RELEASE_ < 300
	enum doca_flow_pipe_domain domain;
#endif
	union {
		struct doca_flow_resource_meter_cfg meter_cfg;
		struct doca_flow_resource_rss_cfg rss_cfg;
		struct doca_flow_resource_psp_cfg psp_cfg;
#if DOCA_SOFT_RELEASE_ < 302
		struct doca_flow_resource_mirror_cfg mirror_cfg;
#endif
		struct doca_flow_resource_encap_cfg encap_cfg; /* soft: not supported */
		struct doca_flow_resource_decap_cfg decap_cfg; /* soft: not supported */
	};
};

struct doca_flow_resource_query {
	union {
		struct {
			uint64_t total_bytes;
			uint64_t total_pkts;
		} counter;
		struct {
			uint64_t current_sn;
		} ipsec_sa; /* soft: not supported */
	};
};

struct doca_flow_entropy_format {
	enum doca_flow_l3_type l3_type;
	union {
		struct doca_flow_header_ip4 ip4;
		struct doca_flow_header_ip6 ip6;
	};
#if DOCA_SOFT_RELEASE_ < 302
	enum doca_flow_l4_type_ext l4_type_ext;
#else
	bool is_transport;
#endif
	struct doca_flow_header_l4_port transport;
};

/* ---- Callbacks ---- */

typedef void (*doca_flow_entry_process_cb)(struct doca_flow_pipe_entry *entry, uint16_t pipe_queue,
					   enum doca_flow_entry_status status, enum doca_flow_entry_op op, void *user_ctx);
typedef void (*doca_flow_pipe_process_cb)(struct doca_flow_pipe *pipe, enum doca_flow_pipe_status status,
					  enum doca_flow_pipe_op op, void *user_ctx);
typedef void (*doca_flow_shared_resource_unbind_cb)(enum doca_flow_shared_resource_type type, uint32_t id, void *object);

/* ---- The library, once per process ---- */

DOCA_STABLE doca_error_t doca_flow_cfg_create(struct doca_flow_cfg **cfg);
DOCA_STABLE doca_error_t doca_flow_cfg_destroy(struct doca_flow_cfg *cfg);
DOCA_STABLE doca_error_t doca_flow_cfg_set_pipe_queues(struct doca_flow_cfg *cfg, uint16_t pipe_queues);
DOCA_STABLE doca_error_t doca_flow_cfg_set_queue_depth(struct doca_flow_cfg *cfg, uint32_t queue_depth);
/* soft: no effect */
DOCA_STABLE doca_error_t doca_flow_cfg_set_nr_counters(struct doca_flow_cfg *cfg, uint32_t nr_counters);
/* Of each port. */
/* soft: up to 1,048,576 */
DOCA_STABLE doca_error_t doca_flow_cfg_set_nr_meters(struct doca_flow_cfg *cfg, uint32_t nr_meters);
/* soft: `vnf`, or `switch` with or without `expert`; no effect of other words, and a log line for those that are unknown */
DOCA_STABLE doca_error_t doca_flow_cfg_set_mode_args(struct doca_flow_cfg *cfg, const char *mode_args);
/* soft: only PSP, COUNTER up to 1,048,576, METER and MIRROR up to 65,536 */
DOCA_STABLE doca_error_t doca_flow_cfg_set_nr_shared_resource(struct doca_flow_cfg *cfg, uint32_t nr_shared_resource,
							      enum doca_flow_shared_resource_type type);
DOCA_STABLE doca_error_t doca_flow_cfg_set_cb_entry_process(struct doca_flow_cfg *cfg, doca_flow_entry_process_cb cb);
/* soft: no effect */
DOCA_STABLE doca_error_t doca_flow_cfg_set_cb_pipe_process(struct doca_flow_cfg *cfg, doca_flow_pipe_process_cb cb);
/* soft: not supported */
DOCA_STABLE doca_error_t doca_flow_cfg_set_cb_shared_resource_unbind(struct doca_flow_cfg *cfg,
								     doca_flow_shared_resource_unbind_cb cb);
/* soft: not supported */
DOCA_STABLE doca_error_t doca_flow_cfg_set_rss_key(struct doca_flow_cfg *cfg, const uint8_t *rss_key, uint32_t rss_key_len);
DOCA_EXPERIMENTAL doca_error_t doca_flow_cfg_set_definitions(struct doca_flow_cfg *cfg,
							     const struct doca_flow_definitions *definitions);
#if DOCA_SOFT_RELEASE_ >= 301
/* soft: not supported */
DOCA_EXPERIMENTAL doca_error_t doca_flow_cfg_set_tune_cfg(struct doca_flow_cfg *cfg, struct doca_flow_tune_cfg *tune_cfg);
#endif
#if DOCA_SOFT_RELEASE_ < 302
/* soft: no effect */
DOCA_EXPERIMENTAL doca_error_t doca_flow_cfg_set_default_rss(struct doca_flow_cfg *cfg,
							     const struct doca_flow_resource_rss_cfg *rss);
#else
DOCA_EXPERIMENTAL doca_error_t doca_flow_cfg_set_resource_mode(struct doca_flow_cfg *cfg, enum doca_flow_resource_mode mode);
#endif
DOCA_EXPERIMENTAL doca_error_t doca_flow_init(struct doca_flow_cfg *cfg);
DOCA_STABLE void doca_flow_destroy(void);

/* ---- Ports ---- */

DOCA_STABLE doca_error_t doca_flow_port_cfg_create(struct doca_flow_port_cfg **cfg);
DOCA_STABLE doca_error_t doca_flow_port_cfg_destroy(struct doca_flow_port_cfg *cfg);
#if DOCA_SOFT_RELEASE_ >= 300
DOCA_EXPERIMENTAL doca_error_t doca_flow_port_cfg_set_port_id(struct doca_flow_port_cfg *cfg, uint16_t port_id);
#endif
/* soft: up to 2.10 the number of the port; no effect from 3.0 on */
DOCA_STABLE doca_error_t doca_flow_port_cfg_set_devargs(struct doca_flow_port_cfg *cfg, const char *devargs);
DOCA_EXPERIMENTAL doca_error_t doca_flow_port_cfg_set_dev(struct doca_flow_port_cfg *cfg, struct doca_dev *dev);
#if DOCA_SOFT_RELEASE_ >= 300
DOCA_EXPERIMENTAL doca_error_t doca_flow_port_cfg_set_dev_rep(struct doca_flow_port_cfg *cfg, struct doca_dev_rep *dev_rep);
#endif
#if DOCA_SOFT_RELEASE_ >= 210
/* The memory for modify and encapsulation data, in octets: a power of two, at least 64. */
/* soft: no effect */
DOCA_EXPERIMENTAL doca_error_t doca_flow_port_cfg_set_actions_mem_size(struct doca_flow_port_cfg *cfg, uint32_t size);
#endif
/* soft: of representors' ports without effect */
DOCA_EXPERIMENTAL doca_error_t doca_flow_port_cfg_set_operation_state(struct doca_flow_port_cfg *cfg,
								      enum doca_flow_port_operation_state state);
#if DOCA_SOFT_RELEASE_ < 303
/* soft: not supported */
DOCA_EXPERIMENTAL doca_error_t doca_flow_port_cfg_set_rss_cfg(struct doca_flow_port_cfg *cfg,
							      const struct doca_flow_resource_rss_cfg *rss);
#endif
DOCA_STABLE doca_error_t doca_flow_port_cfg_set_priv_data_size(struct doca_flow_port_cfg *cfg, uint16_t size);
/* soft: no effect */
DOCA_EXPERIMENTAL doca_error_t doca_flow_port_cfg_set_service_threads_core(struct doca_flow_port_cfg *cfg, uint32_t core);
/* soft: no effect */
DOCA_EXPERIMENTAL doca_error_t doca_flow_port_cfg_set_service_threads_cycle(struct doca_flow_port_cfg *cfg, uint32_t cycle);
#if DOCA_SOFT_RELEASE_ >= 302
/* soft: only PSP, METER, and COUNTER, which counts for shared ones only; no effect of RSS */
DOCA_EXPERIMENTAL doca_error_t doca_flow_port_cfg_set_nr_resources(struct doca_flow_port_cfg *cfg, enum doca_flow_resource type,
								   uint32_t nr_resources);
#endif
DOCA_EXPERIMENTAL doca_error_t doca_flow_port_start(const struct doca_flow_port_cfg *cfg, struct doca_flow_port **port);
DOCA_STABLE doca_error_t doca_flow_port_stop(struct doca_flow_port *port);
DOCA_STABLE uint8_t *doca_flow_port_priv_data(struct doca_flow_port *port);
/* soft: in mode `vnf`, where it has no effect */
DOCA_EXPERIMENTAL doca_error_t doca_flow_port_pair(struct doca_flow_port *port, struct doca_flow_port *pair);
DOCA_STABLE struct doca_flow_port *doca_flow_port_switch_get(const struct doca_flow_port *port);
DOCA_STABLE void doca_flow_port_pipes_flush(struct doca_flow_port *port);
#if DOCA_SOFT_RELEASE_ < 301
DOCA_EXPERIMENTAL void doca_flow_port_pipes_dump(struct doca_flow_port *port, FILE *file);
#endif
/* soft: not of representors' ports */
DOCA_EXPERIMENTAL doca_error_t doca_flow_port_operation_state_modify(struct doca_flow_port *port,
								     enum doca_flow_port_operation_state state);
DOCA_EXPERIMENTAL doca_error_t doca_flow_port_calc_entropy(struct doca_flow_port *port, struct doca_flow_entropy_format *header,
							   uint16_t *entropy);
#if DOCA_SOFT_RELEASE_ >= 302
/* soft: not supported */
DOCA_EXPERIMENTAL doca_error_t doca_flow_port_update_default_miss(struct doca_flow_port *port,
								  enum doca_flow_port_default_miss_type type, bool counter);
/* soft: not supported */
DOCA_EXPERIMENTAL doca_error_t doca_flow_port_query_default_miss(struct doca_flow_port *port,
								 struct doca_flow_resource_query *query);
#endif

/* ---- Pipes ---- */

DOCA_STABLE doca_error_t doca_flow_pipe_cfg_create(struct doca_flow_pipe_cfg **cfg, struct doca_flow_port *port);
DOCA_STABLE doca_error_t doca_flow_pipe_cfg_destroy(struct doca_flow_pipe_cfg *cfg);
DOCA_STABLE doca_error_t doca_flow_pipe_cfg_set_name(struct doca_flow_pipe_cfg *cfg, const char *name);
/* soft: no effect */
DOCA_EXPERIMENTAL doca_error_t doca_flow_pipe_cfg_set_label(struct doca_flow_pipe_cfg *cfg, const char *label);
DOCA_STABLE doca_error_t doca_flow_pipe_cfg_set_type(struct doca_flow_pipe_cfg *cfg, enum doca_flow_pipe_type type);
DOCA_STABLE doca_error_t doca_flow_pipe_cfg_set_domain(struct doca_flow_pipe_cfg *cfg, enum doca_flow_pipe_domain domain);
DOCA_STABLE doca_error_t doca_flow_pipe_cfg_set_is_root(struct doca_flow_pipe_cfg *cfg, bool is_root);
DOCA_STABLE doca_error_t doca_flow_pipe_cfg_set_nr_entries(struct doca_flow_pipe_cfg *cfg, uint32_t nr_entries);
/* soft: no effect for pipes other than BASIC */
DOCA_EXPERIMENTAL doca_error_t doca_flow_pipe_cfg_set_match(struct doca_flow_pipe_cfg *cfg, const struct doca_flow_match *match,
							    const struct doca_flow_match *match_mask);
/* soft: without descriptors; no effect for pipes other than BASIC */
DOCA_EXPERIMENTAL doca_error_t doca_flow_pipe_cfg_set_actions(struct doca_flow_pipe_cfg *cfg,
							      struct doca_flow_actions *const *actions,
							      struct doca_flow_actions *const *actions_masks,
							      struct doca_flow_action_descs *const *action_descs,
							      size_t nr_actions);
/* soft: no effect for CONTROL and HASH pipes; of ORDERED_LIST pipes only a counter of each entry's own */
DOCA_EXPERIMENTAL doca_error_t doca_flow_pipe_cfg_set_monitor(struct doca_flow_pipe_cfg *cfg,
							      const struct doca_flow_monitor *monitor);
/* soft: from 3.0 on */
DOCA_EXPERIMENTAL doca_error_t doca_flow_pipe_cfg_set_ordered_lists(struct doca_flow_pipe_cfg *cfg,
								    struct doca_flow_ordered_list *const *ordered_lists,
								    size_t nr_ordered_lists);
DOCA_EXPERIMENTAL doca_error_t doca_flow_pipe_cfg_set_miss_counter(struct doca_flow_pipe_cfg *cfg, bool enabled);
#if DOCA_SOFT_RELEASE_ < 301
/* soft: no effect */
DOCA_EXPERIMENTAL doca_error_t doca_flow_pipe_cfg_set_dir_info(struct doca_flow_pipe_cfg *cfg,
							       enum doca_flow_direction_info dir_info);
#endif
/* soft: no effect */
DOCA_EXPERIMENTAL doca_error_t doca_flow_pipe_cfg_set_excluded_queue(struct doca_flow_pipe_cfg *cfg, uint16_t queue);
/* soft: only false */
DOCA_STABLE doca_error_t doca_flow_pipe_cfg_set_is_resizable(struct doca_flow_pipe_cfg *cfg, bool is_resizable);
/* soft: no effect */
DOCA_STABLE doca_error_t doca_flow_pipe_cfg_set_congestion_level_threshold(struct doca_flow_pipe_cfg *cfg, uint8_t percent);
/* soft: no effect */
DOCA_STABLE doca_error_t doca_flow_pipe_cfg_set_user_ctx(struct doca_flow_pipe_cfg *cfg, void *user_ctx);
/* soft: only FLOODING, from 3.2 on */
DOCA_EXPERIMENTAL doca_error_t doca_flow_pipe_cfg_set_hash_map_algorithm(struct doca_flow_pipe_cfg *cfg, uint32_t flags);

/* soft: CONTROL pipes without a forward; no misses that are CHANGEABLE; no effect of the miss of ORDERED_LIST and HASH pipes */
DOCA_EXPERIMENTAL doca_error_t doca_flow_pipe_create(const struct doca_flow_pipe_cfg *cfg, const struct doca_flow_fwd *fwd,
						     const struct doca_flow_fwd *fwd_miss, struct doca_flow_pipe **pipe);
DOCA_STABLE void doca_flow_pipe_destroy(struct doca_flow_pipe *pipe);
/* soft: no misses that are CHANGEABLE */
DOCA_EXPERIMENTAL doca_error_t doca_flow_pipe_update_miss(struct doca_flow_pipe *pipe, const struct doca_flow_fwd *fwd_miss);
DOCA_EXPERIMENTAL void doca_flow_pipe_dump(struct doca_flow_pipe *pipe, FILE *file);
/* soft: not supported */
DOCA_EXPERIMENTAL doca_error_t doca_flow_pipe_calc_hash(struct doca_flow_pipe *pipe, const struct doca_flow_match *match,
							uint32_t *hash);
DOCA_EXPERIMENTAL doca_error_t doca_flow_get_target(enum doca_flow_target_type type, struct doca_flow_target **target);

/* ---- Entries ---- */

#if DOCA_SOFT_RELEASE_ < 302
DOCA_EXPERIMENTAL doca_error_t doca_flow_pipe_add_entry(uint16_t pipe_queue, struct doca_flow_pipe *pipe,
							const struct doca_flow_match *match,
							const struct doca_flow_actions *actions,
							const struct doca_flow_monitor *monitor, const struct doca_flow_fwd *fwd,
							uint32_t flags, void *user_ctx, struct doca_flow_pipe_entry **entry);
DOCA_EXPERIMENTAL doca_error_t doca_flow_pipe_update_entry(uint16_t pipe_queue, struct doca_flow_pipe *pipe,
							   const struct doca_flow_actions *actions,
							   const struct doca_flow_monitor *monitor,
							   const struct doca_flow_fwd *fwd, const enum doca_flow_flags_type flags,
							   struct doca_flow_pipe_entry *entry);
#elif DOCA_SOFT_RELEASE_ < 303
DOCA_EXPERIMENTAL doca_error_t doca_flow_pipe_add_entry(uint16_t pipe_queue, struct doca_flow_pipe *pipe,
							const struct doca_flow_match *match, uint8_t action_idx,
							const struct doca_flow_actions *actions,
							const struct doca_flow_monitor *monitor, const struct doca_flow_fwd *fwd,
							uint32_t flags, void *user_ctx, struct doca_flow_pipe_entry **entry);
DOCA_EXPERIMENTAL doca_error_t doca_flow_pipe_update_entry(uint16_t pipe_queue, struct doca_flow_pipe *pipe, uint8_t action_idx,
							   const struct doca_flow_actions *actions,
							   const struct doca_flow_monitor *monitor,
							   const struct doca_flow_fwd *fwd, const enum doca_flow_flags_type flags,
							   struct doca_flow_pipe_entry *entry);
#endif
#if DOCA_SOFT_RELEASE_ < 303
/* soft: without descriptors */
DOCA_EXPERIMENTAL doca_error_t doca_flow_pipe_control_add_entry(
	uint16_t pipe_queue, uint32_t priority, struct doca_flow_pipe *pipe, const struct doca_flow_match *match,
	const struct doca_flow_match *match_mask, const struct doca_flow_match_condition *condition,
	const struct doca_flow_actions *actions, const struct doca_flow_actions *actions_mask,
	const struct doca_flow_action_descs *action_descs, const struct doca_flow_monitor *monitor,
	const struct doca_flow_fwd *fwd, void *user_ctx, struct doca_flow_pipe_entry **entry);
/* soft: from 3.2 on, without actions and monitor */
DOCA_EXPERIMENTAL doca_error_t doca_flow_pipe_hash_add_entry(
	uint16_t pipe_queue, struct doca_flow_pipe *pipe, uint32_t entry_index,
#if DOCA_SOFT_RELEASE_ >= 302
	uint8_t action_idx,
#endif
	const struct doca_flow_actions *actions, const struct doca_flow_monitor *monitor, const struct doca_flow_fwd *fwd,
	const enum doca_flow_flags_type flags, void *user_ctx, struct doca_flow_pipe_entry **entry);
#else
DOCA_EXPERIMENTAL doca_error_t doca_flow_pipe_basic_add_entry(uint16_t pipe_queue, struct doca_flow_pipe *pipe,
							      const struct doca_flow_match *match, uint8_t action_idx,
							      const struct doca_flow_actions *actions,
							      const struct doca_flow_monitor *monitor,
							      const struct doca_flow_fwd *fwd, uint32_t flags, void *user_ctx,
							      struct doca_flow_pipe_entry **entry);
DOCA_EXPERIMENTAL doca_error_t doca_flow_pipe_basic_update_entry(uint16_t pipe_queue, struct doca_flow_pipe *pipe,
								 uint8_t action_idx, const struct doca_flow_actions *actions,
								 const struct doca_flow_monitor *monitor,
								 const struct doca_flow_fwd *fwd, uint32_t flags,
								 struct doca_flow_pipe_entry *entry);
/* soft: without descriptors */
DOCA_EXPERIMENTAL doca_error_t doca_flow_pipe_control_add_entry(
	uint16_t pipe_queue, struct doca_flow_pipe *pipe, const struct doca_flow_match *match,
	const struct doca_flow_match *match_mask, const struct doca_flow_match_condition *condition,
	const struct doca_flow_actions *actions, const struct doca_flow_actions *actions_mask,
	const struct doca_flow_action_descs *action_descs, const struct doca_flow_monitor *monitor, uint32_t priority,
	const struct doca_flow_fwd *fwd, void *user_ctx, struct doca_flow_pipe_entry **entry);
/* soft: from 3.2 on, without actions and monitor */
DOCA_EXPERIMENTAL doca_error_t doca_flow_pipe_hash_add_entry(uint16_t pipe_queue, struct doca_flow_pipe *pipe,
							     uint32_t entry_index, uint8_t action_idx,
							     const struct doca_flow_actions *actions,
							     const struct doca_flow_monitor *monitor,
							     const struct doca_flow_fwd *fwd, uint32_t flags, void *user_ctx,
							     struct doca_flow_pipe_entry **entry);
#endif
/* soft: from 3.0 on */
DOCA_EXPERIMENTAL doca_error_t doca_flow_pipe_ordered_list_add_entry(uint16_t pipe_queue, struct doca_flow_pipe *pipe,
								     uint32_t idx,
								     const struct doca_flow_ordered_list *ordered_list,
								     const struct doca_flow_fwd *fwd,
#if DOCA_SOFT_RELEASE_ < 301
								     enum doca_flow_flags_type flags,
#else
								     uint32_t flags,
#endif
								     void *user_ctx, struct doca_flow_pipe_entry **entry);
DOCA_STABLE doca_error_t doca_flow_pipe_remove_entry(uint16_t pipe_queue, uint32_t flags, struct doca_flow_pipe_entry *entry);
/* `timeout` is in microseconds; 0 polls once. */
DOCA_STABLE doca_error_t doca_flow_entries_process(struct doca_flow_port *port, uint16_t pipe_queue, uint64_t timeout,
						   uint32_t max_processed_entries);
DOCA_STABLE enum doca_flow_entry_status doca_flow_pipe_entry_get_status(const struct doca_flow_pipe_entry *entry);
/*
 * Tells of entries that have aged by the entry callback, with DOCA_FLOW_ENTRY_OP_AGED. `quota` is in microseconds; 0 has some entries
 * looked at. `max_entries`: 0 is as many as the queue has room for operations. Returns how many it has told of; else -1 when all have
 * been looked at, 0 when not yet.
 */
DOCA_STABLE int doca_flow_aging_handle(struct doca_flow_port *port, uint16_t queue, uint64_t quota, uint64_t max_entries);

/* ---- Shared resources and queries ---- */

/* soft: only PSP, COUNTER, METER and MIRROR */
DOCA_EXPERIMENTAL doca_error_t doca_flow_shared_resource_set_cfg(enum doca_flow_shared_resource_type type, uint32_t id,
								 struct doca_flow_shared_resource_cfg *cfg);
/* soft: only PSP, COUNTER, METER and MIRROR */
DOCA_STABLE doca_error_t doca_flow_shared_resources_bind(enum doca_flow_shared_resource_type type, uint32_t *ids, uint32_t count,
							 void *bindable);
/* soft: only COUNTER */
DOCA_EXPERIMENTAL doca_error_t doca_flow_shared_resources_query(enum doca_flow_shared_resource_type type, uint32_t *ids,
								struct doca_flow_resource_query *queries, uint32_t count);
#if DOCA_SOFT_RELEASE_ >= 302
/* soft: only PSP, COUNTER and METER */
DOCA_EXPERIMENTAL doca_error_t doca_flow_port_shared_resource_get(struct doca_flow_port *port,
								  enum doca_flow_shared_resource_type type, uint32_t *id);
/* soft: only PSP, COUNTER and METER */
DOCA_EXPERIMENTAL doca_error_t doca_flow_port_shared_resource_put(struct doca_flow_port *port,
								  enum doca_flow_shared_resource_type type, uint32_t id);
/* soft: only PSP, COUNTER and METER */
DOCA_EXPERIMENTAL doca_error_t doca_flow_port_shared_resource_set_cfg(struct doca_flow_port *port,
								      enum doca_flow_shared_resource_type type, uint32_t id,
								      struct doca_flow_shared_resource_cfg *cfg);
/* soft: only COUNTER */
DOCA_EXPERIMENTAL doca_error_t doca_flow_port_shared_resources_query(struct doca_flow_port *port,
								     enum doca_flow_shared_resource_type type, uint32_t *ids,
								     struct doca_flow_resource_query *queries, uint32_t count);
#endif
DOCA_EXPERIMENTAL doca_error_t doca_flow_resource_query_entry(struct doca_flow_pipe_entry *entry,
							      struct doca_flow_resource_query *query);
DOCA_EXPERIMENTAL doca_error_t doca_flow_resource_query_pipe_miss(struct doca_flow_pipe *pipe,
								  struct doca_flow_resource_query *query);

#if DOCA_SOFT_RELEASE_ >= 301
/* ---- Tuning, which is not supported ---- */

enum doca_flow_tune_profile {
	DOCA_FLOW_TUNE_PROFILE_NONE = 0,
	DOCA_FLOW_TUNE_PROFILE_PIPELINE = 30,
	DOCA_FLOW_TUNE_PROFILE_FULL = 60,
};

/* soft: not supported */
DOCA_EXPERIMENTAL doca_error_t doca_flow_tune_cfg_create(struct doca_flow_tune_cfg **cfg);
/* soft: not supported */
DOCA_EXPERIMENTAL doca_error_t doca_flow_tune_cfg_destroy(struct doca_flow_tune_cfg *cfg);
/* soft: not supported */
DOCA_EXPERIMENTAL doca_error_t doca_flow_tune_cfg_set_profile(struct doca_flow_tune_cfg *cfg,
							      enum doca_flow_tune_profile profile);
#endif

#ifdef __cplusplus
}
#endif

#endif
