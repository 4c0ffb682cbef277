/* SPDX-License-Identifier: BSD-3-Clause */
#include <errno.h>
#include <linux/sockios.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <sys/ioctl.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>
#include <cmocka.h>

#include "aggregator/sandbox.h"

#define NONE 0 /* no request: is there a sandbox? */

/* Asked in the sandbox of a socket: 0 or errno. */
static int try_request(unsigned long request)
{
	int pair[2], status, value;
	pid_t pid;

	assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM, 0, pair), 0);
	pid = fork();
	assert_true(pid >= 0);
	if (!pid) {
		if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) < 0 || aggregator_sandbox_enter(false))
			_exit(UINT8_MAX);
		if (request == NONE) /* in a sandbox even to ask is forbidden */
			_exit(prctl(PR_GET_SECCOMP) < 0 ? errno : 0);
		_exit(ioctl(pair[0], request, &value) < 0 ? errno : 0);
	}
	assert_int_equal(waitpid(pid, &status, 0), pid);
	close(pair[0]);
	close(pair[1]);
	assert_true(WIFEXITED(status));
	return WEXITSTATUS(status);
}

static void test_what_a_connection_holds_may_be_asked(void **state)
{
	(void)state;
	assert_int_equal(try_request(SIOCOUTQ), 0);
	assert_int_equal(try_request(FIONREAD), 0);
}

static void test_nothing_is_put_into_a_terminal(void **state)
{
	(void)state;
	if (!try_request(NONE))
		skip(); /* a sanitizer build has no sandbox */
	assert_int_equal(try_request(TIOCSTI), EPERM);
	assert_int_equal(try_request(FIOCLEX), EPERM); /* one that any descriptor takes */
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_what_a_connection_holds_may_be_asked),
		cmocka_unit_test(test_nothing_is_put_into_a_terminal),
	};

	cmocka_set_message_output(CM_OUTPUT_TAP);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
