/**
 * The PSP header under the names that it and its members have in the DPDK that comes with DOCA. In which file it is there is not known
 * here; programs find it through rte_flow.h.
 */
#ifndef RTE_PSP_H_
#define RTE_PSP_H_

#include <stdint.h>

#include <rte_byteorder.h>
#include <rte_common.h>

/** 16 octets. The virtualization cookie, the ciphertext and the ICV stand behind it. */
__extension__ struct rte_psp_base_hdr {
	uint8_t nexthdr;   /**< Protocol of what is encapsulated: 4, 41, or a transport's. */
	uint8_t hdrextlen; /**< Octets behind the first eight, in units of eight: 1, or 2 with a cookie. */
	union {
		uint8_t res_cryptofst; /**< The next two in one. */
		struct {
#if RTE_BYTE_ORDER == RTE_BIG_ENDIAN
			uint8_t rsrv0 : 2;
			uint8_t crypto_off : 6; /**< Octets in clear behind the header, in units of four. */
#else
			uint8_t crypto_off : 6; /**< Octets in clear behind the header, in units of four. */
			uint8_t rsrv0 : 2;
#endif
		};
	};
	union {
		uint8_t s_d_ver_v_1; /**< The next five in one. */
		struct {
#if RTE_BYTE_ORDER == RTE_BIG_ENDIAN
			uint8_t s : 1;	   /**< To be sampled by the receiver. */
			uint8_t d : 1;	   /**< To be dropped once it has been sampled. */
			uint8_t ver : 4;   /**< Version: 0 or 1 of AES-GCM, 2 or 3 of AES-GMAC. */
			uint8_t v : 1;	   /**< There is a virtualization cookie. */
			uint8_t rsrv1 : 1; /**< Always 1. */
#else
			uint8_t rsrv1 : 1; /**< Always 1. */
			uint8_t v : 1;	   /**< There is a virtualization cookie. */
			uint8_t ver : 4;   /**< Version: 0 or 1 of AES-GCM, 2 or 3 of AES-GMAC. */
			uint8_t d : 1;	   /**< To be dropped once it has been sampled. */
			uint8_t s : 1;	   /**< To be sampled by the receiver. */
#endif
		};
	};
	rte_be32_t spi; /**< Security parameters index: which of the receiver's keys. */
	rte_be64_t iv;	/**< Initialization vector, which the device chooses. */
} __rte_packed;

#endif
