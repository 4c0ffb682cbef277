/* SPDX-License-Identifier: BSD-3-Clause */
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <setjmp.h>
#include <cmocka.h>

#include "streams_rig.h"

#define PORT	53
#define SECOND	INT64_C(1000000000)
#define MESSAGE 100 /* bytes, most often; 102 with the prefix */
#define WHOLE	(MESSAGE + 2)

static uint8_t bytes[1 << 20]; /* the stream that a test sends */

static int setup(void **state)
{
	static struct rig rig;

	rig_open(&rig, &streams_default_limits);
	*state = &rig;
	return 0;
}

static int teardown(void **state)
{
	struct rig *rig = *state;

	assert_true(rig_is_balanced(rig));
	rig_close(rig);
	return 0;
}

/* Other limits than the default ones. */
static void reopen(struct rig *rig, const struct streams_limits *limits)
{
	rig_close(rig);
	rig_open(rig, limits);
}

/* Messages of that length, numbered from 0, in bytes; returns the bytes. */
static uint32_t write_messages(unsigned count, uint32_t length)
{
	uint32_t at = 0;

	for (unsigned i = 0; i < count; i++)
		at += message_write(bytes + at, i, length);
	return at;
}

/* Gives the part [from, to) of bytes; sequence numbers begin at 1000. */
static unsigned give(struct rig *rig, uint32_t from, uint32_t to)
{
	return rig_give(rig, PORT, 1000 + from, bytes + from, to - from, 0);
}

static void give_syn(struct rig *rig)
{
	assert_int_equal(rig_give(rig, PORT, 999, NULL, 0, SYN), 0);
}

static void test_streams_give_message_in_place(void **state)
{
	struct rig *rig = *state;

	write_messages(1, MESSAGE);
	assert_int_equal(give(rig, 0, WHOLE), 1);
	assert_ptr_equal(rig->last.data, bytes + 2);
	assert_int_equal(rig->last.length, MESSAGE);
	assert_int_equal(rig->from.source_port, PORT);
	assert_int_equal(rig->from.destination_port, 4242);
	assert_int_equal(rig->from.source.bytes[0], 192);
	assert_int_equal(rig->from.destination.bytes[0], 198);
	assert_int_equal(rig->counts.used, 1);
}

static void test_streams_give_many_messages_of_one_segment(void **state)
{
	struct rig *rig = *state;

	give_syn(rig);
	assert_int_equal(give(rig, 0, write_messages(50, 12)), 50);
	assert_int_equal(rig->counts.in, 1);
	assert_int_equal(rig->counts.used, 1);
	assert_int_equal(rig->missed, 0);
}

static void test_streams_join_message_of_single_bytes(void **state)
{
	struct rig *rig = *state;
	uint32_t length = write_messages(3, 1000), messages = 0;

	give_syn(rig);
	for (uint32_t i = 0; i < length; i++) {
		messages += give(rig, i, i + 1);
		assert_true(rig_is_balanced(rig));
	}
	assert_int_equal(messages, 3);
	assert_int_equal(rig->counts.used, length);
	assert_int_equal(rig_held(rig), 0);
}

static void test_streams_join_longest_message(void **state)
{
	struct rig *rig = *state;
	uint32_t length = write_messages(2, 65535), messages = 0;

	give_syn(rig);
	for (uint32_t i = 0; i < length; i += 1460)
		messages += give(rig, i, i + 1460 < length ? i + 1460 : length);
	assert_int_equal(messages, 2);
	assert_int_equal(rig->last.length, 65535);
	assert_int_equal(rig_dropped(rig), 0);
}

static void test_streams_give_messages_of_huge_segment(void **state)
{
	struct rig *rig = *state;
	uint32_t length = write_messages(5, 65535);

	assert_int_equal(give(rig, 0, length - 1), 4);
	assert_int_equal(give(rig, length - 1, length), 1);
}

static void test_streams_trust_prefix_after_syn(void **state)
{
	struct rig *rig = *state;

	message_write(bytes, 0, 30);
	memset(bytes + 6, 0xff, 8);
	give_syn(rig);
	assert_int_equal(give(rig, 0, 32), 1);
}

