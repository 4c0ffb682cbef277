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

static void test_strange_replies_do_no_harm(void **state)
{
	static const char *const replies[] = {
		"{}",
		"[]",
		"{\"workers\":7,\"counters\":{\"a\":1},\"lines\":[null,1,[]]}",
		"{\"workers\":[null,{\"pid\":\"x\"}],\"counters\":[1,{\"total\":1,\"workers\":[]},"
		"{\"total\":1,\"workers\":[1,2,3]}],\"lines\":[{\"whole\":1,\"parts\":[1]}]}",
		"{\"counters\":[{\"workers\":[1,2,3],\"total\":1},{\"total\":1}]}",
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
		TEST(test_strange_replies_do_no_harm),
		TEST(test_clean_text_has_no_control_bytes),
	};

	cmocka_set_message_output(CM_OUTPUT_TAP);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
