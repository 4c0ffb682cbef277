/* SPDX-License-Identifier: BSD-3-Clause */
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <setjmp.h>
#include <fcntl.h>
#include <signal.h>
#include <stdbool.h>
#include <stdlib.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>
#include <cmocka.h>

#include "ipc/child.h"
#include "worker/sandbox.h"

static void send_by(int fd)
{
	send(fd, "x", 1, MSG_DONTWAIT | MSG_NOSIGNAL);
}

static void send_message_by(int fd)
{
	struct msghdr message = {0};

	sendmsg(fd, &message, MSG_DONTWAIT | MSG_NOSIGNAL);
}

static void write_by(int fd)
{
	if (write(fd, "", 0) < 0)
		return;
}

static void cut(int fd)
{
	if (ftruncate(fd, 0) < 0)
		return;
}

/* The status of a process that does one thing in the sandbox. */
static int try_in_sandbox(void (*act)(int fd), int fd)
{
	pid_t pid = fork();
	int status;

	assert_true(pid >= 0);
	if (!pid) {
		if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) < 0 || sandbox_enter())
			_exit(EXIT_FAILURE);
		act(fd);
		_exit(EXIT_SUCCESS);
	}
	assert_int_equal(waitpid(pid, &status, 0), pid);
	return status;
}

static void open_file(int fd)
{
	(void)fd;
	if (open("/", O_RDONLY) < 0)
		return;
}

static void assert_killed(void (*act)(int fd), int fd)
{
	int status = try_in_sandbox(act, fd);

	assert_true(WIFSIGNALED(status));
	assert_int_equal(WTERMSIG(status), SIGSYS);
}

static void test_sandbox_kills_what_opens_a_file(void **state)
{
	(void)state;
	assert_killed(open_file, 0);
}

static void test_sandbox_lets_output_out(void **state)
{
	(void)state;
	assert_int_equal(try_in_sandbox(send_by, CHILD_FD_CONTROL), 0);
	assert_int_equal(try_in_sandbox(send_message_by, CHILD_FD_EXPORT4), 0);
	assert_int_equal(try_in_sandbox(send_message_by, CHILD_FD_EXPORT6), 0);
	assert_int_equal(try_in_sandbox(write_by, CHILD_FD_OUTPUT), 0);
	assert_int_equal(try_in_sandbox(write_by, STDERR_FILENO), 0);
	assert_int_equal(try_in_sandbox(cut, CHILD_FD_OUTPUT), 0);
	assert_int_equal(try_in_sandbox(cut, CHILD_FD_QUARANTINE), 0);
}

static void test_sandbox_kills_output_that_goes_elsewhere(void **state)
{
	(void)state;
	assert_killed(send_by, CHILD_FD_INPUT);
	assert_killed(send_message_by, CHILD_FD_INPUT);
	assert_killed(write_by, CHILD_FD_INPUT);
	assert_killed(cut, CHILD_FD_HEAD);
}

static void ask_for_filter(int fd)
{
	(void)fd;
	prctl(PR_GET_SECCOMP);
}

/* A sanitizer build has none; in one, even to ask is forbidden. */
static bool is_sandbox_there(void)
{
	return WIFSIGNALED(try_in_sandbox(ask_for_filter, 0));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_sandbox_lets_output_out),
	};
	const struct CMUnitTest killed[] = {
		cmocka_unit_test(test_sandbox_lets_output_out),
		cmocka_unit_test(test_sandbox_kills_what_opens_a_file),
		cmocka_unit_test(test_sandbox_kills_output_that_goes_elsewhere),
	};

	cmocka_set_message_output(CM_OUTPUT_TAP);
	return is_sandbox_there() ? cmocka_run_group_tests(killed, NULL, NULL)
				  : cmocka_run_group_tests(tests, NULL, NULL);
}
