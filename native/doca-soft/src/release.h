// What the releases of DOCA Flow that the library presents have, for sources that serve both. Where a member or a constant is
// missing in one of them, a function here stands for it. Signatures that differ are in files of their own, side by side
// (flow_entry_3_1.cc, flow_entry_3_3.cc).
#pragma once

#include <doca_flow.h>
#include <doca_version.h>

namespace soft {

//                                  | to 3.0 | 3.1    | 3.2    | 3.3    |
// mirrors                          | yes    | yes    |        |        | is_mirror, mirror_of
// ordered lists, hash pipes        |        |        | yes    | yes    | HAS_INDEXED_PIPES, is_flooding
// secure domain's egress root      |        |        | yes    | yes    | HAS_SECURE_EGRESS_ROOT
// flags of actions                 | yes    | yes    |        |        | flags_of
// nr_entries of a pipe             | hint   | hint   | limit  | limit  | NR_ENTRIES_IS_A_HINT
// control entries, by default      | inside | inside | inside | queued | CONTROL_ENTRIES_COMPLETE_INSIDE
// RSS of a template left to entries|        | yes    | yes    | yes    | is_rss_of_entries
// a flow port without its device   | yes    |        |        |        | PORT_ID_IS_ENOUGH
constexpr bool HAS_INDEXED_PIPES = DOCA_SOFT_RELEASE_ >= 302;
constexpr bool HAS_SECURE_EGRESS_ROOT = DOCA_SOFT_RELEASE_ >= 302;
constexpr bool CONTROL_ENTRIES_COMPLETE_INSIDE = DOCA_SOFT_RELEASE_ < 303;
// Whether a representor's flow port is known by its number alone.
constexpr bool PORT_ID_IS_ENOUGH = DOCA_SOFT_RELEASE_ < 301;
constexpr bool NR_ENTRIES_IS_A_HINT = DOCA_SOFT_RELEASE_ < 302;
// As many entries more than its configuration says a pipe takes where that is a hint.
constexpr uint32_t MORE_ENTRIES_MAX = 16384;

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
#if DOCA_SOFT_RELEASE_ < 302
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
