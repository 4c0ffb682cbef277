/* SPDX-License-Identifier: BSD-3-Clause */
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <setjmp.h>
#include <string.h>
#include <cmocka.h>

#include "tls/digest.h"

static void test_digest_is_sha256(void **state)
{
	/* FIPS 180-4, the example "abc" */
	static const uint8_t abc[32] = {0xba, 0x78, 0x16, 0xbf, 0x8f, 0x01, 0xcf, 0xea,
					0x41, 0x41, 0x40, 0xde, 0x5d, 0xae, 0x22, 0x23,
					0xb0, 0x03, 0x61, 0xa3, 0x96, 0x17, 0x7a, 0x9c,
					0xb4, 0x10, 0xff, 0x61, 0xf2, 0x00, 0x15, 0xad};
	struct digest digest;

	(void)state;
	assert_true(digest_make(&digest, "abc", 3));
	assert_memory_equal(digest.bytes, abc, sizeof(abc));
}

static void test_digests_differ_at_every_byte(void **state)
{
	struct digest a, b;

	(void)state;
	assert_true(digest_make(&a, "", 0));
	for (size_t i = 0; i < sizeof(a.bytes); i++) {
		b = a;
		assert_true(digest_equal(&a, &b));
		b.bytes[i] ^= 1;
		assert_false(digest_equal(&a, &b));
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_digest_is_sha256),
		cmocka_unit_test(test_digests_differ_at_every_byte),
	};

	cmocka_set_message_output(CM_OUTPUT_TAP);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
