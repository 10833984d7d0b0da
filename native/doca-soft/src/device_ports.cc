// The DPDK ports of a device: those that the application sees, and those behind them that carry the packets.
#include "device.h"

#include <algorithm>
#include <cerrno>
#include <stdexcept>

#include <net/if.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <unistd.h>

#include <rte_dev.h>
#include <rte_eal.h>
#include <rte_errno.h>
#include <rte_eth_ring.h>
#include <rte_ethdev.h>
#include <rte_lcore.h>
#include <rte_mbuf.h>
#include <rte_mbuf_pool_ops.h>
#include <rte_mempool.h>
#include <rte_ring.h>

#include "huge_memory.h"
#include "program_ports.h"
#include "release.h"

namespace soft {
namespace {

// Number of descriptors in the queues of the ports behind the device.
constexpr uint16_t DESCRIPTORS = 1024;
// Room in every buffer for what encapsulation adds before and after a frame.
constexpr uint32_t SLACK_OCTETS = 128;
constexpr uint32_t DATA_OCTETS_MIN = 2048;
// Queues of the PF towards the application, where neither the mapping file nor the lcores ask for more.
constexpr uint32_t QUEUES_BY_DEFAULT_MIN = 8;
// Nothing goes through the queues of a representor's port.
constexpr uint32_t REPRESENTOR_QUEUE_PACKETS = 64;
static_assert(QUEUES_MAX == RTE_PMD_RING_MAX_RX_RINGS && QUEUES_MAX == RTE_PMD_RING_MAX_TX_RINGS,
	      "queues of a port made of rings");

[[noreturn]] void fail(const std::string &what, int error)
{
	throw std::runtime_error(what + ": " + rte_strerror(error < 0 ? -error : error));
}

rte_ring *new_ring(uint32_t packets)
{
	const std::string name = unique_name("ring");
	rte_ring *ring = rte_ring_create(name.c_str(), rte_align32pow2(packets), SOCKET_ID_ANY, RING_F_SP_ENQ | RING_F_SC_DEQ);
	if (ring == nullptr)
		fail("rte_ring_create", rte_errno);
	return ring;
}

void free_ring(rte_ring *ring)
{
	void *mbuf;
	while (rte_ring_sc_dequeue(ring, &mbuf) == 0)
		rte_pktmbuf_free(static_cast<rte_mbuf *>(mbuf));
	rte_ring_free(ring);
}

// Whether the interface behind a port takes packets for all MACs already. DPDK knows only what it has set itself.
bool is_promiscuous(uint16_t port)
{
	rte_eth_dev_info info{};
	ifreq request{};
	if (rte_eth_dev_info_get(port, &info) != 0 || info.if_index == 0 ||
	    if_indextoname(info.if_index, request.ifr_name) == nullptr)
		return rte_eth_promiscuous_get(port) == 1;
	const int any = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
	const bool known = any >= 0 && ioctl(any, SIOCGIFFLAGS, &request) == 0;
	if (any >= 0)
		close(any);
	return known && (request.ifr_flags & IFF_PROMISC) != 0;
}

// Without EAL's huge pages, a pool of packet buffers in memory that may have transparent ones: buffers are read and written
// far from each other.
rte_mempool *new_huge_pool(const char *name, uint32_t buffers, uint32_t cache, uint16_t room)
{
	rte_pktmbuf_pool_private own{};
	own.mbuf_data_room_size = room;
	// No device behind these ports uses physical addresses, so that buffers may cross pages.
	rte_mempool *pool = rte_mempool_create_empty(name, buffers, sizeof(rte_mbuf) + room, cache, sizeof(own), SOCKET_ID_ANY,
						     RTE_MEMPOOL_F_NO_IOVA_CONTIG);
	if (pool == nullptr)
		return nullptr;
	int failed = rte_mempool_set_ops_byname(pool, rte_mbuf_best_mempool_ops(), nullptr);
	if (failed == 0) {
		rte_pktmbuf_pool_init(pool, &own);
		size_t chunk;
		size_t alignment;
		const ssize_t octets = rte_mempool_op_calc_mem_size_default(pool, buffers, 0, &chunk, &alignment);
		auto memory = std::make_unique<HugeMemory>(static_cast<size_t>(octets));
		const auto release = [](rte_mempool_memhdr *, void *given) { delete static_cast<HugeMemory *>(given); };
		const int objects = rte_mempool_populate_iova(pool, reinterpret_cast<char *>(memory->data()), RTE_BAD_IOVA,
							      static_cast<size_t>(octets), release, memory.get());
		if (objects > 0)
			memory.release();
		failed = objects == static_cast<int>(buffers) ? 0 : objects < 0 ? -objects : ENOMEM;
	}
	if (failed != 0) {
		rte_mempool_free(pool);
		rte_errno = failed;
		return nullptr;
	}
	rte_mempool_obj_iter(pool, rte_pktmbuf_init, nullptr);
	return pool;
}

} // namespace

std::vector<uint8_t> Device::mac() const
{
	rte_ether_addr mac{};
	rte_eth_macaddr_get(first_port(), &mac);
	return std::vector<uint8_t>(mac.addr_bytes, mac.addr_bytes + sizeof(mac.addr_bytes));
}

uint16_t Device::application_queues() const
{
	rte_eth_dev_info info{};
	return rte_eth_dev_info_get(first_port(), &info) == 0 ? info.nb_rx_queues : 0;
}

void Device::probe(const std::vector<const RepresentorMapping *> &representors)
{
	try {
		make_port_pairs(representors);
		{
			const TakenNumbers taken(HIDDEN_FIRST);
			open_outer(mapping_, port_pairs_[0]);
			for (size_t i = 0; i < representors.size(); i++)
				open_outer(*representors[i], port_pairs_[i + 1]);
			if (!mapping_.kernel.empty())
				open_kernel();
		}
		for (size_t i = 1; i < port_pairs_.size(); i++)
			start_representor(port_pairs_[i]);
	} catch (...) {
		release();
		throw;
	}
}

uint32_t Device::queues() const
{
	if (mapping_.queues != 0)
		return mapping_.queues;
	return std::clamp<uint32_t>(rte_lcore_count(), QUEUES_BY_DEFAULT_MIN, QUEUES_MAX);
}

// The application expects consecutive port numbers, the PF's first. Free lower numbers are taken while these ports are made.
void Device::make_port_pairs(const std::vector<const RepresentorMapping *> &representors)
{
	const size_t count = 1 + representors.size();
	const auto is_free = [](uint16_t port) { return !rte_eth_dev_is_valid_port(port); };
	uint16_t first = 0;
	for (;; first++) {
		bool fits = true;
		for (size_t i = 0; i < count; i++)
			fits = fits && is_free(static_cast<uint16_t>(first + i));
		if (fits)
			break;
	}
	const TakenNumbers taken(first);
	for (size_t i = 0; i < count; i++) {
		PortPair pair{};
		// Only the PF's queues carry packets.
		const uint32_t packets = i == 0 ? mapping_.queue_packets : REPRESENTOR_QUEUE_PACKETS;
		for (uint32_t queue = 0; queue < queues(); queue++) {
			pair.to_application.push_back(new_ring(packets));
			pair.from_application.push_back(new_ring(packets));
		}
		pair.name = unique_name("port");
		const int port = rte_eth_from_rings(pair.name.c_str(), pair.to_application.data(), queues(),
						    pair.from_application.data(), queues(), 0);
		if (port < 0)
			fail("rte_eth_from_rings", rte_errno);
		pair.dpdk_port = static_cast<uint16_t>(port);
		pair.outer_port = UINT16_MAX;
		numbers_.push_back(pair.dpdk_port);
		port_pairs_.push_back(std::move(pair));
	}
}

// Opens and starts the DPDK port that the mapping file names under a key. With an MTU of 0, its own.
void Device::start_outer(const std::string &key, const std::string &port, uint32_t mtu_octets, PortPair &pair)
{
	const std::string line = key + " = " + port;
	const size_t comma = port.find(',');
	pair.outer_name = port.substr(0, comma);
	if (rte_eth_dev_get_port_by_name(pair.outer_name.c_str(), &pair.outer_port) != 0) {
		const std::string arguments = comma == std::string::npos ? "" : port.substr(comma + 1);
		const int added = rte_eal_hotplug_add("vdev", pair.outer_name.c_str(), arguments.c_str());
		if (added != 0)
			fail(line, added);
		pair.outer_is_ours = true;
		if (rte_eth_dev_get_port_by_name(pair.outer_name.c_str(), &pair.outer_port) != 0)
			throw std::runtime_error(line + ": it makes no Ethernet device");
		hide_port(pair.outer_port);
	}
	uint16_t mtu = 0;
	rte_eth_dev_get_mtu(pair.outer_port, &mtu);
	pair.mtu_before = mtu;
	pair.promiscuous_before = is_promiscuous(pair.outer_port);
	pair.mtu_octets = mtu_octets != 0 ? mtu_octets : mtu;
	if (pool_ == nullptr) {
		uint32_t largest = mapping_.mtu_octets;
		for (const RepresentorMapping &representor : mapping_.representors)
			largest = std::max(largest, representor.mtu_octets);
		const uint32_t data = std::max(DATA_OCTETS_MIN, std::max<uint32_t>(largest, mtu) + SLACK_OCTETS);
		const uint32_t room = std::min<uint32_t>(data + RTE_PKTMBUF_HEADROOM, UINT16_MAX);
		const uint32_t cache = std::min<uint32_t>(mapping_.buffers / 4, RTE_MEMPOOL_CACHE_MAX_SIZE);
		const std::string name = unique_name("pool");
		pool_ = rte_eal_has_hugepages() != 0
				? rte_pktmbuf_pool_create(name.c_str(), mapping_.buffers, cache, 0, static_cast<uint16_t>(room),
							  SOCKET_ID_ANY)
				: new_huge_pool(name.c_str(), mapping_.buffers, cache, static_cast<uint16_t>(room));
		if (pool_ == nullptr)
			fail("rte_pktmbuf_pool_create of " + std::to_string(mapping_.buffers) + " buffers of " +
				     std::to_string(room) + " octets (give EAL more memory, or say buffers = fewer)",
			     rte_errno);
	}
	rte_eth_conf configuration{};
	int result = rte_eth_dev_configure(pair.outer_port, 1, 1, &configuration);
	if (result == 0)
		result = rte_eth_rx_queue_setup(pair.outer_port, 0, DESCRIPTORS, SOCKET_ID_ANY, nullptr, pool_);
	if (result == 0)
		result = rte_eth_tx_queue_setup(pair.outer_port, 0, DESCRIPTORS, SOCKET_ID_ANY, nullptr);
	if (result == 0)
		result = rte_eth_dev_start(pair.outer_port);
	if (result != 0)
		fail(line, result);
	if (mtu_octets != 0 && mtu_octets != mtu)
		// Ports whose MTU cannot be set carry frames of any size.
		rte_eth_dev_set_mtu(pair.outer_port, static_cast<uint16_t>(mtu_octets));
	rte_eth_promiscuous_enable(pair.outer_port);
	if (pair.outer_name.rfind("net_tap", 0) == 0)
		pair.look = stop_tap_signals();
}

void Device::open_outer(const PortMapping &mapping, PortPair &pair)
{
	start_outer("port", mapping.port, mapping.mtu_octets, pair);
	pair.hold_milliseconds = mapping.hold_milliseconds;
	// The MTU that the application reads from its port.
	rte_eth_conf pair_configuration{};
	pair_configuration.rxmode.mtu = pair.mtu_octets;
	rte_eth_dev_configure(pair.dpdk_port, 1, 1, &pair_configuration);
	// Ports of devices are not promiscuous at first, unlike ports made of rings.
	rte_eth_promiscuous_disable(pair.dpdk_port);
	rte_ether_addr mac{};
	std::vector<uint8_t> mapped = mapped_mac(mapping);
	if (mapped.empty() && (rte_eth_macaddr_get(pair.outer_port, &mac) != 0 || rte_is_zero_ether_addr(&mac)))
		mapped = made_up_mac(mapping);
	std::copy(mapped.begin(), mapped.end(), mac.addr_bytes);
	rte_eth_dev_mac_addr_add(pair.dpdk_port, &mac, 0);
}

// What stands for the uplink in the kernel has its MAC and MTU.
void Device::open_kernel()
{
	const PortPair &uplink = port_pairs_[0];
	kernel_.outer_port = UINT16_MAX;
	start_outer("kernel", mapping_.kernel, uplink.mtu_octets, kernel_);
	rte_ether_addr mac{};
	rte_eth_macaddr_get(uplink.dpdk_port, &mac);
	// Ports of rings take none, and need none.
	rte_eth_dev_default_mac_addr_set(kernel_.outer_port, &mac);
}

// In switch mode a representor's port is the library's own: from 3.1 on the application finds it running, and cannot configure it.
void Device::start_representor(const PortPair &pair)
{
	rte_eth_dev_info info{};
	int result = rte_eth_dev_info_get(pair.dpdk_port, &info);
	if (result == 0)
		*const_cast<uint32_t *>(info.dev_flags) |= RTE_ETH_DEV_REPRESENTOR;
	if (result == 0 && !REPRESENTOR_PORTS_RUN)
		return;
	if (result == 0)
		result = rte_eth_rx_queue_setup(pair.dpdk_port, 0, DESCRIPTORS, SOCKET_ID_ANY, nullptr, pool_);
	if (result == 0)
		result = rte_eth_tx_queue_setup(pair.dpdk_port, 0, DESCRIPTORS, SOCKET_ID_ANY, nullptr);
	if (result == 0)
		result = rte_eth_dev_start(pair.dpdk_port);
	if (result != 0)
		fail("the port of a representor", result);
}

// An interface outlives the port that was made of it, with what the port has set.
void Device::leave_as_found(const PortPair &pair)
{
	if (!pair.promiscuous_before)
		rte_eth_promiscuous_disable(pair.outer_port);
	uint16_t mtu = 0;
	if (pair.mtu_before != 0 && rte_eth_dev_get_mtu(pair.outer_port, &mtu) == 0 && mtu != pair.mtu_before)
		rte_eth_dev_set_mtu(pair.outer_port, pair.mtu_before);
}

void Device::close_outer(const PortPair &pair)
{
	if (pair.outer_name.empty())
		return;
	if (pair.outer_is_ours)
		show_port(pair.outer_port);
	if (pair.outer_port != UINT16_MAX && rte_eth_dev_is_valid_port(pair.outer_port)) {
		leave_as_found(pair);
		rte_eth_dev_stop(pair.outer_port);
		if (pair.outer_is_ours)
			rte_eth_dev_close(pair.outer_port);
	}
	if (pair.outer_is_ours)
		rte_eal_hotplug_remove("vdev", pair.outer_name.c_str());
}

void Device::release()
{
	for (PortPair &pair : port_pairs_) {
		// The application may have closed it.
		remove_ring_port(pair.name);
		close_outer(pair);
		for (rte_ring *ring : pair.to_application)
			free_ring(ring);
		for (rte_ring *ring : pair.from_application)
			free_ring(ring);
	}
	port_pairs_.clear();
	close_outer(kernel_);
	kernel_ = {};
	// Leak the pool while mbufs are outstanding: returning them later would be use-after-free.
	if (pool_ != nullptr && rte_mempool_full(pool_) == 1)
		rte_mempool_free(pool_);
	pool_ = nullptr;
}

void Device::end_with_eal()
{
	stop();
	release();
}

} // namespace soft
