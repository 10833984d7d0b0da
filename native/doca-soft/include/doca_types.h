/* Integers in network byte order. */
#ifndef DOCA_TYPES_H_
#define DOCA_TYPES_H_

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

typedef uint16_t doca_be16_t;
typedef uint32_t doca_be32_t;
typedef uint64_t doca_be64_t;

#endif
