// The functions of doca_argp.h.
#include <doca_argp.h>

#include <algorithm>
#include <cstdio>
#include <new>

#include "parser.h"
#include "text.h"

using namespace soft::argp;

namespace {

// Only memory can run out in what is called; what a program's callbacks throw is theirs.
template <typename Call> doca_error_t guarded(Call &&call)
{
	try {
		return call();
	} catch (const std::bad_alloc &) {
		return DOCA_ERROR_NO_MEMORY;
	}
}

bool is_name(const std::string &name)
{
	return name.empty() || (name[0] != '-' && name.find_first_of("= \t\n") == std::string::npos);
}

bool is_own(const std::string &name, bool is_long)
{
	return std::any_of(OWN_FLAGS.begin(), OWN_FLAGS.end(), [&](const OwnFlag &own) { return is_called(own, name, is_long); });
}

// Of a command and not of the program: those of its short names that are ours but for -h are free, since it is known behind it only.
bool are_free(const doca_argp_param &param, bool is_program)
{
	return !is_own(param.long_name, true) && param.short_name != "h" && !(is_program && is_own(param.short_name, false));
}

doca_error_t check_param(const doca_argp_cmd &cmd, const doca_argp_param &param, bool is_program)
{
	if ((param.short_name.empty() && param.long_name.empty()) || param.description.empty() || param.callback == nullptr ||
	    param.type == DOCA_ARGP_TYPE_UNKNOWN)
		return DOCA_ERROR_INITIALIZATION;
	if (!is_name(param.short_name) || !is_name(param.long_name) || !are_free(param, is_program))
		return DOCA_ERROR_INVALID_VALUE;
#if DOCA_SOFT_RELEASE_ < 301
	// What the callback would be given is not known.
	const int last = DOCA_ARGP_TYPE_BOOLEAN;
#elif DOCA_SOFT_RELEASE_ < 303
	const int last = DOCA_ARGP_TYPE_DEVICE_REP;
#else
	const int last = DOCA_ARGP_TYPE_DOUBLE;
#endif
	const int type = param.type;
	if (type < 0 || type > last)
		return DOCA_ERROR_INVALID_VALUE;
	const bool is_twice = std::any_of(cmd.params.begin(), cmd.params.end(), [&param](const auto &other) {
		return is_called(*other, param.short_name, false) || is_called(*other, param.long_name, true);
	});
	return is_twice ? DOCA_ERROR_INVALID_VALUE : DOCA_SUCCESS;
}

doca_error_t check_command(const doca_argp_cmd &cmd, const doca_argp_cmd &inner)
{
	if (inner.name.empty() || inner.description.empty())
		return DOCA_ERROR_INITIALIZATION;
	if (!is_name(inner.name) || command_called(cmd, inner.name) != nullptr)
		return DOCA_ERROR_INVALID_VALUE;
	return DOCA_SUCCESS;
}

// Says why it was refused, where there is somebody to say it.
doca_error_t told(const Parser *parser, const std::string &what, doca_error_t error)
{
	if (error != DOCA_SUCCESS && parser != nullptr)
		parser->say(DOCA_LOG_LEVEL_ERROR, "%s cannot be registered: %s", what.c_str(),
			    error == DOCA_ERROR_INITIALIZATION ? "it lacks a name, a description, a callback or a type"
							       : "its name is taken or none, or its type is unknown");
	return error;
}

doca_error_t add_param(Parser *parser, doca_argp_cmd &cmd, doca_argp_param *given, bool is_program)
{
	std::unique_ptr<doca_argp_param> param(given);
	param->taken = true;
	const std::string name = param->long_name.empty() && param->short_name.empty() ? "a flag" : spelling(*param);
	const doca_error_t error = told(parser, name, check_param(cmd, *param, is_program));
	param->cli_only = param->cli_only || param->long_name.empty();
	// Programs may still look at what was refused.
	if (error == DOCA_SUCCESS)
		cmd.params.push_back(std::move(param));
	else if (parser != nullptr)
		parser->refused_params.push_back(std::move(param));
	return error;
}

doca_error_t add_command(Parser *parser, doca_argp_cmd &cmd, doca_argp_cmd *given)
{
	std::unique_ptr<doca_argp_cmd> inner(given);
	inner->taken = true;
	const std::string name = inner->name.empty() ? "a command" : "the command " + printable(inner->name);
	const doca_error_t error = told(parser, name, check_command(cmd, *inner));
	if (error == DOCA_SUCCESS)
		cmd.commands.push_back(std::move(inner));
	else if (parser != nullptr)
		parser->refused_commands.push_back(std::move(inner));
	return error;
}

const char *text_or_empty(const char *text)
{
	return text == nullptr ? "" : text;
}

// The level of the last start, else `otherwise`.
doca_error_t get_level(std::optional<int> Parser::*level, uint32_t otherwise, int *out)
{
	if (out == nullptr)
		return DOCA_ERROR_INVALID_VALUE;
	const std::shared_ptr<Parser> parser = current();
	*out = parser == nullptr ? static_cast<int>(otherwise) : (*parser.*level).value_or(static_cast<int>(otherwise));
	return DOCA_SUCCESS;
}

template <typename Callback> doca_error_t set_callback(Callback Parser::*place, Callback callback)
{
	if (current() == nullptr)
		return DOCA_ERROR_BAD_STATE;
	if (callback == nullptr)
		return DOCA_ERROR_INVALID_VALUE;
	current().get()->*place = callback;
	return DOCA_SUCCESS;
}

void report(const Parser &parser, const Refusal &refusal)
{
	parser.say(DOCA_LOG_LEVEL_ERROR, "%s", refusal.what());
	const std::string help = parser.help();
	if (parser.logger == nullptr)
		fputs(help.c_str(), stderr);
	else
		parser.say(DOCA_LOG_LEVEL_INFO, "%s", help.c_str());
}

} // namespace

