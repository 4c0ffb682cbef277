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

#include "base/cursor.h"
#include "dns/message.h"
#include "dns/question.h"
#include "dns/rdata.h"
#include "dns/response.h"
#include "tests/lib/dns_build.h"

#define TYPE_TXT  16
#define TYPE_TSIG 250

#define NAME	    "www.example.org"
#define OPT_PLAIN   "\0\0\51\4\320\0\0\0\0\0\0"
#define OPT_BADVERS "\0\0\51\4\320\1\0\0\0\0\0"
#define MESSAGE_MAX 65535
#define SOA_TIMES   "\0\0\0\1\0\0\16\20\0\0\3\204\0\22\165\0"

static struct dns_build build;
static struct response response;

static const uint8_t asked[] = "\3www\7example\3org\0\0\1\0\1";
static const struct slice question = {asked, sizeof(asked) - 1};

/* Parses a copy at the very end of some memory, so that a sanitizer sees every read too far. */
static enum response_outcome parse_as(struct slice message, struct slice as, bool is_exact)
{
	static uint8_t *memory;
	uint8_t *copy;

	if (!memory)
		memory = malloc(MESSAGE_MAX);
	assert_non_null(memory);
	copy = memory + MESSAGE_MAX - message.length;
	memcpy(copy, message.data, message.length);
	memset(&response, 0xa5, sizeof(response));
	return response_parse((struct slice){copy, message.length}, as, is_exact, &response);
}

static enum response_outcome parse(void)
{
	return parse_as(dns_build_message(&build), question, true);
}

static void start(void)
{
	dns_build_start(&build, 0xabcd, DNS_BUILD_ANSWERED);
	dns_build_question(&build, NAME, DNS_TYPE_A);
}

static void add_count(enum dns_section section)
{
	uint8_t *count = build.bytes + 4 + 2 * section;

	dns_build_count(&build, section, (uint16_t)(be16_load(count) + 1));
}

static void add_opt(const char *bytes)
{
	dns_build_bytes(&build, bytes, sizeof(OPT_PLAIN) - 1);
	add_count(DNS_ADDITIONAL);
}

static void set_ttl(uint32_t ttl, unsigned data_length)
{
	be32_store(build.bytes + build.length - data_length - 6, ttl);
}

static void add_soa(uint32_t ttl, uint32_t minimum)
{
	uint32_t begin;

	dns_build_section(&build, DNS_AUTHORITY);
	dns_build_name(&build, "example.org");
	dns_build_bytes(&build, "\0\6\0\1\0\0\0\0\0\0", 10);
	begin = build.length;
	be32_store(build.bytes + begin - 6, ttl);
	dns_build_name(&build, "ns.example.org");
	dns_build_name(&build, "hostmaster.example.org");
	dns_build_bytes(&build, SOA_TIMES, 16);
	dns_build_u16(&build, (uint16_t)(minimum >> 16));
	dns_build_u16(&build, (uint16_t)minimum);
	be16_store(build.bytes + begin - 2, (uint16_t)(build.length - begin));
	add_count(DNS_AUTHORITY);
}

/* Two answers, one authority, two additional records around OPT. */
static void build_typical(void)
{
	start();
	dns_build_alias(&build, NAME, DNS_TYPE_CNAME, "edge.example.net");
	dns_build_address(&build, "edge.example.net", "192.0.2.1");
	set_ttl(60, 4);
	add_soa(7200, 900);
	dns_build_section(&build, DNS_ADDITIONAL);
	dns_build_address(&build, "ns.example.org", "2001:db8::1");
	add_opt(OPT_PLAIN);
}

static void test_typical_response_is_read(void **state)
{
	(void)state;
	build_typical();
	assert_int_equal(parse(), RESPONSE_OK);
	assert_int_equal(response.id, 0xabcd);
	assert_int_equal(response.flags, DNS_BUILD_ANSWERED);
	assert_int_equal(response.rcode, 0);
	assert_int_equal(response.answer_count, 2);
	assert_int_equal(response.authority_count, 1);
	assert_int_equal(response.additional_count, 1);
	assert_int_equal(response.question_length, 21);
	assert_int_equal(response.extended_error, -1);
	assert_true(response.has_edns);
	assert_false(response.is_truncated);
	assert_int_equal(response.length, build.length - 11);
	assert_int_equal(response.ttl_least_s, 60);
	assert_int_equal(response.negative_ttl_s, 900);
	assert_int_equal(response.ttl_count, 4);
	assert_int_equal(be32_load(build.bytes + response.ttls[0]), 300);
	assert_int_equal(be32_load(build.bytes + response.ttls[1]), 60);
	assert_int_equal(be32_load(build.bytes + response.ttls[2]), 7200);
	assert_int_equal(be32_load(build.bytes + response.ttls[3]), 300);
}

