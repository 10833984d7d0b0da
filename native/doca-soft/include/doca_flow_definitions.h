/* The types stand in doca_flow.h; the header exists because programs include it. */
#ifndef DOCA_FLOW_DEFINITIONS_H_
#define DOCA_FLOW_DEFINITIONS_H_

#include <doca_flow.h>

#endif
