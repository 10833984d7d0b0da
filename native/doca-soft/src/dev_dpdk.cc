// doca_dpdk.h: the DPDK ports of devices.
#include <doca_dpdk.h>

#include <stdexcept>

#include "dev.h"
#include "log.h"
#include "representor_names.h"

using namespace soft;

static doca_error_t refused(const doca_dev &dev, const std::exception &error)
{
	log_sdk(DOCA_LOG_LEVEL_ERROR, "device %s: %s", dev.info.mapping.pci.c_str(), error.what());
	return DOCA_ERROR_DRIVER;
}

static doca_error_t probe(doca_dev *dev, const std::vector<const RepresentorMapping *> &representors)
{
	if (dev->device != nullptr)
		return DOCA_ERROR_ALREADY_EXIST;
	try {
		dev->device = std::make_unique<Device>(dev->info.mapping);
		dev->device->probe(representors);
		dev->info.mapping.mac = dev->device->mac();
		return DOCA_SUCCESS;
	} catch (const std::exception &error) {
		dev->device.reset();
		return refused(*dev, error);
	}
}

doca_error_t doca_dpdk_port_probe(struct doca_dev *dev, const char *devargs)
try {
	if (dev == nullptr || devargs == nullptr)
		return DOCA_ERROR_INVALID_VALUE;
	std::vector<const RepresentorMapping *> representors;
	try {
		representors = named_representors(devargs, dev->info.mapping);
	} catch (const std::runtime_error &error) {
		return refused(*dev, error);
	}
	return probe(dev, representors);
} catch (const std::exception &) {
	return DOCA_ERROR_NO_MEMORY;
}

#if DOCA_SOFT_RELEASE_ >= 301
doca_error_t doca_dpdk_port_probe_with_representors(struct doca_dev *dev, const char *, struct doca_dev_rep **reps,
						    uint16_t count)
try {
	if (dev == nullptr || (reps == nullptr && count > 0))
		return DOCA_ERROR_INVALID_VALUE;
	std::vector<const RepresentorMapping *> representors;
	for (uint16_t i = 0; i < count; i++) {
		reps[i]->dev = dev;
		representors.push_back(&reps[i]->info.mapping);
	}
	return probe(dev, representors);
} catch (const std::exception &) {
	return DOCA_ERROR_NO_MEMORY;
}
#endif

doca_error_t doca_dpdk_get_first_port_id(const struct doca_dev *dev, uint16_t *port_id)
{
	if (dev == nullptr || port_id == nullptr)
		return DOCA_ERROR_INVALID_VALUE;
	if (dev->device == nullptr)
		return DOCA_ERROR_NOT_FOUND;
	*port_id = dev->device->first_port();
	return DOCA_SUCCESS;
}

doca_error_t doca_dpdk_port_as_dev(uint16_t port_id, struct doca_dev **dev)
{
	if (dev == nullptr)
		return DOCA_ERROR_INVALID_VALUE;
	doca_dev *found = dev_of_port(port_id);
	if (found == nullptr)
		return DOCA_ERROR_NOT_FOUND;
	*dev = found;
	return DOCA_SUCCESS;
}

doca_error_t doca_dpdk_open_dev_rep_by_port_id(uint16_t port_id, struct doca_dev *dev, struct doca_dev_rep **rep)
try {
	if (dev == nullptr || rep == nullptr)
		return DOCA_ERROR_INVALID_VALUE;
	const int position = dev->device == nullptr ? -1 : dev->device->position_of(port_id);
	if (position < 1)
		return DOCA_ERROR_NOT_FOUND;
	const auto number = static_cast<uint32_t>(position - 1);
	const DeviceMapping &mapping = dev->info.mapping;
	*rep = new doca_dev_rep{{mapping.representors[number], number, function_of(mapping)}, dev};
	return DOCA_SUCCESS;
} catch (const std::exception &) {
	return DOCA_ERROR_NO_MEMORY;
}

doca_error_t doca_dpdk_get_rep_vf_index(const struct doca_devinfo_rep *devinfo, uint16_t *vf_index)
{
	return unknown_here(devinfo, vf_index, "doca_dpdk_get_rep_vf_index");
}

doca_error_t doca_dpdk_get_rep_sf_num(const struct doca_devinfo_rep *devinfo, uint16_t *sf_num)
{
	return unknown_here(devinfo, sf_num, "doca_dpdk_get_rep_sf_num");
}

doca_error_t doca_dpdk_cap_is_rep_port_supported(const struct doca_devinfo *devinfo, uint8_t *supported)
{
	return supported_if(devinfo, supported, true);
}
