/* SPDX-License-Identifier: BSD-3-Clause */
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <setjmp.h>
#include <cmocka.h>

#include <dirent.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/cursor.h"
#include "dns/message.h"
#include "tests/lib/dns_build.h"

#define MILLISECOND 1000000

static struct dns_build built;
static struct dns_answer answer;

/* What holds of every answer, whatever the message. */
static void assert_answer_is_sound(enum dns_outcome outcome)
{
	struct slice names = {answer.names, answer.names_length};
	size_t count = 0;

	assert_in_range(outcome, 0, DNS_OUTCOME_COUNT - 1);
	assert_true(answer.names_count <= DNS_ANSWER_NAMES_MAX);
	assert_true(answer.ip4s_count <= DNS_ANSWER_ADDRESSES_MAX);
	assert_true(answer.ip6s_count <= DNS_ANSWER_ADDRESSES_MAX);
	if (outcome != DNS_RECORDED)
		return;
	assert_true(answer.names_count >= 1);
	assert_true(answer.ip4s_count + answer.ip6s_count >= 1);
	if (answer.names_length > DNS_ANSWER_NAMES_BYTES)
		return;
	while (names.length) {
		size_t length = name_wire_length(names);

		assert_true(length);
		names.data += length;
		names.length -= length;
		count++;
	}
	assert_int_equal(count, answer.names_count);
}

/* Parses a copy of exactly the message's size, so that a sanitizer sees every read too far. */
static enum dns_outcome parse(struct slice message, bool is_cut)
{
	uint8_t *copy = malloc(message.length ? message.length : 1);
	struct slice exact = {copy, message.length};
	enum dns_outcome outcome;

	if (message.length)
		memcpy(copy, message.data, message.length);
	memset(&answer, 0x5a, sizeof(answer));
	outcome = dns_answer_parse(exact, is_cut, &answer);
	free(copy);
	assert_answer_is_sound(outcome);
	return outcome;
}

static enum dns_outcome parse_built(void)
{
	return parse(dns_build_message(&built), false);
}

static void assert_names(const char *expected)
{
	char text[4 * DNS_NAME_TEXT_MAX] = "";
	size_t length = 0;

	for (size_t at = 0; at < answer.names_length;) {
		if (at)
			text[length++] = ' ';
		length += name_format(answer.names + at, text + length);
		at += name_wire_length((struct slice){answer.names + at, DNS_NAME_MAX});
	}
	assert_string_equal(text, expected);
}

/* What recursive servers send most: a question, one CNAME, two addresses, an OPT record. */
static void build_typical(void)
{
	dns_build_start(&built, 1, DNS_BUILD_ANSWERED);
	dns_build_question(&built, "www.Example.com", DNS_TYPE_A);
	dns_build_alias(&built, "www.Example.com", DNS_TYPE_CNAME, "edge.cdn.example.net");
	dns_build_address(&built, "edge.cdn.example.net", "192.0.2.1");
	dns_build_address(&built, "edge.cdn.example.net", "192.0.2.2");
	dns_build_edns(&built, 1232);
}

static void build_question(uint16_t type)
{
	dns_build_start(&built, 1, DNS_BUILD_ANSWERED);
	dns_build_question(&built, "a.b", type);
}

static void test_answer_has_names_and_addresses_in_order(void **state)
{
	(void)state;
	build_typical();
	assert_int_equal(parse_built(), DNS_RECORDED);
	assert_names("www.Example.com edge.cdn.example.net");
	assert_int_equal(answer.names_count, 2);
	assert_int_equal(answer.names_length, 17 + 22);
	assert_int_equal(answer.ip4s_count, 2);
	assert_int_equal(answer.ip6s_count, 0);
	assert_memory_equal(answer.ip4s, "\300\0\2\1\300\0\2\2", 8);
	assert_false(answer.is_excess);
	assert_false(answer.is_tail_malformed);
}

