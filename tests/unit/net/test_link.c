/* SPDX-License-Identifier: BSD-3-Clause */
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <setjmp.h>
#include <cmocka.h>
#include <string.h>

#include "net/link.h"

static const uint8_t families6[] = {10, 24, 28, 30};

static struct slice slice_of(const uint8_t *data, size_t length)
{
	return (struct slice){data, length};
}

static void test_link_knows_the_dlt_numbers(void **state)
{
	(void)state;
	assert_int_equal(link_type_of_dlt(0), LINK_NULL);
	assert_int_equal(link_type_of_dlt(1), LINK_ETHERNET);
	assert_int_equal(link_type_of_dlt(12), LINK_RAW);
	assert_int_equal(link_type_of_dlt(101), LINK_RAW);
	assert_int_equal(link_type_of_dlt(108), LINK_LOOP);
	assert_int_equal(link_type_of_dlt(113), LINK_SLL);
	assert_int_equal(link_type_of_dlt(228), LINK_RAW);
	assert_int_equal(link_type_of_dlt(229), LINK_RAW);
	assert_int_equal(link_type_of_dlt(276), LINK_SLL2);
	assert_int_equal(link_type_of_dlt(6), LINK_UNSUPPORTED);
	assert_int_equal(link_type_of_dlt(-1), LINK_UNSUPPORTED);
	assert_int_equal(link_type_of_dlt(105), LINK_UNSUPPORTED);
}

static void check_strip(enum link_type type, size_t header, size_t type_at)
{
	uint8_t frame[64] = {0};
	struct network network;

	frame[type_at] = 0x86;
	frame[type_at + 1] = 0xdd;
	for (size_t length = 0; length < header; length++)
		assert_false(link_strip(type, slice_of(frame, length), &network));
	for (size_t length = header; length <= sizeof(frame); length++) {
		assert_true(link_strip(type, slice_of(frame, length), &network));
		assert_int_equal(network.ethertype, 0x86dd);
		assert_ptr_equal(network.bytes.data, frame + header);
		assert_int_equal(network.bytes.length, length - header);
	}
}

static void test_link_strips_ethernet(void **state)
{
	(void)state;
	check_strip(LINK_ETHERNET, 14, 12);
}

static void test_link_strips_cooked_captures(void **state)
{
	(void)state;
	check_strip(LINK_SLL, 16, 14);
	check_strip(LINK_SLL2, 20, 0);
}

static uint16_t family_type(enum link_type type, const uint8_t *frame)
{
	struct network network = {.ethertype = 0xffff};

	for (size_t length = 0; length < 4; length++)
		assert_false(link_strip(type, slice_of(frame, length), &network));
	assert_true(link_strip(type, slice_of(frame, 5), &network));
	assert_ptr_equal(network.bytes.data, frame + 4);
	assert_int_equal(network.bytes.length, 1);
	return network.ethertype;
}

static void test_link_null_knows_families_in_both_byte_orders(void **state)
{
	(void)state;
	assert_int_equal(family_type(LINK_NULL, (uint8_t[5]){2}), 0x0800);
	assert_int_equal(family_type(LINK_NULL, (uint8_t[5]){0, 0, 0, 2}), 0x0800);
	for (size_t i = 0; i < sizeof(families6); i++) {
		uint8_t f = families6[i];

		assert_int_equal(family_type(LINK_NULL, (uint8_t[5]){f}), 0x86dd);
		assert_int_equal(family_type(LINK_NULL, (uint8_t[5]){0, 0, 0, f}), 0x86dd);
	}
	assert_int_equal(family_type(LINK_NULL, (uint8_t[5]){7}), 0);
	assert_int_equal(family_type(LINK_NULL, (uint8_t[5]){2, 0, 0, 1}), 0);
}

static void test_link_loop_has_families_in_network_order_only(void **state)
{
	(void)state;
	assert_int_equal(family_type(LINK_LOOP, (uint8_t[5]){0, 0, 0, 2}), 0x0800);
	assert_int_equal(family_type(LINK_LOOP, (uint8_t[5]){0, 0, 0, 24}), 0x86dd);
	assert_int_equal(family_type(LINK_LOOP, (uint8_t[5]){2}), 0);
}

static void test_link_raw_looks_at_the_version(void **state)
{
	struct network network;

	(void)state;
	for (unsigned int first = 0; first < 256; first++) {
		uint8_t byte = (uint8_t)first;
		uint16_t expected = first >> 4 == 4 ? 0x0800 : first >> 4 == 6 ? 0x86dd : 0;

		assert_true(link_strip(LINK_RAW, slice_of(&byte, 1), &network));
		assert_int_equal(network.ethertype, expected);
		assert_ptr_equal(network.bytes.data, &byte);
		assert_int_equal(network.bytes.length, 1);
	}
	assert_false(link_strip(LINK_RAW, slice_of((const uint8_t *)"", 0), &network));
}

static void test_link_cooked_keeps_the_type_that_is_known(void **state)
{
	uint8_t frame[3] = {0};
	struct network network = {.ethertype = 0x8100};

	(void)state;
	assert_true(link_strip(LINK_COOKED, slice_of(frame, 3), &network));
	assert_int_equal(network.ethertype, 0x8100);
	assert_ptr_equal(network.bytes.data, frame);
	assert_int_equal(network.bytes.length, 3);
}

static void test_link_unsupported_strips_nothing(void **state)
{
	uint8_t frame[64] = {0};
	struct network network;

	(void)state;
	assert_false(link_strip(LINK_UNSUPPORTED, slice_of(frame, 64), &network));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_link_knows_the_dlt_numbers),
		cmocka_unit_test(test_link_strips_ethernet),
		cmocka_unit_test(test_link_strips_cooked_captures),
		cmocka_unit_test(test_link_null_knows_families_in_both_byte_orders),
		cmocka_unit_test(test_link_loop_has_families_in_network_order_only),
		cmocka_unit_test(test_link_raw_looks_at_the_version),
		cmocka_unit_test(test_link_cooked_keeps_the_type_that_is_known),
		cmocka_unit_test(test_link_unsupported_strips_nothing),
	};

	cmocka_set_message_output(CM_OUTPUT_TAP);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
