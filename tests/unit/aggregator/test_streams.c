/* SPDX-License-Identifier: BSD-3-Clause */
#include "aggregator/stats/streams.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "ipc/observation.h"

#define STREAMS 6

static struct config config;
static struct aggregator_state *state;
static struct state_watch watch;
static struct streams_parts parts;
static struct streams *streams;

static int set_up(void **unused)
{
	size_t bytes;

	(void)unused;
	config = config_default;
	config.statistics.streams = STREAMS;
	config.statistics.names = config.statistics.domains = config.statistics.clients =
		config.statistics.tlds = 16;
	bytes = STREAMS * observation_size(&config);
	state = calloc(1, sizeof(*state));
	parts = (struct streams_parts){.config = &config,
				       .suffixes = suffixes_new((struct slice){NULL, 0}),
				       .state = state,
				       .captured = "eth0",
				       .watches = {&watch},
				       .memory = aligned_alloc(64, bytes)};
	memset(parts.memory, 0, bytes);
	streams = streams_new(&parts);
	return 0;
}

static int tear_down(void **unused)
{
	(void)unused;
	streams_free(streams);
	suffixes_free((struct suffixes *)(uintptr_t)parts.suffixes);
	free(parts.memory);
	free(state);
	return 0;
}

static void count(const char *identity, size_t length)
{
	struct event event = {.kind = EVENT_CLIENT_QUERY,
			      .protocol = EVENT_UDP,
			      .latency_ns = EVENT_NO_LATENCY,
			      .identity = {(const uint8_t *)identity, length}};

	streams_count_event(streams, &event);
}

static uint64_t queries(const char *name)
{
	int index = streams_find(streams, name);
	uint64_t value = 0;

	assert_true(index >= 0);
	streams_settle(streams);
	assert_true(streams_counter(streams, (uint32_t)index, "query", &value));
	return value;
}

static void test_no_two_streams_have_one_name(void **unused)
{
	static const char with_end[] = "a\0b";

	(void)unused;
	count("a", 1);
	for (int i = 0; i < 3; i++)
		count(with_end, sizeof(with_end) - 1);
	count("eth0", 4);
	count("", 0);
	assert_int_equal(streams_count(streams), 3);
	assert_string_equal(streams_name(streams, 1), "a");
	assert_string_equal(streams_name(streams, 2), "-");
	assert_int_equal(queries("eth0"), 0);
	assert_int_equal(queries("a"), 1);
	assert_int_equal(queries("-"), 5);
}

static void test_a_successor_finds_all_streams(void **unused)
{
	(void)unused;
	count("", 0);
	count("a", 1);
	count("b", 1);
	streams_settle(streams);
	streams_free(streams);
	streams = streams_new(&parts);
	assert_int_equal(streams_count(streams), 4);
	count("b", 1);
	assert_int_equal(queries("-"), 1);
	assert_int_equal(queries("a"), 1);
	assert_int_equal(queries("b"), 2);
}

static void test_the_last_stream_stands_for_what_has_no_room(void **unused)
{
	char name[] = "a";

	(void)unused;
	for (; *name <= 'j'; ++*name)
		count(name, 1);
	assert_int_equal(streams_count(streams), 1 + STREAMS);
	assert_int_equal(queries("e"), 1);
	assert_int_equal(queries("f"), 5);
	assert_true(streams_find(streams, "g") < 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(test_no_two_streams_have_one_name, set_up,
						tear_down),
		cmocka_unit_test_setup_teardown(test_a_successor_finds_all_streams, set_up,
						tear_down),
		cmocka_unit_test_setup_teardown(test_the_last_stream_stands_for_what_has_no_room,
						set_up, tear_down),
	};

	cmocka_set_message_output(CM_OUTPUT_TAP);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
