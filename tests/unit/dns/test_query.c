/* SPDX-License-Identifier: BSD-3-Clause */
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <setjmp.h>
#include <cmocka.h>

#include <stdlib.h>
#include <string.h>

#include "base/cursor.h"
#include "dns/message.h"
#include "dns/query.h"
#include "tests/lib/dns_build.h"

#define TYPE_OPT  41
#define TYPE_SIG  24
#define TYPE_TSIG 250

static struct dns_build build;
static struct dns_query query;

static enum query_outcome parse_bytes(struct slice message)
{
	static uint8_t *copy;
	enum query_outcome outcome;

	/* A copy of exactly that size, so that a sanitizer sees every read too far; it stays until
	 * the next one, since *query borrows it. */
	free(copy);
	copy = malloc(message.length ? message.length : 1);
	memcpy(copy, message.data, message.length);
	memset(&query, 0xa5, sizeof(query));
	outcome = query_parse((struct slice){copy, message.length}, &query);
	if (outcome == QUERY_DROP)
		return outcome;
	assert_ptr_equal(query.message.data, copy);
	assert_int_equal(query.message.length, message.length);
	return outcome;
}

static enum query_outcome parse(void)
{
	return parse_bytes(dns_build_message(&build));
}

static void start(uint16_t flags)
{
	dns_build_start(&build, 0xabcd, flags);
	dns_build_question(&build, "wWw.Example.org", DNS_TYPE_AAAA);
	dns_build_section(&build, DNS_ADDITIONAL);
}

static void add_count(void)
{
	dns_build_count(&build, DNS_ADDITIONAL, (uint16_t)(be16_load(build.bytes + 10) + 1));
}

/* An OPT record with these 32 bits where others have their TTL, and with options. */
static void add_opt(uint16_t payload, uint32_t bits, const char *options, uint16_t length)
{
	dns_build_bytes(&build, "\0\0\51", 3);
	dns_build_u16(&build, payload);
	dns_build_u16(&build, (uint16_t)(bits >> 16));
	dns_build_u16(&build, (uint16_t)bits);
	dns_build_u16(&build, length);
	dns_build_bytes(&build, options, length);
	add_count();
}

static void assert_question_is_read(void)
{
	assert_int_equal(query.id, 0xabcd);
	assert_int_equal(query.type, DNS_TYPE_AAAA);
	assert_int_equal(query.class, 1);
	assert_int_equal(query.question_length, 21);
	assert_int_equal(query.name_length, 17);
	assert_memory_equal(query.name, "\3www\7example\3org", 17);
	assert_memory_equal(query.message.data + 12, "\3wWw\7Example\3org", 17);
}

static void test_plain_query_is_read(void **state)
{
	(void)state;
	start(0x0100);
	assert_int_equal(parse(), QUERY_OK);
	assert_question_is_read();
	assert_int_equal(query.flags, 0x0100);
	assert_int_equal(query.payload, 512);
	assert_false(query.has_edns);
	assert_false(query.is_dnssec_ok);
	assert_false(query.has_keepalive);
	assert_false(query.has_subnet);
}

static void test_edns_of_a_query_is_read(void **state)
{
	static const char options[] =
		"\0\12\0\10cookies.\0\13\0\0\0\10\0\7\0\1\30\0\300\0\2\0\14\0";

	(void)state;
	start(0x0120);
	add_opt(1232, 0x8000, options, 12 + 4 + 11);
	assert_int_equal(parse(), QUERY_OK);
	assert_question_is_read();
	assert_int_equal(query.payload, 1232);
	assert_true(query.has_edns);
	assert_true(query.is_dnssec_ok);
	assert_true(query.has_keepalive);
	assert_true(query.has_subnet);
	start(0x0120);
	add_opt(4096, 0x7fff, "", 0);
	assert_int_equal(parse(), QUERY_OK);
	assert_true(query.has_edns);
	assert_false(query.is_dnssec_ok); /* the other bits of its flags do not matter */
	assert_false(query.has_keepalive);
	assert_false(query.has_subnet);
}

static void test_payload_is_512_at_least(void **state)
{
	(void)state;
	for (unsigned payload = 0; payload <= UINT16_MAX; payload += payload < 1024 ? 1 : 1021) {
		start(0x0100);
		add_opt((uint16_t)payload, 0, "", 0);
		assert_int_equal(parse(), QUERY_OK);
		assert_int_equal(query.payload, payload < 512 ? 512 : payload);
	}
}

