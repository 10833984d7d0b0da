#include "device.h"

#include <algorithm>
#include <chrono>
#include <cstdlib>
#include <cstring>
#include <pthread.h>
#include <sched.h>
#include <sys/random.h>

#include <rte_errno.h>
#include <rte_ethdev.h>
#include <rte_flow.h>
#include <rte_mbuf.h>
#include <rte_mempool.h>

#include "representor.h"

namespace {

constexpr uint16_t DESCRIPTORS = 1024;
// Memory for values that actions write, as much as NVIDIA's application asks for.
constexpr uint32_t ACTIONS_MEMORY_OCTETS = 8388608u * 64;
// The Ethernet header and the FCS around an IP packet.
constexpr uint32_t ETHERNET_AROUND_OCTETS = 14 + 4;
// Room in a buffer for the PSP headers that the device adds.
constexpr uint32_t BUFFER_SLACK_OCTETS = 128;
constexpr uint16_t RECEIVE_BURST = 64;
constexpr size_t RECEIVE_BATCH_MAX = 256;
// Polls without packets until a receiver sleeps, and how long it sleeps.
constexpr uint32_t POLLS_AWAKE = 200;
constexpr auto SLEEP_MIN = std::chrono::microseconds(50);
constexpr auto SLEEP_MAX = std::chrono::microseconds(1000);

doca_dev *open_by_pci(const std::string &pci)
{
	doca_devinfo **list = nullptr;
	uint32_t count = 0;
	check(doca_devinfo_create_list(&list, &count), "the list of devices");
	const std::unique_ptr<doca_devinfo *, doca_error_t (*)(doca_devinfo **)> guard(list, doca_devinfo_destroy_list);
	std::string known;
	for (uint32_t i = 0; i < count; i++) {
		uint8_t equal = 0;
		if (doca_devinfo_is_equal_pci_addr(list[i], pci.c_str(), &equal) == DOCA_SUCCESS && equal != 0) {
			doca_dev *dev = nullptr;
			check(doca_dev_open(list[i], &dev), "opening device " + pci);
			return dev;
		}
		char address[DOCA_DEVINFO_PCI_ADDR_SIZE] = {};
		if (doca_devinfo_get_pci_addr_str(list[i], address) == DOCA_SUCCESS)
			known += std::string(known.empty() ? "" : ", ") + address;
	}
	throw Failure(DOCA_ERROR_NOT_FOUND, "device " + pci + " (there are: " + (known.empty() ? "none" : known) + ")");
}

using KeyBulk = std::unique_ptr<doca_flow_crypto_psp_spi_key_bulk, void (*)(doca_flow_crypto_psp_spi_key_bulk *)>;

// A bulk without keys yet, which clears them at its end.
KeyBulk key_bulk(doca_flow_port *port, doca_flow_crypto_key_type type, uint32_t count)
{
	doca_flow_crypto_psp_spi_key_bulk *bulk = nullptr;
	check(doca_flow_crypto_psp_spi_key_bulk_alloc(port, type, count, &bulk), "a bulk of keys");
	return {bulk, [](doca_flow_crypto_psp_spi_key_bulk *used) {
			doca_flow_crypto_psp_spi_key_bulk_clear(used);
			doca_flow_crypto_psp_spi_key_bulk_free(used);
		}};
}

} // namespace

Device::Device(const DeviceOptions &options)
	: options_(options), crypto_ids_(options.key_slots + 1), key_octets_(options.key_slots + 1)
{
	try {
		open();
	} catch (...) {
		release();
		throw;
	}
}

Device::~Device()
{
	release();
}

void Device::open()
{
	start_logging(options_.log_level);
	start_eal(options_);
	dev_ = open_by_pci(options_.pci_address);
	rep_ = open_representor(dev_, options_.representor);
	check(compat::probe(dev_, rep_, options_.representor.c_str()), "probing device " + options_.pci_address);
	check(doca_dpdk_get_first_port_id(dev_, &dpdk_ports_[0]), "the DPDK port of device " + options_.pci_address);
	// The first representor has the number after its PF.
	dpdk_ports_[1] = static_cast<uint16_t>(dpdk_ports_[0] + 1);
	probed_ = true;
	open_dpdk_ports();
	describe();
	start_flow_ports();
	// Keys of an earlier run may still be in the device.
	rotate_master_key();
	rotate_master_key();
	look_for_gmac();
}

