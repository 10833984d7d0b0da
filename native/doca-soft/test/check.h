// What must be so; else it is told, and the process ends with 1.
#pragma once

#include <cstdio>
#include <cstdlib>

#define CHECK(condition)                                                                        \
	do {                                                                                    \
		if (!(condition)) {                                                             \
			fprintf(stderr, "%s:%d: not so: %s\n", __FILE__, __LINE__, #condition); \
			exit(1);                                                                \
		}                                                                               \
	} while (0)

// A call of DOCA's that must succeed.
#define OK(call) CHECK((call) == DOCA_SUCCESS)