static void test_streams_take_data_of_syn(void **state)
{
	struct rig *rig = *state;

	write_messages(2, MESSAGE);
	assert_int_equal(rig_give(rig, PORT, 999, bytes, WHOLE + 10, SYN), 1);
	assert_int_equal(rig_give(rig, PORT, 999, bytes, WHOLE + 10, SYN), 0);
	assert_int_equal(give(rig, WHOLE + 10, 2 * WHOLE), 1);
	assert_int_equal(rig->counts.dropped[PIECE_DUPLICATE], 1);
}

static void permute(struct rig *rig, unsigned done, unsigned *order)
{
	static const uint32_t cuts[6] = {0, 1, 150, 204, 305, 3 * WHOLE};

	for (unsigned i = 0; done < 5 && i < 5; i++) {
		bool is_used = false;

		for (unsigned j = 0; j < done; j++)
			is_used |= order[j] == i;
		order[done] = i;
		if (!is_used)
			permute(rig, done + 1, order);
	}
	if (done < 5)
		return;
	rig->next[PORT] = 0;
	rig->messages = 0;
	give_syn(rig);
	for (unsigned i = 0; i < 5; i++) {
		give(rig, cuts[order[i]], cuts[order[i] + 1]);
		assert_true(rig_is_balanced(rig));
	}
	assert_int_equal(rig->messages, 3);
	assert_int_equal(rig_held(rig), 0);
	rig_give(rig, PORT, 1000, NULL, 0, RST);
}

static void test_streams_take_segments_in_any_order(void **state)
{
	struct rig *rig = *state;
	unsigned order[5];

	write_messages(3, MESSAGE);
	permute(rig, 0, order);
	assert_int_equal(rig->counts.used, 120 * 5);
	assert_int_equal(rig->missed, 0);
}

/* Pieces of a stream in random order, repeated and overlapping, until all of it was sent. */
static void give_shuffled(struct rig *rig, uint64_t *seed, uint32_t length, uint32_t start)
{
	uint32_t from = 0;

	while (from < length) {
		uint32_t window = from + 1 + chance(seed, 4000), at, more;

		if (chance(seed, 3) == 0)
			window = from + 1;
		if (window > length)
			window = length;
		at = from > 300 ? from - chance(seed, 300) : 0;
		at += chance(seed, window - at);
		more = 1 + chance(seed, 600);
		if (more > length - at)
			more = length - at;
		rig_give(rig, PORT, start + at, bytes + at, more, 0);
		assert_true(rig_is_balanced(rig));
		if (at <= from && at + more > from)
			from = at + more;
	}
	for (uint32_t at = 0; at < length; at += 500)
		rig_give(rig, PORT, start + at, bytes + at, length - at < 500 ? length - at : 500,
			 0);
}

static void test_streams_take_random_pieces(void **state)
{
	struct rig *rig = *state;
	uint64_t seed = 4711;

	for (unsigned round = 0; round < 100; round++) {
		uint32_t at = 0, start = round % 2 ? UINT32_MAX - 5000 : 1000;
		unsigned count = 0;

		for (; at < 20000; count++)
			at += message_write(bytes + at, count, 12 + chance(&seed, 700));
		rig->next[PORT] = 0;
		rig->messages = 0;
		rig_give(rig, PORT, start - 1, NULL, 0, SYN);
		give_shuffled(rig, &seed, at, start);
		assert_int_equal(rig->messages, count);
		assert_int_equal(rig_held(rig), 0);
		rig_give(rig, PORT, start + at, NULL, 0, FIN);
	}
	assert_int_equal(rig->missed, 0);
	assert_int_equal(rig_dropped(rig), rig->counts.dropped[PIECE_DUPLICATE]);
}