void Device::open_dpdk_ports()
{
	uint16_t mtus[2] = {};
	uint32_t largest = 0;
	for (size_t i = 0; i < 2; i++) {
		const int result = rte_eth_dev_get_mtu(dpdk_ports_[i], &mtus[i]);
		if (result != 0)
			throw dpdk_failure("the MTU of DPDK port " + std::to_string(dpdk_ports_[i]), result);
		information_[i].mtu_octets = mtus[i];
		largest = std::max<uint32_t>(largest, mtus[i]);
	}
	const uint32_t room = largest + ETHERNET_AROUND_OCTETS + RTE_PKTMBUF_HEADROOM + BUFFER_SLACK_OCTETS;
	static uint32_t number = 0;
	const std::string name = "psp_gateway_" + std::to_string(number++);
	pool_ = rte_pktmbuf_pool_create(name.c_str(), options_.buffers, 0, 0,
					static_cast<uint16_t>(std::min<uint32_t>(room, UINT16_MAX)), SOCKET_ID_ANY);
	if (pool_ == nullptr)
		throw dpdk_failure(std::to_string(options_.buffers) + " packet buffers of " + std::to_string(room) +
					   " octets; give DPDK more memory",
				   rte_errno);
	for (size_t i = 0; i < 2; i++) {
		rte_eth_dev_info information{};
		const int result = rte_eth_dev_info_get(dpdk_ports_[i], &information);
		if (result != 0)
			throw dpdk_failure("what DPDK port " + std::to_string(dpdk_ports_[i]) + " is", result);
		// In switch mode DOCA owns the ports of representors: the application neither configures nor starts them.
		if ((*information.dev_flags & RTE_ETH_DEV_REPRESENTOR) != 0)
			continue;
		const uint16_t queues = i == 0 ? options_.rss_queues : 1;
		if (queues > information.max_rx_queues)
			throw Failure(DOCA_ERROR_INVALID_VALUE,
				      std::to_string(queues) + " receive queues, one for each core, of a device with " +
					      std::to_string(information.max_rx_queues) + " at most; give EAL fewer cores");
		start_dpdk_port(dpdk_ports_[i], queues, mtus[i]);
	}
}

void Device::start_dpdk_port(uint16_t port, uint16_t queues, uint16_t mtu_octets)
{
	rte_eth_conf configuration{};
	configuration.rxmode.mtu = mtu_octets;
	int result = rte_eth_dev_configure(port, queues, 1, &configuration);
	// Packets come to the workload's MAC address, and to any that a peer uses.
	if (result == 0)
		result = rte_eth_promiscuous_enable(port);
	for (uint16_t queue = 0; result == 0 && queue < queues; queue++)
		result = rte_eth_rx_queue_setup(port, queue, DESCRIPTORS, SOCKET_ID_ANY, nullptr, pool_);
	if (result == 0)
		result = rte_eth_tx_queue_setup(port, 0, DESCRIPTORS, SOCKET_ID_ANY, nullptr);
	if (result == 0)
		result = compat::isolate(port);
	if (result == 0)
		result = rte_eth_dev_start(port);
	if (result != 0)
		throw dpdk_failure("starting DPDK port " + std::to_string(port), result);
}

