// doca_dev.h over the mapping file.
#include "dev.h"

#include <algorithm>
#include <arpa/inet.h>
#include <cstring>
#include <ifaddrs.h>
#include <memory>
#include <mutex>
#include <netinet/in.h>
#include <stdexcept>

#include "log.h"

using namespace soft;

// Like hardware's, whose ends say which function of which PF it is. Sections say it in their names, "pf1vf0"; where one does not,
// "vf2" or an address, the PF is the device itself, and without a number the representor's place in the file counts.
static std::string vuid_of(const doca_devinfo_rep &info)
{
	unsigned pf = info.pf;
	unsigned number = info.number;
	char kind = 'v';
	if (sscanf(info.mapping.pci.c_str(), "pf%u%cf%u", &pf, &kind, &number) != 3 &&
	    sscanf(info.mapping.pci.c_str(), "%cf%u", &kind, &number) != 2) {
		kind = 'v';
		number = info.number;
	}
	return "SOFTS0D0F" + std::to_string(pf) + (kind == 's' ? "SF" : "VF") + std::to_string(number);
}

namespace {

doca_error_t is_equal_pci(const std::string &own, const char *pci, uint8_t *equal)
{
	if (pci == nullptr || equal == nullptr)
		return DOCA_ERROR_INVALID_VALUE;
	*equal = full_pci(own) == full_pci(pci) ? 1 : 0;
	return DOCA_SUCCESS;
}

doca_error_t copy_string(const std::string &text, char *out, uint32_t size)
{
	if (out == nullptr || text.size() + 1 > size)
		return DOCA_ERROR_INVALID_VALUE;
	memcpy(out, text.c_str(), text.size() + 1);
	return DOCA_SUCCESS;
}

doca_error_t copy_octets(const std::vector<uint8_t> &octets, uint8_t *out, uint32_t size)
{
	if (out == nullptr || size != octets.size())
		return DOCA_ERROR_INVALID_VALUE;
	memcpy(out, octets.data(), octets.size());
	return DOCA_SUCCESS;
}

std::vector<uint8_t> interface_address(const std::string &interface, int family)
{
	ifaddrs *list = nullptr;
	if (getifaddrs(&list) != 0)
		return {};
	std::vector<uint8_t> found;
	for (const ifaddrs *at = list; at != nullptr && found.empty(); at = at->ifa_next) {
		if (at->ifa_addr == nullptr || at->ifa_addr->sa_family != family || interface != at->ifa_name)
			continue;
		if (family == AF_INET) {
			const auto *octets = reinterpret_cast<const uint8_t *>(
				&reinterpret_cast<const sockaddr_in *>(at->ifa_addr)->sin_addr);
			found.assign(octets, octets + 4);
		} else {
			const in6_addr &address = reinterpret_cast<const sockaddr_in6 *>(at->ifa_addr)->sin6_addr;
			if (!IN6_IS_ADDR_LINKLOCAL(&address))
				found.assign(address.s6_addr, address.s6_addr + 16);
		}
	}
	freeifaddrs(list);
	return found;
}

doca_error_t given_or_interface(const std::optional<std::vector<uint8_t>> &given, const std::string &interface, int family,
				uint8_t *out, uint32_t size)
{
	const std::vector<uint8_t> octets = given ? *given : interface_address(interface, family);
	return octets.empty() ? DOCA_ERROR_NOT_FOUND : copy_octets(octets, out, size);
}

template <typename Info> doca_error_t make_list(std::vector<Info> infos, Info ***list, uint32_t *count)
{
	auto **array = static_cast<Info **>(calloc(infos.size() + 1, sizeof(Info *)));
	if (array == nullptr)
		return DOCA_ERROR_NO_MEMORY;
	for (size_t i = 0; i < infos.size(); i++)
		array[i] = new Info(std::move(infos[i]));
	*list = array;
	*count = static_cast<uint32_t>(infos.size());
	return DOCA_SUCCESS;
}

template <typename Info> doca_error_t free_list(Info **list)
{
	if (list == nullptr)
		return DOCA_ERROR_INVALID_VALUE;
	for (Info **at = list; *at != nullptr; at++)
		delete *at;
	free(list);
	return DOCA_SUCCESS;
}

// What programs have opened, each device once.
struct OpenHandles {
	std::mutex mutex;
	std::vector<doca_dev *> list;
};

OpenHandles &open_handles()
{
	static OpenHandles handles;
	return handles;
}

} // namespace

