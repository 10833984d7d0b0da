#include "device.h"

#include <algorithm>
#include <cerrno>
#include <chrono>
#include <cstring>
#include <sched.h>
#include <stdexcept>
#include <sys/prctl.h>

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

#include "faults.h"
#include "huge_memory.h"
#include "log.h"

namespace soft {
namespace {

// Number of entry operations that are executed between two bursts.
constexpr uint32_t COMMANDS_PER_ROUND = 64;
// Rounds without work after which the thread sleeps between two rounds.
constexpr uint32_t ROUNDS_AWAKE = 100;
// Each sleep is longer than the one before by a part of it. So after a silence the first packet waits for a small part of that
// silence, and a silence costs few wakes, which are dear in virtual machines: 64 until the sleep is the longest.
constexpr auto SLEEP_MIN = std::chrono::nanoseconds(20'000);
constexpr auto SLEEP_MAX = std::chrono::nanoseconds(1'000'000);
constexpr int SLEEP_GROWTH_DIVISOR = 16;
// Number of descriptors in the queues of the ports behind the device.
constexpr uint16_t DESCRIPTORS = 1024;
// Room in every buffer for what encapsulation adds before and after a frame.
constexpr uint32_t SLACK_OCTETS = 128;
constexpr uint32_t DATA_OCTETS_MIN = 2048;
// The kernel's default slack would wake the thread 50 microseconds late.
constexpr unsigned long TIMER_SLACK_NANOSECONDS = 1000;

// The processors that the process could use before EAL pinned its threads.
cpu_set_t initial_affinity;
__attribute__((constructor)) void remember_affinity()
{
	sched_getaffinity(0, sizeof(initial_affinity), &initial_affinity);
}

std::mutex registry_mutex;
std::vector<Device *> registry;
std::atomic<uint32_t> name_counter{0};

std::string unique_name(const char *what)
{
	return std::string("soft_") + what + "_" + std::to_string(name_counter++);
}

[[noreturn]] void fail(const std::string &what, int error)
{
	throw std::runtime_error(what + ": " + rte_strerror(error < 0 ? -error : error));
}

const Aead &chosen_aead(const DeviceMapping &mapping)
{
	const Aead *aead = find_aead(mapping.crypto.c_str());
	if (aead == nullptr)
		throw std::runtime_error("crypto = " + mapping.crypto + ": not available here; say auto, ipsec-mb or openssl");
	if (DEFECTS && mapping.defect == Defect::KEYS_STAY) {
		static Aead leaky;
		leaky = *aead;
		leaky.wipe = [](void *) {};
		return leaky;
	}
	return *aead;
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

// The application may have closed it.
void close_port(uint16_t port)
{
	if (!rte_eth_dev_is_valid_port(port))
		return;
	rte_eth_dev_stop(port);
	rte_eth_dev_close(port);
}

} // namespace

EntryQueue::~EntryQueue()
{
	EntryCommand command{};
	while (commands.pop(command)) {
		free(command.update);
		command.entry->pipe->reported(*command.entry);
	}
	EntryCompletion completion{};
	while (completions.pop(completion))
		completion.entry->pipe->reported(*completion.entry);
}

std::vector<Device *> open_devices()
{
	std::lock_guard<std::mutex> guard(registry_mutex);
	return registry;
}

Device *device_of_port(uint16_t dpdk_port)
{
	std::lock_guard<std::mutex> guard(registry_mutex);
	for (Device *device : registry) {
		if (device->has_port(dpdk_port))
			return device;
	}
	return nullptr;
}

Device::Device(const DeviceMapping &mapping)
	: mapping_(mapping), aead_(chosen_aead(mapping)), random_(mapping.random_seed),
	  master_keys_(random_, mapping.master_keys, mapping.first_spi), ivs_(random_, mapping.first_iv, mapping.defect)
{
	std::lock_guard<std::mutex> guard(registry_mutex);
	registry.push_back(this);
}

Device::~Device()
{
	stop();
	release();
	master_keys_.wipe();
	std::lock_guard<std::mutex> guard(registry_mutex);
	registry.erase(std::find(registry.begin(), registry.end(), this));
}

int Device::position_of(uint16_t dpdk_port) const
{
	for (size_t i = 0; i < port_pairs_.size(); i++) {
		if (port_pairs_[i].dpdk_port == dpdk_port)
			return static_cast<int>(i);
	}
	return -1;
}

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
		open_outer(mapping_, port_pairs_[0]);
		for (size_t i = 0; i < representors.size(); i++)
			open_outer(*representors[i], port_pairs_[i + 1]);
		for (size_t i = 1; i < port_pairs_.size(); i++)
			start_representor(port_pairs_[i]);
	} catch (...) {
		release();
		throw;
	}
}

// The application expects consecutive port numbers, the PF's first. Free lower numbers are occupied while these ports are made.
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
	std::vector<uint16_t> stops;
	for (uint16_t port = 0; port < first; port++) {
		if (!is_free(port))
			continue;
		const int stop = rte_eth_from_rings(unique_name("stop").c_str(), nullptr, 0, nullptr, 0, 0);
		if (stop >= 0)
			stops.push_back(static_cast<uint16_t>(stop));
	}
	for (size_t i = 0; i < count; i++) {
		PortPair pair{};
		// Only the PF's queues carry packets.
		const uint32_t queues = i == 0 ? mapping_.queues : 1;
		const uint32_t packets = i == 0 ? mapping_.queue_packets : 64;
		for (uint32_t queue = 0; queue < queues; queue++) {
			pair.to_application.push_back(new_ring(packets));
			pair.from_application.push_back(new_ring(packets));
		}
		const int port = rte_eth_from_rings(unique_name("port").c_str(), pair.to_application.data(), queues,
						    pair.from_application.data(), queues, 0);
		if (port < 0)
			fail("rte_eth_from_rings", rte_errno);
		pair.dpdk_port = static_cast<uint16_t>(port);
		pair.outer_port = UINT16_MAX;
		port_pairs_.push_back(std::move(pair));
	}
	for (uint16_t stop : stops)
		close_port(stop);
}

