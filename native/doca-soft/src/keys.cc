#include "keys.h"

#include <algorithm>
#include <cstring>
#include <ctime>
#include <new>
#include <thread>

#include <openssl/evp.h>

#include "prefetch.h"
#include "psp_header.h"

namespace soft {
namespace {

constexpr int BLOCK_OCTETS = 16;

} // namespace

size_t prepared_key_stride(const Aead &aead)
{
	return (aead.context_octets + LINE_OCTETS - 1) / LINE_OCTETS * LINE_OCTETS;
}

void prefetch_prepared(const Aead &aead, const void *key, uint32_t octets)
{
	const auto *at = static_cast<const uint8_t *>(key);
	const size_t begin = aead.touched_at_begin;
	// Powers of the hash key: one for each block of the payload, one for the AAD's, one for the lengths'.
	const size_t powers = (octets / BLOCK_OCTETS + 3) * BLOCK_OCTETS;
	const size_t end = aead.context_octets;
	const size_t from = std::max(begin, end - std::min(end, powers));
	for (size_t line = 0; line < begin; line += LINE_OCTETS)
		prefetch_line(at + line);
	for (size_t line = from / LINE_OCTETS * LINE_OCTETS; line < end; line += LINE_OCTETS)
		prefetch_line(at + line);
}

KeyDeriver::KeyDeriver() : cipher_(EVP_CIPHER_CTX_new())
{
	if (cipher_ == nullptr)
		throw std::bad_alloc();
}

KeyDeriver::~KeyDeriver()
{
	EVP_CIPHER_CTX_free(cipher_);
	explicit_bzero(subkey_, sizeof(subkey_));
}

void KeyDeriver::set_master_key(const uint8_t *master_key)
{
	EVP_EncryptInit_ex(cipher_, EVP_aes_256_ecb(), nullptr, master_key, nullptr);
	EVP_CIPHER_CTX_set_padding(cipher_, 0);
	// K1 of CMAC: the encryption of zero, doubled in GF(2^128) (RFC 4493, section 2.3).
	uint8_t block[BLOCK_OCTETS] = {};
	int written = 0;
	EVP_EncryptUpdate(cipher_, block, &written, block, BLOCK_OCTETS);
	for (int i = 0; i < BLOCK_OCTETS; i++) {
		const int carry = i + 1 < BLOCK_OCTETS ? block[i + 1] >> 7 : 0;
		subkey_[i] = static_cast<uint8_t>(block[i] << 1 | carry);
	}
	if ((block[0] & 0x80) != 0)
		subkey_[BLOCK_OCTETS - 1] ^= 0x87;
	explicit_bzero(block, sizeof(block));
}

void KeyDeriver::derive(uint32_t spi, uint32_t version, uint8_t *key)
{
	const uint32_t octets = psp_key_octets(version);
	uint8_t blocks[2 * BLOCK_OCTETS];
	for (uint32_t i = 0; i < octets / BLOCK_OCTETS; i++) {
		uint8_t *block = blocks + i * BLOCK_OCTETS;
		store32(block, i + 1);
		block[4] = 'P';
		block[5] = 'v';
		block[6] = static_cast<uint8_t>('0' + version);
		block[7] = 0;
		store32(block + 8, spi);
		store32(block + 12, octets * 8);
		for (int j = 0; j < BLOCK_OCTETS; j++)
			block[j] ^= subkey_[j];
	}
	int written = 0;
	EVP_EncryptUpdate(cipher_, key, &written, blocks, static_cast<int>(octets));
}

void KeyDeriver::wipe()
{
	EVP_CIPHER_CTX_reset(cipher_);
	explicit_bzero(subkey_, sizeof(subkey_));
}

DerivedKeyCache::DerivedKeyCache(const Aead &aead, uint32_t entries) : aead_(aead), stride_(prepared_key_stride(aead))
{
	sets_ = 1;
	while (sets_ * WAYS < entries)
		sets_ *= 2;
	tags_ = HugeMemory(slots() * sizeof(uint64_t));
	keys_ = HugeMemory(slots() * stride_);
}

DerivedKeyCache::~DerivedKeyCache()
{
	wipe();
}

uint32_t DerivedKeyCache::set_of(uint32_t spi) const
{
	return (spi * 0x9e3779b1u >> 8) & (sets_ - 1);
}

void DerivedKeyCache::prefetch(uint32_t spi) const
{
	prefetch_line(tags() + size_t{set_of(spi)} * WAYS);
}

const void *DerivedKeyCache::find(uint32_t spi, uint32_t tag) const
{
	const size_t first = size_t{set_of(spi)} * WAYS;
	const uint64_t *set = tags() + first;
	const uint64_t wanted = tag_of(spi, tag);
	// One branch only: the processor cannot predict which of the four places it is.
	uint32_t found = 0;
	for (uint32_t way = 0; way < WAYS; way++)
		found |= static_cast<uint32_t>(set[way] == wanted) << way;
	return found == 0 ? nullptr : key_at(first + static_cast<uint32_t>(__builtin_ctz(found)));
}

void DerivedKeyCache::add(uint32_t spi, uint32_t tag, void *key)
{
	const size_t first = size_t{set_of(spi)} * WAYS;
	size_t index = first + next_victim_++ % WAYS;
	for (size_t way = first; way < first + WAYS; way++) {
		if (tags()[way] == 0) {
			index = way;
			break;
		}
	}
	if (tags()[index] != 0)
		aead_.wipe(key_at(index));
	memcpy(key_at(index), key, aead_.context_octets);
	explicit_bzero(key, aead_.context_octets);
	tags()[index] = tag_of(spi, tag);
}

size_t DerivedKeyCache::wipe_dead(size_t first, size_t count, const uint32_t *alive)
{
	const size_t end = std::min(first + count, slots());
	for (size_t index = first; index < end; index++) {
		const uint64_t tag = tags()[index];
		if (tag == 0 || (tag >> 34) == alive[tag >> 31 & 1] >> 2)
			continue;
		aead_.wipe(key_at(index));
		tags()[index] = 0;
	}
	return end;
}

void DerivedKeyCache::wipe()
{
	for (size_t index = 0; index < slots(); index++) {
		if (tags()[index] == 0)
			continue;
		aead_.wipe(key_at(index));
		tags()[index] = 0;
	}
}

MasterKeys::MasterKeys(RandomSource &random, std::vector<uint8_t> given, uint32_t first_spi)
	: random_(random), given_(std::move(given)), first_spi_(first_spi), next_spi_(first_spi)
{
	renew(0);
	renew(1);
}

void MasterKeys::renew(uint32_t index)
{
	uint8_t master_key[MASTER_KEY_OCTETS];
	next_spi_ = 1;
	if (given_used_ + MASTER_KEY_OCTETS <= given_.size()) {
		memcpy(master_key, given_.data() + given_used_, MASTER_KEY_OCTETS);
		explicit_bzero(given_.data() + given_used_, MASTER_KEY_OCTETS);
		given_used_ += MASTER_KEY_OCTETS;
		next_spi_ = first_spi_;
	} else {
		random_.fill(master_key, MASTER_KEY_OCTETS);
	}
	derivers_[index].set_master_key(master_key);
	explicit_bzero(master_key, sizeof(master_key));
	generations_[index].fetch_add(1, std::memory_order_release);
}

bool MasterKeys::generate(uint32_t version, uint32_t count, uint32_t *spis, uint8_t *keys)
{
	std::lock_guard<std::mutex> guard(mutex_);
	if (count > SPI_LOW_MASK - next_spi_ + 1)
		return false;
	for (uint32_t i = 0; i < count; i++) {
		spis[i] = active_ << 31 | (next_spi_ + i);
		derivers_[active_].derive(spis[i], version, keys + size_t{i} * psp_key_octets(version));
	}
	next_spi_ += count;
	return true;
}

void MasterKeys::rotate()
{
	std::lock_guard<std::mutex> guard(mutex_);
	const uint32_t other = 1 - active_;
	renew(other);
	active_ = other;
}

void MasterKeys::derive(uint32_t spi, uint32_t version, uint8_t *key)
{
	std::lock_guard<std::mutex> guard(mutex_);
	derivers_[spi >> 31].derive(spi, version, key);
}

void MasterKeys::wipe()
{
	std::lock_guard<std::mutex> guard(mutex_);
	derivers_[0].wipe();
	derivers_[1].wipe();
}

KeySlots::KeySlots(const Aead &aead, uint32_t count)
	: aead_(aead), stride_(prepared_key_stride(aead)), count_(count), states_(new std::atomic<uint8_t>[count]()),
	  left_(count), keys_(size_t{count} * 2 * stride_)
{
	left_slots_.reserve(count);
}

KeySlots::~KeySlots()
{
	for (uint32_t id = 0; id < count_; id++) {
		const uint32_t state = states_[id].load();
		if (state == 0)
			continue;
		aead_.wipe(key_at(id, state & SECOND));
		if (left_[id] != 0)
			aead_.wipe(key_at(id, (state & SECOND) ^ SECOND));
	}
}

bool KeySlots::set(uint32_t id, const uint8_t *key, uint32_t key_octets)
{
	if (id == 0 || id >= count_)
		return false;
	std::lock_guard<std::mutex> guard(mutex_);
	const uint32_t former = states_[id].load(std::memory_order_relaxed);
	const uint32_t second = former == 0 ? 0 : (former & SECOND) ^ SECOND;
	const bool left = left_[id] != 0;
	if (left) {
		// The former key was replaced in this epoch; a burst that began before may still read it.
		while (epoch_.load() <= left_[id])
			std::this_thread::yield();
		aead_.wipe(key_at(id, second));
	}
	aead_.prepare(key_at(id, second), key, key_octets);
	states_[id].store(static_cast<uint8_t>(key_octets | second));
	if (former == 0)
		return true;
	left_[id] = epoch_.load();
	if (!left)
		left_slots_.push_back(id);
	any_left_.store(true, std::memory_order_relaxed);
	return true;
}

// There are few: those set during one burst. To wipe a key costs much less than to set one.
void KeySlots::wipe_left()
{
	// A thread that sets a key may be waiting for the datapath, which therefore does not wait for the lock, and tries again
	// after the next burst.
	std::unique_lock<std::mutex> guard(mutex_, std::try_to_lock);
	if (!guard.owns_lock())
		return;
	for (const uint32_t id : left_slots_) {
		aead_.wipe(key_at(id, (states_[id].load(std::memory_order_relaxed) & SECOND) ^ SECOND));
		left_[id] = 0;
	}
	left_slots_.clear();
	any_left_.store(false, std::memory_order_relaxed);
}

IvSource::IvSource(RandomSource &random, std::optional<uint64_t> first, Defect defect)
	: by_clock_(defect == Defect::IV_CLOCK && !first)
{
	uint8_t octets[8];
	if (!first)
		random.fill(octets, sizeof(octets));
	next_ = first ? *first : load64(octets) >> 1;
	if (by_clock_)
		next_ = 0;
}

void IvSource::follow_clock()
{
	timespec time{};
	clock_gettime(CLOCK_REALTIME, &time);
	const uint64_t now = (static_cast<uint64_t>(time.tv_sec) * 1000000000u + static_cast<uint64_t>(time.tv_nsec)) * 1000u;
	next_ = std::max(next_, now);
}

} // namespace soft