namespace soft {

uint32_t function_of(const DeviceMapping &mapping)
{
	const char last = full_pci(mapping.pci).back();
	return last >= '0' && last <= '7' ? static_cast<uint32_t>(last - '0') : 0;
}

doca_dev *dev_of_port(uint16_t dpdk_port)
{
	OpenHandles &open = open_handles();
	std::lock_guard<std::mutex> guard(open.mutex);
	for (doca_dev *dev : open.list) {
		if (dev->device != nullptr && dev->device->has_port(dpdk_port))
			return dev;
	}
	return nullptr;
}

doca_error_t unknown_here(const void *info, const void *out, const char *function)
{
	if (info == nullptr || out == nullptr)
		return DOCA_ERROR_INVALID_VALUE;
	return not_supported("%s", function);
}

doca_error_t supported_if(const void *info, uint8_t *supported, bool answer)
{
	if (info == nullptr || supported == nullptr)
		return DOCA_ERROR_INVALID_VALUE;
	*supported = answer ? 1 : 0;
	return DOCA_SUCCESS;
}

} // namespace soft

doca_error_t doca_devinfo_create_list(struct doca_devinfo ***list, uint32_t *count)
{
	if (list == nullptr || count == nullptr)
		return DOCA_ERROR_INVALID_VALUE;
	try {
		std::vector<doca_devinfo> infos;
		for (DeviceMapping &mapping : read_mapping())
			infos.push_back({std::move(mapping)});
		return make_list(std::move(infos), list, count);
	} catch (const MappingError &error) {
		for (const std::string &mistake : error.mistakes)
			log_sdk(DOCA_LOG_LEVEL_ERROR, "%s", mistake.c_str());
		return DOCA_ERROR_BAD_CONFIG;
	} catch (const std::exception &error) {
		log_sdk(DOCA_LOG_LEVEL_ERROR, "%s", error.what());
		return DOCA_ERROR_BAD_CONFIG;
	}
}

doca_error_t doca_devinfo_destroy_list(struct doca_devinfo **list)
{
	return free_list(list);
}

doca_error_t doca_dev_open(struct doca_devinfo *devinfo, struct doca_dev **dev)
try {
	if (devinfo == nullptr || dev == nullptr)
		return DOCA_ERROR_INVALID_VALUE;
	OpenHandles &open = open_handles();
	std::lock_guard<std::mutex> guard(open.mutex);
	const std::string pci = full_pci(devinfo->mapping.pci);
	const auto known = std::find_if(open.list.begin(), open.list.end(),
					[&pci](const doca_dev *other) { return full_pci(other->info.mapping.pci) == pci; });
	if (known != open.list.end()) {
		(*known)->users++;
		*dev = *known;
		return DOCA_SUCCESS;
	}
	auto opened = std::make_unique<doca_dev>(doca_dev{*devinfo, nullptr});
	open.list.push_back(opened.get());
	*dev = opened.release();
	return DOCA_SUCCESS;
} catch (const std::exception &) {
	return DOCA_ERROR_NO_MEMORY;
}

doca_error_t doca_dev_close(struct doca_dev *dev)
{
	OpenHandles &open = open_handles();
	std::lock_guard<std::mutex> guard(open.mutex);
	const auto known = std::find(open.list.begin(), open.list.end(), dev);
	if (known == open.list.end())
		return DOCA_ERROR_INVALID_VALUE;
	if (dev->users > 1) {
		dev->users--;
		return DOCA_SUCCESS;
	}
	if (dev->device != nullptr && dev->device->running())
		return DOCA_ERROR_IN_USE;
	open.list.erase(known);
	delete dev;
	return DOCA_SUCCESS;
}

struct doca_devinfo *doca_dev_as_devinfo(const struct doca_dev *dev)
{
	return dev == nullptr ? nullptr : const_cast<doca_devinfo *>(&dev->info);
}

