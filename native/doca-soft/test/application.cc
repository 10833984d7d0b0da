// A program that makes the calls that NVIDIA's psp_gateway makes, in its order, with pipes of the same kinds: `application CASE`,
// built for 3.1 and for 3.3, which differ in the calls and in the end (test/native/application.test.ts). What leaves by a port of
// the device comes back in by it (net_ring0, net_ring1).
#include <algorithm>

#include <doca_flow_crypto.h>

#include "application_pipes.h"
#include "cases.h"

using namespace application;

namespace {

/* ---- 14: sessions and packets ---- */

constexpr uint8_t WORKLOAD = 0x11;
constexpr uint8_t PEER_WORKLOAD = 0x22;

struct Session {
	doca_flow_pipe_entry *ingress;
	doca_flow_pipe_entry *egress;
};

void set_key(uint32_t slot, uint32_t *key)
{
	doca_flow_shared_resource_cfg cfg = {};
	cfg.psp_cfg.key_cfg.key_type = DOCA_FLOW_CRYPTO_KEY_256;
	cfg.psp_cfg.key_cfg.key = key;
#if DOCA_SOFT_RELEASE_ < 302
	OK(doca_flow_shared_resource_set_cfg(DOCA_FLOW_SHARED_RESOURCE_PSP, slot, &cfg));
#else
	OK(doca_flow_port_shared_resource_set_cfg(pf_port, DOCA_FLOW_SHARED_RESOURCE_PSP, slot, &cfg));
#endif
}

// With ourselves: the key is of our own master key. The last queue is that of the thread that answers peers.
Session open_session(uint32_t number)
{
	const uint16_t queue = queues;
	doca_flow_crypto_psp_spi_key_bulk *bulk;
	uint32_t spi;
	uint32_t key[8];
	OK(doca_flow_crypto_psp_spi_key_bulk_alloc(pf_port, DOCA_FLOW_CRYPTO_KEY_256, 1, &bulk));
	OK(doca_flow_crypto_psp_spi_key_bulk_generate(bulk));
	OK(doca_flow_crypto_psp_spi_key_bulk_get(bulk, 0, &spi, key));
	OK(doca_flow_crypto_psp_spi_key_bulk_free(bulk));
	set_key(key_slots[number], key);

	Session session = {};
	doca_flow_match match = {};
	match.tun.psp.spi = rte_cpu_to_be_32(spi);
	match.inner.ip6.src_ip[3] = rte_cpu_to_be_32(WORKLOAD);
	doca_flow_actions decap = decapsulation();
	add(queue, pipes.ingress_acl, &match, &decap, nullptr, &session.ingress);

	doca_flow_crypto_encap_action encap = encapsulation();
	uint8_t *outer = encap.encap_data;
	memset(outer, 0, encap.data_size);
	outer[12] = 0x86;
	outer[13] = 0xdd;
	outer[14] = 0x60;
	outer[20] = 17;
	outer[21] = 50;
	outer[37] = 1;
	outer[53] = 2;
	outer[56] = PSP_PORT >> 8;
	outer[57] = PSP_PORT & 0xff;
	outer[62] = 41;
	outer[63] = 1;
	outer[65] = 1 << 2 | 1;
	const uint32_t spi_on_wire = rte_cpu_to_be_32(spi);
	memcpy(outer + 66, &spi_on_wire, sizeof(spi_on_wire));

	const doca_flow_match destination = world::key(PEER_WORKLOAD);
#if DOCA_SOFT_RELEASE_ < 302
	doca_flow_actions actions = {};
	actions.has_crypto_encap = true;
	actions.crypto_encap = encap;
	actions.crypto = encryption(key_slots[number]);
	add(queue, pipes.egress_acl, &destination, &actions, nullptr, &session.egress);
#else
	doca_flow_crypto crypto = {};
	crypto.has_crypto_encap = true;
	crypto.crypto_encap = encap;
	crypto.crypto = encryption(key_slots[number]);
	add_to_list(queue, pipes.encrypt_list, number, crypto);
	doca_flow_fwd fwd = forward_of(DOCA_FLOW_FWD_ORDERED_LIST_PIPE);
	fwd.ordered_list_pipe = {pipes.encrypt_list, number};
	add(queue, pipes.egress_acl, &destination, nullptr, &fwd, &session.egress);
#endif
	return session;
}

// The next packet that comes to the program by any of its queues.
rte_mbuf *receive(uint32_t &metadata)
{
	for (uint64_t looks = 0; looks < 60'000; looks++) {
		for (uint16_t queue = 0; queue < queues; queue++) {
			rte_mbuf *mbuf;
			if (rte_eth_rx_burst(PF, queue, &mbuf, 1) == 1) {
				metadata = *RTE_FLOW_DYNF_METADATA(mbuf);
				return mbuf;
			}
		}
		usleep(1000);
	}
	CHECK(!"a packet comes");
	return nullptr;
}

// Sends a packet of the device's buffers, as those are that a program has received, and frees it at once, as the application does with
// what it sends again.
void send_and_free(rte_mbuf *mbuf)
{
	rte_mempool *its_pool = mbuf->pool;
	const uint16_t octets = mbuf->data_len;
	CHECK(rte_eth_tx_burst(PF, 0, &mbuf, 1) == 1);
	rte_pktmbuf_free_bulk(&mbuf, 1);
	// Whoever gets the buffer next writes to it.
	rte_mbuf *next = rte_pktmbuf_alloc(its_pool);
	CHECK(next != nullptr);
	memset(rte_pktmbuf_append(next, octets), 0xee, octets);
	rte_pktmbuf_free(next);
}

// Marked so that it leaves by the workload's port, and comes back in by it.
void send_as_workload(const Frame &frame)
{
	rte_mbuf *mbuf = mbuf_of(frame);
	*RTE_FLOW_DYNF_METADATA(mbuf) = RETURN_TO_VF;
	mbuf->ol_flags |= RTE_MBUF_DYNFLAG_TX_METADATA;
	send_and_free(mbuf);
}

Frame workload_frame(uint8_t last)
{
	std::vector<uint8_t> datagram(40, last);
	datagram[2] = 0x13;
	datagram[4] = 0;
	datagram[5] = static_cast<uint8_t>(datagram.size());
	return ip6_frame(WORKLOAD, PEER_WORKLOAD, 17, datagram);
}

void traffic()
{
	// What the ports of the device receive into.
	pool = nullptr;
	rte_mempool_walk([](rte_mempool *one, void *) { pool = one == packets ? pool : one; }, nullptr);
	CHECK(pool != nullptr);
	uint32_t metadata;
	const Frame first = workload_frame(1);
	send_as_workload(first);
	rte_mbuf *missed = receive(metadata);
	CHECK(metadata == 0 && frame_of(missed) == first && missed->pool == pool);
	const Session session = open_session(0);
	send_and_free(missed);
	rte_mbuf *back = receive(metadata);
	const Frame got = frame_of(back);
	CHECK(metadata == DECRYPTED && got.size() == first.size());
	CHECK(std::equal(got.begin() + 14, got.end(), first.begin() + 14));
	CHECK(packets_of(session.ingress) == 1 && packets_of(session.egress) == 1);
	OK(doca_soft_quiesce(QUIESCE_MILLISECONDS));
	// The one that came back is the only one that is not in the pool: each other was given back once.
	CHECK(rte_mempool_avail_count(pool) == pool->size - 1);
	rte_pktmbuf_free(back);

	// A new key: the new entry comes beside the old one, which goes by the first queue.
	const Session rekeyed = open_session(1);
	OK(doca_flow_pipe_remove_entry(0, 0, session.egress));
	OK(doca_flow_entries_process(pf_port, 0, TIMEOUT_MICROSECONDS, 1));
	send_as_workload(workload_frame(2));
	back = receive(metadata);
	CHECK(metadata == DECRYPTED && packets_of(rekeyed.ingress) == 1 && packets_of(rekeyed.egress) == 1);
	rte_pktmbuf_free(back);

	// Packets that it does not free, as is right, come back to the pool as well: all but a part of it at once, and the others when the
	// port stops.
	for (uint32_t i = 0; i < pool->size; i++) {
		rte_mbuf *dropped = mbuf_of(Frame(60));
		CHECK(rte_eth_tx_burst(PF, 0, &dropped, 1) == 1);
		if (i % 32 == 0)
			OK(doca_soft_quiesce(QUIESCE_MILLISECONDS));
	}
	OK(doca_soft_quiesce(QUIESCE_MILLISECONDS));
	CHECK(rte_mempool_avail_count(pool) == pool->size - pool->size / 4);

	send_as_workload(ip6_frame(WORKLOAD, 1, ICMP6, {NEIGHBOR_SOLICITATION, 0, 0, 0, 0, 0, 0, 0}));
	rte_pktmbuf_free(receive(metadata));
	CHECK(metadata == 0 && packets_of(pipes.solicitations) == 1);
}

/* ---- Cases ---- */

void the_application_runs()
{
	start_log();
	open_device();
	init_eal(nullptr);
	probe();
#if DOCA_SOFT_RELEASE_ >= 303
	uint16_t mtu;
	CHECK(rte_eth_dev_get_mtu(PF, &mtu) == 0);
#endif
	start_ports();
	init_flow();
	start_flow_port_of(PF, dev, nullptr, pf_port);
	start_flow_port_of(VF, nullptr, rep, vf_port);
	take_key_slots();
	make_rss_pipe();
	make_syndrome_pipe();
	make_ingress_acl();
	make_decrypt_pipe();
	make_egress_acl();
	make_egress_root();
	make_root();
	traffic();
	end();
}

// The mapping file has two devices: the program's ports of both come first, and it sees no others.
void ports_of_devices_come_first()
{
	start_log();
	init_eal(nullptr);
	CHECK(rte_eth_dev_count_avail() == 0);
	doca_devinfo **devices;
	uint32_t count;
	OK(doca_devinfo_create_list(&devices, &count));
	CHECK(count == 2);
	doca_dev *devs[2];
	doca_dev_rep *reps[2];
	for (uint32_t i = 0; i < 2; i++) {
		OK(doca_dev_open(devices[i], &devs[i]));
		doca_devinfo_rep **representors;
		uint32_t found;
		OK(doca_devinfo_rep_create_list(devs[i], DOCA_DEVINFO_REP_FILTER_NET, &representors, &found));
		OK(doca_dev_rep_open(representors[0], &reps[i]));
		doca_devinfo_rep_destroy_list(representors);
		OK(doca_dpdk_port_probe_with_representors(devs[i], "", &reps[i], 1));
		uint16_t first;
		OK(doca_dpdk_get_first_port_id(devs[i], &first));
		CHECK(first == 2 * i && rte_eth_dev_count_avail() == 2 * (i + 1) && rte_eth_dev_count_total() == 2 * (i + 1));
		for (uint16_t port = first; port < first + 2; port++) {
			doca_dev *owner;
			rte_eth_dev_info info;
			OK(doca_dpdk_port_as_dev(port, &owner));
			CHECK(owner == devs[i] && rte_eth_dev_info_get(port, &info) == 0);
			CHECK(((*info.dev_flags & RTE_ETH_DEV_REPRESENTOR) != 0) == (port > first));
		}
	}
	doca_devinfo_destroy_list(devices);
	uint16_t port;
	uint32_t valid = 0;
	for (port = rte_eth_find_next(0); port < RTE_MAX_ETHPORTS; port = rte_eth_find_next(static_cast<uint16_t>(port + 1)))
		valid++;
	CHECK(valid == 4);
	for (port = 0; port < RTE_MAX_ETHPORTS; port++) {
		CHECK((rte_eth_dev_is_valid_port(port) != 0) == (port < 4));
		if (port >= 4)
			CHECK(rte_eth_dev_stop(port) == -ENODEV && rte_eth_dev_close(port) == -ENODEV);
	}
	doca_dev *nobodys;
	CHECK(doca_dpdk_port_as_dev(4, &nobodys) == DOCA_ERROR_NOT_FOUND);
	// One device goes and comes again where it was.
	OK(doca_dev_close(devs[0]));
	CHECK(rte_eth_dev_count_avail() == 2 && !rte_eth_dev_is_valid_port(0) && rte_eth_dev_is_valid_port(2));
	OK(doca_dev_close(devs[1]));
	CHECK(rte_eth_dev_count_avail() == 0 && rte_eth_dev_count_total() == 0);
	for (doca_dev_rep *one : reps)
		OK(doca_dev_rep_close(one));
	CHECK(rte_eal_cleanup() == 0);
}

// As many queues as lcores, eight at least, and as many as DPDK's ring driver has at most.
void queues_are_as_many_as_lcores(const char *lcores, uint16_t expected)
{
	start_log();
	open_device();
	init_eal(lcores);
	probe();
	for (const uint16_t port : {PF, VF}) {
		rte_eth_dev_info info;
		CHECK(rte_eth_dev_info_get(port, &info) == 0);
		CHECK(info.max_rx_queues == expected && info.max_tx_queues == expected);
	}
	OK(doca_dev_rep_close(rep));
	OK(doca_dev_close(dev));
	CHECK(rte_eal_cleanup() == 0);
}

const Case CASES[] = {
	{"order", the_application_runs},
	{"two-devices", ports_of_devices_come_first},
	{"one-lcore", [] { queues_are_as_many_as_lcores("0@0", 8); }},
	{"twelve-lcores", [] { queues_are_as_many_as_lcores("(0-11)@0", 12); }},
	{"thirty-lcores", [] { queues_are_as_many_as_lcores("(0-29)@0", 16); }},
};

} // namespace

int main(int argc, char **argv)
{
	return run_case("application", CASES, argc, argv);
}
