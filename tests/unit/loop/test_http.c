/* SPDX-License-Identifier: BSD-3-Clause */
/* A server and its clients in one loop: what is answered, what is refused, and who is cut. */
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <setjmp.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <unistd.h>
#include <cmocka.h>

#include "base/clock.h"
#include "base/random.h"
#include "loop/http.h"

#define REPLY_MAX (1 << 20)
#define BIG_REPLY (8 << 20) /* more than sockets hold */
#define HOST	  "Host: a\r\n"

static struct loop *loop;
static struct http_server *server;
static struct http_options options;
static int listener;
static struct sockaddr_storage address;
static socklen_t address_length;
static struct http_reply answer;
static int calls;
static char seen_path[HTTP_LINE_MAX], seen_value[64];
static int seen_query;
static char received[REPLY_MAX];

static void handle(void *argument, struct http_request *request)
{
	(void)argument;
	calls++;
	strcpy(seen_path, http_path(request));
	seen_query = http_query(request, "name", seen_value, sizeof(seen_value));
	http_reply(request, &answer);
}

static void start(void)
{
	server = http_server_new(loop, &options, handle, NULL);
}

static int set_up(void **state)
{
	struct endpoint endpoint = {.port = 0};

	(void)state;
	address_parse("127.0.0.1", &endpoint.address);
	address_length = endpoint_to_sockaddr(&endpoint, &address);
	listener = socket(AF_INET, SOCK_STREAM, 0);
	if (bind(listener, (void *)&address, address_length) < 0 || listen(listener, 64) < 0 ||
	    getsockname(listener, (void *)&address, &address_length) < 0)
		return -1;
	loop = loop_new();
	options = http_options_default;
	options.fd = listener;
	answer = (struct http_reply){
		.status = 200, .type = "text/plain", .body = "hello", .length = 5};
	calls = 0;
	return 0;
}

static int tear_down(void **state)
{
	(void)state;
	http_server_free(server);
	server = NULL;
	loop_free(loop);
	close(listener);
	return 0;
}

static int client(void)
{
	int fd = socket(AF_INET, SOCK_STREAM, 0);

	assert_int_equal(connect(fd, (void *)&address, address_length), 0);
	return fd;
}

static void run_for(int milliseconds)
{
	int64_t end = clock_monotonic_ns() + milliseconds * NANOSECONDS_PER_MILLISECOND;

	do {
		loop_poll(loop);
		usleep(200);
	} while (clock_monotonic_ns() < end);
}

/* Whether a whole reply is in text; its length, or -1. */
static int reply_length(const char *text)
{
	const char *end = strstr(text, "\r\n\r\n");
	const char *length = strstr(text, "Content-Length: ");

	if (!end)
		return -1;
	return (int)(end + 4 - text) + (length && length < end ? atoi(length + 16) : 0);
}

/* Reads one reply into received; its status, 0 when the connection ends without one, -1 when
 * nothing comes. */
static int receive(int fd, bool is_head)
{
	int64_t end = clock_monotonic_ns() + 3 * NANOSECONDS_PER_SECOND;
	size_t length = 0;
	ssize_t taken;

	memset(received, 0, 1024);
	while (clock_monotonic_ns() < end) {
		loop_poll(loop);
		taken = recv(fd, received + length, is_head ? REPLY_MAX - 1 - length : 1,
			     MSG_DONTWAIT);
		if (!taken || (taken < 0 && errno != EAGAIN))
			return length ? atoi(received + 9) : 0;
		length += taken > 0 ? (size_t)taken : 0;
		received[length] = '\0';
		if (strstr(received, "\r\n\r\n") &&
		    (is_head || (int)length >= reply_length(received)))
			return atoi(received + 9);
	}
	return -1;
}

static int ask_bytes(int fd, const void *bytes, size_t length)
{
	assert_int_equal(send(fd, bytes, length, MSG_NOSIGNAL), length);
	return receive(fd, false);
}

