// Adds PSP headers to packets and removes them, in place when the buffer has room.
#pragma once

#include <doca_flow_crypto.h>

#include "flow.h"
#include "packet.h"

struct rte_mempool;

namespace soft {

// Octets of the IP header in a tunnel's header of this length, which is Ethernet, IP, UDP and PSP header; 0: none is so long. A PSP
// header is a multiple of 8 octets, whatever extension fields it has, so that the length tells the family.
uint32_t outer_ip_octets(uint32_t header_octets);

// Adds `header` to the packet, and room for the ICV after it. Computes lengths, the IPv4 checksum, the UDP source port and, in
// transport mode, the next header. Returns false, with the packet unchanged, when it is no IP packet of that family, is too long
// or, in transport mode, is a fragment. Replaces a buffer that is too small by one of `pool`.
bool encapsulate(Packet &packet, doca_flow_crypto_encap_net_type net_type, const uint8_t *header, uint32_t header_octets,
		 rte_mempool *pool, FlowPorts &flow_ports);

// Removes UDP header, PSP header and ICV. In tunnel mode `ethernet` is put before the inner IP header. Returns false, with the
// packet unchanged, when it was not decrypted or is not of that net type.
bool decapsulate(Packet &packet, doca_flow_crypto_encap_net_type net_type, const uint8_t *ethernet);

} // namespace soft