static void test_answer_takes_both_families_whatever_was_asked(void **state)
{
	static const uint16_t types[] = {DNS_TYPE_A, DNS_TYPE_AAAA, DNS_TYPE_ANY};

	(void)state;
	for (size_t i = 0; i < 3; i++) {
		build_question(types[i]);
		dns_build_address(&built, "a.b", "2001:db8::1");
		dns_build_record(&built, "a.b", 16, "\3txt", 4);
		dns_build_address(&built, "other.name", "192.0.2.1");
		assert_int_equal(parse_built(), DNS_RECORDED);
		assert_int_equal(answer.ip4s_count, 1);
		assert_int_equal(answer.ip6s_count, 1);
		assert_memory_equal(answer.ip6s, "\x20\1\xd\xb8\0\0\0\0\0\0\0\0\0\0\0\1", 16);
		assert_names("a.b");
	}
}

static void test_answer_keeps_chain_duplicates_and_case(void **state)
{
	(void)state;
	build_question(DNS_TYPE_A);
	dns_build_alias(&built, "a.b", DNS_TYPE_CNAME, "C.d");
	dns_build_address(&built, "x", "192.0.2.1");
	dns_build_alias(&built, "c.d", DNS_TYPE_CNAME, "C.d");
	dns_build_alias(&built, "c.d", DNS_TYPE_CNAME, ".");
	assert_int_equal(parse_built(), DNS_RECORDED);
	assert_names("a.b C.d C.d ");
	assert_int_equal(answer.names_count, 4);
}

static void test_answer_ignores_class_and_ttl(void **state)
{
	(void)state;
	build_question(DNS_TYPE_A);
	be16_store(built.bytes + built.length - 2, 0xffff);
	dns_build_name(&built, "a.b");
	dns_build_bytes(&built, "\0\1\0\3\377\377\377\377\0\4abcd", 14);
	dns_build_count(&built, DNS_ANSWER, 1);
	assert_int_equal(parse_built(), DNS_RECORDED);
}

static void test_answer_takes_question_for_the_root(void **state)
{
	(void)state;
	dns_build_start(&built, 1, DNS_BUILD_ANSWERED);
	dns_build_question(&built, ".", DNS_TYPE_A);
	dns_build_address(&built, ".", "192.0.2.1");
	assert_int_equal(parse_built(), DNS_RECORDED);
	assert_int_equal(answer.names_length, 1);
}

/* The tests of section 4 in their order, as the spec's table has them. */
static enum dns_outcome header_expected(uint16_t flags)
{
	if (!(flags & 0x8000))
		return DNS_NOT_RESPONSE;
	if (!(flags & 0x0100))
		return DNS_NOT_DESIRED;
	if (!(flags & 0x0080))
		return DNS_NOT_AVAILABLE;
	return flags & 0xf ? DNS_NOT_NOERROR : DNS_RECORDED;
}

static void test_answer_judges_all_header_words(void **state)
{
	(void)state;
	build_typical();
	for (unsigned flags = 0; flags <= UINT16_MAX; flags++) {
		be16_store(built.bytes + 2, (uint16_t)flags);
		assert_int_equal(dns_answer_parse(dns_build_message(&built), false, &answer),
				 header_expected((uint16_t)flags));
	}
}

static void test_answer_wants_one_question(void **state)
{
	(void)state;
	build_typical();
	for (unsigned count = 0; count <= UINT16_MAX; count++) {
		dns_build_count(&built, DNS_QUESTION, (uint16_t)count);
		assert_int_equal(dns_answer_parse(dns_build_message(&built), false, &answer),
				 count == 1 ? DNS_RECORDED : DNS_NOT_ONE_QUESTION);
	}
}

static void test_answer_wants_an_address_type(void **state)
{
	(void)state;
	for (unsigned type = 0; type <= UINT16_MAX; type++) {
		bool is_wanted = type == 1 || type == 28 || type == 255;

		build_question((uint16_t)type);
		dns_build_bytes(&built, "\300\14\0\1\0\1\0\0\0\0\0\4abcd", 16);
		dns_build_count(&built, DNS_ANSWER, 1);
		assert_int_equal(dns_answer_parse(dns_build_message(&built), false, &answer),
				 is_wanted ? DNS_RECORDED : DNS_NOT_ADDRESS_TYPE);
	}
}

