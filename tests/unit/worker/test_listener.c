/* SPDX-License-Identifier: BSD-3-Clause */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include <arpa/inet.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/cursor.h"
#include "dns/message.h"
#include "tests/lib/proxy_rig.h"

#define RULES "redirect ^ to 192.0.2.9, 2001:db8::9"

static struct proxy_rig rig;
static struct proxy_rig_message query, reply;

static int set_up(void **state)
{
	(void)state;
	proxy_rig_init(&rig);
	return 0;
}

static int tear_down(void **state)
{
	(void)state;
	assert_true(proxy_rig_adds_up(&rig));
	proxy_rig_close(&rig);
	return 0;
}

static void listen_on(uint32_t number, const char *address)
{
	assert_true(address_parse(address, &rig.config.proxy.endpoints[number].address));
}

static void test_listener_answers_every_query_of_many_batches(void **state)
{
	bool has_come[200] = {false};

	(void)state;
	proxy_rig_open(&rig, RULES);
	for (uint16_t id = 0; id < 200; id++)
		proxy_rig_ask(&rig, id, "a.test.", 1);
	for (int i = 0; i < 200; i++) {
		uint16_t id;

		assert_true(proxy_rig_take(&rig, rig.client, PROXY_RIG_WAIT_MS, &reply));
		id = be16_load(reply.bytes);
		assert_true(id < 200 && !has_come[id]);
		has_come[id] = true;
	}
	assert_int_equal(proxy_rig_count(&rig, COUNTER_PROXY_QUERIES), 200);
	assert_int_equal(proxy_rig_count(&rig, COUNTER_PROXY_LOCAL), 200);
	assert_int_equal(rig.proxy->stats->traffic.packets_received, 200);
	assert_int_equal(rig.proxy->stats->traffic.packets_sent, 200);
}

static void test_listener_drops_what_is_no_query(void **state)
{
	static uint8_t bytes[2 * LISTENER_QUERY_MAX];

	(void)state;
	proxy_rig_open(&rig, RULES);
	send(rig.client, bytes, 0, 0);
	send(rig.client, bytes, DNS_HEADER_SIZE - 1, 0);
	bytes[2] = 0x80; /* a response */
	send(rig.client, bytes, DNS_HEADER_SIZE, 0);
	assert_true(proxy_rig_is_quiet(&rig, rig.client));
	assert_int_equal(proxy_rig_count(&rig, COUNTER_PROXY_DROPPED_MALFORMED), 3);
}

static void test_listener_drops_a_query_that_is_too_long(void **state)
{
	static uint8_t bytes[LISTENER_QUERY_MAX + 1];

	(void)state;
	proxy_rig_open(&rig, RULES);
	proxy_rig_query(&query, 1, DNS_FLAG_RD, "a.test.", 1, 0);
	memcpy(bytes, query.bytes, query.length);
	send(rig.client, bytes, sizeof(bytes), 0);
	assert_true(proxy_rig_is_quiet(&rig, rig.client));
	assert_int_equal(proxy_rig_count(&rig, COUNTER_PROXY_DROPPED_MALFORMED), 1);
	send(rig.client, bytes, LISTENER_QUERY_MAX, 0); /* octets behind the query do no harm */
	assert_true(proxy_rig_take(&rig, rig.client, PROXY_RIG_WAIT_MS, &reply));
}

/* The client takes datagrams from the address that it asked alone. */
static void assert_answered_from(const char *text, uint16_t port)
{
	struct endpoint endpoint = {.port = port};
	struct sockaddr_storage address;
	socklen_t length;
	int fd;

	assert_true(address_parse(text, &endpoint.address));
	length = endpoint_to_sockaddr(&endpoint, &address);
	fd = socket(address.ss_family, SOCK_DGRAM | SOCK_CLOEXEC, 0);
	assert_int_equal(connect(fd, (struct sockaddr *)&address, length), 0);
	proxy_rig_query(&query, 1, DNS_FLAG_RD, "a.test.", 1, 0);
	send(fd, query.bytes, query.length, 0);
	assert_true(proxy_rig_take(&rig, fd, PROXY_RIG_WAIT_MS, &reply));
	close(fd);
}

static void test_listener_on_all_addresses_answers_from_the_one_that_was_asked(void **state)
{
	(void)state;
	listen_on(0, "0.0.0.0");
	proxy_rig_open(&rig, RULES);
	assert_answered_from("127.0.0.1", rig.at.port);
	assert_answered_from("127.0.0.2", rig.at.port);
	assert_answered_from("127.1.2.3", rig.at.port);
}

static void test_listener_on_all_addresses_of_ipv6_answers_from_the_one_too(void **state)
{
	(void)state;
	listen_on(0, "::");
	proxy_rig_open(&rig, RULES);
	assert_answered_from("::1", rig.at.port);
}

static void test_listener_on_all_addresses_answers_a_batch_to_many_clients(void **state)
{
	int fds[40];

	(void)state;
	listen_on(0, "0.0.0.0");
	proxy_rig_open(&rig, RULES);
	for (int i = 0; i < 40; i++) {
		struct sockaddr_in address = {.sin_family = AF_INET,
					      .sin_port = htons(rig.at.port),
					      .sin_addr.s_addr = htonl(0x7f000001u + (uint32_t)i)};

		fds[i] = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
		assert_int_equal(connect(fds[i], (struct sockaddr *)&address, sizeof(address)), 0);
		proxy_rig_query(&query, (uint16_t)i, DNS_FLAG_RD, "a.test.", 1, 0);
		send(fds[i], query.bytes, query.length, 0);
	}
	for (int i = 0; i < 40; i++) {
		assert_true(proxy_rig_take(&rig, fds[i], PROXY_RIG_WAIT_MS, &reply));
		assert_int_equal(be16_load(reply.bytes), i);
		close(fds[i]);
	}
}

