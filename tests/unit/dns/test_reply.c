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
#include "dns/reply.h"
#include "tests/lib/dns_build.h"

#define NAME	 "www.example.org"
#define TYPE_TXT 16

static struct dns_build build;
static struct dns_query query;
static struct reply_question question;
static struct response response;
static uint8_t out[65535 + 64];

/* A query for NAME with OPT when its DO bit is not negative. */
static void ask(uint16_t flags, uint16_t type, int is_dnssec_ok, const char *options,
		uint16_t options_length)
{
	dns_build_start(&build, 0x1234, flags);
	dns_build_question(&build, "wWw.Example.org", type);
	if (is_dnssec_ok >= 0) {
		dns_build_bytes(&build, "\0\0\51\4\320\0\0", 7);
		dns_build_u16(&build, is_dnssec_ok ? 0x8000 : 0);
		dns_build_u16(&build, options_length);
		dns_build_bytes(&build, options, options_length);
		dns_build_count(&build, DNS_ADDITIONAL, 1);
	}
	query_parse(dns_build_message(&build), &query);
	reply_question_of(&query, query.payload, &question);
}

static void ask_plainly(uint16_t type)
{
	ask(0x0100, type, -1, "", 0);
}

static void assert_counts(unsigned answers, unsigned additional)
{
	assert_int_equal(be16_load(out + 4), 1);
	assert_int_equal(be16_load(out + 6), answers);
	assert_int_equal(be16_load(out + 8), 0);
	assert_int_equal(be16_load(out + 10), additional);
}

static void assert_question_is_the_clients(void)
{
	assert_int_equal(be16_load(out), 0x1234);
	assert_memory_equal(out + 12, "\3wWw\7Example\3org", 17);
}

/* Our own reader takes what was made for the response to the question. */
static void assert_sound(size_t length)
{
	struct slice as = {question.question, question.question_length};

	memset(&response, 0xa5, sizeof(response));
	assert_int_equal(response_parse((struct slice){out, length}, as, true, &response),
			 RESPONSE_OK);
	assert_int_equal(response.has_edns && !response.is_truncated,
			 question.has_edns && !response.is_truncated);
}

/* --- made here --- */

static void test_error_has_header_and_question(void **state)
{
	size_t length;

	(void)state;
	ask_plainly(DNS_TYPE_A);
	length = reply_error(&question, DNS_REFUSED, EDE_PROHIBITED, out);
	assert_int_equal(length, 33);
	assert_memory_equal(out, "\x12\x34\x81\5\0\1\0\0\0\0\0\0\3wWw\7Example\3org\0\0\1\0\1", 33);
}

/* RFC 1035 4.1.1, RFC 4035 3.2.2: RD and CD are copied, AA is not ours to give. */
static void test_flags_of_an_error_are_the_queries_own(void **state)
{
	(void)state;
	for (unsigned flags = 0; flags < 0x8000; flags++) {
		uint16_t wanted = (uint16_t)(0x8080 | (flags & 0x7910) | DNS_NOTIMP);

		ask((uint16_t)flags, DNS_TYPE_A, -1, "", 0);
		assert_int_equal(reply_error(&question, DNS_NOTIMP, EDE_NONE, out), 33);
		assert_int_equal(be16_load(out + 2), wanted);
	}
}

static uint16_t flags_of_error(uint16_t rcode)
{
	reply_error(&question, rcode, EDE_BLOCKED, out);
	return be16_load(out + 2);
}

/* Else a stub resolver takes the server for a lame one, and asks the next. What is empty without an
 * error, and a redirection to a name, are Sentry's own (spec/sentry.md 5): they have none. */
