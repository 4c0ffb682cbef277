/* SPDX-License-Identifier: BSD-3-Clause */
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <setjmp.h>
#include <cmocka.h>

#include <stdio.h>
#include <string.h>

#include "rules/upstreams.h"

static struct upstreams upstreams;

/* The number of the group. */
static uint32_t add(const char *text)
{
	struct upstream_group group;
	char error[UPSTREAM_ERROR_MAX];
	uint32_t number;

	assert_true(upstream_parse(text, &group, error));
	assert_true(upstreams_add(&upstreams, &group, &number));
	return number;
}

static int teardown(void **state)
{
	(void)state;
	upstreams_fini(&upstreams);
	return 0;
}

static void test_equal_servers_and_groups_are_one(void **state)
{
	(void)state;
	assert_int_equal(add("::1, ::2"), 0);
	assert_int_equal(add("::2"), 1);
	assert_int_equal(add("[::1]:53,udp://::2"), 0);
	assert_int_equal(add("::2, ::1"), 2); /* the order is part of it */
	assert_int_equal(add("ordered ::1, ::2"), 3);
	assert_int_equal(add("tcp://::1"), 4);
	assert_int_equal(add("[::1]:54"), 5);
	assert_int_equal(upstreams.count, 4);
	assert_int_equal(upstreams.group_count, 6);
}

static void test_many_have_room(void **state)
{
	char text[64];

	(void)state;
	for (unsigned round = 0; round < 2; round++) {
		for (uint32_t i = 0; i < 300; i++) {
			snprintf(text, sizeof(text), "[2001:db8::%x]:%u, ::1", i, i + 1);
			assert_int_equal(add(text), i);
		}
	}
	assert_int_equal(upstreams.count, 301);
	assert_int_equal(upstreams.groups[299].servers[0].endpoint.port, 300);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_teardown(test_equal_servers_and_groups_are_one, teardown),
		cmocka_unit_test_teardown(test_many_have_room, teardown),
	};

	cmocka_set_message_output(CM_OUTPUT_TAP);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
