// Made of the headers by `npm run docs` (scripts/soft-trace.mjs).
// Each function of the API: calls the function that does it, and tells the call when there is a trace.
// clang-format off
#undef doca_argp_init
#undef doca_argp_destroy
#undef doca_argp_start
#undef doca_argp_usage
#undef doca_argp_set_dpdk_program
#undef doca_argp_register_param
#undef doca_argp_register_cmd
#undef doca_argp_register_version_callback
#undef doca_argp_register_validation_callback
#undef doca_argp_register_logger_callback
#undef doca_argp_disable_logger_callback
#undef doca_argp_param_create
#undef doca_argp_param_destroy
#undef doca_argp_param_set_short_name
#undef doca_argp_param_set_long_name
#undef doca_argp_param_set_arguments
#undef doca_argp_param_set_description
#undef doca_argp_param_set_callback
#undef doca_argp_param_set_type
#undef doca_argp_param_set_mandatory
#undef doca_argp_param_set_cli_only
#undef doca_argp_param_set_multiplicity
#undef doca_argp_param_set_singular
#undef doca_argp_param_set_inherited
#undef doca_argp_param_set_hidden
#undef doca_argp_cmd_create
#undef doca_argp_cmd_destroy
#undef doca_argp_cmd_set_name
#undef doca_argp_cmd_set_description
#undef doca_argp_cmd_set_callback
#undef doca_argp_cmd_set_hidden
#undef doca_argp_cmd_register_param
#undef doca_argp_cmd_register_cmd
#undef doca_argp_get_log_level
#undef doca_argp_get_sdk_log_level
#undef doca_argp_register_dev_open_callback
#undef doca_argp_disable_pedantic_config_parsing
#include <doca_argp.h>

#include "trace_types.h"
#include "../src/trace_call.h"

using namespace soft::trace;

extern "C" __attribute__((visibility("hidden"))) decltype(doca_argp_init) untraced_doca_argp_init;
doca_error_t doca_argp_init(const char *program_name, void *program_config)
{
	if (!is_on())
		return untraced_doca_argp_init(program_name, program_config);
	Call call("doca_argp_init");
	call.text("program_name", program_name);
	call.left_out("program_config", program_config);
	const auto result = untraced_doca_argp_init(program_name, program_config);
	call.ended(result, enum_doca_error);
	return result;
}

extern "C" __attribute__((visibility("hidden"))) decltype(doca_argp_destroy) untraced_doca_argp_destroy;
doca_error_t doca_argp_destroy(void)
{
	if (!is_on())
		return untraced_doca_argp_destroy();
	Call call("doca_argp_destroy");
	const auto result = untraced_doca_argp_destroy();
	call.ended(result, enum_doca_error);
	return result;
}

extern "C" __attribute__((visibility("hidden"))) decltype(doca_argp_start) untraced_doca_argp_start;
doca_error_t doca_argp_start(int argc, char **argv)
{
	if (!is_on())
		return untraced_doca_argp_start(argc, argv);
	Call call("doca_argp_start");
	call.number("argc", argc);
	call.left_out("argv", argv);
	const auto result = untraced_doca_argp_start(argc, argv);
	call.ended(result, enum_doca_error);
	return result;
}

extern "C" __attribute__((visibility("hidden"))) decltype(doca_argp_usage) untraced_doca_argp_usage;
void doca_argp_usage(void)
{
	if (!is_on())
		return untraced_doca_argp_usage();
	Call call("doca_argp_usage");
	untraced_doca_argp_usage();
	call.ended();
}

extern "C" __attribute__((visibility("hidden"))) decltype(doca_argp_set_dpdk_program) untraced_doca_argp_set_dpdk_program;
void doca_argp_set_dpdk_program(doca_argp_dpdk_cb_t callback)
{
	if (!is_on())
		return untraced_doca_argp_set_dpdk_program(callback);
	Call call("doca_argp_set_dpdk_program");
	call.pointer("callback", callback);
	untraced_doca_argp_set_dpdk_program(callback);
	call.ended();
}

extern "C" __attribute__((visibility("hidden"))) decltype(doca_argp_register_param) untraced_doca_argp_register_param;
doca_error_t doca_argp_register_param(struct doca_argp_param *param)
{
	if (!is_on())
		return untraced_doca_argp_register_param(param);
	Call call("doca_argp_register_param");
	call.handle("param", "argp_param", param);
	const auto result = untraced_doca_argp_register_param(param);
	call.ended(result, enum_doca_error);
	return result;
}