doca_error_t doca_devinfo_is_equal_pci_addr(const struct doca_devinfo *devinfo, const char *pci_address, uint8_t *is_equal)
{
	return devinfo == nullptr ? DOCA_ERROR_INVALID_VALUE : is_equal_pci(devinfo->mapping.pci, pci_address, is_equal);
}

doca_error_t doca_devinfo_get_pci_addr_str(const struct doca_devinfo *devinfo, char *pci_address)
{
	return devinfo == nullptr ? DOCA_ERROR_INVALID_VALUE
				  : copy_string(full_pci(devinfo->mapping.pci), pci_address, DOCA_DEVINFO_PCI_ADDR_SIZE);
}

doca_error_t doca_devinfo_get_ipv4_addr(const struct doca_devinfo *devinfo, uint8_t *address, uint32_t size)
{
	if (devinfo == nullptr)
		return DOCA_ERROR_INVALID_VALUE;
	return given_or_interface(devinfo->mapping.ipv4, devinfo->mapping.interface, AF_INET, address, size);
}

doca_error_t doca_devinfo_get_ipv6_addr(const struct doca_devinfo *devinfo, uint8_t *address, uint32_t size)
{
	if (devinfo == nullptr)
		return DOCA_ERROR_INVALID_VALUE;
	return given_or_interface(devinfo->mapping.ipv6, devinfo->mapping.interface, AF_INET6, address, size);
}

doca_error_t doca_devinfo_get_mac_addr(const struct doca_devinfo *devinfo, uint8_t *address, uint32_t size)
{
	if (devinfo == nullptr)
		return DOCA_ERROR_INVALID_VALUE;
	// The MAC address of the DPDK port is known once the device has been probed.
	const std::vector<uint8_t> mac = mapped_mac(devinfo->mapping);
	return copy_octets(mac.empty() ? made_up_mac(devinfo->mapping) : mac, address, size);
}

doca_error_t doca_devinfo_get_iface_name(const struct doca_devinfo *devinfo, char *name, uint32_t size)
{
	return devinfo == nullptr ? DOCA_ERROR_INVALID_VALUE : copy_string(devinfo->mapping.interface, name, size);
}

doca_error_t doca_devinfo_get_ibdev_name(const struct doca_devinfo *devinfo, char *name, uint32_t size)
{
	return devinfo == nullptr ? DOCA_ERROR_INVALID_VALUE : copy_string("soft_" + devinfo->mapping.pci, name, size);
}

doca_error_t doca_devinfo_get_pci_func_type(const struct doca_devinfo *devinfo, enum doca_pci_func_type *type)
{
	if (devinfo == nullptr || type == nullptr)
		return DOCA_ERROR_INVALID_VALUE;
	*type = devinfo->mapping.subfunction ? DOCA_PCI_FUNC_TYPE_SF : DOCA_PCI_FUNC_TYPE_PF;
	return DOCA_SUCCESS;
}

doca_error_t doca_devinfo_get_sf_index(const struct doca_devinfo *devinfo, uint32_t *index)
{
	if (devinfo == nullptr || index == nullptr)
		return DOCA_ERROR_INVALID_VALUE;
	if (!devinfo->mapping.subfunction)
		return DOCA_ERROR_NOT_FOUND;
	*index = *devinfo->mapping.subfunction;
	return DOCA_SUCCESS;
}

doca_error_t doca_devinfo_get_vhca_id(const struct doca_devinfo *devinfo, uint16_t *vhca_id)
{
	return unknown_here(devinfo, vhca_id, "doca_devinfo_get_vhca_id");
}

doca_error_t doca_devinfo_get_active_rate(const struct doca_devinfo *devinfo, uint64_t *rate)
{
	return unknown_here(devinfo, rate, "doca_devinfo_get_active_rate");
}