static int ask(int fd, const char *text)
{
	return ask_bytes(fd, text, strlen(text));
}

static bool is_closed(int fd)
{
	char byte;
	ssize_t taken;

	for (int i = 0; i < 300; i++) {
		run_for(1);
		taken = recv(fd, &byte, 1, MSG_DONTWAIT);
		if (!taken || (taken < 0 && errno == ECONNRESET))
			return true;
	}
	return false;
}

static void test_request_is_answered(void **state)
{
	int fd;

	(void)state;
	answer.options[0] = (struct http_option){"Allow", "GET"};
	start();
	fd = client();
	assert_int_equal(ask(fd, "GET /a?b=c HTTP/1.1\r\n" HOST "\r\n"), 200);
	assert_string_equal(seen_path, "/a");
	assert_non_null(strstr(received, "Content-Type: text/plain\r\n"));
	assert_non_null(strstr(received, "Content-Length: 5\r\n"));
	assert_non_null(strstr(received, "X-Content-Type-Options: nosniff\r\n"));
	assert_non_null(strstr(received, "Cache-Control: no-store\r\n"));
	assert_non_null(strstr(received, "Allow: GET\r\n"));
	assert_string_equal(strstr(received, "\r\n\r\n") + 4, "hello");
	assert_int_equal(ask(fd, "GET /again HTTP/1.1\r\n" HOST "\r\n"), 200);
	assert_string_equal(seen_path, "/again");
	assert_int_equal(http_server_counts(server).connections, 1);
	assert_int_equal(http_server_counts(server).requests, 2);
	close(fd);
	run_for(250);
	assert_int_equal(http_server_counts(server).open, 0);
}

static void test_head_has_no_body(void **state)
{
	int fd;

	(void)state;
	start();
	fd = client();
	send(fd, "HEAD / HTTP/1.1\r\n" HOST "\r\n", 28, 0);
	assert_int_equal(receive(fd, true), 200);
	assert_non_null(strstr(received, "Content-Length: 5\r\n"));
	assert_string_equal(strstr(received, "\r\n\r\n"), "\r\n\r\n");
	assert_int_equal(ask(fd, "GET / HTTP/1.1\r\n" HOST "\r\n"), 200);
	close(fd);
}

static void test_no_content_has_no_length(void **state)
{
	int fd;

	(void)state;
	answer = (struct http_reply){.status = 204};
	start();
	fd = client();
	assert_int_equal(ask(fd, "DELETE / HTTP/1.1\r\n" HOST "\r\n"), 204);
	assert_null(strstr(received, "Content-Length"));
	assert_null(strstr(received, "Content-Type:"));
	close(fd);
}

static void test_requests_in_one_piece_are_answered_in_order(void **state)
{
	static const char request[] = "GET /1 HTTP/1.1\r\n" HOST "\r\n";
	int fd;

	(void)state;
	start();
	fd = client();
	for (int i = 0; i < 20; i++)
		assert_int_equal(send(fd, request, sizeof(request) - 1, 0), sizeof(request) - 1);
	for (int i = 0; i < 20; i++)
		assert_int_equal(receive(fd, false), 200);
	assert_int_equal(calls, 20);
	close(fd);
}

static void test_query_is_decoded(void **state)
{
	static const struct {
		const char *query;
		int length;
		const char *value;
	} cases[] = {
		{"name=a", 1, "a"},
		{"name=a%20b+c", 5, "a b c"},
		{"x=1&name=%2F%c3%A4&y", 3, "/\xc3\xa4"},
		{"name", 0, ""},
		{"name=&name=2", 0, ""},
		{"names=1&name=2", 1, "2"},
		{"xname=1", -ENOENT, NULL},
		{"", -ENOENT, NULL},
		{"name=%00", -EINVAL, NULL},
		{"name=%", -EINVAL, NULL},
		{"name=%4", -EINVAL, NULL},
		{"name=%gg", -EINVAL, NULL},
		{"name=0123456789012345678901234567890123456789012345678901234567890123", -EINVAL,
		 NULL},
	};
	char request[512];

	(void)state;
	start();
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		int fd = client();

		snprintf(request, sizeof(request), "GET /?%s HTTP/1.1\r\n" HOST "\r\n",
			 cases[i].query);
		assert_int_equal(ask(fd, request), 200);
		assert_int_equal(seen_query, cases[i].length);
		if (cases[i].value)
			assert_string_equal(seen_value, cases[i].value);
		close(fd);
	}
}

