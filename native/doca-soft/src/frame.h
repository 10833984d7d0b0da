// A packet's frame in its buffer, for what makes it longer or shorter.
#pragma once

#include "packet.h"

struct rte_mempool;

namespace soft {

// To be called when the frame begins or ends elsewhere in the buffer.
void set_frame(Packet &packet, uint8_t *frame, int32_t octets);

// Makes room before and after the first `end` octets of the frame, which are kept. Replaces a buffer that is too small, or has other
// users, by one of `pool`. Returns false without memory.
bool make_room(Packet &packet, int32_t before, int32_t end, int32_t behind, rte_mempool *pool);

} // namespace soft
