// What all ports need of the kernel's interfaces: requests by name, and refusals that say what to do.
#pragma once

#include <linux/if.h>

#include <stdexcept>
#include <string>

#include "file_descriptor.h"

namespace psp {

// The message says which interface refused what, and what to do about it.
class InterfaceError : public std::runtime_error {
	using std::runtime_error::runtime_error;
};

// Throws InterfaceError: the interface, what was tried, the errno's own words, and the advice where there is one.
[[noreturn]] void fail(const std::string &interface, const std::string &doing, int error, const std::string &advice);

// A request about an interface in this process's network namespace.
ifreq request_for(const std::string &name);

// A socket for requests about interfaces.
FileDescriptor open_request_socket(const std::string &name);

} // namespace psp
