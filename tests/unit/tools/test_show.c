/* SPDX-License-Identifier: BSD-3-Clause */
/* What dnsflowctl prints: tables, replies for a person, and nothing that a terminal obeys. */
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <setjmp.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

#include "tools/ctl/show.h"
#include "tools/ctl/table.h"
#include "tools/ctl/text.h"

static char *shown;

static int forget(void **state)
{
	(void)state;
	free(shown);
	shown = NULL;
	return 0;
}

static void show(enum request_type type, const char *text)
{
	json_t *reply = json_loads(text, 0, NULL);
	size_t length;
	FILE *out;

	free(shown);
	out = open_memstream(&shown, &length);
	assert_non_null(reply);
	show_reply(type, reply, out);
	fclose(out);
	json_decref(reply);
}

static void test_columns_are_as_wide_as_they_must_be(void **state)
{
	struct table table;
	size_t length;
	FILE *out = open_memstream(&shown, &length);

	(void)state;
	table_init(&table, "name n what");
	for (int i = 0; i < 2; i++) {
		table_add_text(&table, i ? "longer" : "a");
		table_add_number(&table, i ? -1 : 12345);
		table_add_text(&table, "text");
	}
	table_print(&table, out);
	fclose(out);
	table_fini(&table);
	assert_string_equal(shown, "name        n  what\n"
				   "a       12345  text\n"
				   "longer     -1  text\n");
}

static void test_table_of_any_length(void **state)
{
	struct table table;
	size_t length;
	FILE *out = open_memstream(&shown, &length);

	(void)state;
	table_init(&table, "n");
	for (int i = 100; i < 1100; i++)
		table_add_number(&table, i);
	table_print(&table, out);
	fclose(out);
	table_fini(&table);
	assert_int_equal(length, 5 + 900 * 5 + 100 * 5);
}

static void test_ledger_that_adds_up_says_so(void **state)
{
	(void)state;
	show(REQUEST_LEDGER,
	     "{\"lines\":[{\"stage\":\"ring\",\"unit\":\"packets\",\"whole\":{\"name\":\"k\","
	     "\"value\":5},\"parts\":[{\"name\":\"read\",\"value\":3},{\"name\":\"zero\","
	     "\"value\":0},{\"name\":\"drops\",\"value\":2}],\"missing\":0}],\"workers\":[],"
	     "\"adds_up\":true}");
	assert_string_equal(shown, "stage  in  unit     missing  became\n"
				   "ring    5  packets        0  3 read, 2 drops\n"
				   "\nEverything adds up.\n");
}

static void test_ledger_says_where_something_is_missing(void **state)
{
	(void)state;
	show(REQUEST_LEDGER,
	     "{\"lines\":[],\"workers\":[{\"index\":7,\"lines\":[{\"stage\":\"ring\","
	     "\"unit\":\"packets\",\"whole\":{\"name\":\"k\",\"value\":5},\"parts\":[],"
	     "\"missing\":-2}],\"adds_up\":false}],\"adds_up\":false}");
	assert_non_null(strstr(
		shown, "It does not add up:\nworker-7: ring: -2 of 5 packets are unaccounted for"));
}

static void test_stats_show_what_is_not_zero(void **state)
{
	(void)state;
	show(REQUEST_STATS,
	     "{\"counters\":[{\"name\":\"a\",\"help\":\"things\",\"workers\":[1,2],\"total\":3},"
	     "{\"name\":\"b\",\"help\":\"others\",\"workers\":[0,0],\"total\":0}]}");
	assert_string_equal(shown, "counter  total  worker-0  worker-1  meaning\n"
				   "a            3         1         2  things\n");
}

static void test_rules_say_what_they_did(void **state)
{
	(void)state;
	show(REQUEST_RULES,
	     "{\"is_dry_run\":false,\"queries\":7,\"undecided\":2,\"rules\":[{\"number\":1,"
	     "\"hits\":12,\"is_shadow\":false,\"rule\":\"block ads\"},{\"number\":2,\"hits\":0,"
	     "\"is_shadow\":true,\"rule\":\"shadow log a\"}]}");
	assert_string_equal(shown, "number  hits  effect  rule\n"
				   "     1    12  yes     block ads\n"
				   "     2     0  shadow  shadow log a\n"
				   "\n2 of 7 queries: no rule decided\n");
	show(REQUEST_RULES, "{\"is_dry_run\":true,\"queries\":1,\"undecided\":1,\"rules\":[{"
			    "\"number\":1,\"hits\":1,\"is_shadow\":false,\"rule\":\"log a\"}]}");
	assert_non_null(strstr(shown, "     1     1  dry-run  log a\n"));
}

static void test_flush_says_when_it_is_done(void **state)
{
	(void)state;
	show(REQUEST_FLUSH, "{\"name\":null,\"within_seconds\":1}");
	assert_string_equal(shown, "All answers are forgotten within 1 s\n");
	show(REQUEST_FLUSH, "{\"name\":\"a.test\",\"within_seconds\":1}");
	assert_string_equal(shown, "a.test and all below it are forgotten within 1 s\n");
}

