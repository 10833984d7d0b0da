// What the datapath reads of packets: sums, and the flows that they are of.
#include <cstring>

#include "../src/flow.h"
#include "../src/packet.h"
#include "ip_frames.h"

using namespace ip_frames;

namespace {

void sums_are_of_pairs_of_octets()
{
	// From an odd place, too, and with a header's most octets, all ones.
	for (uint32_t octets = 0; octets <= 60; octets += 2) {
		Frame all_ones(octets + 1, 0xff);
		CHECK(soft::ones_sum(all_ones.data() + 1, octets) == (octets == 0 ? 0 : 0xffff));
		Frame counted(octets + 1);
		for (size_t i = 0; i < counted.size(); i++)
			counted[i] = static_cast<uint8_t>(37 * i + octets);
		CHECK(soft::ones_sum(counted.data() + 1, octets) == folded(sum_of(counted, 1, octets + 1)));
	}
}

uint16_t entropy_of(const Frame &frame)
{
	return soft::flow_entropy(frame.data(), 14, static_cast<int32_t>(frame.size()));
}

// Whatever packet came before, the port is that of the packet's own flow.
void ports_are_of_their_own_flow()
{
	std::vector<Frame> frames;
	for (const Frame &frame : {ip4(UDP), ip6(UDP)}) {
		frames.push_back(frame);
		const size_t addresses = is_ip6(frame) ? 22 : 26;
		const size_t octets = is_ip6(frame) ? 32 : 8;
		// Each octet of the addresses and ports, and the protocol.
		std::vector<size_t> places = {is_ip6(frame) ? size_t{20} : size_t{23}};
		for (size_t i = 0; i < octets; i++)
			places.push_back(addresses + i);
		for (size_t i = 0; i < 4; i++)
			places.push_back(l4_of(frame) + i);
		for (const size_t place : places) {
			frames.push_back(frame);
			frames.back()[place] ^= 0x80;
		}
		// What the first has in its ports, but of a protocol without ports.
		frames.push_back(frame);
		frames.back()[places[0]] = 47;
	}
	// Ports of zero are not the same as none, which fragments have.
	constexpr size_t MORE_FRAGMENTS = 20;
	for (const uint8_t flags : {0, 0x20}) {
		frames.push_back(ip4(UDP, 0));
		put(frames.back(), 36, 2, 0);
		frames.back()[MORE_FRAGMENTS] = flags;
	}
	for (const Frame &before : frames) {
		for (const Frame &frame : frames) {
			soft::FlowPorts ports;
			for (const Frame *one : {&before, &frame, &frame})
				CHECK(ports.port_of(one->data(), 14, static_cast<int32_t>(one->size())) == entropy_of(*one));
		}
	}
}

} // namespace

int main()
{
	sums_are_of_pairs_of_octets();
	ports_are_of_their_own_flow();
	puts("all is as it should be");
	return 0;
}