static void test_first_failing_test_decides(void **state)
{
	(void)state;
	/* All is wrong at once; then one thing after the other is mended. */
	dns_build_start(&built, 1, 0x0002);
	dns_build_bytes(&built, "\1a", 2);
	assert_int_equal(parse_built(), DNS_NOT_RESPONSE);
	be16_store(built.bytes + 2, 0x8002);
	assert_int_equal(parse_built(), DNS_NOT_DESIRED);
	be16_store(built.bytes + 2, 0x8102);
	assert_int_equal(parse_built(), DNS_NOT_AVAILABLE);
	be16_store(built.bytes + 2, 0x8182);
	assert_int_equal(parse_built(), DNS_NOT_NOERROR);
	be16_store(built.bytes + 2, 0x8180);
	assert_int_equal(parse_built(), DNS_NOT_ONE_QUESTION);
	dns_build_count(&built, DNS_QUESTION, 1);
	dns_build_count(&built, DNS_ANSWER, 1);
	assert_int_equal(parse_built(), DNS_MALFORMED_QUESTION);
	dns_build_bytes(&built, "\0\0\2\0\1", 5);
	assert_int_equal(parse_built(), DNS_NOT_ADDRESS_TYPE);
	be16_store(built.bytes + built.length - 4, DNS_TYPE_A);
	assert_int_equal(parse_built(), DNS_MALFORMED_ANSWER);
	dns_build_bytes(&built, "\300\14\0\2\0\1\0\0\0\0\0\0", 12);
	assert_int_equal(parse_built(), DNS_NO_ADDRESS);
}

static void test_answer_without_address_is_not_recorded(void **state)
{
	(void)state;
	build_question(DNS_TYPE_A);
	assert_int_equal(parse_built(), DNS_NO_ADDRESS);
	dns_build_alias(&built, "a.b", DNS_TYPE_CNAME, "c.d");
	assert_int_equal(parse_built(), DNS_NO_ADDRESS);
	dns_build_section(&built, DNS_ADDITIONAL);
	dns_build_address(&built, "c.d", "192.0.2.1");
	assert_int_equal(parse_built(), DNS_NO_ADDRESS);
}

static void test_short_header_is_malformed_or_truncated(void **state)
{
	(void)state;
	build_typical();
	for (size_t length = 0; length < DNS_HEADER_SIZE; length++) {
		assert_int_equal(parse((struct slice){built.bytes, length}, false),
				 DNS_MALFORMED_HEADER);
		assert_int_equal(parse((struct slice){built.bytes, length}, true), DNS_TRUNCATED);
	}
}

static void test_question_pointer_is_malformed(void **state)
{
	(void)state;
	for (unsigned pointer = 0xc000; pointer <= UINT16_MAX; pointer++) {
		build_typical();
		be16_store(built.bytes + DNS_HEADER_SIZE, (uint16_t)pointer);
		assert_int_equal(parse(dns_build_message(&built), pointer % 2),
				 DNS_MALFORMED_QUESTION);
	}
}

static void test_answer_count_that_lies_is_malformed(void **state)
{
	(void)state;
	build_typical();
	dns_build_count(&built, DNS_ANSWER, 5);
	assert_int_equal(parse_built(), DNS_MALFORMED_ANSWER);
	dns_build_count(&built, DNS_ANSWER, 65535);
	assert_int_equal(parse_built(), DNS_MALFORMED_ANSWER);
	assert_int_equal(parse(dns_build_message(&built), true), DNS_TRUNCATED);
	be16_store(built.bytes + 2, DNS_BUILD_ANSWERED | 0x0200);
	assert_int_equal(parse_built(), DNS_TRUNCATED);
}

static void test_answer_count_that_is_too_small_hides_records(void **state)
{
	(void)state;
	build_typical();
	dns_build_count(&built, DNS_ANSWER, 2);
	assert_int_equal(parse_built(), DNS_RECORDED);
	assert_int_equal(answer.ip4s_count, 1);
}

static void test_bytes_behind_the_last_record_are_no_error(void **state)
{
	(void)state;
	build_typical();
	dns_build_bytes(&built, "\377\377\377", 3);
	assert_int_equal(parse_built(), DNS_RECORDED);
	assert_false(answer.is_tail_malformed);
}

