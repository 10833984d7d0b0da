// The mapping file: which DPDK devices stand behind the PCI addresses and representors that an application asks for.
// docs/doca-soft.md describes it.
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <stdexcept>
#include <string>
#include <vector>

#include "defects.h"

namespace soft {

// When DOCA's callback of an operation on an entry comes.
enum class Completions {
	// In doca_flow_entries_process.
	QUEUED,
	// For entries of control pipes before the call that asks for the operation returns, as NVIDIA's library has it; for others
	// as above. Entries that went with their pipe are told of later.
	CONTROL,
	// For all of them before the call returns. Entries that go with their pipe are told of inside the call that destroys it.
	INSIDE,
};

struct PortMapping {
	// Of a device its PCI address, of a representor its name.
	std::string pci;
	// EAL's name and arguments of a vdev ("net_tap0,iface=tap0"), or the name of an ethdev that exists.
	std::string port;
	// 0: what the DPDK port says.
	uint32_t mtu_octets = 0;
	std::optional<std::vector<uint8_t>> mac;
	// Time between the making of the ingress root and the first look at the port: for captures, which do not wait.
	uint32_t hold_milliseconds = 0;
	// The kernel's name of the interface, where it has one; MAC and addresses are taken from it.
	std::string interface;
};

struct RepresentorMapping : PortMapping {};

struct DeviceMapping : PortMapping {
	std::optional<std::vector<uint8_t>> ipv4;
	std::optional<std::vector<uint8_t>> ipv6;
	std::vector<RepresentorMapping> representors;

	// -1: any.
	int core = -1;
	std::string crypto = "auto";
	uint32_t buffers = 16384;
	uint32_t burst = 32;
	uint32_t derived_keys = 65536;
	uint32_t queues = 8;
	uint32_t queue_packets = 4096;
	Completions completions = Completions::QUEUED;

	// For tests.
	std::vector<uint8_t> master_keys;
	uint32_t first_spi = 1;
	std::optional<uint64_t> first_iv;
	Defect defect = Defect::NONE;
	std::optional<uint32_t> random_seed;
};

class MappingError : public std::runtime_error {
public:
	// By their lines.
	MappingError(const std::string &path, const std::multimap<int, std::string> &mistakes);

	// Each names file, line and reason; in the order of the file.
	std::vector<std::string> mistakes;
};

// Devices of the file that the environment's DOCA_SOFT_CONFIG names. Throws MappingError, which tells all mistakes, or
// std::runtime_error where the file cannot be read.
std::vector<DeviceMapping> read_mapping();

// "0A:00.0" and "0000:0a:00.0" are the same.
std::string full_pci(const std::string &pci);
// The MAC that a section gives, or else its interface's; empty: neither.
std::vector<uint8_t> mapped_mac(const PortMapping &mapping);
// Locally administered, and the same for the same PCI address.
std::vector<uint8_t> made_up_mac(const PortMapping &mapping);

} // namespace soft
