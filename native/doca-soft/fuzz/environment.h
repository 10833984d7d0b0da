// DPDK for a fuzz target: memory, no devices.
#pragma once

#include <cstdlib>
#include <string>
#include <unistd.h>

#include <rte_eal.h>
#include <rte_mbuf.h>

inline void start_dpdk()
{
	static bool done = false;
	if (done)
		return;
	done = true;
	const std::string prefix = "psp-fuzz-" + std::to_string(getpid());
	const char *arguments[] = {"fuzz", "-a00:00.0",	     "--no-huge",	    "--no-shconf",   "-m",
				   "256",  "--no-telemetry", "--log-level=*:error", "--file-prefix", prefix.c_str()};
	if (rte_eal_init(sizeof(arguments) / sizeof(arguments[0]), const_cast<char **>(arguments)) < 0)
		abort();
}
