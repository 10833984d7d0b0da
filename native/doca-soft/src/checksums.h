// Checksums that follow what actions write to headers.
#pragma once

#include "packet.h"

namespace soft {

// The sum of the 16-bit words of a header that octets [from, from + count) of it touch; `header` is where the words begin.
uint32_t words_sum(const uint8_t *header, uint32_t from, uint32_t count);

// Adapts the checksum at `at` to words that were written under it and had the sums `before`, now `after` (RFC 1624). What was wrong
// stays wrong.
void adapt_checksum(uint8_t *at, uint32_t before, uint32_t after);

// Adapts the IPv4 header's checksum.
void adapt_ip4_checksum(Packet &packet, uint32_t before, uint32_t after);
// Adapts the checksum of TCP, UDP or ICMPv6, if the packet has one; of fragments the first has.
void adapt_l4_checksum(Packet &packet, uint32_t before, uint32_t after);

} // namespace soft