static void test_recursion_is_available_but_in_replies_of_sentry(void **state)
{
	(void)state;
	ask_plainly(DNS_TYPE_A);
	assert_int_equal(flags_of_error(DNS_NXDOMAIN), 0x8183);
	assert_int_equal(flags_of_error(DNS_SERVFAIL), 0x8182);
	assert_int_equal(flags_of_error(DNS_FORMERR), 0x8181);
	assert_int_equal(flags_of_error(DNS_NOERROR), 0x8100);
	assert_int_equal(flags_of_error(DNS_REFUSED), 0x8105);
	assert_int_equal(reply_addresses(&question, NULL, 0, EDE_BLOCKED, out), 33);
	assert_int_equal(be16_load(out + 2), 0x8180);
	reply_redirect(&question, (struct slice){(const uint8_t *)"", 1}, out);
	assert_int_equal(be16_load(out + 2), 0x8100);
}

static void test_truncated_reply_has_nothing_else(void **state)
{
	size_t length;

	(void)state;
	ask(0x0100, DNS_TYPE_ANY, 0, "", 0);
	length = reply_truncated(&question, out);
	assert_int_equal(length, 33 + 11);
	assert_int_equal(be16_load(out + 2), 0x8380);
	assert_counts(0, 1);
}

static void test_relayed_error_has_flags_of_the_upstream(void **state)
{
	(void)state;
	ask(0x0110, DNS_TYPE_A, 0, "", 0);
	for (unsigned flags = 0; flags < 0x10000; flags += 8) {
		assert_int_equal(reply_relay_error(&question, (uint16_t)flags, DNS_SERVFAIL,
						   EDE_NETWORK_ERROR, out),
				 33 + 17);
		assert_int_equal(be16_load(out + 2), 0x8112 | (flags & 0x0480));
	}
}

static void test_error_without_a_question_is_a_header(void **state)
{
	struct slice message;

	(void)state;
	dns_build_start(&build, 0x1234, 0x0100);
	dns_build_count(&build, DNS_QUESTION, 3);
	message = dns_build_message(&build);
	assert_int_equal(query_parse(message, &query), QUERY_FORMERR);
	reply_question_of(&query, query.payload, &question);
	assert_int_equal(reply_error(&question, DNS_FORMERR, EDE_NONE, out), 12);
	assert_memory_equal(out, "\x12\x34\x81\x81\0\0\0\0\0\0\0\0", 12);
}

static void test_client_with_edns_gets_edns(void **state)
{
	size_t length;

	(void)state;
	for (int is_dnssec_ok = 0; is_dnssec_ok < 2; is_dnssec_ok++) {
		ask(0x0100, DNS_TYPE_A, is_dnssec_ok, "", 0);
		length = reply_error(&question, DNS_SERVFAIL, EDE_NONE, out);
		assert_int_equal(length, 33 + 11);
		assert_counts(0, 1);
		assert_memory_equal(out + 33,
				    is_dnssec_ok ? "\0\0\51\4\320\0\0\200\0\0\0"
						 : "\0\0\51\4\320\0\0\0\0\0\0",
				    11);
		assert_sound(length);
	}
	question.own_payload = 1400;
	reply_error(&question, DNS_SERVFAIL, EDE_NONE, out);
	assert_int_equal(be16_load(out + 36), 1400);
}

static void test_bad_version_is_told_in_edns(void **state)
{
	size_t length;

	(void)state;
	ask(0x0100, DNS_TYPE_A, 0, "", 0);
	length = reply_error(&question, DNS_BADVERS, EDE_NONE, out);
	assert_sound(length);
	assert_int_equal(response.rcode, DNS_BADVERS);
	assert_int_equal(out[3] & 15, 0);
	assert_int_equal(out[39], 0); /* the version that we speak */
}

static void test_upper_bits_without_edns_are_a_server_failure(void **state)
{
	(void)state;
	ask_plainly(DNS_TYPE_A);
	reply_error(&question, 23, EDE_NONE, out);
	assert_int_equal(out[3] & 15, DNS_SERVFAIL);
}

