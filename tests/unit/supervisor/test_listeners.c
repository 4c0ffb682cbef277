/* SPDX-License-Identifier: BSD-3-Clause */
/* In a network of the test's own. Workers are numbers, and take what waits in their sockets. */
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <setjmp.h>
#include <cmocka.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <poll.h>
#include <sched.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "ipc/child.h"
#include "supervisor/listeners.h"

#define WORKERS_MAX 4
#define HEADER	    12

static struct listeners *listeners;
static struct config config;
static char error[CONFIG_ERROR_MAX];
static bool has_network;
static struct listeners *abandoned[4];
static uint32_t abandoned_count;

static struct endpoint endpoint_of(const char *text)
{
	struct endpoint endpoint;

	assert_true(config_parse_endpoint(text, &endpoint));
	return endpoint;
}

/* addresses: separated by blanks. */
static void configure(uint32_t workers, const char *addresses)
{
	char copy[256], *rest = copy, *word;

	strcpy(copy, addresses);
	config.worker_count = workers;
	config.proxy.endpoint_count = 0;
	while ((word = strsep(&rest, " ")))
		if (*word)
			config.proxy.endpoints[config.proxy.endpoint_count++] = endpoint_of(word);
}

static int fd_of(uint32_t worker, int type, uint32_t number)
{
	int fds[CHILD_FD_END];

	memset(fds, -1, sizeof(fds));
	listeners_place(listeners, &config, worker, fds);
	return fds[CHILD_FD_LISTEN + (type == SOCK_DGRAM ? 0u : CONFIG_LISTEN_MAX) + number];
}

static int client_of(const char *text, int type)
{
	struct endpoint endpoint = endpoint_of(text);
	struct sockaddr_storage address;
	socklen_t length = endpoint_to_sockaddr(&endpoint, &address);
	int fd = socket(address.ss_family, type, 0);

	assert_int_equal(connect(fd, (struct sockaddr *)&address, length), 0);
	return fd;
}

/* Asks for the name "nK", K below 10,000. */
static void ask(const char *text, int number)
{
	uint8_t query[HEADER + 10] = {[HEADER] = 4};
	int fd = client_of(text, SOCK_DGRAM);

	for (int i = 1, rest = number; i <= 4; i++, rest /= 10)
		query[HEADER + i] = (uint8_t)('0' + rest % 10);
	assert_true(send(fd, query, sizeof(query), 0) == sizeof(query));
	close(fd);
}

static bool take(int fd)
{
	char octets[512];

	return recv(fd, octets, sizeof(octets), 0) > 0;
}

/* Which worker has the datagram that came to an address; -1: none. */
static int find_worker(uint32_t number)
{
	for (uint32_t worker = 0; worker < config.worker_count; worker++)
		if (take(fd_of(worker, SOCK_DGRAM, number)))
			return (int)worker;
	return -1;
}

static void extend(void)
{
	if (!has_network)
		skip();
	if (!listeners_extend(listeners, &config, error))
		fail_msg("%s", error);
}

static void steer(void)
{
	assert_int_equal(listeners_steer(listeners, config.worker_count), 0);
}

static void extend_with_steering(void)
{
	extend();
	if (listeners_degraded(listeners)) {
		print_message("# skipped: %s\n", listeners_degraded(listeners));
		skip();
	}
}

/* A socket of another program, perhaps of one that shares. */
static int occupy(const char *text, int type, bool shares)
{
	struct endpoint endpoint = endpoint_of(text);
	struct sockaddr_storage address;
	socklen_t length = endpoint_to_sockaddr(&endpoint, &address);
	int fd = socket(address.ss_family, type, 0), on = 1;

	setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof(on));
	if (shares)
		setsockopt(fd, SOL_SOCKET, SO_REUSEPORT, &on, sizeof(on));
	if (!has_network)
		skip();
	assert_int_equal(bind(fd, (struct sockaddr *)&address, length), 0);
	if (type == SOCK_STREAM)
		assert_int_equal(listen(fd, 1), 0);
	return fd;
}

static void expect_refused(const char *what)
{
	if (!has_network)
		skip();
	assert_false(listeners_extend(listeners, &config, error));
	if (!strstr(error, what))
		fail_msg("%s", error);
}

static int option_of(int fd, int level, int option)
{
	int value = -1;
	socklen_t length = sizeof(value);

	assert_int_equal(getsockopt(fd, level, option, &value, &length), 0);
	return value;
}

