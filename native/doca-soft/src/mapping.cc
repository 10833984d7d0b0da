#include "mapping.h"

#include <algorithm>
#include <arpa/inet.h>
#include <cerrno>
#include <cstdlib>
#include <cstring>
#include <map>
#include <net/if.h>
#include <sstream>
#include <stdexcept>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <unistd.h>

#include "text_file.h"

namespace soft {
namespace {

constexpr const char *ENVIRONMENT = "DOCA_SOFT_CONFIG";
constexpr size_t MAC_OCTETS = 6;
constexpr size_t MASTER_KEY_OCTETS = 32;
// Limits of a file, so that reading it ends soon and the list of its mistakes can be read.
constexpr size_t FILE_OCTETS_MAX = size_t{256} << 10;
constexpr size_t SECTIONS_MAX = 1024;
constexpr size_t MISTAKES_MAX = 100;

std::string trimmed(const std::string &text)
{
	const char *blank = " \t\r";
	const size_t from = text.find_first_not_of(blank);
	return from == std::string::npos ? "" : text.substr(from, text.find_last_not_of(blank) - from + 1);
}

uint64_t number(const std::string &text, uint64_t low, uint64_t high)
{
	char *end = nullptr;
	errno = 0;
	const unsigned long long value = strtoull(text.c_str(), &end, 0);
	if (text.empty() || *end != '\0' || errno != 0 || text[0] == '-' || value < low || value > high)
		throw std::runtime_error("expected a number from " + std::to_string(low) + " to " + std::to_string(high) +
					 ", got \"" + text + "\"");
	return value;
}

std::vector<uint8_t> octets_from_hex(const std::string &text, char separator)
{
	std::vector<uint8_t> octets;
	for (size_t at = 0; at < text.size(); at += 2) {
		if (separator != '\0' && !octets.empty()) {
			if (text[at] != separator)
				throw std::runtime_error("expected " + std::string(1, separator) + " between octets");
			at++;
		}
		if (at + 2 > text.size() || !isxdigit(text[at]) || !isxdigit(text[at + 1]))
			throw std::runtime_error("expected pairs of hexadecimal digits");
		octets.push_back(static_cast<uint8_t>(strtoul(text.substr(at, 2).c_str(), nullptr, 16)));
	}
	return octets;
}

std::vector<uint8_t> mac_address(const std::string &text)
{
	std::vector<uint8_t> octets = octets_from_hex(text, ':');
	if (octets.size() != MAC_OCTETS)
		throw std::runtime_error("expected a MAC address aa:bb:cc:dd:ee:ff, got \"" + text + "\"");
	return octets;
}

std::vector<uint8_t> ip_address(const std::string &text, int family)
{
	std::vector<uint8_t> octets(family == AF_INET ? 4 : 16);
	if (inet_pton(family, text.c_str(), octets.data()) != 1)
		throw std::runtime_error(std::string("expected an ") + (family == AF_INET ? "IPv4" : "IPv6") +
					 " address, got \"" + text + "\"");
	return octets;
}

std::vector<uint8_t> master_keys(const std::string &text)
{
	std::string hex = text;
	hex.erase(std::remove_if(hex.begin(), hex.end(), [](char c) { return c == ',' || c == ' '; }), hex.end());
	std::vector<uint8_t> octets = octets_from_hex(hex, '\0');
	if (octets.size() % MASTER_KEY_OCTETS != 0)
		throw std::runtime_error("expected keys of 32 octets, 64 hexadecimal digits each");
	return octets;
}

// Returns false when the key is not one of a port.
bool set_port_key(PortMapping &port, const std::string &key, const std::string &value)
{
	if (key == "port")
		port.port = value;
	else if (key == "mtu")
		port.mtu_octets = static_cast<uint32_t>(number(value, 68, 65535));
	else if (key == "mac")
		port.mac = mac_address(value);
	else if (key == "interface")
		port.interface = value;
	else if (key == "hold")
		port.hold_milliseconds = static_cast<uint32_t>(number(value, 0, 60000));
	else
		return false;
	return true;
}

// Accepts only implementations that this machine has.
int processor(const std::string &text)
{
	return static_cast<int>(number(text, 0, static_cast<uint64_t>(sysconf(_SC_NPROCESSORS_CONF)) - 1));
}

std::string crypto_name(const std::string &text)
{
	if (text != "auto" && text != "ipsec-mb" && text != "openssl")
		throw std::runtime_error("expected auto, ipsec-mb or openssl, got \"" + text + "\"");
	return text;
}

Completions completions(const std::string &text)
{
	if (text == "queued")
		return Completions::QUEUED;
	if (text == "late")
		return Completions::LATE;
	if (text == "one")
		return Completions::ONE;
	if (text == "shuffled")
		return Completions::SHUFFLED;
	if (text == "control")
		return Completions::CONTROL;
	if (text == "inside")
		return Completions::INSIDE;
	throw std::runtime_error("expected queued, late, one, shuffled, control or inside, got \"" + text + "\"");
}

EqualKeys equal_keys(const std::string &text)
{
	if (text == "newest")
		return EqualKeys::NEWEST;
	if (text == "refused")
		return EqualKeys::REFUSED;
	throw std::runtime_error("expected newest or refused, got \"" + text + "\"");
}

bool is_hint(const std::string &text)
{
	if (text != "hint" && text != "limit")
		throw std::runtime_error("expected hint or limit, got \"" + text + "\"");
	return text == "hint";
}

bool is_yes(const std::string &text)
{
	if (text != "yes" && text != "no")
		throw std::runtime_error("expected yes or no, got \"" + text + "\"");
	return text == "yes";
}

Defect defect(const std::string &text)
{
	if (text == "iv-clock")
		return Defect::IV_CLOCK;
	if (text == "keys-stay")
		return Defect::KEYS_STAY;
	if (text == "overflow")
		return Defect::OVERFLOWS;
	if (text == "keys-kept")
		return Defect::KEYS_KEPT;
	if (text == "cookies-ignored")
		return Defect::COOKIES_IGNORED;
	if (text == "counts-lost")
		return Defect::COUNTS_LOST;
	throw std::runtime_error("expected iv-clock, keys-stay, overflow, keys-kept, cookies-ignored or counts-lost, got \"" +
				 text + "\"");
}

bool set_device_key(DeviceMapping &device, const std::string &key, const std::string &value)
{
	const auto small = [&value](uint32_t low, uint32_t high) { return static_cast<uint32_t>(number(value, low, high)); };
	if (key == "ipv4")
		device.ipv4 = ip_address(value, AF_INET);
	else if (key == "ipv6")
		device.ipv6 = ip_address(value, AF_INET6);
	else if (key == "kernel")
		device.kernel = value;
	else if (key == "subfunction")
		device.subfunction = small(0, UINT32_MAX);
	else if (key == "core")
		device.core = processor(value);
	else if (key == "crypto")
		device.crypto = crypto_name(value);
	else if (key == "buffers")
		device.buffers = small(64, 1 << 24);
	else if (key == "burst")
		device.burst = small(1, 64);
	else if (key == "derived-keys")
		device.derived_keys = small(4, 1 << 24);
	else if (key == "queues")
		device.queues = small(1, QUEUES_MAX);
	else if (key == "queue-packets")
		device.queue_packets = small(64, 1 << 20);
	else if (key == "completions")
		device.completions = completions(value);
	else if (key == "equal-keys")
		device.equal_keys = equal_keys(value);
	else if (key == "nr-entries")
		device.nr_entries_is_a_hint = is_hint(value);
	else if (key == "gmac")
		device.gmac = is_yes(value);
	else if (key == "test-master-keys")
		device.master_keys = master_keys(value);
	else if (key == "test-first-spi")
		device.first_spi = small(1, 0x7fffffff);
	else if (key == "test-first-iv")
		device.first_iv = number(value, 0, UINT64_MAX);
	else if (DEFECTS && key == "test-defect")
		device.defect = defect(value);
	else if (key == "test-random-seed")
		device.random_seed = small(0, UINT32_MAX);
	else
		return set_port_key(device, key, value);
	return true;
}

// A section of the file, with the lines of its title and its keys.
struct Section {
	std::string title;
	int line = 0;
	// nullptr before the first section.
	PortMapping *port = nullptr;
	// nullptr in a representor's section.
	DeviceMapping *device = nullptr;
	std::map<std::string, int> lines;
};

Section new_section(const std::string &title, int line, std::vector<DeviceMapping> &devices)
{
	Section section;
	section.title = title;
	section.line = line;
	const std::string pci = trimmed(title.substr(title.find(' ') + 1));
	const auto is_same = [&pci](const PortMapping &other) { return full_pci(other.pci) == full_pci(pci); };
	if (title.rfind("device ", 0) == 0) {
		if (std::any_of(devices.begin(), devices.end(), is_same))
			throw std::runtime_error("device " + pci + " has a section already");
		section.device = &devices.emplace_back();
		section.port = section.device;
	} else if (title.rfind("representor ", 0) == 0) {
		if (devices.empty())
			throw std::runtime_error("a representor before any device");
		std::vector<RepresentorMapping> &representors = devices.back().representors;
		if (std::any_of(representors.begin(), representors.end(), is_same))
			throw std::runtime_error("representor " + pci + " has a section of this device already");
		section.port = &representors.emplace_back();
	} else {
		throw std::runtime_error("expected [device PCI] or [representor PCI]");
	}
	section.port->pci = pci;
	return section;
}

void read_key(const std::string &line, int at, Section &section)
{
	const size_t equals = line.find('=');
	if (equals == std::string::npos)
		throw std::runtime_error("expected key = value");
	const std::string key = trimmed(line.substr(0, equals));
	const std::string value = trimmed(line.substr(equals + 1));
	const auto [given, first] = section.lines.emplace(key, at);
	if (!first)
		throw std::runtime_error("line " + std::to_string(given->second) + " says " + key + " already");
	const bool known = section.device != nullptr ? set_device_key(*section.device, key, value)
						     : set_port_key(*section.port, key, value);
	if (!known)
		throw std::runtime_error("there is no key \"" + key + "\" here");
}

// Continues after a mistake. Lines under a wrong title report nothing more.
class Reader {
public:
	explicit Reader(const std::string &path) : path_(path) {}

