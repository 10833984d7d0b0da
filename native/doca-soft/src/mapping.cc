#include "mapping.h"

#include <algorithm>
#include <arpa/inet.h>
#include <cerrno>
#include <cstdlib>
#include <cstring>
#include <fstream>
#include <functional>
#include <stdexcept>

namespace soft {
namespace {

constexpr const char *ENVIRONMENT = "DOCA_SOFT_CONFIG";
constexpr size_t MAC_OCTETS = 6;
constexpr size_t MASTER_KEY_OCTETS = 32;

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

// False: the key is not one of a port.
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

bool set_device_key(DeviceMapping &device, const std::string &key, const std::string &value)
{
	const auto small = [&value](uint32_t low, uint32_t high) { return static_cast<uint32_t>(number(value, low, high)); };
	if (key == "ipv4")
		device.ipv4 = ip_address(value, AF_INET);
	else if (key == "ipv6")
		device.ipv6 = ip_address(value, AF_INET6);
	else if (key == "core")
		device.core = static_cast<int>(small(0, 1023));
	else if (key == "crypto")
		device.crypto = value;
	else if (key == "buffers")
		device.buffers = small(64, 1 << 24);
	else if (key == "burst")
		device.burst = small(1, 64);
	else if (key == "derived-keys")
		device.derived_keys = small(4, 1 << 24);
	else if (key == "queues")
		device.queues = small(1, 64);
	else if (key == "queue-packets")
		device.queue_packets = small(64, 1 << 20);
	else if (key == "test-master-keys")
		device.master_keys = master_keys(value);
	else if (key == "test-first-spi")
		device.first_spi = small(1, 0x7fffffff);
	else if (key == "test-clock-picoseconds")
		device.fixed_clock_picoseconds = number(value, 1, UINT64_MAX);
	else if (key == "test-random-seed")
		device.random_seed = small(0, UINT32_MAX);
	else
		return set_port_key(device, key, value);
	return true;
}

} // namespace

std::vector<DeviceMapping> read_mapping()
{
	const char *path = getenv(ENVIRONMENT);
	if (path == nullptr || *path == '\0')
		throw std::runtime_error(std::string("the environment's ") + ENVIRONMENT +
					 " names no mapping file; docs/doca-soft.md shows one");
	std::ifstream file(path);
	if (!file)
		throw std::runtime_error(std::string(path) + ": " + strerror(errno));
	std::vector<DeviceMapping> devices;
	RepresentorMapping *representor = nullptr;
	std::string line;
	for (int at = 1; std::getline(file, line); at++) {
		line = trimmed(line);
		if (line.empty() || line[0] == '#')
			continue;
		try {
			if (line[0] == '[') {
				if (line.back() != ']')
					throw std::runtime_error("expected ] at the end");
				const std::string title = trimmed(line.substr(1, line.size() - 2));
				const std::string pci = trimmed(title.substr(title.find(' ') + 1));
				if (title.rfind("device ", 0) == 0) {
					devices.emplace_back();
					devices.back().pci = pci;
					representor = nullptr;
				} else if (title.rfind("representor ", 0) == 0) {
					if (devices.empty())
						throw std::runtime_error("a representor before any device");
					devices.back().representors.emplace_back();
					representor = &devices.back().representors.back();
					representor->pci = pci;
				} else {
					throw std::runtime_error("expected [device PCI] or [representor PCI]");
				}
				continue;
			}
			const size_t equals = line.find('=');
			if (equals == std::string::npos)
				throw std::runtime_error("expected key = value");
			if (devices.empty())
				throw std::runtime_error("expected [device PCI] first");
			const std::string key = trimmed(line.substr(0, equals));
			const std::string value = trimmed(line.substr(equals + 1));
			const bool known = representor != nullptr ? set_port_key(*representor, key, value)
								  : set_device_key(devices.back(), key, value);
			if (!known)
				throw std::runtime_error("there is no key \"" + key + "\" here");
		} catch (const std::runtime_error &error) {
			throw std::runtime_error(std::string(path) + ":" + std::to_string(at) + ": " + error.what());
		}
	}
	for (const DeviceMapping &device : devices) {
		if (device.port.empty())
			throw std::runtime_error(std::string(path) + ": device " + device.pci + " has no port");
		for (const RepresentorMapping &rep : device.representors) {
			if (rep.port.empty())
				throw std::runtime_error(std::string(path) + ": representor " + rep.pci + " has no port");
		}
	}
	return devices;
}

} // namespace soft
