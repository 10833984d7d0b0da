// Failures, as an error code of DOCA and a description of what was being done.
#pragma once

#include <stdexcept>
#include <string>

#include <doca_error.h>
#include <rte_errno.h>

class Failure : public std::runtime_error {
public:
	Failure(doca_error_t code, const std::string &doing)
		: std::runtime_error(doing + ": " + doca_error_get_descr(code)), code(code)
	{
	}
	const doca_error_t code;

	// The name of the code without its prefix DOCA_ERROR_.
	std::string name() const
	{
		const std::string full = doca_error_get_name(code);
		const std::string prefix = "DOCA_ERROR_";
		return full.rfind(prefix, 0) == 0 ? full.substr(prefix.size()) : full;
	}
};

// Throws Failure unless `result` is success.
inline void check(doca_error_t result, const std::string &doing)
{
	if (result != DOCA_SUCCESS)
		throw Failure(result, doing);
}

// A failure of DPDK, given as an errno of either sign.
inline Failure dpdk_failure(const std::string &doing, int error)
{
	return Failure(DOCA_ERROR_DRIVER, doing + " (" + rte_strerror(error < 0 ? -error : error) + ")");
}