	void read(const std::string &line, int at)
	{
		if (mistakes_.size() >= MISTAKES_MAX)
			return;
		if (line[0] == '[')
			read_title(line, at);
		else if (section_.port != nullptr)
			attempt(at, [&] { read_key(line, at, section_); });
		else if (!skips_keys_) {
			mistake(at, "expected [device PCI] first");
			skips_keys_ = true;
		}
	}

	std::vector<DeviceMapping> end()
	{
		check_section();
		if (!mistakes_.empty())
			throw MappingError(path_, mistakes_);
		return std::move(devices_);
	}

private:
	void read_title(const std::string &line, int at)
	{
		check_section();
		if (++sections_ > SECTIONS_MAX)
			throw std::runtime_error(path_ + ": more than " + std::to_string(SECTIONS_MAX) + " sections");
		section_ = {};
		skips_keys_ = true;
		const bool is_representor = line.rfind("[representor ", 0) == 0;
		if (is_representor && skips_representors_)
			return;
		skips_representors_ = !is_representor;
		attempt(at, [&] {
			if (line.back() != ']')
				throw std::runtime_error("expected ] at the end");
			section_ = new_section(trimmed(line.substr(1, line.size() - 2)), at, devices_);
			skips_representors_ = false;
		});
	}

	// Checks that need the whole section.
	void check_section()
	{
		if (section_.port == nullptr)
			return;
		const PortMapping &port = *section_.port;
		if (port.port.empty())
			mistake(section_.line, "[" + section_.title + "] has no port = ..., the DPDK port behind it");
		const auto interface = section_.lines.find("interface");
		// net_tap creates its interface, which need not exist yet.
		const auto is_tap = [](const std::string &one) { return one.rfind("net_tap", 0) == 0; };
		const bool is_made = is_tap(port.port) || (section_.device != nullptr && is_tap(section_.device->kernel));
		if (interface != section_.lines.end() && if_nametoindex(port.interface.c_str()) == 0 && !is_made)
			mistake(interface->second, "there is no interface \"" + port.interface + "\"");
		const auto first_spi = section_.lines.find("test-first-spi");
		if (first_spi != section_.lines.end() && section_.lines.count("test-master-keys") == 0)
			mistake(first_spi->second, "test-first-spi is for test-master-keys, which are missing");
	}

