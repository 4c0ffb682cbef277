/* SPDX-License-Identifier: BSD-3-Clause */
/* bpf/steer.bpf.c on real groups of UDP sockets: who gets what, in a network of the test's own. */
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <setjmp.h>
#include <cmocka.h>
#include <arpa/inet.h>
#include <errno.h>
#include <sched.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/random.h"
#include "supervisor/bpf.h"

#define SOCKETS	    3
#define SOCKETS_MAX 16
#define NAMES	    10000
#define HEADER	    12
#define TAIL	    4 /* type and class */
#define QUERY_MAX   (HEADER + 255 + TAIL + 64)

static struct steer_settings settings = {.key = 0x1234567812345678, .worker_count = SOCKETS};
static struct bpf_steer *steer;
static struct random dice;
static int group[SOCKETS_MAX], client;
static uint32_t group_count;
static struct sockaddr_storage server;
static socklen_t server_length;

static int member_open(int family)
{
	int fd = socket(family, SOCK_DGRAM | SOCK_NONBLOCK, 0), on = 1, bytes = 8 << 20;

	assert_true(fd >= 0);
	setsockopt(fd, SOL_SOCKET, SO_RCVBUFFORCE, &bytes, sizeof(bytes));
	assert_int_equal(setsockopt(fd, SOL_SOCKET, SO_REUSEPORT, &on, sizeof(on)), 0);
	return fd;
}

/* The first has the program before it has an address: none of its datagrams goes another way. */
static void member_join(void)
{
	int fd = member_open(server.ss_family), program = bpf_steer_fd(steer);

	if (!group_count)
		assert_int_equal(setsockopt(fd, SOL_SOCKET, SO_ATTACH_REUSEPORT_EBPF, &program,
					    sizeof(program)),
				 0);
	assert_int_equal(bind(fd, (struct sockaddr *)&server, server_length), 0);
	assert_int_equal(getsockname(fd, (struct sockaddr *)&server, &server_length), 0);
	group[group_count++] = fd;
}

static void group_open(int family, uint32_t count)
{
	struct sockaddr_in *inet = (struct sockaddr_in *)&server;
	struct sockaddr_in6 *inet6 = (struct sockaddr_in6 *)&server;

	if (!steer)
		skip();
	memset(&server, 0, sizeof(server));
	server.ss_family = (sa_family_t)family;
	if (family == AF_INET)
		inet->sin_addr.s_addr = htonl(INADDR_LOOPBACK);
	else
		inet6->sin6_addr = in6addr_loopback;
	server_length = family == AF_INET ? sizeof(*inet) : sizeof(*inet6);
	settings.worker_count = count;
	assert_int_equal(bpf_steer_update(steer, &settings), 0);
	for (uint32_t i = 0; i < count; i++)
		member_join();
	client = socket(family, SOCK_DGRAM, 0);
	assert_int_equal(connect(client, (struct sockaddr *)&server, server_length), 0);
}

static void group_close(void)
{
	while (group_count)
		close(group[--group_count]);
	close(client);
}

/* How many wait in a socket; they are taken. */
static uint32_t count_waiting(int fd)
{
	char octets[65536];
	uint32_t count = 0;

	while (recv(fd, octets, sizeof(octets), 0) >= 0)
		count++;
	return count;
}

/* Which socket got the one datagram that is under way; -1: not one of them alone. */
static int find_receiver(void)
{
	int receiver = -1;
	uint32_t count, total = 0;

	for (uint32_t i = 0; i < group_count; i++) {
		count = count_waiting(group[i]);
		if (count)
			receiver = (int)i;
		total += count;
	}
	return total == 1 ? receiver : -1;
}

static int steer_octets(const void *octets, size_t length)
{
	assert_int_equal(send(client, octets, length, 0), length);
	return find_receiver();
}

/* A query for a name, with another id and other octets behind it each time. */
static size_t make_query(uint8_t *query, const uint8_t *name, size_t name_length)
{
	size_t tail = TAIL + random_below(&dice, 64), length = HEADER + name_length + tail;

	for (size_t i = 0; i < length; i++)
		query[i] = (uint8_t)random_below(&dice, 256);
	memcpy(query + HEADER, name, name_length);
	return length;
}

static int steer_name(const uint8_t *name, size_t name_length)
{
	uint8_t query[QUERY_MAX];

	return steer_octets(query, make_query(query, name, name_length));
}

