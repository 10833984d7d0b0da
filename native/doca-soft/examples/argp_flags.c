/*
 * Flags of a program for DPDK, by doca_argp: what the callbacks are given is printed.
 *
 *     argp_flags [EAL's flags] -- -n NAME [-c COUNT] [-a DEVICE]... [-r DEVICE,REPRESENTORS]... [-j FILE] [add | remove --force]
 */
#include <stdio.h>
#include <stdlib.h>

#include <doca_argp.h>
#include <doca_dev.h>
#include <doca_log.h>
#include <doca_version.h>

DOCA_LOG_REGISTER(ARGP_FLAGS);

#define DEVICES_MAX 16
/* Flags that are devices and representors there are from 3.1 on. */
#define HAS_DEVICES (DOCA_VERSION_MAJOR * 100 + DOCA_VERSION_MINOR >= 301)

/* What the flags say. Devices and representors are the program's to close; the texts of devargs it may keep. */
struct config {
	int count;
	struct doca_dev *devs[DEVICES_MAX];
	int dev_count;
	struct doca_dev_rep *reps[DEVICES_MAX];
	int rep_count;
};

static doca_error_t take_name(void *value, void *config)
{
	(void)config;
	/* It is there during the call only. */
	printf("name %s\n", (const char *)value);
	return DOCA_SUCCESS;
}

static doca_error_t take_count(void *value, void *config)
{
	const int count = *(const int *)value;
	if (count < 1) {
		DOCA_LOG_ERR("%d is no count", count);
		return DOCA_ERROR_INVALID_VALUE;
	}
	((struct config *)config)->count = count;
	DOCA_LOG_DBG("counting to %d", count);
	return DOCA_SUCCESS;
}

static doca_error_t take_force(void *value, void *config)
{
	(void)config;
	printf("force %d\n", *(const bool *)value);
	return DOCA_SUCCESS;
}

#if HAS_DEVICES
static doca_error_t take_device(void *value, void *config)
{
	const struct doca_argp_device_ctx *device = value;
	struct config *own = config;
	char pci[DOCA_DEVINFO_PCI_ADDR_SIZE];
	if (own->dev_count == DEVICES_MAX)
		return DOCA_ERROR_FULL;
	own->devs[own->dev_count++] = device->dev;
	doca_devinfo_get_pci_addr_str(doca_dev_as_devinfo(device->dev), pci);
	printf("device %s %s\n", pci, device->devargs == NULL ? "none" : device->devargs);
	return DOCA_SUCCESS;
}

static doca_error_t take_representor(void *value, void *config)
{
	const struct doca_argp_device_rep_ctx *rep = value;
	struct config *own = config;
	char vuid[DOCA_DEVINFO_REP_VUID_SIZE];
	if (own->rep_count == DEVICES_MAX)
		return DOCA_ERROR_FULL;
	own->reps[own->rep_count++] = rep->dev_rep;
	doca_devinfo_rep_get_vuid(doca_dev_rep_as_devinfo(rep->dev_rep), vuid, sizeof(vuid));
	printf("representor %s %s\n", vuid, rep->dev_ctx.devargs == NULL ? "none" : rep->dev_ctx.devargs);
	return DOCA_SUCCESS;
}

#endif

static doca_error_t add(void *config)
{
	(void)config;
	printf("add\n");
	return DOCA_SUCCESS;
}

static doca_error_t remove_it(void *config)
{
	(void)config;
	printf("remove\n");
	return DOCA_SUCCESS;
}

/* Where a program calls rte_eal_init(argc, argv). */
static doca_error_t take_eal(int argc, char **argv)
{
	printf("EAL");
	for (int i = 1; i < argc; i++)
		printf(" %s", argv[i]);
	printf("\n");
	return DOCA_SUCCESS;
}

static doca_error_t validate(void *config)
{
	return ((const struct config *)config)->count > 100 ? DOCA_ERROR_TOO_BIG : DOCA_SUCCESS;
}

