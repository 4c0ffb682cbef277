/* SPDX-License-Identifier: BSD-3-Clause */
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <setjmp.h>
#include <cmocka.h>

#include <stdlib.h>
#include <string.h>

#include "dns/name.h"
#include "ipc/event_codec.h"
#include "ipc/ring.h"

#define ROOM 70000

/* Where the head has what is not believed. */
#define QUERY_BYTES_AT	   16
#define MESSAGE_LENGTH_AT  52
#define QUERY_VERSION_AT   72
#define KIND_AT		   74
#define PROTOCOL_AT	   75
#define VERDICT_AT	   76
#define UNANSWERED_AT	   77
#define QNAME_LENGTH_AT	   78
#define IDENTITY_LENGTH_AT 79
#define HEAD_SIZE	   80

static uint8_t room[ROOM] __attribute__((aligned(8)));

#define SLICE(bytes)                                      \
	(struct slice)                                    \
	{                                                 \
		(const uint8_t *)bytes, sizeof(bytes) - 1 \
	}

static struct event sample(void)
{
	return (struct event){
		.time_ns = 1600282313547352000,
		.latency_ns = EVENT_NO_LATENCY,
		.query_address = {{192, 0, 2, 1}, 4},
		.response_address = {{0x20, 1, 0xd, 0xb8, [15] = 1}, 6},
		.query_port = 40000,
		.response_port = 53,
		.id = 0xabcd,
		.flags = 0x8180,
		.rcode = 16,
		.type = 28,
		.class = 1,
		.rule = 7,
		.kind = EVENT_CLIENT_RESPONSE,
		.protocol = EVENT_DOT,
		.verdict = EVENT_REWRITTEN,
		.is_unanswered = true,
		.length = 123456,
		.qname = SLICE("\3wWw\7example\3org\0"),
		.identity = SLICE("r\303\251solveur"),
		.message = SLICE("\0\1\2\3\4\5\6\7\10\11\12\13"),
	};
}

static void assert_slices_equal(struct slice a, struct slice b)
{
	assert_int_equal(a.length, b.length);
	assert_memory_equal(a.data, b.data, a.length);
}

static void assert_events_equal(const struct event *a, const struct event *b)
{
	assert_int_equal(a->time_ns, b->time_ns);
	assert_int_equal(a->latency_ns, b->latency_ns);
	assert_true(address_equal(&a->query_address, &b->query_address));
	assert_true(address_equal(&a->response_address, &b->response_address));
	assert_int_equal(a->query_port, b->query_port);
	assert_int_equal(a->response_port, b->response_port);
	assert_int_equal(a->id, b->id);
	assert_int_equal(a->flags, b->flags);
	assert_int_equal(a->rcode, b->rcode);
	assert_int_equal(a->type, b->type);
	assert_int_equal(a->class, b->class);
	assert_int_equal(a->rule, b->rule);
	assert_int_equal(a->kind, b->kind);
	assert_int_equal(a->protocol, b->protocol);
	assert_int_equal(a->verdict, b->verdict);
	assert_int_equal(a->is_unanswered, b->is_unanswered);
	assert_int_equal(a->length, b->length);
	assert_slices_equal(a->qname, b->qname);
	assert_slices_equal(a->identity, b->identity);
	assert_slices_equal(a->message, b->message);
}

/* Encodes into the room, of which every other byte is seen to stay as it was. */
static uint32_t encode(const struct event *event)
{
	uint32_t length = event_encoded_length(event);

	assert_true(length <= RING_RECORD_MAX && length + 8 <= ROOM);
	memset(room, 0xa5, sizeof(room));
	event_encode(event, room);
	for (uint32_t at = length; at < length + 8; at++)
		assert_int_equal(room[at], 0xa5);
	return length;
}

/* Decodes a copy of exactly that size, so that a sanitizer sees every read too far. */
static bool is_decoded(uint32_t length)
{
	uint8_t *copy = malloc(length ? length : 1);
	struct event event;
	bool is_valid;

	memcpy(copy, room, length);
	is_valid = event_decode((struct slice){copy, length}, &event);
	free(copy);
	return is_valid;
}

static void assert_survives(const struct event *event)
{
	uint32_t length = encode(event);
	struct event decoded;

	assert_true(event_decode((struct slice){room, length}, &decoded));
	assert_events_equal(event, &decoded);
	assert_true(is_decoded(length));
}

static void test_event_survives_the_ring(void **state)
{
	struct event event = sample();

	(void)state;
	assert_survives(&event);
}

