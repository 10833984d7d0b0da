#include "representor_names.h"

#include <algorithm>
#include <cstdio>
#include <optional>
#include <stdexcept>

namespace soft {

namespace {

constexpr size_t REPRESENTORS_MAX = 256;
constexpr char KEY[] = ",representor=";

// A function behind a representor, as in "pf0vf1", "vf1" or "1".
struct Function {
	std::optional<unsigned> pf;
	char kind = 'v';
	unsigned number = 0;

	bool is_of(const Function &other) const
	{
		return kind == other.kind && number == other.number && (!pf || !other.pf || *pf == *other.pf);
	}
};

std::optional<Function> read_function(const std::string &name)
{
	Function function;
	unsigned pf = 0;
	int end = 0;
	const char *text = name.c_str();
	if (sscanf(text, "pf%u%cf%u%n", &pf, &function.kind, &function.number, &end) == 3)
		function.pf = pf;
	else if (sscanf(text, "%cf%u%n", &function.kind, &function.number, &end) != 2) {
		function.kind = 'v';
		if (sscanf(text, "%u%n", &function.number, &end) != 1)
			return std::nullopt;
	}
	if (static_cast<size_t>(end) != name.size() || (function.kind != 'v' && function.kind != 's'))
		return std::nullopt;
	return function;
}

// The place of a comma outside of brackets, or the end.
size_t end_of_value(const std::string &text, size_t from)
{
	bool inside = false;
	for (size_t at = from; at < text.size(); at++) {
		if (text[at] == ',' && !inside)
			return at;
		inside = text[at] == '[' || (inside && text[at] != ']');
	}
	return text.size();
}

// Adds the names that `text` stands for, of which "vf[0-1,3]" stands for three.
void expand(const std::string &text, std::vector<std::string> &names)
{
	const auto wrong = [&text] {
		return std::runtime_error("representor=" + text + ": expected names as pf0vf0 or vf[0-1,3]");
	};
	const size_t from = text.find('[');
	if (from == std::string::npos) {
		if (names.size() == REPRESENTORS_MAX)
			throw std::runtime_error("representor=: more than " + std::to_string(REPRESENTORS_MAX) + " representors");
		names.push_back(text);
		return;
	}
	const size_t to = text.find(']', from);
	if (to == std::string::npos)
		throw wrong();
	for (size_t at = from; at != to; at = std::min(text.find(',', at + 1), to)) {
		unsigned low = 0;
		unsigned high = 0;
		const int read = sscanf(text.c_str() + at + 1, "%u-%u", &low, &high);
		if (read < 1 || (read == 2 && high < low) || (read == 2 && high - low >= REPRESENTORS_MAX))
			throw wrong();
		for (unsigned number = low; number <= (read == 2 ? high : low); number++)
			expand(text.substr(0, from) + std::to_string(number) + text.substr(to + 1), names);
	}
}

const RepresentorMapping *find(const DeviceMapping &mapping, const std::string &name)
{
	const std::optional<Function> wanted = read_function(name);
	unsigned position = 0;
	for (const RepresentorMapping &representor : mapping.representors) {
		Function unnamed;
		unnamed.number = position++;
		const Function function = read_function(representor.pci).value_or(unnamed);
		if (wanted ? wanted->is_of(function) : full_pci(name) == full_pci(representor.pci))
			return &representor;
	}
	return nullptr;
}

} // namespace

std::vector<const RepresentorMapping *> named_representors(const std::string &devargs, const DeviceMapping &mapping)
{
	const std::string list = "," + devargs;
	const size_t key = list.find(KEY);
	if (key == std::string::npos)
		return {};
	const size_t from = key + sizeof(KEY) - 1;
	std::vector<std::string> names;
	expand(list.substr(from, end_of_value(list, from) - from), names);
	std::vector<const RepresentorMapping *> representors;
	for (const std::string &name : names) {
		const RepresentorMapping *found = find(mapping, name);
		if (found == nullptr)
			throw std::runtime_error("representor=" + name + ": the mapping file has no such representor");
		representors.push_back(found);
	}
	return representors;
}

} // namespace soft