static void test_streams_keep_bytes_that_came_first(void **state)
{
	struct rig *rig = *state;
	uint8_t other[200];

	memset(other, 0xee, sizeof(other));
	write_messages(2, MESSAGE);
	give_syn(rig);
	give(rig, 10, 60);
	give(rig, 100, 204);
	rig_give(rig, PORT, 1005, other, 1, 0);
	assert_int_equal(rig->counts.in, 3);
	give(rig, 0, 5);
	/* The byte at 5 is not the message's own, but was there first: put it right for the check.
	 */
	assert_int_equal(rig_held(rig), 4);
	bytes[5] = 0xee;
	give(rig, 6, 10);
	memcpy(other, bytes + 60, 40);
	assert_int_equal(rig_give(rig, PORT, 1060, other, 140, 0), 2);
	assert_int_equal(rig->counts.used, 6);
}

static void test_streams_count_repeated_segment(void **state)
{
	struct rig *rig = *state;

	write_messages(3, MESSAGE);
	give_syn(rig);
	give(rig, 0, 50);
	give(rig, 0, 50);
	give(rig, 20, 30);
	give(rig, 150, 200);
	give(rig, 200, 250);
	give(rig, 160, 240);
	assert_int_equal(rig->counts.dropped[PIECE_DUPLICATE], 3);
	assert_int_equal(give(rig, 50, 3 * WHOLE), 3);
	assert_int_equal(give(rig, 0, 3 * WHOLE), 0);
	assert_int_equal(rig->counts.dropped[PIECE_DUPLICATE], 4);
	assert_int_equal(rig->counts.used, 4);
}

static void test_streams_wrap_sequence_numbers(void **state)
{
	struct rig *rig = *state;
	uint32_t length = write_messages(20, MESSAGE), start = UINT32_MAX - 900;

	for (uint32_t at = 0; at < length; at += 60)
		rig_give(rig, PORT, start + at, bytes + at, 60, 0);
	assert_int_equal(rig->messages, 20);
	assert_int_equal(rig_dropped(rig), 0);
}

static void test_streams_give_up_hole_when_much_waits(void **state)
{
	struct rig *rig = *state;
	uint32_t length = write_messages(1000, MESSAGE), at = 3 * WHOLE;

	give_syn(rig);
	assert_int_equal(give(rig, 0, 150), 1);
	while (!rig->missed) {
		give(rig, at, at + 20 * WHOLE);
		at += 20 * WHOLE;
	}
	assert_in_range(at, 64 << 10, (64 << 10) + 25 * WHOLE);
	assert_int_equal(rig->missed, 2);
	assert_int_equal(rig->counts.dropped[PIECE_BYTES], 1);
	give(rig, at, length);
	assert_int_equal(rig->messages, 998);
}

static void test_streams_give_up_hole_when_many_wait(void **state)
{
	struct rig *rig = *state;

	write_messages(200, MESSAGE);
	give_syn(rig);
	give(rig, 0, 20);
	for (uint32_t i = 1; i <= 64; i++)
		give(rig, i * WHOLE, (i + 1) * WHOLE);
	assert_int_equal(rig->messages, 64);
	assert_int_equal(rig->counts.dropped[PIECE_ENTRIES], 1);
}

static void test_streams_give_up_hole_in_time(void **state)
{
	struct rig *rig = *state;

	write_messages(6, MESSAGE);
	give_syn(rig);
	give(rig, 0, 20);
	rig->now_ns = 10 * SECOND;
	give(rig, WHOLE, 2 * WHOLE);
	rig->now_ns = 12 * SECOND - 1;
	give(rig, 2 * WHOLE, 3 * WHOLE);
	assert_int_equal(rig_expire(rig), 0);
	rig->now_ns = 12 * SECOND;
	assert_int_equal(rig_expire(rig), 2);
	assert_int_equal(rig->counts.dropped[PIECE_AGE], 1);
	give(rig, 4 * WHOLE, 5 * WHOLE);
	rig->now_ns = 14 * SECOND;
	assert_int_equal(give(rig, 5 * WHOLE, 6 * WHOLE), 2);
}

