/* SPDX-License-Identifier: BSD-3-Clause */
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <setjmp.h>
#include <errno.h>
#include <string.h>
#include <unistd.h>
#include <cmocka.h>

#include "aggregator/outputs/queue.h"
#include "ipc/memory.h"

#define BYTES 4096

static struct queue queue;
static uint64_t head, tail;
static int fd;

static int set_up(void **state)
{
	(void)state;
	head = tail = 0;
	fd = memory_create("test", BYTES);
	return queue_open(&queue, fd, BYTES, &head, &tail);
}

static int tear_down(void **state)
{
	(void)state;
	queue_close(&queue);
	close(fd);
	return 0;
}

static bool push(const char *text)
{
	uint8_t *room = queue_reserve(&queue, strlen(text));

	if (!room)
		return false;
	memcpy(room, text, strlen(text));
	queue_push(&queue, strlen(text));
	return true;
}

static void assert_is(const struct iovec *record, const char *text)
{
	assert_int_equal(record->iov_len, strlen(text));
	assert_memory_equal(record->iov_base, text, strlen(text));
}

static void test_records_come_out_as_they_went_in(void **state)
{
	struct iovec records[4];
	uint64_t next;

	(void)state;
	assert_true(queue_is_empty(&queue));
	assert_true(push("one"));
	assert_true(push("thirteen long"));
	assert_int_equal(queue_peek(&queue, tail, records, 4, BYTES, &next), 2);
	assert_is(&records[0], "one");
	assert_is(&records[1], "thirteen long");
	assert_int_equal(next, head);
	queue_pop(&queue, next);
	assert_true(queue_is_empty(&queue));
	assert_int_equal(queue_peek(&queue, tail, records, 4, BYTES, &next), 0);
}

static void test_peek_takes_no_more_than_asked(void **state)
{
	struct iovec records[4];
	uint64_t next;

	(void)state;
	for (int i = 0; i < 4; i++)
		push("12345678");
	assert_int_equal(queue_peek(&queue, tail, records, 3, BYTES, &next), 3);
	assert_int_equal(queue_peek(&queue, next, records, 3, BYTES, &next), 1);
	assert_int_equal(queue_peek(&queue, tail, records, 4, 9, &next), 2);
	assert_int_equal(next, 32);
}

static void test_reserved_room_may_be_used_in_part(void **state)
{
	struct iovec record;
	uint64_t next;

	(void)state;
	assert_non_null(queue_reserve(&queue, 1000));
	queue_push(&queue, 1);
	assert_int_equal(head, 16);
	assert_non_null(queue_reserve(&queue, 1000)); /* given up: nothing has happened */
	assert_int_equal(head, 16);
	assert_int_equal(queue_peek(&queue, tail, &record, 1, BYTES, &next), 1);
	assert_int_equal(record.iov_len, 1);
}

static void test_full_queue_refuses_until_something_goes(void **state)
{
	struct iovec record;
	uint64_t next;
	int pushed = 0;

	(void)state;
	while (push("12345678"))
		pushed++;
	assert_int_equal(pushed, BYTES / 16);
	assert_null(queue_reserve(&queue, 1));
	assert_int_equal(queue_peek(&queue, tail, &record, 1, BYTES, &next), 1);
	queue_pop(&queue, next);
	assert_null(queue_reserve(&queue, 9));
	assert_true(push("again"));
}

static void test_record_that_wraps_around_is_in_one_part(void **state)
{
	char text[1001] = {0};
	struct iovec record;
	uint64_t next;

	(void)state;
	for (int i = 0; i < 100; i++) {
		memset(text, 'a' + i % 26, sizeof(text) - 1);
		assert_true(push(text));
		assert_int_equal(queue_peek(&queue, tail, &record, 1, BYTES, &next), 1);
		assert_is(&record, text);
		queue_pop(&queue, next);
	}
}

static void test_successor_goes_on_at_committed_positions(void **state)
{
	struct iovec records[2];
	uint64_t committed, next;
	struct queue other;

	(void)state;
	push("committed");
	committed = head;
	push("not committed");
	head = committed;
	assert_int_equal(queue_open(&other, fd, BYTES, &head, &tail), 0);
	assert_int_equal(queue_peek(&other, tail, records, 2, BYTES, &next), 1);
	assert_is(&records[0], "committed");
	queue_close(&other);
}

static void test_damaged_length_is_told(void **state)
{
	static const uint64_t lengths[] = {0, 5000, 4096, 9, UINT64_MAX, UINT64_MAX - 7};
	struct iovec record;
	uint64_t next;

	(void)state;
	push("12345678");
	for (size_t i = 0; i < sizeof(lengths) / sizeof(lengths[0]); i++) {
		memcpy(queue.data, &lengths[i], sizeof(lengths[i]));
		assert_int_equal(queue_peek(&queue, tail, &record, 1, BYTES, &next), -EBADMSG);
	}
}

static void test_queue_of_another_size_or_place_is_refused(void **state)
{
	struct queue other;
	uint64_t from, to;

	(void)state;
	assert_int_equal(queue_open(&other, fd, 2 * BYTES, &head, &tail), -EINVAL);
	queue_close(&other);
	to = 4;
	from = 0;
	assert_int_equal(queue_open(&other, fd, BYTES, &to, &from), -ERANGE);
	to = BYTES + 8;
	assert_int_equal(queue_open(&other, fd, BYTES, &to, &from), -ERANGE);
	to = 0;
	from = 8;
	assert_int_equal(queue_open(&other, fd, BYTES, &to, &from), -ERANGE);
	queue_close(&other);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(test_records_come_out_as_they_went_in),
		TEST(test_peek_takes_no_more_than_asked),
		TEST(test_reserved_room_may_be_used_in_part),
		TEST(test_full_queue_refuses_until_something_goes),
		TEST(test_record_that_wraps_around_is_in_one_part),
		TEST(test_successor_goes_on_at_committed_positions),
		TEST(test_damaged_length_is_told),
		TEST(test_queue_of_another_size_or_place_is_refused),
	};

	cmocka_set_message_output(CM_OUTPUT_TAP);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
