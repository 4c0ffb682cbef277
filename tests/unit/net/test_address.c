/* SPDX-License-Identifier: BSD-3-Clause */
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <setjmp.h>
#include <cmocka.h>
#include <netinet/in.h>

#include "net/address.h"

static void check_text(const char *text, const char *expected)
{
	char formatted[ADDRESS_TEXT_MAX];
	struct address address;

	assert_true(address_parse(text, &address));
	assert_ptr_equal(address_format(&address, formatted), formatted);
	assert_string_equal(formatted, expected);
}

static void test_address_formats_as_rfc_5952(void **state)
{
	(void)state;
	check_text("192.0.2.1", "192.0.2.1");
	check_text("255.255.255.255", "255.255.255.255");
	check_text("::", "::");
	check_text("::1", "::1");
	check_text("2001:DB8:0:0:1:0:0:1", "2001:db8::1:0:0:1");
	check_text("2001:db8:0:1:1:1:1:1", "2001:db8:0:1:1:1:1:1");
	check_text("ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff",
		   "ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff");
	check_text("::ffff:192.0.2.1", "::ffff:192.0.2.1");
}

static void test_address_parse_rejects_what_is_no_address(void **state)
{
	static const char *const texts[] = {"",	     " ",	 "192.0.2",    "192.0.2.256",
					    "1:2",   "[::1]",	 "192.0.2.1 ", "::1%eth0",
					    "host.", "1.2.3.4:5"};
	struct address address;

	(void)state;
	for (size_t i = 0; i < sizeof(texts) / sizeof(texts[0]); i++) {
		assert_false(address_parse(texts[i], &address));
		assert_int_equal(address.version, 0);
	}
}

static void test_address_ipv4_leaves_the_rest_zero(void **state)
{
	struct address address;

	(void)state;
	memset(&address, 0xff, sizeof(address));
	assert_true(address_parse("1.2.3.4", &address));
	assert_int_equal(address.version, 4);
	assert_memory_equal(address.bytes, "\1\2\3\4\0\0\0\0\0\0\0\0\0\0\0\0", 16);
}

static void test_address_equal_compares_version_and_bytes(void **state)
{
	struct address a, b;

	(void)state;
	address_parse("0.0.0.0", &a);
	address_parse("::", &b);
	assert_false(address_equal(&a, &b));
	assert_true(address_equal(&b, &b));
	address_parse("::1", &a);
	assert_false(address_equal(&a, &b));
}

static void test_address_is_any_when_all_of_it_is_zero(void **state)
{
	static const char *const others[] = {"0.0.0.1", "1.0.0.0", "::1", "1::", "::ffff:0:0"};
	struct address address;

	(void)state;
	address_parse("0.0.0.0", &address);
	assert_true(address_is_any(&address));
	address_parse("::", &address);
	assert_true(address_is_any(&address));
	for (size_t i = 0; i < sizeof(others) / sizeof(others[0]); i++) {
		assert_true(address_parse(others[i], &address));
		assert_false(address_is_any(&address));
	}
}

static void test_endpoint_equal_compares_address_and_port(void **state)
{
	struct endpoint a = {.port = 53}, b;

	(void)state;
	address_parse("192.0.2.1", &a.address);
	b = a;
	assert_true(endpoint_equal(&a, &b));
	b.port = 54;
	assert_false(endpoint_equal(&a, &b));
	b.port = a.port;
	address_parse("192.0.2.2", &b.address);
	assert_false(endpoint_equal(&a, &b));
}

static void check_endpoint(const char *text, uint16_t port, const char *expected)
{
	struct endpoint endpoint = {.port = port}, back;
	char formatted[ENDPOINT_TEXT_MAX];
	struct sockaddr_storage socket_address;

	assert_true(address_parse(text, &endpoint.address));
	assert_ptr_equal(endpoint_format(&endpoint, formatted), formatted);
	assert_string_equal(formatted, expected);
	assert_int_equal(endpoint_to_sockaddr(&endpoint, &socket_address),
			 endpoint.address.version == 4 ? sizeof(struct sockaddr_in)
						       : sizeof(struct sockaddr_in6));
	assert_true(endpoint_from_sockaddr(&socket_address, &back));
	assert_true(address_equal(&endpoint.address, &back.address));
	assert_int_equal(back.port, port);
}

static void test_endpoint_goes_to_text_and_sockaddr_and_back(void **state)
{
	(void)state;
	check_endpoint("192.0.2.1", 53, "192.0.2.1:53");
	check_endpoint("2001:db8::1", 5300, "[2001:db8::1]:5300");
	check_endpoint("ffff:ffff:ffff:ffff:ffff:ffff:255.255.255.255", 65535,
		       "[ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff]:65535");
}

static void test_endpoint_from_sockaddr_refuses_other_families(void **state)
{
	struct sockaddr_storage socket_address = {.ss_family = AF_UNIX};
	struct endpoint endpoint;

	(void)state;
	assert_false(endpoint_from_sockaddr(&socket_address, &endpoint));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_address_formats_as_rfc_5952),
		cmocka_unit_test(test_address_parse_rejects_what_is_no_address),
		cmocka_unit_test(test_address_ipv4_leaves_the_rest_zero),
		cmocka_unit_test(test_address_equal_compares_version_and_bytes),
		cmocka_unit_test(test_address_is_any_when_all_of_it_is_zero),
		cmocka_unit_test(test_endpoint_equal_compares_address_and_port),
		cmocka_unit_test(test_endpoint_goes_to_text_and_sockaddr_and_back),
		cmocka_unit_test(test_endpoint_from_sockaddr_refuses_other_families),
	};

	cmocka_set_message_output(CM_OUTPUT_TAP);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
