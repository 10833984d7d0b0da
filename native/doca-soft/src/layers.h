// Actions that give a packet other layers: a VLAN tag, another IP header.
#pragma once

#include "packet.h"

struct rte_mempool;

namespace soft {

constexpr uint32_t VLAN_TAG_OCTETS = 4;
// How many tags actions may put before one packet.
constexpr int32_t VLAN_TAGS_MAX = 2;

// Puts a tag, type and control information, before the packet's Ethernet type. Returns false, with the packet unchanged, without
// memory, for one tag too many, and for packets in a PSP envelope that is not sealed.
bool push_vlan(Packet &packet, const uint8_t *tag, rte_mempool *pool);

// Replaces an IP header of the family `from` by one of the other (RFC 7915, without its fragments and ICMP), IPv4 addresses being
// those of 64:ff9b::/96 (RFC 6052), or of IPv6 addresses the last 32 bits. Packets of the other family stay as they are. Returns
// false, with the packet unchanged, when it is no TCP or UDP, is a fragment, has extension headers, comes out too long or is in a
// PSP envelope that is not sealed, and without memory.
bool translate(Packet &packet, uint8_t from, rte_mempool *pool);

} // namespace soft
