// A frame into decryption and decapsulation. The first octet chooses: as it is, or sealed under the key that its SPI leads
// to, so that it authenticates and the way behind that is taken.
#include "../src/datapath.h"
#include "../src/headers.h"
#include "../src/psp_header.h"
#include "environment.h"

using namespace soft;

namespace {

struct World {
	rte_mempool *pool;
	RandomSource random{7};
	MasterKeys master_keys{random, std::vector<uint8_t>(64, 0x33), 1};
	const Aead &aead = *find_aead("auto");
	IvSource ivs{random, 1};
	Exits exits;
	Datapath datapath{aead, random, master_keys, ivs, 16, nullptr, exits};
};

World &world()
{
	start_dpdk();
	static auto *made = [] {
		auto *fresh = new World();
		fresh->pool = rte_pktmbuf_pool_create("fuzz", 255, 0, 0, 4096 + RTE_PKTMBUF_HEADROOM, SOCKET_ID_ANY);
		fresh->datapath.pool = fresh->pool;
		return fresh;
	}();
	return *made;
}

void seal(World &around, Packet &packet)
{
	if (packet.psp < 0)
		return;
	const int32_t end = packet.l4 + load16(packet.frame + packet.l4 + 4);
	if (end > packet.ip_end || end - packet.psp < static_cast<int32_t>(PSP_HEADER_OCTETS + PSP_ICV_OCTETS))
		return;
	uint8_t *psp = packet.frame + packet.psp;
	const auto payload = static_cast<uint32_t>(end - packet.psp) - PSP_ICV_OCTETS;
	const uint32_t version = psp_version(psp);
	if (version > PSP_VERSION_MAX || !psp_framing_ok(psp, payload))
		return;
	uint8_t key[32];
	around.master_keys.derive(load32(psp + PSP_SPI), version, key);
	void *context = aligned_alloc(64, (around.aead.context_octets + 63) / 64 * 64);
	around.aead.prepare(context, key, psp_key_octets(version));
	const uint32_t start = psp_encrypt_start(psp, payload);
	around.aead.seal(context, psp_key_octets(version), psp + PSP_SPI, psp, start, psp + start, payload - start,
			 psp + payload);
	around.aead.wipe(context);
	free(context);
}

} // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	World &around = world();
	if (size < 1 || size > 4096)
		return 0;
	rte_mbuf *mbuf = rte_pktmbuf_alloc(around.pool);
	memcpy(rte_pktmbuf_append(mbuf, static_cast<uint16_t>(size - 1)), data + 1, size - 1);
	Packet packet{};
	packet.mbuf = mbuf;
	packet.load(rte_pktmbuf_mtod(mbuf, uint8_t *), static_cast<uint32_t>(size - 1), 0, 0);
	if ((data[0] & 1) != 0)
		seal(around, packet);
	const std::vector<uint8_t> before(packet.frame, packet.frame + packet.length);
	around.datapath.decrypt(packet);
	// A packet that fails is unchanged.
	if (!packet.decrypted && !before.empty() && memcmp(before.data(), packet.frame, before.size()) != 0)
		abort();
	const uint8_t ethernet[ETHERNET_OCTETS] = {2, 0, 0, 0, 0, 1, 2, 0, 0, 0, 0, 2, 8, 0};
	const auto net_type = static_cast<doca_flow_crypto_encap_net_type>(DOCA_FLOW_CRYPTO_HEADER_PSP_TUNNEL + data[0] / 2 % 3);
	if (decapsulate(packet, net_type, ethernet)) {
		packet.parse();
		uint8_t header[86] = {};
		header[14] = 0x60;
		encapsulate(packet, DOCA_FLOW_CRYPTO_HEADER_PSP_TUNNEL, header, 78, around.pool, around.datapath.flow_ports);
	} else if (packet.decrypted && packet.inner_l3_type != L3_NONE && net_type == DOCA_FLOW_CRYPTO_HEADER_PSP_TUNNEL) {
		abort();
	}
	rte_pktmbuf_free(packet.mbuf);
	return 0;
}