static void test_streams_give_up_holes_one_after_the_other(void **state)
{
	struct rig *rig = *state;

	write_messages(10, MESSAGE);
	give_syn(rig);
	give(rig, 5 * WHOLE, 6 * WHOLE + 50);
	give(rig, 2 * WHOLE, 3 * WHOLE);
	give(rig, 7 * WHOLE + 3, 8 * WHOLE);
	give(rig, 8 * WHOLE, 9 * WHOLE);
	assert_int_equal(rig_flush(rig), 3);
	assert_int_equal(rig->counts.used, 2);
	assert_int_equal(rig->counts.dropped[PIECE_OUT_OF_SYNC], 1);
	assert_int_equal(rig->counts.dropped[PIECE_CLOSED], 1);
	assert_int_equal(rig_held(rig), 0);
}

static void give_up_at(struct rig *rig, uint8_t flag)
{
	write_messages(3, MESSAGE);
	give_syn(rig);
	give(rig, 0, 20);
	give(rig, WHOLE, 2 * WHOLE);
	assert_int_equal(rig_give(rig, PORT, 1000 + 2 * WHOLE, bytes + 2 * WHOLE,
				  flag == RST ? 0 : 50, flag),
			 1);
	assert_int_equal(rig->counts.dropped[PIECE_CLOSED], flag == RST ? 1 : 2);
	assert_int_equal(rig_held(rig), 0);
}

static void test_streams_give_up_hole_at_fin(void **state)
{
	give_up_at(*state, FIN);
}

static void test_streams_give_up_hole_at_rst(void **state)
{
	give_up_at(*state, RST);
}

static void test_streams_wait_for_data_before_early_fin(void **state)
{
	struct rig *rig = *state;

	write_messages(1, MESSAGE);
	give_syn(rig);
	give(rig, 0, 50);
	rig_give(rig, PORT, 1000 + WHOLE, NULL, 0, FIN);
	assert_int_equal(rig_held(rig), 1);
	assert_int_equal(give(rig, 50, WHOLE), 1);
	give(rig, 0, 50);
	assert_int_equal(rig->counts.dropped[PIECE_DUPLICATE], 1);
}

static void test_streams_end_when_early_fin_waited_in_vain(void **state)
{
	struct rig *rig = *state;

	write_messages(1, MESSAGE);
	give(rig, 0, 50);
	rig_give(rig, PORT, 1000 + WHOLE, NULL, 0, FIN);
	rig->now_ns += 2 * SECOND - 1;
	rig_expire(rig);
	assert_int_equal(rig_held(rig), 1);
	rig->now_ns++;
	rig_expire(rig);
	assert_int_equal(rig->counts.dropped[PIECE_AGE], 1);
}

static void test_streams_know_repeated_segment_after_end(void **state)
{
	struct rig *rig = *state;

	write_messages(2, MESSAGE);
	assert_int_equal(rig_give(rig, PORT, 1000, bytes, WHOLE, FIN), 1);
	assert_int_equal(rig_give(rig, PORT, 1000, bytes, WHOLE, FIN), 0);
	assert_int_equal(rig->counts.dropped[PIECE_DUPLICATE], 1);
	/* But what is new is taken. */
	assert_int_equal(give(rig, WHOLE, 2 * WHOLE), 1);
}

static void test_streams_begin_again_with_new_syn(void **state)
{
	struct rig *rig = *state;

	write_messages(2, MESSAGE);
	give_syn(rig);
	give(rig, 0, 50);
	give(rig, 60, 70);
	rig_give(rig, PORT, 4999, NULL, 0, SYN);
	assert_int_equal(rig->counts.dropped[PIECE_CLOSED], 2);
	assert_int_equal(rig_give(rig, PORT, 5000, bytes, WHOLE, 0), 1);
	rig_give(rig, PORT, 5000 + WHOLE, NULL, 0, FIN);
	/* A SYN that names a place of the stream before is new, too. */
	rig_give(rig, PORT, 5010, NULL, 0, SYN);
	assert_int_equal(rig_give(rig, PORT, 5011, bytes + WHOLE, WHOLE, 0), 1);
}

