// Flags and commands as a program has registered them, and those that each program has.
#pragma once

#include <memory>
#include <string>
#include <vector>

#include <doca_argp.h>

struct doca_argp_param {
	std::string short_name;
	std::string long_name;
	std::string arguments;
	std::string description;
	doca_argp_param_cb_t callback = nullptr;
	doca_argp_type type = DOCA_ARGP_TYPE_UNKNOWN;
	bool mandatory = false;
	bool cli_only = false;
	bool multiple = false;
	bool singular = false;
	bool inherited = false;
	bool hidden = false;
	// Whether it was registered, with success or without.
	bool taken = false;
};

struct doca_argp_cmd {
	std::string name;
	std::string description;
	doca_argp_cmd_cb_t callback = nullptr;
	bool hidden = false;
	bool taken = false;
	std::vector<std::unique_ptr<doca_argp_param>> params;
	std::vector<std::unique_ptr<doca_argp_cmd>> commands;
};

namespace soft::argp {

// A flag that each program has.
struct OwnFlag {
	enum class Kind { HELP, VERSION, LOG_LEVEL, SDK_LOG_LEVEL, JSON };

	Kind kind;
	// nullptr where there is none.
	const char *short_name;
	const char *long_name;
	// nullptr where it takes no value.
	const char *arguments;
	const char *description;
};

extern const std::vector<OwnFlag> OWN_FLAGS;

// As on the command line: "--name", or "-n" where there is no long name.
std::string spelling(const doca_argp_param &param);
// Whether it may be said by "-name" or "--name".
bool is_called(const doca_argp_param &param, const std::string &name, bool is_long);
bool is_called(const OwnFlag &flag, const std::string &name, bool is_long);
const doca_argp_cmd *command_called(const doca_argp_cmd &cmd, const std::string &name);

// The help of the last command of `path`, which begins with the program; with a line break at its end.
std::string usage(const std::string &program, const std::vector<const doca_argp_cmd *> &path, bool is_dpdk);

} // namespace soft::argp
