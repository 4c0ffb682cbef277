/* SPDX-License-Identifier: BSD-3-Clause */
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <setjmp.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <netinet/udp.h>
#include <signal.h>
#include <stdbool.h>
#include <stdlib.h>
#include <sys/prctl.h>
#include <sys/random.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>
#include <cmocka.h>

#include "ipc/child.h"
#include "worker/sandbox.h"

#define LISTEN_TCP (CHILD_FD_LISTEN + CONFIG_LISTEN_MAX)
#ifndef UDP_SEGMENT
#define UDP_SEGMENT 103
#endif

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

static bool has_proxy;

/* The status of a process that does one thing in the sandbox. */
static int try_in_sandbox(void (*act)(int fd), int fd)
{
	pid_t pid = fork();
	int status;

	assert_true(pid >= 0);
	if (!pid) {
		if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) < 0 || sandbox_enter(has_proxy))
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

static void receive_messages_by(int fd)
{
	struct mmsghdr message = {0};

	recvmmsg(fd, &message, 1, MSG_DONTWAIT, NULL);
}

static void send_messages_by(int fd)
{
	struct mmsghdr message = {0};

	sendmmsg(fd, &message, 1, MSG_DONTWAIT | MSG_NOSIGNAL);
}

/* The kernel takes the lower half for the descriptor. */
static void send_by_upper_half(int fd)
{
	syscall(SYS_sendto, (1ul << 32) | (unsigned int)fd, "x", 1ul, 0ul, 0ul, 0ul);
}

static void accept_by(int fd)
{
	accept4(fd, NULL, NULL, SOCK_NONBLOCK | SOCK_CLOEXEC);
}

static void connect_by(int fd)
{
	struct sockaddr_in address = {.sin_family = AF_INET};

	connect(fd, (struct sockaddr *)&address, sizeof(address));
}

static void bind_by(int fd)
{
	struct sockaddr_in address = {.sin_family = AF_INET};

	if (bind(fd, (struct sockaddr *)&address, sizeof(address)) < 0)
		return;
}

static void shut(int fd)
{
	shutdown(fd, SHUT_RD);
}

static void listen_by(int fd)
{
	listen(fd, 0);
}

static void name_by(int fd)
{
	struct sockaddr_storage address;
	socklen_t length = sizeof(address);

	getsockname(fd, (struct sockaddr *)&address, &length);
}

static void quicken(int fd)
{
	int on = 1;

	setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof(on));
}

static void quicken_by_upper_half(int fd)
{
	int on = 1;

	syscall(SYS_setsockopt, (1ul << 32) | (unsigned int)fd, (long)IPPROTO_TCP,
		(long)TCP_NODELAY, &on, sizeof(on));
}

static void use_sockets_of_its_own(int unused)
{
	const int families[] = {AF_INET, AF_INET6}, types[] = {SOCK_DGRAM, SOCK_STREAM}, on = 1;
	char octets[16];

	(void)unused;
	for (int i = 0; i < 4; i++) {
		int fd = socket(families[i / 2], types[i % 2] | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);

		setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof(on));
		setsockopt(fd, IPPROTO_TCP, TCP_USER_TIMEOUT, &on, sizeof(on));
		close(fd);
	}
	if (getrandom(octets, sizeof(octets), 0) < 0)
		_exit(EXIT_FAILURE);
}

static void make_socket(int number)
{
	static const int kinds[][3] = {{AF_PACKET, SOCK_RAW, 0},
				       {AF_UNIX, SOCK_STREAM, 0},
				       {AF_NETLINK, SOCK_RAW, 0},
				       {AF_INET, SOCK_RAW, IPPROTO_UDP},
				       {AF_INET, SOCK_DGRAM, IPPROTO_ICMP},
				       {AF_INET6, SOCK_STREAM, IPPROTO_SCTP}};

	socket(kinds[number][0], kinds[number][1], kinds[number][2]);
}

static void set_option(int number)
{
	static const int kinds[][2] = {
		{SOL_SOCKET, SO_REUSEPORT},    {SOL_SOCKET, SO_ATTACH_FILTER},
		{SOL_SOCKET, SO_BINDTODEVICE}, {IPPROTO_TCP, TCP_FASTOPEN_CONNECT},
		{IPPROTO_TCP, TCP_ULP},	       {IPPROTO_IPV6, IPV6_V6ONLY},
		{SOL_SOCKET, SO_RCVBUF},       {IPPROTO_UDP, UDP_SEGMENT}};
	int on = 1;

	setsockopt(CHILD_FD_END, kinds[number][0], kinds[number][1], &on, sizeof(on));
}

