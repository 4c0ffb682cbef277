/* SPDX-License-Identifier: BSD-3-Clause */
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <setjmp.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>
#include <cmocka.h>

#include "aggregator/outputs/privacy.h"
#include "config/config.h"
#include "tests/lib/dns_build.h"

#define OPT 41

static char path[64], error[CONFIG_ERROR_MAX];
static struct config_privacy config;
static const uint8_t wire_name[] = "\3www\7example\3com";

static int set_up(void **state)
{
	(void)state;
	snprintf(path, sizeof(path), "/tmp/test_privacy.%d", (int)getpid());
	config = (struct config_privacy){.client_prefix4 = 32, .client_prefix6 = 128};
	return 0;
}

static int tear_down(void **state)
{
	(void)state;
	unlink(path);
	return 0;
}

static void write_key(size_t size)
{
	FILE *file = fopen(path, "w");

	assert_non_null(file);
	for (size_t i = 0; i < size; i++)
		fputc((int)i, file);
	fclose(file);
	strcpy(config.key_file, path);
}

static struct event event_of(const char *client)
{
	struct event event = {.qname = {wire_name, sizeof(wire_name)}, .query_port = 40000};

	if (client)
		assert_true(address_parse(client, &event.query_address));
	assert_true(address_parse("192.0.2.53", &event.response_address));
	return event;
}

static void apply(struct event *event)
{
	struct suffixes *suffixes = suffixes_new((struct slice){(const uint8_t *)"com", 3});
	struct privacy *privacy = privacy_new(&config, suffixes, error);

	assert_non_null(privacy);
	privacy_apply(privacy, event);
	privacy_free(privacy);
	suffixes_free(suffixes);
}

static void assert_client(const char *before, const char *after)
{
	struct event event = event_of(before);
	char text[ADDRESS_TEXT_MAX];

	apply(&event);
	assert_string_equal(address_format(&event.query_address, text), after);
	assert_string_equal(address_format(&event.response_address, text), "192.0.2.53");
}

static void test_need_is_told(void **state)
{
	(void)state;
	assert_false(privacy_is_needed(&config));
	config.client_prefix6 = 48;
	assert_true(privacy_is_needed(&config));
	config.client_prefix6 = 128;
	config.cuts_qname = true;
	assert_true(privacy_is_needed(&config));
}

static void test_clients_are_cut_to_their_prefix(void **state)
{
	(void)state;
	assert_client("198.51.100.255", "198.51.100.255");
	config.client_prefix4 = 24;
	config.client_prefix6 = 45;
	assert_client("198.51.100.255", "198.51.100.0");
	assert_client("2001:db8:ffff:ffff::1", "2001:db8:fff8::");
	config.client_prefix4 = config.client_prefix6 = 0;
	assert_client("198.51.100.255", "0.0.0.0");
	assert_client("2001:db8::1", "::");
}

static void test_hashed_clients_are_other_ones_each(void **state)
{
	struct event one = event_of("198.51.100.1"), same = one, other = event_of("198.51.100.2");
	struct event unknown = event_of(NULL);

	(void)state;
	config.clients = OUTPUT_CLIENTS_HASHED;
	write_key(16);
	apply(&one);
	apply(&same);
	apply(&other);
	apply(&unknown);
	assert_int_equal(one.query_address.bytes[0], 0xfd);
	assert_int_equal(one.query_address.version, 6);
	assert_true(address_equal(&one.query_address, &same.query_address));
	assert_false(address_equal(&one.query_address, &other.query_address));
	assert_int_equal(unknown.query_address.version, 0);
	write_key(17);
	same = event_of("198.51.100.1");
	apply(&same);
	assert_false(address_equal(&one.query_address, &same.query_address));
}

static void test_disguised_clients_are_remembered(void **state)
{
	struct privacy *privacy;

	(void)state;
	config.clients = OUTPUT_CLIENTS_CRYPTOPAN;
	write_key(32);
	privacy = privacy_new(&config, NULL, error);
	assert_non_null(privacy);
	for (int i = 0; i < 20000; i += 401) {
		struct event event = event_of("198.51.100.1"), again;

		memcpy(event.query_address.bytes + 2, &(uint16_t){(uint16_t)(i * 7)}, 2);
		again = event;
		apply(&event);
		privacy_apply(privacy, &again);
		assert_true(address_equal(&event.query_address, &again.query_address));
		privacy_apply(privacy, &again);
	}
	privacy_free(privacy);
}

static void test_wrong_keys_are_told(void **state)
{
	(void)state;
	config.clients = OUTPUT_CLIENTS_CRYPTOPAN;
	write_key(31);
	assert_null(privacy_new(&config, NULL, error));
	assert_non_null(strstr(error, "a key of Crypto-PAn has 32 bytes"));
	config.clients = OUTPUT_CLIENTS_HASHED;
	write_key(15);
	assert_null(privacy_new(&config, NULL, error));
	assert_non_null(strstr(error, "a key has 16 to 1023 bytes"));
	write_key(2000);
	assert_null(privacy_new(&config, NULL, error));
	unlink(path);
	assert_null(privacy_new(&config, NULL, error));
	assert_non_null(strstr(error, "No such file"));
}

static void test_name_and_message_are_cut(void **state)
{
	struct event event = event_of(NULL);

	(void)state;
	config.cuts_qname = true;
	event.message = (struct slice){wire_name, sizeof(wire_name)};
	apply(&event);
	assert_int_equal(event.qname.length, sizeof(wire_name) - 4);
	assert_ptr_equal(event.qname.data, wire_name + 4);
	assert_int_equal(event.message.length, 0);
	event = (struct event){0};
	apply(&event);
	assert_int_equal(event.qname.length, 0);
}

static void test_client_subnet_is_removed(void **state)
{
	static const uint8_t option[] = {0, 8, 0, 7, 0, 1, 24, 0, 198, 51, 100};
	struct event event = event_of(NULL);
	struct privacy *privacy;
	struct dns_build build;

	(void)state;
	config.removes_ecs = true;
	privacy = privacy_new(&config, NULL, error);
	dns_build_start(&build, 1, 0x0100);
	dns_build_question(&build, "example.com", 1);
	dns_build_section(&build, DNS_ADDITIONAL);
	dns_build_record(&build, ".", OPT, option, sizeof(option));
	event.message = dns_build_message(&build);
	privacy_apply(privacy, &event);
	assert_int_equal(event.message.length, build.length - sizeof(option));
	event.message = dns_build_message(&build);
	event.message.length--;
	privacy_apply(privacy, &event);
	assert_int_equal(event.message.length, 0);
	privacy_free(privacy);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(test_need_is_told),
		TEST(test_clients_are_cut_to_their_prefix),
		TEST(test_hashed_clients_are_other_ones_each),
		TEST(test_disguised_clients_are_remembered),
		TEST(test_wrong_keys_are_told),
		TEST(test_name_and_message_are_cut),
		TEST(test_client_subnet_is_removed),
	};

	cmocka_set_message_output(CM_OUTPUT_TAP);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
