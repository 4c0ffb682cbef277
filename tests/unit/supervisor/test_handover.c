/* SPDX-License-Identifier: BSD-3-Clause */
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <setjmp.h>
#include <fcntl.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>
#include <cmocka.h>

#include "config/config.h"
#include "supervisor/handover.h"

#define SEALS (F_SEAL_SHRINK | F_SEAL_GROW | F_SEAL_WRITE | F_SEAL_SEAL)

static int make_sealed(const char *text)
{
	int fd = memfd_create("test", MFD_CLOEXEC | MFD_ALLOW_SEALING);

	assert_int_equal(write(fd, text, strlen(text)), strlen(text));
	assert_return_code(fcntl(fd, F_ADD_SEALS, SEALS), 0);
	return fd;
}

static void expect_refused(int fd)
{
	char error[CONFIG_ERROR_MAX] = "";

	assert_null(handover_read(fd, error));
	assert_string_not_equal(error, "");
	close(fd);
}

static void test_what_is_written_is_read(void **state)
{
	struct handover *given = handover_new(), *taken;
	int fd = open("/dev/null", O_RDONLY | O_CLOEXEC), memfd;
	char text[32], error[CONFIG_ERROR_MAX];

	(void)state;
	handover_add_text(given, "state", 12, "working");
	handover_add_number(given, "pid", 12, UINT64_MAX);
	handover_add_number(given, "generation", HANDOVER_ONE, 7);
	handover_add_fd(given, "ring", 3, fd);
	handover_add_fd(given, "absent", HANDOVER_ONE, -1);
	memfd = handover_write(given, true);
	assert_return_code(memfd, 0);
	assert_int_equal(handover_keep_open(given, true), 0);
	assert_int_equal(fcntl(fd, F_GETFD), 0);
	handover_free(given);

	taken = handover_read(memfd, error);
	assert_non_null(taken);
	assert_int_equal(fcntl(fd, F_GETFD), FD_CLOEXEC);
	handover_text(taken, "state", 12, text, sizeof(text));
	assert_string_equal(text, "working");
	handover_text(taken, "state", 1, text, sizeof(text));
	assert_string_equal(text, "");
	assert_true(handover_number(taken, "pid", 12) == UINT64_MAX);
	assert_int_equal(handover_number(taken, "generation", HANDOVER_ONE), 7);
	assert_int_equal(handover_number(taken, "pid", 1), 0);
	assert_int_equal(handover_take_fd(taken, "ring", 2), -1);
	assert_int_equal(handover_borrow_fd(taken, "ring", 3), fd);
	assert_int_equal(handover_take_fd(taken, "ring", 3), fd);
	assert_int_equal(handover_borrow_fd(taken, "ring", 3), -1);
	assert_int_equal(handover_take_fd(taken, "ring", 3), -1);
	handover_free(taken);
	assert_int_equal(fcntl(fd, F_GETFD), FD_CLOEXEC); /* taken: not closed */
	close(fd);
	close(memfd);
}

static void test_descriptors_that_nobody_takes_are_closed(void **state)
{
	struct handover *given = handover_new(), *taken;
	int fd = open("/dev/null", O_RDONLY | O_CLOEXEC), memfd;
	char error[CONFIG_ERROR_MAX];

	(void)state;
	handover_add_fd(given, "ring", 0, fd);
	memfd = handover_write(given, true);
	handover_free(given);
	taken = handover_read(memfd, error);
	assert_non_null(taken);
	handover_free(taken);
	assert_int_equal(fcntl(fd, F_GETFD), -1);
	close(memfd);
}

static void test_descriptors_that_are_not_open_are_missing(void **state)
{
	int memfd = make_sealed("dnsflow-handover 1\nfd ring-0 4000\nseats 1\n");
	char error[CONFIG_ERROR_MAX];
	struct handover *taken = handover_read(memfd, error);

	(void)state;
	assert_non_null(taken);
	assert_int_equal(handover_take_fd(taken, "ring", 0), -1);
	assert_int_equal(handover_number(taken, "seats", HANDOVER_ONE), 1);
	handover_free(taken);
	close(memfd);
}

static void test_anything_else_is_refused(void **state)
{
	(void)state;
	expect_refused(make_sealed("dnsflow-handover 2\nseats 1\n"));
	expect_refused(make_sealed(""));
	expect_refused(make_sealed("dnsflow-handover 1\nfd ring-0\n"));
	expect_refused(memfd_create("test", MFD_CLOEXEC)); /* not sealed */
	expect_refused(open("/dev/null", O_RDONLY | O_CLOEXEC));
	expect_refused(-1);
}

static void test_what_does_not_fit_cannot_be_given(void **state)
{
	struct handover *handover = handover_new();
	char text[4096];

	(void)state;
	memset(text, 'x', sizeof(text) - 1);
	text[sizeof(text) - 1] = '\0';
	for (int i = 0; i < 65; i++)
		handover_add_text(handover, "executable", i, text);
	assert_true(handover_write(handover, true) < 0);
	handover_free(handover);

	handover = handover_new();
	handover_add_text(handover, "executable", HANDOVER_ONE, "two\nlines");
	assert_true(handover_write(handover, true) < 0);
	handover_free(handover);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_what_is_written_is_read),
		cmocka_unit_test(test_descriptors_that_nobody_takes_are_closed),
		cmocka_unit_test(test_descriptors_that_are_not_open_are_missing),
		cmocka_unit_test(test_anything_else_is_refused),
		cmocka_unit_test(test_what_does_not_fit_cannot_be_given),
	};

	cmocka_set_message_output(CM_OUTPUT_TAP);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
