// Arbitrary octets as a frame, in a buffer of just that size: the parser, and every field that it says is there.
#include <cstdlib>
#include <memory>

#include "../src/fields.h"
#include "../src/flow.h"
#include "../src/packet.h"

using namespace soft;

namespace {

// All fields that a match can name, by the selectors of its unions.
std::vector<MatchField> all_fields()
{
	std::vector<MatchField> fields;
	for (const auto l3 : {DOCA_FLOW_L3_TYPE_IP4, DOCA_FLOW_L3_TYPE_IP6}) {
		for (const auto l4 : {DOCA_FLOW_L4_TYPE_EXT_UDP, DOCA_FLOW_L4_TYPE_EXT_TCP, DOCA_FLOW_L4_TYPE_EXT_ICMP}) {
			doca_flow_match match;
			doca_flow_match mask;
			memset(static_cast<void *>(&match), 0, sizeof(match));
			memset(static_cast<void *>(&mask), 0xff, sizeof(mask));
			match.outer.l3_type = match.inner.l3_type = l3;
			match.outer.l4_type_ext = l4;
			match.tun.type = DOCA_FLOW_TUN_PSP;
			// The mask also has members that are not supported, which are refused; that does not matter here.
			read_fixed(match, &mask, fields);
		}
	}
	return fields;
}

} // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static const std::vector<MatchField> fields = all_fields();
	if (size > 2048)
		return 0;
	const std::unique_ptr<uint8_t[]> frame(new uint8_t[size]);
	memcpy(frame.get(), data, size);
	Packet packet;
	packet.load(frame.get(), static_cast<uint32_t>(size), 0, 0);
	uint8_t octets[16];
	for (const MatchField &field : fields) {
		if ((packet.have & field.place->need) == field.place->need)
			read_field(packet, *field.place, octets);
	}
	if (packet.l3_ok != 0) {
		if (packet.ip_end > static_cast<int32_t>(size) || flow_entropy(frame.get(), packet.l3, packet.ip_end) < 49152)
			abort();
	}
	// Takes what follows the first 14 octets as a decrypted payload.
	if (size > 14) {
		packet.enter_payload(data[0] & 1 ? 4 : 41, 14, static_cast<int32_t>(size));
		for (const MatchField &field : fields) {
			if ((packet.have & field.place->need) == field.place->need)
				read_field(packet, *field.place, octets);
		}
	}
	return 0;
}
