// What the functions of the public API have in common.
#pragma once

#include <doca_error.h>

// Ends a function of the API with INVALID_VALUE when an argument is not as it must be.
#define REQUIRE(condition)                               \
	do {                                             \
		if (!(condition))                        \
			return DOCA_ERROR_INVALID_VALUE; \
	} while (0)
