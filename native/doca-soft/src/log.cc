#include "log.h"

#include <cstdarg>
#include <cstdio>
#include <cstring>
#include <list>
#include <mutex>
#include <string>
#include <syslog.h>
#include <unistd.h>
#include <vector>

struct doca_log_backend {
	bool sdk;
	FILE *file = nullptr;
	int fd = -1;
	char *buffer = nullptr;
	size_t capacity = 0;
	doca_log_buf_flush_cb flush = nullptr;
	std::string syslog_name;
	uint32_t lower = DOCA_LOG_LEVEL_DISABLE;
	uint32_t upper = DOCA_LOG_LEVEL_TRACE;
	uint32_t sdk_level = DOCA_LOG_LEVEL_TRACE;
};

namespace {

// Functions, not objects: log sources register themselves before the objects of this file are constructed.
std::mutex &log_mutex()
{
	static std::mutex mutex;
	return mutex;
}

std::list<doca_log_backend> &backends()
{
	static std::list<doca_log_backend> list;
	return list;
}

std::vector<std::string> &sources()
{
	static std::vector<std::string> names;
	return names;
}

uint32_t global_lower = DOCA_LOG_LEVEL_INFO;
uint32_t global_upper = DOCA_LOG_LEVEL_TRACE;
uint32_t global_sdk_limit = DOCA_LOG_LEVEL_TRACE;
// Of a backend whose level nobody has set.
uint32_t first_sdk_level = DOCA_LOG_LEVEL_INFO;

const char *level_name(uint32_t level)
{
	if (level <= DOCA_LOG_LEVEL_CRIT)
		return "CRT";
	if (level <= DOCA_LOG_LEVEL_ERROR)
		return "ERR";
	if (level <= DOCA_LOG_LEVEL_WARNING)
		return "WRN";
	if (level <= DOCA_LOG_LEVEL_INFO)
		return "INF";
	return level <= DOCA_LOG_LEVEL_DEBUG ? "DBG" : "TRC";
}

void write_to(doca_log_backend &backend, const std::string &line)
{
	if (backend.file != nullptr) {
		fputs(line.c_str(), backend.file);
		fflush(backend.file);
	} else if (backend.fd >= 0) {
		// There is nowhere to report that a log cannot be written.
		[[maybe_unused]] ssize_t written = write(backend.fd, line.data(), line.size());
	} else if (backend.buffer != nullptr) {
		snprintf(backend.buffer, backend.capacity, "%s", line.c_str());
		backend.flush(backend.buffer);
	} else {
		syslog(LOG_INFO, "%s: %s", backend.syslog_name.c_str(), line.c_str());
	}
}

void emit(bool sdk, uint32_t level, const std::string &text)
{
	const std::string line = std::string("[DOCA][") + level_name(level) + "]" + text + "\n";
	std::lock_guard<std::mutex> guard(log_mutex());
	for (doca_log_backend &backend : backends()) {
		if (backend.sdk != sdk || level < backend.lower || level > backend.upper)
			continue;
		if (sdk ? level > backend.sdk_level || level > global_sdk_limit : level > global_upper || level > global_lower)
			continue;
		write_to(backend, line);
	}
}

std::string formatted(const char *format, va_list arguments)
{
	char text[1024];
	vsnprintf(text, sizeof(text), format, arguments);
	return text;
}

doca_error_t add_backend(doca_log_backend backend, doca_log_backend **out)
{
	std::lock_guard<std::mutex> guard(log_mutex());
	backend.sdk_level = first_sdk_level;
	backends().push_back(std::move(backend));
	if (out != nullptr)
		*out = &backends().back();
	return DOCA_SUCCESS;
}

doca_error_t add_file(bool sdk, FILE *file, doca_log_backend **out)
{
	if (file == nullptr || out == nullptr)
		return DOCA_ERROR_INVALID_VALUE;
	doca_log_backend backend{};
	backend.sdk = sdk;
	backend.file = file;
	return add_backend(std::move(backend), out);
}

doca_error_t add_fd(bool sdk, int fd, doca_log_backend **out)
{
	if (fd < 0 || out == nullptr)
		return DOCA_ERROR_INVALID_VALUE;
	doca_log_backend backend{};
	backend.sdk = sdk;
	backend.fd = fd;
	return add_backend(std::move(backend), out);
}

doca_error_t add_buffer(bool sdk, char *buffer, size_t capacity, doca_log_buf_flush_cb flush, doca_log_backend **out)
{
	if (buffer == nullptr || capacity == 0 || flush == nullptr || out == nullptr)
		return DOCA_ERROR_INVALID_VALUE;
	doca_log_backend backend{};
	backend.sdk = sdk;
	backend.buffer = buffer;
	backend.capacity = capacity;
	backend.flush = flush;
	return add_backend(std::move(backend), out);
}

doca_error_t add_syslog(bool sdk, const char *name, doca_log_backend **out)
{
	if (name == nullptr || out == nullptr)
		return DOCA_ERROR_INVALID_VALUE;
	doca_log_backend backend{};
	backend.sdk = sdk;
	backend.syslog_name = name;
	return add_backend(std::move(backend), out);
}

} // namespace

