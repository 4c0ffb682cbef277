/* SPDX-License-Identifier: BSD-3-Clause */
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <setjmp.h>
#include <cmocka.h>

#include "stats/key.h"

static const struct hash_key hash_key = {{3, 5}};

static void test_key_lower_changes_upper_case_letters_alone(void **state)
{
	(void)state;
	for (unsigned octet = 0; octet < 256; octet++) {
		unsigned wanted = octet >= 'A' && octet <= 'Z' ? octet + 32 : octet;

		for (int at = 0; at < 64; at += 8)
			assert_true(key_lower((uint64_t)octet << at | ~(UINT64_C(0xff) << at)) ==
				    ((uint64_t)wanted << at | ~(UINT64_C(0xff) << at)));
	}
}

static void test_key_is_the_hash_of_the_lower_case(void **state)
{
	uint8_t bytes[64], lower[64];

	(void)state;
	for (size_t i = 0; i < sizeof(bytes); i++) {
		bytes[i] = (uint8_t)(i * 37 + 60);
		lower[i] = bytes[i] >= 'A' && bytes[i] <= 'Z' ? bytes[i] + 32 : bytes[i];
	}
	for (size_t length = 0; length <= sizeof(bytes); length++)
		assert_true(key_of_lowered(&hash_key, bytes, length) ==
			    hash_bytes(&hash_key, lower, length));
	assert_true(key_of_hash(0) != 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_key_lower_changes_upper_case_letters_alone),
		cmocka_unit_test(test_key_is_the_hash_of_the_lower_case),
	};

	cmocka_set_message_output(CM_OUTPUT_TAP);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
