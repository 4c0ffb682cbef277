/* SPDX-License-Identifier: BSD-3-Clause */
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <setjmp.h>
#include <cmocka.h>

#include <stdlib.h>
#include <string.h>

#include "base/random.h"
#include "dns/name.h"
#include "record/reader.h"

#define CLIENT4		"\300\0\2\1"
#define CLIENT6		"\x20\1\xd\xb8\0\0\0\0\0\0\0\0\0\0\0\1"
#define RESOLVER6	"\x20\1\xd\xb8\0\0\0\0\0\0\0\0\0\0\0\2"
#define ZERO12		"\0\0\0\0\0\0\0\0\0\0\0\0"
#define SEQUENCE	"\0\0\1\2"
#define NAMES		"\1a\1b\0\3www\0\0\0" /* two names and pad bytes: 12 in all */
#define DATAGRAM(bytes) ((struct slice){(const uint8_t *)(bytes), sizeof(bytes) - 1})

static struct record_reader reader;
static struct record_set set;
static bool is_end;

/*
 * Reads all of a copy of exactly the datagram's size, so that a sanitizer sees every read too far.
 */
static enum record_error read_all(struct slice datagram, int *sets)
{
	uint8_t *copy = malloc(datagram.length ? datagram.length : 1);
	struct slice exact = {copy, datagram.length};
	struct record_stats stats;
	enum record_error error;

	if (datagram.length)
		memcpy(copy, datagram.data, datagram.length);
	*sets = 0;
	error = record_reader_open(&reader, exact);
	if (!error && record_reader_is_stats(&reader))
		error = record_reader_stats(&reader, &stats);
	else
		for (is_end = false; !error && !is_end;) {
			error = record_reader_next(&reader, &set, &is_end);
			*sets += !error && !is_end;
		}
	free(copy);
	return error;
}

static enum record_error error_of(struct slice datagram)
{
	int sets;

	return read_all(datagram, &sets);
}

/* Opens and reads the first set; slices stay valid, the datagram being a constant. */
static enum record_error read_first(struct slice datagram)
{
	enum record_error error = record_reader_open(&reader, datagram);

	return error ? error : record_reader_next(&reader, &set, &is_end);
}

static void assert_address(const struct address *address, const char *text)
{
	char found[ADDRESS_TEXT_MAX];

	assert_string_equal(address_format(address, found), text);
}

static void assert_slice(struct slice slice, const char *bytes, size_t length)
{
	assert_int_equal(slice.length, length);
	assert_memory_equal(slice.data, bytes, length);
}

static void assert_at_end(void)
{
	assert_int_equal(record_reader_next(&reader, &set, &is_end), RECORD_OK);
	assert_true(is_end);
}

static void test_version_0_has_names_as_text(void **state)
{
	struct slice datagram = DATAGRAM("\0\1\0\0" SEQUENCE CLIENT4 "\2\1\0\14"
					 "a.b\0www.x\0\0\0\1\2\3\4");

	(void)state;
	assert_int_equal(read_first(datagram), RECORD_OK);
	assert_int_equal(reader.sequence, 0x0102);
	assert_true(set.are_names_text);
	assert_int_equal(set.names_count, 2);
	assert_slice(set.names, "a.b\0www.x", 10);
	assert_address(&set.client, "192.0.2.1");
	assert_address(&set.resolver, "0.0.0.0");
	assert_slice(set.ip4s, "\1\2\3\4", 4);
	assert_int_equal(set.ip6s.length, 0);
	assert_at_end();
}

static void test_versions_1_and_2_have_wire_names(void **state)
{
	char bytes[] = "\1\1\0\0" SEQUENCE CLIENT4 "\2\1\0\14" NAMES "\1\2\3\4";

	(void)state;
	for (bytes[0] = 1; bytes[0] <= 2; bytes[0]++) {
		assert_int_equal(read_first(DATAGRAM(bytes)), RECORD_OK);
		assert_false(set.are_names_text);
		assert_slice(set.names, "\1a\1b\0\3www\0", 10);
		assert_address(&set.client, "192.0.2.1");
		assert_address(&set.resolver, "0.0.0.0");
		assert_slice(set.ip4s, "\1\2\3\4", 4);
		assert_int_equal(set.ip6s_count, 0);
		assert_at_end();
	}
}