void Device::describe()
{
	const doca_devinfo *info = doca_dev_as_devinfo(dev_);
	char name[DOCA_DEVINFO_IFACE_NAME_SIZE] = {};
	PortInformation &uplink = information_[0];
	uplink.name = doca_devinfo_get_iface_name(info, name, sizeof(name)) == DOCA_SUCCESS && name[0] != '\0' ? name : "pf0";
	check(doca_devinfo_get_mac_addr(info, uplink.mac.data(), DOCA_DEVINFO_MAC_ADDR_SIZE), "the PF's MAC address");
	std::vector<uint8_t> address(DOCA_DEVINFO_IPV4_ADDR_SIZE);
	const auto is_set = [](const std::vector<uint8_t> &octets) {
		return std::any_of(octets.begin(), octets.end(), [](uint8_t octet) { return octet != 0; });
	};
	if (doca_devinfo_get_ipv4_addr(info, address.data(), DOCA_DEVINFO_IPV4_ADDR_SIZE) == DOCA_SUCCESS && is_set(address))
		uplink.ipv4 = address;
	address.assign(DOCA_DEVINFO_IPV6_ADDR_SIZE, 0);
	if (doca_devinfo_get_ipv6_addr(info, address.data(), DOCA_DEVINFO_IPV6_ADDR_SIZE) == DOCA_SUCCESS && is_set(address))
		uplink.ipv6 = address;

	PortInformation &vf = information_[1];
	vf.name = options_.representor;
	rte_ether_addr mac{};
	if (rte_eth_macaddr_get(dpdk_ports_[1], &mac) == 0)
		std::copy(mac.addr_bytes, mac.addr_bytes + sizeof(mac.addr_bytes), vf.mac.begin());
}

void Device::start_flow_ports()
{
	library_ = std::make_unique<FlowLibrary>(options_);
	for (size_t i = 0; i < 2; i++) {
		const std::string doing = "flow port " + std::to_string(dpdk_ports_[i]);
		doca_flow_port_cfg *cfg = nullptr;
		check(doca_flow_port_cfg_create(&cfg), doing);
		const std::unique_ptr<doca_flow_port_cfg, doca_error_t (*)(doca_flow_port_cfg *)> guard(
			cfg, doca_flow_port_cfg_destroy);
		check(compat::set_port(cfg, dpdk_ports_[i], dev_, i == 0 ? nullptr : rep_, ACTIONS_MEMORY_OCTETS), doing);
#if PSP_ORDERED_LISTS
		if (i == 0) {
			check(doca_flow_port_cfg_set_nr_resources(cfg, DOCA_FLOW_RESOURCE_COUNTER, options_.counters), doing);
			check(doca_flow_port_cfg_set_nr_resources(cfg, DOCA_FLOW_RESOURCE_PSP, options_.key_slots), doing);
		}
#endif
		check(doca_flow_port_start(cfg, &flow_ports_[i]), doing);
	}
#if !PSP_ORDERED_LISTS
	first_crypto_id_ = library_->take_crypto_ids(options_.key_slots);
	std::vector<uint32_t> ids(options_.key_slots);
	for (uint32_t i = 0; i < options_.key_slots; i++)
		ids[i] = first_crypto_id_ + i;
	check(doca_flow_shared_resources_bind(DOCA_FLOW_SHARED_RESOURCE_PSP, ids.data(), options_.key_slots, flow_ports_[0]),
	      "binding key slots");
#endif
}

void Device::build(ProgramSpec program)
{
	LoweringDevice device;
	device.port = doca_flow_port_switch_get(flow_ports_[0]);
	device.dpdk_ports[0] = dpdk_ports_[0];
	device.dpdk_ports[1] = dpdk_ports_[1];
	for (uint16_t queue = 0; queue < options_.rss_queues; queue++)
		device.rss_queues.push_back(queue);
	device.entry_queue = options_.rss_queues;
	device.queue_depth = FlowLibrary::QUEUE_DEPTH;
	device.crypto_id = [this](uint32_t id) { return doca_crypto_id(id); };
	device.take_mirror = [this] { return library_->take_mirror(); };
	program_ = std::make_unique<LoweredProgram>(std::move(program), std::move(device));
	try {
		program_->build();
	} catch (...) {
		unbuild();
		throw;
	}
}

void Device::unbuild()
{
	if (program_ == nullptr)
		return;
	program_->close();
	former_programs_.push_back(std::move(program_));
}

