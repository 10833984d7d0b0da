// The keys of a device: master keys and keys derived from them, slots for encryption, and initialization vectors.
#pragma once

#include <atomic>
#include <cstdint>
#include <memory>
#include <mutex>
#include <optional>
#include <vector>

#include "aead.h"
#include "defects.h"
#include "huge_memory.h"
#include "octets.h"
#include "random_source.h"

struct evp_cipher_ctx_st;

namespace soft {

constexpr uint32_t MASTER_KEY_OCTETS = 32;

// Derives keys from one master key (PSP Architecture Specification, "Key Derivation"): NIST SP 800-108 in counter mode with
// AES-256-CMAC, whose input is one block here.
class KeyDeriver {
public:
	KeyDeriver();
	~KeyDeriver();
	KeyDeriver(const KeyDeriver &) = delete;
	KeyDeriver &operator=(const KeyDeriver &) = delete;

	void set_master_key(const uint8_t *master_key);
	// Writes 16 or 32 octets, as the version says.
	void derive(uint32_t spi, uint32_t version, uint8_t *key);
	void wipe();

private:
	evp_cipher_ctx_st *cipher_;
	uint8_t subkey_[16] = {};
};

// The distance between prepared keys in an array, in octets.
size_t prepared_key_stride(const Aead &aead);

// Prefetches the part of a prepared key that a payload of `octets` octets will touch.
void prefetch_prepared(const Aead &aead, const void *key, uint32_t octets);

// A cache of prepared keys by received SPI, in sets of four. A key that does not fit replaces another one.
class DerivedKeyCache {
public:
	DerivedKeyCache(const Aead &aead, uint32_t entries);
	~DerivedKeyCache();

	// Prefetches the memory that find() will read.
	void prefetch(uint32_t spi) const;
	// Returns the prepared key; nullptr when there is none.
	const void *find(uint32_t spi, uint32_t tag) const;
	// Moves the prepared key into the cache, and wipes it where it was.
	void add(uint32_t spi, uint32_t tag, void *key);
	// Searches `count` places from `first` on, and wipes the keys whose master key is gone: those whose tag, without its
	// lowest two bits, differs from the valid one, of which there are two, by the SPI's highest bit. Returns the place after
	// them.
	size_t wipe_dead(size_t first, size_t count, const uint32_t *alive);
	size_t slots() const { return size_t{sets_} * WAYS; }
	// Keeps the keys out of swap and dumps. Returns false when they may be swapped out.
	bool lock() { return keys_.lock(); }
	void wipe();

private:
	static constexpr uint32_t WAYS = 4;
	// The SPI, and a tag of version and generation, which together are never 0; 0 stands for an empty place.
	static uint64_t tag_of(uint32_t spi, uint32_t tag) { return uint64_t{tag} << 32 | spi; }

	uint32_t set_of(uint32_t spi) const;
	uint64_t *tags() const { return reinterpret_cast<uint64_t *>(tags_.data()); }
	void *key_at(size_t index) const { return keys_.data() + index * stride_; }

	const Aead &aead_;
	const size_t stride_;
	uint32_t sets_;
	uint32_t next_victim_ = 0;
	HugeMemory tags_;
	HugeMemory keys_;
};

// The two master keys, and the generation of SPIs with their keys.
class MasterKeys {
public:
	// `given` are master keys to use before random ones, in the order of their use: key 0, key 1, rotations.
	MasterKeys(RandomSource &random, std::vector<uint8_t> given, uint32_t first_spi);

	// Generates SPIs with their keys, of 16 or 32 octets each. Returns false, generating none, when fewer than `count` SPIs
	// are left.
	bool generate(uint32_t version, uint32_t count, uint32_t *spis, uint8_t *keys);
	void rotate();
	void derive(uint32_t spi, uint32_t version, uint8_t *key);
	// The generation of the master key that an SPI belongs to. It changes when that master key is replaced.
	uint32_t generation(uint32_t spi) const { return generations_[spi >> 31].load(std::memory_order_acquire); }
	void wipe();

private:
	void renew(uint32_t index);

	RandomSource &random_;
	std::vector<uint8_t> given_;
	size_t given_used_ = 0;
	const uint32_t first_spi_;
	// The datapath's thread derives keys, the callers' threads generate and rotate.
	std::mutex mutex_;
	KeyDeriver derivers_[2];
	std::atomic<uint32_t> generations_[2] = {1, 1};
	uint32_t active_ = 0;
	uint32_t next_spi_;
};

// Key slots, 1 to `count` - 1. Any thread sets them, the datapath reads them without locks. A slot has two places, so that its
// next key can be prepared while packets still use the former one.
class KeySlots {
public:
	KeySlots(const Aead &aead, uint32_t count);
	~KeySlots();

	// Sets the key of a slot. Returns false when there is no such slot. Setting one slot again and again waits, for at most
	// one burst each time.
	bool set(uint32_t id, const uint8_t *key, uint32_t key_octets);
	// A prepared key, and the length in octets of the key that it was made of; 0 when the slot has none.
	struct Key {
		const void *prepared;
		uint32_t octets;
	};
	Key get(uint32_t id) const
	{
		const uint32_t state = id < count_ ? states_[id].load() : 0;
		return {key_at(id, state & SECOND), state & ~SECOND};
	}
	// To be called by the datapath's thread between two bursts, when it does not read any former key any more.
	void quiescent()
	{
		epoch_.store(epoch_.load(std::memory_order_relaxed) + 1);
		if (any_left_.load(std::memory_order_relaxed))
			wipe_left();
	}
	uint32_t count() const { return count_; }
	// Keeps the keys out of swap and dumps. False where they may be swapped out.
	bool lock() { return keys_.lock(); }

private:
	// A slot's state: 0 without a key, otherwise the key's length, a multiple of 16, plus the number of the place that holds
	// it.
	static constexpr uint32_t SECOND = 1;

	void *key_at(uint32_t id, uint32_t second) const { return keys_.data() + (size_t{id} * 2 + second) * stride_; }
	void wipe_left();

	const Aead &aead_;
	const size_t stride_;
	uint32_t count_;
	std::unique_ptr<std::atomic<uint8_t>[]> states_;
	// The epochs in which the slots' other places were replaced; 0 when such a place has no key.
	std::vector<uint64_t> left_;
	// The slots whose other place has a key.
	std::vector<uint32_t> left_slots_;
	std::atomic<bool> any_left_{false};
	HugeMemory keys_;
	std::mutex mutex_;
	// Sequentially consistent together with the states: a thread that sees a new epoch also sees which place was replaced
	// before it.
	std::atomic<uint64_t> epoch_{1};
};

// Initialization vectors, as src/psp/iv.ts has them: each one more than the one before, over all packets of a device whatever
// their key, from a random number on; no clock is involved. The random number is below 2^63, so that as many are left.
class IvSource {
public:
	// `first` replaces the random number in tests.
	IvSource(RandomSource &random, std::optional<uint64_t> first, Defect defect = Defect::NONE);
	// Returns false when no IV is left.
	bool next(uint8_t *at)
	{
		if (DEFECTS && by_clock_)
			follow_clock();
		if (ended_)
			return false;
		store64(at, next_);
		ended_ = ++next_ == 0;
		return true;
	}

private:
	void follow_clock();

	uint64_t next_;
	bool ended_ = false;
	const bool by_clock_;
};

} // namespace soft
