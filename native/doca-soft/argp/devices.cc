#include "devices.h"

#include <algorithm>
#include <charconv>
#include <memory>

#include "text.h"

#if DOCA_SOFT_RELEASE_ >= 301
namespace soft::argp {
namespace {

// Representors that one flag may name, so that a range's end does not decide how long it takes.
constexpr size_t REPRESENTORS_MAX = 256;

struct DeviceList {
	doca_devinfo **infos = nullptr;
	uint32_t count = 0;

	explicit DeviceList(const std::string &said)
	{
		const doca_error_t error = doca_devinfo_create_list(&infos, &count);
		if (error != DOCA_SUCCESS)
			throw Refusal(error, said + ": devices cannot be listed: " + doca_error_get_name(error));
	}
	DeviceList(const DeviceList &) = delete;
	DeviceList &operator=(const DeviceList &) = delete;
	~DeviceList() { doca_devinfo_destroy_list(infos); }
};

struct RepresentorList {
	doca_devinfo_rep **infos = nullptr;
	uint32_t count = 0;

	RepresentorList(doca_dev *dev, const std::string &said)
	{
		const doca_error_t error = doca_devinfo_rep_create_list(dev, DOCA_DEVINFO_REP_FILTER_ALL, &infos, &count);
		if (error != DOCA_SUCCESS)
			throw Refusal(error, said + ": representors cannot be listed: " + doca_error_get_name(error));
	}
	RepresentorList(const RepresentorList &) = delete;
	RepresentorList &operator=(const RepresentorList &) = delete;
	~RepresentorList() { doca_devinfo_rep_destroy_list(infos); }
};

bool whole_number(const std::string &text, uint32_t &value)
{
	const auto [at, error] = std::from_chars(text.data(), text.data() + text.size(), value);
	return error == std::errc() && at == text.data() + text.size();
}

std::string pci_of(const doca_devinfo *info)
{
	char pci[DOCA_DEVINFO_PCI_ADDR_SIZE] = "";
	return doca_devinfo_get_pci_addr_str(info, pci) == DOCA_SUCCESS ? pci : "?";
}

bool is_pci(const doca_devinfo *info, const std::string &name)
{
	uint8_t equal = 0;
	return doca_devinfo_is_equal_pci_addr(info, name.c_str(), &equal) == DOCA_SUCCESS && equal != 0;
}

bool is_subfunction(const doca_devinfo *info, const std::string &name)
{
	uint32_t wanted = 0;
	uint32_t index = 0;
	return whole_number(name, wanted) && doca_devinfo_get_sf_index(info, &index) == DOCA_SUCCESS && index == wanted;
}

bool is_ibdev(const doca_devinfo *info, const std::string &name)
{
	char own[DOCA_DEVINFO_IBDEV_NAME_SIZE];
	return doca_devinfo_get_ibdev_name(info, own, sizeof(own)) == DOCA_SUCCESS && name == own;
}

bool is_interface(const doca_devinfo *info, const std::string &name)
{
	char own[DOCA_DEVINFO_IFACE_NAME_SIZE];
	return doca_devinfo_get_iface_name(info, own, sizeof(own)) == DOCA_SUCCESS && name == own;
}

struct Way {
	const char *type;
	bool (*is)(const doca_devinfo *, const std::string &);
};

constexpr Way WAYS[] = {{"pci", is_pci}, {"aux", is_subfunction}, {"ib", is_ibdev}, {"net", is_interface}};

const Way &way_to(const std::string &type, const std::string &said)
{
	const Way *found = std::find_if(std::begin(WAYS), std::end(WAYS), [&type](const Way &way) { return type == way.type; });
	if (found == std::end(WAYS))
		throw wrong(said + ": expected pci/ADDRESS, aux/SUBFUNCTION, ib/NAME, net/INTERFACE or a PCI address");
	return *found;
}

// Where a comma outside of brackets is, or the text's end.
size_t comma_after(const std::string &text, size_t from)
{
	int depth = 0;
	for (size_t at = from; at < text.size(); at++) {
		depth += text[at] == '[' ? 1 : 0;
		depth -= text[at] == ']' ? 1 : 0;
		if (text[at] == ',' && depth <= 0)
			return at;
	}
	return text.size();
}

// "0-2,5" as 0, 1, 2 and 5.
std::vector<uint32_t> numbers(const std::string &list, const std::string &said)
{
	std::vector<uint32_t> all;
	for (size_t from = 0; from <= list.size();) {
		const size_t comma = std::min(list.find(',', from), list.size());
		const std::string part = list.substr(from, comma - from);
		const size_t dash = std::min(part.find('-'), part.size());
		uint32_t low = 0;
		uint32_t high = 0;
		const bool is_right = whole_number(part.substr(0, dash), low) &&
				      whole_number(dash == part.size() ? part : part.substr(dash + 1), high);
		if (!is_right || high < low)
			throw wrong(said + ": expected numbers in brackets, as in [0-3,5]");
		if (all.size() + (high - low) >= REPRESENTORS_MAX)
			throw wrong(said + ": more than " + std::to_string(REPRESENTORS_MAX) + " representors");
		for (uint32_t i = 0; i <= high - low; i++)
			all.push_back(low + i);
		from = comma + 1;
	}
	return all;
}

// "pf0vf[0-1]" as pf0vf0 and pf0vf1.
std::vector<std::string> expanded(const std::string &text, const std::string &said)
{
	const size_t from = std::min(text.find('['), text.size());
	const size_t to = std::min(text.find(']'), text.size());
	if (from == text.size() && to == text.size())
		return {text};
	if (to < from || to == text.size() || text.find_first_of("[]", to + 1) != std::string::npos)
		throw wrong(said + ": expected one pair of brackets");
	std::vector<std::string> all;
	for (const uint32_t number : numbers(text.substr(from + 1, to - from - 1), said))
		all.push_back(text.substr(0, from) + std::to_string(number) + text.substr(to + 1));
	return all;
}

bool ends_with(const std::string &text, const std::string &end)
{
	return text.size() >= end.size() && text.compare(text.size() - end.size(), end.size(), end) == 0;
}

// By its PCI address, or by function and PF, with which VUIDs end: pf0vf1 is ...F0VF1; vf1 is of any PF.
bool is_representor(const doca_devinfo_rep *info, const std::string &name)
{
	uint8_t equal = 0;
	if (doca_devinfo_rep_is_equal_pci_addr(info, name.c_str(), &equal) == DOCA_SUCCESS && equal != 0)
		return true;
	char vuid[DOCA_DEVINFO_REP_VUID_SIZE];
	if (doca_devinfo_rep_get_vuid(info, vuid, sizeof(vuid)) != DOCA_SUCCESS)
		return false;
	unsigned pf = 0;
	unsigned number = 0;
	char kind = '\0';
	int end = 0;
	const bool has_pf = sscanf(name.c_str(), "pf%u%cf%u%n", &pf, &kind, &number, &end) == 3;
	if (!has_pf && sscanf(name.c_str(), "%cf%u%n", &kind, &number, &end) != 2)
		return false;
	if (static_cast<size_t>(end) != name.size() || (kind != 'v' && kind != 's'))
		return false;
	const std::string function = (kind == 'v' ? "VF" : "SF") + std::to_string(number);
	return ends_with(vuid, has_pf ? "F" + std::to_string(pf) + function : function);
}

std::string name_of(const doca_devinfo_rep *info)
{
	char pci[DOCA_DEVINFO_PCI_ADDR_SIZE];
	if (doca_devinfo_rep_get_pci_addr_str(info, pci) == DOCA_SUCCESS)
		return pci;
	char vuid[DOCA_DEVINFO_REP_VUID_SIZE];
	return doca_devinfo_rep_get_vuid(info, vuid, sizeof(vuid)) == DOCA_SUCCESS ? vuid : "?";
}

doca_devinfo_rep *find_representor(const RepresentorList &list, const std::string &name, const std::string &said)
{
	doca_devinfo_rep **end = list.infos + list.count;
	doca_devinfo_rep **found = std::find_if(list.infos, end,
						[&name](const doca_devinfo_rep *info) { return is_representor(info, name); });
	if (found != end)
		return *found;
	std::vector<std::string> others;
	for (uint32_t i = 0; i < list.count; i++)
		others.push_back(name_of(list.infos[i]));
	throw wrong(said + ": the device has no representor " + printable(name) + "; it has " +
		    (others.empty() ? "none" : listed(others)));
}

doca_dev_rep *open_representor(doca_devinfo_rep *info, const std::string &said)
{
	doca_dev_rep *rep = nullptr;
	const doca_error_t error = doca_dev_rep_open(info, &rep);
	if (error != DOCA_SUCCESS)
		throw Refusal(error,
			      said + ": representor " + name_of(info) + " cannot be opened: " + doca_error_get_name(error));
	return rep;
}

} // namespace

Devices::~Devices()
{
	for (const Opened &opened : opened_) {
		if (opened.is_ours)
			doca_dev_close(opened.dev);
	}
}

#if DOCA_SOFT_RELEASE_ >= 303
void Devices::open_by(doca_argp_dev_open_cb_t callback, void *context)
{
	callback_ = callback;
	context_ = context;
}
#endif

doca_argp_device_ctx Devices::open(const std::string &text, const std::string &said)
{
	const size_t comma = comma_after(text, 0);
	const std::string what = said + " " + printable(text);
	return {opened(text.substr(0, comma), what, false), kept(text.substr(std::min(comma + 1, text.size())))};
}

void Devices::open_representors(const std::string &text, const std::string &said,
				const std::function<void(doca_argp_device_rep_ctx &)> &use)
{
	const std::string what = said + " " + printable(text);
	const size_t comma = comma_after(text, 0);
	const size_t end = comma == text.size() ? comma : comma_after(text, comma + 1);
	if (end <= comma + 1)
		throw wrong(what + ": expected a device, a comma and its representors, as in pci/03:00.0,pf0vf[0-1]");
	const std::vector<std::string> names = expanded(text.substr(comma + 1, end - comma - 1), what);
	const doca_argp_device_ctx device = {opened(text.substr(0, comma), what, true),
					     kept(text.substr(std::min(end + 1, text.size())))};
	const RepresentorList list(device.dev, what);
	// None is opened where one of them is not there.
	std::vector<doca_devinfo_rep *> found;
	for (const std::string &name : names)
		found.push_back(find_representor(list, name, what));
	for (doca_devinfo_rep *info : found) {
		doca_argp_device_rep_ctx context = {device, open_representor(info, what)};
		use(context);
	}
}

doca_dev *Devices::opened(const std::string &name, const std::string &said, bool for_representor)
{
	const size_t slash = name.find('/');
	const Way &way = way_to(slash == std::string::npos ? "pci" : name.substr(0, slash), said);
	const std::string id = slash == std::string::npos ? name : name.substr(slash + 1);
	const DeviceList list(said);
	std::vector<std::string> others;
	for (uint32_t i = 0; i < list.count; i++) {
		const std::string pci = pci_of(list.infos[i]);
		if (way.is(list.infos[i], id))
			return open(list.infos[i], pci, said, for_representor);
		others.push_back(pci);
	}
	throw wrong(said + ": there is no such device; there are " + (others.empty() ? "none" : listed(others)));
}

doca_dev *Devices::open(doca_devinfo *info, const std::string &pci, const std::string &said, bool for_representor)
{
	const auto known = std::find_if(opened_.begin(), opened_.end(),
					[&pci](const Opened &opened) { return opened.pci == pci; });
	bool is_callback = false;
#if DOCA_SOFT_RELEASE_ >= 303
	is_callback = callback_ != nullptr;
#endif
	// A device that the program has asked for is its own to close, as often as it has asked.
	if (known != opened_.end() && (for_representor || is_callback))
		return known->dev;
	doca_dev *dev = nullptr;
#if DOCA_SOFT_RELEASE_ >= 303
	const doca_error_t error = is_callback ? callback_(info, context_, &dev) : doca_dev_open(info, &dev);
#else
	const doca_error_t error = doca_dev_open(info, &dev);
#endif
	if (error != DOCA_SUCCESS)
		throw Refusal(error, said + ": the device cannot be opened: " + doca_error_get_name(error));
	if (known == opened_.end())
		opened_.push_back({pci, dev, for_representor && !is_callback});
	return dev;
}

const char *Devices::kept(const std::string &devargs)
{
	return devargs.empty() ? nullptr : devargs_.emplace_back(devargs).c_str();
}

} // namespace soft::argp
#endif
