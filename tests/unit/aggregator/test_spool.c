/* SPDX-License-Identifier: BSD-3-Clause */
#include <errno.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <setjmp.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>
#include <cmocka.h>

#include "aggregator/outputs/format.h"
#include "aggregator/outputs/spool.h"
#include "base/random.h"

#define BYTES 4099 /* records meet the end of the ring at every offset */

static struct spool spool;
static uint64_t head, tail;
static int fd;

static int set_up(void **state)
{
	(void)state;
	head = tail = 0;
	fd = memfd_create("spool", MFD_CLOEXEC);
	return spool_open(&spool, fd, BYTES, &head, &tail);
}

static int tear_down(void **state)
{
	(void)state;
	return close(fd);
}

static size_t record(char *text, unsigned int number)
{
	return (size_t)sprintf(text, "record %u %.*s", number, (int)(number % 97),
			       "0123456789012345678901234567890123456789012345678901234567890123456"
			       "789012345678901234567890123456789");
}

static bool push(unsigned int number)
{
	char text[256];

	return spool_push(&spool, text, record(text, number));
}

static void expect(unsigned int number)
{
	char text[256], found[FORMAT_RECORD_MAX];
	size_t length;

	assert_int_equal(spool_pull(&spool, found, sizeof(found), &length), SPOOL_RECORD);
	assert_int_equal(length, record(text, number));
	assert_memory_equal(found, text, length);
}

static enum spool_result pull(void)
{
	char found[FORMAT_RECORD_MAX];
	size_t length;

	return spool_pull(&spool, found, sizeof(found), &length);
}

static void test_records_come_back_in_order_over_many_laps(void **state)
{
	unsigned int pushed = 0, pulled = 0;

	(void)state;
	while (pushed < 20000) {
		for (int i = 0; i < 20 && push(pushed); i++)
			pushed++;
		while (pulled + 3 < pushed)
			expect(pulled++);
	}
	while (pulled < pushed)
		expect(pulled++);
	assert_true(spool_is_empty(&spool));
	assert_int_equal(pull(), SPOOL_EMPTY);
}

static void test_full_spool_refuses_and_changes_nothing(void **state)
{
	unsigned int count = 0;
	uint64_t before;

	(void)state;
	while (push(count))
		count++;
	before = head;
	assert_false(push(count));
	assert_int_equal(head, before);
	assert_true(head - tail <= BYTES);
	expect(0);
	expect(1);
}

static void test_successor_goes_on(void **state)
{
	(void)state;
	push(0);
	push(1);
	expect(0);
	memset(&spool, 0, sizeof(spool));
	assert_int_equal(spool_open(&spool, fd, BYTES, &head, &tail), 0);
	expect(1);
}

static void test_positions_that_cannot_be_are_refused(void **state)
{
	(void)state;
	head = 5;
	tail = 6;
	assert_int_equal(spool_open(&spool, fd, BYTES, &head, &tail), -ERANGE);
	head = BYTES + 7;
	assert_int_equal(spool_open(&spool, fd, BYTES, &head, &tail), -ERANGE);
}

static void test_damaged_record_is_skipped(void **state)
{
	(void)state;
	push(0);
	push(1);
	assert_int_equal(pwrite(fd, "X", 1, 16 + 3), 1);
	assert_int_equal(pull(), SPOOL_DAMAGED);
	expect(1);
}

static void test_damaged_length_loses_the_rest(void **state)
{
	(void)state;
	push(0);
	push(1);
	assert_int_equal(pwrite(fd, "\xff\xff\xff", 3, 0), 3);
	assert_int_equal(pull(), SPOOL_LOST);
	assert_true(spool_is_empty(&spool));
	push(2);
	expect(2);
}

static void test_record_of_an_earlier_lap_is_none(void **state)
{
	(void)state;
	push(0);
	tail = head;
	head += BYTES - head; /* as if a disk had lost what was pushed since */
	tail += BYTES - tail;
	head += 16 + 9;
	assert_int_equal(pull(), SPOOL_DAMAGED);
}

static void test_cut_file_loses_what_was_in_it(void **state)
{
	(void)state;
	push(0);
	push(1);
	assert_int_equal(ftruncate(fd, 10), 0);
	assert_int_equal(pull(), SPOOL_LOST);
	assert_true(spool_is_empty(&spool));
	push(2);
	expect(2);
}

static void test_file_of_zeros_loses_what_was_in_it(void **state)
{
	(void)state;
	push(0);
	push(1);
	assert_int_equal(ftruncate(fd, 0), 0);
	assert_int_equal(ftruncate(fd, BYTES), 0);
	assert_int_equal(pull(), SPOOL_LOST);
	assert_true(spool_is_empty(&spool));
}

static void test_long_record_waits_for_a_longer_buffer(void **state)
{
	char small[4];
	size_t length;

	(void)state;
	push(0);
	assert_int_equal(spool_pull(&spool, small, sizeof(small), &length), SPOOL_NO_ROOM);
	expect(0);
}

static void test_any_damage_is_survived(void **state)
{
	struct random random = {{1, 2, 3, 4}};

	(void)state;
	for (int round = 0; round < 2000; round++) {
		unsigned int number = 0, pulls = 0;

		while (push(number))
			number++;
		for (int i = 0; i < 3; i++) {
			uint8_t byte = (uint8_t)random_next(&random);

			assert_int_equal(pwrite(fd, &byte, 1, (off_t)random_below(&random, BYTES)),
					 1);
		}
		while (pull() != SPOOL_EMPTY)
			assert_true(pulls++ <= number);
		assert_true(spool_is_empty(&spool));
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(test_records_come_back_in_order_over_many_laps,
						set_up, tear_down),
		cmocka_unit_test_setup_teardown(test_full_spool_refuses_and_changes_nothing, set_up,
						tear_down),
		cmocka_unit_test_setup_teardown(test_successor_goes_on, set_up, tear_down),
		cmocka_unit_test_setup_teardown(test_positions_that_cannot_be_are_refused, set_up,
						tear_down),
		cmocka_unit_test_setup_teardown(test_damaged_record_is_skipped, set_up, tear_down),
		cmocka_unit_test_setup_teardown(test_damaged_length_loses_the_rest, set_up,
						tear_down),
		cmocka_unit_test_setup_teardown(test_record_of_an_earlier_lap_is_none, set_up,
						tear_down),
		cmocka_unit_test_setup_teardown(test_cut_file_loses_what_was_in_it, set_up,
						tear_down),
		cmocka_unit_test_setup_teardown(test_file_of_zeros_loses_what_was_in_it, set_up,
						tear_down),
		cmocka_unit_test_setup_teardown(test_any_damage_is_survived, set_up, tear_down),
		cmocka_unit_test_setup_teardown(test_long_record_waits_for_a_longer_buffer, set_up,
						tear_down),
	};

	cmocka_set_message_output(CM_OUTPUT_TAP);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