doca_error_t doca_argp_init(const char *program_name, void *program_config)
{
	if (current() != nullptr)
		return DOCA_ERROR_BAD_STATE;
	return guarded([&] {
		current() = std::make_shared<Parser>();
		current()->name = text_or_empty(program_name);
		current()->program.name = current()->name.empty() ? "program" : current()->name;
		current()->config = program_config;
		return DOCA_SUCCESS;
	});
}

doca_error_t doca_argp_destroy(void)
{
	if (current() == nullptr)
		return DOCA_ERROR_BAD_STATE;
	current().reset();
	return DOCA_SUCCESS;
}

doca_error_t doca_argp_start(int argc, char **argv)
{
	// A callback may end with doca_argp_destroy.
	const std::shared_ptr<Parser> parser = current();
	if (parser == nullptr)
		return DOCA_ERROR_BAD_STATE;
	if (argc < 1 || argv == nullptr || std::any_of(argv, argv + argc, [](const char *arg) { return arg == nullptr; }))
		return DOCA_ERROR_INVALID_VALUE;
	return guarded([&] {
		try {
			start(*parser, {argv, argv + argc});
			return DOCA_SUCCESS;
		} catch (const Refusal &refusal) {
			report(*parser, refusal);
			return refusal.error;
		}
	});
}

void doca_argp_usage(void)
{
	if (current() != nullptr)
		fputs(current()->help().c_str(), stdout);
}

void doca_argp_set_dpdk_program(doca_argp_dpdk_cb_t callback)
{
	if (current() != nullptr)
		current()->dpdk_callback = callback;
}

doca_error_t doca_argp_register_param(struct doca_argp_param *param)
{
	if (param == nullptr)
		return DOCA_ERROR_INVALID_VALUE;
	if (param->taken)
		return DOCA_ERROR_BAD_STATE;
	if (current() == nullptr) {
		delete param;
		return DOCA_ERROR_BAD_STATE;
	}
	return guarded([&] { return add_param(current().get(), current()->program, param, true); });
}

doca_error_t doca_argp_register_cmd(struct doca_argp_cmd *cmd)
{
	if (cmd == nullptr)
		return DOCA_ERROR_INVALID_VALUE;
	if (cmd->taken)
		return DOCA_ERROR_BAD_STATE;
	if (current() == nullptr) {
		delete cmd;
		return DOCA_ERROR_BAD_STATE;
	}
	return guarded([&] { return add_command(current().get(), current()->program, cmd); });
}

doca_error_t doca_argp_register_version_callback(doca_argp_param_cb_t callback)
{
	return set_callback(&Parser::version_callback, callback);
}

doca_error_t doca_argp_register_validation_callback(doca_argp_validation_cb_t callback)
{
	return set_callback(&Parser::validation_callback, callback);
}

doca_error_t doca_argp_register_logger_callback(doca_argp_logger_cb_t callback)
{
	if (current() != nullptr && current()->logger != nullptr)
		return DOCA_ERROR_ALREADY_EXIST;
	return set_callback(&Parser::logger, callback);
}

doca_error_t doca_argp_disable_logger_callback(void)
{
	if (current() == nullptr || current()->logger == nullptr)
		return DOCA_ERROR_BAD_STATE;
	current()->logger = nullptr;
	return DOCA_SUCCESS;
}

#if DOCA_SOFT_RELEASE_ >= 303
doca_error_t doca_argp_register_dev_open_callback(doca_argp_dev_open_cb_t callback, void *context)
{
	if (current() == nullptr)
		return DOCA_ERROR_BAD_STATE;
	if (callback == nullptr)
		return DOCA_ERROR_INVALID_VALUE;
	current()->devices.open_by(callback, context);
	return DOCA_SUCCESS;
}

