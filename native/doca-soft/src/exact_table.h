// A hash table that finds records by a key inside them. A bucket is one cache line, and holds the number of each record and some
// bits of its hash. One thread uses it.
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
	// Record n lies at `memory` + n * `stride`. Its key is `key_words` words of 64 bits at the offset `key_at`. With more than
	// `records` of them the table grows.
	ExactTable(unsigned char *memory, size_t stride, size_t key_at, uint32_t key_words, uint32_t records);

	// Inserts a record. One with an equal key leaves the table for it, and is returned; otherwise NONE. Throws std::bad_alloc,
	// with nothing changed.
	uint32_t insert(uint32_t record);
	// Puts a record in the place of one that has an equal key and is in the table.
	void replace(uint32_t record, uint32_t by);
	// Removes a record, which must be in the table and have the key that it was inserted with.
	void erase(uint32_t record);

	// A look-up has steps, so that all packets of a burst wait for memory together.
	uint64_t hash(const uint64_t *key) const;
	void prefetch(uint64_t hash) const { prefetch_line(&bucket(hash)); }
	// Returns the first record whose hash may be this one, or NONE when no record has the key.
	uint32_t candidate(uint64_t hash) const;
	bool has_key(uint32_t record, const uint64_t *key) const
	{
		const uint64_t *own = key_of(record);
		uint64_t difference = 0;
		for (uint32_t i = 0; i < key_words_; i++)
			difference |= own[i] ^ key[i];
		return difference == 0;
	}
	// Continues after `candidate`, which has another key.
	uint32_t find(uint64_t hash, const uint64_t *key) const;

private:
	static constexpr uint32_t WAYS = 7;
	struct alignas(64) Bucket {
		// Bits of the records' hashes; 0 stands for a free place.
		uint32_t tags[WAYS];
		// Number of records that found this bucket full and went to a later one.
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
	void reserve(uint32_t records);
	void place(uint32_t record, uint64_t hash);
	void grow();

	unsigned char *memory_ = nullptr;
	size_t stride_ = 0;
	size_t key_at_ = 0;
	uint32_t key_words_ = 0;
	// Numbers of the records in the table, and of those that it has places for.
	uint32_t count_ = 0;
	uint32_t capacity_ = 0;
	uint64_t bucket_mask_ = 0;
	HugeMemory buckets_;
};

} // namespace soft
