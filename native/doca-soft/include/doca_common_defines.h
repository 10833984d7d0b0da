/* There is nothing to configure in the software DOCA; the header exists because programs include it. */
#ifndef DOCA_COMMON_DEFINES_H_
#define DOCA_COMMON_DEFINES_H_

#include <doca_compat.h>

#endif