static void test_extended_error_is_told_with_edns_alone(void **state)
{
	size_t length;

	(void)state;
	ask(0x0100, DNS_TYPE_A, 0, "", 0);
	length = reply_error(&question, DNS_SERVFAIL, EDE_NETWORK_ERROR, out);
	assert_int_equal(length, 33 + 11 + 6);
	assert_memory_equal(out + 33, "\0\0\51\4\320\0\0\0\0\0\6\0\17\0\2\0\27", 17);
	assert_sound(length);
	assert_int_equal(response.extended_error, 23);
	length = reply_error(&question, DNS_SERVFAIL, EDE_OTHER, out);
	assert_sound(length);
	assert_int_equal(response.extended_error, 0);
	ask_plainly(DNS_TYPE_A);
	assert_int_equal(reply_error(&question, DNS_SERVFAIL, EDE_NETWORK_ERROR, out), 33);
}

static void test_keepalive_is_told_over_tcp_alone(void **state)
{
	size_t length;

	(void)state;
	ask(0x0100, DNS_TYPE_A, 0, "\0\13\0\0", 4);
	assert_true(query.has_keepalive);
	assert_false(question.has_keepalive);
	reply_question_of(&query, UINT16_MAX, &question);
	assert_true(question.has_keepalive);
	assert_int_equal(question.keepalive, 0);
	question.keepalive = 300;
	length = reply_error(&question, DNS_SERVFAIL, EDE_NETWORK_ERROR, out);
	assert_int_equal(length, 33 + 11 + 6 + 6);
	assert_memory_equal(out + 42, "\0\14\0\17\0\2\0\27\0\13\0\2\1\54", 14);
	assert_sound(length);
	length = reply_error(&question, DNS_SERVFAIL, EDE_NONE, out);
	assert_memory_equal(out + 42, "\0\6\0\13\0\2\1\54", 8);
	ask(0x0100, DNS_TYPE_A, 0, "", 0);
	reply_question_of(&query, UINT16_MAX, &question);
	assert_false(question.has_keepalive);
}

/* spec/sentry.md 5: for every type and class, in class IN. */
static void test_redirect_is_one_alias(void **state)
{
	static const uint8_t target[] = "\6target\4test";
	size_t length;

	(void)state;
	for (unsigned type = 0; type <= UINT16_MAX; type += 251) {
		ask(0x0100, (uint16_t)type, -1, "", 0);
		length = reply_redirect(&question, (struct slice){target, 13}, out);
		assert_int_equal(length, 33 + 12 + 13);
		assert_int_equal(be16_load(out + 2), 0x8100);
		assert_counts(1, 0);
		assert_question_is_the_clients();
		assert_memory_equal(out + 33, "\300\14\0\5\0\1\0\0\1\54\0\15\6target\4test", 25);
		assert_sound(length);
	}
}

static const struct address addresses[REPLY_ADDRESSES_MAX] = {
	{{192, 0, 2, 1}, 4},
	{{0x20, 1, 0xd, 0xb8, [15] = 1}, 6},
	{{192, 0, 2, 2}, 4},
	{{0}, 4},
	{{0}, 6},
};

static void test_addresses_are_those_of_the_type(void **state)
{
	size_t length;

	(void)state;
	ask(0x0100, DNS_TYPE_A, 0, "", 0);
	length = reply_addresses(&question, addresses, 3, EDE_BLOCKED, out);
	assert_int_equal(length, 33 + 2 * 16 + 17);
	assert_counts(2, 1);
	assert_memory_equal(out + 33, "\300\14\0\1\0\1\0\0\1\54\0\4\300\0\2\1", 16);
	assert_memory_equal(out + 49, "\300\14\0\1\0\1\0\0\1\54\0\4\300\0\2\2", 16);
	assert_sound(length);
	assert_int_equal(response.extended_error, EDE_BLOCKED);
	assert_int_equal(response.ttl_least_s, REPLY_TTL);
	ask_plainly(DNS_TYPE_AAAA);
	length = reply_addresses(&question, addresses, 3, EDE_NONE, out);
	assert_int_equal(length, 33 + 28);
	assert_memory_equal(out + 33, "\300\14\0\34\0\1\0\0\1\54\0\20\40\1\15\270", 16);
	ask_plainly(DNS_TYPE_ANY);
	assert_int_equal(reply_addresses(&question, addresses, 3, EDE_NONE, out), 33 + 32 + 28);
	ask_plainly(15);
	assert_int_equal(reply_addresses(&question, addresses, 3, EDE_NONE, out), 33);
	assert_int_equal(be16_load(out + 2), 0x8180);
	ask_plainly(DNS_TYPE_A);
	assert_int_equal(reply_addresses(&question, NULL, 0, EDE_NONE, out), 33);
}

