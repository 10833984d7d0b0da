// Devices for tests of flags, without a mapping file: 0000:03:00.0 with pf0vf0, pf0vf1 and sf7, and 0000:03:00.1, which is
// subfunction 2 and has none.
#pragma once

#include <cstdio>
#include <cstring>
#include <vector>

#include <doca_dev.h>

struct doca_devinfo {
	const char *pci;
	const char *interface;
	int subfunction;
	std::vector<const char *> representors;
	int opened = 0;
};

struct doca_dev {
	doca_devinfo *info;
};

struct doca_devinfo_rep {
	const char *vuid;
};

struct doca_dev_rep {
	doca_devinfo_rep info;
};

inline doca_devinfo infos[] = {{"0000:03:00.0", "eth1", -1, {"XF0VF0", "XF0VF1", "XF0VF10", "XF0SF7"}},
			       {"0000:03:00.1", "eth2", 2, {}}};
inline doca_dev devs[] = {{&infos[0]}, {&infos[1]}};
inline doca_error_t list_error = DOCA_SUCCESS;
inline doca_error_t open_error = DOCA_SUCCESS;
inline int representors_open = 0;

doca_error_t doca_devinfo_create_list(doca_devinfo ***list, uint32_t *count)
{
	*list = new doca_devinfo *[2] { &infos[0], &infos[1] };
	*count = 2;
	if (list_error != DOCA_SUCCESS)
		delete[] * list;
	return list_error;
}

doca_error_t doca_devinfo_destroy_list(doca_devinfo **list)
{
	delete[] list;
	return DOCA_SUCCESS;
}

doca_error_t doca_dev_open(doca_devinfo *info, doca_dev **dev)
{
	if (open_error != DOCA_SUCCESS)
		return open_error;
	info->opened++;
	*dev = &devs[info - infos];
	return DOCA_SUCCESS;
}

doca_error_t doca_dev_close(doca_dev *dev)
{
	dev->info->opened--;
	return DOCA_SUCCESS;
}

doca_error_t doca_devinfo_is_equal_pci_addr(const doca_devinfo *info, const char *pci, uint8_t *equal)
{
	*equal = strcmp(info->pci, pci) == 0 || strcmp(info->pci + strlen("0000:"), pci) == 0;
	return DOCA_SUCCESS;
}

doca_error_t doca_devinfo_get_pci_addr_str(const doca_devinfo *info, char *pci)
{
	strcpy(pci, info->pci);
	return DOCA_SUCCESS;
}

doca_error_t doca_devinfo_get_sf_index(const doca_devinfo *info, uint32_t *index)
{
	*index = static_cast<uint32_t>(info->subfunction);
	return info->subfunction < 0 ? DOCA_ERROR_NOT_FOUND : DOCA_SUCCESS;
}

doca_error_t doca_devinfo_get_ibdev_name(const doca_devinfo *info, char *name, uint32_t size)
{
	snprintf(name, size, "mlx5_%c", info->pci[strlen(info->pci) - 1]);
	return DOCA_SUCCESS;
}

doca_error_t doca_devinfo_get_iface_name(const doca_devinfo *info, char *name, uint32_t size)
{
	snprintf(name, size, "%s", info->interface);
	return DOCA_SUCCESS;
}

doca_error_t doca_devinfo_rep_create_list(doca_dev *dev, int, doca_devinfo_rep ***list, uint32_t *count)
{
	*count = static_cast<uint32_t>(dev->info->representors.size());
	*list = new doca_devinfo_rep *[*count + 1] {};
	for (uint32_t i = 0; i < *count; i++)
		(*list)[i] = new doca_devinfo_rep{dev->info->representors[i]};
	return DOCA_SUCCESS;
}

doca_error_t doca_devinfo_rep_destroy_list(doca_devinfo_rep **list)
{
	for (doca_devinfo_rep **at = list; *at != nullptr; at++)
		delete *at;
	delete[] list;
	return DOCA_SUCCESS;
}

doca_error_t doca_devinfo_rep_is_equal_pci_addr(const doca_devinfo_rep *, const char *, uint8_t *equal)
{
	*equal = 0;
	return DOCA_SUCCESS;
}

doca_error_t doca_devinfo_rep_get_pci_addr_str(const doca_devinfo_rep *, char *)
{
	return DOCA_ERROR_NOT_SUPPORTED;
}

doca_error_t doca_devinfo_rep_get_vuid(const doca_devinfo_rep *info, char *vuid, uint32_t size)
{
	snprintf(vuid, size, "%s", info->vuid);
	return DOCA_SUCCESS;
}

doca_error_t doca_dev_rep_open(doca_devinfo_rep *info, doca_dev_rep **rep)
{
	representors_open++;
	*rep = new doca_dev_rep{*info};
	return DOCA_SUCCESS;
}

doca_error_t doca_dev_rep_close(doca_dev_rep *rep)
{
	representors_open--;
	delete rep;
	return DOCA_SUCCESS;
}
