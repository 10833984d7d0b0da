// rte_flow_isolate on ports of devices, which programs call up to 3.0 before the port starts. These ports are made of rings, whose
// driver has no rte_flow, and DPDK offers no way to give it one: a program that is linked with this library calls the function
// here, which comes before DPDK's.
#include <dlfcn.h>

#include <rte_errno.h>
#include <rte_flow.h>

#include "device.h"

#if DOCA_SOFT_RELEASE_ < 301

__attribute__((visibility("default"))) int rte_flow_isolate(uint16_t port_id, int set, struct rte_flow_error *error)
{
	// What no pipe takes is dropped in any case: there is no kernel behind the port.
	if (soft::device_of_port(port_id) != nullptr)
		return 0;
	static const auto of_dpdk = reinterpret_cast<decltype(&rte_flow_isolate)>(dlsym(RTLD_NEXT, "rte_flow_isolate"));
	if (of_dpdk == nullptr)
		return -rte_flow_error_set(error, ENOSYS, RTE_FLOW_ERROR_TYPE_UNSPECIFIED, nullptr,
					   "DPDK has no rte_flow_isolate");
	return of_dpdk(port_id, set, error);
}

#endif