/* As reloads leave them that were not trimmed: more than a configuration has room for. */
static void test_addresses_beyond_the_room_are_refused(void **state)
{
	char address[32];

	(void)state;
	for (int round = 0; round < 3; round++) {
		configure(1, "");
		for (int i = 0; i < CONFIG_LISTEN_MAX; i++) {
			snprintf(address, sizeof(address), "127.0.0.1:%d", 1000 * round + i + 1);
			config.proxy.endpoints[config.proxy.endpoint_count++] =
				endpoint_of(address);
		}
		if (round < 2)
			extend();
		else
			expect_refused("too many");
	}
	listeners_trim(listeners, &config);
	extend();
}

static void test_each_worker_has_a_socket_of_each_kind_at_each_address(void **state)
{
	(void)state;
	configure(3, "127.0.0.1:53 [::1]:53 127.0.0.1:5353");
	extend();
	for (uint32_t worker = 0; worker < 3; worker++)
		for (uint32_t number = 0; number < 3; number++) {
			int udp = fd_of(worker, SOCK_DGRAM, number),
			    tcp = fd_of(worker, SOCK_STREAM, number);

			assert_int_equal(option_of(udp, SOL_SOCKET, SO_TYPE), SOCK_DGRAM);
			assert_int_equal(option_of(tcp, SOL_SOCKET, SO_TYPE), SOCK_STREAM);
			assert_int_equal(option_of(tcp, SOL_SOCKET, SO_ACCEPTCONN), 1);
			assert_true(option_of(udp, SOL_SOCKET, SO_RCVBUF) >= 4 << 20);
			assert_int_equal(option_of(tcp, SOL_SOCKET, SO_SNDBUF), 2 * (64 << 10));
			assert_int_equal(option_of(tcp, SOL_SOCKET, SO_RCVBUF), 2 * (64 << 10));
			assert_true(fcntl(udp, F_GETFL) & fcntl(tcp, F_GETFL) & O_NONBLOCK);
			assert_true(fcntl(udp, F_GETFD) & fcntl(tcp, F_GETFD) & FD_CLOEXEC);
		}
	assert_int_equal(fd_of(0, SOCK_DGRAM, 3), -1);
	assert_int_equal(fd_of(3, SOCK_STREAM, 0), -1);
}

static void test_only_wildcards_are_told_where_a_query_went(void **state)
{
	(void)state;
	configure(1, "0.0.0.0:53 [::]:53 127.0.0.1:54 [::1]:54");
	extend();
	for (uint32_t number = 0; number < 4; number++) {
		int fd = fd_of(0, SOCK_DGRAM, number), is_inet6 = number % 2;

		assert_int_equal(option_of(fd, is_inet6 ? IPPROTO_IPV6 : IPPROTO_IP,
					   is_inet6 ? IPV6_RECVPKTINFO : IP_PKTINFO),
				 number < 2);
	}
}

static void test_a_name_comes_to_the_same_worker_at_all_addresses(void **state)
{
	int worker;

	(void)state;
	configure(3, "127.0.0.1:53 [::1]:53");
	extend_with_steering();
	for (int number = 0; number < 50; number++) {
		ask("127.0.0.1:53", number);
		ask("[::1]:53", number);
		worker = find_worker(0);
		assert_in_range(worker, 0, 2);
		assert_int_equal(find_worker(1), worker);
	}
}

static void test_an_address_that_another_program_has_is_refused(void **state)
{
	int other;

	(void)state;
	for (int shares = 0; shares < 2; shares++)
		for (int is_stream = 0; is_stream < 2; is_stream++) {
			configure(2, "127.0.0.1:54 127.0.0.1:53");
			other = occupy("127.0.0.1:53", is_stream ? SOCK_STREAM : SOCK_DGRAM,
				       shares);
			expect_refused(is_stream ? "127.0.0.1:53 over TCP: another program"
						 : "127.0.0.1:53 over UDP: another program");
			configure(2, "127.0.0.1:54");
			assert_int_equal(fd_of(0, SOCK_DGRAM, 0), -1);
			configure(2, "0.0.0.0:53");
			expect_refused("0.0.0.0:53 over");
			configure(2, "[::]:53");
			extend();
			configure(0, "");
			listeners_trim(listeners, &config);
			close(other);
		}
}

