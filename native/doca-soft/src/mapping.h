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
#include "release.h"

namespace soft {

// When DOCA does an operation on an entry, and calls back for it.
enum class Completions {
	// Does it at once, and calls back in doca_flow_entries_process.
	QUEUED,
	// Both in every third call of doca_flow_entries_process that finds operations in its queue.
	LATE,
	// As QUEUED, but one operation by each call of doca_flow_entries_process.
	ONE,
	// Both in doca_flow_entries_process: what queues hold is done in an order across them that a seed says, and what one queue
	// held is reported in another order than it was done.
	SHUFFLED,
	// For entries of control pipes before the call that asks for the operation returns, as NVIDIA's library does; for other
	// entries as above. Entries that were removed with their pipe are reported later.
	CONTROL,
	// For all entries before the call returns. Entries that are removed with their pipe are reported inside the call that
	// destroys it.
	INSIDE,
};

// What becomes of an entry of a basic pipe whose key another one has already.
enum class EqualKeys {
	// It hides the others, which come back when it is removed.
	NEWEST,
	// It fails.
	REFUSED,
};

// Most RX and TX queues of a port towards the application.
constexpr uint32_t QUEUES_MAX = 16;

struct PortMapping {
	// A device's PCI address, or a representor's name.
	std::string pci;
	// A vdev's name and arguments for EAL ("net_tap0,iface=tap0"), or the name of an existing ethdev.
	std::string port;
	// 0 for the MTU of the DPDK port.
	uint32_t mtu_octets = 0;
	std::optional<std::vector<uint8_t>> mac;
	// Time between making the ingress root and the first poll of the port, for ports of captures, which do not wait.
	uint32_t hold_milliseconds = 0;
	// The kernel's name of the interface, whose MAC and addresses are the port's; empty when there is none.
	std::string interface;
};

struct RepresentorMapping : PortMapping {};

struct DeviceMapping : PortMapping {
	std::optional<std::vector<uint8_t>> ipv4;
	std::optional<std::vector<uint8_t>> ipv6;
	std::vector<RepresentorMapping> representors;
	// As `port`, behind which the kernel is that gets what the device leaves to it; empty: nobody does.
	std::string kernel;
	// The number of the subfunction that it is.
	std::optional<uint32_t> subfunction;

	// -1 for any.
	int core = -1;
	std::string crypto = "auto";
	uint32_t buffers = 16384;
	uint32_t burst = 32;
	uint32_t derived_keys = 65536;
	// 0: as many as there are lcores.
	uint32_t queues = 0;
	uint32_t queue_packets = 4096;
	Completions completions = Completions::CONTROL;
	EqualKeys equal_keys = EqualKeys::NEWEST;
	// Whether pipes take more entries than they are configured for.
	bool nr_entries_is_a_hint = NR_ENTRIES_IS_A_HINT;
	// Whether it generates keys of AES-GMAC.
	bool gmac = true;

	// The rest is for tests.
	std::vector<uint8_t> master_keys;
	uint32_t first_spi = 1;
	std::optional<uint64_t> first_iv;
	Defect defect = Defect::NONE;
	std::optional<uint32_t> random_seed;
};

class MappingError : public std::runtime_error {
public:
	// The lines of the mistakes.
	MappingError(const std::string &path, const std::multimap<int, std::string> &mistakes);

	// Each problem names file, line and reason. They are in the order of the file.
	std::vector<std::string> mistakes;
};

// Reads the devices of the file that the environment variable DOCA_SOFT_CONFIG names. Throws MappingError, which tells all
// mistakes, or std::runtime_error when the file cannot be read.
std::vector<DeviceMapping> read_mapping();

// The one spelling of a PCI address: "0A:00.0" and "0000:0a:00.0" are the same.
std::string full_pci(const std::string &pci);
// The MAC address that a section gives, or else its interface's; empty when there is neither.
std::vector<uint8_t> mapped_mac(const PortMapping &mapping);
// A locally administered MAC address, always the same for the same PCI address.
std::vector<uint8_t> made_up_mac(const PortMapping &mapping);

} // namespace soft