/* Each is refused, before anybody is asked, and nothing behind it is read as a request. */
static void test_malformed_requests_are_refused(void **state)
{
	static const char *const requests[] = {
		"GET / HTTP/1.1\r\n\r\n",
		"GET / HTTP/1.1\r\n" HOST HOST "\r\n",
		"GET  / HTTP/1.1\r\n" HOST "\r\n",
		"GET / HTTP/2.0\r\n" HOST "\r\n",
		"GET / HTTX/1.1\r\n" HOST "\r\n",
		"GET / \r\n" HOST "\r\n",
		"GET /\r\n" HOST "\r\n",
		"GET http://a/ HTTP/1.1\r\n" HOST "\r\n",
		"GET a HTTP/1.1\r\n" HOST "\r\n",
		"GET * HTTP/1.1\r\n" HOST "\r\n",
		"OPTIONS * HTTP/1.1\r\n" HOST "\r\n",
		"GET /# HTTP/1.1\r\n" HOST "\r\n",
		"GET /\x80 HTTP/1.1\r\n" HOST "\r\n",
		"GET /\x7f HTTP/1.1\r\n" HOST "\r\n",
		"GET /\t HTTP/1.1\r\n" HOST "\r\n",
		"GET / HTTP/1.1\r\n" HOST "X : y\r\n\r\n",
		"GET / HTTP/1.1\r\n" HOST ": y\r\n\r\n",
		"GET / HTTP/1.1\r\n" HOST "nothing\r\n\r\n",
		"GET / HTTP/1.1\r\n folded: y\r\n" HOST "\r\n",
		"GET / HTTP/1.1\r\n" HOST "X: a\x01\r\n\r\n",
		"GET / HTTP/1.1\r\n" HOST "X: a\rb\r\n\r\n",
		"GET / HTTP/1.1\r\n" HOST "Content-Length: 0\r\nContent-Length: 0\r\n\r\n",
		"GET / HTTP/1.1\r\n" HOST "Content-Length: 5, 5\r\n\r\nhello",
		"GET / HTTP/1.1\r\n" HOST "Content-Length: +0\r\n\r\n",
		"GET / HTTP/1.1\r\n" HOST "Content-Length: 0x0\r\n\r\n",
		"GET / HTTP/1.1\r\n" HOST "Content-Length:\r\n\r\n",
		"GET / HTTP/1.1\r\n" HOST "Content-Length: 35\r\n\r\n",
		"DELETE / HTTP/1.1\r\n" HOST "Content-Length: 35\r\n\r\n",
		"OPTIONS / HTTP/1.1\r\n" HOST "Content-Length: 35\r\n\r\n",
		"TRACE / HTTP/1.1\r\n" HOST "Content-Length: 35\r\n\r\n",
		"CONNECT / HTTP/1.1\r\n" HOST "Content-Length: 35\r\n\r\n",
		"\r\nCONNECT a:1 HTTP/1.1\r\n" HOST "\r\n",
		"BREW / HTTP/1.1\r\n" HOST "Content-Length: 35\r\n\r\n",
		"GET / HTTP/1.1\r\n" HOST "Transfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
		"CONNECT / HTTP/1.1\r\n" HOST "Transfer-Encoding: chunked\r\n\r\n",
		"GET / HTTP/1.1\r\n" HOST "Transfer-Encoding: identity\r\n\r\n",
		"POST / HTTP/1.1\r\n" HOST "Transfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
		"POST / HTTP/1.1\r\n" HOST "Transfer-Encoding: xchunked\r\n\r\n",
		"POST / HTTP/1.1\r\n" HOST "Transfer-Encoding: chunked\r\n\r\nffffffffffffffff\r\n",
		"POST / HTTP/1.1\r\n" HOST "Content-Length: 1025\r\n\r\n",
		"POST / HTTP/1.1\r\n" HOST "Content-Length: 99999999999999999999\r\n\r\n",
		"POST / HTTP/1.1\r\n" HOST "Content-Length: -1\r\n\r\n",
		"POST / HTTP/1.1\r\n" HOST "Content-Length: 1\r\nExpect: x\r\n\r\n",
		"\r\n\r\n\r\n",
		"GE\x01T / HTTP/1.1\r\n" HOST "\r\n",
		"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03\n",
		"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n",
	};
	static const char smuggled[] = "GET /smuggled HTTP/1.1\r\n" HOST "\r\n";

	(void)state;
	options.head_ms = 500;
	start();
	for (size_t i = 0; i < sizeof(requests) / sizeof(requests[0]); i++) {
		int fd = client(), status;

		send(fd, requests[i], strlen(requests[i]), MSG_NOSIGNAL);
		send(fd, smuggled, sizeof(smuggled) - 1, MSG_NOSIGNAL);
		status = receive(fd, false);
		if (status && (status < 400 || status > 501))
			fail_msg("%s: %d", requests[i], status);
		if (!is_closed(fd))
			fail_msg("%s: stays open", requests[i]);
		if (calls)
			fail_msg("%s: was asked for %s", requests[i], seen_path);
		close(fd);
	}
}