/* RFC 1035 4.1.1: QR decides whether there is an answer, the opcode which; nothing else matters. */
static void test_header_words_of_all_kinds_are_judged(void **state)
{
	(void)state;
	for (unsigned flags = 0; flags <= UINT16_MAX; flags++) {
		enum query_outcome wanted = flags & 0x8000   ? QUERY_DROP
					    : flags & 0x7800 ? QUERY_NOTIMP
							     : QUERY_OK;

		start((uint16_t)flags);
		add_opt(1232, 0, "", 0);
		assert_int_equal(query_parse(dns_build_message(&build), &query), wanted);
		if (wanted == QUERY_DROP)
			continue;
		assert_int_equal(query.flags, flags);
		assert_question_is_read();
		assert_true(query.has_edns);
	}
}

static void test_other_opcodes_are_not_implemented_whatever_follows(void **state)
{
	(void)state;
	dns_build_start(&build, 1, 0x3000); /* DSO has no question (RFC 8490 5.4) */
	assert_int_equal(parse(), QUERY_NOTIMP);
	assert_int_equal(query.question_length, 0);
	start(0x2800); /* UPDATE */
	dns_build_count(&build, DNS_AUTHORITY, 7);
	assert_int_equal(parse(), QUERY_NOTIMP);
	assert_question_is_read();
}

static void test_every_cut_is_dropped_or_malformed(void **state)
{
	struct slice whole;

	(void)state;
	start(0x0100);
	add_opt(1232, 0x8000, "\0\12\0\10cookies.", 12);
	whole = dns_build_message(&build);
	for (size_t length = 0; length < whole.length; length++) {
		assert_int_equal(parse_bytes((struct slice){whole.data, length}),
				 length < 12 ? QUERY_DROP : QUERY_FORMERR);
		if (length >= 12)
			assert_int_equal(query.question_length, length < 33 ? 0 : 21);
		if (length >= 33)
			assert_question_is_read();
	}
}

static void test_only_one_question_is_answered(void **state)
{
	(void)state;
	start(0x0100);
	for (unsigned count = 0; count <= UINT16_MAX; count++) {
		dns_build_count(&build, DNS_QUESTION, (uint16_t)count);
		assert_int_equal(query_parse(dns_build_message(&build), &query),
				 count == 1 ? QUERY_OK : QUERY_FORMERR);
		assert_int_equal(query.question_length, count == 1 ? 21 : 0);
	}
	dns_build_start(&build, 1, 0x0100);
	dns_build_question(&build, "a", DNS_TYPE_A);
	dns_build_question(&build, "b", DNS_TYPE_A);
	assert_int_equal(parse(), QUERY_FORMERR);
	assert_int_equal(query.question_length, 0);
}

static void test_name_of_a_question_is_not_compressed(void **state)
{
	(void)state;
	for (unsigned octet = 64; octet < 256; octet++) {
		start(0x0100);
		build.bytes[16] = (uint8_t)octet; /* the second label */
		assert_int_equal(parse(), QUERY_FORMERR);
		assert_int_equal(query.question_length, 0);
		build.bytes[12] = (uint8_t)octet;
		assert_int_equal(parse(), QUERY_FORMERR);
	}
}

static void test_names_up_to_255_octets_are_read(void **state)
{
	uint8_t bytes[DNS_HEADER_SIZE + DNS_NAME_MAX + 8] = {[5] = 1};

	(void)state;
	for (size_t labels = 0; labels <= 130; labels++) {
		size_t end = DNS_HEADER_SIZE + 2 * labels;

		memset(bytes + DNS_HEADER_SIZE, 0, sizeof(bytes) - DNS_HEADER_SIZE);
		for (size_t at = DNS_HEADER_SIZE; at < end && at + 1 < sizeof(bytes); at += 2)
			memcpy(bytes + at, "\1Q", 2);
		if (end + 5 > sizeof(bytes))
			break;
		bytes[end + 2] = bytes[end + 4] = 1;
		assert_int_equal(parse_bytes((struct slice){bytes, end + 5}),
				 labels <= 127 ? QUERY_OK : QUERY_FORMERR);
		if (labels > 127)
			continue;
		assert_int_equal(query.name_length, 2 * labels + 1);
		for (size_t i = 0; i < labels; i++)
			assert_memory_equal(query.name + 2 * i, "\1q", 2);
	}
}

