#include "text.h"

#include <cctype>
#include <cstdio>

namespace soft::argp {

// A text that is longer is cut.
static constexpr size_t PRINTED_MAX = 200;

Refusal wrong(const std::string &what)
{
	return {DOCA_ERROR_INVALID_VALUE, what};
}

std::string printable(const std::string &text)
{
	std::string printed;
	for (const char c : text) {
		if (printed.size() >= PRINTED_MAX)
			return printed + "...";
		// Octets of UTF-8 stay.
		if (isprint(static_cast<unsigned char>(c)) != 0 || (c & 0x80) != 0) {
			printed += c;
			continue;
		}
		char escaped[5];
		snprintf(escaped, sizeof(escaped), "\\x%02x", static_cast<unsigned char>(c));
		printed += escaped;
	}
	return printed;
}

std::string listed(const std::vector<std::string> &texts)
{
	std::string list;
	for (const std::string &text : texts)
		list += (list.empty() ? "" : ", ") + text;
	return list;
}

} // namespace soft::argp
