// Finds records by the octets of a key that stands in them: a hash table of buckets of one cache line each, which knows of
// every record its number and some bits of its hash. One thread uses it.
#pragma once

#include <cstddef>
#include <cstdint>

#include "huge_memory.h"
#include "prefetch.h"

namespace soft {

class ExactTable {
public:
	static constexpr uint32_t NONE = UINT32_MAX;

	ExactTable() = default;
	// Record n, of 0 to `records` - 1, lies at `memory` + n * `stride`; its key is `key_words` words of 64 bits from `key_at`
	// on.
	ExactTable(unsigned char *memory, size_t stride, size_t key_at, uint32_t key_words, uint32_t records);

	// False, and nothing has changed, when a record with an equal key is there.
	bool insert(uint32_t record);
	// The record is there, and its key is the one that it was inserted with.
	void erase(uint32_t record);

	// In steps, so that a burst of packets can wait for memory together.
	uint64_t hash(const uint64_t *key) const;
	void prefetch(uint64_t hash) const { prefetch_line(&bucket(hash)); }
	// The first record whose hash could be this; NONE: there is no record with the key.
	uint32_t candidate(uint64_t hash) const;
	bool has_key(uint32_t record, const uint64_t *key) const
	{
		const uint64_t *own = key_of(record);
		uint64_t difference = 0;
		for (uint32_t i = 0; i < key_words_; i++)
			difference |= own[i] ^ key[i];
		return difference == 0;
	}
	// From `candidate` on, which has another key.
	uint32_t find(uint64_t hash, const uint64_t *key) const;

private:
	static constexpr uint32_t WAYS = 7;
	struct alignas(64) Bucket {
		// Never 0 where there is a record.
		uint32_t tags[WAYS];
		// Records that found this bucket full and went on to the next.
		uint32_t passed;
		uint32_t records[WAYS];
		uint32_t unused;
	};

	static uint32_t tag_of(uint64_t hash) { return static_cast<uint32_t>(hash >> 32) | 1; }
	Bucket &bucket(uint64_t hash) const { return reinterpret_cast<Bucket *>(buckets_.data())[hash & bucket_mask_]; }
	const uint64_t *key_of(uint32_t record) const
	{
		return reinterpret_cast<const uint64_t *>(memory_ + record * stride_ + key_at_);
	}
	static uint32_t matches(const Bucket &bucket, uint32_t tag);

	unsigned char *memory_ = nullptr;
	size_t stride_ = 0;
	size_t key_at_ = 0;
	uint32_t key_words_ = 0;
	uint64_t bucket_mask_ = 0;
	HugeMemory buckets_;
};

} // namespace soft