/* Deaths with work between them are restarts alone. */
static void test_status_tells_fruitless_deaths(void **state)
{
	(void)state;
	show(REQUEST_STATUS, "{\"workers\":[{\"index\":0,\"state\":\"working\",\"pid\":7,\"cpu\":1,"
			     "\"restarts\":6,\"deaths_without_progress\":2}]}");
	assert_non_null(strstr(shown, "cpu  restarts  fruitless  in-ring"));
	assert_non_null(strstr(shown, "  7    1         6          2  "));
}

static void test_status_shows_the_proxy(void **state)
{
	(void)state;
	show(REQUEST_STATUS,
	     "{\"proxy\":{\"addresses\":[\"127.0.0.1:53\",\"[::1]:53\"],\"is_steered\":true,"
	     "\"queries_per_second\":12.25,\"tcp_connections\":3,\"cache\":{\"entries\":2,"
	     "\"bytes\":2048,\"bytes_most\":65536,\"hits\":5,\"stale_hits\":1,\"misses\":4},"
	     "\"upstreams\":[{\"upstream\":\"192.0.2.1:53\",\"queries\":9,\"answers\":8,"
	     "\"errors\":1,\"timeouts\":2,\"failures\":4,\"wrong_ids\":3,\"latency_milliseconds\":"
	     "1.25,"
	     "\"backed_off\":1},{\"upstream\":\"tcp://192.0.2.2:53\",\"latency_milliseconds\":"
	     "null}],\"lists\":[{\"name\":\"ads\",\"entries\":7},{\"name\":\"b\",\"entries\":"
	     "1,\"kept\":\"/b: is empty\"}]}}");
	assert_non_null(strstr(shown,
			       "\nproxy: 127.0.0.1:53 [::1]:53; names are steered to "
			       "workers\n"
			       "queries: 12.2 a second; TCP connections: 3\n"
			       "cache: 2 answers in 2 of 64 KiB; 5 hits, 1 stale ones, 4 "
			       "misses\n"
			       "lists: ads with 7 names, b with 1 names (kept: /b: is empty)\n"));
	assert_non_null(strstr(shown, "\n\nupstream            queries  answers  errors  timeouts  "
				      "failures  wrong-ids  backed-off  ms\n"
				      "192.0.2.1:53              9        8       1         2      "
				      "   4          3           1  1.2\n"
				      "tcp://192.0.2.2:53        0        0       0         0      "
				      "   0          0           0  -\n"));
	show(REQUEST_STATUS, "{\"proxy\":{\"cache\":null}}");
	assert_non_null(strstr(shown, "\ncache: none\n"));
}

static void test_reload_has_its_warnings(void **state)
{
	(void)state;
	show(REQUEST_RELOAD, "{\"warnings\":[]}");
	assert_string_equal(shown, "The configuration was read and is in force\n");
	show(REQUEST_RELOAD, "{\"warnings\":[\"list a: /a: is empty\",\"b\"]}");
	assert_string_equal(shown, "list a: /a: is empty\nb\nThe configuration was read and is in "
				   "force, with these warnings\n");
}

static void test_strange_replies_do_no_harm(void **state)
{
	static const char *const replies[] = {
		"{}",
		"[]",
		"{\"workers\":7,\"counters\":{\"a\":1},\"lines\":[null,1,[]]}",
		"{\"workers\":[null,{\"pid\":\"x\"}],\"counters\":[1,{\"total\":1,\"workers\":[]},"
		"{\"total\":1,\"workers\":[1,2,3]}],\"lines\":[{\"whole\":1,\"parts\":[1]}]}",
		"{\"counters\":[{\"workers\":[1,2,3],\"total\":1},{\"total\":1}]}",
		"{\"proxy\":{\"addresses\":[1,null],\"cache\":7,\"upstreams\":[null,1,{}],"
		"\"lists\":[[],{\"name\":1}]},\"rules\":[1,null,{\"rule\":2}],\"name\":[]}",
		"{\"proxy\":{\"upstreams\":{\"a\":1},\"lists\":1},\"rules\":1}",
	};

	(void)state;
	for (size_t i = 0; i < sizeof(replies) / sizeof(replies[0]); i++)
		for (uint32_t type = 0; type < 12; type++)
			show((enum request_type)type, replies[i]);
}

static void test_clean_text_has_no_control_bytes(void **state)
{
	char text[] = "plain \xc3\xa4 \"q\" \\\n\x1b[31m\r\t\x7f\xc2\x9b\xff";

	(void)state;
	text_clean(text);
	assert_string_equal(text, "plain \xc3\xa4 \"q\" \\\n?[31m??????");
}

int main(void)
{
#define TEST(name) cmocka_unit_test_teardown(name, forget)
	const struct CMUnitTest tests[] = {
		TEST(test_columns_are_as_wide_as_they_must_be),
		TEST(test_table_of_any_length),
		TEST(test_ledger_that_adds_up_says_so),
		TEST(test_ledger_says_where_something_is_missing),
		TEST(test_stats_show_what_is_not_zero),
		TEST(test_rules_say_what_they_did),
		TEST(test_flush_says_when_it_is_done),
		TEST(test_status_tells_fruitless_deaths),
		TEST(test_status_shows_the_proxy),
		TEST(test_reload_has_its_warnings),
		TEST(test_strange_replies_do_no_harm),
		TEST(test_clean_text_has_no_control_bytes),
	};

	cmocka_set_message_output(CM_OUTPUT_TAP);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
