/* Packet headers in matches and actions. All doca_be fields are in network byte order. */
#ifndef DOCA_FLOW_NET_H_
#define DOCA_FLOW_NET_H_

#include <doca_compat.h>
#include <doca_types.h>

#ifdef __cplusplus
extern "C" {
#endif

#define DOCA_FLOW_ETHER_ADDR_LEN 6
#define DOCA_FLOW_ETHER_TYPE_IPV4 0x0800
#define DOCA_FLOW_ETHER_TYPE_IPV6 0x86DD
#define DOCA_FLOW_ETHER_TYPE_ARP 0x0806
#define DOCA_FLOW_ETHER_TYPE_VLAN 0x8100
#define DOCA_FLOW_ETHER_TYPE_QINQ 0x88A8
#define DOCA_FLOW_ETHER_TYPE_TEB 0x6558

#define DOCA_FLOW_PROTO_ICMP 1
#define DOCA_FLOW_PROTO_IPV4 4
#define DOCA_FLOW_PROTO_TCP 6
#define DOCA_FLOW_PROTO_UDP 17
#define DOCA_FLOW_PROTO_IPV6 41
#define DOCA_FLOW_PROTO_GRE 47
#define DOCA_FLOW_PROTO_ESP 50
#define DOCA_FLOW_PROTO_ICMP6 58

#define DOCA_FLOW_UDP_HEADER_LEN 8
#define DOCA_FLOW_ROCEV2_DEFAULT_PORT 4791
#define DOCA_FLOW_IB_BTH_DST_QP_LEN 3
#define DOCA_FLOW_IB_BTH_PSN_LEN 3
#define DOCA_FLOW_VLAN_MAX 2
#define DOCA_FLOW_GENEVE_OPTIONS_MAX_ 63
#define DOCA_FLOW_MPLS_LABELS_MAX_ 5

enum doca_flow_l3_type {
	DOCA_FLOW_L3_TYPE_NONE,
	DOCA_FLOW_L3_TYPE_IP4,
	DOCA_FLOW_L3_TYPE_IP6,
};

enum doca_flow_l4_type_ext {
	DOCA_FLOW_L4_TYPE_EXT_NONE,
	DOCA_FLOW_L4_TYPE_EXT_TCP,
	DOCA_FLOW_L4_TYPE_EXT_UDP,
	DOCA_FLOW_L4_TYPE_EXT_ICMP,
	DOCA_FLOW_L4_TYPE_EXT_ICMP6,
	DOCA_FLOW_L4_TYPE_EXT_TRANSPORT, /* soft: not supported */
	DOCA_FLOW_L4_TYPE_EXT_ROCE_V2,	 /* soft: not supported */
};

enum doca_flow_tun_type {
	DOCA_FLOW_TUN_NONE = 0,
	DOCA_FLOW_TUN_VXLAN,	  /* soft: not supported */
	DOCA_FLOW_TUN_GTPU,	  /* soft: not supported */
	DOCA_FLOW_TUN_GRE,	  /* soft: not supported */
	DOCA_FLOW_TUN_ESP,	  /* soft: not supported */
	DOCA_FLOW_TUN_MPLS_O_UDP, /* soft: not supported */
	DOCA_FLOW_TUN_GENEVE,	  /* soft: not supported */
	DOCA_FLOW_TUN_PSP,
	DOCA_FLOW_TUN_IP_IN_IP, /* soft: not supported */
	DOCA_FLOW_TUN_MAX,
};

enum doca_flow_l2_valid_header {
	DOCA_FLOW_L2_VALID_HEADER_VLAN_0 = 1,
	DOCA_FLOW_L2_VALID_HEADER_VLAN_1 = 2,
};

enum doca_flow_ip_fragment_flags {
	DOCA_FLOW_IP4_FLAG_MORE_FRAGMENTS = 1 << 13,
	DOCA_FLOW_IP4_FLAG_DONT_FRAGMENT = 1 << 14,
};

/* Unlike on the wire, the source comes before the destination. */
struct doca_flow_header_eth {
	uint8_t src_mac[DOCA_FLOW_ETHER_ADDR_LEN]; /* soft: match outer; set outer */
	uint8_t dst_mac[DOCA_FLOW_ETHER_ADDR_LEN]; /* soft: match outer; set outer */
	doca_be16_t type;			   /* soft: match outer */
};

struct doca_flow_header_eth_vlan {
	doca_be16_t tci;
};

struct doca_flow_header_ip4 {
	doca_be32_t src_ip; /* soft: match outer, inner; set outer */
	doca_be32_t dst_ip; /* soft: match outer, inner; set outer */
	uint8_t version_ihl;
	uint8_t dscp_ecn;		   /* soft: match outer; set outer */
	doca_be16_t total_len;		   /* soft: match outer */
	doca_be16_t identification;	   /* soft: match outer; set outer */
	doca_be16_t flags_fragment_offset; /* soft: match outer */
	uint8_t next_proto;		   /* soft: match outer, inner */
	uint8_t ttl;			   /* soft: match outer; set outer */
};

struct doca_flow_header_ip6 {
	doca_be32_t src_ip[4];	 /* soft: match outer, inner; set outer */
	doca_be32_t dst_ip[4];	 /* soft: match outer, inner; set outer */
	uint8_t traffic_class;	 /* soft: set outer */
	doca_be32_t flow_label;	 /* soft: set outer */
	doca_be16_t payload_len; /* soft: match outer */
	uint8_t next_proto;	 /* soft: match outer, inner */
	uint8_t hop_limit;	 /* soft: match outer; set outer */
};

struct doca_flow_header_l4_port {
	doca_be16_t src_port;
	doca_be16_t dst_port;
};

struct doca_flow_header_udp {
	struct doca_flow_header_l4_port l4_port; /* soft: match outer; set outer */
};

struct doca_flow_header_tcp {
	struct doca_flow_header_l4_port l4_port; /* soft: match outer; set outer */
	uint8_t data_offset;
	uint8_t flags;	     /* soft: match outer; set outer */
	doca_be32_t seq_num; /* soft: match outer; set outer */
	doca_be32_t ack_num; /* soft: match outer; set outer */
};

struct doca_flow_header_icmp {
	uint8_t type; /* soft: match outer */
	uint8_t code; /* soft: match outer */
	doca_be16_t ident;
};

/* The base transport header of InfiniBand. flags1: the request for an acknowledgment is its highest bit. */
struct doca_flow_header_ib_bth {
	uint8_t opcode;				      /* soft: match outer */
	uint8_t sempt;				      /* soft: match outer */
	doca_be16_t pkey;			      /* soft: match outer */
	uint8_t flags0;				      /* soft: match outer */
	uint8_t dest_qp[DOCA_FLOW_IB_BTH_DST_QP_LEN]; /* soft: match outer */
	uint8_t flags1;				      /* soft: match outer */
	uint8_t psn[DOCA_FLOW_IB_BTH_PSN_LEN];	      /* soft: match outer */
};

/* soft: of datagrams to port 4791 */
struct doca_flow_header_roce_v2 {
	struct doca_flow_header_udp udp;
	struct doca_flow_header_ib_bth bth;
};

struct doca_flow_header_mpls {
	doca_be32_t label;
};

struct doca_flow_header_geneve {
	uint8_t ver_opt_len;
	uint8_t o_c;
	doca_be16_t next_proto;
	doca_be32_t vni;
};

union doca_flow_geneve_option {
	doca_be32_t data;
};

/* As on the wire: 24 octets with the cookie. s_d_ver_v: S 0x80, D 0x40, version 0x3c, V 0x02, always-one 0x01. */
struct doca_flow_header_psp {
	uint8_t nexthdr;       /* soft: match */
	uint8_t hdrextlen;     /* soft: match */
	uint8_t res_cryptofst; /* soft: match */
	uint8_t s_d_ver_v;     /* soft: match; set */
	doca_be32_t spi;       /* soft: match */
	doca_be64_t iv;	       /* soft: match */
	doca_be64_t vc;	       /* soft: match */
};

struct doca_flow_header_format {
	struct doca_flow_header_eth eth;
	uint16_t l2_valid_headers;
	struct doca_flow_header_eth_vlan eth_vlan[DOCA_FLOW_VLAN_MAX];
	enum doca_flow_l3_type l3_type; /* soft: selector */
	union {
		struct doca_flow_header_ip4 ip4;
		struct doca_flow_header_ip6 ip6;
	};
	enum doca_flow_l4_type_ext l4_type_ext; /* soft: selector */
	union {
		struct doca_flow_header_icmp icmp;
		struct doca_flow_header_udp udp;
		struct doca_flow_header_tcp tcp;
		struct doca_flow_header_l4_port transport; /* soft: match outer */
		struct doca_flow_header_roce_v2 roce_v2;
	};
};

struct doca_flow_tun {
	enum doca_flow_tun_type type; /* soft: selector */
	union {
		struct {
			doca_be32_t vxlan_tun_id;
		};
		struct {
			doca_be32_t gre_key;
		};
		struct {
			doca_be32_t gtp_teid;
		};
		struct {
			doca_be32_t esp_spi;
			doca_be32_t esp_sn;
		};
		struct {
			struct doca_flow_header_mpls mpls[DOCA_FLOW_MPLS_LABELS_MAX_];
		};
		struct {
			struct doca_flow_header_geneve geneve;
			union doca_flow_geneve_option geneve_options[DOCA_FLOW_GENEVE_OPTIONS_MAX_];
		};
		struct {
			struct doca_flow_header_psp psp;
		};
	};
};

struct doca_flow_ip_addr {
	enum doca_flow_l3_type type;
	union {
		doca_be32_t ipv4_addr;
		doca_be32_t ipv6_addr[4];
	};
};

#ifdef __cplusplus
}
#endif

#endif