static void test_records_that_no_query_has_are_malformed(void **state)
{
	(void)state;
	for (int section = DNS_ANSWER; section <= DNS_ADDITIONAL; section++) {
		start(0x0100);
		dns_build_section(&build, (enum dns_section)section);
		dns_build_address(&build, "wWw.Example.org", "192.0.2.1");
		assert_int_equal(parse(), QUERY_FORMERR);
		assert_question_is_read();
		start(0x0100);
		dns_build_count(&build, (enum dns_section)section, 1); /* it lies */
		assert_int_equal(parse(), QUERY_FORMERR);
	}
	start(0x0100);
	add_opt(1232, 0, "", 0);
	dns_build_count(&build, DNS_ADDITIONAL, UINT16_MAX);
	assert_int_equal(parse(), QUERY_FORMERR);
}

static void test_opt_record_in_another_section_is_malformed(void **state)
{
	(void)state;
	for (int section = DNS_ANSWER; section <= DNS_AUTHORITY; section++) {
		start(0x0100);
		add_opt(1232, 0, "", 0);
		dns_build_count(&build, DNS_ADDITIONAL, 0);
		dns_build_count(&build, (enum dns_section)section, 1);
		assert_int_equal(parse(), QUERY_FORMERR);
		assert_false(query.has_edns);
	}
}

static void test_second_opt_record_is_malformed(void **state)
{
	(void)state;
	start(0x0100);
	add_opt(1232, 0, "", 0);
	add_opt(1232, 0, "", 0);
	assert_int_equal(parse(), QUERY_FORMERR);
	assert_true(query.has_edns);
	start(0x0100);
	add_opt(1232, 0x10000, "", 0);
	add_opt(1232, 0, "", 0);
	assert_int_equal(parse(), QUERY_FORMERR);
}

static void test_opt_record_of_another_owner_is_malformed(void **state)
{
	static const char *const owners[] = {"\1a", "\300\14", "\300\34"};

	(void)state;
	for (size_t i = 0; i < 3; i++) {
		start(0x0100);
		dns_build_bytes(&build, owners[i], 2);
		if (i)
			dns_build_bytes(&build, "\0\51\4\320\0\0\0\0\0\0", 10);
		else
			dns_build_bytes(&build, "\0\0\51\4\320\0\0\0\0\0\0", 11);
		add_count();
		assert_int_equal(parse(), QUERY_FORMERR);
		assert_false(query.has_edns);
	}
}

static void test_other_version_of_edns_is_told_apart_from_its_options(void **state)
{
	(void)state;
	for (uint32_t version = 1; version < 256; version++) {
		start(0x0100);
		add_opt(1232, version << 16 | 0x8000, "\377\377\377", 3);
		assert_int_equal(parse(), QUERY_BADVERS);
		assert_question_is_read();
		assert_true(query.has_edns);
		assert_true(query.is_dnssec_ok);
		assert_int_equal(query.payload, 1232);
	}
}

static void test_options_whose_lengths_lie_are_malformed(void **state)
{
	static const char options[] = "\0\12\0\10cookies.\0\14\0\3\0\0\0";

	(void)state;
	for (uint16_t length = 0; length < sizeof(options); length++) {
		bool is_whole = length == 0 || length == 12 || length == 19;

		start(0x0100);
		add_opt(1232, 0, options, length);
		assert_int_equal(parse(), is_whole ? QUERY_OK : QUERY_FORMERR);
		assert_true(query.has_edns);
	}
	start(0x0100);
	add_opt(1232, 0, "\0\13\377\377", 4);
	assert_int_equal(parse(), QUERY_FORMERR);
}

static void test_keepalive_with_a_time_is_none(void **state)
{
	(void)state;
	start(0x0100);
	add_opt(1232, 0, "\0\13\0\2\0\144", 6);
	assert_int_equal(parse(), QUERY_OK);
	assert_false(query.has_keepalive);
}

