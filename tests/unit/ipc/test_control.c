/* SPDX-License-Identifier: BSD-3-Clause */
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <setjmp.h>
#include <errno.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>
#include <cmocka.h>

#include "ipc/control.h"

static int pair[2];

static int open_pair(void **state)
{
	(void)state;
	return socketpair(AF_UNIX, SOCK_SEQPACKET, 0, pair);
}

static int close_pair(void **state)
{
	(void)state;
	close(pair[0]);
	close(pair[1]);
	return 0;
}

static void test_message_arrives_whole(void **state)
{
	struct control_message message;

	(void)state;
	assert_int_equal(control_receive(pair[1], &message), -EAGAIN);
	assert_int_equal(control_send(pair[0], CONTROL_FINISHED, 3, "why"), 0);
	assert_int_equal(control_receive(pair[1], &message), 1);
	assert_int_equal(message.type, CONTROL_FINISHED);
	assert_int_equal(message.status, 3);
	assert_string_equal(message.text, "why");
}

static void test_long_text_is_cut(void **state)
{
	struct control_message message;
	char text[1000];

	(void)state;
	memset(text, 'x', sizeof(text));
	text[sizeof(text) - 1] = '\0';
	assert_int_equal(control_send(pair[0], CONTROL_NOTICE, 0, text), 0);
	assert_int_equal(control_receive(pair[1], &message), 1);
	assert_int_equal(strlen(message.text), sizeof(message.text) - 1);
}

static void test_message_of_another_size_ends_the_peer(void **state)
{
	struct control_message message;
	char big[600] = {0};

	(void)state;
	assert_int_equal(send(pair[0], "x", 1, 0), 1);
	assert_int_equal(control_receive(pair[1], &message), 0);
	assert_int_equal(send(pair[0], big, sizeof(big), 0), (ssize_t)sizeof(big));
	assert_int_equal(control_receive(pair[1], &message), 0);
}

static void test_unterminated_text_is_terminated(void **state)
{
	struct control_message message;

	(void)state;
	memset(&message, 'x', sizeof(message));
	assert_int_equal(send(pair[0], &message, sizeof(message), 0), (ssize_t)sizeof(message));
	assert_int_equal(control_receive(pair[1], &message), 1);
	assert_int_equal(strlen(message.text), sizeof(message.text) - 1);
}

static void test_closed_peer_is_the_end(void **state)
{
	struct control_message message;

	(void)state;
	close(pair[0]);
	pair[0] = -1;
	assert_int_equal(control_receive(pair[1], &message), 0);
	assert_int_equal(control_send(pair[1], CONTROL_NOTICE, 0, NULL), -EPIPE);
}

static void test_full_channel_does_not_block(void **state)
{
	int error = 0;

	(void)state;
	for (int i = 0; i < 100000 && !error; i++)
		error = control_send(pair[0], CONTROL_NOTICE, 0, NULL);
	assert_int_equal(error, -EAGAIN);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(test_message_arrives_whole, open_pair, close_pair),
		cmocka_unit_test_setup_teardown(test_long_text_is_cut, open_pair, close_pair),
		cmocka_unit_test_setup_teardown(test_message_of_another_size_ends_the_peer,
						open_pair, close_pair),
		cmocka_unit_test_setup_teardown(test_unterminated_text_is_terminated, open_pair,
						close_pair),
		cmocka_unit_test_setup_teardown(test_closed_peer_is_the_end, open_pair, close_pair),
		cmocka_unit_test_setup_teardown(test_full_channel_does_not_block, open_pair,
						close_pair),
	};

	cmocka_set_message_output(CM_OUTPUT_TAP);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
