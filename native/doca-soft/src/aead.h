// AES-GCM over whole packets, in place, by one of two libraries.
#pragma once

#include <cstddef>
#include <cstdint>

namespace soft {

struct Aead {
	const char *name;
	// Octets of a prepared key; contexts are aligned to 64.
	size_t context_octets;
	// Of which so many at the begin are touched by every packet; of the rest, a packet of n blocks touches about as many at
	// the end.
	size_t touched_at_begin;
	// `key_octets` is 16 or 32.
	void (*prepare)(void *context, const uint8_t *key, uint32_t key_octets);
	// Overwrites a prepared key.
	void (*wipe)(void *context);
	// Encrypts data[0, octets) in place, authenticates it and `aad`, writes 16 octets of ICV. The nonce has 12 octets.
	void (*seal)(const void *context, uint32_t key_octets, const uint8_t *nonce, const uint8_t *aad, uint32_t aad_octets,
		     uint8_t *data, uint32_t octets, uint8_t *icv);
	// False, and the data is as it was, when the ICV does not match.
	bool (*open)(const void *context, uint32_t key_octets, const uint8_t *nonce, const uint8_t *aad, uint32_t aad_octets,
		     uint8_t *data, uint32_t octets, const uint8_t *icv);
};

// By name: "ipsec-mb", "openssl", or "auto": the first that this processor has. nullptr: there is none of that name here.
const Aead *find_aead(const char *name);

} // namespace soft
