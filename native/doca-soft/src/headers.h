// Putting PSP headers on packets and taking them off, in place where the buffer has room.
#pragma once

#include <doca_flow_crypto.h>

#include "packet.h"

struct rte_mempool;

namespace soft {

// Puts `header` on the packet, with room for the ICV behind it; computes lengths, IPv4 checksum, UDP source port and, in
// transport mode, the next header. False, and the packet is as it was, when it is no IP packet of that family, is too
// long or, in transport mode, a fragment. Buffers that are too small are replaced by ones of `pool`.
bool encapsulate(Packet &packet, doca_flow_crypto_encap_net_type net_type, const uint8_t *header, uint32_t header_octets,
		 rte_mempool *pool);

// Takes UDP, PSP header and ICV off; a tunnel's packet gets `ethernet` before its inner IP header. False, and the packet
// is as it was, when it was not decrypted or is not of that net type.
bool decapsulate(Packet &packet, doca_flow_crypto_encap_net_type net_type, const uint8_t *ethernet);

} // namespace soft