static void test_streams_take_late_syn(void **state)
{
	struct rig *rig = *state;

	write_messages(3, MESSAGE);
	give(rig, 0, WHOLE + 2);
	give_syn(rig);
	assert_int_equal(rig_held(rig), 1);
	assert_int_equal(give(rig, WHOLE + 2, 3 * WHOLE), 2);
}

static void test_streams_find_first_message_without_syn(void **state)
{
	struct rig *rig = *state;

	write_messages(4, MESSAGE);
	give(rig, 30, WHOLE);
	assert_int_equal(rig->counts.dropped[PIECE_OUT_OF_SYNC], 1);
	assert_int_equal(give(rig, WHOLE, 3 * WHOLE + 20), 2);
	assert_int_equal(give(rig, 3 * WHOLE + 20, 4 * WHOLE), 1);
}

static void test_streams_find_message_whose_prefix_came_alone(void **state)
{
	struct rig *rig = *state;

	write_messages(3, MESSAGE);
	assert_int_equal(give(rig, 0, 2), 0);
	assert_int_equal(give(rig, 2, WHOLE), 1);
	assert_int_equal(give(rig, WHOLE, WHOLE + 2), 0);
	assert_int_equal(give(rig, WHOLE + 2, 2 * WHOLE), 1);
	assert_int_equal(rig->counts.used, 4);
}

static void test_streams_test_segment_after_false_prefix(void **state)
{
	struct rig *rig = *state;

	write_messages(2, MESSAGE);
	rig_give(rig, PORT, 990, "\x77\x77\x77\x77\x77", 5, 0);
	rig_give(rig, PORT, 995, "\x66\x66\x66\x66\x66", 5, 0);
	assert_int_equal(rig_held(rig), 2);
	assert_int_equal(give(rig, 0, 2 * WHOLE), 2);
	assert_int_equal(rig->counts.dropped[PIECE_OUT_OF_SYNC], 2);
}

static void test_streams_search_after_impossible_length(void **state)
{
	struct rig *rig = *state;

	write_messages(3, MESSAGE);
	give_syn(rig);
	give(rig, 0, WHOLE);
	bytes[WHOLE] = 0;
	bytes[WHOLE + 1] = 11;
	assert_int_equal(give(rig, WHOLE, 2 * WHOLE), 0);
	assert_int_equal(rig->counts.dropped[PIECE_OUT_OF_SYNC], 1);
	assert_int_equal(give(rig, 2 * WHOLE, 3 * WHOLE), 1);
}

static void test_streams_refuse_implausible_headers_in_search(void **state)
{
	static const struct {
		uint8_t at, value;
	} changes[] = {{4, 7 << 3}, {7, 2}, {7, 0}, {9, 9}, {11, 9}, {13, 9}, {6, 1}};
	struct rig *rig = *state;

	for (unsigned i = 0; i < 7; i++) {
		write_messages(1, MESSAGE);
		bytes[changes[i].at] = changes[i].value;
		assert_int_equal(rig_give(rig, 1000 + i, 1, bytes, WHOLE, 0), 0);
	}
	assert_int_equal(rig->counts.dropped[PIECE_OUT_OF_SYNC], 7);
	/* Behind a prefix that was missed. */
	message_write(bytes, 500, MESSAGE);
	assert_int_equal(rig_give(rig, PORT, 1, bytes + 2, MESSAGE, 0), 0);
	assert_int_equal(rig->counts.dropped[PIECE_OUT_OF_SYNC], 8);
	write_messages(1, MESSAGE);
	bytes[4] = 6 << 3;
	bytes[7] = 1;
	bytes[9] = 7;
	assert_int_equal(rig_give(rig, PORT, 200, bytes, WHOLE, 0), 1);
}

static void test_streams_lose_guess_at_implausible_header(void **state)
{
	struct rig *rig = *state;

	write_messages(4, MESSAGE);
	bytes[WHOLE + 6] = 0xff;
	assert_int_equal(give(rig, 0, 2 * WHOLE), 1);
	assert_int_equal(rig->counts.dropped[PIECE_OUT_OF_SYNC], 1);
	assert_int_equal(give(rig, 2 * WHOLE, 4 * WHOLE), 2);
}