/* An answer of one record with these data, owner the question. */
static enum dns_outcome parse_data(uint16_t type, const char *data, uint16_t length)
{
	build_question(DNS_TYPE_A);
	dns_build_address(&built, "a.b", "192.0.2.1");
	dns_build_record(&built, "a.b", type, data, length);
	dns_build_bytes(&built, "\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0", 16);
	return parse_built();
}

static void test_record_data_is_read_strictly_inside_its_length(void **state)
{
	(void)state;
	for (uint16_t length = 0; length <= 16; length++) {
		assert_int_equal(parse_data(DNS_TYPE_A, "0123456789abcdef", length),
				 length == 4 ? DNS_RECORDED : DNS_MALFORMED_ANSWER);
		assert_int_equal(parse_data(DNS_TYPE_AAAA, "0123456789abcdef", length),
				 length == 16 ? DNS_RECORDED : DNS_MALFORMED_ANSWER);
		assert_int_equal(parse_data(41, "0123456789abcdef", length), DNS_RECORDED);
	}
	for (uint16_t length = 0; length <= 6; length++)
		assert_int_equal(parse_data(DNS_TYPE_CNAME, "\3www\0\0", length),
				 length == 5 ? DNS_RECORDED : DNS_MALFORMED_ANSWER);
	for (uint16_t length = 0; length <= 4; length++)
		assert_int_equal(parse_data(DNS_TYPE_CNAME, "\1w\300\14", length),
				 length == 4 ? DNS_RECORDED : DNS_MALFORMED_ANSWER);
}

static void test_record_length_past_the_end_is_malformed(void **state)
{
	(void)state;
	build_question(DNS_TYPE_A);
	dns_build_address(&built, "a.b", "192.0.2.1");
	be16_store(built.bytes + built.length - 6, 5);
	assert_int_equal(parse_built(), DNS_MALFORMED_ANSWER);
	assert_int_equal(parse(dns_build_message(&built), true), DNS_TRUNCATED);
}

static void test_malformed_answer_of_a_cut_message_is_malformed(void **state)
{
	(void)state;
	build_typical();
	built.bytes[DNS_HEADER_SIZE + 17 + 4] = 0x80; /* the first owner: reserved label type */
	assert_int_equal(parse(dns_build_message(&built), true), DNS_MALFORMED_ANSWER);
}

static void test_cname_must_not_run_out_of_its_data_behind_a_pointer(void **state)
{
	(void)state;
	build_question(DNS_TYPE_A);
	dns_build_record(&built, "a.b", 16, "\77", 1); /* a label over all that follows */
	dns_build_record(&built, "a.b", DNS_TYPE_CNAME,
			 (const uint8_t[]){0xc0, (uint8_t)(built.length - 1)}, 2);
	dns_build_bytes(&built, (const uint8_t[100]){0}, 100);
	assert_int_equal(parse_built(), DNS_MALFORMED_ANSWER);
}

static void test_answer_takes_255_addresses_and_tells_of_more(void **state)
{
	(void)state;
	for (int count = 254; count <= 257; count++) {
		build_question(DNS_TYPE_A);
		for (int i = 0; i < count; i++) {
			dns_build_address(&built, "a.b", "192.0.2.1");
			dns_build_address(&built, "a.b", "2001:db8::1");
		}
		assert_int_equal(parse_built(), DNS_RECORDED);
		assert_int_equal(answer.ip4s_count, count < 255 ? count : 255);
		assert_int_equal(answer.ip6s_count, count < 255 ? count : 255);
		assert_int_equal(answer.is_excess, count > 255);
	}
}

static void test_answer_takes_255_names_and_tells_of_more(void **state)
{
	(void)state;
	for (int count = 253; count <= 256; count++) {
		build_question(DNS_TYPE_A);
		for (int i = 0; i < count; i++)
			dns_build_alias(&built, "a.b", DNS_TYPE_CNAME, "d");
		dns_build_address(&built, "a.b", "192.0.2.1");
		assert_int_equal(parse_built(), DNS_RECORDED);
		assert_int_equal(answer.names_count, count + 1 < 255 ? count + 1 : 255);
		assert_int_equal(answer.names_length, 5 + 3 * (answer.names_count - 1));
		assert_int_equal(answer.is_excess, count + 1 > 255);
	}
}