static void test_sandbox_of_a_proxy_lets_queries_and_answers_through(void **state)
{
	const int own[] = {CHILD_FD_END, CHILD_FD_END + 1, 1000, 60000, (1 << 20) - 1};

	(void)state;
	for (size_t i = 0; i < sizeof(own) / sizeof(own[0]); i++) {
		assert_int_equal(try_in_sandbox(receive_messages_by, own[i]), 0);
		assert_int_equal(try_in_sandbox(send_messages_by, own[i]), 0);
		assert_int_equal(try_in_sandbox(send_by, own[i]), 0);
		assert_int_equal(try_in_sandbox(connect_by, own[i]), 0);
		assert_int_equal(try_in_sandbox(name_by, own[i]), 0);
		assert_int_equal(try_in_sandbox(quicken, own[i]), 0);
	}
	for (int fd = CHILD_FD_LISTEN; fd < LISTEN_TCP; fd++) {
		assert_int_equal(try_in_sandbox(receive_messages_by, fd), 0);
		assert_int_equal(try_in_sandbox(send_messages_by, fd), 0);
	}
	for (int fd = LISTEN_TCP; fd < CHILD_FD_END; fd++)
		assert_int_equal(try_in_sandbox(accept_by, fd), 0);
	assert_int_equal(try_in_sandbox(use_sockets_of_its_own, 0), 0);
}

/* They are the successor's, too. */
static void test_sandbox_of_a_proxy_keeps_lent_sockets_as_they_are(void **state)
{
	(void)state;
	for (int fd = CHILD_FD_LISTEN; fd < CHILD_FD_END; fd++) {
		assert_killed(connect_by, fd);
		assert_killed(shut, fd);
		assert_killed(bind_by, fd);
		assert_killed(listen_by, fd);
		assert_killed(quicken, fd);
		assert_killed(quicken_by_upper_half, fd);
		assert_killed(send_by, fd);
		assert_killed(send_message_by, fd);
	}
	for (int fd = LISTEN_TCP; fd < CHILD_FD_END; fd++)
		assert_killed(send_messages_by, fd);
}

static void test_sandbox_of_a_proxy_kills_what_is_not_its_own(void **state)
{
	(void)state;
	for (int fd = 0; fd < CHILD_FD_LISTEN; fd++) {
		assert_killed(receive_messages_by, fd);
		assert_killed(connect_by, fd);
		if (fd != CHILD_FD_EXPORT4 && fd != CHILD_FD_EXPORT6)
			assert_killed(send_messages_by, fd);
		if (fd != CHILD_FD_CONTROL)
			assert_killed(send_by, fd);
		assert_killed(send_by_upper_half, fd);
	}
	assert_killed(send_by_upper_half, CHILD_FD_LISTEN);
	assert_killed(accept_by, CHILD_FD_LISTEN);
	assert_killed(accept_by, CHILD_FD_END);
	assert_killed(bind_by, CHILD_FD_END);
	assert_killed(listen_by, CHILD_FD_END);
	assert_killed(shut, CHILD_FD_END);
	assert_killed(write_by, CHILD_FD_INPUT);
	assert_killed(open_file, 0);
	for (int number = 0; number < 6; number++)
		assert_killed(make_socket, number);
	for (int number = 0; number < 8; number++)
		assert_killed(set_option, number);
}

static void test_sandbox_of_a_capture_has_no_sockets(void **state)
{
	(void)state;
	assert_killed(use_sockets_of_its_own, 0);
	assert_killed(receive_messages_by, CHILD_FD_LISTEN);
	assert_killed(send_messages_by, CHILD_FD_LISTEN);
	assert_killed(accept_by, LISTEN_TCP);
	assert_killed(connect_by, CHILD_FD_LISTEN);
}

static int with_proxy(void **state)
{
	(void)state;
	has_proxy = true;
	child_fill_numbers();
	return 0;
}

static int without_proxy(void **state)
{
	(void)state;
	has_proxy = false;
	return 0;
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
#define PROXY_TEST(name) cmocka_unit_test_setup_teardown(name, with_proxy, without_proxy)
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_sandbox_lets_output_out),
	};
	const struct CMUnitTest killed[] = {
		cmocka_unit_test(test_sandbox_lets_output_out),
		cmocka_unit_test(test_sandbox_kills_what_opens_a_file),
		cmocka_unit_test(test_sandbox_kills_output_that_goes_elsewhere),
		cmocka_unit_test(test_sandbox_of_a_capture_has_no_sockets),
		PROXY_TEST(test_sandbox_lets_output_out),
		PROXY_TEST(test_sandbox_of_a_proxy_lets_queries_and_answers_through),
		PROXY_TEST(test_sandbox_of_a_proxy_keeps_lent_sockets_as_they_are),
		PROXY_TEST(test_sandbox_of_a_proxy_kills_what_is_not_its_own),
	};

	cmocka_set_message_output(CM_OUTPUT_TAP);
	return is_sandbox_there() ? cmocka_run_group_tests(killed, NULL, NULL)
				  : cmocka_run_group_tests(tests, NULL, NULL);
}
