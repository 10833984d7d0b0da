// The flow that an IP packet is of, and the UDP source port that stands for it outside of a tunnel.
#pragma once

#include <cstdint>

namespace soft {

// What makes a flow of the IP packet in frame[ip, end): its addresses, source before destination, and its protocol and ports.
struct FlowFields {
	const uint8_t *addresses;
	// Of each of the two.
	uint32_t address_octets;
	uint8_t protocol;
	// nullptr where there are none.
	const uint8_t *ports;
};
FlowFields flow_fields(const uint8_t *frame, int32_t ip, int32_t end);

// The UDP source port for the flow of the IP packet in frame[ip, end): 49152 to 65535.
uint16_t flow_entropy(const uint8_t *frame, int32_t ip, int32_t end);

// The same, for packets of which many follow another one of their flow: octet by octet the hash takes as long as a look-up.
class FlowPorts {
public:
	uint16_t port_of(const uint8_t *frame, int32_t ip, int32_t end);

private:
	// The fields of the packet before: its addresses, and all else.
	uint64_t addresses_[4] = {};
	uint64_t rest_ = 0;
	uint16_t port_ = 0;
};

} // namespace soft