void Device::open_outer(const PortMapping &mapping, PortPair &pair)
{
	const size_t comma = mapping.port.find(',');
	pair.outer_name = mapping.port.substr(0, comma);
	if (rte_eth_dev_get_port_by_name(pair.outer_name.c_str(), &pair.outer_port) != 0) {
		const std::string arguments = comma == std::string::npos ? "" : mapping.port.substr(comma + 1);
		const int added = rte_eal_hotplug_add("vdev", pair.outer_name.c_str(), arguments.c_str());
		if (added != 0)
			fail("port = " + mapping.port, added);
		pair.outer_is_ours = true;
		if (rte_eth_dev_get_port_by_name(pair.outer_name.c_str(), &pair.outer_port) != 0)
			throw std::runtime_error("port = " + mapping.port + ": it makes no Ethernet device");
	}
	uint16_t mtu = 0;
	rte_eth_dev_get_mtu(pair.outer_port, &mtu);
	pair.mtu_octets = mapping.mtu_octets != 0 ? mapping.mtu_octets : mtu;
	pair.hold_milliseconds = mapping.hold_milliseconds;
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
		fail("port = " + mapping.port, result);
	if (mapping.mtu_octets != 0 && mapping.mtu_octets != mtu)
		// Ports whose MTU cannot be set carry frames of any size.
		rte_eth_dev_set_mtu(pair.outer_port, static_cast<uint16_t>(mapping.mtu_octets));
	rte_eth_promiscuous_enable(pair.outer_port);
	if (pair.outer_name.rfind("net_tap", 0) == 0)
		pair.look = stop_tap_signals();

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

// In switch mode a representor's port is the library's own: the application finds it running, and cannot configure it.
void Device::start_representor(const PortPair &pair)
{
	rte_eth_dev_info info{};
	int result = rte_eth_dev_info_get(pair.dpdk_port, &info);
	if (result == 0) {
		*const_cast<uint32_t *>(info.dev_flags) |= RTE_ETH_DEV_REPRESENTOR;
		result = rte_eth_rx_queue_setup(pair.dpdk_port, 0, DESCRIPTORS, SOCKET_ID_ANY, nullptr, pool_);
	}
	if (result == 0)
		result = rte_eth_tx_queue_setup(pair.dpdk_port, 0, DESCRIPTORS, SOCKET_ID_ANY, nullptr);
	if (result == 0)
		result = rte_eth_dev_start(pair.dpdk_port);
	if (result != 0)
		fail("the port of a representor", result);
}

void Device::release()
{
	for (PortPair &pair : port_pairs_) {
		close_port(pair.dpdk_port);
		if (pair.outer_port != UINT16_MAX && rte_eth_dev_is_valid_port(pair.outer_port)) {
			rte_eth_dev_stop(pair.outer_port);
			if (pair.outer_is_ours) {
				rte_eth_dev_close(pair.outer_port);
				rte_eal_hotplug_remove("vdev", pair.outer_name.c_str());
			}
		}
		for (rte_ring *ring : pair.to_application)
			free_ring(ring);
		for (rte_ring *ring : pair.from_application)
			free_ring(ring);
	}
	port_pairs_.clear();
	// Leak the pool while mbufs are outstanding: returning them later would be use-after-free.
	if (pool_ != nullptr && rte_mempool_full(pool_) == 1)
		rte_mempool_free(pool_);
	pool_ = nullptr;
}

void Device::start(uint32_t queues, uint32_t queue_depth, uint32_t key_slots)
{
	try {
		slots_ = std::make_unique<KeySlots>(aead_, key_slots);
		datapath_ = std::make_unique<Datapath>(aead_, random_, master_keys_, ivs_, mapping_.derived_keys, pool_);
		datapath_->slots = slots_.get();
		const bool slots_locked = slots_->lock();
		if (!datapath_->lock_keys() || !slots_locked)
			log_sdk(DOCA_LOG_LEVEL_WARNING,
				"device %s: memory with keys may be swapped out, since RLIMIT_MEMLOCK does not let it be locked",
				mapping_.pci.c_str());
		for (size_t i = 0; i < port_pairs_.size(); i++) {
			SwitchPort port{};
			port.dpdk_port = port_pairs_[i].outer_port;
			port.mtu_octets = port_pairs_[i].mtu_octets;
			port.uplink = i == 0;
			datapath_->ports.push_back(port);
		}
		datapath_->rss_rings = port_pairs_[0].to_application;
		for (uint32_t i = 0; i < queues; i++)
			queues_.push_back(std::make_unique<EntryQueue>(queue_depth));
		stopping_ = false;
		thread_ = std::thread([this] { loop(); });
	} catch (...) {
		clear();
		throw;
	}
}

void Device::stop()
{
	if (!running())
		return;
	stopping_ = true;
	wake();
	thread_.join();
	clear();
}

void Device::clear()
{
	removed_entries.clear();
	pipes.clear();
	queues_.clear();
	mirrors_.clear();
	datapath_.reset();
	slots_.reset();
}

void Device::set_mirror(uint32_t number, MirrorTargets targets)
{
	if (number >= mirrors_.size())
		mirrors_.resize(number + 1);
	mirrors_[number] = std::move(targets);
}

void Device::loop()
{
	cpu_set_t affinity = initial_affinity;
	if (mapping_.core >= 0) {
		CPU_ZERO(&affinity);
		CPU_SET(static_cast<unsigned>(mapping_.core), &affinity);
	}
	sched_setaffinity(0, sizeof(affinity), &affinity);
	prctl(PR_SET_TIMERSLACK, TIMER_SLACK_NANOSECONDS);
	prctl(PR_SET_NAME, "doca-soft");
	// Gives the thread caches of mempools. Without registration they are merely slower.
	const bool registered = rte_thread_register() == 0;
	uint32_t idle = 0;
	while (!stopping_.load(std::memory_order_acquire)) {
		bool busy = poll_ports();
		busy |= poll_application();
		datapath_->flush();
		busy |= poll_commands();
		busy |= poll_work();
		busy |= datapath_->wipe_dead_keys();
		slots_->quiescent();
		if (busy) {
			idle = 0;
			continue;
		}
		idle_rounds_.fetch_add(1, std::memory_order_release);
		idle_backoff(++idle);
	}
	// Wakes callers that wait for the thread, which has ended.
	poll_work();
	if (registered)
		rte_thread_unregister();
}

bool Device::is_held(PortPair &pair) const
{
	if (pair.hold_milliseconds == 0)
		return false;
	if (datapath_->ingress_root == nullptr)
		return true;
	const auto now = std::chrono::steady_clock::now();
	if (pair.held_until == std::chrono::steady_clock::time_point{})
		pair.held_until = now + std::chrono::milliseconds(pair.hold_milliseconds);
	if (now < pair.held_until)
		return true;
	pair.hold_milliseconds = 0;
	return false;
}

bool Device::poll_ports()
{
	rte_mbuf *mbufs[BURST_MAX];
	bool busy = false;
	for (PortPair &pair : port_pairs_) {
		if (is_held(pair))
			continue;
		if (pair.look != nullptr)
			pair.look(0);
		const uint16_t count = rte_eth_rx_burst(pair.outer_port, 0, mbufs, static_cast<uint16_t>(mapping_.burst));
		if (count == 0)
			continue;
		datapath_->from_port(pair.dpdk_port, mbufs, count);
		busy = true;
	}
	return busy;
}

bool Device::poll_application()
{
	rte_mbuf *mbufs[BURST_MAX];
	bool busy = false;
	for (rte_ring *ring : port_pairs_[0].from_application) {
		const unsigned count = rte_ring_sc_dequeue_burst(ring, reinterpret_cast<void **>(mbufs), mapping_.burst, nullptr);
		if (count == 0)
			continue;
		datapath_->from_application(port_pairs_[0].dpdk_port, mbufs, count);
		busy = true;
	}
	return busy;
}

bool Device::poll_commands()
{
	bool busy = false;
	for (const auto &queue : queues_) {
		EntryCommand command{};
		for (uint32_t i = 0; i < COMMANDS_PER_ROUND && queue->commands.pop(command); i++) {
			void *const user_ctx = command.entry->user_ctx;
			const bool succeeded = perform(command);
			// The ring has room, because the application has at most `depth` operations in flight.
			queue->completions.push({command.entry, user_ctx, command.operation, succeeded});
			busy = true;
		}
	}
	return busy;
}

bool Device::perform(const EntryCommand &command)
{
	doca_flow_pipe_entry &entry = *command.entry;
	bool succeeded = !faults.fails();
	switch (command.operation) {
	case EntryOperation::ADD:
		succeeded = succeeded && entry.pipe->install(entry);
		entry.installed = succeeded;
		break;
	case EntryOperation::UPDATE:
		// The entry may be absent: its addition failed, which the application does not know yet, or it was removed
		// before.
		succeeded = succeeded && entry.installed;
		if (succeeded)
			entry.pipe->update(entry, *command.update, command.parts);
		free(command.update);
		break;
	case EntryOperation::REMOVE:
		succeeded = succeeded && entry.installed;
		if (succeeded) {
			entry.pipe->uninstall(entry);
			entry.installed = false;
		}
		break;
	}
	entry.status.store(succeeded ? DOCA_FLOW_ENTRY_STATUS_SUCCESS : DOCA_FLOW_ENTRY_STATUS_ERROR, std::memory_order_release);
	return succeeded;
}

bool Device::poll_work()
{
	if (!work_waiting_.load(std::memory_order_acquire))
		return false;
	// Entry operations that were handed over earlier take effect earlier.
	while (poll_commands()) {
	}
	std::lock_guard<std::mutex> guard(mutex_);
	try {
		(*work_)();
	} catch (...) {
		work_failure_ = std::current_exception();
	}
	work_ = nullptr;
	work_waiting_.store(false, std::memory_order_release);
	work_done_.notify_all();
	return true;
}

void Device::run(const std::function<void()> &work)
{
	if (!running()) {
		work();
		return;
	}
	std::lock_guard<std::mutex> callers(caller_mutex_);
	std::unique_lock<std::mutex> lock(mutex_);
	work_ = &work;
	work_waiting_.store(true, std::memory_order_release);
	wake_.notify_all();
	work_done_.wait(lock, [this] { return !work_waiting_.load(std::memory_order_acquire); });
	if (work_failure_ != nullptr)
		std::rethrow_exception(std::exchange(work_failure_, nullptr));
}

void Device::wake()
{
	// What the caller queued is there before it looks whether anybody sleeps; idle_backoff() does the reverse.
	std::atomic_thread_fence(std::memory_order_seq_cst);
	if (!asleep_.load(std::memory_order_relaxed))
		return;
	std::lock_guard<std::mutex> guard(mutex_);
	wake_.notify_all();
}

void Device::idle_backoff(uint32_t idle_rounds)
{
	if (idle_rounds < ROUNDS_AWAKE) {
		sleep_ = SLEEP_MIN;
		std::this_thread::yield();
		return;
	}
	std::unique_lock<std::mutex> lock(mutex_);
	asleep_.store(true, std::memory_order_relaxed);
	std::atomic_thread_fence(std::memory_order_seq_cst);
	const bool commands = std::any_of(queues_.begin(), queues_.end(),
					  [](const auto &queue) { return !queue->commands.empty(); });
	if (!commands && !work_waiting_.load() && !stopping_.load())
		wake_.wait_for(lock, sleep_);
	sleep_ = std::min(sleep_ + sleep_ / SLEEP_GROWTH_DIVISOR, SLEEP_MAX);
	asleep_.store(false, std::memory_order_relaxed);
}

bool Device::quiesce(uint32_t timeout_ms)
{
	if (!running())
		return true;
	const auto deadline = std::chrono::steady_clock::now() + std::chrono::milliseconds(timeout_ms);
	// The current round may have polled a port before a frame came to it. The next two rounds poll every port after the call.
	const uint64_t target = idle_rounds_.load(std::memory_order_acquire) + 2;
	while (idle_rounds_.load(std::memory_order_acquire) < target) {
		if (std::chrono::steady_clock::now() > deadline)
			return false;
		wake();
		std::this_thread::yield();
	}
	return true;
}

} // namespace soft
