#include "representor.h"

#include <cctype>
#include <cstdlib>
#include <fstream>
#include <memory>
#include <optional>
#include <vector>

#include "failure.h"

namespace {

constexpr size_t DIGITS_MAX = 6;

struct Name {
	std::optional<uint32_t> pf;
	// "vf" or "sf"; empty for any.
	std::string kind;
	// The number of the function; without a kind, the position in the device's list.
	std::optional<uint32_t> number;

	std::string text() const
	{
		return (pf ? "pf" + std::to_string(*pf) : "") + kind + (number ? std::to_string(*number) : "");
	}
};

// Reads words that are each followed by a number: "pf0vf1", "vf1pf0", "c1pf0vf1", "F0VF1", "[2-4]". Returns nullopt for other
// texts.
std::optional<Name> parse_name(const std::string &text)
{
	Name name;
	size_t at = 0;
	while (at < text.size() && text[at] != ',') {
		std::string word;
		for (; at < text.size() && isalpha(static_cast<unsigned char>(text[at])); at++)
			word += static_cast<char>(tolower(text[at]));
		// Only the first number of a range counts.
		const bool is_range = at < text.size() && text[at] == '[';
		at += is_range ? 1 : 0;
		std::string digits;
		for (; at < text.size() && isdigit(static_cast<unsigned char>(text[at])); at++)
			digits += text[at];
		if (digits.empty() || digits.size() > DIGITS_MAX)
			return std::nullopt;
		const auto number = static_cast<uint32_t>(strtoul(digits.c_str(), nullptr, 10));
		if (is_range) {
			at = text.find(']', at);
			at = at == std::string::npos ? text.size() : at + 1;
		}
		if (word == "pf" || word == "f")
			name.pf = number;
		else if (word == "vf" || word == "sf" || word.empty()) {
			name.kind = word;
			name.number = number;
		} else if (word != "c")
			return std::nullopt;
	}
	return name;
}

// The kernel's name of the port, as in "pf0vf1".
std::optional<Name> name_in_kernel(const doca_devinfo_rep *info)
{
	char interface[DOCA_DEVINFO_IFACE_NAME_SIZE] = {};
	if (doca_devinfo_rep_get_iface_name(info, interface, sizeof(interface)) != DOCA_SUCCESS || interface[0] == '\0')
		return std::nullopt;
	std::ifstream file(std::string("/sys/class/net/") + interface + "/phys_port_name");
	std::string text;
	return std::getline(file, text) ? parse_name(text) : std::nullopt;
}

// The name at the end of the VUID, as in "...F0VF1".
std::optional<Name> name_in_vuid(const doca_devinfo_rep *info)
{
	char vuid[DOCA_DEVINFO_REP_VUID_SIZE] = {};
	if (doca_devinfo_rep_get_vuid(info, vuid, sizeof(vuid)) != DOCA_SUCCESS)
		return std::nullopt;
	const std::string text = vuid;
	const size_t function = text.find_last_of('F');
	const size_t pf = function == std::string::npos || function < 2 ? std::string::npos : text.rfind('F', function - 2);
	return pf == std::string::npos ? std::nullopt : parse_name(text.substr(pf));
}

uint32_t function_of(doca_dev *dev)
{
	char address[DOCA_DEVINFO_PCI_ADDR_SIZE] = {};
	if (doca_devinfo_get_pci_addr_str(doca_dev_as_devinfo(dev), address) != DOCA_SUCCESS)
		return 0;
	const std::string text = address;
	return text.empty() ? 0 : static_cast<uint32_t>(text.back() - '0');
}

// The representor's name, or its position in the list when the device does not tell the name.
Name name_of(const doca_devinfo_rep *info, uint32_t pf, uint32_t position)
{
	for (const std::optional<Name> &known : {name_in_kernel(info), name_in_vuid(info)}) {
		if (known && known->pf && !known->kind.empty())
			return *known;
	}
	doca_pci_func_type type = DOCA_PCI_FUNC_TYPE_VF;
	doca_devinfo_rep_get_pci_func_type(info, &type);
	return {pf, type == DOCA_PCI_FUNC_TYPE_SF ? "sf" : "vf", position};
}

bool is_meant(const Name &wanted, const Name &name, uint32_t position)
{
	if (wanted.pf && wanted.pf != name.pf)
		return false;
	if (wanted.kind.empty())
		return !wanted.number || *wanted.number == position;
	return wanted.kind == name.kind && wanted.number == name.number;
}

} // namespace

doca_dev_rep *open_representor(doca_dev *dev, const std::string &representor)
{
	doca_devinfo_rep **list = nullptr;
	uint32_t count = 0;
	check(doca_devinfo_rep_create_list(dev, DOCA_DEVINFO_REP_FILTER_NET, &list, &count), "the list of representors");
	const std::unique_ptr<doca_devinfo_rep *, doca_error_t (*)(doca_devinfo_rep **)> guard(list,
											       doca_devinfo_rep_destroy_list);
	const bool by_address = representor.find(':') != std::string::npos;
	const std::optional<Name> wanted = parse_name(representor);
	const uint32_t pf = function_of(dev);
	std::string known;
	for (uint32_t i = 0; i < count; i++) {
		const Name name = name_of(list[i], pf, i);
		uint8_t equal = 0;
		if (by_address)
			doca_devinfo_rep_is_equal_pci_addr(list[i], representor.c_str(), &equal);
		if (by_address ? equal != 0 : wanted && is_meant(*wanted, name, i)) {
			doca_dev_rep *rep = nullptr;
			check(doca_dev_rep_open(list[i], &rep), "opening representor " + representor);
			return rep;
		}
		known += (known.empty() ? ": " : ", ") + name.text();
	}
	throw Failure(DOCA_ERROR_NOT_FOUND,
		      "representor " + representor + " (the device has " + std::to_string(count) + known + ")");
}