static void test_other_methods_are_for_the_owner(void **state)
{
	static const char *const methods[] = {"POST",  "PUT", "OPTIONS", "PATCH",
					      "TRACE", "get", "BREW",	 "CONNECTED"};
	char request[128];

	(void)state;
	answer = (struct http_reply){.status = 405};
	start();
	for (size_t i = 0; i < sizeof(methods) / sizeof(methods[0]); i++) {
		int fd = client();

		snprintf(request, sizeof(request), "%s / HTTP/1.1\r\n" HOST "%s\r\n", methods[i],
			 i < 2 ? "Content-Length: 3\r\n" : "");
		if (i < 2)
			strcat(request, "abc");
		assert_int_equal(ask(fd, request), 405);
		close(fd);
	}
	assert_int_equal(calls, sizeof(methods) / sizeof(methods[0]));
}

static void fill_request(char *request, int line, int fields, int field)
{
	char *at = request + sprintf(request, "GET /%0*d HTTP/1.1\r\n" HOST, line, 0);

	for (int i = 0; i < fields; i++)
		at += sprintf(at, "X: %0*d\r\n", field, 0);
	strcpy(at, "\r\n");
}

static void test_limits_of_a_head(void **state)
{
	static const struct {
		int line, fields, field;
		bool is_taken;
	} cases[] = {
		{4000, 1, 1, true},  {4090, 1, 1, false},  {1, 63, 1, true},
		{1, 64, 1, false},   {1, 1, 4000, true},   {1, 1, 4096, false},
		{1, 10, 1000, true}, {1, 13, 1000, false}, {1, 5000, 1, false},
	};
	static char request[1 << 17];

	(void)state;
	start();
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		int fd = client(), status;

		fill_request(request, cases[i].line, cases[i].fields, cases[i].field);
		calls = 0;
		send(fd, request, strlen(request), MSG_NOSIGNAL);
		status = receive(fd, false);
		assert_int_equal(calls, cases[i].is_taken);
		assert_int_equal(status == 200, cases[i].is_taken);
		close(fd);
	}
}

