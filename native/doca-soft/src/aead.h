// AES-GCM over whole packets, in place, done by one of two libraries.
#pragma once

#include <cstddef>
#include <cstdint>

namespace soft {

struct Aead {
	const char *name;
	// The size of a prepared key. Contexts are aligned to 64 octets.
	size_t context_octets;
	// The size of the part at the beginning that every packet touches. A packet of n blocks touches about n blocks at the end
	// of the rest.
	size_t touched_at_begin;
	// Prepares a key of 16 or 32 octets.
	void (*prepare)(void *context, const uint8_t *key, uint32_t key_octets);
	// Overwrites a prepared key.
	void (*wipe)(void *context);
	// Encrypts data[0, octets) in place, authenticates it and `aad`, writes 16 octets of ICV. The nonce has 12 octets.
	void (*seal)(const void *context, uint32_t key_octets, const uint8_t *nonce, const uint8_t *aad, uint32_t aad_octets,
		     uint8_t *data, uint32_t octets, uint8_t *icv);
	// Returns false, with the data unchanged, when the ICV does not match.
	bool (*open)(const void *context, uint32_t key_octets, const uint8_t *nonce, const uint8_t *aad, uint32_t aad_octets,
		     uint8_t *data, uint32_t octets, const uint8_t *icv);
};

// Finds an implementation by name: "ipsec-mb", "openssl", or "auto" for the first that this processor supports. Returns nullptr
// when this machine has none of that name.
const Aead *find_aead(const char *name);

} // namespace soft