static void test_version_3_has_addresses_as_long_as_needed(void **state)
{
	(void)state;
	assert_int_equal(read_first(DATAGRAM("\3\1\0\0" SEQUENCE "\4\2\1\1\0\14\0\0" CLIENT4 NAMES
					     "\1\2\3\4" CLIENT6)),
			 RECORD_OK);
	assert_address(&set.client, "192.0.2.1");
	assert_address(&set.resolver, "0.0.0.0");
	assert_slice(set.ip4s, "\1\2\3\4", 4);
	assert_slice(set.ip6s, CLIENT6, 16);
	assert_at_end();

	assert_int_equal(read_first(DATAGRAM("\3\1\0\0" SEQUENCE "\6\2\1\0\0\14\0\0" CLIENT6 NAMES
					     "\1\2\3\4")),
			 RECORD_OK);
	assert_address(&set.client, "2001:db8::1");
	assert_address(&set.resolver, "0.0.0.0");
	assert_slice(set.names, "\1a\1b\0\3www\0", 10);
	assert_at_end();
}

static void test_version_4_has_a_resolver(void **state)
{
	(void)state;
	assert_int_equal(read_first(DATAGRAM("\4\1\0\0" SEQUENCE
					     "\6\2\0\1\0\14\0\0" CLIENT6 RESOLVER6 NAMES CLIENT6)),
			 RECORD_OK);
	assert_address(&set.client, "2001:db8::1");
	assert_address(&set.resolver, "2001:db8::2");
	assert_slice(set.ip6s, CLIENT6, 16);
	assert_at_end();
}

static void test_version_4_ignores_what_stands_behind_an_ip4_address(void **state)
{
	struct address plain;

	(void)state;
	assert_int_equal(read_first(DATAGRAM("\4\1\0\0" SEQUENCE "\4\2\1\0\0\14\0\0" CLIENT4
					     "garbage 1234" CLIENT4 ZERO12 NAMES "\1\2\3\4")),
			 RECORD_OK);
	assert_true(address_parse("192.0.2.1", &plain));
	assert_true(address_equal(&set.client, &plain));
	assert_true(address_equal(&set.resolver, &plain));
}

static void test_stats_have_the_rate_from_version_2_on(void **state)
{
	char bytes[] = "\0\1\0\1" SEQUENCE "\0\0\0\1\0\0\0\2\0\0\0\3\0\0\0\4\0\0\0\5";
	struct record_stats stats;

	(void)state;
	for (bytes[0] = 0; bytes[0] <= 4; bytes[0]++) {
		assert_int_equal(record_reader_open(&reader, DATAGRAM(bytes)), RECORD_OK);
		assert_true(record_reader_is_stats(&reader));
		assert_int_equal(record_reader_stats(&reader, &stats), RECORD_OK);
		assert_int_equal(stats.captured, 1);
		assert_int_equal(stats.received, 2);
		assert_int_equal(stats.dropped, 3);
		assert_int_equal(stats.interface_dropped, 4);
		assert_int_equal(stats.sample_rate, bytes[0] < 2 ? 0 : 5);
	}
}

static void test_short_stats_are_bad_data(void **state)
{
	char bytes[] = "\0\1\0\1" SEQUENCE "\0\0\0\1\0\0\0\2\0\0\0\3\0\0\0\4\0\0\0\5";

	(void)state;
	for (bytes[0] = 0; bytes[0] <= 4; bytes[0]++)
		for (size_t length = 8; length < sizeof(bytes); length++) {
			struct slice datagram = {(const uint8_t *)bytes, length};
			bool is_whole = length >= (bytes[0] < 2 ? 24 : 28);

			assert_int_equal(error_of(datagram),
					 is_whole ? RECORD_OK : RECORD_BAD_DATA);
		}
}

static void test_short_header_is_bad(void **state)
{
	(void)state;
	for (size_t length = 0; length < RECORD_HEADER_SIZE; length++)
		assert_int_equal(
			error_of((struct slice){(const uint8_t *)"\4\1\0\0\0\0\0\1", length}),
			RECORD_BAD_HEADER);
}