doca_error_t doca_argp_disable_pedantic_config_parsing(void)
{
	if (current() == nullptr)
		return DOCA_ERROR_BAD_STATE;
	current()->is_pedantic = false;
	return DOCA_SUCCESS;
}
#endif

doca_error_t doca_argp_param_create(struct doca_argp_param **param)
{
	if (param == nullptr)
		return DOCA_ERROR_INVALID_VALUE;
	if (current() == nullptr)
		return DOCA_ERROR_BAD_STATE;
	*param = new (std::nothrow) doca_argp_param;
	return *param == nullptr ? DOCA_ERROR_NO_MEMORY : DOCA_SUCCESS;
}

doca_error_t doca_argp_param_destroy(struct doca_argp_param *param)
{
	if (param == nullptr)
		return DOCA_ERROR_INVALID_VALUE;
	if (param->taken)
		return DOCA_ERROR_BAD_STATE;
	delete param;
	return DOCA_SUCCESS;
}

void doca_argp_param_set_short_name(struct doca_argp_param *param, const char *name)
{
	param->short_name = text_or_empty(name);
}

void doca_argp_param_set_long_name(struct doca_argp_param *param, const char *name)
{
	param->long_name = text_or_empty(name);
}

void doca_argp_param_set_arguments(struct doca_argp_param *param, const char *arguments)
{
	param->arguments = text_or_empty(arguments);
}

void doca_argp_param_set_description(struct doca_argp_param *param, const char *description)
{
	param->description = text_or_empty(description);
}

void doca_argp_param_set_callback(struct doca_argp_param *param, doca_argp_param_cb_t callback)
{
	param->callback = callback;
}

void doca_argp_param_set_type(struct doca_argp_param *param, enum doca_argp_type type)
{
	param->type = type;
}

void doca_argp_param_set_mandatory(struct doca_argp_param *param)
{
	param->mandatory = true;
}

void doca_argp_param_set_cli_only(struct doca_argp_param *param)
{
	param->cli_only = true;
}

void doca_argp_param_set_multiplicity(struct doca_argp_param *param)
{
	param->multiple = true;
}

void doca_argp_param_set_singular(struct doca_argp_param *param)
{
	param->singular = true;
}

void doca_argp_param_set_inherited(struct doca_argp_param *param)
{
	param->inherited = true;
}

void doca_argp_param_set_hidden(struct doca_argp_param *param)
{
	param->hidden = true;
}

doca_error_t doca_argp_cmd_create(struct doca_argp_cmd **cmd)
{
	if (cmd == nullptr)
		return DOCA_ERROR_INVALID_VALUE;
	if (current() == nullptr)
		return DOCA_ERROR_BAD_STATE;
	*cmd = new (std::nothrow) doca_argp_cmd;
	return *cmd == nullptr ? DOCA_ERROR_NO_MEMORY : DOCA_SUCCESS;
}

doca_error_t doca_argp_cmd_destroy(struct doca_argp_cmd *cmd)
{
	if (cmd == nullptr)
		return DOCA_ERROR_INVALID_VALUE;
	if (cmd->taken)
		return DOCA_ERROR_BAD_STATE;
	delete cmd;
	return DOCA_SUCCESS;
}

void doca_argp_cmd_set_name(struct doca_argp_cmd *cmd, const char *name)
{
	cmd->name = text_or_empty(name);
}

void doca_argp_cmd_set_description(struct doca_argp_cmd *cmd, const char *description)
{
	cmd->description = text_or_empty(description);
}

void doca_argp_cmd_set_callback(struct doca_argp_cmd *cmd, doca_argp_cmd_cb_t callback)
{
	cmd->callback = callback;
}

void doca_argp_cmd_set_hidden(struct doca_argp_cmd *cmd)
{
	cmd->hidden = true;
}

doca_error_t doca_argp_cmd_register_param(struct doca_argp_cmd *cmd, struct doca_argp_param *param)
{
	if (cmd == nullptr || param == nullptr)
		return DOCA_ERROR_INVALID_VALUE;
	if (cmd->taken || param->taken)
		return DOCA_ERROR_BAD_STATE;
	return guarded([&] { return add_param(current().get(), *cmd, param, false); });
}

doca_error_t doca_argp_cmd_register_cmd(struct doca_argp_cmd *cmd, struct doca_argp_cmd *inner)
{
	if (cmd == nullptr || inner == nullptr || cmd == inner)
		return DOCA_ERROR_INVALID_VALUE;
	if (cmd->taken || inner->taken)
		return DOCA_ERROR_BAD_STATE;
	return guarded([&] { return add_command(current().get(), *cmd, inner); });
}

doca_error_t doca_argp_get_log_level(int *log_level)
{
	return get_level(&Parser::log_level, doca_log_level_get_global_lower_limit(), log_level);
}

doca_error_t doca_argp_get_sdk_log_level(int *log_level)
{
	return get_level(&Parser::sdk_log_level, doca_log_level_get_global_sdk_limit(), log_level);
}
