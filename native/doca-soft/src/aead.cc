#include "aead.h"

#include <cstring>
#include <string>

#include <openssl/evp.h>

#ifdef SOFT_HAVE_IPSEC_MB
#include <intel-ipsec-mb.h>
#endif

namespace soft {
namespace {

constexpr uint32_t ICV_OCTETS = 16;

#ifdef SOFT_HAVE_IPSEC_MB

bool equal(const uint8_t *a, const uint8_t *b)
{
	uint8_t difference = 0;
	for (uint32_t i = 0; i < ICV_OCTETS; i++)
		difference |= a[i] ^ b[i];
	return difference == 0;
}

IMB_MGR *manager = nullptr;

void mb_prepare(void *context, const uint8_t *key, uint32_t key_octets)
{
	auto *prepared = static_cast<gcm_key_data *>(context);
	if (key_octets == 16)
		IMB_AES128_GCM_PRE(manager, key, prepared);
	else
		IMB_AES256_GCM_PRE(manager, key, prepared);
}

void mb_wipe(void *context)
{
	explicit_bzero(context, sizeof(gcm_key_data));
}

void mb_seal(const void *context, uint32_t key_octets, const uint8_t *nonce, const uint8_t *aad, uint32_t aad_octets,
	     uint8_t *data, uint32_t octets, uint8_t *icv)
{
	const auto *key = static_cast<const gcm_key_data *>(context);
	gcm_context_data state;
	if (key_octets == 16)
		IMB_AES128_GCM_ENC(manager, key, &state, data, data, octets, nonce, aad, aad_octets, icv, ICV_OCTETS);
	else
		IMB_AES256_GCM_ENC(manager, key, &state, data, data, octets, nonce, aad, aad_octets, icv, ICV_OCTETS);
}

bool mb_open(const void *context, uint32_t key_octets, const uint8_t *nonce, const uint8_t *aad, uint32_t aad_octets,
	     uint8_t *data, uint32_t octets, const uint8_t *icv)
{
	const auto *key = static_cast<const gcm_key_data *>(context);
	gcm_context_data state;
	uint8_t computed[ICV_OCTETS];
	if (key_octets == 16)
		IMB_AES128_GCM_DEC(manager, key, &state, data, data, octets, nonce, aad, aad_octets, computed, ICV_OCTETS);
	else
		IMB_AES256_GCM_DEC(manager, key, &state, data, data, octets, nonce, aad, aad_octets, computed, ICV_OCTETS);
	if (equal(computed, icv))
		return true;
	// In counter mode, encrypting the plaintext again restores the ciphertext.
	mb_seal(context, key_octets, nonce, aad, aad_octets, data, octets, computed);
	return false;
}

bool mb_available()
{
	if (manager != nullptr)
		return true;
	IMB_MGR *made = alloc_mb_mgr(0);
	if (made == nullptr)
		return false;
	IMB_ARCH arch = IMB_ARCH_NONE;
	init_mb_mgr_auto(made, &arch);
	// Without AES instructions OpenSSL is faster.
	if (arch == IMB_ARCH_NONE || arch == IMB_ARCH_NOAESNI || imb_get_errno(made) != 0) {
		free_mb_mgr(made);
		return false;
	}
	manager = made;
	return true;
}

// Layout of the key: the round keys, then powers of the hash key in descending order.
const Aead IPSEC_MB = {"ipsec-mb", sizeof(gcm_key_data), sizeof(gcm_key_data::expanded_keys), mb_prepare, mb_wipe, mb_seal,
		       mb_open};

#endif

// OpenSSL contexts that hold the key schedule, so that only the nonce changes from packet to packet.
struct OpensslKey {
	EVP_CIPHER_CTX *seal;
	EVP_CIPHER_CTX *open;
};

void openssl_prepare(void *context, const uint8_t *key, uint32_t key_octets)
{
	auto *prepared = static_cast<OpensslKey *>(context);
	const EVP_CIPHER *cipher = key_octets == 16 ? EVP_aes_128_gcm() : EVP_aes_256_gcm();
	prepared->seal = EVP_CIPHER_CTX_new();
	prepared->open = EVP_CIPHER_CTX_new();
	EVP_EncryptInit_ex(prepared->seal, cipher, nullptr, key, nullptr);
	EVP_DecryptInit_ex(prepared->open, cipher, nullptr, key, nullptr);
}

void openssl_wipe(void *context)
{
	auto *prepared = static_cast<OpensslKey *>(context);
	// OpenSSL cleanses what it frees.
	EVP_CIPHER_CTX_free(prepared->seal);
	EVP_CIPHER_CTX_free(prepared->open);
	prepared->seal = nullptr;
	prepared->open = nullptr;
}

void openssl_seal(const void *context, uint32_t, const uint8_t *nonce, const uint8_t *aad, uint32_t aad_octets, uint8_t *data,
		  uint32_t octets, uint8_t *icv)
{
	EVP_CIPHER_CTX *state = static_cast<const OpensslKey *>(context)->seal;
	int written = 0;
	EVP_EncryptInit_ex(state, nullptr, nullptr, nullptr, nonce);
	EVP_EncryptUpdate(state, nullptr, &written, aad, static_cast<int>(aad_octets));
	if (octets > 0)
		EVP_EncryptUpdate(state, data, &written, data, static_cast<int>(octets));
	EVP_EncryptFinal_ex(state, data + octets, &written);
	EVP_CIPHER_CTX_ctrl(state, EVP_CTRL_AEAD_GET_TAG, ICV_OCTETS, icv);
}

bool openssl_open(const void *context, uint32_t key_octets, const uint8_t *nonce, const uint8_t *aad, uint32_t aad_octets,
		  uint8_t *data, uint32_t octets, const uint8_t *icv)
{
	EVP_CIPHER_CTX *state = static_cast<const OpensslKey *>(context)->open;
	int written = 0;
	uint8_t expected[ICV_OCTETS];
	memcpy(expected, icv, ICV_OCTETS);
	EVP_DecryptInit_ex(state, nullptr, nullptr, nullptr, nonce);
	EVP_DecryptUpdate(state, nullptr, &written, aad, static_cast<int>(aad_octets));
	if (octets > 0)
		EVP_DecryptUpdate(state, data, &written, data, static_cast<int>(octets));
	EVP_CIPHER_CTX_ctrl(state, EVP_CTRL_AEAD_SET_TAG, ICV_OCTETS, expected);
	uint8_t rest[ICV_OCTETS];
	if (EVP_DecryptFinal_ex(state, rest, &written) == 1)
		return true;
	// Counter mode: encrypting what came out gives back what came in.
	openssl_seal(context, key_octets, nonce, aad, aad_octets, data, octets, rest);
	return false;
}

const Aead OPENSSL = {"openssl",    sizeof(OpensslKey), sizeof(OpensslKey), openssl_prepare,
		      openssl_wipe, openssl_seal,	openssl_open};

} // namespace

const Aead *find_aead(const char *name)
{
	const std::string wanted = name;
#ifdef SOFT_HAVE_IPSEC_MB
	if ((wanted == "auto" || wanted == IPSEC_MB.name) && mb_available())
		return &IPSEC_MB;
#endif
	return wanted == "auto" || wanted == OPENSSL.name ? &OPENSSL : nullptr;
}

} // namespace soft
