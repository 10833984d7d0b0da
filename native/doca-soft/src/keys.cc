#include "keys.h"

#include <cstring>
#include <ctime>
#include <new>
#include <thread>

#include <openssl/evp.h>

#include "psp_header.h"

namespace soft {
namespace {

constexpr int BLOCK_OCTETS = 16;

} // namespace

size_t prepared_key_octets(const Aead &aead)
{
	return (offsetof(PreparedKey, context) + aead.context_octets + 63) / 64 * 64;
}

void prefetch_prepared(const PreparedKey *key, size_t key_octets, uint32_t octets)
{
	// The key schedule and the first powers of the hash key; short packets need no more.
	constexpr size_t SHORT_OCTETS = 512;
	const auto *at = reinterpret_cast<const uint8_t *>(key);
	const size_t end = octets <= 256 && key_octets > SHORT_OCTETS ? SHORT_OCTETS : key_octets;
	for (size_t line = 0; line < end; line += 64)
		__builtin_prefetch(at + line);
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
	// CMAC's K1: the encryption of zero, doubled in GF(2^128) (RFC 4493, section 2.3).
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

DerivedKeyCache::DerivedKeyCache(const Aead &aead, uint32_t entries)
	: aead_(aead), key_octets_(prepared_key_octets(aead))
{
	sets_ = 1;
	while (sets_ * WAYS < entries)
		sets_ *= 2;
	tags_.resize(size_t{sets_} * WAYS);
	keys_ = HugeMemory(size_t{sets_} * WAYS * key_octets_);
}

DerivedKeyCache::~DerivedKeyCache()
{
	wipe();
}

uint32_t DerivedKeyCache::set_of(uint32_t spi) const
{
	return (spi * 0x9e3779b1u >> 8) & (sets_ - 1);
}

PreparedKey *DerivedKeyCache::key_at(uint32_t index) const
{
	return reinterpret_cast<PreparedKey *>(keys_.data() + index * key_octets_);
}

void DerivedKeyCache::prefetch(uint32_t spi) const
{
	__builtin_prefetch(&tags_[size_t{set_of(spi)} * WAYS]);
}

void DerivedKeyCache::prefetch_key(uint32_t spi, uint32_t tag, uint32_t octets) const
{
	const PreparedKey *key = find(spi, tag);
	if (key != nullptr)
		prefetch_prepared(key, key_octets_, octets);
}

const PreparedKey *DerivedKeyCache::find(uint32_t spi, uint32_t tag) const
{
	const uint32_t first = set_of(spi) * WAYS;
	for (uint32_t index = first; index < first + WAYS; index++) {
		if (tags_[index].spi == spi && tags_[index].tag == tag)
			return key_at(index);
	}
	return nullptr;
}

void DerivedKeyCache::add(uint32_t spi, uint32_t tag, PreparedKey &key)
{
	const uint32_t first = set_of(spi) * WAYS;
	uint32_t index = first + next_victim_++ % WAYS;
	for (uint32_t way = first; way < first + WAYS; way++) {
		if (tags_[way].tag == 0) {
			index = way;
			break;
		}
	}
	if (tags_[index].tag != 0)
		aead_.wipe(key_at(index)->context);
	memcpy(static_cast<void *>(key_at(index)), &key, key_octets_);
	tags_[index] = {spi, tag};
}

void DerivedKeyCache::wipe()
{
	for (size_t index = 0; index < tags_.size(); index++) {
		if (tags_[index].tag == 0)
			continue;
		aead_.wipe(key_at(static_cast<uint32_t>(index))->context);
		tags_[index] = {0, 0};
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
	: aead_(aead), key_octets_(prepared_key_octets(aead)), count_(count), states_(new State[count]),
	  keys_(size_t{count} * 2 * key_octets_)
{
}

KeySlots::~KeySlots()
{
	for (uint32_t id = 0; id < count_; id++) {
		if (states_[id].place.load() == 0)
			continue;
		for (uint8_t place = 1; place <= 2; place++) {
			if (key_at(id, place)->key_octets != 0)
				aead_.wipe(key_at(id, place)->context);
		}
	}
}

bool KeySlots::set(uint32_t id, const uint8_t *key, uint32_t key_octets)
{
	if (id == 0 || id >= count_)
		return false;
	std::lock_guard<std::mutex> guard(mutex_);
	State &state = states_[id];
	const uint8_t former = state.place.load(std::memory_order_relaxed);
	const uint8_t place = former == 1 ? 2 : 1;
	PreparedKey *fresh = key_at(id, place);
	if (fresh->key_octets != 0) {
		// Left in this epoch: a burst that began before may still look at it.
		while (epoch_.load() <= state.left)
			std::this_thread::yield();
		aead_.wipe(fresh->context);
	}
	fresh->key_octets = key_octets;
	aead_.prepare(fresh->context, key, key_octets);
	state.place.store(place);
	state.left = epoch_.load();
	return true;
}

void KeySlots::prefetch(uint32_t id, uint32_t octets) const
{
	const PreparedKey *key = get(id);
	if (key != nullptr)
		prefetch_prepared(key, key_octets_, octets);
}

void IvSource::refresh()
{
	uint64_t now = fixed_;
	if (now == 0) {
		timespec time{};
		clock_gettime(CLOCK_REALTIME, &time);
		now = (static_cast<uint64_t>(time.tv_sec) * 1000000000u + static_cast<uint64_t>(time.tv_nsec)) * 1000u;
	}
	if (now > last_)
		last_ = now;
}

bool IvSource::next(uint8_t *at)
{
	if (last_ == UINT64_MAX)
		return false;
	store64(at, ++last_);
	return true;
}

} // namespace soft