static void test_names_beyond_255_are_still_checked(void **state)
{
	(void)state;
	build_question(DNS_TYPE_A);
	dns_build_address(&built, "a.b", "192.0.2.1");
	for (int i = 0; i < 254; i++)
		dns_build_alias(&built, "a.b", DNS_TYPE_CNAME, "d");
	dns_build_record(&built, "a.b", DNS_TYPE_CNAME, "\100", 1);
	assert_int_equal(parse_built(), DNS_MALFORMED_ANSWER);
}

static void test_names_too_many_to_keep_are_counted(void **state)
{
	static const char label[] = "abcdefghijklmnopqrstuvwxyzabcdefghijklmnopqrstuvwxyz.";
	char name[4 * sizeof(label)] = "";

	(void)state;
	for (int i = 0; i < 4; i++)
		strcat(name, label);
	build_question(DNS_TYPE_A);
	for (int i = 0; i < 50; i++)
		dns_build_alias(&built, "a.b", DNS_TYPE_CNAME, name);
	dns_build_address(&built, "a.b", "192.0.2.1");
	assert_int_equal(parse_built(), DNS_RECORDED);
	assert_int_equal(answer.names_count, 51);
	assert_int_equal(answer.names_length, 5 + 50 * 213);
}

static void test_error_behind_the_answers_is_told_and_recorded(void **state)
{
	(void)state;
	build_typical();
	dns_build_count(&built, DNS_ADDITIONAL, 2);
	assert_int_equal(parse_built(), DNS_RECORDED);
	assert_true(answer.is_tail_malformed);
	assert_int_equal(parse(dns_build_message(&built), true), DNS_RECORDED);
	assert_false(answer.is_tail_malformed); /* the cut took it */

	build_typical();
	dns_build_section(&built, DNS_AUTHORITY);
	dns_build_record(&built, "x", 2, "", 0);
	built.bytes[built.length - 13] = 0x40;
	assert_int_equal(parse(dns_build_message(&built), true), DNS_RECORDED);
	assert_true(answer.is_tail_malformed);
}

static void test_answer_has_what_the_question_and_the_opt_record_say(void **state)
{
	(void)state;
	build_typical();
	assert_int_equal(parse_built(), DNS_RECORDED);
	assert_int_equal(answer.question_length, 17);
	assert_int_equal(answer.type, DNS_TYPE_A);
	assert_int_equal(answer.class, 1);
	assert_int_equal(answer.rcode, 0);
	built.bytes[built.length - 6] = 1; /* the TTL of the OPT record: BADVERS */
	dns_build_edns(&built, 1232);
	assert_int_equal(parse_built(), DNS_RECORDED);
	assert_int_equal(answer.rcode, 16);
	dns_build_count(&built, DNS_ADDITIONAL, 3); /* an error behind it */
	assert_int_equal(parse_built(), DNS_RECORDED);
	assert_true(answer.is_tail_malformed);
	assert_int_equal(answer.rcode, 16);
}

static void test_owner_pointer_to_far_cname_is_not_mistaken(void **state)
{
	static const uint8_t filler[16000];
	uint16_t low;

	(void)state;
	build_question(DNS_TYPE_A);
	dns_build_record(&built, "a.b", 16, filler, 16000);
	dns_build_record(&built, "a.b", 16, filler, 1000);
	dns_build_alias(&built, "a.b", DNS_TYPE_CNAME, "some.name");
	low = (uint16_t)((built.length - 11) & 0x3fff); /* where the target would be with 14 bits */
	built.bytes[low] = 0x80;
	dns_build_u16(&built, 0xc000 | low);
	dns_build_bytes(&built, "\0\1\0\1\0\0\0\0\0\4abcd", 14);
	dns_build_count(&built, DNS_ANSWER, 4);
	assert_int_equal(parse_built(), DNS_MALFORMED_ANSWER);
	built.bytes[low] = 0;
	assert_int_equal(parse_built(), DNS_RECORDED);
}

