/* SPDX-License-Identifier: BSD-3-Clause */
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <setjmp.h>
#include <cmocka.h>

#include "base/cursor.h"

static void test_cursor_reads_big_endian(void **state)
{
	static const uint8_t bytes[] = {1, 2, 3, 4, 5, 6, 7};
	struct cursor cursor = cursor_of((struct slice){bytes, sizeof(bytes)});

	(void)state;
	assert_int_equal(cursor_u8(&cursor), 0x01);
	assert_int_equal(cursor_u16(&cursor), 0x0203);
	assert_int_equal(cursor_u32(&cursor), 0x04050607);
	assert_false(cursor.failed);
	assert_int_equal(cursor_left(&cursor), 0);
}

static void test_cursor_error_is_sticky(void **state)
{
	static const uint8_t bytes[] = {1, 2, 3};
	struct cursor cursor = cursor_of((struct slice){bytes, sizeof(bytes)});

	(void)state;
	assert_int_equal(cursor_u32(&cursor), 0);
	assert_true(cursor.failed);
	assert_int_equal(cursor_u8(&cursor), 0);
	assert_null(cursor_take(&cursor, 1));
	assert_true(cursor.failed);
}

static void test_cursor_takes_nothing_from_nothing(void **state)
{
	struct cursor cursor = cursor_of((struct slice){NULL, 0});

	(void)state;
	cursor_take(&cursor, 0);
	assert_false(cursor.failed);
	assert_null(cursor_take(&cursor, SIZE_MAX));
	assert_true(cursor.failed);
}

static void test_stores_are_inverse_to_loads(void **state)
{
	uint8_t bytes[4];

	(void)state;
	be32_store(bytes, 0xfedcba98);
	assert_int_equal(be32_load(bytes), 0xfedcba98);
	be16_store(bytes, 0x8001);
	assert_int_equal(be16_load(bytes), 0x8001);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_cursor_reads_big_endian),
		cmocka_unit_test(test_cursor_error_is_sticky),
		cmocka_unit_test(test_cursor_takes_nothing_from_nothing),
		cmocka_unit_test(test_stores_are_inverse_to_loads),
	};

	cmocka_set_message_output(CM_OUTPUT_TAP);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
