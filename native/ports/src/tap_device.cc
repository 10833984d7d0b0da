#include "tap_device.h"

#include <fcntl.h>
#include <linux/if_arp.h>
#include <linux/if_tun.h>
#include <sys/ioctl.h>

#include <cerrno>
#include <cstring>
#include <utility>

namespace psp {
namespace {

constexpr const char *TUN_DEVICE = "/dev/net/tun";
constexpr const char *NEEDS_PRIVILEGE = "run as root or with CAP_NET_ADMIN";

std::string advice_for(int error, const char *invalid)
{
	switch (error) {
	case EPERM:
	case EACCES:
		return NEEDS_PRIVILEGE;
	case ENODEV:
		return "it is not in this network namespace";
	case EINVAL:
	case EADDRNOTAVAIL:
		return invalid;
	default:
		return "";
	}
}

FileDescriptor open_tun(const std::string &name)
{
	const int fd = ::open(TUN_DEVICE, O_RDWR | O_NONBLOCK | O_CLOEXEC);
	if (fd >= 0)
		return FileDescriptor(fd);
	const int error = errno;
	const bool absent = error == ENOENT || error == ENODEV || error == ENXIO;
	fail(name, std::string("cannot open ") + TUN_DEVICE, error,
	     absent ? "load the kernel's module (modprobe tun), or give the container the device" : NEEDS_PRIVILEGE);
}

void claim(int fd, const std::string &name)
{
	ifreq request = request_for(name);
	request.ifr_flags = IFF_TAP | IFF_NO_PI;
	if (::ioctl(fd, TUNSETIFF, &request) == 0)
		return;
	const int error = errno;
	std::string advice;
	if (error == EPERM) {
		advice = std::string(NEEDS_PRIVILEGE) + ", or prepare it: ip tuntap add dev " + name + " mode tap user USER";
	} else if (error == EBUSY) {
		advice = "another program has it; choose another name";
	} else if (error == EINVAL) {
		advice = "an interface of that name is there and is no plain TAP; choose another name";
	}
	fail(name, "cannot open it as a TAP interface", error, advice);
}

} // namespace

TapDevice::TapDevice(std::string name) : name_(std::move(name)), fd_(open_tun(name_))
{
	claim(fd(), name_);
	// Another program may have created the interface with offloads.
	if (::ioctl(fd(), TUNSETOFFLOAD, 0) != 0)
		fail(name_, "cannot turn its offloads off", errno, "");
}

MacOctets TapDevice::mac() const
{
	ifreq request = request_for(name_);
	if (::ioctl(fd(), SIOCGIFHWADDR, &request) != 0)
		fail(name_, "cannot read its MAC", errno, "");
	MacOctets mac;
	std::memcpy(mac.data(), request.ifr_hwaddr.sa_data, mac.size());
	return mac;
}

void TapDevice::set_mac(const MacOctets &mac)
{
	ifreq request = request_for(name_);
	request.ifr_hwaddr.sa_family = ARPHRD_ETHER;
	std::memcpy(request.ifr_hwaddr.sa_data, mac.data(), mac.size());
	if (::ioctl(fd(), SIOCSIFHWADDR, &request) == 0)
		return;
	const int error = errno;
	fail(name_, "cannot set its MAC", error, advice_for(error, "a unicast address that is not all zero is needed"));
}

int TapDevice::mtu_octets() const
{
	ifreq request = request_for(name_);
	if (::ioctl(open_request_socket(name_).get(), SIOCGIFMTU, &request) != 0) {
		const int error = errno;
		fail(name_, "cannot read its MTU", error, advice_for(error, ""));
	}
	return request.ifr_mtu;
}

void TapDevice::set_mtu_octets(int octets)
{
	ifreq request = request_for(name_);
	request.ifr_mtu = octets;
	if (::ioctl(open_request_socket(name_).get(), SIOCSIFMTU, &request) == 0)
		return;
	const int error = errno;
	fail(name_, "cannot set its MTU to " + std::to_string(octets), error, advice_for(error, "68 to 65521 octets"));
}

void TapDevice::bring_up()
{
	const FileDescriptor socket = open_request_socket(name_);
	ifreq request = request_for(name_);
	int result = ::ioctl(socket.get(), SIOCGIFFLAGS, &request);
	// An unprivileged user may not set flags; an interface that was prepared for one is up already.
	if (result == 0 && (request.ifr_flags & IFF_UP) != 0)
		return;
	if (result == 0) {
		request.ifr_flags = static_cast<short>(request.ifr_flags | IFF_UP);
		result = ::ioctl(socket.get(), SIOCSIFFLAGS, &request);
	}
	if (result == 0)
		return;
	const int error = errno;
	fail(name_, "cannot bring it up", error, advice_for(error, ""));
}

ptrdiff_t TapDevice::read(std::span<uint8_t> frame) noexcept
{
	ssize_t octets;
	do
		octets = ::read(fd(), frame.data(), frame.size());
	while (octets < 0 && errno == EINTR);
	if (octets >= 0)
		return octets;
	return errno == EAGAIN ? 0 : -errno;
}

bool TapDevice::write(std::span<const uint8_t> frame) noexcept
{
	ssize_t octets;
	do
		octets = ::write(fd(), frame.data(), frame.size());
	while (octets < 0 && errno == EINTR);
	return octets == static_cast<ssize_t>(frame.size());
}

} // namespace psp
