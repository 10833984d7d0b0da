// Where packets go, and by what: RSS and its flags, misses, ports of TCP or UDP, RoCE, and the entropy of a flow. `forwards CASE` is one
// process, for EAL starts once (test/native/modes.test.ts).
#include "cases.h"
#include "world.h"

using namespace world;

namespace {

const doca_flow_fwd DROP = forward_of(DOCA_FLOW_FWD_DROP);
constexpr uint8_t TCP = 6;
constexpr uint8_t UDP = 17;
constexpr uint8_t FLOWS = 32;
constexpr uint16_t ROCE_PORT = 4791;

using Frames = std::vector<Frame>;

doca_flow_fwd to_port(uint16_t port)
{
	doca_flow_fwd fwd = forward_of(DOCA_FLOW_FWD_PORT);
	fwd.port_id = port;
	return fwd;
}

// The beginning of a header of TCP or UDP, of 20 octets.
Frame ports(uint16_t source, uint16_t destination)
{
	Frame header(20);
	header[0] = static_cast<uint8_t>(source >> 8);
	header[1] = static_cast<uint8_t>(source);
	header[2] = static_cast<uint8_t>(destination >> 8);
	header[3] = static_cast<uint8_t>(destination);
	header[5] = 20;
	return header;
}

doca_flow_pipe_entry *added(doca_flow_pipe *pipe, const doca_flow_match *match, const doca_flow_fwd *fwd)
{
	doca_flow_pipe_entry *entry;
	OK(add_basic(0, pipe, match, nullptr, fwd, 1, &entry));
	process(0);
	CHECK((reported() == std::vector<Completion>{{1, 0, true, DOCA_FLOW_ENTRY_OP_ADD}}));
	return entry;
}

doca_flow_fwd to_queues(std::vector<uint16_t> &queues, uint32_t outer_flags, uint32_t inner_flags)
{
	doca_flow_fwd fwd = to_queue(queues[0]);
	fwd.rss.nr_queues = static_cast<int>(queues.size());
	fwd.rss.outer_flags = outer_flags;
	fwd.rss.inner_flags = inner_flags;
	return fwd;
}

// Of datagrams that differ in one of these in turn, how many queues get any.
struct Spread {
	size_t by_source, by_destination, by_source_port, by_destination_port;
	bool operator==(const Spread &other) const
	{
		return by_source == other.by_source && by_destination == other.by_destination &&
		       by_source_port == other.by_source_port && by_destination_port == other.by_destination_port;
	}
};

template <typename Make> size_t queues_of(const Make &make)
{
	for (uint8_t i = 0; i < FLOWS; i++)
		CHECK(rte_ring_enqueue(vf.received, mbuf_of(make(i))) == 0);
	OK(doca_soft_quiesce(QUIESCE_MILLISECONDS));
	const size_t counts[] = {metadata_in(0).size(), metadata_in(1).size()};
	CHECK(counts[0] + counts[1] == FLOWS);
	return static_cast<size_t>((counts[0] > 0) + (counts[1] > 0));
}

Spread spread(uint8_t protocol)
{
	return {queues_of([=](uint8_t i) { return ip6_frame(i, 2, protocol, ports(3, 4)); }),
		queues_of([=](uint8_t i) { return ip6_frame(1, i, protocol, ports(3, 4)); }),
		queues_of([=](uint8_t i) { return ip6_frame(1, 2, protocol, ports(i, 4)); }),
		queues_of([=](uint8_t i) { return ip6_frame(1, 2, protocol, ports(3, i)); })};
}

// Packets are spread by what the flags name, and by nothing else.
void flags_say_by_what()
{
	const struct {
		uint32_t flags;
		Spread udp, tcp;
	} cases[] = {
		{0, {2, 2, 2, 2}, {2, 2, 2, 2}},
		{DOCA_FLOW_RSS_IPV6_SRC, {2, 1, 1, 1}, {2, 1, 1, 1}},
		{DOCA_FLOW_RSS_IPV6_DST, {1, 2, 1, 1}, {1, 2, 1, 1}},
		{DOCA_FLOW_RSS_IPV6_SRC | DOCA_FLOW_RSS_UDP_SRC, {2, 1, 2, 1}, {2, 1, 1, 1}},
		{DOCA_FLOW_RSS_IPV6_DST | DOCA_FLOW_RSS_TCP_DST, {1, 2, 1, 1}, {1, 2, 1, 2}},
		{DOCA_FLOW_RSS_IPV6_SRC | DOCA_FLOW_RSS_TCP, {2, 1, 1, 1}, {2, 1, 2, 2}},
		{DOCA_FLOW_RSS_IPV4_SRC, {1, 1, 1, 1}, {1, 1, 1, 1}},
	};
	start();
	std::vector<uint16_t> queues = {0, 1};
	PipeOptions options;
	options.is_root = true;
	const doca_flow_fwd changeable = forward_of(DOCA_FLOW_FWD_CHANGEABLE);
	options.fwd = &changeable;
	doca_flow_pipe *root;
	OK(create(options, root));
	for (const auto &one : cases) {
		for (const bool inner : {false, true}) {
			// Without a tunnel the inner headers are the packet's own.
			const doca_flow_fwd fwd = to_queues(queues, inner ? 0 : one.flags, inner ? one.flags : 0);
			added(root, nullptr, &fwd);
			CHECK(spread(UDP) == one.udp);
			CHECK(spread(TCP) == one.tcp);
		}
	}
	doca_flow_pipe_entry *refused;
	const doca_flow_fwd both = to_queues(queues, DOCA_FLOW_RSS_IPV6, DOCA_FLOW_RSS_IPV6);
	CHECK(add_basic(0, root, nullptr, nullptr, &both, 0, &refused) == DOCA_ERROR_NOT_SUPPORTED);
	const doca_flow_fwd mixed = to_queues(queues, 0, DOCA_FLOW_RSS_IPV6_SRC | DOCA_FLOW_RSS_IPV4_DST);
	CHECK(add_basic(0, root, nullptr, nullptr, &mixed, 0, &refused) == DOCA_ERROR_INVALID_VALUE);
	stop();
}

// Forwards name a configuration of queues by its number, from 0 on.
void forwards_share_queues()
{
	start_device();
	doca_flow_cfg *cfg;
	OK(doca_flow_cfg_create(&cfg));
	OK(doca_flow_cfg_set_mode_args(cfg, "switch"));
	OK(doca_flow_cfg_set_pipe_queues(cfg, PIPE_QUEUES));
	OK(doca_flow_cfg_set_cb_entry_process(cfg, entry_done));
	CHECK(doca_flow_cfg_set_nr_shared_resource(cfg, 1025, DOCA_FLOW_SHARED_RESOURCE_RSS) == DOCA_ERROR_NOT_SUPPORTED);
	OK(doca_flow_cfg_set_nr_shared_resource(cfg, 2, DOCA_FLOW_SHARED_RESOURCE_RSS));
	OK(doca_flow_init(cfg));
	doca_flow_cfg_destroy(cfg);
	OK(start_flow_port(pf, dev, nullptr, pf_port));
	OK(start_flow_port(pf + 1, nullptr, rep, vf_port));
	doca_flow_fwd fwd = forward_of(DOCA_FLOW_FWD_RSS);
	fwd.rss_type = DOCA_FLOW_RESOURCE_TYPE_SHARED;
	PipeOptions options;
	options.is_root = true;
	options.match = match_on_address();
	const doca_flow_fwd changeable = forward_of(DOCA_FLOW_FWD_CHANGEABLE);
	options.fwd = &changeable;
	doca_flow_pipe *root;
	OK(create(options, root));
	uint16_t queues[] = {1, 0};
	for (uint32_t id = 0; id < 3; id++) {
		const doca_flow_match match = key(10 + id);
		fwd.shared_rss_id = id;
		doca_flow_pipe_entry *refused;
		doca_flow_shared_resource_cfg shared = {};
		shared.rss_cfg.queues_array = &queues[id % 2];
		CHECK(doca_flow_shared_resource_set_cfg(DOCA_FLOW_SHARED_RESOURCE_RSS, id, &shared) == DOCA_ERROR_INVALID_VALUE);
		shared.rss_cfg.nr_queues = 1;
		const doca_error_t expected = id < 2 ? DOCA_SUCCESS : DOCA_ERROR_INVALID_VALUE;
		CHECK(doca_flow_shared_resource_set_cfg(DOCA_FLOW_SHARED_RESOURCE_RSS, id, &shared) == expected);
		CHECK(add_basic(0, root, &match, nullptr, &fwd, 0, &refused) == DOCA_ERROR_INVALID_VALUE);
		CHECK(doca_flow_shared_resources_bind(DOCA_FLOW_SHARED_RESOURCE_RSS, &id, 1, pf_port) == expected);
		if (id < 2)
			added(root, &match, &fwd);
		else
			CHECK(add_basic(0, root, &match, nullptr, &fwd, 0, &refused) == DOCA_ERROR_INVALID_VALUE);
	}
	arrive(vf, ip6_frame(1, 10, UDP, Frame(8)));
	CHECK(metadata_in(0).empty() && metadata_in(1).size() == 1);
	arrive(vf, ip6_frame(1, 11, UDP, Frame(8)));
	CHECK(metadata_in(0).size() == 1 && metadata_in(1).empty());
	stop();
}

// A packet that no entry has goes to a port, to the program, or to the next pipe, whose own misses go on; each pipe counts its own.
void misses_go_anywhere()
{
	start();
	uint16_t queue = 1;
	const doca_flow_fwd by_port = to_port(static_cast<uint16_t>(pf + 1));
	const doca_flow_fwd by_rss = to_queue(queue);
	PipeOptions options;
	options.match = match_on_address();
	options.fwd = &DROP;
	options.miss = &by_port;
	doca_flow_pipe *last;
	OK(create(options, last));
	const doca_flow_fwd to_last = to_pipe(last);
	options.miss = &to_last;
	doca_flow_pipe *middle;
	OK(create(options, middle));
	const doca_flow_fwd to_middle = to_pipe(middle);
	options.is_root = true;
	options.miss = &to_middle;
	doca_flow_pipe *root;
	OK(create(options, root));
	const doca_flow_match match = key(10);
	added(middle, &match, nullptr);
	const Frame stays = ip6_frame(1, 10, UDP, Frame(8));
	const Frame passes = ip6_frame(1, 11, UDP, Frame(8));
	arrive(wire, stays);
	arrive(wire, passes);
	CHECK(sent_by(vf) == Frames{passes});
	CHECK(misses_of(root) == 2 && misses_of(middle) == 1 && misses_of(last) == 1);
	OK(doca_flow_pipe_update_miss(root, &by_rss));
	arrive(wire, passes);
	CHECK(metadata_in(1).size() == 1 && sent_by(vf).empty());
	OK(doca_flow_pipe_update_miss(root, &by_port));
	arrive(wire, stays);
	CHECK(sent_by(vf) == Frames{stays} && misses_of(root) == 4 && misses_of(middle) == 1);
	stop();
}

// Each entry says where to: one to a port, one nowhere.
void entries_forward_in_their_own_ways()
{
	start();
	const doca_flow_fwd changeable = forward_of(DOCA_FLOW_FWD_CHANGEABLE);
	PipeOptions options;
	options.is_root = true;
	options.counted = true;
	options.match = match_on_address();
	options.fwd = &changeable;
	doca_flow_pipe *root;
	OK(create(options, root));
	const doca_flow_fwd by_port = to_port(static_cast<uint16_t>(pf + 1));
	const doca_flow_match to_function = key(10);
	const doca_flow_match to_nowhere = key(11);
	added(root, &to_function, &by_port);
	doca_flow_pipe_entry *dropped = added(root, &to_nowhere, &DROP);
	const Frame passes = ip6_frame(1, 10, UDP, Frame(8));
	arrive(wire, passes);
	arrive(wire, ip6_frame(1, 11, UDP, Frame(8)));
	CHECK(sent_by(vf) == Frames{passes} && packets_of(dropped) == 1);
	stop();
}

// Ports without a protocol: of UDP and of TCP, and of nothing else.
void ports_of_either_transport()
{
	start();
	PipeOptions options;
	options.type = DOCA_FLOW_PIPE_CONTROL;
	options.is_root = true;
	doca_flow_pipe *root;
	OK(create(options, root));
	doca_flow_match match = {};
	match.outer.l4_type_ext = DOCA_FLOW_L4_TYPE_EXT_TRANSPORT;
	match.outer.transport.src_port = rte_cpu_to_be_16(1234);
	match.outer.transport.dst_port = rte_cpu_to_be_16(80);
	doca_flow_pipe_entry *entry;
	doca_flow_pipe_entry *others;
	OK(add_control(0, 1, root, &match, nullptr, &DROP, 0, &entry));
	OK(add_control(0, 2, root, nullptr, nullptr, &DROP, 0, &others));
	process(0);
	arrive(wire, ip6_frame(1, 2, TCP, ports(1234, 80)));
	arrive(wire, ip6_frame(1, 2, UDP, ports(1234, 80)));
	CHECK(packets_of(entry) == 2 && packets_of(others) == 0);
	arrive(wire, ip6_frame(1, 2, TCP, ports(1235, 80)));
	arrive(wire, ip6_frame(1, 2, UDP, ports(1234, 81)));
	arrive(wire, ip6_frame(1, 2, 58, ports(1234, 80)));
	CHECK(packets_of(entry) == 2 && packets_of(others) == 3);
	stop();
}

// A datagram with a base transport header behind UDP's: opcode 0x64, the queue pair 0x102030, a request for an acknowledgment.
Frame roce_frame()
{
	Frame datagram = ports(4789, ROCE_PORT);
	datagram[8] = 0x64;
	datagram[9] = 0x40;
	datagram[10] = 0xab;
	datagram[11] = 0xcd;
	datagram[12] = 0x07;
	datagram[13] = 0x10;
	datagram[14] = 0x20;
	datagram[15] = 0x30;
	datagram[16] = 0x80;
	datagram[17] = 0x01;
	datagram[18] = 0x02;
	datagram[19] = 0x03;
	return ip6_frame(1, 2, UDP, datagram);
}

// Every field of the header decides, alone; and actions write its ports.
void roce_packets()
{
	start();
	PipeOptions options;
	options.is_root = true;
	options.counted = true;
	const doca_flow_fwd by_port = to_port(static_cast<uint16_t>(pf + 1));
	options.fwd = &by_port;
	options.miss = &DROP;
	doca_flow_actions actions = {};
	actions.outer.l4_type_ext = DOCA_FLOW_L4_TYPE_EXT_ROCE_V2;
	actions.outer.roce_v2.udp.l4_port.src_port = rte_cpu_to_be_16(0x1111);
	actions.outer.roce_v2.udp.l4_port.dst_port = rte_cpu_to_be_16(0x2222);
	options.actions = &actions;
	options.match.outer.l4_type_ext = DOCA_FLOW_L4_TYPE_EXT_ROCE_V2;
	auto &all = options.match.outer.roce_v2;
	memset(&all, 0xff, sizeof(all));
	all.udp.l4_port.dst_port = rte_cpu_to_be_16(ROCE_PORT);
	doca_flow_pipe *root;
	OK(create(options, root));
	doca_flow_match match = {};
	match.outer.l4_type_ext = DOCA_FLOW_L4_TYPE_EXT_ROCE_V2;
	auto &header = match.outer.roce_v2;
	header.udp.l4_port.src_port = rte_cpu_to_be_16(4789);
	const Frame frame = roce_frame();
	constexpr size_t BTH = 14 + 40 + 8;
	memcpy(&header.bth, &frame[BTH], sizeof(header.bth));
	static_assert(sizeof(header.bth) == 12, "the header as on the wire");
	doca_flow_pipe_entry *entry = added(root, &match, nullptr);
	arrive(wire, frame);
	CHECK(packets_of(entry) == 1);
	const Frames rewritten = sent_by(vf);
	CHECK(rewritten.size() == 1);
	constexpr uint8_t PORTS[] = {0x11, 0x11, 0x22, 0x22};
	CHECK(memcmp(&rewritten[0][14 + 40], PORTS, sizeof(PORTS)) == 0);
	for (size_t at = BTH; at < BTH + 12; at++) {
		Frame other = frame;
		other[at] ^= 1;
		arrive(wire, other);
	}
	CHECK(packets_of(entry) == 1 && misses_of(root) == 12);
	// To another port, or cut off within the header, it is none.
	Frame other = frame;
	other[14 + 40 + 3] ^= 1;
	arrive(wire, other);
	Frame cut(frame.begin(), frame.end() - 1);
	cut[19]--;
	arrive(wire, cut);
	CHECK(packets_of(entry) == 1 && misses_of(root) == 14);
	// Also where the match says nothing of the port.
	doca_flow_pipe_destroy(root);
	all.udp.l4_port.dst_port = 0;
	OK(create(options, root));
	entry = added(root, &match, nullptr);
	arrive(wire, frame);
	arrive(wire, other);
	CHECK(packets_of(entry) == 1 && misses_of(root) == 1);
	stop();
}

// Packets of one burst that hit the entry of the packet before, another one, or none.
void trains_of_packets()
{
	start();
	PipeOptions options;
	options.is_root = true;
	options.counted = true;
	options.match = match_on_address();
	const doca_flow_fwd by_port = to_port(static_cast<uint16_t>(pf + 1));
	options.fwd = &by_port;
	options.miss = &DROP;
	doca_flow_pipe *root;
	OK(create(options, root));
	const doca_flow_match ten = key(10);
	const doca_flow_match eleven = key(11);
	doca_flow_pipe_entry *entries[] = {added(root, &ten, nullptr), added(root, &eleven, nullptr)};
	// The first misses, too, and one that has no such address stands in a train.
	Frames frames;
	for (const uint8_t address : {12, 12, 10, 10, 11, 10, 10, 12, 11, 11, 0, 11})
		frames.push_back(address == 0 ? Frame(60) : ip6_frame(1, address, UDP, Frame(8)));
	std::vector<void *> burst;
	for (const Frame &frame : frames)
		burst.push_back(mbuf_of(frame));
	const auto count = static_cast<unsigned>(burst.size());
	CHECK(rte_ring_enqueue_bulk(wire.received, burst.data(), count, nullptr) == count);
	OK(doca_soft_quiesce(QUIESCE_MILLISECONDS));
	CHECK(packets_of(entries[0]) == 4 && packets_of(entries[1]) == 4 && misses_of(root) == 4);
	CHECK((sent_by(vf) == Frames{frames[2], frames[3], frames[4], frames[5], frames[6], frames[8], frames[9], frames[11]}));
	stop();
}

doca_flow_entropy_format format_of(const uint8_t *source, const uint8_t *destination)
{
	doca_flow_entropy_format format = {};
	format.l3_type = DOCA_FLOW_L3_TYPE_IP4;
	memcpy(&format.ip4.src_ip, source, 4);
	memcpy(&format.ip4.dst_ip, destination, 4);
	return format;
}

uint16_t entropy_of(doca_flow_entropy_format &format)
{
	uint16_t entropy = 0;
	OK(doca_flow_port_calc_entropy(pf_port, &format, &entropy));
	return rte_be_to_cpu_16(entropy);
}

// Two values that NVIDIA has published.
void the_entropy_of_a_flow()
{
	start();
	const uint8_t eights[] = {8, 8, 8, 8};
	const uint8_t sevens[] = {7, 7, 7, 7};
	doca_flow_entropy_format format = format_of(eights, sevens);
	format.ip4.next_proto = UDP;
#if DOCA_SOFT_RELEASE_ < 302
	format.l4_type_ext = DOCA_FLOW_L4_TYPE_EXT_UDP;
#else
	format.is_transport = true;
#endif
	format.transport.src_port = rte_cpu_to_be_16(1234);
	format.transport.dst_port = rte_cpu_to_be_16(5678);
	CHECK(entropy_of(format) == 0xdb9e);
#if DOCA_SOFT_RELEASE_ < 302
	format.ip4.next_proto = 0;
	CHECK(entropy_of(format) == 0xdb9e);
#endif
	const uint8_t source[] = {10, 11, 12, 13};
	const uint8_t broadcast[] = {255, 255, 255, 255};
	format = format_of(source, broadcast);
	format.ip4.next_proto = 47;
	// Not used without a transport.
	format.transport.src_port = 1;
	CHECK(entropy_of(format) == 0xde18);
	format = {};
	format.l3_type = DOCA_FLOW_L3_TYPE_IP6;
	format.ip6.dst_ip[3] = rte_cpu_to_be_32(0xffffffff);
	format.ip6.src_ip[3] = rte_cpu_to_be_32(0x0a0b0c0d);
	format.ip6.next_proto = 47;
	CHECK(entropy_of(format) == 0xde18);
	stop();
}

const Case CASES[] = {
	{"rss-flags", flags_say_by_what},	  {"rss-shared", forwards_share_queues},
	{"misses", misses_go_anywhere},		  {"own-forwards", entries_forward_in_their_own_ways},
	{"transport", ports_of_either_transport}, {"roce", roce_packets},
	{"entropy", the_entropy_of_a_flow},	  {"trains", trains_of_packets},
};

} // namespace

int main(int argc, char **argv)
{
	return run_case("forwards", CASES, argc, argv);
}