static void test_other_versions_and_no_sets_are_bad_packets(void **state)
{
	uint8_t bytes[8] = {5, 1};

	(void)state;
	for (int version = 5; version < 256; version++) {
		bytes[0] = (uint8_t)version;
		assert_int_equal(error_of((struct slice){bytes, 8}), RECORD_BAD_PACKET);
	}
	bytes[1] = 0;
	for (uint8_t version = 0; version < 5; version++) {
		bytes[0] = version;
		assert_int_equal(error_of((struct slice){bytes, 8}), RECORD_BAD_PACKET);
	}
}

static void test_address_of_no_version_is_bad_data(void **state)
{
	char bytes[] = "\4\1\0\0" SEQUENCE "\0\0\0\0\0\0\0\0" CLIENT6 RESOLVER6;

	(void)state;
	for (bytes[0] = 3; bytes[0] <= 4; bytes[0]++)
		for (int version = 0; version < 256; version++) {
			bytes[8] = (char)version;
			assert_int_equal(error_of(DATAGRAM(bytes)), version == 4 || version == 6
									    ? RECORD_OK
									    : RECORD_BAD_DATA);
		}
}

static void test_names_must_all_be_there(void **state)
{
	(void)state;
	assert_int_equal(error_of(DATAGRAM("\1\1\0\0" SEQUENCE CLIENT4 "\2\0\0\4\2ab\0")),
			 RECORD_BAD_NAMES);
	assert_int_equal(error_of(DATAGRAM("\1\1\0\0" SEQUENCE CLIENT4 "\1\0\0\4\3abc")),
			 RECORD_BAD_NAMES);
	assert_int_equal(error_of(DATAGRAM("\1\1\0\0" SEQUENCE CLIENT4 "\1\0\0\4\300\14\0\0")),
			 RECORD_BAD_NAMES);
	assert_int_equal(error_of(DATAGRAM("\0\1\0\0" SEQUENCE CLIENT4 "\1\0\0\4abcd")),
			 RECORD_BAD_NAMES);
	assert_int_equal(error_of(DATAGRAM("\0\1\0\0" SEQUENCE CLIENT4 "\2\0\0\4abc\0")),
			 RECORD_BAD_NAMES);
}

static void test_nothing_is_read_behind_an_error(void **state)
{
	struct slice datagram =
		DATAGRAM("\1\2\0\0" SEQUENCE CLIENT4 "\1\0\0\4\3abc" CLIENT4 "\1\0\0\4\2ab\0");

	(void)state;
	assert_int_equal(read_first(datagram), RECORD_BAD_NAMES);
	assert_at_end();
}

static void test_bytes_behind_the_last_set_are_ignored(void **state)
{
	int sets;

	(void)state;
	assert_int_equal(
		read_all(DATAGRAM("\1\1\0\0" SEQUENCE CLIENT4 "\1\0\0\4\2ab\0padding"), &sets),
		RECORD_OK);
	assert_int_equal(sets, 1);
}

static void test_set_without_names_or_addresses_is_read(void **state)
{
	(void)state;
	assert_int_equal(read_first(DATAGRAM("\1\1\0\0" SEQUENCE CLIENT4 "\0\0\0\0")), RECORD_OK);
	assert_int_equal(set.names.length, 0);
	assert_int_equal(set.ip4s.length, 0);
	assert_at_end();
}

/* A datagram of version 4 with sets of different shapes; returns its length. */
static uint32_t build_datagram(uint8_t *out, uint8_t count)
{
	static struct dns_answer answer;
	struct random random = {{9, 8, 7, 6}};
	struct address client, resolver;
	uint32_t length = RECORD_HEADER_SIZE;

	record_header_encode(out, count, 0, 77);
	for (uint8_t i = 0; i < count; i++) {
		uint8_t name_length;

		answer.names_length = 0;
		answer.names_count = (uint16_t)(1 + i % 3);
		for (uint16_t n = 0; n < answer.names_count; n++) {
			assert_true(name_parse(n % 2 ? "c.example" : "Www.\\000\\.x.example",
					       answer.names + answer.names_length, &name_length));
			answer.names_length += name_length;
		}
		answer.ip4s_count = i % 4;
		answer.ip6s_count = i % 5;
		for (size_t at = 0; at < 80; at++)
			answer.ip4s[at] = answer.ip6s[at] = (uint8_t)random_next(&random);
		assert_true(address_parse(i % 2 ? "2001:db8::7" : "192.0.2.7", &client));
		assert_true(address_parse(i % 2 ? "2001:db8::53" : "192.0.2.53", &resolver));
		length += record_set_encode(out + length, &client, &resolver, &answer);
	}
	return length;
}

