// The datapath's AEAD: packets sealed and opened, and the keys of what comes in.
#include "datapath.h"

#include "prefetch.h"
#include "psp_header.h"

namespace soft {
namespace {

// Derived keys that are searched between two bursts after a master key has gone; at most the work of a burst.
constexpr size_t KEYS_LOOKED_AT = 64;

// The octets between the PSP header that an encapsulation added and the ICV.
uint32_t sealed_octets(const Packet &packet)
{
	return packet.length - static_cast<uint32_t>(packet.encap) - PSP_ICV_OCTETS;
}

} // namespace

// The tag of derived keys without the version, which takes its two lowest bits.
uint32_t Datapath::generation_tag(uint32_t master_key) const
{
	return master_keys_.generation(master_key << 31) << 2;
}

bool Datapath::wipe_dead_keys()
{
	for (uint32_t i = 0; i < 2; i++) {
		if (alive_[i] == generation_tag(i))
			continue;
		alive_[i] = generation_tag(i);
		looked_through_ = 0;
	}
	if (looked_through_ == derived_.slots())
		return false;
	looked_through_ = derived_.wipe_dead(looked_through_, KEYS_LOOKED_AT, alive_);
	return true;
}

void Datapath::prefetch_keys(Packet **packets, uint32_t count, const void **keys) const
{
	for (uint32_t i = 0; i < count; i++) {
		if (packets[i]->psp >= 0)
			derived_.prefetch(load32(packets[i]->bases[BASE_PSP] + PSP_SPI));
	}
	for (uint32_t i = 0; i < count; i++) {
		keys[i] = nullptr;
		if (packets[i]->psp < 0)
			continue;
		const uint8_t *psp = packets[i]->bases[BASE_PSP];
		const uint32_t spi = load32(psp + PSP_SPI);
		keys[i] = derived_.find(spi, master_keys_.generation(spi) << 2 | psp_version(psp));
		prefetch_line(keys[i]);
	}
}

void Datapath::decrypt(Packet &packet)
{
	if (packet.stale)
		packet.parse();
	packet.decrypted = false;
	packet.have |= HAVE_SYNDROME;
	packet.syndrome = open(packet);
}

uint8_t Datapath::open(Packet &packet)
{
	if (packet.l4_type != L4_UDP) {
		counts.rx_errors++;
		return SYNDROME_ICV_FAIL;
	}
	const int32_t at = packet.l4 + static_cast<int32_t>(UDP_OCTETS);
	// UDP's length says where the datagram ends: Ethernet padding may follow.
	const int32_t end = packet.l4 + load16(packet.frame + packet.l4 + 4);
	if (end < at || end > packet.ip_end) {
		counts.rx_errors++;
		return SYNDROME_ICV_FAIL;
	}
	if (end - at < static_cast<int32_t>(PSP_HEADER_OCTETS + PSP_ICV_OCTETS)) {
		counts.rx_errors++;
		return SYNDROME_BAD_TRAILER;
	}
	uint8_t *psp = packet.frame + at;
	const uint32_t version = psp_version(psp);
	const uint32_t spi = load32(psp + PSP_SPI);
	if (version > PSP_VERSION_MAX || (spi & SPI_LOW_MASK) == 0) {
		counts.rx_bad++;
		return SYNDROME_ICV_FAIL;
	}
	const auto payload = static_cast<uint32_t>(end - at) - PSP_ICV_OCTETS;
	if (!psp_framing_ok(psp, payload)) {
		counts.rx_errors++;
		return SYNDROME_ICV_FAIL;
	}
	// The version's bits, and the generation, which is never 0.
	const uint32_t tag = master_keys_.generation(spi) << 2 | version;
	const uint32_t key_octets = psp_key_octets(version);
	const void *key = derived_.find(spi, tag);
	const bool fresh = key == nullptr;
	if (fresh) {
		uint8_t octets[32];
		master_keys_.derive(spi, version, octets);
		aead_.prepare(candidate_, octets, key_octets);
		explicit_bzero(octets, sizeof(octets));
		key = candidate_;
	}
	const uint32_t start = psp_encrypt_start(psp, payload);
	const bool authentic = aead_.open(key, key_octets, psp + PSP_SPI, psp, start, psp + start, payload - start,
					  psp + payload);
	if (fresh) {
		// The key is kept only after it has authenticated a packet: keys of forged packets would displace those in use.
		if (authentic)
			derived_.add(spi, tag, candidate_);
		else
			aead_.wipe(candidate_);
	}
	if (!authentic) {
		counts.rx_auth_failures++;
		return SYNDROME_ICV_FAIL;
	}
	counts.rx_packets++;
	// The parser does not look behind other ports than PSP's.
	if (packet.psp != at) {
		packet.psp = at;
		packet.bases[BASE_PSP] = psp;
		packet.have |= HAVE_PSP;
		packet.flags_written();
	}
	packet.enter_payload(psp[PSP_NEXT_HEADER], at + static_cast<int32_t>(psp_header_octets(psp)),
			     at + static_cast<int32_t>(payload));
	return SYNDROME_OK;
}

// Writes the packet's IV. This is a step of its own, because the AEAD would wait for the store before it reads the nonce.
bool Datapath::prepare_seal(Packet &packet)
{
	if (packet.key != nullptr)
		return true;
	if (packet.encap < 0 || slots == nullptr)
		return false;
	uint8_t *psp = packet.frame + packet.encap;
	const uint32_t version = psp_version(psp);
	if (version > PSP_VERSION_MAX || !psp_framing_ok(psp, sealed_octets(packet)))
		return false;
	const KeySlots::Key key = slots->get(packet.crypto_id);
	if (key.octets != psp_key_octets(version) || !ivs_.next(psp + PSP_IV))
		return false;
	packet.key = key.prepared;
	return true;
}

// IVs rise in the order of the packets, even if a copy makes some packets of a burst be encrypted before others leave.
void Datapath::prepare_seals_before(const Packet &packet)
{
	for (uint32_t i = 0; i < burst_ && &packets_[i] != &packet; i++) {
		if (packets_[i].crypto_id != 0)
			prepare_seal(packets_[i]);
	}
}

bool Datapath::seal(Packet &packet)
{
	if (!prepare_seal(packet)) {
		counts.tx_errors++;
		return false;
	}
	uint8_t *psp = packet.frame + packet.encap;
	const uint32_t payload = sealed_octets(packet);
	const uint32_t start = psp_encrypt_start(psp, payload);
	aead_.seal(packet.key, psp_key_octets(psp_version(psp)), psp + PSP_SPI, psp, start, psp + start, payload - start,
		   psp + payload);
	packet.sealed = true;
	counts.tx_packets++;
	return true;
}

} // namespace soft
