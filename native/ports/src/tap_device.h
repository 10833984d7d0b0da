// A TAP interface of the kernel: Linux's Documentation/networking/tuntap.rst.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <span>
#include <stdexcept>
#include <string>

#include "file_descriptor.h"

namespace psp {

/** What was refused, of which interface, and what to do about it. */
class TapError : public std::runtime_error {
  using std::runtime_error::runtime_error;
};

using MacOctets = std::array<std::uint8_t, 6>;

/** The largest frame: 65,521 octets is the kernel's largest MTU for a TAP; Ethernet header and VLAN tag come on top. */
inline constexpr std::size_t kTapFrameOctetsMax = 65'521 + 14 + 4;

/**
 * Creates the interface in this process's network namespace, or takes one that is there (ip tuntap add); one that it
 * created goes with it. The kernel's stack computes every checksum and cuts every segment, because the device offers
 * no offloads. The interface may be moved to another network namespace: frames and MAC go on; MTU and bringUp do
 * not, since the kernel looks the name up in the caller's namespace.
 *
 * All methods but `read` and `write` throw TapError. None blocks on traffic.
 */
class TapDevice {
 public:
  explicit TapDevice(std::string name);

  const std::string& name() const noexcept { return name_; }
  int fd() const noexcept { return fd_.get(); }

  MacOctets mac() const;
  /** From then on nobody else sets it: udev replaces MACs that the kernel chose, shortly after an interface appears. */
  void setMac(const MacOctets& mac);

  /** Largest IP packet, in octets. */
  int mtuOctets() const;
  void setMtuOctets(int octets);

  void bringUp();

  /** The next frame that the kernel sends: its length; 0 when there is none; negative errno when there will be none. */
  std::ptrdiff_t read(std::span<std::uint8_t> frame) noexcept;
  /** Gives the kernel a frame; false when it did not take it (interface down, no memory, shorter than a header). */
  bool write(std::span<const std::uint8_t> frame) noexcept;

 private:
  std::string name_;
  FileDescriptor fd_;
};

}  // namespace psp
