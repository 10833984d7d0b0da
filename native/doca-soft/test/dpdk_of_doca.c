/*
 * What programs for the DPDK that comes with DOCA take from its headers, in C and in C++ (test/native/dpdk-of-doca.test.ts). They do not
 * name rte_psp.h.
 */
#include <stddef.h>
#include <stdio.h>
#include <string.h>

#include <rte_ethdev.h>
#include <rte_flow.h>
#include <rte_ip.h>
#include <rte_pmd_mlx5.h>

/* What an application has as the headers of its encapsulation. */
struct encapsulation {
	struct rte_ether_hdr eth;
	struct rte_ipv6_hdr ip;
	struct rte_udp_hdr udp;
	struct rte_psp_base_hdr psp;
	rte_be64_t cookie;
} __rte_packed __rte_aligned(2);

/* Version 1 with a cookie, to be sampled, 12 words in clear; SPI 0x80000001. */
static const unsigned char HEADER[] = {41, 2, 12, 0x87, 0x80, 0, 0, 1, 1, 2, 3, 4, 5, 6, 7, 8};

int main(void)
{
	struct encapsulation all;
	memset(&all, 0, sizeof(all));
	/* Addresses are arrays. */
	memset(all.ip.dst_addr, 0xfd, sizeof(all.ip.dst_addr));
	all.psp.nexthdr = 41;
	all.psp.hdrextlen = 2;
	all.psp.crypto_off = 12;
	all.psp.rsrv1 = 1;
	all.psp.v = 1;
	all.psp.ver = 1;
	all.psp.s = 1;
	all.psp.spi = RTE_BE32(0x80000001u);
	all.psp.iv = RTE_BE64(0x0102030405060708ull);
	rte_pmd_mlx5_driver_disable_steering();
	const int is_right = offsetof(struct encapsulation, psp) == 14 + 40 + 8 && sizeof(all.psp) == sizeof(HEADER) &&
			     memcmp(&all.psp, HEADER, sizeof(HEADER)) == 0 && all.psp.s_d_ver_v_1 == 0x87 &&
			     all.psp.res_cryptofst == 12 && all.psp.d == 0 && all.psp.rsrv0 == 0;
	puts(is_right ? "all is as it should be" : "the header is another one");
	return is_right ? 0 : 1;
}
