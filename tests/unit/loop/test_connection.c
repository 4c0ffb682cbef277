/* SPDX-License-Identifier: BSD-3-Clause */
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <setjmp.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <unistd.h>
#include <cmocka.h>
#include <openssl/ssl.h>

#include "base/clock.h"
#include "loop/connection.h"
#include "tests/lib/certificates.h"

#define TURN_NS	      NANOSECONDS_PER_MILLISECOND
#define LONG_NS	      (2 * NANOSECONDS_PER_SECOND)
#define PAUSE_MOST_NS (400 * NANOSECONDS_PER_MILLISECOND)

static struct loop *loop;
static struct loop_event *turn;
static struct connection *connection;
static struct connection_plan plan;
static int listener, peer;
static unsigned int ups, downs, rooms;
static char reason[128];
static uint8_t text[CONNECTION_UNSENT_MAX];
static bool has_tool;

static void on_up(void *argument)
{
	(void)argument;
	ups++;
}

static void on_room(void *argument)
{
	(void)argument;
	rooms++;
}

static void on_down(void *argument, const char *why)
{
	(void)argument;
	downs++;
	snprintf(reason, sizeof(reason), "%s", why);
}

static const struct connection_ops ops = {on_up, on_room, on_down};

static void stop(void *argument)
{
	(void)argument;
	loop_stop(loop);
}

/* One turn, which lasts a millisecond when there is nothing to do. */
static void run_turn(void)
{
	loop_timer_set(turn, TURN_NS);
	loop_run(loop);
}

static bool run_until(bool (*is_so)(void), int64_t most_ns)
{
	int64_t end = clock_monotonic_ns() + most_ns;

	while (!is_so() && clock_monotonic_ns() < end)
		run_turn();
	return is_so();
}

static bool is_up(void)
{
	return ups > downs;
}

static bool is_down(void)
{
	return downs > 0;
}

static bool is_down_three_times(void)
{
	return downs == 3;
}

static bool is_acknowledged(void)
{
	return connection_unacknowledged(connection) == 0;
}

static void listen_at(struct endpoint *endpoint)
{
	struct sockaddr_storage address;
	socklen_t length = endpoint_to_sockaddr(endpoint, &address);
	int on = 1;

	listener = socket(address.ss_family, SOCK_STREAM | SOCK_CLOEXEC, 0);
	setsockopt(listener, SOL_SOCKET, SO_REUSEADDR, &on, sizeof(on));
	assert_int_equal(bind(listener, (struct sockaddr *)&address, length), 0);
	assert_int_equal(listen(listener, 5), 0);
	length = sizeof(address);
	getsockname(listener, (struct sockaddr *)&address, &length);
	assert_true(endpoint_from_sockaddr(&address, endpoint));
}

static int set_up(void **state)
{
	(void)state;
	ups = downs = rooms = 0;
	peer = -1;
	loop = loop_new();
	turn = loop_add_timer(loop, stop, NULL);
	plan = (struct connection_plan){.ops = &ops, .pause_most_ns = PAUSE_MOST_NS};
	address_parse("127.0.0.1", &plan.endpoint.address);
	listen_at(&plan.endpoint);
	return 0;
}

static int tear_down(void **state)
{
	(void)state;
	connection_free(connection);
	connection = NULL;
	loop_poll(loop); /* the library frees what it had put off for the next turn */
	loop_free(loop);
	if (peer >= 0)
		close(peer);
	return close(listener);
}

static void begin(void)
{
	connection = connection_new(loop, &plan);
	assert_true(run_until(is_up, LONG_NS));
	peer = accept(listener, NULL, NULL);
	assert_true(peer >= 0);
}

static bool say(const char *what)
{
	return connection_write(connection, &(struct iovec){(void *)what, strlen(what)}, 1);
}

static void test_bytes_arrive_and_are_acknowledged(void **state)
{
	char found[16] = "";

	(void)state;
	begin();
	assert_true(say("hello"));
	assert_int_equal(connection_unacknowledged(connection), 5);
	assert_true(run_until(is_acknowledged, LONG_NS));
	assert_int_equal(read(peer, found, sizeof(found)), 5);
	assert_string_equal(found, "hello");
	assert_true(rooms > 0);
}

static void test_room_is_bounded_while_the_peer_does_not_read(void **state)
{
	struct iovec part = {text, sizeof(text)};
	size_t total = 0, found = 0;

	(void)state;
	begin();
	for (int i = 0; i < 200; i++) {
		part.iov_len = connection_room(connection);
		if (connection_write(connection, &part, 1))
			total += part.iov_len;
		run_turn();
	}
	assert_int_equal(connection_room(connection), 0);
	assert_false(say("x"));
	assert_true(connection_unacknowledged(connection) >= CONNECTION_UNSENT_MAX);
	rooms = 0;
	while (found < total) {
		ssize_t length = recv(peer, text, sizeof(text), MSG_DONTWAIT);

		found += length > 0 ? (size_t)length : 0;
		run_turn();
	}
	assert_true(rooms > 0);
	assert_true(run_until(is_acknowledged, LONG_NS));
}

static void test_refused_is_tried_again_after_longer_pauses(void **state)
{
	int64_t start = clock_monotonic_ns();

	(void)state;
	close(listener);
	connection = connection_new(loop, &plan);
	assert_true(run_until(is_down_three_times, LONG_NS));
	assert_string_equal(reason, "Connection refused");
	/* 50 to 100 ms, then 100 to 200 ms */
	assert_true(clock_monotonic_ns() - start >= 140 * NANOSECONDS_PER_MILLISECOND);
	listen_at(&plan.endpoint);
	ups = downs;
	downs = ups;
	assert_true(run_until(is_up, LONG_NS));
}

