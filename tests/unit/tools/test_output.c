/* SPDX-License-Identifier: BSD-3-Clause */
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <setjmp.h>
#include <cmocka.h>

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <string.h>
#include <unistd.h>

#include "dns/name.h"
#include "tools/read/output.h"
#include "tools/read/print.h"

static struct output output;
static int ends[2];

static int pipe_open(void **state)
{
	(void)state;
	output_init(&output, -1);
	if (pipe(ends) < 0)
		return -1;
	output.fd = ends[1];
	return 0;
}

static int pipe_close(void **state)
{
	(void)state;
	close(ends[0]);
	close(ends[1]);
	return 0;
}

static void assert_written(const char *expected)
{
	char found[1024];
	ssize_t length = read(ends[0], found, sizeof(found) - 1);

	assert_true(length >= 0);
	found[length] = '\0';
	assert_string_equal(found, expected);
}

static void test_output_is_written_when_flushed(void **state)
{
	(void)state;
	output_text(&output, "a|");
	output_number(&output, 0);
	output_char(&output, ',');
	output_number(&output, UINT64_MAX);
	output_format(&output, "|%d\n", 7);
	output_flush(&output);
	assert_written("a|0,18446744073709551615|7\n");
	assert_int_equal(output.used, 0);
}

static void test_output_makes_room_by_itself(void **state)
{
	int null = open("/dev/null", O_WRONLY);

	(void)state;
	output.fd = null;
	for (int i = 0; i < 100000; i++) {
		memset(output_room(&output, 100), 'x', 100);
		output_keep(&output, output.text + output.used + 100);
		assert_true(output.used <= OUTPUT_BYTES);
	}
	assert_int_equal(output.error, 0);
	close(null);
}

static void test_output_swallows_text_after_an_error(void **state)
{
	(void)state;
	output.fd = open("/dev/full", O_WRONLY);
	output_text(&output, "lost");
	output_flush(&output);
	assert_int_equal(output.error, ENOSPC);
	close(output.fd);
	output.fd = ends[1];
	output_text(&output, "swallowed");
	output_flush(&output);
	assert_int_equal(output.used, 0);
	assert_int_equal(output.error, ENOSPC);
}

static void test_output_tells_that_its_reader_is_gone(void **state)
{
	(void)state;
	signal(SIGPIPE, SIG_IGN);
	close(ends[0]);
	output_text(&output, "nobody reads this");
	output_flush(&output);
	assert_int_equal(output.error, EPIPE);
}

static void test_addresses_are_printed(void **state)
{
	static const uint8_t six[16] = {0x20, 1, 0xd, 0xb8, [15] = 1};

	(void)state;
	print_address(&output, (const uint8_t[]){0, 9, 10, 255}, 4);
	output_char(&output, ' ');
	print_address(&output, (const uint8_t[]){99, 100, 199, 200}, 4);
	output_char(&output, ' ');
	print_address(&output, six, 16);
	output_flush(&output);
	assert_written("0.9.10.255 99.100.199.200 2001:db8::1");
}

static void assert_name(struct slice *names, bool is_text, const char *expected)
{
	char text[PRINT_NAME_MAX];
	size_t length = print_name_take(names, is_text, text);

	assert_int_equal(length, strlen(expected));
	assert_memory_equal(text, expected, length);
}

static void test_names_are_taken_one_by_one(void **state)
{
	struct slice wire = {(const uint8_t *)"\1a\3b.c\0\0\2|,\0", 12};
	struct slice text = {(const uint8_t *)"a.b-c_.\0\0.\0|\\,\xff\0", 16};

	(void)state;
	assert_name(&wire, false, "a.b\\.c");
	assert_name(&wire, false, "");
	assert_name(&wire, false, "\\124\\044");
	assert_int_equal(wire.length, 0);
	assert_name(&text, true, "a.b-c_");
	assert_name(&text, true, "");
	assert_name(&text, true, "");
	assert_name(&text, true, "\\124\\\\\\044\\255");
	assert_int_equal(text.length, 0);
}

static void test_longest_text_name_fits(void **state)
{
	uint8_t bytes[DNS_NAME_TEXT_MAX + 1];
	struct slice names = {bytes, sizeof(bytes)};
	char text[PRINT_NAME_MAX];

	(void)state;
	memset(bytes, '\n', sizeof(bytes) - 1);
	bytes[sizeof(bytes) - 1] = '\0';
	assert_int_equal(print_name_take(&names, true, text), 4 * DNS_NAME_TEXT_MAX);
	assert_int_equal(names.length, 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(test_output_is_written_when_flushed, pipe_open,
						pipe_close),
		cmocka_unit_test_setup_teardown(test_output_makes_room_by_itself, pipe_open,
						pipe_close),
		cmocka_unit_test_setup_teardown(test_output_swallows_text_after_an_error, pipe_open,
						pipe_close),
		cmocka_unit_test_setup_teardown(test_output_tells_that_its_reader_is_gone,
						pipe_open, pipe_close),
		cmocka_unit_test_setup_teardown(test_addresses_are_printed, pipe_open, pipe_close),
		cmocka_unit_test_setup_teardown(test_names_are_taken_one_by_one, pipe_open,
						pipe_close),
		cmocka_unit_test_setup_teardown(test_longest_text_name_fits, pipe_open, pipe_close),
	};

	cmocka_set_message_output(CM_OUTPUT_TAP);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
