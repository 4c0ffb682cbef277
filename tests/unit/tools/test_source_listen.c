/* SPDX-License-Identifier: BSD-3-Clause */
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <setjmp.h>
#include <cmocka.h>

#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/clock.h"
#include "tools/read/source.h"

static char error[SOURCE_ERROR_BYTES];

static struct endpoint endpoint(const char *address, uint16_t port)
{
	struct endpoint made = {.port = port};

	assert_true(address_parse(address, &made.address));
	return made;
}

/* Listens at any free port, which is told in *port. */
static struct source *listen_at(const char *address, uint16_t *port)
{
	struct endpoint at = endpoint(address, 0);
	struct source *source = source_open_listen(&at, error);
	struct sockaddr_storage bound;
	socklen_t size = sizeof(bound);

	if (!source)
		return NULL;
	assert_int_equal(getsockname(source->fd, (struct sockaddr *)&bound, &size), 0);
	assert_true(endpoint_from_sockaddr(&bound, &at));
	*port = at.port;
	return source;
}

/* A socket that sends to address; *own is where from. */
static int connect_to(const char *address, uint16_t port, struct endpoint *own)
{
	struct endpoint to = endpoint(address, port);
	struct sockaddr_storage target;
	socklen_t size = endpoint_to_sockaddr(&to, &target);
	int fd = socket(target.ss_family, SOCK_DGRAM, 0);

	assert_int_equal(connect(fd, (struct sockaddr *)&target, size), 0);
	size = sizeof(target);
	assert_int_equal(getsockname(fd, (struct sockaddr *)&target, &size), 0);
	assert_true(endpoint_from_sockaddr(&target, own));
	return fd;
}

static void assert_sent(struct source *source, const char *address, uint16_t port)
{
	struct endpoint own;
	int fd = connect_to(address, port, &own);
	struct datagram datagram;

	assert_int_equal(send(fd, "hello", 5, 0), 5);
	assert_int_equal(source->ops->next(source, &datagram), SOURCE_DATAGRAM);
	assert_int_equal(datagram.payload.length, 5);
	assert_memory_equal(datagram.payload.data, "hello", 5);
	assert_true(address_equal(&datagram.exporter.address, &own.address));
	assert_int_equal(datagram.exporter.port, own.port);
	assert_true(llabs(clock_wall_ns() - datagram.time_ns) < 10 * NANOSECONDS_PER_SECOND);
	assert_int_equal(source->ops->next(source, &datagram), SOURCE_IDLE);
	close(fd);
}

static void test_listener_takes_ip4(void **state)
{
	uint16_t port;
	struct source *source = listen_at("127.0.0.1", &port);

	(void)state;
	assert_sent(source, "127.0.0.1", port);
	source->ops->close(source);
}

static void test_listener_takes_ip4_and_ip6_at_any_address(void **state)
{
	uint16_t port;
	struct source *source = listen_at("::", &port), *six;

	(void)state;
	assert_non_null(source);
	assert_sent(source, "127.0.0.1", port);
	six = listen_at("::1", &port);
	if (six) {
		assert_sent(six, "::1", port);
		six->ops->close(six);
	}
	source->ops->close(source);
}

static void test_listener_takes_many_and_the_largest(void **state)
{
	static uint8_t large[65507];
	struct endpoint own;
	uint16_t port;
	struct source *source = listen_at("127.0.0.1", &port);
	int fd = connect_to("127.0.0.1", port, &own);
	struct datagram datagram;

	(void)state;
	assert_int_equal(send(fd, large, sizeof(large), 0), sizeof(large));
	for (uint16_t i = 0; i < 150; i++)
		assert_int_equal(send(fd, &i, sizeof(i), 0), sizeof(i));
	assert_int_equal(source->ops->next(source, &datagram), SOURCE_DATAGRAM);
	assert_int_equal(datagram.payload.length, sizeof(large));
	for (uint16_t i = 0; i < 150; i++) {
		assert_int_equal(source->ops->next(source, &datagram), SOURCE_DATAGRAM);
		assert_memory_equal(datagram.payload.data, &i, sizeof(i));
	}
	assert_int_equal(source->ops->next(source, &datagram), SOURCE_IDLE);
	assert_int_equal(source->ops->dropped(source), 0);
	close(fd);
	source->ops->close(source);
}

static void test_listener_counts_what_the_kernel_dropped(void **state)
{
	uint8_t bytes[1000] = {0};
	struct endpoint own;
	uint16_t port;
	struct source *source = listen_at("127.0.0.1", &port);
	int fd = connect_to("127.0.0.1", port, &own), small = 4096;
	struct datagram datagram;
	uint64_t received = 0;

	(void)state;
	assert_int_equal(setsockopt(source->fd, SOL_SOCKET, SO_RCVBUF, &small, sizeof(small)), 0);
	for (int i = 0; i < 100; i++)
		assert_int_equal(send(fd, bytes, sizeof(bytes), 0), sizeof(bytes));
	while (source->ops->next(source, &datagram) == SOURCE_DATAGRAM)
		received++;
	assert_in_range(received, 1, 99);
	assert_int_equal(source->ops->dropped(source), 100 - received);
	close(fd);
	source->ops->close(source);
}

static void test_listener_tells_why_it_cannot_listen(void **state)
{
	uint16_t port;
	struct source *source = listen_at("127.0.0.1", &port);
	struct endpoint same = endpoint("127.0.0.1", port), foreign = endpoint("192.0.2.1", 5300);

	(void)state;
	assert_null(source_open_listen(&same, error));
	assert_non_null(strstr(error, "in use"));
	assert_null(source_open_listen(&foreign, error));
	assert_non_null(strstr(error, "192.0.2.1:5300: "));
	source->ops->close(source);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_listener_takes_ip4),
		cmocka_unit_test(test_listener_takes_ip4_and_ip6_at_any_address),
		cmocka_unit_test(test_listener_takes_many_and_the_largest),
		cmocka_unit_test(test_listener_counts_what_the_kernel_dropped),
		cmocka_unit_test(test_listener_tells_why_it_cannot_listen),
	};

	cmocka_set_message_output(CM_OUTPUT_TAP);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