static void test_an_address_of_nobody_is_refused(void **state)
{
	(void)state;
	configure(1, "192.0.2.1:53");
	expect_refused("192.0.2.1:53 over UDP: no interface");
	configure(1, "[2001:db8::1]:53");
	expect_refused("[2001:db8::1]:53 over UDP: no interface");
}

/* Whichever stands first. */
static void test_a_wildcard_and_one_of_its_addresses_go_together(void **state)
{
	(void)state;
	configure(2, "0.0.0.0:53 127.0.0.1:53 [::1]:53 [::]:53");
	extend();
	ask("127.0.0.1:53", 1);
	assert_int_equal(find_worker(0), -1);
	assert_true(find_worker(1) >= 0);
	ask("127.0.0.2:53", 1);
	assert_true(find_worker(0) >= 0);
	configure(2, "0.0.0.0:53");
	listeners_trim(listeners, &config);
	configure(2, "0.0.0.0:53 127.0.0.1:53");
	extend();
	ask("127.0.0.1:53", 1);
	assert_true(find_worker(1) >= 0);
}

static void test_an_address_that_stays_keeps_its_sockets_and_what_waits_in_them(void **state)
{
	int fd, connection;

	(void)state;
	configure(2, "127.0.0.1:53 127.0.0.1:54");
	extend();
	fd = fd_of(1, SOCK_DGRAM, 1);
	ask("127.0.0.1:54", 7);
	connection = client_of("127.0.0.1:54", SOCK_STREAM);
	configure(2, "127.0.0.1:55 127.0.0.1:54");
	extend();
	listeners_trim(listeners, &config);
	assert_int_equal(fd_of(1, SOCK_DGRAM, 1), fd);
	assert_true(find_worker(1) >= 0);
	assert_true(accept(fd_of(0, SOCK_STREAM, 1), NULL, NULL) >= 0 ||
		    accept(fd_of(1, SOCK_STREAM, 1), NULL, NULL) >= 0);
	close(connection);
	ask("127.0.0.1:55", 7);
	assert_true(find_worker(0) >= 0);
	close(occupy("127.0.0.1:53", SOCK_DGRAM, false)); /* is free again */
	close(occupy("127.0.0.1:53", SOCK_STREAM, false));
}

/* Of 100 names, those that come to a worker. */
static uint32_t count_names_of(int wanted)
{
	uint32_t count = 0;

	for (int number = 0; number < 100; number++) {
		ask("127.0.0.1:53", number);
		count += find_worker(0) == wanted;
	}
	return count;
}

static void test_workers_come_and_go(void **state)
{
	int fd;

	(void)state;
	configure(1, "127.0.0.1:53");
	extend();
	assert_int_equal(count_names_of(0), 100);
	configure(3, "127.0.0.1:53");
	extend();
	assert_int_equal(count_names_of(0), 100); /* the others are not counted yet */
	steer();
	for (int worker = 0; worker < 3; worker++)
		assert_in_range(count_names_of(worker), 15, 55);

	for (int number = 0; number < 100; number++)
		ask("127.0.0.1:53", number);
	fd = fd_of(2, SOCK_DGRAM, 0);
	configure(2, "127.0.0.1:53");
	steer();
	assert_true(take(fd)); /* what waits there can be read to its end */
	while (take(fd))
		;
	listeners_trim(listeners, &config);
	while (find_worker(0) >= 0)
		;
	assert_in_range(count_names_of(0), 25, 75);
	assert_int_equal(count_names_of(-1), 0);
}

/* Of a reload, that it has not come to yet. */
static void test_a_worker_is_asked_only_by_what_it_was_lent(void **state)
{
	int lent[CHILD_FD_END];

	(void)state;
	memset(lent, -1, sizeof(lent));
	assert_false(listeners_are_asked(lent));
	configure(1, "127.0.0.1:53 127.0.0.1:54");
	extend();
	listeners_place(listeners, &config, 0, lent);
	assert_false(listeners_are_asked(lent));
	close(client_of("127.0.0.1:53", SOCK_STREAM));
	assert_false(listeners_are_asked(lent)); /* that it accepts nobody is no sign of a hang */
	configure(1, "127.0.0.1:55 127.0.0.1:54");
	extend();
	ask("127.0.0.1:55", 7);
	assert_false(listeners_are_asked(lent));
	ask("127.0.0.1:54", 7);
	assert_true(listeners_are_asked(lent));
	assert_true(take(lent[CHILD_FD_LISTEN + 1]));
	assert_false(listeners_are_asked(lent));
	listeners_place(listeners, &config, 0, lent);
	assert_true(listeners_are_asked(lent));
}

