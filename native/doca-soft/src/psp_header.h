// The PSP header (PSP Architecture Specification, "PSP Header") and when a datagram with one is well formed.
#pragma once

#include "octets.h"

namespace soft {

constexpr uint32_t PSP_HEADER_OCTETS = 16;
constexpr uint32_t PSP_COOKIE_OCTETS = 8;
// Of Hdr Ext Len.
constexpr uint32_t PSP_LENGTH_UNIT_OCTETS = 8;
constexpr uint32_t PSP_ICV_OCTETS = 16;
constexpr uint32_t PSP_NONCE_OCTETS = 12;
constexpr uint32_t PSP_NEXT_HEADER = 0;
constexpr uint32_t PSP_EXT_LEN = 1;
constexpr uint32_t PSP_CRYPT_OFFSET = 2;
constexpr uint32_t PSP_FLAGS = 3;
constexpr uint32_t PSP_SPI = 4;
constexpr uint32_t PSP_IV = 8;
constexpr uint32_t PSP_COOKIE = 16;
// Words 6 to 9 of the header, counted from 1 as in NVIDIA's own sample: the second half of the cookie, where it has one, and the
// three behind that. A header is a multiple of two words long; these are the lengths with 6, 8 and 10 words.
constexpr uint32_t PSP_WORD_6 = 20;
constexpr uint32_t PSP_6_WORDS_OCTETS = 24;
constexpr uint32_t PSP_8_WORDS_OCTETS = 32;
constexpr uint32_t PSP_10_WORDS_OCTETS = 40;
constexpr uint8_t PSP_FLAG_V = 0x02;
constexpr uint32_t PSP_VERSION_MAX = 3;
// The bit of a version that tells AES-GMAC, 2 and 3, from AES-GCM, 0 and 1.
constexpr uint32_t PSP_VERSION_GMAC = 2;
constexpr uint32_t SPI_LOW_MASK = 0x7fffffff;

inline uint32_t psp_version(const uint8_t *psp)
{
	return psp[PSP_FLAGS] >> 2 & 0x0f;
}

// The length of a version's key in octets: 16 for 0 and 2, 32 for 1 and 3.
inline uint32_t psp_key_octets(uint32_t version)
{
	return (version & 1) == 0 ? 16 : 32;
}

inline uint32_t psp_header_octets(const uint8_t *psp)
{
	return (psp[PSP_EXT_LEN] + 1u) * PSP_LENGTH_UNIT_OCTETS;
}

// The offset at which encryption begins, from the PSP header on. `payload_octets` is the length from there to the ICV.
inline uint32_t psp_encrypt_start(const uint8_t *psp, uint32_t payload_octets)
{
	if (psp_version(psp) >= PSP_VERSION_GMAC)
		return payload_octets;
	return PSP_HEADER_OCTETS + 4u * (psp[PSP_CRYPT_OFFSET] & 0x3f);
}

// Whether header length, V bit and crypt offset fit `payload_octets`, the length from the PSP header to the ICV.
inline bool psp_framing_ok(const uint8_t *psp, uint32_t payload_octets)
{
	const uint32_t needed = PSP_HEADER_OCTETS + ((psp[PSP_FLAGS] & PSP_FLAG_V) != 0 ? PSP_COOKIE_OCTETS : 0);
	const uint32_t header = psp_header_octets(psp);
	return header >= needed && header <= payload_octets && psp_encrypt_start(psp, payload_octets) <= payload_octets;
}

} // namespace soft