uint32_t Device::doca_crypto_id(uint32_t crypto_id)
{
#if PSP_ORDERED_LISTS
	uint32_t &id = crypto_ids_[crypto_id];
	if (id == 0)
		check(doca_flow_port_shared_resource_get(flow_ports_[0], DOCA_FLOW_SHARED_RESOURCE_PSP, &id),
		      "key slot " + std::to_string(crypto_id));
	return id;
#else
	return first_crypto_id_ + crypto_id - 1;
#endif
}

void Device::set_key(uint32_t crypto_id, const uint8_t *key, size_t octets)
{
	check(compat::set_psp_key(flow_ports_[0], doca_crypto_id(crypto_id), key, octets),
	      "key slot " + std::to_string(crypto_id));
	key_octets_[crypto_id] = static_cast<uint8_t>(octets);
}

void Device::clear_key(uint32_t crypto_id)
{
	const uint8_t former = key_octets_[crypto_id];
	if (former == 0)
		return;
	// A random key of the other length: a device that checks the length drops packets that use the slot, and any other device
	// encrypts them so that nobody can decrypt them.
	const size_t octets = former == 16 ? 32 : 16;
	uint8_t key[32];
	if (getrandom(key, sizeof(key), 0) != static_cast<ssize_t>(sizeof(key)))
		throw Failure(DOCA_ERROR_OPERATING_SYSTEM, "random octets for a key slot that is cleared");
	check(compat::set_psp_key(flow_ports_[0], doca_crypto_id(crypto_id), key, octets),
	      "clearing key slot " + std::to_string(crypto_id));
	explicit_bzero(key, sizeof(key));
	key_octets_[crypto_id] = 0;
}

void Device::look_for_gmac()
{
	const KeyBulk bulk = key_bulk(flow_ports_[0], DOCA_FLOW_CRYPTO_KEY_128, 1);
	has_gmac_ = compat::set_gmac(bulk.get()) == DOCA_SUCCESS;
}

void Device::generate_keys(uint32_t key_octets, bool gmac, uint32_t count, uint32_t *spis, uint8_t *keys)
{
	const auto type = key_octets == 16 ? DOCA_FLOW_CRYPTO_KEY_128 : DOCA_FLOW_CRYPTO_KEY_256;
	const KeyBulk guard = key_bulk(flow_ports_[0], type, count);
	doca_flow_crypto_psp_spi_key_bulk *bulk = guard.get();
	if (gmac)
		check(compat::set_gmac(bulk), "keys of AES-GMAC");
	check(doca_flow_crypto_psp_spi_key_bulk_generate(bulk), "generating " + std::to_string(count) + " keys");
	uint32_t words[DOCA_FLOW_CRYPTO_KEY_LEN_MAX / 4];
	for (uint32_t i = 0; i < count; i++) {
		check(doca_flow_crypto_psp_spi_key_bulk_get(bulk, i, &spis[i], words), "a generated key");
		memcpy(keys + size_t{i} * key_octets, words, key_octets);
		check(doca_flow_crypto_psp_spi_key_wipe(bulk, i), "wiping a generated key");
	}
	explicit_bzero(words, sizeof(words));
}

void Device::rotate_master_key()
{
	check(doca_flow_crypto_psp_master_key_rotate(flow_ports_[0]), "rotating the master key");
}

void Device::receive(const ReceiveHandler &handler)
{
	for (uint16_t queue = 0; queue < options_.rss_queues; queue++)
		receivers_.emplace_back([this, queue, cores = receiver_cores(queue), handler] {
			pthread_setname_np(pthread_self(), ("psp-receive-" + std::to_string(queue)).c_str());
			sched_setaffinity(0, sizeof(cores), &cores);
			receive_loop(queue, handler);
		});
}