static void test_owner_takes_every_pointer_target(void **state)
{
	struct slice message;
	uint32_t owner;

	(void)state;
	build_typical();
	dns_build_section(&built, DNS_ANSWER);
	dns_build_count(&built, DNS_ADDITIONAL, 0);
	dns_build_record(&built, "x", 16, (const uint8_t[40000]){3, 'w', 'w', 'w', 0}, 40000);
	owner = built.length;
	dns_build_bytes(&built, "\300\14\0\1\0\1\0\0\0\0\0\4abcd", 16);
	dns_build_count(&built, DNS_ANSWER, 6);
	message = dns_build_message(&built);
	for (unsigned pointer = 0xc000; pointer <= UINT16_MAX; pointer++) {
		struct name_budget budget = {1000};
		bool is_name;

		be16_store(built.bytes + owner, (uint16_t)pointer);
		is_name = name_skip(message, owner, &budget) == 2;
		assert_int_equal(dns_answer_parse(message, false, &answer),
				 is_name ? DNS_RECORDED : DNS_MALFORMED_ANSWER);
	}
}

/* Valid messages of several kinds, for the exhaustive tests. */
static bool build_sample(int index)
{
	static const uint8_t text[] = "\20some text here..";

	switch (index) {
	case 0:
		build_typical();
		return true;
	case 1:
		build_question(DNS_TYPE_AAAA);
		dns_build_address(&built, "a.b", "2001:db8::1");
		return true;
	case 2:
		build_question(DNS_TYPE_ANY);
		dns_build_record(&built, "a.b", 16, text, sizeof(text) - 1);
		dns_build_address(&built, "a.b", "192.0.2.1");
		dns_build_address(&built, "a.b", "2001:db8::1");
		dns_build_record(&built, "a.b", 46, "opaque", 6);
		dns_build_section(&built, DNS_AUTHORITY);
		dns_build_alias(&built, "b", 2, "ns1.b");
		dns_build_alias(&built, "b", 2, "ns2.b");
		dns_build_section(&built, DNS_ADDITIONAL);
		dns_build_address(&built, "ns1.b", "192.0.2.53");
		dns_build_edns(&built, 4096);
		return true;
	case 3:
		dns_build_start(&built, 7, DNS_BUILD_ANSWERED | 0x0400);
		built.is_uncompressed = true;
		dns_build_question(&built, "long.chain.example", DNS_TYPE_A);
		dns_build_alias(&built, "long.chain.example", DNS_TYPE_CNAME, "b.chain.example");
		dns_build_alias(&built, "b.chain.example", DNS_TYPE_CNAME, "c.chain.example");
		dns_build_alias(&built, "c.chain.example", DNS_TYPE_CNAME, "d.other");
		dns_build_address(&built, "d.other", "198.51.100.7");
		return true;
	default:
		return false;
	}
}

static void test_message_cut_at_every_byte(void **state)
{
	(void)state;
	for (int sample = 0; build_sample(sample); sample++)
		for (uint32_t length = 0; length < built.length; length++) {
			struct slice cut = {built.bytes, length};
			enum dns_outcome whole = parse(cut, false), snapped = parse(cut, true);

			assert_true(snapped == DNS_RECORDED || snapped == DNS_TRUNCATED);
			assert_int_equal(whole == DNS_RECORDED, snapped == DNS_RECORDED);
			if (whole != DNS_RECORDED)
				assert_in_range(whole, DNS_MALFORMED_HEADER, DNS_MALFORMED_ANSWER);
		}
}

static void test_message_with_every_byte_set_to_every_value(void **state)
{
	(void)state;
	for (int sample = 0; build_sample(sample); sample++)
		for (uint32_t at = 0; at < built.length; at++) {
			uint8_t was = built.bytes[at];

			for (unsigned value = 0; value < 256; value++) {
				built.bytes[at] = (uint8_t)value;
				parse(dns_build_message(&built), value % 2);
			}
			built.bytes[at] = was;
		}
}

/* The fastest of some runs: other load of the machine is not the parser's. */
static int64_t parse_cost_ns(enum dns_outcome *outcome)
{
	int64_t best = INT64_MAX;

	for (int i = 0; i < 10; i++) {
		int64_t start = clock_monotonic_ns(), cost;

		*outcome = dns_answer_parse(dns_build_message(&built), false, &answer);
		cost = clock_monotonic_ns() - start;
		best = cost < best ? cost : best;
	}
	return best;
}