static void test_nul_is_refused(void **state)
{
	static const char request[] = "GET / HTTP/1.1\r\n" HOST "X: a\0b\r\n\r\n";
	int fd;

	(void)state;
	start();
	fd = client();
	assert_int_equal(ask_bytes(fd, request, sizeof(request) - 1), 0);
	assert_int_equal(calls, 0);
	assert_int_equal(http_server_counts(server).malformed, 1);
	close(fd);
}

static void test_head_that_trickles_is_cut(void **state)
{
	static const char request[] =
		"GET / HTTP/1.1\r\n" HOST "X: aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa";
	int fd, sent = 0;

	(void)state;
	options.head_ms = 300;
	start();
	fd = client();
	while (sent < 40 && send(fd, request + sent, 1, MSG_NOSIGNAL) == 1) {
		sent++;
		run_for(20);
		if (http_server_counts(server).late)
			break;
	}
	assert_true(sent < 40);
	assert_true(is_closed(fd));
	close(fd);
}

static void test_idle_connection_is_cut(void **state)
{
	int fd, silent;

	(void)state;
	options.idle_ms = 300;
	options.head_ms = 2500;
	start();
	fd = client();
	silent = client();
	assert_int_equal(ask(fd, "GET / HTTP/1.1\r\n" HOST "\r\n"), 200);
	run_for(100);
	assert_int_equal(ask(fd, "GET / HTTP/1.1\r\n" HOST "\r\n"), 200);
	run_for(1000);
	assert_int_equal(http_server_counts(server).open, 1);
	run_for(2000);
	assert_int_equal(http_server_counts(server).open, 0);
	assert_int_equal(http_server_counts(server).late, 2);
	close(fd);
	close(silent);
}

static void make_big_answer(void)
{
	static char big[BIG_REPLY];

	answer.body = big;
	answer.length = sizeof(big);
}

static void test_who_does_not_read_is_cut(void **state)
{
	int fd, small = 4096;

	(void)state;
	make_big_answer();
	options.reply_ms = 1000;
	start();
	fd = client();
	setsockopt(fd, SOL_SOCKET, SO_RCVBUF, &small, sizeof(small));
	send(fd, "GET / HTTP/1.1\r\n" HOST "\r\n", 27, 0);
	run_for(200);
	assert_int_equal(calls, 1);
	assert_int_equal(http_server_counts(server).open, 1);
	for (int i = 0; i < 1000; i++) /* and what it sends meanwhile is not kept */
		send(fd, "GET / HTTP/1.1\r\n" HOST "\r\n", 27, MSG_DONTWAIT | MSG_NOSIGNAL);
	run_for(1300);
	assert_int_equal(http_server_counts(server).open, 0);
	assert_int_equal(http_server_counts(server).late, 1);
	assert_int_equal(calls, 1);
	close(fd);
}

static void test_new_connection_displaces_the_one_that_waits_longest(void **state)
{
	int fds[4];

	(void)state;
	options.connections_max = 3;
	start();
	for (int i = 0; i < 4; i++) {
		fds[i] = client();
		run_for(5);
	}
	assert_int_equal(http_server_counts(server).displaced, 1);
	assert_int_equal(http_server_counts(server).open, 3);
	assert_true(is_closed(fds[0]));
	for (int i = 1; i < 4; i++)
		assert_int_equal(ask(fds[i], "GET / HTTP/1.1\r\n" HOST "\r\n"), 200);
	for (int i = 0; i < 4; i++)
		close(fds[i]);
}