extern "C" __attribute__((visibility("hidden"))) decltype(doca_argp_register_cmd) untraced_doca_argp_register_cmd;
doca_error_t doca_argp_register_cmd(struct doca_argp_cmd *cmd)
{
	if (!is_on())
		return untraced_doca_argp_register_cmd(cmd);
	Call call("doca_argp_register_cmd");
	call.handle("cmd", "argp_cmd", cmd);
	const auto result = untraced_doca_argp_register_cmd(cmd);
	call.ended(result, enum_doca_error);
	return result;
}

extern "C" __attribute__((visibility("hidden"))) decltype(doca_argp_register_version_callback) untraced_doca_argp_register_version_callback;
doca_error_t doca_argp_register_version_callback(doca_argp_param_cb_t callback)
{
	if (!is_on())
		return untraced_doca_argp_register_version_callback(callback);
	Call call("doca_argp_register_version_callback");
	call.pointer("callback", callback);
	const auto result = untraced_doca_argp_register_version_callback(callback);
	call.ended(result, enum_doca_error);
	return result;
}

extern "C" __attribute__((visibility("hidden"))) decltype(doca_argp_register_validation_callback) untraced_doca_argp_register_validation_callback;
doca_error_t doca_argp_register_validation_callback(doca_argp_validation_cb_t callback)
{
	if (!is_on())
		return untraced_doca_argp_register_validation_callback(callback);
	Call call("doca_argp_register_validation_callback");
	call.pointer("callback", callback);
	const auto result = untraced_doca_argp_register_validation_callback(callback);
	call.ended(result, enum_doca_error);
	return result;
}

extern "C" __attribute__((visibility("hidden"))) decltype(doca_argp_register_logger_callback) untraced_doca_argp_register_logger_callback;
doca_error_t doca_argp_register_logger_callback(doca_argp_logger_cb_t callback)
{
	if (!is_on())
		return untraced_doca_argp_register_logger_callback(callback);
	Call call("doca_argp_register_logger_callback");
	call.pointer("callback", callback);
	const auto result = untraced_doca_argp_register_logger_callback(callback);
	call.ended(result, enum_doca_error);
	return result;
}

extern "C" __attribute__((visibility("hidden"))) decltype(doca_argp_disable_logger_callback) untraced_doca_argp_disable_logger_callback;
doca_error_t doca_argp_disable_logger_callback(void)
{
	if (!is_on())
		return untraced_doca_argp_disable_logger_callback();
	Call call("doca_argp_disable_logger_callback");
	const auto result = untraced_doca_argp_disable_logger_callback();
	call.ended(result, enum_doca_error);
	return result;
}

extern "C" __attribute__((visibility("hidden"))) decltype(doca_argp_param_create) untraced_doca_argp_param_create;
doca_error_t doca_argp_param_create(struct doca_argp_param **param)
{
	if (!is_on())
		return untraced_doca_argp_param_create(param);
	Call call("doca_argp_param_create");
	const auto result = untraced_doca_argp_param_create(param);
	call.ended(result, enum_doca_error);
	if (result == DOCA_SUCCESS) {
		if (param != nullptr) call.handle("param", "argp_param", *param);
	}
	return result;
}

extern "C" __attribute__((visibility("hidden"))) decltype(doca_argp_param_destroy) untraced_doca_argp_param_destroy;
doca_error_t doca_argp_param_destroy(struct doca_argp_param *param)
{
	if (!is_on())
		return untraced_doca_argp_param_destroy(param);
	Call call("doca_argp_param_destroy");
	call.handle("param", "argp_param", param);
	const auto result = untraced_doca_argp_param_destroy(param);
	call.ended(result, enum_doca_error);
	return result;
}

extern "C" __attribute__((visibility("hidden"))) decltype(doca_argp_param_set_short_name) untraced_doca_argp_param_set_short_name;
void doca_argp_param_set_short_name(struct doca_argp_param *param, const char *name)
{
	if (!is_on())
		return untraced_doca_argp_param_set_short_name(param, name);
	Call call("doca_argp_param_set_short_name");
	call.handle("param", "argp_param", param);
	call.text("name", name);
	untraced_doca_argp_param_set_short_name(param, name);
	call.ended();
}

