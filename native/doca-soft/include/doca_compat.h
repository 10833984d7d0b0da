/*
 * Marks of the software DOCA's functions: visibility, and whether they are stable. In all headers, comments "soft: ..." say how far
 * the library supports what they stand at; docs/doca-soft-api.md is made of them.
 */
#ifndef DOCA_COMPAT_H_
#define DOCA_COMPAT_H_

#include <assert.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#define DOCA_STABLE __attribute__((visibility("default"), used))

#ifdef DOCA_ALLOW_EXPERIMENTAL_API
#define DOCA_EXPERIMENTAL __attribute__((visibility("default"), used, section(".text.experimental")))
#else
#define DOCA_EXPERIMENTAL                                                          \
	__attribute__((visibility("default"), used, section(".text.experimental"), \
		       deprecated("experimental: define DOCA_ALLOW_EXPERIMENTAL_API to use it")))
#endif

#ifdef DOCA_ALLOW_DEPRECATED_API
#define DOCA_DEPRECATED __attribute__((visibility("default"), used))
#else
#define DOCA_DEPRECATED __attribute__((visibility("default"), used, deprecated))
#endif

#endif
