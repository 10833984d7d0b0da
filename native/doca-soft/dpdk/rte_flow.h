/** DPDK's rte_flow.h, and the PSP header, which programs for the DPDK that comes with DOCA find without naming its file. */
#include_next <rte_flow.h>

#include <rte_psp.h>
