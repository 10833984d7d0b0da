// What a program has registered between doca_argp_init and doca_argp_destroy, and what is made of its arguments.
#pragma once

#include <list>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "devices.h"
#include "flags.h"
#include "values.h"

namespace soft::argp {

// A flag or a command that was given.
struct Use {
	// As people are told of it.
	std::string said;
	// One of both is nullptr.
	const doca_argp_param *param = nullptr;
	const doca_argp_cmd *command = nullptr;
	Value value;
};

// What command line and files say.
struct Given {
	std::vector<Use> uses;
	// The program, and the commands down to the last one.
	std::vector<const doca_argp_cmd *> path;
	std::optional<std::string> json_file;
	std::optional<int> log_level;
	std::optional<int> sdk_log_level;
	// Of JSON files, for EAL.
	std::vector<std::string> eal;

	bool has(const doca_argp_param &param) const;
};

// EAL's arguments as C has them. EAL changes their order.
class EalArguments {
public:
	explicit EalArguments(std::vector<std::string> arguments);

	int count() const { return static_cast<int>(arguments_.size()); }
	char **values() { return values_.data(); }

private:
	std::vector<std::string> arguments_;
	std::vector<char *> values_;
};

struct Parser {
	// Empty: that of argv[0].
	std::string name;
	void *config = nullptr;
	// The program's flags and commands.
	doca_argp_cmd program;
	// What could not be registered, which is ours nevertheless.
	std::vector<std::unique_ptr<doca_argp_param>> refused_params;
	std::vector<std::unique_ptr<doca_argp_cmd>> refused_commands;

	doca_argp_param_cb_t version_callback = nullptr;
	doca_argp_validation_cb_t validation_callback = nullptr;
	doca_argp_dpdk_cb_t dpdk_callback = nullptr;
	doca_argp_logger_cb_t logger = nullptr;
	bool is_pedantic = true;

	// Of the last start.
	std::vector<const doca_argp_cmd *> path;
	std::optional<int> log_level;
	std::optional<int> sdk_log_level;
	// Programs may keep what they were given.
	std::list<EalArguments> eal;
#if DOCA_SOFT_RELEASE_ >= 301
	Devices devices;
#endif

	// To the program's logger, or to stderr, with the program's name.
	void say(doca_log_level level, const char *format, ...) const __attribute__((format(printf, 3, 4)));
	std::string help() const;
};

// The parser between init and destroy.
std::shared_ptr<Parser> &current();

// Throws Refusal with the first mistake. -h and -v end the process.
Given read_command_line(Parser &parser, const std::vector<std::string> &arguments);
// Adds what the file says; what `given` has of a flag already is left as it is. Throws Refusal.
void read_json_file(const Parser &parser, const std::string &path, Given &given);

// doca_argp_start. Throws Refusal.
void start(Parser &parser, const std::vector<std::string> &arguments);

} // namespace soft::argp