static void test_streams_follow_stream_that_moved(void **state)
{
	struct rig *rig = *state;
	uint32_t far = 1000 + WHOLE + (1 << 21);

	write_messages(8, MESSAGE);
	give_syn(rig);
	give(rig, 0, WHOLE);
	for (uint32_t i = 2; i < 4; i++)
		assert_int_equal(rig_give(rig, PORT, far + i * WHOLE, bytes + i * WHOLE, WHOLE, 0),
				 0);
	assert_int_equal(rig->counts.dropped[PIECE_OUT_OF_SYNC], 2);
	assert_int_equal(give(rig, WHOLE, 2 * WHOLE), 1);
	for (uint32_t i = 4; i < 7; i++)
		rig_give(rig, PORT, far + i * WHOLE, bytes + i * WHOLE, WHOLE, 0);
	assert_int_equal(rig->messages, 3);
	assert_int_equal(rig->counts.dropped[PIECE_OUT_OF_SYNC], 4);
}

static void test_streams_ignore_far_rst(void **state)
{
	struct rig *rig = *state;

	write_messages(1, MESSAGE);
	give_syn(rig);
	give(rig, 0, 50);
	rig_give(rig, PORT, 1000 + (1 << 22), NULL, 0, RST);
	rig_give(rig, PORT, 1000 + (1 << 22), NULL, 0, FIN);
	assert_int_equal(give(rig, 50, WHOLE), 1);
	rig_give(rig, PORT, 1000, "text", 4, RST);
	rig_give(rig, PORT + 1, 1000, "text", 4, RST);
	assert_int_equal(rig->counts.dropped[PIECE_CLOSED], 2);
}

static void test_streams_do_not_count_empty_segments(void **state)
{
	struct rig *rig = *state;

	rig_give(rig, PORT, 1, NULL, 0, 0);
	rig_give(rig, PORT, 1, NULL, 0, SYN);
	rig_give(rig, PORT, 2, NULL, 0, FIN);
	rig_give(rig, PORT + 1, 2, NULL, 0, FIN);
	rig_give(rig, PORT + 2, 2, NULL, 0, RST);
	assert_int_equal(rig->counts.in, 0);
}

static void test_streams_take_what_is_whole_of_cut_segment(void **state)
{
	struct rig *rig = *state;
	struct packet segment;

	write_messages(6, MESSAGE);
	give_syn(rig);
	segment = rig_segment(PORT, 1000, bytes, WHOLE + 30, 0);
	segment.is_cut = true;
	assert_int_equal(rig_add(rig, &segment), 1);
	assert_int_equal(rig->counts.dropped[PIECE_INVALID], 1);
	assert_int_equal(give(rig, 3 * WHOLE, 4 * WHOLE), 1);
	segment = rig_segment(PORT, 1000 + 5 * WHOLE, bytes + 5 * WHOLE, 30, 0);
	segment.is_cut = true;
	assert_int_equal(rig_add(rig, &segment), 0);
	assert_int_equal(rig->counts.dropped[PIECE_INVALID], 2);
	assert_int_equal(give(rig, 4 * WHOLE, 5 * WHOLE), 1);
	/* Nothing waits for what was cut off a segment that was whole otherwise. */
	segment = rig_segment(PORT + 1, 1, bytes, WHOLE, 0);
	segment.is_cut = true;
	assert_int_equal(rig_add(rig, &segment), 1);
	assert_int_equal(rig_give(rig, PORT + 1, 500, bytes + WHOLE, WHOLE, 0), 1);
}