static void test_question_alone_is_a_response(void **state)
{
	(void)state;
	start();
	be16_store(build.bytes + 2, DNS_BUILD_ANSWERED | DNS_NXDOMAIN);
	assert_int_equal(parse(), RESPONSE_OK);
	assert_int_equal(response.rcode, DNS_NXDOMAIN);
	assert_int_equal(response.ttl_count, 0);
	assert_int_equal(response.ttl_least_s, UINT32_MAX);
	assert_int_equal(response.negative_ttl_s, UINT32_MAX);
	assert_int_equal(response.length, 33);
	assert_false(response.has_edns);
}

static void test_header_words_of_all_kinds_are_judged(void **state)
{
	(void)state;
	build_typical();
	for (unsigned flags = 0; flags <= UINT16_MAX; flags++) {
		bool is_response = (flags & 0xf800) == 0x8000;

		be16_store(build.bytes + 2, (uint16_t)flags);
		assert_int_equal(
			response_parse(dns_build_message(&build), question, true, &response),
			is_response ? RESPONSE_OK : RESPONSE_MALFORMED);
		assert_int_equal(response.id, 0xabcd);
		assert_int_equal(response.flags, flags);
		if (!is_response)
			continue;
		assert_int_equal(response.rcode, flags & 15);
		assert_int_equal(response.is_truncated, (flags & 0x0200) != 0);
		assert_int_equal(response.ttl_count, flags & 0x0200 ? 0 : 4);
	}
}

static void test_every_octet_of_the_question_counts(void **state)
{
	(void)state;
	build_typical();
	for (size_t at = 12; at < 33; at++) {
		uint8_t was = build.bytes[at];

		for (unsigned value = 0; value < 256; value++) {
			enum response_outcome outcome;
			bool is_letter = at < 29 && (was | 0x20) >= 'a' && (was | 0x20) <= 'z';
			bool is_same = value == was;

			build.bytes[at] = (uint8_t)value;
			outcome = parse();
			assert_int_equal(outcome == RESPONSE_OK, is_same);
			is_same |= is_letter && (value ^ was) == 0x20;
			outcome = parse_as(dns_build_message(&build), question, false);
			assert_int_equal(outcome == RESPONSE_OK, is_same);
		}
		build.bytes[at] = was;
	}
}

static void test_type_and_class_have_no_case(void **state)
{
	uint8_t other[sizeof(asked)];

	(void)state;
	memcpy(other, asked, sizeof(asked));
	other[18] = 'A'; /* type HTTPS */
	dns_build_start(&build, 1, DNS_BUILD_ANSWERED);
	dns_build_question(&build, "WWW.example.org", 'a');
	assert_int_equal(parse_as(dns_build_message(&build), (struct slice){other, 21}, false),
			 RESPONSE_OTHER);
	build.bytes[30] = 'A';
	assert_int_equal(parse_as(dns_build_message(&build), (struct slice){other, 21}, false),
			 RESPONSE_OK);
	build.bytes[32] ^= 0x20;
	assert_int_equal(parse_as(dns_build_message(&build), (struct slice){other, 21}, false),
			 RESPONSE_OTHER);
}

static void test_other_questions_are_told_from_broken_ones(void **state)
{
	static const char *const others[] = {".", "a", "www.example.orh", "example.org",
					     "www.www.example.org"};

	(void)state;
	for (size_t i = 0; i < 5; i++) {
		dns_build_start(&build, 1, DNS_BUILD_ANSWERED);
		dns_build_question(&build, others[i], DNS_TYPE_A);
		assert_int_equal(parse(), RESPONSE_OTHER);
		build.length--;
		assert_int_equal(parse(), RESPONSE_MALFORMED);
		build.bytes[12] = 0xc0;
		assert_int_equal(parse(), RESPONSE_MALFORMED);
	}
}

