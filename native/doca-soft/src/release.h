// What the releases of DOCA Flow that the library presents have, for sources that serve both. Where a member or a constant is
// missing in one of them, a function here stands for it. Signatures that differ are in files of their own, side by side
// (flow_entry_3_1.cc, flow_entry_3_3.cc).
#pragma once

#include <doca_flow.h>
#include <doca_version.h>

namespace soft {

//                             | 3.1 | 3.3 |
// mirrors                     | yes |     | is_mirror, mirror_of
// ordered lists, hash pipes   |     | yes | HAS_INDEXED_PIPES, is_flooding
// secure domain's egress root |     | yes | HAS_SECURE_EGRESS_ROOT
// flags of actions            | yes |     | flags_of
constexpr bool HAS_INDEXED_PIPES = DOCA_SOFT_RELEASE_ >= 302;
constexpr bool HAS_SECURE_EGRESS_ROOT = DOCA_SOFT_RELEASE_ >= 302;

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
