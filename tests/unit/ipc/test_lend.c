/* SPDX-License-Identifier: BSD-3-Clause */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "ipc/lend.h"

static void open_pair(int pair[2])
{
	assert_int_equal(socketpair(AF_UNIX, SOCK_SEQPACKET, 0, pair), 0);
}

static void test_a_descriptor_comes_along(void **unused)
{
	struct control_message message;
	int pair[2], pipes[2], fd;
	char byte = 0;

	(void)unused;
	open_pair(pair);
	assert_int_equal(pipe(pipes), 0);
	assert_int_equal(lend_receive(pair[1], &message, &fd), -EAGAIN);
	assert_int_equal(lend_send(pair[0], LEND_BELL, 63, pipes[1], NULL), 0);
	assert_int_equal(lend_receive(pair[1], &message, &fd), 1);
	assert_int_equal(message.type, CONTROL_LENT);
	assert_int_equal(lend_what(message.status), LEND_BELL);
	assert_int_equal(lend_index(message.status), 63);
	assert_true(fcntl(fd, F_GETFD) & FD_CLOEXEC);
	assert_int_equal(write(fd, "x", 1), 1);
	assert_int_equal(read(pipes[0], &byte, 1), 1);
	assert_int_equal(byte, 'x');
	close(fd);
}

static void test_none_comes_with_a_reason(void **unused)
{
	struct control_message message;
	int pair[2], fd;

	(void)unused;
	open_pair(pair);
	assert_int_equal(lend_send(pair[0], LEND_FILE, 2, -1, "no space"), 0);
	assert_int_equal(lend_receive(pair[1], &message, &fd), 1);
	assert_int_equal(fd, -1);
	assert_string_equal(message.text, "no space");
	assert_int_equal(lend_ask(pair[1], LEND_NEXT_FILE, 2), 0);
	assert_int_equal(control_receive(pair[0], &message), 1);
	assert_int_equal(message.type, CONTROL_ASK);
	assert_int_equal(message.status, lend_status(LEND_NEXT_FILE, 2));
	close(pair[0]);
	assert_int_equal(lend_receive(pair[1], &message, &fd), 0);
}

/* Nothing that comes along with what is no message stays open. */
static void test_what_is_no_message_is_the_end(void **unused)
{
	struct control_message message;
	int pair[2], fd, before, after;

	(void)unused;
	open_pair(pair);
	before = dup(0);
	close(before);
	assert_int_equal(send(pair[0], "short", 5, 0), 5);
	assert_int_equal(lend_receive(pair[1], &message, &fd), 0);
	assert_int_equal(fd, -1);
	after = dup(0);
	close(after);
	assert_int_equal(before, after);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_a_descriptor_comes_along),
		cmocka_unit_test(test_none_comes_with_a_reason),
		cmocka_unit_test(test_what_is_no_message_is_the_end),
	};

	cmocka_set_message_output(CM_OUTPUT_TAP);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
