// Modes: ports on their own, and managers with their representors. `modes CASE` is one process, for EAL starts once
// (test/native/modes.test.ts). The mapping file has two devices, 03:00.0 and 03:00.1, over net_ring_wire and net_ring_wire1, with a
// representor each, over net_ring_vf and net_ring_vf1.
#include "cases.h"
#include "world.h"

using namespace world;

namespace {

const doca_flow_fwd DROP = forward_of(DOCA_FLOW_FWD_DROP);
constexpr uint8_t UDP = 17;

Port wires[2];
Port functions[2];
doca_dev *devs[2];
doca_dev_rep *reps[2];
// The number of the devices' first port; the rings have the first ones. The others follow.
uint16_t first;
doca_flow_port *ports[2];
doca_flow_port *rep_ports[2];

Frame to(uint8_t destination)
{
	return ip6_frame(1, destination, UDP, Frame(8));
}

// The number of the devices' port number `i`.
uint16_t number(uint32_t i)
{
	return static_cast<uint16_t>(first + i);
}

doca_flow_fwd to_port(uint32_t i)
{
	doca_flow_fwd fwd = forward_of(DOCA_FLOW_FWD_PORT);
	fwd.port_id = number(i);
	return fwd;
}

doca_flow_fwd port_of_entries()
{
	doca_flow_fwd fwd = forward_of(DOCA_FLOW_FWD_PORT);
	fwd.port_id = UINT16_MAX;
	return fwd;
}

void open_devices()
{
	doca_devinfo **devices;
	uint32_t count;
	OK(doca_devinfo_create_list(&devices, &count));
	CHECK(count == 2);
	for (int i = 0; i < 2; i++)
		OK(doca_dev_open(devices[i], &devs[i]));
	doca_devinfo_destroy_list(devices);
}

void init_flow(const char *mode)
{
	doca_flow_cfg *cfg;
	OK(doca_flow_cfg_create(&cfg));
	OK(doca_flow_cfg_set_mode_args(cfg, mode));
	OK(doca_flow_cfg_set_pipe_queues(cfg, PIPE_QUEUES));
	OK(doca_flow_cfg_set_cb_entry_process(cfg, entry_done));
	OK(doca_flow_cfg_set_cb_pipe_process(cfg, nullptr));
	OK(doca_flow_init(cfg));
	doca_flow_cfg_destroy(cfg);
}

// Two devices with a port each.
void start_vnf()
{
	start_eal();
	wires[0] = ring_port("wire");
	wires[1] = ring_port("wire1");
	open_devices();
	OK(doca_dpdk_port_probe(devs[0], "dv_flow_en=2"));
	OK(doca_dpdk_port_probe_with_representors(devs[1], nullptr, nullptr, 0));
	OK(doca_dpdk_get_first_port_id(devs[0], &first));
	for (uint16_t i = 0; i < 2; i++) {
		doca_dev *of_port;
		OK(doca_dpdk_port_as_dev(number(i), &of_port));
		CHECK(of_port == devs[i]);
		start_dpdk_port(number(i), RX_QUEUES);
	}
	init_flow("hws,vnf");
	for (uint16_t i = 0; i < 2; i++)
		OK(start_flow_port(number(i), devs[i], nullptr, ports[i]));
}

void stop_vnf()
{
	for (int i = 1; i >= 0; i--)
		OK(doca_flow_port_stop(ports[i]));
	doca_flow_destroy();
	for (doca_dev *one : devs)
		OK(doca_dev_close(one));
	rte_eal_cleanup();
}

// Two devices with a representor each: ports 0 and 1, and 2 and 3, of this file.
void start_managers(const char *mode)
{
	start_eal();
	wires[0] = ring_port("wire");
	functions[0] = ring_port("vf");
	wires[1] = ring_port("wire1");
	functions[1] = ring_port("vf1");
	open_devices();
	for (int i = 0; i < 2; i++) {
		doca_devinfo_rep **representors;
		uint32_t count;
		OK(doca_devinfo_rep_create_list(devs[i], DOCA_DEVINFO_REP_FILTER_NET, &representors, &count));
		CHECK(count == 1);
		OK(doca_dev_rep_open(representors[0], &reps[i]));
		doca_devinfo_rep_destroy_list(representors);
		OK(doca_dpdk_port_probe_with_representors(devs[i], nullptr, &reps[i], 1));
	}
	OK(doca_dpdk_get_first_port_id(devs[0], &first));
	init_flow(mode);
	for (uint32_t i = 0; i < 2; i++) {
		start_dpdk_port(number(2 * i), RX_QUEUES);
		OK(start_flow_port(number(2 * i), devs[i], nullptr, ports[i]));
		OK(start_flow_port(number(2 * i + 1), nullptr, reps[i], rep_ports[i]));
	}
}

void stop_managers()
{
	for (int i = 1; i >= 0; i--) {
		OK(doca_flow_port_stop(rep_ports[i]));
		OK(doca_flow_port_stop(ports[i]));
	}
	doca_flow_destroy();
	for (int i = 0; i < 2; i++) {
		OK(doca_dev_rep_close(reps[i]));
		OK(doca_dev_close(devs[i]));
	}
	rte_eal_cleanup();
}

// A pipe of a port's whose entries say the destination of IPv6 packets; what no entry has is dropped.
doca_flow_pipe *pipe_of(doca_flow_port *port, const doca_flow_fwd &fwd, bool is_root,
			doca_flow_pipe_domain domain = DOCA_FLOW_PIPE_DOMAIN_DEFAULT)
{
	pf_port = port;
	PipeOptions options;
	options.domain = domain;
	options.is_root = is_root;
	options.match = match_on_address();
	options.counted = true;
	options.fwd = &fwd;
	options.miss = &DROP;
	doca_flow_pipe *pipe;
	OK(create(options, pipe));
	return pipe;
}

// An entry of a pipe of a port's; without a forward the template has it.
doca_flow_pipe_entry *entry_of(doca_flow_port *port, doca_flow_pipe *pipe, uint8_t destination,
			       const doca_flow_fwd *fwd = nullptr)
{
	doca_flow_pipe_entry *entry;
	const doca_flow_match match = key(destination);
	OK(add_basic(0, pipe, &match, nullptr, fwd, 1, &entry));
	OK(doca_flow_entries_process(port, 0, FOREVER_MICROSECONDS, 1));
	CHECK((reported() == std::vector<Completion>{{1, 0, true, DOCA_FLOW_ENTRY_OP_ADD}}));
	return entry;
}

void send(uint32_t i, const Frame &frame)
{
	rte_mbuf *mbuf = mbuf_of(frame);
	CHECK(rte_eth_tx_burst(number(i), 0, &mbuf, 1) == 1);
	OK(doca_soft_quiesce(QUIESCE_MILLISECONDS));
}

using Frames = std::vector<Frame>;

void words_of_modes()
{
	doca_flow_cfg *cfg;
	OK(doca_flow_cfg_create(&cfg));
	for (const char *mode : {"vnf", "hws,vnf", "vnf,hws,isolated", "switch", "switch,hws,cpds",
				 "hairpinq_num=4,expert,hws,switch", "switch,hws,disable_switch_rss", "vnf,something"})
		OK(doca_flow_cfg_set_mode_args(cfg, mode));
	for (const char *mode : {"", "hws", "vnf,switch", "expert"})
		CHECK(doca_flow_cfg_set_mode_args(cfg, mode) == DOCA_ERROR_INVALID_VALUE);
	OK(doca_flow_cfg_destroy(cfg));
}

// From one port to the other, back by the port of arrival, and to where the entry says; the rest comes nowhere.
void ports_forward_to_each_other()
{
	start_vnf();
	OK(doca_flow_port_pair(ports[0], ports[1]));
	OK(doca_flow_port_pair(ports[1], ports[0]));
	CHECK(doca_flow_port_pair(ports[0], ports[0]) == DOCA_ERROR_INVALID_VALUE);
	doca_flow_pipe *crossing = pipe_of(ports[0], to_port(1), true);
	doca_flow_pipe *open = pipe_of(ports[1], port_of_entries(), true);
	doca_flow_pipe_entry *crossed = entry_of(ports[0], crossing, 10);
	const doca_flow_fwd back = to_port(1);
	const doca_flow_fwd across = to_port(0);
	const doca_flow_fwd nowhere = to_port(7);
	const doca_flow_fwd left_open = port_of_entries();
	entry_of(ports[1], open, 20, &back);
	entry_of(ports[1], open, 21, &across);
	doca_flow_pipe_entry *refused;
	const doca_flow_match match = key(22);
	for (const doca_flow_fwd *fwd : {&nowhere, &left_open})
		CHECK(add_basic(0, open, &match, nullptr, fwd, 0, &refused) == DOCA_ERROR_INVALID_VALUE);

	arrive(wires[0], to(10));
	arrive(wires[0], to(20));
	CHECK(sent_by(wires[1]) == Frames{to(10)} && sent_by(wires[0]).empty());
	CHECK(packets_of(crossed) == 1 && misses_of(crossing) == 1);
	arrive(wires[1], to(20));
	CHECK(sent_by(wires[1]) == Frames{to(20)} && sent_by(wires[0]).empty());
	arrive(wires[1], to(21));
	CHECK(sent_by(wires[0]) == Frames{to(21)} && sent_by(wires[1]).empty());
	CHECK(misses_of(open) == 0);
	stop_vnf();
}

// What leaves by a port goes through its egress root, once: from the other port's pipes by their forward to the port or to that root,
// and from the program. Without an egress root it leaves at once.
void ports_have_egress_roots()
{
	start_vnf();
	doca_flow_pipe *egress = pipe_of(ports[1], to_port(1), true, DOCA_FLOW_PIPE_DOMAIN_EGRESS);
	doca_flow_pipe_entry *leaving = entry_of(ports[1], egress, 10);
	doca_flow_pipe *root = pipe_of(ports[0], forward_of(DOCA_FLOW_FWD_CHANGEABLE), true);
	const doca_flow_fwd by_port = to_port(1);
	const doca_flow_fwd by_pipe = to_pipe(egress);
	entry_of(ports[0], root, 10, &by_port);
	entry_of(ports[0], root, 11, &by_port);
	arrive(wires[0], to(10));
	CHECK(sent_by(wires[1]) == Frames{to(10)} && packets_of(leaving) == 1);
	arrive(wires[0], to(11));
	CHECK(sent_by(wires[1]).empty() && misses_of(egress) == 1);
	entry_of(ports[0], root, 10, &by_pipe);
	arrive(wires[0], to(10));
	CHECK(sent_by(wires[1]) == Frames{to(10)} && packets_of(leaving) == 2);

	send(1, to(10));
	CHECK(sent_by(wires[1]) == Frames{to(10)} && packets_of(leaving) == 3);
	send(1, to(12));
	CHECK(sent_by(wires[1]).empty() && misses_of(egress) == 2);
	send(0, to(12));
	CHECK(sent_by(wires[0]) == Frames{to(12)} && sent_by(wires[1]).empty());
	stop_vnf();
}

// Each port's program has queues of its own.
void ports_have_queues()
{
	start_vnf();
	uint16_t queue = 1;
	for (doca_flow_port *port : ports) {
		doca_flow_pipe *root = pipe_of(port, to_queue(queue), true);
		entry_of(port, root, 10);
	}
	arrive(wires[1], to(10));
	arrive(wires[1], to(10));
	arrive(wires[0], to(10));
	uint64_t packets = 0;
	OK(doca_soft_rss_packets(number(1), &packets));
	CHECK(packets == 2);
	pf = number(0);
	CHECK(metadata_in(1).size() == 1 && metadata_in(0).empty());
	pf = number(1);
	CHECK(metadata_in(1).size() == 2 && metadata_in(0).empty());
	stop_vnf();
}

// A port stops, or loses its pipes, while the other one's lead to it: what would go there is dropped, and it may start again.
void ports_stop_one_by_one()
{
	start_vnf();
	doca_flow_pipe *there = pipe_of(ports[1], to_port(1), false);
	entry_of(ports[1], there, 10);
	doca_flow_pipe *root = pipe_of(ports[0], forward_of(DOCA_FLOW_FWD_CHANGEABLE), true);
	const doca_flow_fwd by_port = to_port(1);
	const doca_flow_fwd by_pipe = to_pipe(there);
	doca_flow_pipe_entry *of_pipe = entry_of(ports[0], root, 10, &by_pipe);
	doca_flow_pipe_entry *of_port = entry_of(ports[0], root, 11, &by_port);
	OK(doca_flow_pipe_update_miss(root, &by_pipe));
	const auto all_arrive = [&] {
		arrive(wires[0], to(10));
		arrive(wires[0], to(11));
		arrive(wires[0], to(12));
	};
	all_arrive();
	CHECK((sent_by(wires[1]) == Frames{to(10), to(11)}));
	doca_flow_port_pipes_flush(ports[1]);
	all_arrive();
	CHECK(sent_by(wires[1]) == Frames{to(11)});
	OK(doca_flow_port_stop(ports[1]));
	all_arrive();
	CHECK(sent_by(wires[1]).empty() && packets_of(of_pipe) == 3 && packets_of(of_port) == 3 && misses_of(root) == 3);
	OK(start_flow_port(number(1), devs[1], nullptr, ports[1]));
	all_arrive();
	CHECK(sent_by(wires[1]) == Frames{to(11)});
	// The first one to start is not the first one to stop, nor is its device needed any more.
	OK(doca_flow_port_stop(ports[0]));
	OK(doca_dev_close(devs[0]));
	doca_flow_pipe *crossing = pipe_of(ports[1], to_port(1), true);
	entry_of(ports[1], crossing, 10);
	arrive(wires[1], to(10));
	CHECK(sent_by(wires[1]) == Frames{to(10)});
	OK(doca_flow_port_stop(ports[1]));
	doca_flow_destroy();
	OK(doca_dev_close(devs[1]));
	rte_eal_cleanup();
}

// Keys belong to a device, and packets go through several.
void ports_do_not_encrypt()
{
	start_vnf();
	pf_port = ports[0];
	doca_flow_actions actions = {};
	actions.crypto.action_type = DOCA_FLOW_CRYPTO_ACTION_DECRYPT;
	actions.crypto.resource_type = DOCA_FLOW_CRYPTO_RESOURCE_PSP;
	actions.crypto.crypto_id = DOCA_FLOW_PSP_DECRYPTION_ID;
	PipeOptions options;
	options.domain = DOCA_FLOW_PIPE_DOMAIN_SECURE_INGRESS;
	options.match = match_on_address();
	options.actions = &actions;
	options.fwd = &DROP;
	doca_flow_pipe *pipe;
	CHECK(create(options, pipe) == DOCA_ERROR_NOT_SUPPORTED);
	stop_vnf();
}

// Each device has its ports, pipes and entries; numbers of ports go on from one to the next.
void managers_work_side_by_side()
{
	start_managers("switch,hws");
	CHECK(doca_flow_port_pair(ports[0], ports[1]) == DOCA_ERROR_NOT_SUPPORTED);
	for (uint32_t i = 0; i < 2; i++) {
		const uint32_t manager = 2 * i;
		CHECK(doca_flow_port_switch_get(rep_ports[i]) == ports[i]);
		doca_flow_pipe *root = pipe_of(ports[i], port_of_entries(), true);
		const doca_flow_fwd to_function = to_port(manager + 1);
		const doca_flow_fwd to_wire = to_port(manager);
		const doca_flow_fwd to_other = to_port(2 - manager);
		doca_flow_pipe_entry *counted = entry_of(ports[i], root, 10, &to_function);
		entry_of(ports[i], root, 11, &to_wire);
		doca_flow_pipe_entry *refused;
		const doca_flow_match match = key(12);
		CHECK(add_basic(0, root, &match, nullptr, &to_other, 0, &refused) == DOCA_ERROR_INVALID_VALUE);
		arrive(wires[i], to(10));
		arrive(wires[i], to(11));
		arrive(functions[i], to(11));
		CHECK(sent_by(functions[i]) == Frames{to(10)});
		CHECK((sent_by(wires[i]) == Frames{to(11), to(11)}));
		CHECK(sent_by(wires[1 - i]).empty() && sent_by(functions[1 - i]).empty());
		CHECK(packets_of(counted) == 1);
	}
	stop_managers();
}

// Without an egress root the manager's packets leave by the wire, and a representor's go to its function; an expert's program has no
// such rules, and loses them.
void sent_without_an_egress_root(const char *mode, bool leaves)
{
	start_managers(mode);
	pipe_of(ports[0], DROP, true);
	send(0, to(10));
	send(3, to(11));
	CHECK(sent_by(wires[0]) == (leaves ? Frames{to(10)} : Frames{}));
	CHECK(sent_by(functions[1]) == (leaves ? Frames{to(11)} : Frames{}));
	CHECK(sent_by(wires[1]).empty() && sent_by(functions[0]).empty());
	// With one, both go through it.
	doca_flow_pipe *egress = pipe_of(ports[0], to_port(1), true, DOCA_FLOW_PIPE_DOMAIN_EGRESS);
	entry_of(ports[0], egress, 10);
	send(0, to(10));
	CHECK(sent_by(functions[0]) == Frames{to(10)} && sent_by(wires[0]).empty());
	if (leaves) {
		send(1, to(10));
		CHECK(sent_by(functions[0]) == Frames{to(10)});
	}
	stop_managers();
}

void a_switch_sends()
{
	sent_without_an_egress_root("switch,hws", true);
}

void an_expert_does_not()
{
	sent_without_an_egress_root("switch,hws,expert", false);
}

// Of an unconnected port nothing goes through the pipes.
void states_of_ports()
{
	start_managers("switch");
	OK(doca_flow_port_stop(rep_ports[0]));
	OK(doca_flow_port_stop(ports[0]));
	doca_flow_port_cfg *cfg;
	OK(doca_flow_port_cfg_create(&cfg));
	OK(doca_flow_port_cfg_set_port_id(cfg, number(0)));
	OK(doca_flow_port_cfg_set_dev(cfg, devs[0]));
	OK(doca_flow_port_cfg_set_operation_state(cfg, DOCA_FLOW_PORT_OPERATION_STATE_UNCONNECTED));
	OK(doca_flow_port_start(cfg, &ports[0]));
	OK(doca_flow_port_cfg_destroy(cfg));
	OK(start_flow_port(number(1), nullptr, reps[0], rep_ports[0]));
	doca_flow_pipe *root = pipe_of(ports[0], to_port(1), true);
	doca_flow_pipe_entry *entry = entry_of(ports[0], root, 10);
	arrive(wires[0], to(10));
	send(0, to(10));
	CHECK(sent_by(functions[0]).empty() && sent_by(wires[0]).empty() && packets_of(entry) == 0);
	for (const auto state : {DOCA_FLOW_PORT_OPERATION_STATE_ACTIVE, DOCA_FLOW_PORT_OPERATION_STATE_ACTIVE_READY_TO_SWAP,
				 DOCA_FLOW_PORT_OPERATION_STATE_STANDBY}) {
		OK(doca_flow_port_operation_state_modify(ports[0], state));
		arrive(wires[0], to(10));
		CHECK(sent_by(functions[0]) == Frames{to(10)});
	}
	OK(doca_flow_port_operation_state_modify(ports[0], DOCA_FLOW_PORT_OPERATION_STATE_UNCONNECTED));
	arrive(wires[0], to(10));
	CHECK(sent_by(functions[0]).empty() && packets_of(entry) == 3);
	CHECK(doca_flow_port_operation_state_modify(rep_ports[0], DOCA_FLOW_PORT_OPERATION_STATE_ACTIVE) ==
	      DOCA_ERROR_NOT_SUPPORTED);
	stop_managers();
}

const Case CASES[] = {
	{"words", words_of_modes},
	{"vnf", ports_forward_to_each_other},
	{"vnf-egress", ports_have_egress_roots},
	{"vnf-queues", ports_have_queues},
	{"vnf-stop", ports_stop_one_by_one},
	{"vnf-crypto", ports_do_not_encrypt},
	{"managers", managers_work_side_by_side},
	{"switch-sends", a_switch_sends},
	{"expert-sends", an_expert_does_not},
	{"states", states_of_ports},
};

} // namespace

int main(int argc, char **argv)
{
	return run_case("modes", CASES, argc, argv);
}