	void mistake(int at, const std::string &what) { mistakes_.emplace(at, what); }

	template <typename Read> void attempt(int at, Read &&read)
	{
		try {
			read();
		} catch (const std::runtime_error &error) {
			mistake(at, error.what());
		}
	}

	const std::string path_;
	std::vector<DeviceMapping> devices_;
	size_t sections_ = 0;
	Section section_;
	bool skips_keys_ = false;
	bool skips_representors_ = false;
	std::multimap<int, std::string> mistakes_;
};

std::vector<uint8_t> interface_mac(const std::string &interface)
{
	ifreq request{};
	strncpy(request.ifr_name, interface.c_str(), IFNAMSIZ - 1);
	const int fd = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
	const bool found = fd >= 0 && ioctl(fd, SIOCGIFHWADDR, &request) == 0;
	if (fd >= 0)
		close(fd);
	if (!found)
		return {};
	const auto *octets = reinterpret_cast<const uint8_t *>(request.ifr_hwaddr.sa_data);
	const bool none = std::all_of(octets, octets + MAC_OCTETS, [](uint8_t octet) { return octet == 0; });
	return none ? std::vector<uint8_t>() : std::vector<uint8_t>(octets, octets + MAC_OCTETS);
}

} // namespace

MappingError::MappingError(const std::string &path, const std::multimap<int, std::string> &mistakes)
	: std::runtime_error(path + " has mistakes")
{
	for (const auto &[line, what] : mistakes)
		this->mistakes.push_back(path + ":" + std::to_string(line) + ": " + what);
}

std::string full_pci(const std::string &pci)
{
	std::string full = std::count(pci.begin(), pci.end(), ':') == 1 ? "0000:" + pci : pci;
	std::transform(full.begin(), full.end(), full.begin(), [](unsigned char c) { return static_cast<char>(tolower(c)); });
	return full;
}

std::vector<uint8_t> mapped_mac(const PortMapping &mapping)
{
	return mapping.mac ? *mapping.mac : interface_mac(mapping.interface);
}

std::vector<uint8_t> made_up_mac(const PortMapping &mapping)
{
	uint32_t hash = 0x811c9dc5;
	for (const char c : full_pci(mapping.pci))
		hash = (hash ^ static_cast<uint8_t>(c)) * 0x01000193;
	return {0x02,
		0xd0,
		static_cast<uint8_t>(hash >> 24),
		static_cast<uint8_t>(hash >> 16),
		static_cast<uint8_t>(hash >> 8),
		static_cast<uint8_t>(hash)};
}

std::vector<DeviceMapping> read_mapping()
{
	const char *path = getenv(ENVIRONMENT);
	if (path == nullptr || *path == '\0')
		throw std::runtime_error(std::string("the environment's ") + ENVIRONMENT +
					 " names no mapping file; docs/doca-soft.md shows one");
	std::istringstream text(read_text(path, path, FILE_OCTETS_MAX));
	Reader reader(path);
	std::string line;
	for (int at = 1; std::getline(text, line); at++) {
		line = trimmed(line);
		if (!line.empty() && line[0] != '#')
			reader.read(line, at);
	}
	return reader.end();
}

} // namespace soft
