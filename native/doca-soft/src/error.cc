#include <doca_error.h>
#include <doca_version.h>

namespace {

struct Description {
	const char *name;
	const char *text;
};

// In the order of their values.
const Description DESCRIPTIONS[] = {
	{"DOCA_SUCCESS", "success"},
	{"DOCA_ERROR_UNKNOWN", "unknown error"},
	{"DOCA_ERROR_NOT_PERMITTED", "operation not permitted"},
	{"DOCA_ERROR_IN_USE", "resource in use"},
	{"DOCA_ERROR_NOT_SUPPORTED", "operation not supported"},
	{"DOCA_ERROR_AGAIN", "temporarily unavailable, try again"},
	{"DOCA_ERROR_INVALID_VALUE", "invalid argument"},
	{"DOCA_ERROR_NO_MEMORY", "out of memory"},
	{"DOCA_ERROR_INITIALIZATION", "initialization failed"},
	{"DOCA_ERROR_TIME_OUT", "timed out"},
	{"DOCA_ERROR_SHUTDOWN", "shut down"},
	{"DOCA_ERROR_CONNECTION_RESET", "connection reset"},
	{"DOCA_ERROR_CONNECTION_ABORTED", "connection aborted"},
	{"DOCA_ERROR_CONNECTION_INPROGRESS", "connection in progress"},
	{"DOCA_ERROR_NOT_CONNECTED", "not connected"},
	{"DOCA_ERROR_NO_LOCK", "lock not available"},
	{"DOCA_ERROR_NOT_FOUND", "not found"},
	{"DOCA_ERROR_IO_FAILED", "input or output failed"},
	{"DOCA_ERROR_BAD_STATE", "not possible in this state"},
	{"DOCA_ERROR_UNSUPPORTED_VERSION", "version not supported"},
	{"DOCA_ERROR_OPERATING_SYSTEM", "operating system call failed"},
	{"DOCA_ERROR_DRIVER", "driver call failed"},
	{"DOCA_ERROR_UNEXPECTED", "unexpected"},
	{"DOCA_ERROR_ALREADY_EXIST", "exists already"},
	{"DOCA_ERROR_FULL", "full"},
	{"DOCA_ERROR_EMPTY", "empty"},
	{"DOCA_ERROR_IN_PROGRESS", "in progress"},
	{"DOCA_ERROR_TOO_BIG", "too big"},
	{"DOCA_ERROR_AUTHENTICATION", "authentication failed"},
	{"DOCA_ERROR_BAD_CONFIG", "bad configuration"},
	{"DOCA_ERROR_SKIPPED", "skipped"},
};

const Description UNKNOWN = {"DOCA_ERROR_UNKNOWN", "unknown error"};

const Description &describe(doca_error_t error)
{
	const auto index = static_cast<unsigned>(error);
	return index < sizeof(DESCRIPTIONS) / sizeof(DESCRIPTIONS[0]) ? DESCRIPTIONS[index] : UNKNOWN;
}

} // namespace

const char *doca_error_get_name(doca_error_t error)
{
	return describe(error).name;
}

const char *doca_error_get_descr(doca_error_t error)
{
	return describe(error).text;
}

const char *doca_version_runtime(void)
{
	return DOCA_VERSION_STRING "-SOFT";
}
