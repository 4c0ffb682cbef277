/* SPDX-License-Identifier: BSD-3-Clause */
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <setjmp.h>
#include <string.h>
#include <cmocka.h>

#include "tls/cipher.h"

/* FIPS 197, appendix B, twice. */
static void test_blocks_are_encrypted_one_by_one(void **state)
{
	static const uint8_t key[] = {0x2b, 0x7e, 0x15, 0x16, 0x28, 0xae, 0xd2, 0xa6,
				      0xab, 0xf7, 0x15, 0x88, 0x09, 0xcf, 0x4f, 0x3c};
	static const uint8_t plain[] = {0x32, 0x43, 0xf6, 0xa8, 0x88, 0x5a, 0x30, 0x8d,
					0x31, 0x31, 0x98, 0xa2, 0xe0, 0x37, 0x07, 0x34};
	static const uint8_t expected[] = {0x39, 0x25, 0x84, 0x1d, 0x02, 0xdc, 0x09, 0xfb,
					   0xdc, 0x11, 0x85, 0x97, 0x19, 0x6a, 0x0b, 0x32};
	struct cipher *cipher = cipher_new(key);
	uint8_t in[2 * CIPHER_BLOCK], out[2 * CIPHER_BLOCK];

	(void)state;
	assert_non_null(cipher);
	memcpy(in, plain, CIPHER_BLOCK);
	memcpy(in + CIPHER_BLOCK, plain, CIPHER_BLOCK);
	for (int i = 0; i < 2; i++) {
		memset(out, 0, sizeof(out));
		cipher_encrypt(cipher, in, out, 2);
		assert_memory_equal(out, expected, CIPHER_BLOCK);
		assert_memory_equal(out + CIPHER_BLOCK, expected, CIPHER_BLOCK);
	}
	cipher_free(cipher);
	cipher_free(NULL);
}

/* RFC 4231 4.3, twice with one key. */
static void test_mac_is_that_of_the_rfc(void **state)
{
	static const uint8_t expected[MAC_SIZE] = {0x5b, 0xdc, 0xc1, 0x46, 0xbf, 0x60, 0x75, 0x4e,
						   0x6a, 0x04, 0x24, 0x26, 0x08, 0x95, 0x75, 0xc7,
						   0x5a, 0x00, 0x3f, 0x08, 0x9d, 0x27, 0x39, 0x83,
						   0x9d, 0xec, 0x58, 0xb9, 0x64, 0xec, 0x38, 0x43};
	static const char data[] = "what do ya want for nothing?";
	struct mac *mac = mac_new("Jefe", 4);
	uint8_t out[MAC_SIZE];

	(void)state;
	assert_non_null(mac);
	for (int i = 0; i < 2; i++) {
		memset(out, 0, sizeof(out));
		mac_compute(mac, data, strlen(data), out);
		assert_memory_equal(out, expected, MAC_SIZE);
	}
	mac_free(mac);
	mac_free(NULL);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_blocks_are_encrypted_one_by_one),
		cmocka_unit_test(test_mac_is_that_of_the_rfc),
	};

	cmocka_set_message_output(CM_OUTPUT_TAP);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