doca_error_t doca_devinfo_rep_create_list(struct doca_dev *dev, int filter, struct doca_devinfo_rep ***list, uint32_t *count)
try {
	if (dev == nullptr || list == nullptr || count == nullptr)
		return DOCA_ERROR_INVALID_VALUE;
	std::vector<doca_devinfo_rep> infos;
	if (filter != DOCA_DEVINFO_REP_FILTER_EMULATED) {
		uint32_t number = 0;
		for (const RepresentorMapping &mapping : dev->info.mapping.representors)
			infos.push_back({mapping, number++, function_of(dev->info.mapping)});
	}
	return make_list(std::move(infos), list, count);
} catch (const std::exception &) {
	return DOCA_ERROR_NO_MEMORY;
}

doca_error_t doca_devinfo_rep_destroy_list(struct doca_devinfo_rep **list)
{
	return free_list(list);
}

doca_error_t doca_devinfo_rep_cap_is_filter_all_supported(const struct doca_devinfo *devinfo, uint8_t *supported)
{
	return supported_if(devinfo, supported, true);
}

doca_error_t doca_devinfo_rep_cap_is_filter_net_supported(const struct doca_devinfo *devinfo, uint8_t *supported)
{
	return supported_if(devinfo, supported, true);
}

doca_error_t doca_devinfo_rep_cap_is_filter_emulated_supported(const struct doca_devinfo *devinfo, uint8_t *supported)
{
	return supported_if(devinfo, supported, false);
}

doca_error_t doca_dev_rep_open(struct doca_devinfo_rep *devinfo, struct doca_dev_rep **rep)
try {
	if (devinfo == nullptr || rep == nullptr)
		return DOCA_ERROR_INVALID_VALUE;
	*rep = new doca_dev_rep{*devinfo, nullptr};
	return DOCA_SUCCESS;
} catch (const std::exception &) {
	return DOCA_ERROR_NO_MEMORY;
}

doca_error_t doca_dev_rep_close(struct doca_dev_rep *rep)
{
	if (rep == nullptr)
		return DOCA_ERROR_INVALID_VALUE;
	delete rep;
	return DOCA_SUCCESS;
}

struct doca_devinfo_rep *doca_dev_rep_as_devinfo(struct doca_dev_rep *rep)
{
	return rep == nullptr ? nullptr : &rep->info;
}

doca_error_t doca_devinfo_rep_is_equal_pci_addr(const struct doca_devinfo_rep *devinfo, const char *pci_address,
						uint8_t *is_equal)
{
	return devinfo == nullptr ? DOCA_ERROR_INVALID_VALUE : is_equal_pci(devinfo->mapping.pci, pci_address, is_equal);
}

doca_error_t doca_devinfo_rep_get_pci_addr_str(const struct doca_devinfo_rep *devinfo, char *pci_address)
{
	return devinfo == nullptr ? DOCA_ERROR_INVALID_VALUE
				  : copy_string(full_pci(devinfo->mapping.pci), pci_address, DOCA_DEVINFO_PCI_ADDR_SIZE);
}

doca_error_t doca_devinfo_rep_get_vuid(const struct doca_devinfo_rep *devinfo, char *vuid, uint32_t size)
{
	return devinfo == nullptr ? DOCA_ERROR_INVALID_VALUE : copy_string(vuid_of(*devinfo), vuid, size);
}

doca_error_t doca_devinfo_rep_get_iface_name(const struct doca_devinfo_rep *devinfo, char *name, uint32_t size)
{
	return devinfo == nullptr ? DOCA_ERROR_INVALID_VALUE : copy_string(devinfo->mapping.interface, name, size);
}

doca_error_t doca_devinfo_rep_get_pci_func_type(const struct doca_devinfo_rep *devinfo, enum doca_pci_func_type *type)
{
	if (devinfo == nullptr || type == nullptr)
		return DOCA_ERROR_INVALID_VALUE;
	*type = DOCA_PCI_FUNC_TYPE_VF;
	return DOCA_SUCCESS;
}

doca_error_t doca_devinfo_rep_get_is_hotplug(const struct doca_devinfo_rep *devinfo, uint8_t *is_hotplug)
{
	return supported_if(devinfo, is_hotplug, false);
}

doca_error_t doca_devinfo_rep_get_vhca_id(const struct doca_devinfo_rep *devinfo, uint16_t *vhca_id)
{
	return unknown_here(devinfo, vhca_id, "doca_devinfo_rep_get_vhca_id");
}
