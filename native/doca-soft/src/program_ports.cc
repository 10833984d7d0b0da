#include "program_ports.h"

#include <atomic>
#include <cstring>

#include <rte_dev.h>
#include <rte_eth_ring.h>
#include <rte_ethdev.h>
#include <rte_ring.h>

namespace soft {
namespace {

std::atomic<uint32_t> name_counter{0};
std::atomic<bool> hidden[RTE_MAX_ETHPORTS];

// Ports that have an owner are passed over by programs that ask for those without.
rte_eth_dev_owner owner()
{
	static const uint64_t id = [] {
		uint64_t made = RTE_ETH_DEV_NO_OWNER;
		rte_eth_dev_owner_new(&made);
		return made;
	}();
	rte_eth_dev_owner owner{};
	owner.id = id;
	strncpy(owner.name, "doca-soft", sizeof(owner.name) - 1);
	return owner;
}

} // namespace

void hide_port(uint16_t port)
{
	const rte_eth_dev_owner ours = owner();
	rte_eth_dev_owner_set(port, &ours);
	hidden[port] = true;
}

void show_port(uint16_t port)
{
	if (port < RTE_MAX_ETHPORTS)
		hidden[port] = false;
}

bool is_hidden(uint16_t port)
{
	return port < RTE_MAX_ETHPORTS && hidden[port];
}

uint16_t hidden_ports()
{
	uint16_t count = 0;
	for (const std::atomic<bool> &one : hidden)
		count = static_cast<uint16_t>(count + (one ? 1 : 0));
	return count;
}

std::string unique_name(const char *what)
{
	return std::string("soft_") + what + "_" + std::to_string(name_counter++);
}

void remove_ring_port(const std::string &name)
{
	rte_eal_hotplug_remove("vdev", ("net_ring_" + name).c_str());
}

TakenNumbers::TakenNumbers(uint16_t end)
{
	for (uint16_t port = 0; port < end; port++) {
		if (rte_eth_dev_is_valid_port(port))
			continue;
		// The driver makes no port without queues.
		if (ring_ == nullptr)
			ring_ = rte_ring_create(unique_name("none").c_str(), 2, SOCKET_ID_ANY, 0);
		const std::string name = unique_name("stop");
		// A number that cannot be taken makes a port stand elsewhere than it might.
		if (ring_ != nullptr && rte_eth_from_rings(name.c_str(), &ring_, 1, &ring_, 1, 0) >= 0)
			names_.push_back(name);
	}
}

TakenNumbers::~TakenNumbers()
{
	for (const std::string &name : names_)
		remove_ring_port(name);
	rte_ring_free(ring_);
}

} // namespace soft