static void test_streams_end_when_idle(void **state)
{
	struct rig *rig = *state;

	write_messages(1, MESSAGE);
	give(rig, 0, 50);
	rig_give(rig, PORT + 1, 1, bytes, WHOLE, 0);
	rig_give(rig, PORT + 2, 1, bytes, WHOLE, FIN);
	rig->now_ns += 120 * SECOND - 1;
	assert_int_equal(rig_expire(rig), 0);
	assert_int_equal(rig_held(rig), 1);
	rig->now_ns++;
	rig_expire(rig);
	assert_int_equal(rig_held(rig), 0);
	assert_int_equal(rig->counts.dropped[PIECE_AGE], 1);
	/* Forgotten: the same again is new. */
	rig->next[PORT + 2] = 0;
	assert_int_equal(rig_give(rig, PORT + 2, 1, bytes, WHOLE, FIN), 1);
}

static void test_streams_evict_least_recently_used(void **state)
{
	struct streams_limits limits = streams_default_limits;
	struct rig *rig = *state;

	limits.entry_count = 4;
	reopen(rig, &limits);
	write_messages(1, MESSAGE);
	for (unsigned i = 0; i < 4; i++, rig->now_ns++)
		rig_give(rig, i, 1, bytes, 20, 0);
	rig_give(rig, 0, 21, bytes + 20, 20, 0);
	rig->now_ns++;
	rig_give(rig, 4, 1, bytes, 20, 0);
	assert_int_equal(rig->counts.dropped[PIECE_ENTRIES], 1);
	rig->now_ns++;
	assert_int_equal(rig_give(rig, 0, 41, bytes + 40, WHOLE - 40, 0), 1);
	assert_int_equal(rig_give(rig, 1, 21, bytes + 20, WHOLE - 20, 0), 0);
	/* A stream that ended goes before any that lives. */
	rig_give(rig, 0, 1 + WHOLE, NULL, 0, FIN);
	rig->now_ns++;
	rig_give(rig, 5, 1, bytes, 20, 0);
	assert_int_equal(rig_give(rig, 4, 21, bytes + 20, WHOLE - 20, 0), 1);
}

static void test_streams_hold_no_more_bytes_than_allowed(void **state)
{
	struct streams_limits limits = streams_default_limits;
	struct rig *rig = *state;

	limits.buffer_bytes = 64 << 10;
	limits.stream_bytes = 16 << 10;
	reopen(rig, &limits);
	write_messages(1, 10000);
	for (unsigned i = 0; i < 100; i++, rig->now_ns++) {
		rig_give(rig, i, 1, bytes, 8000, 0);
		assert_in_range(rig_held(rig), 1, 8);
		assert_true(rig_is_balanced(rig));
	}
	assert_int_equal(rig->counts.dropped[PIECE_BYTES], 92);
	for (unsigned i = 92; i < 100; i++)
		assert_int_equal(rig_give(rig, i, 8001, bytes + 8000, 2002, 0), 1);
}

static void test_streams_limit_bytes_of_one(void **state)
{
	struct streams_limits limits = streams_default_limits;
	struct rig *rig = *state;

	limits.stream_bytes = 16 << 10;
	reopen(rig, &limits);
	write_messages(1, 40000);
	give_syn(rig);
	give(rig, 0, 15000);
	give(rig, 15000, 30000);
	assert_int_equal(rig->counts.dropped[PIECE_BYTES], 2);
	write_messages(1, MESSAGE);
	assert_int_equal(rig_give(rig, PORT, 31000, bytes, WHOLE, 0), 1);
	rig_give(rig, PORT, 40000, bytes, 20000, 0);
	assert_int_equal(rig->counts.dropped[PIECE_BYTES], 3);
}

static void test_streams_bear_flood_of_streams(void **state)
{
	struct rig *rig = *state;
	struct packet segment;

	write_messages(1, 3000);
	for (uint32_t i = 0; i < 200000; i++, rig->now_ns++) {
		segment = rig_segment(PORT, 1, bytes, 1460, i % 2 ? SYN : 0);
		memcpy(segment.destination.bytes, &i, 4);
		rig_add(rig, &segment);
		assert_in_range(rig_held(rig), 0, 4096);
	}
	assert_true(rig_is_balanced(rig));
	assert_int_equal(rig->counts.dropped[PIECE_ENTRIES], 200000 - 4096);
}

