/* SPDX-License-Identifier: BSD-3-Clause */
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <setjmp.h>
#include <cmocka.h>

#include <string.h>

#include "base/cursor.h"
#include "tools/bench/frame.h"

static struct frame frame;
static uint8_t stream[200000];

/* A message of so many octets, which count from its number on. */
static size_t message_put(size_t at, uint8_t number, uint16_t length)
{
	be16_store(stream + at, length);
	for (uint16_t i = 0; i < length; i++)
		stream[at + 2 + i] = (uint8_t)(number + i);
	return at + 2 + length;
}

static void assert_message(struct slice message, uint8_t number, uint16_t length)
{
	assert_int_equal(message.length, length < ANSWER_KEPT ? length : ANSWER_KEPT);
	for (size_t i = 0; i < message.length; i++)
		assert_int_equal(message.data[i], (uint8_t)(number + i));
}

/* Gives the stream in pieces of so many octets. */
static void assert_messages(size_t size, size_t piece, const uint16_t *lengths, uint8_t count)
{
	uint8_t number = 0;
	struct slice message;

	frame = (struct frame){0};
	for (size_t at = 0; at < size; at += piece) {
		struct slice bytes = {stream + at, size - at < piece ? size - at : piece};

		while (frame_next(&frame, &bytes, &message)) {
			assert_in_range(number, 0, count - 1);
			assert_message(message, number, lengths[number]);
			number++;
		}
		assert_int_equal(bytes.length, 0);
	}
	assert_int_equal(number, count);
}

static void test_frame_takes_messages_in_pieces_of_any_size(void **state)
{
	static const uint16_t lengths[] = {
		12, 0, 1, ANSWER_KEPT - 1, ANSWER_KEPT, ANSWER_KEPT + 1, 65535, 40};
	static const size_t pieces[] = {1, 2, 3, 7, 13, 280, 4096, sizeof(stream)};
	size_t size = 0;

	(void)state;
	for (uint8_t i = 0; i < 8; i++)
		size = message_put(size, i, lengths[i]);
	for (int i = 0; i < 8; i++)
		assert_messages(size, pieces[i], lengths, 8);
}

static void test_frame_waits_for_the_last_octet(void **state)
{
	size_t size = message_put(0, 0, 100);
	struct slice bytes = {stream, size - 1}, message;

	(void)state;
	frame = (struct frame){0};
	assert_false(frame_next(&frame, &bytes, &message));
	bytes = (struct slice){stream + size - 1, 0};
	assert_false(frame_next(&frame, &bytes, &message));
	bytes.length = 1;
	assert_true(frame_next(&frame, &bytes, &message));
	assert_message(message, 0, 100);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_frame_takes_messages_in_pieces_of_any_size),
		cmocka_unit_test(test_frame_waits_for_the_last_octet),
	};

	cmocka_set_message_output(CM_OUTPUT_TAP);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
