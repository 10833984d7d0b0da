#include "device.h"

#include <algorithm>
#include <chrono>
#include <cstring>
#include <sched.h>
#include <stdexcept>
#include <sys/prctl.h>

#include <rte_ethdev.h>
#include <rte_lcore.h>
#include <rte_mbuf.h>
#include <rte_ring.h>

#include "faults.h"
#include "log.h"
#include "random_source.h"

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

} // namespace

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
	const auto at = std::find(numbers_.begin(), numbers_.end(), dpdk_port);
	return at == numbers_.end() ? -1 : static_cast<int>(at - numbers_.begin());
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
			queues_.push_back(std::make_unique<EntryQueue>(queue_depth, mapping_.completions));
		ways_in_ = std::make_unique<WaysIn>(first_port(), port_pairs_[0].from_application, pool_);
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
	ways_in_.reset();
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
	return !holds_operations() && do_commands();
}

bool Device::do_commands()
{
	if (mapping_.completions == Completions::SHUFFLED)
		return do_commands_shuffled();
	bool busy = false;
	for (const auto &queue : queues_) {
		for (uint32_t i = 0; i < COMMANDS_PER_ROUND && !queue->commands.empty(); i++) {
			do_next(*queue);
			busy = true;
		}
	}
	return busy;
}

// Those of one queue stay in their order.
bool Device::do_commands_shuffled()
{
	std::vector<EntryQueue *> filled;
	for (const auto &queue : queues_) {
		if (!queue->commands.empty())
			filled.push_back(queue.get());
	}
	const bool busy = !filled.empty();
	while (!filled.empty()) {
		const auto at = filled.begin() + random_of_step(shuffle_ += RANDOM_STEP) % filled.size();
		do_next(**at);
		if ((*at)->commands.empty())
			filled.erase(at);
	}
	return busy;
}

// The queue must hold a command.
void Device::do_next(EntryQueue &queue)
{
	EntryCommand command{};
	queue.commands.pop(command);
	void *const user_ctx = command.entry->user_ctx;
	const bool succeeded = perform(command);
	// The ring has room, because the application has at most `depth` operations in flight.
	queue.completions.push({command.entry, user_ctx, command.operation, succeeded});
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
	while (do_commands()) {
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

// Whether there are any that it may do by itself.
bool Device::has_commands() const
{
	return !holds_operations() &&
	       std::any_of(queues_.begin(), queues_.end(), [](const auto &queue) { return !queue->commands.empty(); });
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
	if (!has_commands() && !work_waiting_.load() && !stopping_.load())
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