static void test_streams_bear_hostile_backlog(void **state)
{
	struct rig *rig = *state;
	uint64_t seed = 99;

	write_messages(300, MESSAGE);
	give_syn(rig);
	/* One far piece keeps the hole open while the stream goes on byte by byte. */
	give(rig, 20000, 21000);
	for (uint32_t i = 0; i < 5000; i++)
		give(rig, i, i + 1);
	assert_int_equal(rig->messages, 5000 / WHOLE);
	for (unsigned i = 0; i < 20000; i++) {
		uint32_t at = 5000 + chance(&seed, 20000);

		give(rig, at, at + 1 + chance(&seed, 3));
		assert_in_range(rig_held(rig), 0, 4000);
	}
	assert_true(rig_is_balanced(rig));
}

static void test_streams_forget_messages_not_asked_for(void **state)
{
	struct piece_counts counts = {0};
	struct rig *rig = *state;
	struct packet segment;

	write_messages(3, MESSAGE);
	segment = rig_segment(PORT, 1000, bytes, 2 * WHOLE, 0);
	streams_add(rig->streams, &segment, false, rig->committed + 1, 1, &counts);
	rig_commit(rig, &counts);
	assert_int_equal(give(rig, 2 * WHOLE, 3 * WHOLE), 1);
	assert_int_equal(rig->counts.dropped[PIECE_OUT_OF_SYNC], 1);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void)
{
	static const struct CMUnitTest tests[] = {
		TEST(test_streams_give_message_in_place),
		TEST(test_streams_give_many_messages_of_one_segment),
		TEST(test_streams_join_message_of_single_bytes),
		TEST(test_streams_join_longest_message),
		TEST(test_streams_give_messages_of_huge_segment),
		TEST(test_streams_trust_prefix_after_syn),
		TEST(test_streams_take_data_of_syn),
		TEST(test_streams_take_segments_in_any_order),
		TEST(test_streams_take_random_pieces),
		TEST(test_streams_keep_bytes_that_came_first),
		TEST(test_streams_count_repeated_segment),
		TEST(test_streams_wrap_sequence_numbers),
		TEST(test_streams_give_up_hole_when_much_waits),
		TEST(test_streams_give_up_hole_when_many_wait),
		TEST(test_streams_give_up_hole_in_time),
		TEST(test_streams_give_up_holes_one_after_the_other),
		TEST(test_streams_give_up_hole_at_fin),
		TEST(test_streams_give_up_hole_at_rst),
		TEST(test_streams_wait_for_data_before_early_fin),
		TEST(test_streams_end_when_early_fin_waited_in_vain),
		TEST(test_streams_know_repeated_segment_after_end),
		TEST(test_streams_begin_again_with_new_syn),
		TEST(test_streams_take_late_syn),
		TEST(test_streams_find_first_message_without_syn),
		TEST(test_streams_find_message_whose_prefix_came_alone),
		TEST(test_streams_test_segment_after_false_prefix),
		TEST(test_streams_search_after_impossible_length),
		TEST(test_streams_refuse_implausible_headers_in_search),
		TEST(test_streams_lose_guess_at_implausible_header),
		TEST(test_streams_follow_stream_that_moved),
		TEST(test_streams_ignore_far_rst),
		TEST(test_streams_do_not_count_empty_segments),
		TEST(test_streams_take_what_is_whole_of_cut_segment),
		TEST(test_streams_end_when_idle),
		TEST(test_streams_evict_least_recently_used),
		TEST(test_streams_hold_no_more_bytes_than_allowed),
		TEST(test_streams_limit_bytes_of_one),
		TEST(test_streams_bear_flood_of_streams),
		TEST(test_streams_bear_hostile_backlog),
		TEST(test_streams_forget_messages_not_asked_for),
	};

	cmocka_set_message_output(CM_OUTPUT_TAP);
	return cmocka_run_group_tests_name("streams", tests, NULL, NULL);
}
