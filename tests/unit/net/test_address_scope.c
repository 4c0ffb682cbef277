/* SPDX-License-Identifier: BSD-3-Clause */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "net/address_scope.h"

static struct address of(const char *text)
{
	struct address address;

	assert_true(address_parse(text, &address));
	return address;
}

static bool is_private(const char *text)
{
	struct address address = of(text);

	return address_is_private(&address);
}

static bool is_loopback(const char *text)
{
	struct address address = of(text);

	return address_is_loopback(&address);
}

static void test_private_addresses_lead_nowhere_in_the_internet(void **state)
{
	static const char *const inside[] = {
		"0.0.0.0",
		"0.255.255.255",
		"10.0.0.0",
		"10.255.255.255",
		"100.64.0.0",
		"100.127.255.255",
		"127.0.0.1",
		"127.255.255.255",
		"169.254.169.254",
		"172.16.0.0",
		"172.31.255.255",
		"192.0.0.170",
		"192.168.0.0",
		"192.168.255.255",
		"198.18.0.1",
		"198.19.255.255",
		"240.0.0.1",
		"255.255.255.255",
		"::",
		"::1",
		"fc00::1",
		"fdff::1",
		"fe80::1",
		"febf::1",
		"fec0::1",
		"::ffff:127.0.0.1",
		"::ffff:10.1.2.3",
		"::10.1.2.3",
		"64:ff9b::c0a8:1",
		"64:ff9b:1::a00:1",
		"2002:a00:1::",
	};
	static const char *const outside[] = {
		"1.1.1.1",	   "9.255.255.255",   "11.0.0.0",	  "100.63.255.255",
		"100.128.0.0",	   "126.255.255.255", "128.0.0.0",	  "169.253.255.255",
		"169.255.0.0",	   "172.15.255.255",  "172.32.0.0",	  "192.0.1.0",
		"192.167.255.255", "192.169.0.0",     "198.17.255.255",	  "198.20.0.0",
		"239.255.255.255", "2001:db8::1",     "fbff::1",	  "fe00::1",
		"ff02::1",	   "::ffff:1.1.1.1",  "64:ff9b::101:101", "2002:101:101::",
		"64:ff9c::a00:1",
	};

	(void)state;
	for (size_t i = 0; i < sizeof(inside) / sizeof(inside[0]); i++)
		if (!is_private(inside[i]))
			fail_msg("%s", inside[i]);
	for (size_t i = 0; i < sizeof(outside) / sizeof(outside[0]); i++)
		if (is_private(outside[i]))
			fail_msg("%s", outside[i]);
}

static void test_loopback_addresses_lead_to_this_host(void **state)
{
	(void)state;
	assert_true(is_loopback("127.0.0.1") && is_loopback("127.255.0.3") && is_loopback("::1"));
	assert_false(is_loopback("128.0.0.1") || is_loopback("::2") || is_loopback("::") ||
		     is_loopback("7f00::1"));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_private_addresses_lead_nowhere_in_the_internet),
		cmocka_unit_test(test_loopback_addresses_lead_to_this_host),
	};

	cmocka_set_message_output(CM_OUTPUT_TAP);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
