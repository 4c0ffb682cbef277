/* SPDX-License-Identifier: BSD-3-Clause */
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <setjmp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include <cmocka.h>

#include "ipc/output_filter.h"

static const struct hash_key key = {{1, 2}};
static struct config_filter config;
static char error[FILTER_ERROR_MAX], path[] = "/tmp/dnsflow-names.XXXXXX";

static int set_up(void **state)
{
	(void)state;
	config = config_output_default.filter;
	return 0;
}

static bool matches(struct event_filter *filter, const char *wire, size_t length)
{
	struct event event = {.kind = EVENT_CLIENT_QUERY, .qname = {(const uint8_t *)wire, length}};

	return event_filter_match(filter, &event);
}

static void write_names(const char *names)
{
	FILE *file;
	int fd = mkstemp(path);

	assert_true(fd >= 0);
	file = fdopen(fd, "w");
	fputs(names, file);
	fclose(file);
}

static void test_names_come_from_the_list_and_from_the_file(void **state)
{
	struct event_filter *filter;

	(void)state;
	write_names("b # the second\n");
	strcpy(config.name, "a");
	strcpy(config.name_file, path);
	filter = output_filter_new(&config, &key, error);
	assert_non_null(filter);
	assert_true(matches(filter, "\1a", 3));
	assert_true(matches(filter, "\1x\1b", 5));
	assert_false(matches(filter, "\1c", 3));
	event_filter_free(filter);
	unlink(path);
}

static void test_a_file_that_cannot_be_read_is_told(void **state)
{
	(void)state;
	strcpy(config.name_file, "/nonexistent/names");
	assert_null(output_filter_new(&config, &key, error));
	assert_string_equal(error, "name-file: /nonexistent/names: No such file or directory");
	strcpy(config.name_file, "/dev/zero");
	assert_null(output_filter_new(&config, &key, error));
	assert_string_equal(error, "name-file: /dev/zero: Invalid argument");
}

static void test_a_wrong_element_is_told_with_its_key(void **state)
{
	(void)state;
	strcpy(config.client, "10.0.0.0/33");
	assert_null(output_filter_new(&config, &key, error));
	assert_string_equal(error, "client: 10.0.0.0/33 is no prefix");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup(test_names_come_from_the_list_and_from_the_file, set_up),
		cmocka_unit_test_setup(test_a_file_that_cannot_be_read_is_told, set_up),
		cmocka_unit_test_setup(test_a_wrong_element_is_told_with_its_key, set_up),
	};

	cmocka_set_message_output(CM_OUTPUT_TAP);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