/* A question of so many labels of one octet. */
static void build_labels(int count)
{
	char name[2 * DNS_LABELS_MAX + 1] = "";

	dns_build_start(&built, 1, DNS_BUILD_ANSWERED);
	for (int i = 0; i < count; i++)
		strcat(name, i ? ".x" : "x");
	dns_build_question(&built, name, DNS_TYPE_A);
}

static void build_repeated(const char *record, uint32_t length)
{
	uint16_t count = 0;

	while (built.length + length <= DNS_BUILD_MAX) {
		dns_build_bytes(&built, record, length);
		count++;
	}
	dns_build_count(&built, DNS_ANSWER, count);
}

static void test_no_message_takes_a_millisecond(void **state)
{
	enum dns_outcome outcome;

	(void)state;
	build_labels(127); /* every owner and CNAME target has 255 octets in labels of one */
	build_repeated("\300\16\0\5\0\1\0\0\0\0\0\2\300\14", 14);
	assert_true(parse_cost_ns(&outcome) < MILLISECOND);
	assert_int_equal(outcome, DNS_MALFORMED_ANSWER);

	build_labels(126); /* the same for owners alone */
	build_repeated("\1y\300\14\0\1\0\1\0\0\0\0\0\4abcd", 18);
	assert_true(parse_cost_ns(&outcome) < MILLISECOND);
	assert_int_equal(outcome, DNS_MALFORMED_ANSWER);

	build_labels(1); /* as many records as there is room for */
	build_repeated("\0\0\20\0\1\0\0\0\0\0\0", 11);
	assert_true(parse_cost_ns(&outcome) < MILLISECOND);
	assert_int_equal(outcome, DNS_NO_ADDRESS);

	build_labels(1); /* CNAMEs to the root */
	build_repeated("\0\0\5\0\1\0\0\0\0\0\1\0", 12);
	assert_true(parse_cost_ns(&outcome) < MILLISECOND);
	assert_int_equal(outcome, DNS_NO_ADDRESS);
}

static void test_ladder_of_pointers_ends(void **state)
{
	enum dns_outcome outcome;
	uint32_t first;

	(void)state;
	build_labels(1);
	dns_build_bytes(&built, "\0\0\20\0\1\0\0\0\0\77\376",
			11); /* pointers, each to the one before */
	first = built.length;
	dns_build_u16(&built, 0xc00c);
	while (built.length < first + 0x3ffe)
		dns_build_u16(&built, (uint16_t)(0xc000 | ((built.length - 2) & 0x3fff)));
	build_repeated("\377\376\0\1\0\1\0\0\0\0\0\4abcd", 16);
	dns_build_count(&built, DNS_ANSWER, 3000);
	assert_true(parse_cost_ns(&outcome) < MILLISECOND);
	assert_int_equal(outcome, DNS_MALFORMED_ANSWER);
}

static void test_large_honest_answer_is_within_the_budget(void **state)
{
	(void)state;
	/*
	 * 2,000 addresses below a chain whose last name has 30 labels, as in zones of reversed
	 * addresses.
	 */
	build_labels(40);
	dns_build_alias(&built, "z", DNS_TYPE_CNAME,
			"1.2.3.4.5.6.7.8.9.a.b.c.d.e.f.g.h.i.j.k.l.m.n.o.p.q.r.s.t.u");
	for (int i = 0; i < 2000; i++)
		dns_build_address(&built,
				  "1.2.3.4.5.6.7.8.9.a.b.c.d.e.f.g.h.i.j.k.l.m.n.o.p.q.r.s.t.u",
				  "192.0.2.1");
	assert_int_equal(parse_built(), DNS_RECORDED);
	assert_true(answer.is_excess);
}

static bool file_read(const char *path, uint8_t *bytes, size_t size, struct slice *message)
{
	FILE *file = fopen(path, "rb");

	if (!file)
		return false;
	*message = (struct slice){bytes, fread(bytes, 1, size, file)};
	fclose(file);
	return true;
}

