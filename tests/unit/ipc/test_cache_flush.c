/* SPDX-License-Identifier: BSD-3-Clause */
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <setjmp.h>
#include <cmocka.h>
#include <string.h>

#include "ipc/cache_flush.h"

static struct state_watch watch;
static struct state_head head;
static struct cache_flush flush;

static int set_up(void **state)
{
	(void)state;
	memset(&watch, 0, sizeof(watch));
	memset(&head, 0, sizeof(head));
	return state_attach(&head) ? 0 : -1;
}

static void order(const char *text)
{
	uint8_t wire[DNS_NAME_MAX], length;

	assert_true(name_parse(text, wire, &length));
	cache_flush_order(&watch, &head, (struct slice){wire, length});
}

static void order_all(void)
{
	cache_flush_order(&watch, &head, (struct slice){NULL, 0});
}

static void expect_name(const char *text)
{
	uint8_t wire[DNS_NAME_MAX], length;

	assert_true(name_parse(text, wire, &length));
	assert_true(cache_flush_find(&watch, &head, &flush));
	assert_int_equal(flush.length, length);
	assert_memory_equal(flush.name, wire, length);
}

static void expect_all(void)
{
	assert_true(cache_flush_find(&watch, &head, &flush));
	assert_int_equal(flush.length, 0);
}

static void test_an_order_is_there_until_it_is_followed(void **state)
{
	(void)state;
	assert_false(cache_flush_find(&watch, &head, &flush));
	order("example.com");
	expect_name("example.com");
	expect_name("example.com"); /* by a successor */
	cache_flush_commit(&head, &flush);
	assert_false(cache_flush_find(&watch, &head, &flush));
	order_all();
	expect_all();
	cache_flush_commit(&head, &flush);
	order(".");
	expect_name(".");
}

static void test_of_several_orders_all_is_flushed(void **state)
{
	uint8_t before[sizeof(watch.cache_name)];

	(void)state;
	order("example.com");
	memcpy(before, watch.cache_name, sizeof(before));
	order("example.org");
	assert_memory_equal(before, watch.cache_name, sizeof(before)); /* it may be being read */
	expect_all();
	order("example.net");
	expect_all();
	cache_flush_commit(&head, &flush);
	order("example.net");
	expect_name("example.net");
}

/* What comes while a name is being flushed is not taken for followed. */
static void test_an_order_is_followed_alone(void **state)
{
	struct cache_flush first;

	(void)state;
	order("example.com");
	assert_true(cache_flush_find(&watch, &head, &first));
	order("example.org");
	cache_flush_commit(&head, &first);
	expect_all();
	cache_flush_commit(&head, &flush);
	assert_false(cache_flush_find(&watch, &head, &flush));
}

static void test_what_is_no_name_flushes_all(void **state)
{
	(void)state;
	order("example.com");
	watch.cache_name[0] = 63;
	expect_all();
	watch.cache_name[0] = 7;
	expect_name("example.com");
	watch.cache_name_length = 256;
	expect_all();
	watch.cache_name_length = 12;
	expect_all();
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup(name, set_up)
	const struct CMUnitTest tests[] = {
		TEST(test_an_order_is_there_until_it_is_followed),
		TEST(test_of_several_orders_all_is_flushed),
		TEST(test_an_order_is_followed_alone),
		TEST(test_what_is_no_name_flushes_all),
	};

	cmocka_set_message_output(CM_OUTPUT_TAP);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