static void test_event_without_anything_is_its_head(void **state)
{
	struct event event = {.kind = EVENT_AUTH_QUERY, .protocol = EVENT_UDP};

	(void)state;
	assert_int_equal(event_encoded_length(&event), HEAD_SIZE);
	assert_survives(&event);
}

static void test_parts_of_every_length_are_aligned_and_padded_with_zeros(void **state)
{
	static uint8_t bytes[EVENT_MESSAGE_MAX];
	struct event event = sample();

	(void)state;
	memset(bytes, 0xff, sizeof(bytes));
	for (size_t length = 0; length <= EVENT_IDENTITY_MAX; length++) {
		event.identity = (struct slice){bytes, length};
		event.message = (struct slice){bytes, EVENT_IDENTITY_MAX - length};
		assert_survives(&event);
		assert_int_equal(event_encoded_length(&event) % 8, 0);
		for (size_t at = HEAD_SIZE + 24 + length; at % 8; at++)
			assert_int_equal(room[at], 0);
	}
	event.message = (struct slice){bytes, EVENT_MESSAGE_MAX};
	assert_survives(&event);
}

static void test_longest_name_survives(void **state)
{
	struct event event = sample();
	uint8_t name[DNS_NAME_MAX] = {0};

	(void)state;
	for (size_t at = 0; at + 2 < sizeof(name); at += 2)
		name[at] = 1;
	event.qname = (struct slice){name, sizeof(name)};
	assert_survives(&event);
	event.qname = SLICE("\0");
	assert_survives(&event);
}

static void test_record_of_any_other_length_is_refused(void **state)
{
	struct event event = sample();
	uint32_t length = encode(&event);

	(void)state;
	for (uint32_t other = 0; other < length + 16; other++)
		assert_int_equal(is_decoded(other), other == length);
}

static void assert_refused_at(size_t at, uint8_t value)
{
	struct event event = sample();
	uint32_t length = encode(&event);

	assert_int_not_equal(room[at], value);
	room[at] = value;
	assert_false(is_decoded(length));
}

static void test_numbers_out_of_range_are_refused(void **state)
{
	(void)state;
	assert_refused_at(KIND_AT, 0);
	assert_refused_at(KIND_AT, EVENT_KIND_END);
	assert_refused_at(PROTOCOL_AT, 0);
	assert_refused_at(PROTOCOL_AT, EVENT_PROTOCOL_END);
	assert_refused_at(VERDICT_AT, EVENT_VERDICT_END);
	assert_refused_at(UNANSWERED_AT, 2);
	assert_refused_at(MESSAGE_LENGTH_AT + 3, 1);
	assert_refused_at(QNAME_LENGTH_AT, 0);
	assert_refused_at(QNAME_LENGTH_AT, 255);
	assert_refused_at(IDENTITY_LENGTH_AT, 1);
}

static void test_addresses_of_no_version_are_refused(void **state)
{
	(void)state;
	assert_refused_at(QUERY_VERSION_AT, 5);
	assert_refused_at(QUERY_VERSION_AT, 0); /* with bytes */
	assert_refused_at(QUERY_BYTES_AT + 4, 1);
	assert_refused_at(QUERY_BYTES_AT + 15, 1);
}

static void test_names_that_are_none_are_refused(void **state)
{
	(void)state;
	assert_refused_at(HEAD_SIZE, 2);	    /* a label ends inside the next */
	assert_refused_at(HEAD_SIZE, 0);	    /* the root label too early */
	assert_refused_at(HEAD_SIZE, 0xc0);	    /* a pointer */
	assert_refused_at(HEAD_SIZE + 12, 4);	    /* no root label */
	assert_refused_at(QNAME_LENGTH_AT, 18);	    /* longer than the name, within its words */
	assert_refused_at(QNAME_LENGTH_AT, 17 - 1); /* shorter: the root label is padding */
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_event_survives_the_ring),
		cmocka_unit_test(test_event_without_anything_is_its_head),
		cmocka_unit_test(test_parts_of_every_length_are_aligned_and_padded_with_zeros),
		cmocka_unit_test(test_longest_name_survives),
		cmocka_unit_test(test_record_of_any_other_length_is_refused),
		cmocka_unit_test(test_numbers_out_of_range_are_refused),
		cmocka_unit_test(test_addresses_of_no_version_are_refused),
		cmocka_unit_test(test_names_that_are_none_are_refused),
	};

	cmocka_set_message_output(CM_OUTPUT_TAP);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