extern "C" __attribute__((visibility("hidden"))) decltype(doca_argp_param_set_long_name) untraced_doca_argp_param_set_long_name;
void doca_argp_param_set_long_name(struct doca_argp_param *param, const char *name)
{
	if (!is_on())
		return untraced_doca_argp_param_set_long_name(param, name);
	Call call("doca_argp_param_set_long_name");
	call.handle("param", "argp_param", param);
	call.text("name", name);
	untraced_doca_argp_param_set_long_name(param, name);
	call.ended();
}

extern "C" __attribute__((visibility("hidden"))) decltype(doca_argp_param_set_arguments) untraced_doca_argp_param_set_arguments;
void doca_argp_param_set_arguments(struct doca_argp_param *param, const char *arguments)
{
	if (!is_on())
		return untraced_doca_argp_param_set_arguments(param, arguments);
	Call call("doca_argp_param_set_arguments");
	call.handle("param", "argp_param", param);
	call.text("arguments", arguments);
	untraced_doca_argp_param_set_arguments(param, arguments);
	call.ended();
}

extern "C" __attribute__((visibility("hidden"))) decltype(doca_argp_param_set_description) untraced_doca_argp_param_set_description;
void doca_argp_param_set_description(struct doca_argp_param *param, const char *description)
{
	if (!is_on())
		return untraced_doca_argp_param_set_description(param, description);
	Call call("doca_argp_param_set_description");
	call.handle("param", "argp_param", param);
	call.text("description", description);
	untraced_doca_argp_param_set_description(param, description);
	call.ended();
}

extern "C" __attribute__((visibility("hidden"))) decltype(doca_argp_param_set_callback) untraced_doca_argp_param_set_callback;
void doca_argp_param_set_callback(struct doca_argp_param *param, doca_argp_param_cb_t callback)
{
	if (!is_on())
		return untraced_doca_argp_param_set_callback(param, callback);
	Call call("doca_argp_param_set_callback");
	call.handle("param", "argp_param", param);
	call.pointer("callback", callback);
	untraced_doca_argp_param_set_callback(param, callback);
	call.ended();
}

extern "C" __attribute__((visibility("hidden"))) decltype(doca_argp_param_set_type) untraced_doca_argp_param_set_type;
void doca_argp_param_set_type(struct doca_argp_param *param, enum doca_argp_type type)
{
	if (!is_on())
		return untraced_doca_argp_param_set_type(param, type);
	Call call("doca_argp_param_set_type");
	call.handle("param", "argp_param", param);
	call.enumeration("type", type, enum_doca_argp_type);
	untraced_doca_argp_param_set_type(param, type);
	call.ended();
}

extern "C" __attribute__((visibility("hidden"))) decltype(doca_argp_param_set_mandatory) untraced_doca_argp_param_set_mandatory;
void doca_argp_param_set_mandatory(struct doca_argp_param *param)
{
	if (!is_on())
		return untraced_doca_argp_param_set_mandatory(param);
	Call call("doca_argp_param_set_mandatory");
	call.handle("param", "argp_param", param);
	untraced_doca_argp_param_set_mandatory(param);
	call.ended();
}

extern "C" __attribute__((visibility("hidden"))) decltype(doca_argp_param_set_cli_only) untraced_doca_argp_param_set_cli_only;
void doca_argp_param_set_cli_only(struct doca_argp_param *param)
{
	if (!is_on())
		return untraced_doca_argp_param_set_cli_only(param);
	Call call("doca_argp_param_set_cli_only");
	call.handle("param", "argp_param", param);
	untraced_doca_argp_param_set_cli_only(param);
	call.ended();
}

extern "C" __attribute__((visibility("hidden"))) decltype(doca_argp_param_set_multiplicity) untraced_doca_argp_param_set_multiplicity;
void doca_argp_param_set_multiplicity(struct doca_argp_param *param)
{
	if (!is_on())
		return untraced_doca_argp_param_set_multiplicity(param);
	Call call("doca_argp_param_set_multiplicity");
	call.handle("param", "argp_param", param);
	untraced_doca_argp_param_set_multiplicity(param);
	call.ended();
}

