/* SPDX-License-Identifier: BSD-3-Clause */
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <setjmp.h>
#include <cmocka.h>
#include <stdlib.h>
#include <string.h>

#include "stats/key.h"

static const struct hash_key hash_key = {{3, 5}};

static void test_key_is_that_of_the_lower_case(void **state)
{
	uint8_t bytes[64], lower[64];

	(void)state;
	for (size_t i = 0; i < sizeof(bytes); i++) {
		bytes[i] = (uint8_t)(i * 37 + 60);
		lower[i] = bytes[i] >= 'A' && bytes[i] <= 'Z' ? bytes[i] + 32 : bytes[i];
	}
	for (size_t length = 0; length <= sizeof(bytes); length++) {
		uint64_t key = key_of_lowered(&hash_key, bytes, length);

		assert_true(key == key_of_exact(&hash_key, lower, length));
		assert_int_equal(key == key_of_exact(&hash_key, bytes, length),
				 !memcmp(bytes, lower, length));
	}
	assert_true(key_of_hash(0) != 0);
}

static int compare(const void *left, const void *right)
{
	uint32_t a = *(const uint32_t *)left, b = *(const uint32_t *)right;

	return (a > b) - (a < b);
}

#define LENGTHS 64
#define KEYS	(LENGTHS + 8 * LENGTHS * (LENGTHS + 1) / 2)

/* Names of all lengths that begin with their length, and those with one bit changed: half of a key
 * tells them apart, as it may for so few by chance, whichever half, and with poor keys too. */
static void test_key_differs_when_one_bit_does(void **state)
{
	static const struct hash_key hash_keys[] = {{{3, 5}},
						    {{0x243f6a8885a308d3, 0x13198a2e03707344}}};
	static uint32_t halves[2][KEYS];
	uint8_t bytes[LENGTHS];

	(void)state;
	for (size_t k = 0; k < sizeof(hash_keys) / sizeof(hash_keys[0]); k++) {
		size_t made = 0, same = 0;

		for (size_t length = 1; length <= LENGTHS; length++)
			for (size_t bit = 0; bit <= 8 * length; bit++) {
				uint64_t key;

				memset(bytes, 'x', sizeof(bytes));
				bytes[0] = (uint8_t)(length - 1);
				if (bit)
					bytes[(bit - 1) / 8] ^= (uint8_t)(1 << bit % 8);
				key = key_of_exact(&hash_keys[k], bytes, length);
				halves[0][made] = (uint32_t)key;
				halves[1][made++] = (uint32_t)(key >> 32);
			}
		assert_int_equal(made, KEYS);
		for (int half = 0; half < 2; half++) {
			qsort(halves[half], KEYS, sizeof(uint32_t), compare);
			for (size_t i = 1; i < KEYS; i++)
				same += halves[half][i] == halves[half][i - 1];
		}
		assert_in_range(same, 0, 2);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_key_is_that_of_the_lower_case),
		cmocka_unit_test(test_key_differs_when_one_bit_does),
	};

	cmocka_set_message_output(CM_OUTPUT_TAP);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