static void test_only_one_question_is_accepted(void **state)
{
	(void)state;
	build_typical();
	for (unsigned count = 2; count <= UINT16_MAX; count++) {
		dns_build_count(&build, DNS_QUESTION, (uint16_t)count);
		assert_int_equal(parse(), RESPONSE_MALFORMED);
	}
}

static void test_errors_of_old_servers_come_without_a_question(void **state)
{
	(void)state;
	for (uint16_t rcode = 0; rcode < 16; rcode++) {
		bool is_accepted = rcode == 1 || rcode == 2 || rcode == 4;

		dns_build_start(&build, 7, (uint16_t)(DNS_BUILD_ANSWERED | rcode));
		assert_int_equal(parse(), is_accepted ? RESPONSE_OK : RESPONSE_OTHER);
		assert_int_equal(response.id, 7);
		add_opt("\0\0\51\4\320\0\0\0\0\0\0");
		assert_int_equal(parse(), is_accepted ? RESPONSE_OK : RESPONSE_OTHER);
		if (!is_accepted)
			continue;
		assert_int_equal(response.rcode, rcode);
		assert_int_equal(response.question_length, 0);
		assert_int_equal(response.length, 12);
		assert_true(response.has_edns);
	}
}

static void test_records_without_a_question_are_malformed(void **state)
{
	static const struct slice owners[] = {{(const uint8_t *)"\300\14", 2},
					      {(const uint8_t *)"\1a", 3},
					      {(const uint8_t *)"", 1}};

	(void)state;
	for (size_t i = 0; i < 3; i++)
		for (int section = DNS_ANSWER; section <= DNS_ADDITIONAL; section++) {
			dns_build_start(&build, 1, DNS_BUILD_ANSWERED | DNS_SERVFAIL);
			dns_build_bytes(&build, owners[i].data, (uint32_t)owners[i].length);
			dns_build_bytes(&build, "\0\2\0\1\0\0\0\0\0\1\0", 11);
			add_count((enum dns_section)section);
			assert_int_equal(parse(), RESPONSE_MALFORMED);
		}
	dns_build_start(&build, 1, DNS_BUILD_ANSWERED | DNS_SERVFAIL);
	add_count(DNS_ADDITIONAL);
	assert_int_equal(parse(), RESPONSE_MALFORMED);
	add_opt(OPT_PLAIN);
	assert_int_equal(parse(), RESPONSE_MALFORMED);
}

static void test_every_cut_is_malformed(void **state)
{
	struct slice whole;

	(void)state;
	build_typical();
	whole = dns_build_message(&build);
	for (size_t length = 0; length < whole.length; length++)
		assert_int_equal(parse_as((struct slice){whole.data, length}, question, true),
				 RESPONSE_MALFORMED);
}

static void test_counts_that_lie_are_malformed(void **state)
{
	(void)state;
	for (int section = DNS_ANSWER; section <= DNS_ADDITIONAL; section++) {
		build_typical();
		add_count((enum dns_section)section);
		assert_int_equal(parse(), RESPONSE_MALFORMED);
		dns_build_count(&build, (enum dns_section)section, UINT16_MAX);
		assert_int_equal(parse(), RESPONSE_MALFORMED);
	}
}

static void test_octets_behind_the_last_record_are_not_kept(void **state)
{
	(void)state;
	start();
	dns_build_address(&build, NAME, "192.0.2.1");
	dns_build_bytes(&build, "\300\14\0\1\0\1\0\0\0\0\0\4abcd", 16);
	assert_int_equal(parse(), RESPONSE_OK);
	assert_int_equal(response.length, build.length - 16);
	assert_int_equal(response.answer_count, 1);
	assert_int_equal(response.ttl_count, 1);
}

static void test_truncated_response_keeps_its_question_alone(void **state)
{
	struct slice whole;

	(void)state;
	build_typical();
	be16_store(build.bytes + 2, DNS_BUILD_ANSWERED | 0x0200);
	whole = dns_build_message(&build);
	for (size_t length = 0; length <= whole.length; length++) {
		enum response_outcome outcome =
			parse_as((struct slice){whole.data, length}, question, true);

		assert_int_equal(outcome, length < 33 ? RESPONSE_MALFORMED : RESPONSE_OK);
		if (length < 33)
			continue;
		assert_true(response.is_truncated);
		assert_int_equal(response.length, 33);
		assert_int_equal(response.ttl_count, 0);
		assert_int_equal(response.answer_count | response.authority_count |
					 response.additional_count,
				 0);
	}
}

