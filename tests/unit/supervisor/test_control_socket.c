/* SPDX-License-Identifier: BSD-3-Clause */
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <setjmp.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>
#include <cmocka.h>

#include "config/config.h"
#include "supervisor/control_socket.h"

#define ROUNDS	300
#define DAEMONS 4

static char folder[] = "/tmp/dnsflow-test.XXXXXX";
static char path[64];

/* Tries when start is closed, tells result, and stays until end is closed. */
static void run_daemon(int start, int result, int end)
{
	struct control_socket control;
	char error[CONFIG_ERROR_MAX], byte;
	ssize_t got = read(start, &byte, 1);

	byte = control_socket_open(&control, path, getgid(), error);
	if (got || write(result, &byte, 1) != 1 || read(end, &byte, 1))
		_exit(EXIT_FAILURE);
	_exit(EXIT_SUCCESS);
}

static int count_owners(int result)
{
	int owners = 0;
	char byte;

	for (int i = 0; i < DAEMONS; i++) {
		assert_int_equal(read(result, &byte, 1), 1);
		owners += byte;
	}
	return owners;
}

static void assert_answered(void)
{
	struct sockaddr_un address = {.sun_family = AF_UNIX};
	int fd = socket(AF_UNIX, SOCK_SEQPACKET, 0);

	snprintf(address.sun_path, sizeof(address.sun_path), "%s", path);
	assert_int_equal(connect(fd, (struct sockaddr *)&address, sizeof(address)), 0);
	close(fd);
}

static void start_at_once(void)
{
	int start[2], result[2], end[2];

	assert_false(pipe(start) || pipe(result) || pipe(end));
	for (int i = 0; i < DAEMONS; i++) {
		if (fork())
			continue;
		close(start[1]);
		close(end[1]);
		run_daemon(start[0], result[1], end[0]);
	}
	close(start[1]);
	assert_int_equal(count_owners(result[0]), 1);
	assert_answered();
	close(end[1]);
	for (int i = 0; i < DAEMONS; i++)
		assert_true(wait(NULL) > 0);
	close(start[0]);
	close(result[0]);
	close(result[1]);
	close(end[0]);
}

/* Each round but the first begins with a socket that was left behind. */
static void test_one_of_those_that_start_at_once_has_the_path(void **state)
{
	(void)state;
	assert_non_null(mkdtemp(folder));
	snprintf(path, sizeof(path), "%s/socket", folder);
	for (int i = 0; i < ROUNDS; i++)
		start_at_once();
	unlink(path);
	snprintf(path, sizeof(path), "%s/socket.lock", folder);
	unlink(path);
	assert_int_equal(rmdir(folder), 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_one_of_those_that_start_at_once_has_the_path),
	};

	cmocka_set_message_output(CM_OUTPUT_TAP);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
