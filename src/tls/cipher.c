/* SPDX-License-Identifier: BSD-3-Clause */
#include "tls/cipher.h"

#include <openssl/core_names.h>
#include <openssl/evp.h>
#include <stdlib.h>

struct cipher {
	EVP_CIPHER_CTX *context;
};

struct mac {
	EVP_MAC_CTX *context;
};

struct cipher *cipher_new(const uint8_t key[CIPHER_KEY])
{
	struct cipher *cipher = calloc(1, sizeof(*cipher));

	if (!cipher)
		return NULL;
	cipher->context = EVP_CIPHER_CTX_new();
	if (cipher->context &&
	    EVP_EncryptInit_ex(cipher->context, EVP_aes_128_ecb(), NULL, key, NULL) == 1 &&
	    EVP_CIPHER_CTX_set_padding(cipher->context, 0) == 1)
		return cipher;
	cipher_free(cipher);
	return NULL;
}

void cipher_free(struct cipher *cipher)
{
	if (cipher)
		EVP_CIPHER_CTX_free(cipher->context);
	free(cipher);
}

void cipher_encrypt(struct cipher *cipher, const uint8_t *in, uint8_t *out, uint32_t blocks)
{
	int size = (int)(blocks * CIPHER_BLOCK), written = 0;

	if (EVP_EncryptUpdate(cipher->context, out, &written, in, size) != 1 || written != size)
		abort(); /* it cannot fail: never give out what is not encrypted */
}

struct mac *mac_new(const void *key, size_t key_size)
{
	char digest[] = "SHA256";
	OSSL_PARAM parameters[] = {
		OSSL_PARAM_construct_utf8_string(OSSL_MAC_PARAM_DIGEST, digest, 0),
		OSSL_PARAM_construct_end(),
	};
	struct mac *mac = calloc(1, sizeof(*mac));
	EVP_MAC *algorithm = EVP_MAC_fetch(NULL, "HMAC", NULL);

	if (mac && algorithm)
		mac->context = EVP_MAC_CTX_new(algorithm);
	EVP_MAC_free(algorithm);
	if (mac && mac->context && EVP_MAC_init(mac->context, key, key_size, parameters) == 1)
		return mac;
	mac_free(mac);
	return NULL;
}

void mac_free(struct mac *mac)
{
	if (mac)
		EVP_MAC_CTX_free(mac->context);
	free(mac);
}

void mac_compute(struct mac *mac, const void *data, size_t size, uint8_t out[MAC_SIZE])
{
	size_t written = 0;

	if (EVP_MAC_init(mac->context, NULL, 0, NULL) != 1 ||
	    EVP_MAC_update(mac->context, data, size) != 1 ||
	    EVP_MAC_final(mac->context, out, &written, MAC_SIZE) != 1 || written != MAC_SIZE)
		abort(); /* as above */
}