/* A name in wire form: labels of letters, or of any octet that is no zero. */
static size_t make_name(uint8_t *name, size_t limit, bool has_letters)
{
	size_t length = 0, label;

	while (length + 2 < limit) {
		label = 1 + random_below(&dice, 63);
		if (length + 1 + label + 1 > limit)
			label = limit - length - 2;
		name[length++] = (uint8_t)label;
		for (; label; label--)
			name[length++] = has_letters ? (uint8_t)('a' + random_below(&dice, 26))
						     : (uint8_t)(1 + random_below(&dice, 255));
	}
	name[length++] = 0;
	return length;
}

/* Letters are told from lengths of labels by walking them. */
static void respell(uint8_t *name)
{
	for (size_t at = 0; name[at]; at += name[at] + 1u)
		for (size_t i = at + 1; i <= at + name[at]; i++)
			if ((name[i] | 0x20) >= 'a' && (name[i] | 0x20) <= 'z')
				name[i] ^= random_below(&dice, 2) ? 0x20 : 0;
}

static void expect_one_socket(bool has_letters)
{
	uint8_t name[255];
	size_t length;
	int receiver;

	for (size_t limit = 3; limit <= 255; limit++) {
		length = make_name(name, limit, has_letters);
		receiver = steer_name(name, length);
		assert_in_range(receiver, 0, SOCKETS - 1);
		for (int spelling = 0; spelling < 8; spelling++) {
			respell(name);
			assert_int_equal(steer_name(name, length), receiver);
		}
	}
}

static void test_steer_every_spelling_of_a_name_comes_to_one_socket(void **state)
{
	const int families[] = {AF_INET, AF_INET6};

	(void)state;
	for (int i = 0; i < 2; i++) {
		group_open(families[i], SOCKETS);
		expect_one_socket(true);
		expect_one_socket(false);
		group_close();
	}
}

static void send_numbered(const char *format, const char *end, size_t end_length)
{
	uint8_t query[QUERY_MAX] = {0};
	char label[64];

	for (uint32_t number = 0; number < NAMES; number++) {
		size_t length = (size_t)snprintf(label, sizeof(label), format, number);

		query[HEADER] = (uint8_t)length;
		memcpy(query + HEADER + 1, label, length);
		memcpy(query + HEADER + 1 + length, end, end_length);
		length += HEADER + 1 + end_length + TAIL;
		assert_true(send(client, query, length, 0) == (ssize_t)length);
	}
}

static void expect_even(uint32_t sockets)
{
	for (uint32_t i = 0; i < sockets; i++)
		assert_in_range(count_waiting(group[i]), NAMES / sockets * 85 / 100,
				NAMES / sockets * 115 / 100);
}

/* Names that differ in few octets, at every place of a word of the hash. */
static void test_steer_names_are_spread_evenly(void **state)
{
	static const struct {
		const char *format, *end;
		size_t end_length;
	} names[] = {{"%05u", "", 1},
		     {"n%05u", "\3com", 5},
		     {"host-%u", "\7example\3com", 13},
		     {"%u-a", "\7example\3com", 13},
		     {"a-label-of-many-octets-%06u", "\2ip\4arpa", 9}};
	static const uint32_t counts[] = {2, 3, 4, 16};

	(void)state;
	for (size_t i = 0; i < 4; i++) {
		group_open(i % 2 ? AF_INET6 : AF_INET, counts[i]);
		for (size_t j = 0; j < 5; j++) {
			send_numbered(names[j].format, names[j].end, names[j].end_length);
			expect_even(counts[i]);
		}
		group_close();
	}
}

/* As a network numbers its hosts: with no key do they come to few sockets alone. */
static void test_steer_numbered_names_are_spread_with_every_key(void **state)
{
	(void)state;
	group_open(AF_INET, 2);
	for (int round = 0; round < 200; round++) {
		uint32_t count = 0;

		settings.key = random_next(&dice);
		assert_int_equal(bpf_steer_update(steer, &settings), 0);
		for (int i = 0; i < 64; i++) {
			char name[16];

			snprintf(name, sizeof(name), "\6n%05d", i);
			count += steer_name((const uint8_t *)name, 8) == 0;
		}
		assert_in_range(count, 10, 54);
	}
	group_close();
}

static void test_steer_root_and_names_of_one_octet_have_a_place(void **state)
{
	uint8_t name[3] = {1, 'x', 0}, root[1] = {0};
	int receiver;

	(void)state;
	group_open(AF_INET, SOCKETS);
	receiver = steer_name(root, sizeof(root));
	assert_in_range(receiver, 0, SOCKETS - 1);
	assert_int_equal(steer_name(root, sizeof(root)), receiver);
	receiver = steer_name(name, sizeof(name));
	name[1] = 'X';
	assert_int_equal(steer_name(name, sizeof(name)), receiver);
	group_close();
}

