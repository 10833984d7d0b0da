// What the releases of DOCA Flow that the library presents have, for sources that serve all. Where a member or a constant is
// missing in one of them, a function here stands for it. Signatures that differ are in files of their own, side by side
// (flow_entry_up_to_3_2.cc, flow_entry_from_3_3.cc). Declarations that are missing in a release, such as those of the direction
// of pipes from 3.1 on, have their condition in the public headers and the same one around their definition.
#pragma once

#include <doca_flow.h>
#include <doca_version.h>

namespace soft {

//                                         | 2.9    | 2.10   | 3.0    | 3.1    | 3.2    | 3.3    |
// port number of a match has four octets  | yes    | yes    |        |        |        |        | fields.cc
// members of RSS stand in the forward     | yes    |        |        |        |        |        | rss_of, is_shared_rss
// devargs of a port are its number        | yes    | yes    |        |        |        |        | PORT_NUMBER_IN_DEVARGS
// a flow port without its device          | yes    | yes    | yes    |        |        |        | PORT_ID_IS_ENOUGH
// one RSS spreads IPv4 and IPv6, TCP, UDP | yes    | yes    | yes    |        |        |        | RSS_MIXES_FAMILIES
// RSS of a template left to entries       |        |        |        | yes    | yes    | yes    | is_rss_of_entries
// RSS by source or destination alone      |        |        |        | yes    | yes    | yes    | RSS_PARTS
// flags of matches, meta.mark             | yes    | yes    | yes    |        |        |        | fields.cc
// mirrors                                 | yes    | yes    | yes    | yes    |        |        | is_mirror, mirror_of
// ordered lists                           |        |        | yes    | yes    | yes    | yes    | HAS_ORDERED_LISTS
// hash pipes                              |        |        |        |        | yes    | yes    | HAS_HASH_PIPES, is_flooding
// secure domain's egress root             |        |        |        |        | yes    | yes    | HAS_SECURE_EGRESS_ROOT
// flags of actions                        | yes    | yes    | yes    | yes    | yes    |        | flags_of
// nr_entries of a pipe, by default        | hint   | hint   | hint   | hint   | limit  | limit  | NR_ENTRIES_IS_A_HINT
// ethdevs of representors run             |        |        |        | yes    | yes    | yes    | REPRESENTOR_PORTS_RUN
constexpr bool PORT_NUMBER_IN_DEVARGS = DOCA_SOFT_RELEASE_ < 300;
constexpr bool RSS_MIXES_FAMILIES = DOCA_SOFT_RELEASE_ < 301;
constexpr bool HAS_ORDERED_LISTS = DOCA_SOFT_RELEASE_ >= 300;
constexpr bool HAS_HASH_PIPES = DOCA_SOFT_RELEASE_ >= 302;
constexpr bool HAS_SECURE_EGRESS_ROOT = DOCA_SOFT_RELEASE_ >= 302;
// Whether a representor's flow port is known by its number alone.
constexpr bool PORT_ID_IS_ENOUGH = DOCA_SOFT_RELEASE_ < 301;
constexpr bool REPRESENTOR_PORTS_RUN = DOCA_SOFT_RELEASE_ >= 301;
constexpr bool NR_ENTRIES_IS_A_HINT = DOCA_SOFT_RELEASE_ < 302;
// As many entries more than its configuration says a pipe takes where that is a hint.
constexpr uint32_t MORE_ENTRIES_MAX = 16384;

#if DOCA_SOFT_RELEASE_ >= 301
constexpr uint32_t RSS_IPV4_SRC = DOCA_FLOW_RSS_IPV4_SRC;
constexpr uint32_t RSS_IPV4_DST = DOCA_FLOW_RSS_IPV4_DST;
constexpr uint32_t RSS_IPV6_SRC = DOCA_FLOW_RSS_IPV6_SRC;
constexpr uint32_t RSS_IPV6_DST = DOCA_FLOW_RSS_IPV6_DST;
constexpr uint32_t RSS_UDP_SRC = DOCA_FLOW_RSS_UDP_SRC;
constexpr uint32_t RSS_UDP_DST = DOCA_FLOW_RSS_UDP_DST;
constexpr uint32_t RSS_TCP_SRC = DOCA_FLOW_RSS_TCP_SRC;
constexpr uint32_t RSS_TCP_DST = DOCA_FLOW_RSS_TCP_DST;
#else
constexpr uint32_t RSS_IPV4_SRC = 0, RSS_IPV4_DST = 0, RSS_IPV6_SRC = 0, RSS_IPV6_DST = 0;
constexpr uint32_t RSS_UDP_SRC = 0, RSS_UDP_DST = 0, RSS_TCP_SRC = 0, RSS_TCP_DST = 0;
#endif
constexpr uint32_t RSS_PARTS = RSS_IPV4_SRC | RSS_IPV4_DST | RSS_IPV6_SRC | RSS_IPV6_DST | RSS_UDP_SRC | RSS_UDP_DST |
			       RSS_TCP_SRC | RSS_TCP_DST;

// Flags of entries of hash pipes and of ordered lists.
#if DOCA_SOFT_RELEASE_ < 303
using entry_flags_t = doca_flow_flags_type;
#else
using entry_flags_t = uint32_t;
#endif
#if DOCA_SOFT_RELEASE_ < 301
using list_flags_t = doca_flow_flags_type;
#else
using list_flags_t = uint32_t;
#endif

// Whether the format of an entropy has ports; and the protocol that it says by a type alone, or 0.
inline bool has_ports(const doca_flow_entropy_format &format)
{
#if DOCA_SOFT_RELEASE_ < 302
	return format.l4_type_ext != DOCA_FLOW_L4_TYPE_EXT_NONE;
#else
	return format.is_transport;
#endif
}
inline uint8_t protocol_by_type([[maybe_unused]] const doca_flow_entropy_format &format)
{
#if DOCA_SOFT_RELEASE_ < 302
	if (format.l4_type_ext == DOCA_FLOW_L4_TYPE_EXT_UDP)
		return DOCA_FLOW_PROTO_UDP;
	if (format.l4_type_ext == DOCA_FLOW_L4_TYPE_EXT_TCP)
		return DOCA_FLOW_PROTO_TCP;
#endif
	return 0;
}

// The number of types of shared resources: mirrors are one of eight up to 3.1.
constexpr int SHARED_RESOURCE_TYPES = DOCA_FLOW_SHARED_RESOURCE_IPSEC_SA + 1;

inline bool is_shared_rss([[maybe_unused]] const doca_flow_fwd &fwd)
{
#if DOCA_SOFT_RELEASE_ >= 210
	return fwd.rss_type != DOCA_FLOW_RESOURCE_TYPE_NON_SHARED;
#else
	return fwd.shared_rss_id != 0;
#endif
}

// The RSS of a forward that is not shared.
inline doca_flow_resource_rss_cfg rss_of(const doca_flow_fwd &fwd)
{
#if DOCA_SOFT_RELEASE_ >= 210
	return fwd.rss;
#else
	doca_flow_resource_rss_cfg rss{};
	rss.outer_flags = fwd.rss_outer_flags;
	rss.inner_flags = fwd.rss_inner_flags;
	rss.queues_array = fwd.rss_queues;
	rss.nr_queues = fwd.num_of_queues;
	rss.rss_hash_func = fwd.rss_hash_func;
	return rss;
#endif
}

// The number of the mirror that a monitor names; 0 without one.
inline uint32_t mirror_of([[maybe_unused]] const doca_flow_monitor &monitor)
{
#if DOCA_SOFT_RELEASE_ < 302
	return monitor.shared_mirror_id;
#else
	return 0;
#endif
}

// The flags of actions; 0 in releases whose actions have none.
inline uint32_t flags_of([[maybe_unused]] const doca_flow_actions &actions)
{
#if DOCA_SOFT_RELEASE_ < 303
	return actions.flags;
#else
	return 0;
#endif
}

// Whether a template's forward to RSS leaves queues and flags to entries.
inline bool is_rss_of_entries([[maybe_unused]] const doca_flow_fwd &fwd)
{
#if DOCA_SOFT_RELEASE_ >= 301
	return fwd.rss_type == DOCA_FLOW_RESOURCE_TYPE_NON_SHARED && fwd.rss.nr_queues == -1;
#else
	return false;
#endif
}

inline bool is_mirror([[maybe_unused]] doca_flow_shared_resource_type type)
{
#if DOCA_SOFT_RELEASE_ < 302
	return type == DOCA_FLOW_SHARED_RESOURCE_MIRROR;
#else
	return false;
#endif
}

// Whether a hash pipe of this algorithm hands each packet to all of its entries.
inline bool is_flooding([[maybe_unused]] uint32_t algorithm)
{
#if DOCA_SOFT_RELEASE_ >= 302
	return algorithm == DOCA_FLOW_PIPE_HASH_MAP_ALGORITHM_FLOODING;
#else
	return false;
#endif
}

} // namespace soft
