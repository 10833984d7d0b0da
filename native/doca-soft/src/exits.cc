#include "exits.h"

#include <algorithm>

#include "datapath.h"

namespace soft {
namespace {

// Different forwards to RSS of all devices of one worker. Each entry's forward is compared with them.
constexpr size_t RSS_TARGETS_MAX = 1024;

} // namespace

uint16_t RssTarget::queue_for(Packet &packet) const
{
	if (queues.size() == 1)
		return queues[0];
	if (packet.stale)
		packet.parse();
	const bool spread = packet.l3_type == L3_IPV4 ? ip4 : ip6;
	if (!spread || packet.l3_ok == 0)
		return queues[0];
	return queues[flow_entropy(packet.frame, packet.l3, packet.ip_end) % queues.size()];
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