static void test_nobody_is_accepted_while_all_are_answered(void **state)
{
	int fds[2], late, small = 4096;

	(void)state;
	make_big_answer();
	options.connections_max = 2;
	options.reply_ms = 1500;
	start();
	for (int i = 0; i < 2; i++) {
		fds[i] = client();
		setsockopt(fds[i], SOL_SOCKET, SO_RCVBUF, &small, sizeof(small));
		send(fds[i], "GET / HTTP/1.1\r\n" HOST "\r\n", 27, 0);
	}
	run_for(50);
	late = client();
	run_for(100);
	assert_int_equal(http_server_counts(server).connections, 2);
	answer.length = 5;
	assert_int_equal(ask(late, "GET / HTTP/1.1\r\n" HOST "\r\n"), 200);
	assert_int_equal(http_server_counts(server).displaced, 0);
	close(late);
	for (int i = 0; i < 2; i++)
		close(fds[i]);
}

static void test_reply_is_held_back(void **state)
{
	int64_t before = clock_monotonic_ns();
	int held, other, gone;

	(void)state;
	answer = (struct http_reply){.status = 401, .delay_ms = 1000};
	start();
	held = client();
	other = client();
	gone = client();
	send(held, "GET / HTTP/1.1\r\n" HOST "\r\n", 27, 0);
	send(gone, "GET / HTTP/1.1\r\n" HOST "\r\n", 27, 0);
	run_for(20);
	close(gone);
	answer = (struct http_reply){.status = 200};
	assert_int_equal(ask(other, "GET / HTTP/1.1\r\n" HOST "\r\n"), 200);
	assert_int_equal(recv(held, received, 1, MSG_DONTWAIT), -1);
	assert_int_equal(receive(held, false), 401);
	assert_true(clock_monotonic_ns() - before >= NANOSECONDS_PER_SECOND);
	assert_int_equal(ask(held, "GET / HTTP/1.1\r\n" HOST "\r\n"), 200);
	close(held);
	close(other);
}

static void test_who_is_held_back_makes_room(void **state)
{
	int held, other;

	(void)state;
	options.connections_max = 1;
	answer = (struct http_reply){.status = 401, .delay_ms = 2000};
	start();
	held = client();
	send(held, "GET / HTTP/1.1\r\n" HOST "\r\n", 27, 0);
	run_for(20);
	answer = (struct http_reply){.status = 200};
	other = client();
	assert_int_equal(ask(other, "GET / HTTP/1.1\r\n" HOST "\r\n"), 200);
	assert_true(is_closed(held));
	close(held);
	close(other);
}

static void test_end_while_replies_are_held_and_sent(void **state)
{
	int held, big;

	(void)state;
	answer = (struct http_reply){.status = 401, .delay_ms = 5000};
	start();
	held = client();
	big = client();
	send(held, "GET / HTTP/1.1\r\n" HOST "\r\n", 27, 0);
	run_for(20);
	answer = (struct http_reply){.status = 200};
	make_big_answer();
	send(big, "GET / HTTP/1.1\r\n" HOST "\r\n", 27, 0);
	run_for(20);
	assert_int_equal(calls, 2);
	http_server_free(server);
	server = NULL;
	close(held);
	close(big);
}

static void test_without_descriptors_it_waits(void **state)
{
	struct rlimit before, none;
	int fd = client();

	(void)state;
	start();
	getrlimit(RLIMIT_NOFILE, &before);
	none = before;
	none.rlim_cur = (rlim_t)fd + 1;
	setrlimit(RLIMIT_NOFILE, &none);
	run_for(300);
	assert_int_equal(http_server_counts(server).connections, 0);
	setrlimit(RLIMIT_NOFILE, &before);
	run_for(1200);
	assert_int_equal(ask(fd, "GET / HTTP/1.1\r\n" HOST "\r\n"), 200);
	close(fd);
}

