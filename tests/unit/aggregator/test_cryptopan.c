/* SPDX-License-Identifier: BSD-3-Clause */
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <setjmp.h>
#include <string.h>
#include <cmocka.h>

#include "aggregator/outputs/cryptopan.h"
#include "base/random.h"

/* The key of the sample that its authors published. */
static const uint8_t key[CRYPTOPAN_KEY] = {21,	34, 23,	 141, 51, 164, 207, 128, 19,  10,  91,
					   22,	73, 144, 125, 16, 216, 152, 143, 131, 121, 121,
					   101, 39, 98,	 87,  76, 45,  42,  132, 34,  2};

static struct cryptopan cryptopan;

static int set_up(void **state)
{
	(void)state;
	return cryptopan_init(&cryptopan, key) ? 0 : -1;
}

static int tear_down(void **state)
{
	(void)state;
	cryptopan_fini(&cryptopan);
	return 0;
}

static void test_addresses_become_those_of_the_sample(void **state)
{
	static const char *const sample[][2] = {
		{"128.11.68.132", "135.242.180.132"},
		{"129.118.74.4", "134.136.186.123"},
		{"130.132.252.244", "133.68.164.234"},
		{"141.223.7.43", "141.167.8.160"},
		{"141.233.145.108", "141.129.237.235"},
		{"152.163.225.39", "151.140.114.167"},
		{"156.29.3.236", "147.225.12.42"},
		{"165.247.96.84", "162.9.99.234"},
		{"192.102.249.13", "252.138.62.131"},
		{"::1", "78ff:f001:9fc0:20df:8380:b1f1:704:ed"},
		{"::2", "78ff:f001:9fc0:20df:8380:b1f1:704:ef"},
		{"2001:db8::1", "4401:2bc:603f:d91d:27f:ff8e:e6f1:dc1e"},
	};
	struct address address;
	char text[ADDRESS_TEXT_MAX];

	(void)state;
	for (size_t i = 0; i < sizeof(sample) / sizeof(sample[0]); i++) {
		assert_true(address_parse(sample[i][0], &address));
		cryptopan_disguise(&cryptopan, &address);
		assert_string_equal(address_format(&address, text), sample[i][1]);
	}
}

static uint32_t count_shared_bits(const struct address *a, const struct address *b)
{
	uint32_t bit = 0;

	while (bit < 128 && !((a->bytes[bit / 8] ^ b->bytes[bit / 8]) & (0x80 >> bit % 8)))
		bit++;
	return bit;
}

static void test_shared_bits_stay_shared_and_no_more(void **state)
{
	struct random random = {{1, 2, 3, 4}};
	struct address a, b, a_before, b_before;

	(void)state;
	for (uint32_t i = 0; i < 4000; i++) {
		uint8_t version = i & 1 ? 4 : 6, bytes = version == 4 ? 4 : 16;
		uint32_t bit = (uint32_t)random_below(&random, bytes * 8u);

		a = (struct address){.version = version};
		for (uint8_t byte = 0; byte < bytes; byte++)
			a.bytes[byte] = (uint8_t)random_next(&random);
		b = a;
		b.bytes[bit / 8] ^= (uint8_t)(0x80 >> bit % 8);
		a_before = a;
		b_before = b;
		cryptopan_disguise(&cryptopan, &a);
		cryptopan_disguise(&cryptopan, &b);
		assert_int_equal(count_shared_bits(&a, &b),
				 count_shared_bits(&a_before, &b_before));
		assert_int_equal(a.version, version);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(test_addresses_become_those_of_the_sample, set_up,
						tear_down),
		cmocka_unit_test_setup_teardown(test_shared_bits_stay_shared_and_no_more, set_up,
						tear_down),
	};

	cmocka_set_message_output(CM_OUTPUT_TAP);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
