// What tests of flags have in common: a program with flags and commands, and what it hears.
#pragma once

#include <cstdarg>
#include <cstdio>
#include <cstdlib>
#include <functional>
#include <string>
#include <vector>

#include <doca_argp.h>

#include "check.h"

using Arguments = std::vector<std::string>;

// What callbacks heard, and what the logger.
inline std::string heard;
inline std::string errors;
inline std::string warnings;
inline std::string helps;
inline doca_error_t answer = DOCA_SUCCESS;
inline int the_config = 7;

inline doca_error_t hear(const std::string &what, void *config)
{
	CHECK(config == &the_config);
	heard += (heard.empty() ? "" : " ") + what;
	return answer;
}

template <char NAME> doca_error_t text(void *value, void *config)
{
	// The text is the callback's to change.
	auto *own = static_cast<char *>(value);
	const std::string copy = own;
	if (*own != '\0')
		*own = '?';
	return hear(std::string(1, NAME) + "=" + copy, config);
}

template <char NAME> doca_error_t number(void *value, void *config)
{
	return hear(std::string(1, NAME) + "=" + std::to_string(*static_cast<int *>(value)), config);
}

template <char NAME> doca_error_t flag(void *value, void *config)
{
	CHECK(*static_cast<bool *>(value));
	return hear(std::string(1, NAME), config);
}

template <char NAME> doca_error_t command(void *config)
{
	return hear(std::string(1, NAME), config);
}

inline doca_error_t validate(void *config)
{
	return hear("valid", config);
}

inline doca_error_t log_line(doca_log_level level, const char *format, va_list arguments)
{
	char line[4000];
	vsnprintf(line, sizeof(line), format, arguments);
	(level == DOCA_LOG_LEVEL_ERROR ? errors : level == DOCA_LOG_LEVEL_WARNING ? warnings : helps) += line;
	return DOCA_SUCCESS;
}

inline doca_argp_param *made(const char *short_name, const char *long_name, doca_argp_type type, doca_argp_param_cb_t callback)
{
	doca_argp_param *param;
	CHECK(doca_argp_param_create(&param) == DOCA_SUCCESS);
	doca_argp_param_set_short_name(param, short_name);
	doca_argp_param_set_long_name(param, long_name);
	doca_argp_param_set_description(param, "what it is for");
	doca_argp_param_set_callback(param, callback);
	doca_argp_param_set_type(param, type);
	return param;
}

inline doca_argp_cmd *made_command(const char *name, doca_argp_cmd_cb_t callback)
{
	doca_argp_cmd *cmd;
	CHECK(doca_argp_cmd_create(&cmd) == DOCA_SUCCESS);
	doca_argp_cmd_set_name(cmd, name);
	doca_argp_cmd_set_description(cmd, "what is done");
	if (callback != nullptr)
		doca_argp_cmd_set_callback(cmd, callback);
	return cmd;
}

inline void add(doca_argp_param *param, void (*mark)(doca_argp_param *) = nullptr)
{
	if (mark != nullptr)
		mark(param);
	CHECK(doca_argp_register_param(param) == DOCA_SUCCESS);
}

inline void begin()
{
	heard = errors = warnings = helps = "";
	answer = DOCA_SUCCESS;
	CHECK(doca_argp_init("prog", &the_config) == DOCA_SUCCESS);
	CHECK(doca_argp_register_logger_callback(log_line) == DOCA_SUCCESS);
}

inline void add_flags()
{
	add(made("s", "string", DOCA_ARGP_TYPE_STRING, text<'s'>));
	add(made("n", "number", DOCA_ARGP_TYPE_INT, number<'n'>));
	add(made("b", "flag", DOCA_ARGP_TYPE_BOOLEAN, flag<'b'>));
	add(made("exp", nullptr, DOCA_ARGP_TYPE_BOOLEAN, flag<'e'>));
	add(made("m", "many", DOCA_ARGP_TYPE_STRING, text<'m'>), doca_argp_param_set_multiplicity);
	add(made(nullptr, "list", DOCA_ARGP_TYPE_BOOLEAN, flag<'l'>), doca_argp_param_set_singular);
	add(made(nullptr, "cli", DOCA_ARGP_TYPE_STRING, text<'c'>), doca_argp_param_set_cli_only);
	add(made("i", "inherited", DOCA_ARGP_TYPE_INT, number<'i'>), doca_argp_param_set_inherited);
	add(made(nullptr, "secret", DOCA_ARGP_TYPE_STRING, text<'x'>), doca_argp_param_set_hidden);
}

// set [--level N] [-v TEXT] deep [-d]
inline void add_commands()
{
	doca_argp_cmd *deep = made_command("deep", command<'D'>);
	CHECK(doca_argp_cmd_register_param(deep, made("d", nullptr, DOCA_ARGP_TYPE_BOOLEAN, flag<'d'>)) == DOCA_SUCCESS);
	doca_argp_cmd *set = made_command("set", command<'S'>);
	doca_argp_param *level = made(nullptr, "level", DOCA_ARGP_TYPE_INT, number<'L'>);
	doca_argp_param_set_mandatory(level);
	CHECK(doca_argp_cmd_register_param(set, level) == DOCA_SUCCESS);
	CHECK(doca_argp_cmd_register_param(set, made("v", "value", DOCA_ARGP_TYPE_STRING, text<'v'>)) == DOCA_SUCCESS);
	CHECK(doca_argp_cmd_register_cmd(set, deep) == DOCA_SUCCESS);
	CHECK(doca_argp_register_cmd(set) == DOCA_SUCCESS);
	doca_argp_cmd *hidden = made_command("hidden", nullptr);
	doca_argp_cmd_set_hidden(hidden);
	CHECK(doca_argp_register_cmd(hidden) == DOCA_SUCCESS);
}

inline doca_error_t start(Arguments arguments)
{
	arguments.insert(arguments.begin(), "/usr/bin/other");
	std::vector<char *> argv;
	for (std::string &argument : arguments)
		argv.push_back(argument.data());
	return doca_argp_start(static_cast<int>(argv.size()), argv.data());
}

struct Case {
	Arguments arguments;
	doca_error_t result;
	// What callbacks heard, or the mistake.
	std::string expected;
};

inline void check_case(const Case &one)
{
	const doca_error_t result = start(one.arguments);
	const std::string &said = result == DOCA_SUCCESS ? heard : errors;
	if (result == one.result && said == one.expected && (result == DOCA_SUCCESS) == helps.empty())
		return;
	fprintf(stderr, "got %d \"%s\", expected %d \"%s\"\n", result, said.c_str(), one.result, one.expected.c_str());
	exit(1);
}

inline void check_cases(const std::vector<Case> &cases, const std::function<void()> &prepare)
{
	for (const Case &one : cases) {
		begin();
		prepare();
		check_case(one);
		CHECK(doca_argp_destroy() == DOCA_SUCCESS);
	}
}

constexpr doca_error_t OK = DOCA_SUCCESS;
constexpr doca_error_t WRONG = DOCA_ERROR_INVALID_VALUE;
constexpr doca_error_t UNKNOWN = DOCA_ERROR_NOT_SUPPORTED;

// Of argp_inputs.cc.
void json_files_are_read();
void dpdk_programs_have_two_kinds_of_flags();
void devices_are_opened();
