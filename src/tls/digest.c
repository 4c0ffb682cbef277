/* SPDX-License-Identifier: BSD-3-Clause */
#include "tls/digest.h"

#include <openssl/crypto.h>
#include <openssl/evp.h>
#include <string.h>

bool digest_make(struct digest *digest, const void *data, size_t length)
{
	unsigned int size = sizeof(digest->bytes);

	memset(digest, 0, sizeof(*digest));
	return EVP_Digest(data, length, digest->bytes, &size, EVP_sha256(), NULL) == 1;
}

bool digest_equal(const struct digest *a, const struct digest *b)
{
	return CRYPTO_memcmp(a->bytes, b->bytes, sizeof(a->bytes)) == 0;
}
