/* There is nothing to configure in the software DOCA; the header exists because programs include it. */
#ifndef DOCA_BUILD_CONFIG_H_
#define DOCA_BUILD_CONFIG_H_

#include <doca_compat.h>

#endif
