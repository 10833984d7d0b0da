/* Crypto actions, and keys of the PSP security protocol. */
#ifndef DOCA_FLOW_CRYPTO_H_
#define DOCA_FLOW_CRYPTO_H_

#include <doca_compat.h>
#include <doca_error.h>
#include <doca_types.h>
#include <doca_version.h>

#ifdef __cplusplus
extern "C" {
#endif

struct doca_flow_port;
struct doca_flow_crypto_psp_spi_key_bulk;

/* crypto_id of decrypt actions: the key follows from the packet's SPI and the device's master keys. */
#define DOCA_FLOW_PSP_DECRYPTION_ID (UINT32_MAX)
#define DOCA_FLOW_PSP_DEFAULT_PORT 1000
#define DOCA_FLOW_PSP_HEADER_LEN 24
#define DOCA_FLOW_CRYPTO_HEADER_LEN_MAX 114
#define DOCA_FLOW_CRYPTO_KEY_LEN_MAX 32

enum doca_flow_crypto_resource_type {
	DOCA_FLOW_CRYPTO_RESOURCE_NONE,
	DOCA_FLOW_CRYPTO_RESOURCE_IPSEC_SA, /* soft: not supported */
	DOCA_FLOW_CRYPTO_RESOURCE_PSP,
};

enum doca_flow_crypto_action_type {
	DOCA_FLOW_CRYPTO_ACTION_NONE,
	DOCA_FLOW_CRYPTO_ACTION_ENCRYPT,
	DOCA_FLOW_CRYPTO_ACTION_DECRYPT,
};

enum doca_flow_crypto_encap_action_type {
	DOCA_FLOW_CRYPTO_REFORMAT_NONE,
	DOCA_FLOW_CRYPTO_REFORMAT_ENCAP,
	DOCA_FLOW_CRYPTO_REFORMAT_DECAP,
};

enum doca_flow_crypto_encap_net_type {
	DOCA_FLOW_CRYPTO_HEADER_NONE,
	DOCA_FLOW_CRYPTO_HEADER_ESP_TUNNEL,	   /* soft: not supported */
	DOCA_FLOW_CRYPTO_HEADER_ESP_OVER_IPV4,	   /* soft: not supported */
	DOCA_FLOW_CRYPTO_HEADER_ESP_OVER_IPV6,	   /* soft: not supported */
	DOCA_FLOW_CRYPTO_HEADER_UDP_ESP_OVER_IPV4, /* soft: not supported */
	DOCA_FLOW_CRYPTO_HEADER_UDP_ESP_OVER_IPV6, /* soft: not supported */
	DOCA_FLOW_CRYPTO_HEADER_ESP_OVER_LAN,	   /* soft: not supported */
	DOCA_FLOW_CRYPTO_HEADER_PSP_TUNNEL,
	DOCA_FLOW_CRYPTO_HEADER_PSP_OVER_IPV4,
	DOCA_FLOW_CRYPTO_HEADER_PSP_OVER_IPV6,
#if DOCA_SOFT_RELEASE_ >= 300
	DOCA_FLOW_CRYPTO_HEADER_NON_ESP_MARKER, /* soft: not supported */
#endif
};

enum doca_flow_crypto_key_type {
	DOCA_FLOW_CRYPTO_KEY_128,
	DOCA_FLOW_CRYPTO_KEY_256,
};

enum doca_flow_crypto_icv_len {
	DOCA_FLOW_CRYPTO_ICV_LENGTH_8,
	DOCA_FLOW_CRYPTO_ICV_LENGTH_12,
	DOCA_FLOW_CRYPTO_ICV_LENGTH_16,
};

enum doca_flow_crypto_syndrome {
	DOCA_FLOW_CRYPTO_SYNDROME_OK,
	DOCA_FLOW_CRYPTO_SYNDROME_ICV_FAIL,
	DOCA_FLOW_CRYPTO_SYNDROME_BAD_TRAILER,
};

/* `key` points to 16 or 32 octets. */
struct doca_flow_crypto_key_cfg {
	enum doca_flow_crypto_key_type key_type;
	uint32_t *key;
};

/* Adds or removes headers. encap_data has data_size octets; icv_size is in octets. */
struct doca_flow_crypto_encap_action {
	enum doca_flow_crypto_encap_action_type action_type;
	enum doca_flow_crypto_encap_net_type net_type;
	uint16_t icv_size; /* soft: only 16 */
	uint16_t data_size;
	uint8_t encap_data[DOCA_FLOW_CRYPTO_HEADER_LEN_MAX];
};

struct doca_flow_crypto_action {
	enum doca_flow_crypto_action_type action_type;
	enum doca_flow_crypto_resource_type resource_type;
	union {
		struct {
			bool sn_en;
		} ipsec_sa; /* soft: not supported */
	};
	uint32_t crypto_id;
};

DOCA_EXPERIMENTAL doca_error_t doca_flow_crypto_psp_master_key_rotate(struct doca_flow_port *port);
DOCA_EXPERIMENTAL doca_error_t doca_flow_crypto_psp_spi_key_bulk_alloc(struct doca_flow_port *port,
								       enum doca_flow_crypto_key_type type, uint32_t count,
								       struct doca_flow_crypto_psp_spi_key_bulk **bulk);
DOCA_EXPERIMENTAL doca_error_t doca_flow_crypto_psp_spi_key_bulk_generate(struct doca_flow_crypto_psp_spi_key_bulk *bulk);
/* The SPI is in the CPU's byte order. The key is an octet string in 4 or 8 words. */
DOCA_EXPERIMENTAL doca_error_t doca_flow_crypto_psp_spi_key_bulk_get(struct doca_flow_crypto_psp_spi_key_bulk *bulk,
								     uint32_t index, uint32_t *spi, uint32_t *key);
DOCA_EXPERIMENTAL doca_error_t doca_flow_crypto_psp_spi_key_wipe(struct doca_flow_crypto_psp_spi_key_bulk *bulk, uint32_t index);
DOCA_EXPERIMENTAL doca_error_t doca_flow_crypto_psp_spi_key_bulk_clear(struct doca_flow_crypto_psp_spi_key_bulk *bulk);
DOCA_EXPERIMENTAL doca_error_t doca_flow_crypto_psp_spi_key_bulk_free(struct doca_flow_crypto_psp_spi_key_bulk *bulk);

#ifdef __cplusplus
}
#endif

#endif