static void test_listeners_of_sixteen_addresses_all_answer(void **state)
{
	char text[] = "127.0.0.10";

	(void)state;
	rig.config.proxy.endpoint_count = CONFIG_LISTEN_MAX;
	for (uint32_t i = 0; i < CONFIG_LISTEN_MAX; i++) {
		text[8] = (char)('1' + i / 10);
		text[9] = (char)('0' + i % 10);
		listen_on(i, text);
	}
	proxy_rig_open(&rig, RULES);
	for (uint32_t i = 0; i < CONFIG_LISTEN_MAX; i++) {
		address_format(&rig.config.proxy.endpoints[i].address, text);
		assert_answered_from(text, rig.config.proxy.endpoints[i].port);
	}
}

/* Nobody may send to that address: the others of the batch get their replies. */
static void test_listener_counts_what_cannot_be_sent(void **state)
{
	struct sockaddr_in own;
	socklen_t length = sizeof(own);
	struct client client = {.from.inet = {.sin_family = AF_INET, .sin_port = htons(9)}};
	struct proxy_taken taken;

	(void)state;
	proxy_rig_open(&rig, RULES);
	assert_int_equal(getsockname(rig.client, (struct sockaddr *)&own, &length), 0);
	client.listener = &rig.proxy->listeners[0];
	client.address = (struct address){.bytes = {127, 0, 0, 1}, .version = 4};
	proxy_begin_turn(rig.proxy, 3);
	assert_int_equal(state_get(rig.proxy->head, STATE_PROXY_TURN), 1);
	for (uint16_t id = 0; id < 3; id++) {
		client.from.inet.sin_addr.s_addr = id == 1 ? INADDR_BROADCAST : own.sin_addr.s_addr;
		client.from.inet.sin_port = own.sin_port;
		proxy_rig_query(&query, id, DNS_FLAG_RD, "a.test.", 1, 0);
		proxy_parse(rig.proxy, (struct slice){query.bytes, query.length}, &taken);
		proxy_handle(rig.proxy, &client, &taken);
	}
	proxy_end_turn(rig.proxy);
	assert_int_equal(state_get(rig.proxy->head, STATE_PROXY_TURN), 0);
	for (uint16_t id = 0; id < 3; id += 2) {
		assert_true(proxy_rig_take(&rig, rig.client, PROXY_RIG_WAIT_MS, &reply));
		assert_int_equal(be16_load(reply.bytes), id);
	}
	assert_int_equal(proxy_rig_count(&rig, COUNTER_PROXY_UNSENT), 1);
	assert_int_equal(proxy_rig_count(&rig, COUNTER_PROXY_LOCAL), 2);
}

/* More replies in one turn than there is room for: they leave on the way. */
static void test_listener_sends_when_its_batch_is_full(void **state)
{
	(void)state;
	rig.config.proxy.timeout_ms = 5000;
	rig.config.proxy.query_count = 8 * LISTENER_BATCH;
	proxy_rig_open(&rig, "resolve ^ using 127.0.0.1:%u");
	for (uint16_t id = 0; id < 3 * LISTENER_BATCH + 1; id++)
		proxy_rig_ask(&rig, id, "a.test.", 1);
	assert_true(proxy_rig_take(&rig, rig.upstreams[0], PROXY_RIG_WAIT_MS, &query));
	proxy_rig_pass(&rig, PROXY_RIG_QUIET_MS);
	proxy_rig_answer(rig.upstreams[0], &query, 300, 1);
	for (uint16_t id = 0; id < 3 * LISTENER_BATCH + 1; id++) {
		assert_true(proxy_rig_take(&rig, rig.client, PROXY_RIG_WAIT_MS, &reply));
		assert_int_equal(be16_load(reply.bytes), id);
	}
}

/* What a killed worker had taken over and not answered is lost, what it had not read is not. */
static void test_listener_leaves_its_successor_what_it_has_not_read(void **state)
{
	(void)state;
	proxy_rig_open(&rig, RULES);
	for (uint16_t id = 0; id < 50; id++)
		proxy_rig_ask(&rig, id, "a.test.", 1);
	proxy_begin_turn(rig.proxy, 7); /* of seven that were read, and it is killed */
	proxy_rig_reopen(&rig);
	assert_int_equal(proxy_rig_count(&rig, COUNTER_PROXY_LOST), 7);
	for (uint16_t id = 0; id < 50; id++)
		assert_true(proxy_rig_take(&rig, rig.client, PROXY_RIG_WAIT_MS, &reply));
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(test_listener_answers_every_query_of_many_batches),
		TEST(test_listener_drops_what_is_no_query),
		TEST(test_listener_drops_a_query_that_is_too_long),
		TEST(test_listener_on_all_addresses_answers_from_the_one_that_was_asked),
		TEST(test_listener_on_all_addresses_of_ipv6_answers_from_the_one_too),
		TEST(test_listener_on_all_addresses_answers_a_batch_to_many_clients),
		TEST(test_listeners_of_sixteen_addresses_all_answer),
		TEST(test_listener_counts_what_cannot_be_sent),
		TEST(test_listener_sends_when_its_batch_is_full),
		TEST(test_listener_leaves_its_successor_what_it_has_not_read),
	};

	cmocka_set_message_output(CM_OUTPUT_TAP);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