/* The longest name there is, in labels of one octet. */
static void ask_long(uint16_t type, uint16_t payload, bool has_edns)
{
	uint8_t *name = build.bytes + 12;

	dns_build_start(&build, 0x1234, 0x0100);
	for (int i = 0; i < 127; i++)
		memcpy(name + 2 * i, "\1q", 2);
	memcpy(name + 254, "\0\0\1\0\1", 5);
	be16_store(name + 255, type);
	build.length = 12 + 259;
	dns_build_count(&build, DNS_QUESTION, 1);
	if (has_edns)
		dns_build_edns(&build, 1232);
	assert_int_equal(query_parse(dns_build_message(&build), &query), QUERY_OK);
	reply_question_of(&query, payload, &question);
}

static void test_local_replies_that_are_too_long_are_truncated(void **state)
{
	struct address many[REPLY_ADDRESSES_MAX];
	struct slice target;
	size_t length;

	(void)state;
	for (int i = 0; i < REPLY_ADDRESSES_MAX; i++)
		many[i] = addresses[1];
	ask_long(DNS_TYPE_AAAA, 512, false);
	length = reply_addresses(&question, many, REPLY_ADDRESSES_MAX, EDE_NONE, out);
	assert_int_equal(length, 271);
	assert_int_equal(be16_load(out + 2), 0x8380);
	assert_counts(0, 0);
	length = reply_addresses(&question, many, 8, EDE_NONE, out);
	assert_int_equal(length, 271 + 8 * 28);
	assert_sound(length);
	assert_int_equal(response.answer_count, 8);
	ask_long(DNS_TYPE_AAAA, UINT16_MAX, true);
	length = reply_addresses(&question, many, REPLY_ADDRESSES_MAX, EDE_BLOCKED, out);
	assert_int_equal(length, 271 + REPLY_ADDRESSES_MAX * 28 + 17);
	assert_true(length <= REPLY_LOCAL_MAX);
	assert_sound(length);

	ask_long(DNS_TYPE_AAAA, 512, true);
	target = (struct slice){query.name, query.name_length};
	length = reply_redirect(&question, target, out);
	assert_int_equal(length, 271 + 11);
	assert_int_equal(be16_load(out + 2), 0x8300);
	assert_counts(0, 1);
	question.payload = 271 + 12 + 255 + 11;
	length = reply_redirect(&question, target, out);
	assert_int_equal(length, question.payload);
	assert_sound(length);
}

/* --- relayed --- */

static struct reply_source source;

/* A response of an upstream: answers of 16 octets with TTLs from 0 in steps of 100, as it is kept.
 */
static void respond(uint16_t flags, unsigned answers)
{
	static uint8_t kept[65535];
	static uint16_t ttls[RESPONSE_RECORDS_MAX];

	dns_build_start(&build, 0x9999, flags);
	dns_build_question(&build, NAME, DNS_TYPE_A);
	for (unsigned i = 0; i < answers; i++) {
		dns_build_address(&build, NAME, "192.0.2.1");
		be32_store(build.bytes + build.length - 10, 100 * i);
		ttls[i] = (uint16_t)(build.length - 10);
	}
	memcpy(kept, build.bytes, build.length);
	source = (struct reply_source){
		.message = {kept, build.length},
		.ttls = ttls,
		.ttl_count = (uint16_t)answers,
		.rcode = flags & DNS_RCODE_MASK,
		.ttl_most_s = UINT32_MAX,
		.error = EDE_NONE,
	};
}

