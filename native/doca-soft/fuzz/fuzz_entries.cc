// Octets as a program of calls: pipes with arbitrary templates, entries that are added, updated and removed, packets
// through them. The pipes are those of the library; only its threads and ports are left out.
#include <cstdio>
#include <list>
#include <memory>

#include "../src/basic_pipe.h"
#include "environment.h"

using namespace soft;

namespace {

class Bytes {
public:
	Bytes(const uint8_t *data, size_t size) : at_(data), end_(data + size) {}
	bool done() const { return at_ == end_; }
	uint8_t next() { return at_ == end_ ? 0 : *at_++; }
	// Mostly values that programs write: nothing, all ones, or a number.
	void fill(void *to, size_t octets)
	{
		auto *out = static_cast<uint8_t *>(to);
		const uint8_t kind = next() % 4;
		for (size_t i = 0; i < octets; i++)
			out[i] = kind == 0 ? 0 : kind == 1 ? 0xff : next();
	}

private:
	const uint8_t *at_;
	const uint8_t *end_;
};

doca_flow_match match_from(Bytes &bytes)
{
	doca_flow_match match;
	memset(static_cast<void *>(&match), 0, sizeof(match));
	const uint8_t selectors = bytes.next();
	match.outer.l3_type = static_cast<doca_flow_l3_type>(selectors % 3);
	match.outer.l4_type_ext = static_cast<doca_flow_l4_type_ext>(selectors / 4 % 5);
	match.tun.type = (selectors & 0x40) != 0 ? DOCA_FLOW_TUN_PSP : DOCA_FLOW_TUN_NONE;
	match.inner.l3_type = static_cast<doca_flow_l3_type>(selectors / 32 % 3);
	for (uint8_t fields = bytes.next() % 5; fields > 0; fields--) {
		switch (bytes.next() % 9) {
		case 0:
			bytes.fill(&match.meta.pkt_meta, 4);
			break;
		case 1:
			bytes.fill(&match.meta.u32[bytes.next() % 10], 4);
			break;
		case 2:
			bytes.fill(&match.parser_meta.psp_syndrome, 1);
			break;
		case 3:
			bytes.fill(&match.outer.ip4.src_ip, 8);
			break;
		case 4:
			bytes.fill(&match.outer.udp, 4);
			break;
		case 5:
			bytes.fill(&match.tun.psp.spi, 4);
			break;
		case 6:
			bytes.fill(&match.inner.ip4.src_ip, 8);
			break;
		case 7:
			bytes.fill(&match.outer.eth, 14);
			break;
		default:
			bytes.fill(reinterpret_cast<uint8_t *>(&match) + bytes.next() % (sizeof(match) - 16), 16);
		}
	}
	return match;
}

doca_flow_actions actions_from(Bytes &bytes)
{
	doca_flow_actions actions;
	memset(static_cast<void *>(&actions), 0, sizeof(actions));
	bytes.fill(&actions.meta.pkt_meta, 4);
	bytes.fill(&actions.outer.eth.dst_mac, 6);
	const uint8_t kind = bytes.next();
	if ((kind & 1) != 0) {
		actions.tun.type = DOCA_FLOW_TUN_PSP;
		bytes.fill(&actions.tun.psp.s_d_ver_v, 1);
	}
	if ((kind & 2) != 0) {
		static const uint16_t sizes[] = {14, 0, 58, 66, 78, 86, 24, 32, 114};
		actions.has_crypto_encap = true;
		actions.crypto_encap.action_type = static_cast<doca_flow_crypto_encap_action_type>(1 + (kind >> 2 & 1));
		actions.crypto_encap.net_type = static_cast<doca_flow_crypto_encap_net_type>(6 + bytes.next() % 4);
		actions.crypto_encap.icv_size = 16;
		actions.crypto_encap.data_size = sizes[bytes.next() % 9];
		bytes.fill(actions.crypto_encap.encap_data, sizeof(actions.crypto_encap.encap_data));
	}
	if ((kind & 8) != 0) {
		actions.crypto.resource_type = DOCA_FLOW_CRYPTO_RESOURCE_PSP;
		actions.crypto.action_type = static_cast<doca_flow_crypto_action_type>(1 + (kind >> 4 & 1));
		actions.crypto.crypto_id = (kind & 32) != 0 ? UINT32_MAX : bytes.next();
	}
	if ((kind & 64) != 0) {
		const uint8_t layers = bytes.next();
		actions.outer.l3_type = static_cast<doca_flow_l3_type>(layers % 3);
		actions.outer.l4_type_ext = static_cast<doca_flow_l4_type_ext>(layers / 4 % 3);
		bytes.fill(&actions.outer.ip6.dst_ip, 16);
		bytes.fill(&actions.outer.tcp.l4_port, 4);
		actions.nat64.original_l3_type = static_cast<doca_flow_l3_type>(layers / 16 % 3);
		actions.has_push = layers >= 128;
		bytes.fill(&actions.push.vlan, 4);
	}
	return actions;
}

// Descriptors between any fields, and what is added to them. Bits that fields lack are refused.
std::vector<Descriptor> descriptors_from(Bytes &bytes)
{
	static const char *const names[] = {"meta.data",
					    "outer.ipv4.version_ihl",
					    "outer.ipv4.src_ip",
					    "outer.ipv4.ttl",
					    "outer.ipv6.traffic_class",
					    "outer.ipv6.dst_ip",
					    "outer.ipv6.flow_label",
					    "outer.tcp.data_offset",
					    "outer.tcp.ack_num",
					    "outer.udp.dst_port",
					    "outer.eth.src_mac",
					    "tunnel.psp.spi",
					    "parser_meta.port.id",
					    "inner.ipv6.flow_label",
					    "parser_meta.random.value"};
	constexpr size_t NAMES = sizeof(names) / sizeof(names[0]);
	doca_flow_action_desc array[4] = {};
	const doca_flow_action_descs descs = {static_cast<uint8_t>(bytes.next() % 4), array};
	for (uint8_t i = 0; i < descs.nb_action_desc; i++) {
		const uint8_t source = bytes.next() % (NAMES + 1);
		array[i].type = static_cast<doca_flow_action_type>(bytes.next() % 3);
		array[i].field_op = {{source == NAMES ? nullptr : names[source], bytes.next()},
				     {names[bytes.next() % NAMES], bytes.next()},
				     bytes.next()};
	}
	std::vector<Descriptor> read;
	if (read_descriptors(&descs, read) != DOCA_SUCCESS)
		read.clear();
	return read;
}

// What the inputs have come to, told at the end: a corpus that no entry is made of shows nothing.
struct Reached {
	uint64_t entries = 0;
	uint64_t hits = 0;
	uint64_t misses = 0;
	~Reached()
	{
		fprintf(stderr, "reached: %llu entries, %llu hits, %llu misses\n", static_cast<unsigned long long>(entries),
			static_cast<unsigned long long>(hits), static_cast<unsigned long long>(misses));
	}
} reached;

struct World {
	rte_mempool *pool = rte_pktmbuf_pool_create("fuzz", 255, 0, 0, 2048 + RTE_PKTMBUF_HEADROOM, SOCKET_ID_ANY);
	RandomSource random{7};
	MasterKeys master_keys{random, std::vector<uint8_t>(64, 0x33), 1};
	KeySlots slots{*find_aead("auto"), 8};
	IvSource ivs{random, 1};
	Exits exits;
	Datapath datapath{*find_aead("auto"), random, master_keys, ivs, 16, pool, exits};
};

World &world()
{
	start_dpdk();
	static auto *made = new World();
	made->datapath.slots = &made->slots;
	return *made;
}

} // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	World &around = world();
	Bytes bytes(data, size > 4096 ? 4096 : size);
	// More than it was made for.
	constexpr uint32_t ENTRIES_EXPECTED = 3;
	constexpr uint32_t ENTRIES = 9;
	doca_flow_match match = match_from(bytes);
	doca_flow_match mask = match_from(bytes);
	std::vector<MatchField> fields;
	if (read_template(match, (bytes.next() & 1) != 0 ? &mask : nullptr, fields) != DOCA_SUCCESS)
		return 0;
	std::vector<Actions> actions(1);
	const doca_flow_actions template_actions = actions_from(bytes);
	// What was found before there were descriptors means the same as then.
	const bool has_descriptors = template_actions.outer.l3_type != DOCA_FLOW_L3_TYPE_NONE;
	const std::vector<Descriptor> descriptors = has_descriptors ? descriptors_from(bytes) : std::vector<Descriptor>();
	if (actions[0].compile(template_actions, nullptr, descriptors, false, UINT32_MAX) != DOCA_SUCCESS)
		return 0;
	BasicPipe pipe(std::move(fields), std::move(actions), ENTRIES_EXPECTED, ENTRIES, false, false);
	pipe.forward.kind = Forward::DROP;
	pipe.miss.kind = Forward::KERNEL;
	std::list<doca_flow_pipe_entry *> installed;
	while (!bytes.done()) {
		switch (bytes.next() % 4) {
		case 0: {
			doca_flow_pipe_entry *entry = pipe.take_entry();
			if (entry == nullptr) {
				if (installed.size() != pipe.entries_max)
					abort();
				break;
			}
			const doca_flow_match own = match_from(bytes);
			const doca_flow_actions values = actions_from(bytes);
			pipe.reader().entry_key(&own, pipe.key_of(*entry->hot));
			const bool stored = pipe.actions()[0].store(&values, pipe.values_of(*entry->hot),
								    &entry->hot->crypto_id) == DOCA_SUCCESS;
			if (stored && pipe.install(*entry)) {
				installed.push_back(entry);
				reached.entries++;
			} else {
				pipe.release_entry(entry);
			}
			break;
		}
		case 1:
			if (installed.empty())
				break;
			pipe.uninstall(*installed.front());
			pipe.release_entry(installed.front());
			installed.pop_front();
			break;
		case 2: {
			if (installed.empty())
				break;
			EntryHot *update = pipe.new_values();
			const doca_flow_actions values = actions_from(bytes);
			if (pipe.actions()[0].store(&values, pipe.values_of(*update), &update->crypto_id) == DOCA_SUCCESS)
				pipe.update(*installed.back(), *update, {true, true, true});
			free(update);
			break;
		}
		default: {
			rte_mbuf *mbuf = rte_pktmbuf_alloc(around.pool);
			const uint8_t octets = bytes.next();
			auto *frame = reinterpret_cast<uint8_t *>(rte_pktmbuf_append(mbuf, octets));
			for (uint8_t i = 0; i < octets; i++)
				frame[i] = bytes.next();
			Packet packet{};
			packet.mbuf = mbuf;
			packet.load(frame, octets, 0, 0);
			Packet *one = &packet;
			Forward result;
			pipe.process(&one, 1, &result, around.datapath);
			(result.kind == Forward::KERNEL ? reached.misses : reached.hits)++;
			rte_pktmbuf_free(packet.mbuf);
		}
		}
	}
	return 0;
}