extern "C" __attribute__((visibility("hidden"))) decltype(doca_argp_param_set_singular) untraced_doca_argp_param_set_singular;
void doca_argp_param_set_singular(struct doca_argp_param *param)
{
	if (!is_on())
		return untraced_doca_argp_param_set_singular(param);
	Call call("doca_argp_param_set_singular");
	call.handle("param", "argp_param", param);
	untraced_doca_argp_param_set_singular(param);
	call.ended();
}

extern "C" __attribute__((visibility("hidden"))) decltype(doca_argp_param_set_inherited) untraced_doca_argp_param_set_inherited;
void doca_argp_param_set_inherited(struct doca_argp_param *param)
{
	if (!is_on())
		return untraced_doca_argp_param_set_inherited(param);
	Call call("doca_argp_param_set_inherited");
	call.handle("param", "argp_param", param);
	untraced_doca_argp_param_set_inherited(param);
	call.ended();
}

extern "C" __attribute__((visibility("hidden"))) decltype(doca_argp_param_set_hidden) untraced_doca_argp_param_set_hidden;
void doca_argp_param_set_hidden(struct doca_argp_param *param)
{
	if (!is_on())
		return untraced_doca_argp_param_set_hidden(param);
	Call call("doca_argp_param_set_hidden");
	call.handle("param", "argp_param", param);
	untraced_doca_argp_param_set_hidden(param);
	call.ended();
}

extern "C" __attribute__((visibility("hidden"))) decltype(doca_argp_cmd_create) untraced_doca_argp_cmd_create;
doca_error_t doca_argp_cmd_create(struct doca_argp_cmd **cmd)
{
	if (!is_on())
		return untraced_doca_argp_cmd_create(cmd);
	Call call("doca_argp_cmd_create");
	const auto result = untraced_doca_argp_cmd_create(cmd);
	call.ended(result, enum_doca_error);
	if (result == DOCA_SUCCESS) {
		if (cmd != nullptr) call.handle("cmd", "argp_cmd", *cmd);
	}
	return result;
}

extern "C" __attribute__((visibility("hidden"))) decltype(doca_argp_cmd_destroy) untraced_doca_argp_cmd_destroy;
doca_error_t doca_argp_cmd_destroy(struct doca_argp_cmd *cmd)
{
	if (!is_on())
		return untraced_doca_argp_cmd_destroy(cmd);
	Call call("doca_argp_cmd_destroy");
	call.handle("cmd", "argp_cmd", cmd);
	const auto result = untraced_doca_argp_cmd_destroy(cmd);
	call.ended(result, enum_doca_error);
	return result;
}

extern "C" __attribute__((visibility("hidden"))) decltype(doca_argp_cmd_set_name) untraced_doca_argp_cmd_set_name;
void doca_argp_cmd_set_name(struct doca_argp_cmd *cmd, const char *name)
{
	if (!is_on())
		return untraced_doca_argp_cmd_set_name(cmd, name);
	Call call("doca_argp_cmd_set_name");
	call.handle("cmd", "argp_cmd", cmd);
	call.text("name", name);
	untraced_doca_argp_cmd_set_name(cmd, name);
	call.ended();
}

extern "C" __attribute__((visibility("hidden"))) decltype(doca_argp_cmd_set_description) untraced_doca_argp_cmd_set_description;
void doca_argp_cmd_set_description(struct doca_argp_cmd *cmd, const char *description)
{
	if (!is_on())
		return untraced_doca_argp_cmd_set_description(cmd, description);
	Call call("doca_argp_cmd_set_description");
	call.handle("cmd", "argp_cmd", cmd);
	call.text("description", description);
	untraced_doca_argp_cmd_set_description(cmd, description);
	call.ended();
}

extern "C" __attribute__((visibility("hidden"))) decltype(doca_argp_cmd_set_callback) untraced_doca_argp_cmd_set_callback;
void doca_argp_cmd_set_callback(struct doca_argp_cmd *cmd, doca_argp_cmd_cb_t callback)
{
	if (!is_on())
		return untraced_doca_argp_cmd_set_callback(cmd, callback);
	Call call("doca_argp_cmd_set_callback");
	call.handle("cmd", "argp_cmd", cmd);
	call.pointer("callback", callback);
	untraced_doca_argp_cmd_set_callback(cmd, callback);
	call.ended();
}

