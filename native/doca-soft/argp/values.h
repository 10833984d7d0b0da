// Values of flags.
#pragma once

#include <string>
#include <variant>

#include "flags.h"

namespace soft::argp {

// A string also where a device is still to be opened.
using Value = std::variant<std::string, int, bool, double>;

// What the command line says as the flag's type has it. Throws Refusal, which calls the flag as `said`.
Value value_of(const doca_argp_param &param, const std::string &text, const std::string &said);
// A level of the log. Throws Refusal.
int log_level_of(const std::string &text, const std::string &said);
int checked_log_level(int64_t level, const std::string &said);
// "a whole number": what a value of the type is.
const char *type_name(doca_argp_type type);
// Whether a flag of this type has a string in a JSON file.
bool is_text(doca_argp_type type);
bool is_double(doca_argp_type type);

} // namespace soft::argp
