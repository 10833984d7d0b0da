// Devices and representors, which programs have by pointers.
#pragma once

#include <memory>

#include <doca_dev.h>

#include "device.h"
#include "mapping.h"

struct doca_devinfo {
	soft::DeviceMapping mapping;
};

struct doca_devinfo_rep {
	soft::RepresentorMapping mapping;
	// The position in the device's list, and the device's function.
	uint32_t number = 0;
	uint32_t pf = 0;
};

struct doca_dev {
	doca_devinfo info;
	std::unique_ptr<soft::Device> device;
	// How often it is to be closed.
	uint32_t users = 1;
};

struct doca_dev_rep {
	doca_devinfo_rep info;
	doca_dev *dev = nullptr;
};

namespace soft {

// The function of 03:00.1 is 1, so that it is PF 1.
uint32_t function_of(const DeviceMapping &mapping);
// The device that a DPDK port is of; nullptr when it is none's.
doca_dev *dev_of_port(uint16_t dpdk_port);
// Queries that a device of the mapping file cannot answer.
doca_error_t unknown_here(const void *info, const void *out, const char *function);
// Answers a question about what `info` can do.
doca_error_t supported_if(const void *info, uint8_t *supported, bool answer);

} // namespace soft
