// A TAP interface of the kernel: Linux's Documentation/networking/tuntap.rst.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <span>
#include <string>

#include "file_descriptor.h"
#include "interface.h"

namespace psp {

using MacOctets = std::array<uint8_t, 6>;

// The largest frame: 65,521 octets is the kernel's largest MTU for a TAP; Ethernet header and VLAN tag come on top.
inline constexpr size_t TAP_FRAME_OCTETS_MAX = 65'521 + 14 + 4;

// A TAP interface in this process's network namespace. The constructor creates it, or takes one that exists (ip tuntap add);
// the destructor removes an interface that the constructor created. The kernel's stack computes every checksum and cuts every
// segment, because the device offers no offloads. The interface may be moved to another network namespace: frames and MAC still
// work there; the MTU and bring_up do not, because the kernel looks the name up in the caller's namespace.
//
// All methods but read and write throw InterfaceError. No method waits for traffic.
class TapDevice {
public:
	explicit TapDevice(std::string name);

	const std::string &name() const noexcept { return name_; }
	int fd() const noexcept { return fd_.get(); }

	MacOctets mac() const;
	// Prevents udev from setting another one: it replaces MACs that the kernel chose, shortly after an interface appears.
	void set_mac(const MacOctets &mac);

	// The size of the largest IP packet, in octets.
	int mtu_octets() const;
	void set_mtu_octets(int octets);

	void bring_up();

	// Reads the next frame that the kernel sends. Returns its length, 0 when there is none yet, or a negative errno when there
	// will be none.
	ptrdiff_t read(std::span<uint8_t> frame) noexcept;
	// Gives the kernel a frame. Returns false when it did not take it (interface down, no memory, shorter than a header).
	bool write(std::span<const uint8_t> frame) noexcept;

private:
	std::string name_;
	FileDescriptor fd_;
};

} // namespace psp
