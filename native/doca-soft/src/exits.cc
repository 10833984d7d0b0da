#include "exits.h"

#include <algorithm>

#include "datapath.h"
#include "flow.h"
#include "fnv.h"

namespace soft {
namespace {

// Different forwards to RSS of all devices of one worker. Each entry's forward is compared with them.
constexpr size_t RSS_TARGETS_MAX = 1024;

// Adds the source, the destination or both, of `octets` each.
void add(Fnv &hash, const uint8_t *pair, uint32_t octets, uint8_t which)
{
	if ((which & RSS_SOURCE) != 0)
		hash.add(pair, octets);
	if ((which & RSS_DESTINATION) != 0)
		hash.add(pair + octets, octets);
}

} // namespace

uint16_t RssTarget::queue_for(Packet &packet) const
{
	if (queues.size() == 1)
		return queues[0];
	if (packet.stale)
		packet.parse();
	const bool inside = fields.inner && packet.inner_l3_type != L3_NONE;
	const uint8_t type = inside ? packet.inner_l3_type : packet.l3_type;
	const uint8_t addresses = type == L3_IPV4 ? fields.ip4 : fields.ip6;
	if (addresses == RSS_NONE || packet.l3_ok == 0)
		return queues[0];
	const int32_t ip = inside ? packet.inner : packet.l3;
	const int32_t end = inside ? packet.payload_end : packet.ip_end;
	if (addresses == RSS_BOTH && fields.udp == RSS_BOTH && fields.tcp == RSS_BOTH)
		return queues[flow_entropy(packet.frame, ip, end) % queues.size()];
	const FlowFields flow = flow_fields(packet.frame, ip, end);
	Fnv hash;
	add(hash, flow.addresses, flow.address_octets, addresses);
	if (flow.ports != nullptr)
		add(hash, flow.ports, 2, flow.protocol == PROTOCOL_UDP ? fields.udp : fields.tcp);
	return queues[(hash.value ^ hash.value >> 16) % queues.size()];
}

int Exits::position_of(uint16_t number) const
{
	const auto at = std::find_if(ports.begin(), ports.end(),
				     [number](const SwitchPort &port) { return port.number == number; });
	return at == ports.end() ? -1 : static_cast<int>(at - ports.begin());
}

SwitchPort &Exits::place_of(uint16_t number)
{
	const int position = position_of(number);
	if (position >= 0)
		return ports[static_cast<size_t>(position)];
	ports.push_back({});
	ports.back().number = number;
	return ports.back();
}

int Exits::position_of(const RssTarget &target)
{
	auto at = std::find(rss.begin(), rss.end(), target);
	if (at == rss.end())
		at = std::find_if(rss.begin(), rss.end(), [](const RssTarget &other) { return other.port == nullptr; });
	if (at == rss.end()) {
		if (rss.size() == RSS_TARGETS_MAX)
			return -1;
		at = rss.insert(at, RssTarget{});
	}
	*at = target;
	return static_cast<int>(at - rss.begin());
}

void Exits::close(const Datapath &datapath)
{
	for (SwitchPort &port : ports) {
		if (port.datapath == &datapath)
			port.datapath = nullptr;
	}
	for (RssTarget &target : rss) {
		if (target.port == &datapath.to_application)
			target = RssTarget{};
	}
}

} // namespace soft