static void message_torture(uint8_t *bytes, struct slice message)
{
	size_t step = message.length > 2000 ? message.length / 16 : 1;

	parse(message, false);
	for (size_t length = 0; length < message.length; length += step)
		parse((struct slice){bytes, length}, length % 2);
	for (size_t at = 0; at < message.length; at += step) {
		uint8_t was = bytes[at];

		for (unsigned value = 0; value < 256; value++) {
			bytes[at] = (uint8_t)value;
			parse(message, value % 2);
		}
		bytes[at] = was;
	}
	/* Most are no responses that we record: the same with a header that lets them through. */
	if (message.length < DNS_HEADER_SIZE)
		return;
	memcpy(bytes, "\0\0\201\200\0\1", 6);
	parse(message, false);
	for (size_t length = 0; length < message.length; length += step)
		parse((struct slice){bytes, length}, length % 2);
}

static void test_messages_of_other_projects(void **state)
{
	const char *shared = getenv("DNSFLOW_SHARED");
	char folder[2048], path[4096];
	uint8_t *bytes = malloc(1 << 18);
	struct dirent *entry;
	int count = 0;
	DIR *dir;

	(void)state;
	snprintf(folder, sizeof(folder), "%s/data/dns-messages", shared ? shared : "../shared");
	dir = opendir(folder);
	while (dir && (entry = readdir(dir))) {
		struct slice message;

		snprintf(path, sizeof(path), "%s/%s", folder, entry->d_name);
		if (entry->d_name[0] == '.' || !file_read(path, bytes, 1 << 18, &message))
			continue;
		message_torture(bytes, message);
		count++;
	}
	if (dir)
		closedir(dir);
	free(bytes);
	if (!count) {
		print_message("no %s: set DNSFLOW_SHARED\n", folder);
		skip();
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_answer_has_names_and_addresses_in_order),
		cmocka_unit_test(test_answer_takes_both_families_whatever_was_asked),
		cmocka_unit_test(test_answer_keeps_chain_duplicates_and_case),
		cmocka_unit_test(test_answer_ignores_class_and_ttl),
		cmocka_unit_test(test_answer_takes_question_for_the_root),
		cmocka_unit_test(test_answer_judges_all_header_words),
		cmocka_unit_test(test_answer_wants_one_question),
		cmocka_unit_test(test_answer_wants_an_address_type),
		cmocka_unit_test(test_first_failing_test_decides),
		cmocka_unit_test(test_answer_without_address_is_not_recorded),
		cmocka_unit_test(test_short_header_is_malformed_or_truncated),
		cmocka_unit_test(test_question_pointer_is_malformed),
		cmocka_unit_test(test_answer_count_that_lies_is_malformed),
		cmocka_unit_test(test_answer_count_that_is_too_small_hides_records),
		cmocka_unit_test(test_bytes_behind_the_last_record_are_no_error),
		cmocka_unit_test(test_record_data_is_read_strictly_inside_its_length),
		cmocka_unit_test(test_record_length_past_the_end_is_malformed),
		cmocka_unit_test(test_malformed_answer_of_a_cut_message_is_malformed),
		cmocka_unit_test(test_cname_must_not_run_out_of_its_data_behind_a_pointer),
		cmocka_unit_test(test_answer_takes_255_addresses_and_tells_of_more),
		cmocka_unit_test(test_answer_takes_255_names_and_tells_of_more),
		cmocka_unit_test(test_names_beyond_255_are_still_checked),
		cmocka_unit_test(test_names_too_many_to_keep_are_counted),
		cmocka_unit_test(test_error_behind_the_answers_is_told_and_recorded),
		cmocka_unit_test(test_answer_has_what_the_question_and_the_opt_record_say),
		cmocka_unit_test(test_owner_pointer_to_far_cname_is_not_mistaken),
		cmocka_unit_test(test_owner_takes_every_pointer_target),
		cmocka_unit_test(test_message_cut_at_every_byte),
		cmocka_unit_test(test_message_with_every_byte_set_to_every_value),
		cmocka_unit_test(test_no_message_takes_a_millisecond),
		cmocka_unit_test(test_ladder_of_pointers_ends),
		cmocka_unit_test(test_large_honest_answer_is_within_the_budget),
		cmocka_unit_test(test_messages_of_other_projects),
	};

	cmocka_set_message_output(CM_OUTPUT_TAP);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