static size_t mutate(struct random *random, uint8_t *bytes, size_t size)
{
	static const char *const words[] = {"GET ",
					    "HEAD ",
					    "DELETE ",
					    "POST ",
					    "/",
					    "%00",
					    "../",
					    "http://",
					    " HTTP/1.1",
					    "\r\n",
					    "\n",
					    "\r",
					    "Host: a",
					    "Content-Length: ",
					    "Transfer-Encoding: chunked",
					    "0",
					    "-",
					    "?",
					    "a=b&",
					    " ",
					    "\t",
					    ":",
					    "Connection: ",
					    "close",
					    "keep-alive",
					    "\r\n\r\n",
					    "Expect: 100-continue",
					    "Upgrade: h2c",
					    "Range: bytes=0-",
					    "HTTP/0.9",
					    "Host: ",
					    "5"};
	size_t length = 0;

	for (uint64_t i = random_below(random, 30); i; i--) {
		const char *word = words[random_below(random, sizeof(words) / sizeof(words[0]))];

		if (!random_below(random, 8)) {
			bytes[length++] = (uint8_t)random_next(random);
			continue;
		}
		memcpy(bytes + length, word, strlen(word));
		length += strlen(word);
	}
	assert_true(length < size);
	return length;
}

static void test_random_requests_harm_nobody(void **state)
{
	const char *wanted = getenv("TEST_REQUESTS");
	struct random random;
	uint8_t bytes[2048];
	int honest;

	(void)state;
	options.connections_max = 16;
	start();
	random_init(&random);
	for (long i = wanted ? atol(wanted) : 10000; i; i--) {
		int fd = client();
		size_t length = mutate(&random, bytes, sizeof(bytes));

		send(fd, bytes, length, MSG_NOSIGNAL);
		loop_poll(loop);
		if (random_below(&random, 2))
			shutdown(fd, SHUT_WR);
		loop_poll(loop);
		close(fd);
	}
	honest = client();
	assert_int_equal(ask(honest, "GET / HTTP/1.1\r\n" HOST "\r\n"), 200);
	close(honest);
	run_for(250);
	assert_int_equal(http_server_counts(server).open, 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(test_request_is_answered, set_up, tear_down),
		cmocka_unit_test_setup_teardown(test_head_has_no_body, set_up, tear_down),
		cmocka_unit_test_setup_teardown(test_no_content_has_no_length, set_up, tear_down),
		cmocka_unit_test_setup_teardown(test_requests_in_one_piece_are_answered_in_order,
						set_up, tear_down),
		cmocka_unit_test_setup_teardown(test_query_is_decoded, set_up, tear_down),
		cmocka_unit_test_setup_teardown(test_malformed_requests_are_refused, set_up,
						tear_down),
		cmocka_unit_test_setup_teardown(test_other_methods_are_for_the_owner, set_up,
						tear_down),
		cmocka_unit_test_setup_teardown(test_limits_of_a_head, set_up, tear_down),
		cmocka_unit_test_setup_teardown(test_nul_is_refused, set_up, tear_down),
		cmocka_unit_test_setup_teardown(test_head_that_trickles_is_cut, set_up, tear_down),
		cmocka_unit_test_setup_teardown(test_idle_connection_is_cut, set_up, tear_down),
		cmocka_unit_test_setup_teardown(test_who_does_not_read_is_cut, set_up, tear_down),
		cmocka_unit_test_setup_teardown(
			test_new_connection_displaces_the_one_that_waits_longest, set_up,
			tear_down),
		cmocka_unit_test_setup_teardown(test_nobody_is_accepted_while_all_are_answered,
						set_up, tear_down),
		cmocka_unit_test_setup_teardown(test_reply_is_held_back, set_up, tear_down),
		cmocka_unit_test_setup_teardown(test_who_is_held_back_makes_room, set_up,
						tear_down),
		cmocka_unit_test_setup_teardown(test_end_while_replies_are_held_and_sent, set_up,
						tear_down),
		cmocka_unit_test_setup_teardown(test_without_descriptors_it_waits, set_up,
						tear_down),
		cmocka_unit_test_setup_teardown(test_random_requests_harm_nobody, set_up,
						tear_down),
	};

	cmocka_set_message_output(CM_OUTPUT_TAP);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