static void test_records_behind_opt_are_not_kept(void **state)
{
	(void)state;
	start();
	dns_build_address(&build, NAME, "192.0.2.1");
	dns_build_section(&build, DNS_ADDITIONAL);
	dns_build_address(&build, "a.example.org", "192.0.2.2");
	add_opt(OPT_BADVERS);
	dns_build_address(&build, "b.example.org", "192.0.2.3");
	assert_int_equal(parse(), RESPONSE_OK);
	assert_int_equal(response.rcode, 16);
	assert_int_equal(response.additional_count, 1);
	assert_int_equal(response.ttl_count, 2);
	assert_int_equal(response.length, 33 + 16 + 18);
	build.length--;
	assert_int_equal(parse(), RESPONSE_MALFORMED);
	build.length++;
	be16_store(build.bytes + build.length - 6, 3); /* an address of three octets */
	assert_int_equal(parse(), RESPONSE_MALFORMED);
}

static void test_opt_has_one_place(void **state)
{
	(void)state;
	for (int section = DNS_ANSWER; section <= DNS_AUTHORITY; section++) {
		start();
		dns_build_bytes(&build, OPT_PLAIN, 11);
		add_count((enum dns_section)section);
		assert_int_equal(parse(), RESPONSE_MALFORMED);
	}
	start();
	add_opt(OPT_PLAIN);
	assert_int_equal(parse(), RESPONSE_OK);
	add_opt(OPT_PLAIN);
	assert_int_equal(parse(), RESPONSE_MALFORMED);
	start();
	dns_build_bytes(&build, "\1a", 2);
	add_opt(OPT_PLAIN);
	assert_int_equal(parse(), RESPONSE_MALFORMED);
	start();
	dns_build_section(&build, DNS_ADDITIONAL);
	dns_build_record(&build, NAME, TYPE_TSIG, "", 0);
	assert_int_equal(parse(), RESPONSE_MALFORMED);
}

static void test_extended_error_is_the_first_one(void **state)
{
	static const char options[] = "\0\3\0\2id\0\17\0\1x\0\17\0\10\0\26reason\0\17\0\2\0\3";

	(void)state;
	for (uint16_t length = 0; length < sizeof(options); length++) {
		bool is_whole =
			length == 0 || length == 6 || length == 11 || length == 23 || length == 29;

		start();
		dns_build_bytes(&build, "\0\0\51\4\320\3\0\200\0", 9);
		dns_build_u16(&build, length);
		dns_build_bytes(&build, options, length);
		add_count(DNS_ADDITIONAL);
		assert_int_equal(parse(), is_whole ? RESPONSE_OK : RESPONSE_MALFORMED);
		if (!is_whole)
			continue;
		assert_int_equal(response.rcode, 0x30);
		assert_int_equal(response.extended_error, length < 23 ? -1 : 22);
	}
}

static void test_ttls_are_the_least_of_their_section(void **state)
{
	(void)state;
	start();
	dns_build_address(&build, NAME, "192.0.2.1");
	set_ttl(INT32_MAX, 4);
	assert_int_equal(parse(), RESPONSE_OK);
	assert_int_equal(response.ttl_least_s, INT32_MAX);
	dns_build_address(&build, NAME, "192.0.2.2");
	set_ttl(77, 4);
	dns_build_address(&build, NAME, "192.0.2.3");
	dns_build_section(&build, DNS_ADDITIONAL);
	dns_build_address(&build, NAME, "192.0.2.3");
	set_ttl(1, 4);
	assert_int_equal(parse(), RESPONSE_OK);
	assert_int_equal(response.ttl_least_s, 77);
	start();
	dns_build_address(&build, NAME, "192.0.2.1");
	set_ttl(0x80000000, 4); /* RFC 2181 8 */
	assert_int_equal(parse(), RESPONSE_OK);
	assert_int_equal(response.ttl_least_s, 0);
}