static uint32_t count_connections(int fd)
{
	uint32_t count = 0;
	int connection;

	while ((connection = accept(fd, NULL, NULL)) >= 0) {
		close(connection);
		count++;
	}
	return count;
}

static void connect_times(uint32_t times)
{
	for (uint32_t i = 0; i < times; i++)
		close(client_of("[::1]:53", SOCK_STREAM));
}

static void test_connections_are_spread_over_workers_that_count(void **state)
{
	(void)state;
	configure(2, "[::1]:53");
	extend();
	connect_times(100);
	for (uint32_t worker = 0; worker < 2; worker++)
		assert_in_range(count_connections(fd_of(worker, SOCK_STREAM, 0)), 20, 80);
	assert_int_equal(listeners_steer(listeners, 1), 0);
	connect_times(50);
	assert_int_equal(count_connections(fd_of(0, SOCK_STREAM, 0)), 50);
	configure(1, "[::1]:53");
	listeners_trim(listeners, &config);
	connect_times(50);
	assert_int_equal(count_connections(fd_of(0, SOCK_STREAM, 0)), 50);
}

static void hand_over(void)
{
	struct handover *given = handover_new(), *taken;
	struct listeners *before = listeners;
	int fd;

	listeners_give(before, given);
	fd = handover_write(given, true);
	assert_true(fd >= 0);
	taken = handover_read(fd, error);
	assert_non_null(taken);
	listeners = listeners_new(0);
	if (!listeners_take(listeners, &config, taken, error))
		fail_msg("%s", error);
	handover_free(taken);
	handover_free(given);
	close(fd);
	abandoned[abandoned_count++] = before; /* as by an execve() */
}

static void test_what_is_handed_over_goes_on(void **state)
{
	int workers[50], fd, others = 0;

	(void)state;
	configure(3, "127.0.0.1:53 [::1]:53");
	extend_with_steering();
	for (int number = 0; number < 50; number++) {
		ask("127.0.0.1:53", number);
		workers[number] = find_worker(0);
	}
	fd = fd_of(2, SOCK_DGRAM, 0);
	ask("127.0.0.1:53", 9);
	hand_over();
	assert_null(listeners_degraded(listeners));
	assert_int_equal(fd_of(2, SOCK_DGRAM, 0), fd);
	assert_int_equal(find_worker(0), workers[9]);
	for (int number = 0; number < 50; number++) {
		ask("127.0.0.1:53", number);
		others += find_worker(0) != workers[number];
	}
	assert_int_equal(others, 0);
	configure(4, "127.0.0.1:53 [::1]:53");
	extend();
	steer();
	assert_in_range(count_names_of(3), 10, 45);
}

static void test_nothing_is_handed_over_without_a_proxy(void **state)
{
	(void)state;
	configure(3, "");
	extend();
	steer();
	hand_over();
	assert_int_equal(fd_of(0, SOCK_DGRAM, 0), -1);
	assert_null(listeners_degraded(listeners));
}

static int set_up(void **state)
{
	(void)state;
	if (!has_network)
		has_network = unshare(CLONE_NEWNET) == 0 && system("ip link set lo up") == 0;
	listeners = listeners_new(0x1234567812345678);
	return 0;
}

static int tear_down(void **state)
{
	(void)state;
	listeners_free(listeners);
	return 0;
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)
	const struct CMUnitTest tests[] = {
		TEST(test_each_worker_has_a_socket_of_each_kind_at_each_address),
		TEST(test_only_wildcards_are_told_where_a_query_went),
		TEST(test_a_name_comes_to_the_same_worker_at_all_addresses),
		TEST(test_an_address_that_another_program_has_is_refused),
		TEST(test_an_address_of_nobody_is_refused),
		TEST(test_a_wildcard_and_one_of_its_addresses_go_together),
		TEST(test_an_address_that_stays_keeps_its_sockets_and_what_waits_in_them),
		TEST(test_workers_come_and_go),
		TEST(test_addresses_beyond_the_room_are_refused),
		TEST(test_a_worker_is_asked_only_by_what_it_was_lent),
		TEST(test_connections_are_spread_over_workers_that_count),
		TEST(test_what_is_handed_over_goes_on),
		TEST(test_nothing_is_handed_over_without_a_proxy),
	};

	cmocka_set_message_output(CM_OUTPUT_TAP);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
