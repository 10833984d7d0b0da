/**
 * DPDK's rte_pmd_mlx5.h, and a function by which build files know the DPDK that comes with DOCA: where it is declared, they take
 * rte_psp_base_hdr from there, and addresses of IPv6 headers as arrays.
 */
#ifndef DOCA_SOFT_RTE_PMD_MLX5_H_
#define DOCA_SOFT_RTE_PMD_MLX5_H_

#if __has_include_next(<rte_pmd_mlx5.h>)
#include_next <rte_pmd_mlx5.h>
#endif

/** Has no effect: behind the software DOCA stands no device whose steering could be left to another process. What NVIDIA's returns is
 * not known here. */
static inline void rte_pmd_mlx5_driver_disable_steering(void) {}

#endif
