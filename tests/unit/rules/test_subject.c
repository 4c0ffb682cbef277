/* SPDX-License-Identifier: BSD-3-Clause */
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <setjmp.h>
#include <cmocka.h>

#include <string.h>

#include "rules/subject.h"

static char text[SUBJECT_MAX];

/* wire: of one label, or more. */
static void assert_text(const char *wire, const char *expected)
{
	struct slice subject = subject_format((const uint8_t *)wire, text);

	assert_int_equal(subject.length, strlen(expected));
	assert_memory_equal(subject.data, expected, subject.length);
}

static void test_name_is_absolute(void **state)
{
	(void)state;
	assert_text("", ".");
	assert_text("\3wWw\7example\3org", "wWw.example.org.");
}

/* RFC 2317, wildcards, services. */
static void test_printable_octets_stand_for_themselves(void **state)
{
	(void)state;
	assert_text("\0040/25\0012\0010\003192\7in-addr\4arpa", "0/25.2.0.192.in-addr.arpa.");
	assert_text("\1*\1a\4_tcp", "*.a._tcp.");
	assert_text("\027!#%&'*+,/:<=>?[]^`{|}~-", "!#%&'*+,/:<=>?[]^`{|}~-.");
}

static void test_what_zone_files_reserve_has_a_backslash(void **state)
{
	(void)state;
	assert_text("\010\"$().;@\\", "\\\"\\$\\(\\)\\.\\;\\@\\\\.");
	assert_text("\5 \t\177\200\377", "\\032\\009\\127\\128\\255.");
}

/* Whatever a group of a rewrite takes is a name again. */
static void test_every_octet_is_read_back(void **state)
{
	char copy[SUBJECT_MAX + 1];

	(void)state;
	for (unsigned octet = 0; octet < 256; octet++) {
		uint8_t wire[] = {3, 'a', (uint8_t)octet, '7', 1, (uint8_t)octet, 0};
		uint8_t again[DNS_NAME_MAX], length;
		struct slice subject = subject_format(wire, text);

		memcpy(copy, subject.data, subject.length);
		copy[subject.length] = '\0';
		assert_true(name_parse(copy, again, &length));
		assert_int_equal(length, sizeof(wire));
		assert_memory_equal(again, wire, length);
	}
}

static void test_longest_name_has_room(void **state)
{
	uint8_t wire[DNS_NAME_MAX] = {0};
	char room[SUBJECT_MAX + 1];

	(void)state;
	for (size_t at = 0; at < 254; at += at == 192 ? 62 : 64)
		wire[at] = at == 192 ? 61 : 63;
	room[SUBJECT_MAX] = 0x5a;
	assert_int_equal(subject_format(wire, room).length, 4 * 250 + 4);
	assert_int_equal(room[SUBJECT_MAX], 0x5a);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_name_is_absolute),
		cmocka_unit_test(test_printable_octets_stand_for_themselves),
		cmocka_unit_test(test_what_zone_files_reserve_has_a_backslash),
		cmocka_unit_test(test_every_octet_is_read_back),
		cmocka_unit_test(test_longest_name_has_room),
	};

	cmocka_set_message_output(CM_OUTPUT_TAP);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