static void test_negative_ttl_is_the_smaller_of_the_two(void **state)
{
	(void)state;
	start();
	add_soa(300, 900);
	assert_int_equal(parse(), RESPONSE_OK);
	assert_int_equal(response.negative_ttl_s, 300);
	assert_int_equal(response.ttl_least_s, UINT32_MAX);
	start();
	add_soa(900, 60);
	assert_int_equal(parse(), RESPONSE_OK);
	assert_int_equal(response.negative_ttl_s, 60);
	start();
	add_soa(900, 0xffffffff);
	assert_int_equal(parse(), RESPONSE_OK);
	assert_int_equal(response.negative_ttl_s, 0);
	dns_build_count(&build, DNS_ANSWER, 1); /* an answer of type SOA is none */
	dns_build_count(&build, DNS_AUTHORITY, 0);
	assert_int_equal(parse(), RESPONSE_OK);
	assert_int_equal(response.negative_ttl_s, UINT32_MAX);
}

static void test_so_many_records_and_no_more(void **state)
{
	(void)state;
	for (int section = DNS_ANSWER; section <= DNS_ADDITIONAL; section++) {
		start();
		dns_build_section(&build, (enum dns_section)section);
		for (int i = 0; i < RESPONSE_RECORDS_MAX; i++)
			dns_build_address(&build, NAME, "192.0.2.1");
		assert_int_equal(parse(), RESPONSE_OK);
		assert_int_equal(response.ttl_count, RESPONSE_RECORDS_MAX);
		dns_build_address(&build, NAME, "192.0.2.1");
		assert_int_equal(parse(), RESPONSE_MALFORMED);
	}
}

static void test_addresses_have_their_size_in_class_in(void **state)
{
	uint8_t data[20] = {0};

	(void)state;
	for (uint16_t length = 0; length <= sizeof(data); length++)
		for (int section = DNS_ANSWER; section <= DNS_ADDITIONAL; section++) {
			start();
			dns_build_section(&build, (enum dns_section)section);
			dns_build_record(&build, NAME, DNS_TYPE_A, data, length);
			assert_int_equal(parse(), length == 4 ? RESPONSE_OK : RESPONSE_MALFORMED);
			build.bytes[38] = 3; /* Chaos */
			assert_int_equal(parse(), RESPONSE_OK);
			start();
			dns_build_section(&build, (enum dns_section)section);
			dns_build_record(&build, NAME, DNS_TYPE_AAAA, data, length);
			assert_int_equal(parse(), length == 16 ? RESPONSE_OK : RESPONSE_MALFORMED);
		}
}

/* Data of a type as rdata.h has it, with names like these, and their length. */
static uint16_t make_data(uint16_t type, const char *const *names, uint8_t *data)
{
	const struct rdata_layout *layout = rdata_layout(type);
	uint16_t length = layout->fixed;
	uint8_t size;

	memset(data, 0xee, layout->fixed);
	for (unsigned i = 0; i < layout->strings; i++) {
		memcpy(data + length, "\2U+", 3);
		length += 3;
	}
	for (unsigned i = 0; i < layout->names; i++) {
		assert_true(name_parse(names[i], data + length, &size));
		length += size;
	}
	size = layout->tail == RDATA_ANY_TAIL ? 5 : layout->tail;
	memset(data + length, 0xdd, size);
	return length + size;
}

static void test_data_with_names_end_where_they_should(void **state)
{
	static const char *const names[] = {"mail." NAME, "b"};
	uint8_t data[512];

	(void)state;
	for (uint16_t type = 0; type < 64; type++) {
		const struct rdata_layout *layout = rdata_layout(type);
		uint16_t length;

		if (!layout)
			continue;
		length = make_data(type, names, data);
		for (uint16_t cut = 0; cut <= length + 2; cut++) {
			bool is_sound = cut == length;

			if (layout->tail == RDATA_ANY_TAIL)
				is_sound = cut >= length - 5;
			start();
			dns_build_record(&build, NAME, type, data, cut);
			assert_int_equal(parse(), is_sound ? RESPONSE_OK : RESPONSE_MALFORMED);
		}
	}
}

