#include "frame.h"

#include <rte_mbuf.h>

namespace soft {

void set_frame(Packet &packet, uint8_t *frame, int32_t octets)
{
	rte_mbuf *mbuf = packet.mbuf;
	mbuf->data_off = static_cast<uint16_t>(frame - static_cast<uint8_t *>(mbuf->buf_addr));
	mbuf->data_len = static_cast<uint16_t>(octets);
	mbuf->pkt_len = static_cast<uint32_t>(octets);
	packet.replace_frame(frame, static_cast<uint32_t>(octets));
}

bool make_room(Packet &packet, int32_t before, int32_t end, int32_t behind, rte_mempool *pool)
{
	rte_mbuf *mbuf = packet.mbuf;
	const auto *buffer = static_cast<uint8_t *>(mbuf->buf_addr);
	if (packet.frame - buffer >= before && packet.frame + end + behind <= buffer + mbuf->buf_len &&
	    rte_mbuf_refcnt_read(mbuf) == 1)
		return true;
	rte_mbuf *larger = rte_pktmbuf_alloc(pool);
	if (larger == nullptr)
		return false;
	if (before + end + behind > larger->buf_len) {
		rte_pktmbuf_free(larger);
		return false;
	}
	larger->data_off = static_cast<uint16_t>(before);
	uint8_t *frame = static_cast<uint8_t *>(larger->buf_addr) + before;
	memcpy(frame, packet.frame, static_cast<size_t>(end));
	rte_pktmbuf_free(mbuf);
	packet.mbuf = larger;
	packet.move_frame(frame);
	return true;
}

} // namespace soft