static void test_relayed_response_is_the_clients(void **state)
{
	size_t length;

	(void)state;
	ask_plainly(DNS_TYPE_A);
	respond(DNS_BUILD_ANSWERED, 3);
	source.rcode = 0;
	length = reply_relay(&question, &source, out, sizeof(out));
	assert_int_equal(length, 33 + 48);
	assert_question_is_the_clients();
	assert_int_equal(be16_load(out + 2), 0x8180);
	assert_counts(3, 0);
	assert_memory_equal(out + 33, source.message.data + 33, 48);
	ask(0x0100, DNS_TYPE_A, 1, "", 0);
	length = reply_relay(&question, &source, out, sizeof(out));
	assert_int_equal(length, 33 + 48 + 11);
	assert_memory_equal(out + 33, source.message.data + 33, 48);
	assert_memory_equal(out + 81, "\0\0\51\4\320\0\0\200\0\0\0", 11);
	assert_counts(3, 1);
	assert_sound(length);
}

static void test_longest_name_is_relayed(void **state)
{
	static uint8_t kept[512];
	size_t length;

	(void)state;
	ask_long(DNS_TYPE_A, 1232, true);
	memcpy(kept, query.message.data, 271);
	memcpy(kept + 2, "\201\200\0\1\0\0\0\0\0\0", 10);
	source = (struct reply_source){.message = {kept, 271}, .error = EDE_NONE};
	length = reply_relay(&question, &source, out, sizeof(out));
	assert_int_equal(length, 271 + 11);
	assert_sound(length);
}

static void test_relayed_flags_are_of_both(void **state)
{
	(void)state;
	respond(0, 1);
	for (unsigned flags = 0; flags < 0x1000; flags++) {
		for (int is_dnssec_ok = -1; is_dnssec_ok < 2; is_dnssec_ok++) {
			uint16_t asked = (uint16_t)((flags & 7) << 4 | (flags & 8) << 5);
			uint16_t told = (uint16_t)(0x8000 | (flags & 0xff0) | (flags & 15) << 7);
			uint16_t wanted = (told & 0x0680) | (asked & 0x0110) | 0x8000;

			ask(asked, DNS_TYPE_A, is_dnssec_ok, "", 0);
			be16_store((uint8_t *)(uintptr_t)source.message.data + 2, told);
			source.is_authentic = flags & 0x100;
			if (source.is_authentic && (asked & 0x20 || is_dnssec_ok > 0))
				wanted |= told & 0x20;
			reply_relay(&question, &source, out, sizeof(out));
			assert_int_equal(be16_load(out + 2), wanted);
		}
	}
}

static void test_response_code_is_relayed_whole(void **state)
{
	size_t length;

	(void)state;
	for (uint16_t rcode = 0; rcode < 0x1000; rcode++) {
		respond(DNS_BUILD_ANSWERED | (rcode & 15), 0);
		source.rcode = rcode;
		ask(0x0100, DNS_TYPE_A, 0, "", 0);
		length = reply_relay(&question, &source, out, sizeof(out));
		assert_sound(length);
		assert_int_equal(response.rcode, rcode);
		ask_plainly(DNS_TYPE_A);
		reply_relay(&question, &source, out, sizeof(out));
		assert_int_equal(out[3] & 15, rcode < 16 ? rcode : DNS_SERVFAIL);
	}
}

static uint32_t relayed_ttl(uint32_t ttl, uint32_t age_s, uint32_t most_s)
{
	respond(DNS_BUILD_ANSWERED, 2);
	be32_store((uint8_t *)(uintptr_t)source.message.data + source.ttls[1], ttl);
	source.age_s = age_s;
	source.ttl_most_s = most_s;
	reply_relay(&question, &source, out, sizeof(out));
	assert_int_equal(be32_load(out + source.ttls[0]), 0);
	return be32_load(out + source.ttls[1]);
}

static void test_ttls_are_counted_down_and_capped(void **state)
{
	(void)state;
	ask_plainly(DNS_TYPE_A);
	assert_int_equal(relayed_ttl(300, 0, UINT32_MAX), 300);
	assert_int_equal(relayed_ttl(300, 299, UINT32_MAX), 1);
	assert_int_equal(relayed_ttl(300, 300, UINT32_MAX), 0);
	assert_int_equal(relayed_ttl(300, UINT32_MAX, UINT32_MAX), 0);
	assert_int_equal(relayed_ttl(300, 10, 30), 30);
	assert_int_equal(relayed_ttl(300, 290, 30), 10);
	assert_int_equal(relayed_ttl(INT32_MAX, 1, UINT32_MAX), INT32_MAX - 1);
	assert_int_equal(relayed_ttl(0x80000000, 0, UINT32_MAX), 0);
	assert_int_equal(relayed_ttl(UINT32_MAX, 0, 30), 0);
}

