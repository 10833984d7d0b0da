#include "flow.h"

#include "fnv.h"
#include "ip6_upper.h"

namespace soft {
namespace {

constexpr uint8_t PROTOCOL_SCTP = 132;

inline FlowFields read_flow(const uint8_t *frame, int32_t ip, int32_t end)
{
	const uint8_t *header = frame + ip;
	FlowFields fields{};
	int32_t ports_at;
	if (header[0] >> 4 == 4) {
		fields = {header + 12, 4, header[9], nullptr};
		ports_at = ip4_fragment(header) ? -1 : ip + (header[0] & 0x0f) * 4;
	} else {
		const UpperLayer layer = find_ip6_upper(frame, ip, end);
		fields = {header + 8, 16, layer.found ? layer.protocol : header[6], nullptr};
		ports_at = layer.found && !layer.fragment ? layer.offset : -1;
	}
	const bool has_ports = fields.protocol == PROTOCOL_TCP || fields.protocol == PROTOCOL_UDP ||
			       fields.protocol == PROTOCOL_SCTP;
	if (has_ports && ports_at >= 0 && ports_at + 4 <= end)
		fields.ports = frame + ports_at;
	return fields;
}

uint16_t entropy_of(const FlowFields &fields)
{
	constexpr uint32_t DYNAMIC_PORTS_START = 49152;
	Fnv hash;
	hash.add(fields.addresses, 2 * fields.address_octets);
	hash.add(&fields.protocol, 1);
	if (fields.ports != nullptr)
		hash.add(fields.ports, 4);
	return static_cast<uint16_t>(DYNAMIC_PORTS_START + ((hash.value ^ hash.value >> 16) & 0x3fff));
}

} // namespace

FlowFields flow_fields(const uint8_t *frame, int32_t ip, int32_t end)
{
	return read_flow(frame, ip, end);
}

uint16_t flow_entropy(const uint8_t *frame, int32_t ip, int32_t end)
{
	return entropy_of(read_flow(frame, ip, end));
}

uint16_t FlowPorts::port_of(const uint8_t *frame, int32_t ip, int32_t end)
{
	const FlowFields fields = read_flow(frame, ip, end);
	// The highest bit is never clear, so that the first packet is of another flow.
	uint64_t rest = uint64_t{1} << 63 | uint64_t{fields.protocol} << 32;
	if (fields.ports != nullptr)
		rest |= uint64_t{1} << 62 | load32(fields.ports);
	uint64_t addresses[4] = {};
	if (fields.address_octets == 4) {
		memcpy(addresses, fields.addresses, 8);
	} else {
		rest |= uint64_t{1} << 61;
		memcpy(addresses, fields.addresses, 32);
	}
	const uint64_t differs = (rest ^ rest_) | (addresses[0] ^ addresses_[0]) | (addresses[1] ^ addresses_[1]) |
				 (addresses[2] ^ addresses_[2]) | (addresses[3] ^ addresses_[3]);
	if (differs == 0)
		return port_;
	rest_ = rest;
	memcpy(addresses_, addresses, sizeof(addresses_));
	port_ = entropy_of(fields);
	return port_;
}

} // namespace soft
