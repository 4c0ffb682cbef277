/* SPDX-License-Identifier: BSD-3-Clause */
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <setjmp.h>
#include <cmocka.h>

#include <ctype.h>
#include <string.h>

#include "dns/code.h"

typedef const char *(*name_fn)(uint16_t number, char *text);
typedef bool (*parse_fn)(const char *text, uint16_t *number);

static void assert_named(name_fn name, uint16_t number, const char *expected)
{
	char text[DNS_CODE_TEXT_MAX];

	assert_string_equal(name(number, text), expected);
}

static void test_numbers_have_their_mnemonics(void **state)
{
	(void)state;
	assert_named(dns_type_name, 1, "A");
	assert_named(dns_type_name, 28, "AAAA");
	assert_named(dns_type_name, 52, "TLSA");
	assert_named(dns_type_name, 65, "HTTPS");
	assert_named(dns_type_name, 109, "EUI64");
	assert_named(dns_type_name, 128, "NXNAME");
	assert_named(dns_type_name, 249, "TKEY");
	assert_named(dns_type_name, 255, "ANY");
	assert_named(dns_type_name, 264, "IPN");
	assert_named(dns_type_name, 32768, "TA");
	assert_named(dns_type_name, 32769, "DLV");
	assert_named(dns_rcode_name, 0, "NOERROR");
	assert_named(dns_rcode_name, 4, "NOTIMP");
	assert_named(dns_rcode_name, 11, "DSOTYPENI");
	assert_named(dns_rcode_name, 16, "BADVERS");
	assert_named(dns_rcode_name, 23, "BADCOOKIE");
	assert_named(dns_class_name, 1, "IN");
	assert_named(dns_class_name, 254, "NONE");
}

static void test_unassigned_numbers_are_written_out(void **state)
{
	(void)state;
	assert_named(dns_type_name, 0, "TYPE0");
	assert_named(dns_type_name, 54, "TYPE54");
	assert_named(dns_type_name, 265, "TYPE265");
	assert_named(dns_type_name, 32767, "TYPE32767");
	assert_named(dns_type_name, 32770, "TYPE32770");
	assert_named(dns_type_name, 65535, "TYPE65535");
	assert_named(dns_rcode_name, 12, "RCODE12");
	assert_named(dns_rcode_name, 65535, "RCODE65535");
	assert_named(dns_class_name, 0, "CLASS0");
	assert_named(dns_class_name, 65535, "CLASS65535");
}

static void assert_parses_what_it_names(name_fn name, parse_fn parse, unsigned max)
{
	for (unsigned number = 0; number <= max; number++) {
		char text[DNS_CODE_TEXT_MAX], mixed[DNS_CODE_TEXT_MAX] = "";
		const char *named = name((uint16_t)number, text);
		uint16_t parsed;

		assert_true(strlen(named) < sizeof(mixed));
		for (size_t i = 0; named[i]; i++)
			mixed[i] = (char)(i & 1 ? named[i] : tolower(named[i]));
		assert_true(parse(named, &parsed) && parsed == number);
		assert_true(parse(mixed, &parsed) && parsed == number);
	}
}

static void test_every_name_is_parsed_in_any_case(void **state)
{
	(void)state;
	assert_parses_what_it_names(dns_type_name, dns_type_parse, 65535);
	assert_parses_what_it_names(dns_rcode_name, dns_rcode_parse, 4095);
	assert_parses_what_it_names(dns_class_name, dns_class_parse, 65535);
}

static void test_numbers_are_parsed_with_and_without_their_prefix(void **state)
{
	uint16_t number;

	(void)state;
	assert_true(dns_type_parse("28", &number) && number == 28);
	assert_true(dns_type_parse("TYPE28", &number) && number == 28);
	assert_true(dns_rcode_parse("rcode3", &number) && number == 3);
	assert_true(dns_class_parse("Class4", &number) && number == 4);
}

static void test_what_is_no_code_is_refused(void **state)
{
	static const char *const texts[] = {"",		 "B",
					    " A",	 "A ",
					    "-1",	 "+1",
					    "TYPE",	 "RCODE",
					    "TYPE-1",	 "TYPE1x",
					    "1.",	 "65536",
					    "TYPE65536", "TYPE4294967297",
					    "CLASS",	 "99999999999999999999"};
	uint16_t number;

	(void)state;
	for (size_t i = 0; i < sizeof(texts) / sizeof(*texts); i++) {
		assert_false(dns_type_parse(texts[i], &number));
		assert_false(dns_rcode_parse(texts[i], &number));
		assert_false(dns_class_parse(texts[i], &number));
	}
	assert_false(dns_rcode_parse("4096", &number));
	assert_false(dns_class_parse("TYPE1", &number));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_numbers_have_their_mnemonics),
		cmocka_unit_test(test_unassigned_numbers_are_written_out),
		cmocka_unit_test(test_every_name_is_parsed_in_any_case),
		cmocka_unit_test(test_numbers_are_parsed_with_and_without_their_prefix),
		cmocka_unit_test(test_what_is_no_code_is_refused),
	};

	cmocka_set_message_output(CM_OUTPUT_TAP);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