static void test_steer_what_is_no_query_comes_to_the_first(void **state)
{
	uint8_t octets[HEADER] = {0};

	(void)state;
	group_open(AF_INET, SOCKETS);
	for (size_t length = 0; length <= HEADER; length++)
		assert_int_equal(steer_octets(octets, length), 0);
	group_close();
}

/* Names without an end, and datagrams as large as they can be: one socket gets each, and the
 * same each time. */
static void test_steer_junk_does_no_harm(void **state)
{
	static uint8_t octets[65507];
	int receiver;

	(void)state;
	group_open(AF_INET6, SOCKETS);
	for (size_t length = 1; length <= sizeof(octets); length += 1 + length / 3) {
		for (size_t i = 0; i < length; i++)
			octets[i] = (uint8_t)(1 + random_below(&dice, 255));
		receiver = steer_octets(octets, length);
		assert_in_range(receiver, 0, SOCKETS - 1);
		assert_int_equal(steer_octets(octets, length), receiver);
	}
	group_close();
}

static void test_steer_octets_behind_255_do_not_matter(void **state)
{
	uint8_t octets[2048];
	int receiver;

	(void)state;
	group_open(AF_INET, SOCKETS);
	memset(octets, 'a', sizeof(octets));
	receiver = steer_octets(octets, sizeof(octets));
	for (size_t i = 0; i < 64; i++) {
		octets[HEADER + 256 + i] = (uint8_t)random_below(&dice, 256);
		assert_int_equal(steer_octets(octets, sizeof(octets)), receiver);
	}
	group_close();
}

static uint32_t count_names_of_last(uint32_t names)
{
	uint8_t name[255];
	uint32_t count = 0;

	for (uint32_t i = 0; i < names; i++) {
		int receiver = steer_name(name, make_name(name, 20, true));

		assert_true(receiver >= 0);
		count += receiver == (int)group_count - 1;
	}
	return count;
}

static void test_steer_follows_the_number_of_workers(void **state)
{
	(void)state;
	group_open(AF_INET, SOCKETS);
	member_join(); /* gets nothing until it is told of */
	assert_int_equal(count_names_of_last(200), 0);
	settings.worker_count = SOCKETS + 1;
	assert_int_equal(bpf_steer_update(steer, &settings), 0);
	assert_in_range(count_names_of_last(400), 50, 150);
	settings.worker_count = SOCKETS;
	assert_int_equal(bpf_steer_update(steer, &settings), 0);
	assert_int_equal(count_names_of_last(200), 0);
	close(group[--group_count]);
	assert_in_range(count_names_of_last(300), 50, 150);
	settings.worker_count = 0;
	assert_int_equal(bpf_steer_update(steer, &settings), 0);
	assert_int_equal(count_names_of_last(100), 0);
	group_close();
}

static void test_steer_another_key_is_another_order(void **state)
{
	uint8_t names[64][20];
	size_t lengths[64];
	int before[64], moved = 0;

	(void)state;
	group_open(AF_INET, SOCKETS);
	for (int i = 0; i < 64; i++) {
		lengths[i] = make_name(names[i], 20, true);
		before[i] = steer_name(names[i], lengths[i]);
	}
	settings.key ^= UINT64_C(0x5555000055550000);
	assert_int_equal(bpf_steer_update(steer, &settings), 0);
	for (int i = 0; i < 64; i++)
		moved += steer_name(names[i], lengths[i]) != before[i];
	assert_in_range(moved, 20, 60);
	group_close();
}

static int set_up(void **state)
{
	char error[256] = "no network of its own";

	(void)state;
	dice = (struct random){{1, 2, 3, 4}};
	if (unshare(CLONE_NEWNET) == 0 && system("ip link set lo up") == 0)
		steer = bpf_steer_open(&settings, error);
	if (!steer)
		print_message("# skipped: %s\n", error);
	return 0;
}

static int tear_down(void **state)
{
	(void)state;
	bpf_steer_close(steer);
	return 0;
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_steer_every_spelling_of_a_name_comes_to_one_socket),
		cmocka_unit_test(test_steer_names_are_spread_evenly),
		cmocka_unit_test(test_steer_numbered_names_are_spread_with_every_key),
		cmocka_unit_test(test_steer_root_and_names_of_one_octet_have_a_place),
		cmocka_unit_test(test_steer_what_is_no_query_comes_to_the_first),
		cmocka_unit_test(test_steer_junk_does_no_harm),
		cmocka_unit_test(test_steer_octets_behind_255_do_not_matter),
		cmocka_unit_test(test_steer_follows_the_number_of_workers),
		cmocka_unit_test(test_steer_another_key_is_another_order),
	};

	cmocka_set_message_output(CM_OUTPUT_TAP);
	return cmocka_run_group_tests(tests, set_up, tear_down);
}