static void test_closed_by_the_peer_comes_up_again(void **state)
{
	(void)state;
	begin();
	close(peer);
	assert_true(run_until(is_down, LONG_NS));
	assert_string_equal(reason, "closed by the other side");
	assert_int_equal(connection_room(connection), 0);
	assert_int_equal(connection_unacknowledged(connection), 0);
	assert_false(say("x"));
	assert_true(run_until(is_up, LONG_NS));
	peer = accept(listener, NULL, NULL);
	assert_true(say("again"));
}

static void test_what_the_peer_says_is_thrown_away(void **state)
{
	size_t sent = 0;

	(void)state;
	begin();
	while (sent < 20 * sizeof(text)) {
		ssize_t length = send(peer, text, sizeof(text), MSG_DONTWAIT);

		sent += length > 0 ? (size_t)length : 0;
		run_turn();
	}
	assert_true(say("hello"));
	assert_true(run_until(is_acknowledged, LONG_NS));
	assert_int_equal(downs, 0);
}

static void test_unix_socket_is_acknowledged_when_read(void **state)
{
	struct sockaddr_un address = {.sun_family = AF_UNIX};
	char found[16];

	(void)state;
	close(listener);
	snprintf(address.sun_path, sizeof(address.sun_path), "/tmp/connection.%d", (int)getpid());
	listener = socket(AF_UNIX, SOCK_STREAM, 0);
	assert_int_equal(bind(listener, (struct sockaddr *)&address, sizeof(address)), 0);
	assert_int_equal(listen(listener, 5), 0);
	plan.path = address.sun_path;
	begin();
	unlink(address.sun_path);
	assert_true(say("hello"));
	for (int i = 0; i < 20; i++)
		run_turn();
	assert_true(connection_unacknowledged(connection) >= 5);
	assert_int_equal(read(peer, found, sizeof(found)), 5);
	assert_true(run_until(is_acknowledged, LONG_NS));
}

/* A TLS server for one connection in a process of its own: exits with the number of bytes that
 * came, when it was ended as TLS says; else with 255. */
static pid_t serve_tls(const char *certificate)
{
	char error[TLS_ERROR_MAX];
	struct tls_context *context;
	SSL *session;
	int length, total = 0;
	pid_t pid = fork();

	if (pid)
		return pid;
	context = tls_context_new_server(certificate, certificates_path("key.pem"), error);
	peer = accept(listener, NULL, NULL);
	session = tls_session_new(context, NULL);
	SSL_set_fd(session, peer);
	if (SSL_accept(session) == 1)
		while ((length = SSL_read(session, text, sizeof(text))) > 0)
			total += length;
	_exit(SSL_get_shutdown(session) & SSL_RECEIVED_SHUTDOWN ? total : 255);
}

static void plan_tls(void)
{
	char error[TLS_ERROR_MAX];

	if (!has_tool)
		skip();
	plan.tls = tls_context_new_client(certificates_path("ca.pem"), "", "", false, error);
	plan.server_name = "logs.example";
	assert_non_null(plan.tls);
}

static int exit_status(pid_t pid)
{
	int status;

	assert_int_equal(waitpid(pid, &status, 0), pid);
	return WEXITSTATUS(status);
}

static void test_bytes_arrive_over_tls(void **state)
{
	pid_t pid;

	(void)state;
	plan_tls();
	pid = serve_tls(certificates_path("right.pem"));
	connection = connection_new(loop, &plan);
	assert_true(run_until(is_up, LONG_NS));
	assert_true(say("hello, TLS"));
	assert_true(run_until(is_acknowledged, LONG_NS));
	connection_free(connection);
	connection = NULL;
	assert_int_equal(exit_status(pid), strlen("hello, TLS"));
	tls_context_free(plan.tls);
}

static void test_wrong_name_is_no_connection(void **state)
{
	pid_t pid;

	(void)state;
	plan_tls();
	pid = serve_tls(certificates_path("wrong.pem"));
	connection = connection_new(loop, &plan);
	assert_true(run_until(is_down, LONG_NS));
	assert_string_equal(reason, "hostname mismatch");
	assert_int_equal(ups, 0);
	exit_status(pid);
	connection_free(connection);
	connection = NULL;
	tls_context_free(plan.tls);
}

static void test_silent_tls_server_is_given_up(void **state)
{
	(void)state;
	plan_tls();
	connection = connection_new(loop, &plan);
	assert_true(run_until(is_down, 4 * LONG_NS));
	assert_string_equal(reason, "no answer");
	connection_free(connection);
	connection = NULL;
	tls_context_free(plan.tls);
}

static int prepare(void **state)
{
	(void)state;
	signal(SIGPIPE, SIG_IGN);
	has_tool = certificates_make();
	return 0;
}

static int clean_up(void **state)
{
	(void)state;
	certificates_remove();
	return 0;
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(test_bytes_arrive_and_are_acknowledged),
		TEST(test_room_is_bounded_while_the_peer_does_not_read),
		TEST(test_refused_is_tried_again_after_longer_pauses),
		TEST(test_closed_by_the_peer_comes_up_again),
		TEST(test_what_the_peer_says_is_thrown_away),
		TEST(test_unix_socket_is_acknowledged_when_read),
		TEST(test_bytes_arrive_over_tls),
		TEST(test_wrong_name_is_no_connection),
		TEST(test_silent_tls_server_is_given_up),
	};

	cmocka_set_message_output(CM_OUTPUT_TAP);
	return cmocka_run_group_tests(tests, prepare, clean_up);
}
