// Texts for people.
#pragma once

#include <stdexcept>
#include <string>
#include <vector>

#include <doca_error.h>

namespace soft::argp {

// What is wrong with flags, and what doca_argp_start returns of it.
class Refusal : public std::runtime_error {
public:
	Refusal(doca_error_t error, const std::string &what) : std::runtime_error(what), error(error) {}

	doca_error_t error;
};

Refusal wrong(const std::string &what);

// Without what moves a terminal's cursor, and not endless.
std::string printable(const std::string &text);
// "a, b, c".
std::string listed(const std::vector<std::string> &texts);

} // namespace soft::argp
