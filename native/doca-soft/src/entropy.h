// The entropy of a flow as a device computes it for doca_flow_port_calc_entropy.
#pragma once

#include <cstdint>

namespace soft {

// What it is computed from, in this order and in network byte order. An IPv4 address stands in the last four octets.
struct EntropyFields {
	uint8_t destination[16];
	uint8_t source[16];
	uint8_t protocol;
	uint8_t destination_port[2];
	uint8_t source_port[2];
};

// From 49152 to 65535.
uint16_t device_entropy(const EntropyFields &fields);

} // namespace soft
