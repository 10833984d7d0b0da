// Which Ethernet devices of DPDK a program sees: its own and the ports of devices, but not what carries their packets.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include <rte_build_config.h>

struct rte_ring;

namespace soft {

// The numbers from here on are for hidden ports, so that those of devices stand together at the beginning.
constexpr uint16_t HIDDEN_FIRST = RTE_MAX_ETHPORTS / 2;

// Makes a port one that is not counted; programs that are linked with the wrapped functions (wrapped.cc) do not see it at all.
void hide_port(uint16_t port);
// UINT16_MAX is none.
void show_port(uint16_t port);
bool is_hidden(uint16_t port);
// How many ports are hidden.
uint16_t hidden_ports();

// A name that nothing of this process has yet.
std::string unique_name(const char *what);
// Removes the port that rte_eth_from_rings made with this name, and its device; it may run, or be closed.
void remove_ring_port(const std::string &name);

// Takes the free numbers of ports below `end`, so that ports which are made meanwhile get later ones.
class TakenNumbers {
public:
	explicit TakenNumbers(uint16_t end);
	~TakenNumbers();
	TakenNumbers(const TakenNumbers &) = delete;
	TakenNumbers &operator=(const TakenNumbers &) = delete;

private:
	rte_ring *ring_ = nullptr;
	std::vector<std::string> names_;
};

} // namespace soft
