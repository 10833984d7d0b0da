/* Flags and commands of a program, from its command line and from JSON files. */
#ifndef DOCA_ARGP_H_
#define DOCA_ARGP_H_

#include <stdarg.h>

#include <doca_compat.h>
#include <doca_dev.h>
#include <doca_error.h>
#include <doca_log.h>
#include <doca_version.h>

#ifdef __cplusplus
extern "C" {
#endif

/*
 * `value` by the flag's type: char *, int *, bool *, double *, struct doca_argp_device_ctx * or struct
 * doca_argp_device_rep_ctx *; only during the call, but for devices, representors and devargs. `config` is doca_argp_init's.
 */
typedef doca_error_t (*doca_argp_param_cb_t)(void *value, void *config);
typedef doca_error_t (*doca_argp_cmd_cb_t)(void *config);
/* The arguments may be moved and changed; they are there until doca_argp_destroy. */
typedef doca_error_t (*doca_argp_dpdk_cb_t)(int argc, char **argv);
typedef doca_error_t (*doca_argp_validation_cb_t)(void *config);
typedef doca_error_t (*doca_argp_logger_cb_t)(enum doca_log_level level, const char *format, va_list arguments);
#if DOCA_SOFT_RELEASE_ >= 303
typedef doca_error_t (*doca_argp_dev_open_cb_t)(struct doca_devinfo *devinfo, void *context, struct doca_dev **dev);
#endif

enum doca_argp_type {
	DOCA_ARGP_TYPE_UNKNOWN = 0,
	DOCA_ARGP_TYPE_STRING = 1,
	DOCA_ARGP_TYPE_INT = 2,
	DOCA_ARGP_TYPE_BOOLEAN = 3,
#if DOCA_SOFT_RELEASE_ < 301
	DOCA_ARGP_TYPE_JSON_OBJ = 4,
#else
	DOCA_ARGP_TYPE_DEVICE = 4,
	DOCA_ARGP_TYPE_DEVICE_REP = 5,
#endif
#if DOCA_SOFT_RELEASE_ >= 303
	DOCA_ARGP_TYPE_DOUBLE = 6,
#endif
};

struct doca_argp_param;
struct doca_argp_cmd;

#if DOCA_SOFT_RELEASE_ >= 301
/* A device that the program closes. `devargs` is NULL where there are none, and stays until doca_argp_destroy. */
struct doca_argp_device_ctx {
	struct doca_dev *dev;
	const char *devargs;
};

/* A representor that the program closes. Its device it closes only where it has that by a flag of its own. */
struct doca_argp_device_rep_ctx {
	struct doca_argp_device_ctx dev_ctx;
	struct doca_dev_rep *dev_rep;
};
#endif

/* `program_name`: NULL for the name in argv[0]. DOCA_ERROR_BAD_STATE where it has been called and not ended. */
DOCA_EXPERIMENTAL doca_error_t doca_argp_init(const char *program_name, void *program_config);
/* Closes the devices that were opened for representors only. */
DOCA_EXPERIMENTAL doca_error_t doca_argp_destroy(void);
/*
 * Reads the flags, and calls back for them. The first mistake ends it: with DOCA_ERROR_NOT_SUPPORTED of a flag or a command that
 * there is not, DOCA_ERROR_INVALID_VALUE of values and combinations, DOCA_ERROR_IO_FAILED of a JSON file that cannot be read;
 * a callback's or a device's error is passed on. -h and -v end the process with 0.
 */
DOCA_EXPERIMENTAL doca_error_t doca_argp_start(int argc, char **argv);
/* Prints the help to stdout: of the program, or of the command that the command line has come to. */
DOCA_EXPERIMENTAL void doca_argp_usage(void);
/* What stands before "--" on the command line is EAL's then, and what a JSON file's doca_dpdk_flags say. */
DOCA_EXPERIMENTAL void doca_argp_set_dpdk_program(doca_argp_dpdk_cb_t callback);

/* Both take what they are given even where they fail: it must not be used, nor destroyed, after them. */
DOCA_EXPERIMENTAL doca_error_t doca_argp_register_param(struct doca_argp_param *param);
DOCA_EXPERIMENTAL doca_error_t doca_argp_register_cmd(struct doca_argp_cmd *cmd);
DOCA_EXPERIMENTAL doca_error_t doca_argp_register_version_callback(doca_argp_param_cb_t callback);
DOCA_EXPERIMENTAL doca_error_t doca_argp_register_validation_callback(doca_argp_validation_cb_t callback);
/* For what is else printed to stderr. DOCA_ERROR_ALREADY_EXIST where there is one. */
DOCA_EXPERIMENTAL doca_error_t doca_argp_register_logger_callback(doca_argp_logger_cb_t callback);
DOCA_EXPERIMENTAL doca_error_t doca_argp_disable_logger_callback(void);
#if DOCA_SOFT_RELEASE_ >= 303
/* Called once for each device, in the place of doca_dev_open. The program closes what it opens. */
DOCA_EXPERIMENTAL doca_error_t doca_argp_register_dev_open_callback(doca_argp_dev_open_cb_t callback, void *context);
/* Keys of JSON files that are no flag's are passed over then. */
DOCA_EXPERIMENTAL doca_error_t doca_argp_disable_pedantic_config_parsing(void);
#endif

DOCA_EXPERIMENTAL doca_error_t doca_argp_param_create(struct doca_argp_param **param);
/* DOCA_ERROR_BAD_STATE once it has been registered. */
DOCA_EXPERIMENTAL doca_error_t doca_argp_param_destroy(struct doca_argp_param *param);
/* A flag needs one name at least, a description, a callback and a type. Texts are copied. */
DOCA_EXPERIMENTAL void doca_argp_param_set_short_name(struct doca_argp_param *param, const char *name);
DOCA_EXPERIMENTAL void doca_argp_param_set_long_name(struct doca_argp_param *param, const char *name);
DOCA_EXPERIMENTAL void doca_argp_param_set_arguments(struct doca_argp_param *param, const char *arguments);
DOCA_EXPERIMENTAL void doca_argp_param_set_description(struct doca_argp_param *param, const char *description);
DOCA_EXPERIMENTAL void doca_argp_param_set_callback(struct doca_argp_param *param, doca_argp_param_cb_t callback);
DOCA_EXPERIMENTAL void doca_argp_param_set_type(struct doca_argp_param *param, enum doca_argp_type type);
DOCA_EXPERIMENTAL void doca_argp_param_set_mandatory(struct doca_argp_param *param);
/* Not in JSON files; so is a flag without a long name. */
DOCA_EXPERIMENTAL void doca_argp_param_set_cli_only(struct doca_argp_param *param);
/* May be given several times; in a JSON file it is an array. */
DOCA_EXPERIMENTAL void doca_argp_param_set_multiplicity(struct doca_argp_param *param);
/* Goes with no other flag, and without those that are mandatory. */
DOCA_EXPERIMENTAL void doca_argp_param_set_singular(struct doca_argp_param *param);
/* Is known behind the commands of its own one too. */
DOCA_EXPERIMENTAL void doca_argp_param_set_inherited(struct doca_argp_param *param);
/* Not in the help. */
DOCA_EXPERIMENTAL void doca_argp_param_set_hidden(struct doca_argp_param *param);

DOCA_EXPERIMENTAL doca_error_t doca_argp_cmd_create(struct doca_argp_cmd **cmd);
/* DOCA_ERROR_BAD_STATE once it has been registered. Destroys its flags and commands with it. */
DOCA_EXPERIMENTAL doca_error_t doca_argp_cmd_destroy(struct doca_argp_cmd *cmd);
/* A command needs a name and a description. */
DOCA_EXPERIMENTAL void doca_argp_cmd_set_name(struct doca_argp_cmd *cmd, const char *name);
DOCA_EXPERIMENTAL void doca_argp_cmd_set_description(struct doca_argp_cmd *cmd, const char *description);
DOCA_EXPERIMENTAL void doca_argp_cmd_set_callback(struct doca_argp_cmd *cmd, doca_argp_cmd_cb_t callback);
DOCA_EXPERIMENTAL void doca_argp_cmd_set_hidden(struct doca_argp_cmd *cmd);
DOCA_EXPERIMENTAL doca_error_t doca_argp_cmd_register_param(struct doca_argp_cmd *cmd, struct doca_argp_param *param);
DOCA_EXPERIMENTAL doca_error_t doca_argp_cmd_register_cmd(struct doca_argp_cmd *cmd, struct doca_argp_cmd *inner);

/* The level that the user gave, else that of doca_log. */
DOCA_EXPERIMENTAL doca_error_t doca_argp_get_log_level(int *log_level);
DOCA_EXPERIMENTAL doca_error_t doca_argp_get_sdk_log_level(int *log_level);

#ifdef __cplusplus
}
#endif

#endif