static void test_what_the_client_cannot_take_is_truncated(void **state)
{
	size_t whole;

	(void)state;
	respond(DNS_BUILD_ANSWERED | 3, 40);
	ask(0x0100, DNS_TYPE_A, 0, "", 0);
	source.error = EDE_STALE_ANSWER;
	whole = 33 + 40 * 16 + 17;
	for (uint16_t payload = 512; payload < 1232; payload++) {
		size_t length;

		question.payload = payload;
		length = reply_relay(&question, &source, out, sizeof(out));
		if (payload >= whole) {
			assert_int_equal(length, whole);
			assert_int_equal(be16_load(out + 2), 0x8183);
			assert_counts(40, 1);
			continue;
		}
		assert_int_equal(length, 33 + 17);
		assert_int_equal(be16_load(out + 2), 0x8383);
		assert_counts(0, 1);
		assert_question_is_the_clients();
		assert_memory_equal(out + 33, "\0\0\51\4\320\0\0\0\0\0\6\0\17\0\2\0\3", 17);
	}
}

/* Adds what a server adds to its answers: 200 octets of authority, then 320 of addresses. */
static void respond_with_additional(unsigned answers)
{
	static uint8_t kept[65535];
	static uint16_t ttls[RESPONSE_RECORDS_MAX];
	static const uint8_t text[188];

	respond(DNS_BUILD_ANSWERED, answers);
	memcpy(ttls, source.ttls, answers * sizeof(*ttls));
	for (unsigned i = 0; i < 1 + 20; i++) {
		size_t at = build.length;

		dns_build_section(&build, i ? DNS_ADDITIONAL : DNS_AUTHORITY);
		if (i)
			dns_build_address(&build, NAME, "192.0.2.2");
		else
			dns_build_record(&build, NAME, TYPE_TXT, text, 188);
		ttls[answers + i] = (uint16_t)(at + 6);
	}
	memcpy(kept, build.bytes, build.length);
	source.message = (struct slice){kept, build.length};
	source.ttls = ttls;
	source.ttl_count = (uint16_t)(answers + 21);
}

/* RFC 2181 9 */
static void test_additional_records_that_do_not_fit_are_left_out(void **state)
{
	size_t opt = 11, needed = 33 + 10 * 16 + 200, whole = needed + 20 * 16;

	(void)state;
	ask(0x0100, DNS_TYPE_A, 0, "", 0);
	respond_with_additional(10);
	question.payload = (uint16_t)(whole + opt);
	assert_int_equal(reply_relay(&question, &source, out, sizeof(out)), whole + opt);
	assert_int_equal(be16_load(out + 10), 20 + 1);
	question.payload--;
	memset(out, 0x5a, sizeof(out));
	assert_int_equal(reply_relay(&question, &source, out, sizeof(out)), needed + opt);
	assert_int_equal(be16_load(out + 2), 0x8180);
	assert_int_equal(be16_load(out + 6), 10);
	assert_int_equal(be16_load(out + 8), 1);
	assert_int_equal(be16_load(out + 10), 1);
	assert_int_equal(out[needed + opt], 0x5a);
	assert_sound(needed + opt);
	assert_int_equal(response.ttl_count, 11);
	question.payload = (uint16_t)(needed + opt - 1);
	assert_int_equal(reply_relay(&question, &source, out, sizeof(out)), 33 + opt);
	assert_int_equal(be16_load(out + 2), 0x8380);
	assert_counts(0, 1);
}