extern "C" __attribute__((visibility("hidden"))) decltype(doca_argp_cmd_set_hidden) untraced_doca_argp_cmd_set_hidden;
void doca_argp_cmd_set_hidden(struct doca_argp_cmd *cmd)
{
	if (!is_on())
		return untraced_doca_argp_cmd_set_hidden(cmd);
	Call call("doca_argp_cmd_set_hidden");
	call.handle("cmd", "argp_cmd", cmd);
	untraced_doca_argp_cmd_set_hidden(cmd);
	call.ended();
}

extern "C" __attribute__((visibility("hidden"))) decltype(doca_argp_cmd_register_param) untraced_doca_argp_cmd_register_param;
doca_error_t doca_argp_cmd_register_param(struct doca_argp_cmd *cmd, struct doca_argp_param *param)
{
	if (!is_on())
		return untraced_doca_argp_cmd_register_param(cmd, param);
	Call call("doca_argp_cmd_register_param");
	call.handle("cmd", "argp_cmd", cmd);
	call.handle("param", "argp_param", param);
	const auto result = untraced_doca_argp_cmd_register_param(cmd, param);
	call.ended(result, enum_doca_error);
	return result;
}

extern "C" __attribute__((visibility("hidden"))) decltype(doca_argp_cmd_register_cmd) untraced_doca_argp_cmd_register_cmd;
doca_error_t doca_argp_cmd_register_cmd(struct doca_argp_cmd *cmd, struct doca_argp_cmd *inner)
{
	if (!is_on())
		return untraced_doca_argp_cmd_register_cmd(cmd, inner);
	Call call("doca_argp_cmd_register_cmd");
	call.handle("cmd", "argp_cmd", cmd);
	call.handle("inner", "argp_cmd", inner);
	const auto result = untraced_doca_argp_cmd_register_cmd(cmd, inner);
	call.ended(result, enum_doca_error);
	return result;
}

extern "C" __attribute__((visibility("hidden"))) decltype(doca_argp_get_log_level) untraced_doca_argp_get_log_level;
doca_error_t doca_argp_get_log_level(int *log_level)
{
	if (!is_on())
		return untraced_doca_argp_get_log_level(log_level);
	Call call("doca_argp_get_log_level");
	const auto result = untraced_doca_argp_get_log_level(log_level);
	call.ended(result, enum_doca_error);
	if (result == DOCA_SUCCESS) {
		if (log_level != nullptr) call.number("log_level", *log_level);
	}
	return result;
}

extern "C" __attribute__((visibility("hidden"))) decltype(doca_argp_get_sdk_log_level) untraced_doca_argp_get_sdk_log_level;
doca_error_t doca_argp_get_sdk_log_level(int *log_level)
{
	if (!is_on())
		return untraced_doca_argp_get_sdk_log_level(log_level);
	Call call("doca_argp_get_sdk_log_level");
	const auto result = untraced_doca_argp_get_sdk_log_level(log_level);
	call.ended(result, enum_doca_error);
	if (result == DOCA_SUCCESS) {
		if (log_level != nullptr) call.number("log_level", *log_level);
	}
	return result;
}

#if DOCA_SOFT_RELEASE_ >= 303
extern "C" __attribute__((visibility("hidden"))) decltype(doca_argp_register_dev_open_callback) untraced_doca_argp_register_dev_open_callback;
doca_error_t doca_argp_register_dev_open_callback(doca_argp_dev_open_cb_t callback, void *context)
{
	if (!is_on())
		return untraced_doca_argp_register_dev_open_callback(callback, context);
	Call call("doca_argp_register_dev_open_callback");
	call.pointer("callback", callback);
	call.pointer("context", context);
	const auto result = untraced_doca_argp_register_dev_open_callback(callback, context);
	call.ended(result, enum_doca_error);
	return result;
}
#endif

#if DOCA_SOFT_RELEASE_ >= 303
extern "C" __attribute__((visibility("hidden"))) decltype(doca_argp_disable_pedantic_config_parsing) untraced_doca_argp_disable_pedantic_config_parsing;
doca_error_t doca_argp_disable_pedantic_config_parsing(void)
{
	if (!is_on())
		return untraced_doca_argp_disable_pedantic_config_parsing();
	Call call("doca_argp_disable_pedantic_config_parsing");
	const auto result = untraced_doca_argp_disable_pedantic_config_parsing();
	call.ended(result, enum_doca_error);
	return result;
}
#endif