static void test_reader_reads_what_set_wrote(void **state)
{
	static uint8_t bytes[65536];
	uint32_t length = build_datagram(bytes, 255);
	struct slice datagram = {bytes, length};
	char text[DNS_NAME_TEXT_MAX];

	(void)state;
	assert_int_equal(record_reader_open(&reader, datagram), RECORD_OK);
	assert_int_equal(reader.sequence, 77);
	for (int i = 0; i < 255; i++) {
		assert_int_equal(record_reader_next(&reader, &set, &is_end), RECORD_OK);
		assert_false(is_end);
		assert_address(&set.client, i % 2 ? "2001:db8::7" : "192.0.2.7");
		assert_address(&set.resolver, i % 2 ? "2001:db8::53" : "192.0.2.53");
		assert_int_equal(set.names_count, 1 + i % 3);
		assert_int_equal(set.ip4s.length, 4 * (i % 4));
		assert_int_equal(set.ip6s.length, 16 * (i % 5));
		name_format(set.names.data, text);
		assert_string_equal(text, "Www.\\000\\.x.example");
	}
	assert_at_end();
	assert_int_equal(cursor_left(&reader.cursor), 0);
}

static void test_datagram_cut_at_every_byte_is_bad(void **state)
{
	static uint8_t bytes[4096];
	uint32_t length = build_datagram(bytes, 10);
	int sets, last = 0;

	(void)state;
	for (uint32_t cut = RECORD_HEADER_SIZE; cut < length; cut++) {
		assert_int_equal(read_all((struct slice){bytes, cut}, &sets), RECORD_BAD_DATA);
		assert_true(sets == last || sets == last + 1);
		last = sets;
	}
	assert_int_equal(last, 9);
}

static void test_datagram_with_every_byte_set_to_every_value(void **state)
{
	static uint8_t bytes[4096];
	uint32_t length = build_datagram(bytes, 4);
	int sets;

	(void)state;
	for (int version = 0; version <= 4; version++)
		for (uint32_t at = 0; at < length; at++) {
			uint8_t was = bytes[at];

			for (unsigned value = 0; value < 256; value++) {
				bytes[0] = (uint8_t)version;
				bytes[at] = (uint8_t)value;
				assert_in_range(read_all((struct slice){bytes, length}, &sets),
						RECORD_OK, RECORD_BAD_NAMES);
				assert_true(sets <= bytes[1]);
			}
			bytes[at] = was;
		}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_version_0_has_names_as_text),
		cmocka_unit_test(test_versions_1_and_2_have_wire_names),
		cmocka_unit_test(test_version_3_has_addresses_as_long_as_needed),
		cmocka_unit_test(test_version_4_has_a_resolver),
		cmocka_unit_test(test_version_4_ignores_what_stands_behind_an_ip4_address),
		cmocka_unit_test(test_stats_have_the_rate_from_version_2_on),
		cmocka_unit_test(test_short_stats_are_bad_data),
		cmocka_unit_test(test_short_header_is_bad),
		cmocka_unit_test(test_other_versions_and_no_sets_are_bad_packets),
		cmocka_unit_test(test_address_of_no_version_is_bad_data),
		cmocka_unit_test(test_names_must_all_be_there),
		cmocka_unit_test(test_nothing_is_read_behind_an_error),
		cmocka_unit_test(test_bytes_behind_the_last_set_are_ignored),
		cmocka_unit_test(test_set_without_names_or_addresses_is_read),
		cmocka_unit_test(test_reader_reads_what_set_wrote),
		cmocka_unit_test(test_datagram_cut_at_every_byte_is_bad),
		cmocka_unit_test(test_datagram_with_every_byte_set_to_every_value),
	};

	cmocka_set_message_output(CM_OUTPUT_TAP);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
