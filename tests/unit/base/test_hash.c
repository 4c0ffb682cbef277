/* SPDX-License-Identifier: BSD-3-Clause */
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <setjmp.h>
#include <string.h>
#include <cmocka.h>

#include "base/hash.h"
#include "base/random.h"

static void test_hash_depends_on_key_and_every_byte(void **state)
{
	struct hash_key key = {{1, 2}}, other = {{1, 3}};
	uint8_t bytes[37] = {0};
	uint64_t before = hash_bytes(&key, bytes, sizeof(bytes));

	(void)state;
	assert_true(before != hash_bytes(&other, bytes, sizeof(bytes)));
	assert_true(before != hash_bytes(&key, bytes, sizeof(bytes) - 1));
	for (size_t i = 0; i < sizeof(bytes); i++) {
		bytes[i] ^= 1;
		assert_true(before != hash_bytes(&key, bytes, sizeof(bytes)));
		bytes[i] ^= 1;
	}
	assert_true(before == hash_bytes(&key, bytes, sizeof(bytes)));
}

static void test_hash_low_bits_are_even(void **state)
{
	struct hash_key key = {{0x0706050403020100, 0x0f0e0d0c0b0a0908}};
	unsigned int buckets[16] = {0};

	(void)state;
	for (uint32_t i = 0; i < 16000; i++)
		buckets[hash_bytes(&key, &i, sizeof(i)) % 16]++;
	for (int i = 0; i < 16; i++)
		assert_in_range(buckets[i], 850, 1150);
}

static void test_hash_in_steps_is_the_same(void **state)
{
	struct hash_key key = {{1, 2}};
	uint8_t bytes[23];
	uint64_t word;

	(void)state;
	for (size_t i = 0; i < sizeof(bytes); i++)
		bytes[i] = (uint8_t)(i * 31 + 200);
	for (size_t length = 0; length <= sizeof(bytes); length++) {
		struct hash_state hash = hash_start(&key);
		size_t at = 0;

		for (; length - at >= 8; at += 8) {
			memcpy(&word, bytes + at, 8);
			hash_add(&hash, word);
		}
		word = 0;
		memcpy(&word, bytes + at, length - at);
		assert_true(hash_tail(bytes + length, length) == word);
		assert_true(hash_end(&hash, word, length) == hash_bytes(&key, bytes, length));
	}
}

static void test_random_below_is_below_and_even(void **state)
{
	struct random random;
	unsigned int buckets[7] = {0};

	(void)state;
	assert_int_equal(random_init(&random), 0);
	for (int i = 0; i < 70000; i++) {
		uint64_t value = random_below(&random, 7);

		assert_true(value < 7);
		buckets[value]++;
	}
	for (int i = 0; i < 7; i++)
		assert_in_range(buckets[i], 9000, 11000);
	assert_int_equal(random_below(&random, 1), 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_hash_depends_on_key_and_every_byte),
		cmocka_unit_test(test_hash_low_bits_are_even),
		cmocka_unit_test(test_hash_in_steps_is_the_same),
		cmocka_unit_test(test_random_below_is_below_and_even),
	};

	cmocka_set_message_output(CM_OUTPUT_TAP);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