static void test_signed_query_is_refused(void **state)
{
	static const uint16_t types[] = {TYPE_TSIG, TYPE_SIG};

	(void)state;
	for (size_t i = 0; i < 2; i++) {
		start(0x0100);
		add_opt(1232, 0x8000, "", 0);
		dns_build_record(&build, "key.", types[i], "signature", 9);
		assert_int_equal(parse(), QUERY_REFUSED);
		assert_question_is_read();
		assert_true(query.has_edns);
		assert_true(query.is_dnssec_ok);
		dns_build_count(&build, DNS_ADDITIONAL, 3);
		assert_int_equal(parse(), QUERY_FORMERR);
	}
}

static void test_octets_behind_a_query_do_not_matter(void **state)
{
	(void)state;
	start(0x0100);
	dns_build_bytes(&build, "\0\0\51\377\377\377\377\377\377\377\377", 11);
	assert_int_equal(parse(), QUERY_OK);
	assert_false(query.has_edns);
	start(0x0100);
	add_opt(1232, 0, "", 0);
	dns_build_bytes(&build, "\0\0\0\0", 4);
	assert_int_equal(parse(), QUERY_OK);
	assert_question_is_read();
}

static void test_built_query_is_read_back(void **state)
{
	static const uint8_t name[] = "\3wWw\7Example\3org";
	uint8_t out[QUERY_MESSAGE_MAX];
	struct query_parts parts = {
		.id = 0xabcd,
		.type = DNS_TYPE_AAAA,
		.class = 1,
		.payload = 1400,
		.name = {name, sizeof(name)},
	};

	(void)state;
	for (unsigned flags = 0; flags <= UINT16_MAX; flags++) {
		parts.flags = (uint16_t)flags;
		parts.is_dnssec_ok = flags & 1;
		assert_int_equal(query_build(&parts, out), 12 + 17 + 4 + 11);
		assert_int_equal(query_parse((struct slice){out, 44}, &query), QUERY_OK);
		assert_question_is_read();
		assert_int_equal(query.flags, flags & 0x0130);
		assert_int_equal(query.payload, 1400);
		assert_true(query.has_edns);
		assert_int_equal(query.is_dnssec_ok, flags & 1);
	}
	assert_memory_equal(out, "\xab\xcd\1\60\0\1\0\0\0\0\0\1\3wWw\7Example\3org\0\0\34\0\1", 33);
	assert_memory_equal(out + 33, "\0\0\51\5\170\0\0\200\0\0\0", 11);
}

static void test_longest_query_fits(void **state)
{
	uint8_t name[DNS_NAME_MAX] = {0}, out[QUERY_MESSAGE_MAX];
	struct query_parts parts = {.type = 1, .class = 1, .name = {name, sizeof(name)}};

	(void)state;
	for (size_t at = 0; at + 1 < sizeof(name); at += 2)
		name[at] = 1;
	assert_int_equal(query_build(&parts, out), sizeof(out));
	assert_int_equal(query_parse((struct slice){out, sizeof(out)}, &query), QUERY_OK);
	assert_memory_equal(query.name, name, sizeof(name));
	assert_int_equal(query.payload, 512);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_plain_query_is_read),
		cmocka_unit_test(test_edns_of_a_query_is_read),
		cmocka_unit_test(test_payload_is_512_at_least),
		cmocka_unit_test(test_header_words_of_all_kinds_are_judged),
		cmocka_unit_test(test_other_opcodes_are_not_implemented_whatever_follows),
		cmocka_unit_test(test_every_cut_is_dropped_or_malformed),
		cmocka_unit_test(test_only_one_question_is_answered),
		cmocka_unit_test(test_name_of_a_question_is_not_compressed),
		cmocka_unit_test(test_names_up_to_255_octets_are_read),
		cmocka_unit_test(test_records_that_no_query_has_are_malformed),
		cmocka_unit_test(test_opt_record_in_another_section_is_malformed),
		cmocka_unit_test(test_second_opt_record_is_malformed),
		cmocka_unit_test(test_opt_record_of_another_owner_is_malformed),
		cmocka_unit_test(test_other_version_of_edns_is_told_apart_from_its_options),
		cmocka_unit_test(test_options_whose_lengths_lie_are_malformed),
		cmocka_unit_test(test_keepalive_with_a_time_is_none),
		cmocka_unit_test(test_signed_query_is_refused),
		cmocka_unit_test(test_octets_behind_a_query_do_not_matter),
		cmocka_unit_test(test_built_query_is_read_back),
		cmocka_unit_test(test_longest_query_fits),
	};

	cmocka_set_message_output(CM_OUTPUT_TAP);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
