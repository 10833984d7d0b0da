#include "interface.h"

#include <sys/socket.h>

#include <cerrno>
#include <system_error>

namespace psp {

void fail(const std::string &interface, const std::string &doing, int error, const std::string &advice)
{
	const std::string reason = std::generic_category().message(error);
	throw InterfaceError(interface + ": " + doing + ": " + reason + (advice.empty() ? "" : "; " + advice));
}

ifreq request_for(const std::string &name)
{
	ifreq request{};
	name.copy(request.ifr_name, IFNAMSIZ - 1);
	return request;
}

FileDescriptor open_request_socket(const std::string &name)
{
	const int fd = ::socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
	if (fd < 0)
		fail(name, "cannot open a socket to ask for it", errno, "");
	return FileDescriptor(fd);
}

} // namespace psp
