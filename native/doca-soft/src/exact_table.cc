#include "exact_table.h"

#include <algorithm>
#ifdef __SSE2__
#include <emmintrin.h>
#endif

namespace soft {
namespace {

// The load is one half when all records are in the table.
constexpr uint32_t RECORDS_PER_BUCKET = 4;
// Multiplier of the hash: odd and without a pattern, the fraction of the golden ratio.
constexpr uint64_t MULTIPLIER = 0x9e3779b97f4a7c15;

uint64_t folded_product(uint64_t a, uint64_t b)
{
	const auto product = static_cast<unsigned __int128>(a) * b;
	return static_cast<uint64_t>(product) ^ static_cast<uint64_t>(product >> 64);
}

} // namespace

ExactTable::ExactTable(unsigned char *memory, size_t stride, size_t key_at, uint32_t key_words, uint32_t records)
	: memory_(memory), stride_(stride), key_at_(key_at), key_words_(key_words)
{
	reserve(records);
}

void ExactTable::reserve(uint32_t records)
{
	uint64_t buckets = 1;
	while (buckets * RECORDS_PER_BUCKET < records)
		buckets *= 2;
	buckets_ = HugeMemory(buckets * sizeof(Bucket));
	bucket_mask_ = buckets - 1;
	capacity_ = records;
}

void ExactTable::grow()
{
	const uint64_t former_mask = bucket_mask_;
	HugeMemory former = std::move(buckets_);
	try {
		reserve(static_cast<uint32_t>(std::min<uint64_t>(uint64_t{capacity_} * 2, UINT32_MAX)));
	} catch (...) {
		// Nothing but the memory has changed.
		buckets_ = std::move(former);
		throw;
	}
	for (uint64_t at = 0; at <= former_mask; at++) {
		const Bucket &from = reinterpret_cast<const Bucket *>(former.data())[at];
		for (uint32_t way = 0; way < WAYS; way++) {
			if (from.tags[way] != 0)
				place(from.records[way], hash(key_of(from.records[way])));
		}
	}
}

uint64_t ExactTable::hash(const uint64_t *key) const
{
	uint64_t hash = MULTIPLIER;
	for (uint32_t i = 0; i < key_words_; i++)
		hash = folded_product(hash ^ key[i], MULTIPLIER);
	return folded_product(hash ^ MULTIPLIER, MULTIPLIER);
}

// Returns a bit for each place in the bucket that holds the tag.
uint32_t ExactTable::matches(const Bucket &bucket, uint32_t tag)
{
#ifdef __SSE2__
	const auto *octets = reinterpret_cast<const __m128i *>(&bucket);
	const __m128i wanted = _mm_set1_epi32(static_cast<int>(tag));
	const auto equal = [wanted](const __m128i *at) {
		const __m128i compared = _mm_cmpeq_epi32(_mm_load_si128(at), wanted);
		return static_cast<uint32_t>(_mm_movemask_ps(_mm_castsi128_ps(compared)));
	};
	// Behind the tags is `passed`.
	return (equal(octets) | equal(octets + 1) << 4) & ((1u << WAYS) - 1);
#else
	uint32_t bits = 0;
	for (uint32_t way = 0; way < WAYS; way++)
		bits |= static_cast<uint32_t>(bucket.tags[way] == tag) << way;
	return bits;
#endif
}

uint32_t ExactTable::candidate(uint64_t hash) const
{
	for (uint64_t at = hash;; at++) {
		const Bucket &here = bucket(at);
		const uint32_t bits = matches(here, tag_of(hash));
		if (bits != 0)
			return here.records[__builtin_ctz(bits)];
		if (here.passed == 0)
			return NONE;
	}
}

uint32_t ExactTable::find(uint64_t hash, const uint64_t *key) const
{
	for (uint64_t at = hash;; at++) {
		const Bucket &here = bucket(at);
		for (uint32_t bits = matches(here, tag_of(hash)); bits != 0; bits &= bits - 1) {
			const uint32_t record = here.records[__builtin_ctz(bits)];
			if (has_key(record, key))
				return record;
		}
		if (here.passed == 0)
			return NONE;
	}
}

// Finds a free place for a record whose key no other has.
void ExactTable::place(uint32_t record, uint64_t hash)
{
	for (uint64_t at = hash;; at++) {
		Bucket &here = bucket(at);
		for (uint32_t way = 0; way < WAYS; way++) {
			if (here.tags[way] == 0) {
				here.tags[way] = tag_of(hash);
				here.records[way] = record;
				return;
			}
		}
		// A later bucket has a free place, because there are more places than records.
		here.passed++;
	}
}

uint32_t ExactTable::insert(uint32_t record)
{
	const uint64_t *key = key_of(record);
	const uint64_t hashed = hash(key);
	const uint32_t equal = find(hashed, key);
	if (equal != NONE) {
		replace(equal, record);
		return equal;
	}
	if (count_ == capacity_)
		grow();
	place(record, hashed);
	count_++;
	return NONE;
}

void ExactTable::replace(uint32_t record, uint32_t by)
{
	for (uint64_t at = hash(key_of(record));; at++) {
		Bucket &here = bucket(at);
		for (uint32_t way = 0; way < WAYS; way++) {
			if (here.tags[way] != 0 && here.records[way] == record) {
				here.records[way] = by;
				return;
			}
		}
	}
}

void ExactTable::erase(uint32_t record)
{
	const uint64_t hashed = hash(key_of(record));
	for (uint64_t at = hashed;; at++) {
		Bucket &here = bucket(at);
		for (uint32_t way = 0; way < WAYS; way++) {
			if (here.tags[way] != 0 && here.records[way] == record) {
				here.tags[way] = 0;
				count_--;
				return;
			}
		}
		here.passed--;
	}
}

} // namespace soft