static void test_names_in_data_point_backward(void **state)
{
	(void)state;
	for (unsigned pointer = 0xc000; pointer <= UINT16_MAX; pointer++) {
		uint8_t data[2];
		bool is_label = pointer == 0xc00c || pointer == 0xc010 || pointer == 0xc018 ||
				pointer == 0xc01c;

		be16_store(data, (uint16_t)pointer);
		start();
		dns_build_record(&build, NAME, DNS_TYPE_CNAME, data, 2);
		if (is_label)
			assert_int_equal(parse(), RESPONSE_OK);
		else if (pointer >= 0xc000 + build.length - 2 || pointer < 0xc00c)
			assert_int_equal(parse(), RESPONSE_MALFORMED);
		else
			parse();
	}
}

/* Pointers of an owner to what runs beyond it, and through a TTL. */
static void test_names_in_what_changes_are_malformed(void **state)
{
	static const uint8_t ttls[] = {0, 3};

	(void)state;
	for (int i = 0; i < 2; i++) {
		dns_build_start(&build, 1, DNS_BUILD_ANSWERED);
		dns_build_question(&build, ".", DNS_TYPE_A);
		dns_build_record(&build, ".", TYPE_TXT, "\0", 1);
		build.bytes[25] = ttls[i]; /* its last octet: the root, or a label behind it */
		dns_build_bytes(&build, "\300\31\0\1\0\1\0\0\0\0\0\4abcd", 16);
		dns_build_count(&build, DNS_ANSWER, 2);
		assert_int_equal(parse_as(dns_build_message(&build),
					  (struct slice){(const uint8_t *)"\0\0\1\0\1", 5}, true),
				 RESPONSE_MALFORMED);
		build.bytes[30] = 28; /* where the data are */
		assert_int_equal(parse_as(dns_build_message(&build),
					  (struct slice){(const uint8_t *)"\0\0\1\0\1", 5}, true),
				 RESPONSE_OK);
		build.bytes[28] = 6; /* a label that ends behind the owner */
		assert_int_equal(parse_as(dns_build_message(&build),
					  (struct slice){(const uint8_t *)"\0\0\1\0\1", 5}, true),
				 RESPONSE_MALFORMED);
	}
}

static void test_compact_message_is_what_was_kept(void **state)
{
	struct slice kept;

	(void)state;
	build_typical();
	dns_build_address(&build, "x.example.org", "192.0.2.3");
	assert_int_equal(parse(), RESPONSE_OK);
	kept = (struct slice){build.bytes, response_compact(build.bytes, &response)};
	assert_int_equal(kept.length, response.length);
	assert_memory_equal(build.bytes + 4, "\0\1\0\2\0\1\0\1", 8);
	assert_int_equal(parse_as(kept, question, true), RESPONSE_OK);
	assert_false(response.has_edns);
	assert_int_equal(response.length, kept.length);
	assert_int_equal(response.ttl_count, 4);
}

/* What holds of every message: what is kept of it is sound itself, and under another name too. */
static void check(const uint8_t *bytes, struct slice as)
{
	static const uint8_t name[] = "\5other\4name";
	static uint8_t kept[MESSAGE_MAX], renamed[MESSAGE_MAX];
	struct response before = response;
	struct slice message = {kept, response.length};
	uint8_t other[sizeof(name) + 4];

	memcpy(kept, bytes, response.length);
	assert_int_equal(response_compact(kept, &response), response.length);
	assert_int_equal(parse_as(message, as, false), RESPONSE_OK);
	assert_int_equal(response.length, before.length);
	assert_int_equal(response.ttl_count, before.ttl_count);
	assert_memory_equal(response.ttls, before.ttls, 2 * before.ttl_count);
	message.length = response_rename(message, (struct slice){name, sizeof(name)}, &response,
					 renamed, sizeof(renamed));
	if (!message.length)
		return;
	message.data = renamed;
	before = response;
	memcpy(other, name, sizeof(name));
	memcpy(other + sizeof(name), as.data + as.length - 4, 4);
	assert_int_equal(parse_as(message, (struct slice){other, sizeof(other)}, true),
			 RESPONSE_OK);
	assert_int_equal(response.length, before.length);
	assert_int_equal(response.ttl_count, before.ttl_count);
	assert_memory_equal(response.ttls, before.ttls, 2 * before.ttl_count);
	assert_int_equal(response.ttl_least_s, before.ttl_least_s);
	assert_int_equal(response.negative_ttl_s, before.negative_ttl_s);
}

