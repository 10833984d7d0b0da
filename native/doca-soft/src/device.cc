#include "device.h"

#include <algorithm>
#include <chrono>
#include <stdexcept>

#include <rte_ethdev.h>
#include <rte_mbuf.h>
#include <rte_ring.h>

#include "faults.h"
#include "log.h"
#include "random_source.h"

namespace soft {
namespace {

// Number of entry operations that are executed between two bursts.
constexpr uint32_t COMMANDS_PER_ROUND = 64;
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

void Device::start(const StartedPort &how, std::shared_ptr<Worker> worker)
{
	try {
		worker_ = std::move(worker);
		slots_ = std::make_unique<KeySlots>(aead_, how.key_slots);
		datapath_ = std::make_unique<Datapath>(aead_, random_, master_keys_, ivs_, mapping_.derived_keys, pool_,
						       worker_->exits);
		datapath_->slots = slots_.get();
		datapath_->mode = how.mode;
		const bool slots_locked = slots_->lock();
		if (!datapath_->lock_keys() || !slots_locked)
			log_sdk(DOCA_LOG_LEVEL_WARNING,
				"device %s: memory with keys may be swapped out, since RLIMIT_MEMLOCK does not let it be locked",
				mapping_.pci.c_str());
		datapath_->to_application.rings = port_pairs_[0].to_application;
		for (uint32_t i = 0; i < how.queues; i++)
			queues_.push_back(std::make_unique<EntryQueue>(how.queue_depth, mapping_.completions));
		// An expert's program has no rules but its own, so that what it sends by a representor's port is lost.
		for (size_t i = 0; i < (how.mode == Mode::EXPERT ? 1 : port_pairs_.size()); i++) {
			PortPair &pair = port_pairs_[i];
			pair.way_in = std::make_unique<WaysIn>(pair.dpdk_port, pair.from_application, pool_);
		}
		shared_ = how.shared;
		meters_ = std::make_unique<Budget>(how.meters);
		monitored_ = std::make_unique<MonitoredEntries>(how.queues, *meters_);
		worker_->add(*this, [this] { open_exits(); });
	} catch (...) {
		clear();
		throw;
	}
}

// The places of a port stay the same while the worker lives, since forwards of other devices may have them.
void Device::open_exits()
{
	for (size_t i = 0; i < port_pairs_.size(); i++) {
		SwitchPort &port = worker_->exits.place_of(port_pairs_[i].dpdk_port);
		port.dpdk_port = port_pairs_[i].outer_port;
		port.mtu_octets = port_pairs_[i].mtu_octets;
		port.uplink = i == 0;
		port.datapath = datapath_.get();
	}
	datapath_->uplink = port_pairs_[0].dpdk_port;
	if (!kernel_.outer_name.empty()) {
		datapath_->to_kernel.dpdk_port = kernel_.outer_port;
		datapath_->to_kernel.datapath = datapath_.get();
	}
	worker_->exits.egress_by_port |= datapath_->mode == Mode::VNF;
}

void Device::stop()
{
	if (!running())
		return;
	worker_->remove(*this, [this] { close_exits(); });
	clear();
}

void Device::close_exits()
{
	datapath_->flush();
	worker_->exits.close(*datapath_);
	remove_pipes();
}

void Device::remove_pipes()
{
	datapath_->ingress_root = nullptr;
	datapath_->egress_root = nullptr;
	worker_->exits.pipes -= static_cast<uint32_t>(pipes.size());
	std::vector<const doca_flow_pipe *> gone;
	for (const DevicePipe &pipe : pipes) {
		gone.push_back(pipe.get());
		monitored_->leave(*pipe);
	}
	pipes.clear();
	worker_->forget(gone);
}

void Device::clear()
{
	for (PortPair &pair : port_pairs_)
		pair.way_in.reset();
	removed_entries.clear();
	pipes.clear();
	queues_.clear();
	mirrors_.clear();
	monitored_.reset();
	shared_.reset();
	datapath_.reset();
	slots_.reset();
	worker_.reset();
}

void Device::set_mirror(uint32_t number, MirrorTargets targets)
{
	if (number >= mirrors_.size())
		mirrors_.resize(number + 1);
	mirrors_[number] = std::move(targets);
}

void Device::forget(const std::vector<const doca_flow_pipe *> &gone)
{
	const auto forget_in = [&gone](Forward &forward) {
		if (forward.pipe != nullptr && std::find(gone.begin(), gone.end(), forward.pipe) != gone.end())
			forward = Forward{};
	};
	for (const DevicePipe &pipe : pipes)
		pipe->forget(gone);
	for (MirrorTargets &mirror : mirrors_) {
		std::for_each(mirror.targets.begin(), mirror.targets.end(), forget_in);
		forget_in(mirror.original);
	}
}

bool Device::round()
{
	bool busy = poll_ports();
	busy |= poll_application();
	busy |= poll_kernel();
	datapath_->flush();
	busy |= poll_commands();
	busy |= datapath_->wipe_dead_keys();
	datapath_->tell_trace();
	slots_->quiescent();
	return busy;
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

bool Device::poll_kernel()
{
	if (datapath_->to_kernel.datapath == nullptr)
		return false;
	rte_mbuf *mbufs[BURST_MAX];
	if (kernel_.look != nullptr)
		kernel_.look(0);
	const uint16_t count = rte_eth_rx_burst(kernel_.outer_port, 0, mbufs, static_cast<uint16_t>(mapping_.burst));
	if (count > 0)
		datapath_->from_kernel(mbufs, count);
	return count > 0;
}

bool Device::poll_application()
{
	rte_mbuf *mbufs[BURST_MAX];
	bool busy = false;
	for (const PortPair &pair : port_pairs_) {
		if (pair.way_in == nullptr)
			continue;
		for (rte_ring *ring : pair.from_application) {
			const unsigned count = rte_ring_sc_dequeue_burst(ring, reinterpret_cast<void **>(mbufs), mapping_.burst,
									 nullptr);
			if (count == 0)
				continue;
			datapath_->from_application(pair.dpdk_port, mbufs, count);
			busy = true;
		}
	}
	return busy;
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

bool Device::install(doca_flow_pipe_entry &entry)
{
	const bool monitored = entry.hot->monitored;
	if (monitored && !monitored_->enter(entry))
		return false;
	if (entry.pipe->install(entry))
		return true;
	if (monitored)
		monitored_->leave(entry);
	return false;
}

bool Device::perform(const EntryCommand &command)
{
	doca_flow_pipe_entry &entry = *command.entry;
	bool succeeded = !faults.fails();
	switch (command.operation) {
	case EntryOperation::ADD:
		succeeded = succeeded && install(entry);
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
			if (entry.hot->monitored)
				monitored_->leave(entry);
			entry.installed = false;
		}
		break;
	}
	entry.status.store(succeeded ? DOCA_FLOW_ENTRY_STATUS_SUCCESS : DOCA_FLOW_ENTRY_STATUS_ERROR, std::memory_order_release);
	return succeeded;
}

// Whether there are any that it may do by itself.
bool Device::has_commands() const
{
	return !holds_operations() &&
	       std::any_of(queues_.begin(), queues_.end(), [](const auto &queue) { return !queue->commands.empty(); });
}

} // namespace soft