/* RFC 9471 2.1 */
static void test_referral_without_its_addresses_is_truncated(void **state)
{
	(void)state;
	ask_plainly(DNS_TYPE_A);
	respond_with_additional(0);
	assert_int_equal(source.message.length, 33 + 200 + 320);
	assert_int_equal(reply_relay(&question, &source, out, sizeof(out)), 33);
	assert_int_equal(be16_load(out + 2), 0x8380);
	assert_counts(0, 0);
}

static void test_what_has_no_room_is_truncated(void **state)
{
	size_t whole = 33 + 1000 * 16;

	(void)state;
	respond(DNS_BUILD_ANSWERED, 1000);
	ask_plainly(DNS_TYPE_A);
	question.payload = UINT16_MAX;
	memset(out, 0x5a, sizeof(out));
	assert_int_equal(reply_relay(&question, &source, out, whole - 1), 33);
	assert_counts(0, 0);
	for (size_t at = 33; at < sizeof(out); at++)
		assert_int_equal(out[at], 0x5a);
	assert_int_equal(reply_relay(&question, &source, out, whole), whole);
	assert_int_equal(out[whole], 0x5a);
}

static void test_truncated_response_is_relayed_so(void **state)
{
	(void)state;
	respond(DNS_BUILD_ANSWERED | 0x0200, 0);
	ask_plainly(DNS_TYPE_A);
	assert_int_equal(reply_relay(&question, &source, out, sizeof(out)), 33);
	assert_int_equal(be16_load(out + 2), 0x8380);
}

static void test_error_without_a_question_gets_the_clients(void **state)
{
	size_t length;

	(void)state;
	dns_build_start(&build, 1, DNS_BUILD_ANSWERED | DNS_SERVFAIL);
	source = (struct reply_source){
		.message = {(uint8_t[12]){0, 1, 0x81, 0x82}, 12},
		.rcode = DNS_SERVFAIL,
		.error = EDE_NO_REACHABLE_AUTHORITY,
	};
	ask(0x0100, DNS_TYPE_A, 0, "", 0);
	length = reply_relay(&question, &source, out, sizeof(out));
	assert_sound(length);
	assert_question_is_the_clients();
	assert_int_equal(response.rcode, DNS_SERVFAIL);
	assert_int_equal(response.extended_error, 22);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_error_has_header_and_question),
		cmocka_unit_test(test_flags_of_an_error_are_the_queries_own),
		cmocka_unit_test(test_recursion_is_available_but_in_replies_of_sentry),
		cmocka_unit_test(test_truncated_reply_has_nothing_else),
		cmocka_unit_test(test_relayed_error_has_flags_of_the_upstream),
		cmocka_unit_test(test_error_without_a_question_is_a_header),
		cmocka_unit_test(test_client_with_edns_gets_edns),
		cmocka_unit_test(test_bad_version_is_told_in_edns),
		cmocka_unit_test(test_upper_bits_without_edns_are_a_server_failure),
		cmocka_unit_test(test_extended_error_is_told_with_edns_alone),
		cmocka_unit_test(test_keepalive_is_told_over_tcp_alone),
		cmocka_unit_test(test_redirect_is_one_alias),
		cmocka_unit_test(test_addresses_are_those_of_the_type),
		cmocka_unit_test(test_local_replies_that_are_too_long_are_truncated),
		cmocka_unit_test(test_relayed_response_is_the_clients),
		cmocka_unit_test(test_longest_name_is_relayed),
		cmocka_unit_test(test_relayed_flags_are_of_both),
		cmocka_unit_test(test_response_code_is_relayed_whole),
		cmocka_unit_test(test_ttls_are_counted_down_and_capped),
		cmocka_unit_test(test_what_the_client_cannot_take_is_truncated),
		cmocka_unit_test(test_additional_records_that_do_not_fit_are_left_out),
		cmocka_unit_test(test_referral_without_its_addresses_is_truncated),
		cmocka_unit_test(test_what_has_no_room_is_truncated),
		cmocka_unit_test(test_truncated_response_is_relayed_so),
		cmocka_unit_test(test_error_without_a_question_gets_the_clients),
	};

	cmocka_set_message_output(CM_OUTPUT_TAP);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
