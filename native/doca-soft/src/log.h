// The library's own log lines, "[DOCA][LEVEL] text", which go where the application sent the SDK's messages.
#pragma once

#include <doca_log.h>

namespace soft {

void log_sdk(uint32_t level, const char *format, ...) __attribute__((format(printf, 2, 3)));

// Logs what is not supported and returns DOCA_ERROR_NOT_SUPPORTED.
doca_error_t not_supported(const char *format, ...) __attribute__((format(printf, 1, 2)));
// Logs what is wrong and returns DOCA_ERROR_INVALID_VALUE.
doca_error_t invalid(const char *format, ...) __attribute__((format(printf, 1, 2)));

} // namespace soft