static void torture(uint8_t *bytes, struct slice message, struct slice as)
{
	size_t step = message.length > 2000 ? message.length / 16 : 1;

	for (size_t length = 0; length <= message.length; length += step)
		if (parse_as((struct slice){bytes, length}, as, false) == RESPONSE_OK)
			check(bytes, as);
	for (size_t at = 0; at < message.length; at += step) {
		uint8_t was = bytes[at];

		for (unsigned value = 0; value < 256; value++) {
			bytes[at] = (uint8_t)value;
			if (parse_as(message, as, false) == RESPONSE_OK)
				check(bytes, as);
		}
		bytes[at] = was;
	}
}

static void test_response_with_every_byte_set_to_every_value(void **state)
{
	(void)state;
	build_typical();
	torture(build.bytes, dns_build_message(&build), question);
}

/* As it came, and as a response to whatever it asks. */
static void torture_message(uint8_t *bytes, struct slice message)
{
	uint8_t as[DNS_NAME_MAX + 4];
	struct dns_question found;
	size_t length;

	if (message.length < DNS_HEADER_SIZE)
		return;
	if (!dns_question_parse(message, &found) || !found.name_length) {
		torture(bytes, message, question);
		return;
	}
	length = found.name_length;
	memcpy(as, found.name, length);
	be16_store(as + length, found.type);
	be16_store(as + length + 2, found.class);
	torture(bytes, message, (struct slice){as, length + 4});
	be16_store(bytes + 2, DNS_BUILD_ANSWERED);
	be16_store(bytes + 4, 1);
	torture(bytes, message, (struct slice){as, length + 4});
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

static void test_messages_of_other_projects(void **state)
{
	const char *shared = getenv("DNSFLOW_SHARED");
	static uint8_t bytes[MESSAGE_MAX];
	char folder[2048], path[4096];
	struct dirent *entry;
	int count = 0;
	DIR *dir;

	(void)state;
	snprintf(folder, sizeof(folder), "%s/data/dns-messages", shared ? shared : "../shared");
	dir = opendir(folder);
	while (dir && (entry = readdir(dir))) {
		struct slice message;

		snprintf(path, sizeof(path), "%s/%s", folder, entry->d_name);
		if (entry->d_name[0] == '.' || !file_read(path, bytes, sizeof(bytes), &message))
			continue;
		torture_message(bytes, message);
		count++;
	}
	if (dir)
		closedir(dir);
	if (!count) {
		print_message("no %s: set DNSFLOW_SHARED\n", folder);
		skip();
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_typical_response_is_read),
		cmocka_unit_test(test_question_alone_is_a_response),
		cmocka_unit_test(test_header_words_of_all_kinds_are_judged),
		cmocka_unit_test(test_every_octet_of_the_question_counts),
		cmocka_unit_test(test_type_and_class_have_no_case),
		cmocka_unit_test(test_other_questions_are_told_from_broken_ones),
		cmocka_unit_test(test_only_one_question_is_accepted),
		cmocka_unit_test(test_errors_of_old_servers_come_without_a_question),
		cmocka_unit_test(test_records_without_a_question_are_malformed),
		cmocka_unit_test(test_every_cut_is_malformed),
		cmocka_unit_test(test_counts_that_lie_are_malformed),
		cmocka_unit_test(test_octets_behind_the_last_record_are_not_kept),
		cmocka_unit_test(test_truncated_response_keeps_its_question_alone),
		cmocka_unit_test(test_records_behind_opt_are_not_kept),
		cmocka_unit_test(test_opt_has_one_place),
		cmocka_unit_test(test_extended_error_is_the_first_one),
		cmocka_unit_test(test_ttls_are_the_least_of_their_section),
		cmocka_unit_test(test_negative_ttl_is_the_smaller_of_the_two),
		cmocka_unit_test(test_so_many_records_and_no_more),
		cmocka_unit_test(test_addresses_have_their_size_in_class_in),
		cmocka_unit_test(test_data_with_names_end_where_they_should),
		cmocka_unit_test(test_names_in_data_point_backward),
		cmocka_unit_test(test_names_in_what_changes_are_malformed),
		cmocka_unit_test(test_compact_message_is_what_was_kept),
		cmocka_unit_test(test_response_with_every_byte_set_to_every_value),
		cmocka_unit_test(test_messages_of_other_projects),
	};

	cmocka_set_message_output(CM_OUTPUT_TAP);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