static void must(doca_error_t result, const char *what)
{
	if (result == DOCA_SUCCESS)
		return;
	fprintf(stderr, "%s: %s\n", what, doca_error_get_name(result));
	exit(2);
}

static struct doca_argp_param *new_param(const char *short_name, const char *long_name, enum doca_argp_type type,
					 doca_argp_param_cb_t callback, const char *description)
{
	struct doca_argp_param *param;
	must(doca_argp_param_create(&param), long_name);
	if (short_name != NULL)
		doca_argp_param_set_short_name(param, short_name);
	doca_argp_param_set_long_name(param, long_name);
	doca_argp_param_set_type(param, type);
	doca_argp_param_set_callback(param, callback);
	doca_argp_param_set_description(param, description);
	return param;
}

static struct doca_argp_cmd *new_cmd(const char *name, doca_argp_cmd_cb_t callback, const char *description)
{
	struct doca_argp_cmd *cmd;
	must(doca_argp_cmd_create(&cmd), name);
	doca_argp_cmd_set_name(cmd, name);
	doca_argp_cmd_set_description(cmd, description);
	doca_argp_cmd_set_callback(cmd, callback);
	return cmd;
}

static void register_flags(void)
{
	struct doca_argp_param *param = new_param("n", "name", DOCA_ARGP_TYPE_STRING, take_name, "A name");
	struct doca_argp_cmd *cmd;
	doca_argp_param_set_mandatory(param);
	must(doca_argp_register_param(param), "name");
	param = new_param("c", "count", DOCA_ARGP_TYPE_INT, take_count, "How often, 1 to 100");
	doca_argp_param_set_arguments(param, "<times>");
	must(doca_argp_register_param(param), "count");
#if HAS_DEVICES
	param = new_param("a", "device", DOCA_ARGP_TYPE_DEVICE, take_device, "A device");
	doca_argp_param_set_multiplicity(param);
	must(doca_argp_register_param(param), "device");
	param = new_param("r", "rep", DOCA_ARGP_TYPE_DEVICE_REP, take_representor, "Representors of a device");
	doca_argp_param_set_multiplicity(param);
	must(doca_argp_register_param(param), "rep");
#endif
	must(doca_argp_register_cmd(new_cmd("add", add, "Adds it")), "add");
	cmd = new_cmd("remove", remove_it, "Takes it away");
	must(doca_argp_cmd_register_param(cmd, new_param(NULL, "force", DOCA_ARGP_TYPE_BOOLEAN, take_force, "Without asking")),
	     "force");
	must(doca_argp_register_cmd(cmd), "remove");
}

int main(int argc, char **argv)
{
	struct config config = {.count = 1};
	struct doca_log_backend *sdk_log;
	doca_error_t result;
	must(doca_log_backend_create_standard(), "log");
	must(doca_log_backend_create_with_file_sdk(stderr, &sdk_log), "DOCA's log");
	must(doca_log_backend_set_sdk_level(sdk_log, DOCA_LOG_LEVEL_CRIT), "DOCA's log");
	must(doca_argp_init(NULL, &config), "flags");
	register_flags();
	must(doca_argp_register_validation_callback(validate), "validation");
	doca_argp_set_dpdk_program(take_eal);
	result = doca_argp_start(argc, argv);
	if (result == DOCA_SUCCESS)
		printf("count %d\n", config.count);
	else
		fprintf(stderr, "%s\n", doca_error_get_name(result));
	for (int i = 0; i < config.rep_count; i++)
		must(doca_dev_rep_close(config.reps[i]), "closing a representor");
	for (int i = 0; i < config.dev_count; i++)
		must(doca_dev_close(config.devs[i]), "closing a device");
	must(doca_argp_destroy(), "end");
	return result == DOCA_SUCCESS ? EXIT_SUCCESS : EXIT_FAILURE;
}