void Device::receive_loop(uint16_t queue, const ReceiveHandler &handler)
{
	rte_mbuf *mbufs[RECEIVE_BURST];
	std::vector<ReceivedPacket> batch;
	uint32_t idle = 0;
	auto sleep = SLEEP_MIN;
	while (!stopping_.load(std::memory_order_acquire)) {
		uint16_t count = 0;
		if (batch.size() + RECEIVE_BURST <= RECEIVE_BATCH_MAX)
			count = rte_eth_rx_burst(dpdk_ports_[0], queue, mbufs, RECEIVE_BURST);
		for (uint16_t i = 0; i < count; i++) {
			rte_mbuf *mbuf = mbufs[i];
			ReceivedPacket packet;
			packet.frame.resize(mbuf->pkt_len);
			const void *frame = rte_pktmbuf_read(mbuf, 0, mbuf->pkt_len, packet.frame.data());
			if (frame != packet.frame.data())
				memcpy(packet.frame.data(), frame, mbuf->pkt_len);
			const bool marked = (mbuf->ol_flags & RTE_MBUF_DYNFLAG_RX_METADATA) != 0;
			packet.packet_meta = marked ? *RTE_FLOW_DYNF_METADATA(mbuf) : 0;
			rte_pktmbuf_free(mbuf);
			batch.push_back(std::move(packet));
		}
		if (!batch.empty() && handler(batch))
			batch.clear();
		if (count > 0) {
			idle = 0;
			sleep = SLEEP_MIN;
		} else if (++idle > POLLS_AWAKE) {
			std::this_thread::sleep_for(sleep);
			if (batch.empty())
				sleep = std::min(sleep * 2, SLEEP_MAX);
		}
	}
}

uint32_t Device::transmit(const std::vector<std::pair<const uint8_t *, size_t>> &frames,
			  const std::vector<uint32_t> &packet_metas)
{
	if (stopping_.load(std::memory_order_acquire))
		return 0;
	uint32_t taken = 0;
	for (; taken < frames.size(); taken++) {
		rte_mbuf *mbuf = rte_pktmbuf_alloc(pool_);
		if (mbuf == nullptr)
			break;
		const auto &[octets, length] = frames[taken];
		char *room = length > UINT16_MAX ? nullptr : rte_pktmbuf_append(mbuf, static_cast<uint16_t>(length));
		if (room == nullptr) {
			// Larger than any port carries: taken and dropped, as a device does.
			rte_pktmbuf_free(mbuf);
			continue;
		}
		// Not memcpy: the pointer of an empty frame may be nullptr.
		std::copy_n(octets, length, room);
		*RTE_FLOW_DYNF_METADATA(mbuf) = packet_metas[taken];
		mbuf->ol_flags |= RTE_MBUF_DYNFLAG_TX_METADATA;
		if (rte_eth_tx_burst(dpdk_ports_[0], 0, &mbuf, 1) == 0) {
			rte_pktmbuf_free(mbuf);
			break;
		}
	}
	return taken;
}

void Device::stop()
{
	stopping_ = true;
	for (std::thread &receiver : receivers_)
		receiver.join();
	receivers_.clear();
}

void Device::release()
{
	stop();
	for (size_t i = 1; i < key_octets_.size(); i++) {
		try {
			clear_key(static_cast<uint32_t>(i));
		} catch (const Failure &) {
			// A key that cannot be cleared stays in the device until the rotations at the next start end its validity.
		}
	}
	unbuild();
	// The representor is stopped first, the switch manager last.
	for (size_t i = 2; i-- > 0;) {
		if (flow_ports_[i] != nullptr)
			doca_flow_port_stop(flow_ports_[i]);
		flow_ports_[i] = nullptr;
	}
	library_.reset();
	former_programs_.clear();
	for (size_t i = 2; probed_ && i-- > 0;) {
		rte_eth_dev_stop(dpdk_ports_[i]);
		rte_eth_dev_close(dpdk_ports_[i]);
	}
	probed_ = false;
	if (rep_ != nullptr)
		doca_dev_rep_close(rep_);
	if (dev_ != nullptr)
		doca_dev_close(dev_);
	rep_ = nullptr;
	dev_ = nullptr;
	// Leak the pool while mbufs are outstanding: returning them later would be use-after-free.
	if (pool_ != nullptr && rte_mempool_full(pool_) == 1)
		rte_mempool_free(pool_);
	pool_ = nullptr;
}