namespace soft {

void log_sdk(uint32_t level, const char *format, ...)
{
	va_list arguments;
	va_start(arguments, format);
	const std::string text = formatted(format, arguments);
	va_end(arguments);
	emit(true, level, "[doca-soft] " + text);
}

doca_error_t not_supported(const char *format, ...)
{
	va_list arguments;
	va_start(arguments, format);
	const std::string text = formatted(format, arguments);
	va_end(arguments);
	emit(true, DOCA_LOG_LEVEL_ERROR, "[doca-soft] not supported: " + text);
	return DOCA_ERROR_NOT_SUPPORTED;
}

doca_error_t invalid(const char *format, ...)
{
	va_list arguments;
	va_start(arguments, format);
	const std::string text = formatted(format, arguments);
	va_end(arguments);
	emit(true, DOCA_LOG_LEVEL_ERROR, "[doca-soft] invalid: " + text);
	return DOCA_ERROR_INVALID_VALUE;
}

} // namespace soft

doca_error_t doca_log_backend_create_standard(void)
{
	doca_log_backend backend{};
	backend.sdk = false;
	backend.file = stderr;
	return add_backend(std::move(backend), nullptr);
}

doca_error_t doca_log_backend_create_with_file(FILE *file, struct doca_log_backend **backend)
{
	return add_file(false, file, backend);
}

doca_error_t doca_log_backend_create_with_fd(int fd, struct doca_log_backend **backend)
{
	return add_fd(false, fd, backend);
}

doca_error_t doca_log_backend_create_with_buf(char *buffer, size_t capacity, doca_log_buf_flush_cb flush,
					      struct doca_log_backend **backend)
{
	return add_buffer(false, buffer, capacity, flush, backend);
}

doca_error_t doca_log_backend_create_with_syslog(const char *name, struct doca_log_backend **backend)
{
	return add_syslog(false, name, backend);
}

doca_error_t doca_log_backend_create_with_file_sdk(FILE *file, struct doca_log_backend **backend)
{
	return add_file(true, file, backend);
}

doca_error_t doca_log_backend_create_with_fd_sdk(int fd, struct doca_log_backend **backend)
{
	return add_fd(true, fd, backend);
}

doca_error_t doca_log_backend_create_with_buf_sdk(char *buffer, size_t capacity, doca_log_buf_flush_cb flush,
						  struct doca_log_backend **backend)
{
	return add_buffer(true, buffer, capacity, flush, backend);
}

doca_error_t doca_log_backend_create_with_syslog_sdk(const char *name, struct doca_log_backend **backend)
{
	return add_syslog(true, name, backend);
}

doca_error_t doca_log_backend_set_sdk_level(struct doca_log_backend *backend, uint32_t level)
{
	if (backend == nullptr || !backend->sdk)
		return DOCA_ERROR_INVALID_VALUE;
	backend->sdk_level = level;
	return DOCA_SUCCESS;
}

doca_error_t doca_log_backend_set_level_lower_limit(struct doca_log_backend *backend, uint32_t level)
{
	if (backend == nullptr)
		return DOCA_ERROR_INVALID_VALUE;
	backend->lower = level;
	return DOCA_SUCCESS;
}

doca_error_t doca_log_backend_set_level_upper_limit(struct doca_log_backend *backend, uint32_t level)
{
	if (backend == nullptr)
		return DOCA_ERROR_INVALID_VALUE;
	backend->upper = level;
	return DOCA_SUCCESS;
}

doca_error_t doca_log_level_set_global_lower_limit(uint32_t level)
{
	global_lower = level;
	return DOCA_SUCCESS;
}

doca_error_t doca_log_level_set_global_upper_limit(uint32_t level)
{
	global_upper = level;
	return DOCA_SUCCESS;
}

// Of all of the SDK's backends, made before or after: a program that has set a backend's own level is told more or less by it, as
// --sdk-log-level asks.
doca_error_t doca_log_level_set_global_sdk_limit(uint32_t level)
{
	std::lock_guard<std::mutex> guard(log_mutex());
	global_sdk_limit = level;
	for (doca_log_backend &backend : backends())
		backend.sdk_level = level;
	first_sdk_level = level;
	return DOCA_SUCCESS;
}

uint32_t doca_log_level_get_global_lower_limit(void)
{
	return global_lower;
}

uint32_t doca_log_level_get_global_upper_limit(void)
{
	return global_upper;
}

uint32_t doca_log_level_get_global_sdk_limit(void)
{
	return global_sdk_limit;
}

doca_error_t doca_log_register_source(const char *name, int *source)
{
	if (name == nullptr || source == nullptr)
		return DOCA_ERROR_INVALID_VALUE;
	std::lock_guard<std::mutex> guard(log_mutex());
	sources().emplace_back(name);
	*source = static_cast<int>(sources().size()) - 1;
	return DOCA_SUCCESS;
}

doca_error_t doca_log_unregister_source(int source)
{
	std::lock_guard<std::mutex> guard(log_mutex());
	if (source < 0 || source >= static_cast<int>(sources().size()))
		return DOCA_ERROR_INVALID_VALUE;
	return DOCA_SUCCESS;
}

doca_error_t doca_log(uint32_t level, int source, const char *file, int line, const char *function, const char *format, ...)
{
	va_list arguments;
	va_start(arguments, format);
	std::string text = formatted(format, arguments);
	va_end(arguments);
	std::string name = "?";
	{
		std::lock_guard<std::mutex> guard(log_mutex());
		if (source >= 0 && source < static_cast<int>(sources().size()))
			name = sources()[static_cast<size_t>(source)];
	}
	const char *base = strrchr(file, '/');
	emit(false, level,
	     "[" + name + "][" + (base == nullptr ? file : base + 1) + ":" + std::to_string(line) + "][" + function + "] " +
		     text);
	return DOCA_SUCCESS;
}
