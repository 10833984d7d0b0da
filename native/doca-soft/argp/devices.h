// Devices and representors that flags name.
#pragma once

#include <functional>
#include <list>
#include <string>
#include <vector>

#include <doca_argp.h>

namespace soft::argp {

#if DOCA_SOFT_RELEASE_ >= 301
class Devices {
public:
	Devices() = default;
	Devices(const Devices &) = delete;
	Devices &operator=(const Devices &) = delete;
	// Closes the devices that were opened for representors only.
	~Devices();

#if DOCA_SOFT_RELEASE_ >= 303
	void open_by(doca_argp_dev_open_cb_t callback, void *context);
#endif

	// Opens "pci/03:00.0,dv_flow_en=2". Throws Refusal, which calls the flag as `said`.
	doca_argp_device_ctx open(const std::string &text, const std::string &said);
	// Opens "pci/03:00.0,pf0vf[0-1]", and hands each representor over. Throws Refusal, and what `use` throws.
	void open_representors(const std::string &text, const std::string &said,
			       const std::function<void(doca_argp_device_rep_ctx &)> &use);

private:
	struct Opened {
		std::string pci;
		doca_dev *dev;
		// Not the program's.
		bool is_ours;
	};

	doca_dev *opened(const std::string &name, const std::string &said, bool for_representor);
	doca_dev *open(doca_devinfo *info, const std::string &pci, const std::string &said, bool for_representor);
	const char *kept(const std::string &devargs);

	std::vector<Opened> opened_;
	std::list<std::string> devargs_;
#if DOCA_SOFT_RELEASE_ >= 303
	doca_argp_dev_open_cb_t callback_ = nullptr;
	void *context_ = nullptr;
#endif
};
#endif

} // namespace soft::argp
