/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * What the proxy pays for each message: to parse a query with EDNS, to parse its response, and to
 * relay that to a client. Names are of many lengths and come in random order, as lengths of one
 * kind flatter branch prediction. Medians of several runs: bench/messages [runs].
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "base/log.h"
#include "base/random.h"
#include "dns/message.h"
#include "dns/reply.h"
#include "tests/lib/dns_build.h"

#define MESSAGES   1024u /* a power of two */
#define ROUNDS	   2000000u
#define RUNS_MAX   101
#define LENGTH_MAX 192
#define TTLS_MAX   8

/* As small as they can be, since what is measured is not the memory. */
struct message {
	uint16_t length;
	uint8_t ttl_count;
	uint8_t question_length;
	uint16_t ttls[TTLS_MAX];
	uint8_t bytes[LENGTH_MAX];
};

static struct message queries[MESSAGES], responses[MESSAGES];
static struct dns_query query;
static struct reply_question question;
static struct response response;
static struct random source;
static uint64_t sum; /* so that nothing is left out */

static void make_name(char *text)
{
	static const char *const ends[] = {"com", "net", "org", "co.uk", "example", "io"};
	size_t length = 0;

	for (uint64_t labels = 1 + random_below(&source, 3); labels; labels--) {
		for (uint64_t left = 2 + random_below(&source, 12); left; left--)
			text[length++] = (char)('a' + random_below(&source, 26));
		text[length++] = '.';
	}
	strcpy(text + length, ends[random_below(&source, 6)]);
}

static void keep(struct message *message, const struct dns_build *build)
{
	if (build->length > LENGTH_MAX)
		log_fatal("a message of %u octets", build->length);
	message->length = (uint16_t)build->length;
	memcpy(message->bytes, build->bytes, build->length);
}

static void make_messages(uint32_t i)
{
	static struct dns_build build;
	char name[64];

	make_name(name);
	dns_build_start(&build, 1, 0x0120);
	dns_build_question(&build, name, DNS_TYPE_A);
	queries[i].question_length = (uint8_t)(build.length - DNS_HEADER_SIZE);
	dns_build_edns(&build, 1232);
	keep(&queries[i], &build);

	dns_build_start(&build, 1, DNS_BUILD_ANSWERED);
	dns_build_question(&build, name, DNS_TYPE_A);
	for (uint64_t left = 1 + random_below(&source, 4); left; left--)
		dns_build_address(&build, name, "192.0.2.1");
	dns_build_edns(&build, 1232);
	keep(&responses[i], &build);
}

static struct slice bytes_of(const struct message *message)
{
	return (struct slice){message->bytes, message->length};
}

/* What is left of a response in a cache. */
static void compact_response(uint32_t i)
{
	struct slice asked = {queries[i].bytes + DNS_HEADER_SIZE, queries[i].question_length};
	struct message *message = &responses[i];

	if (response_parse(bytes_of(message), asked, true, &response) != RESPONSE_OK)
		log_fatal("no response");
	message->length = (uint16_t)response_compact(message->bytes, &response);
	message->ttl_count = (uint8_t)response.ttl_count;
	memcpy(message->ttls, response.ttls, sizeof(message->ttls));
}

static void run_query(uint32_t i)
{
	sum += query_parse(bytes_of(&queries[i]), &query);
	sum += query.name_length;
}

static void run_question(uint32_t i)
{
	query.message.data = queries[i].bytes;
	query.question_length = queries[i].question_length;
	reply_question_of(&query, query.payload, &question);
	sum += question.question_length;
}

static void run_response(uint32_t i)
{
	struct slice asked = {queries[i].bytes + DNS_HEADER_SIZE, queries[i].question_length};

	sum += response_parse(bytes_of(&responses[i]), asked, true, &response);
	sum += response.length;
}

static void run_relay(uint32_t i)
{
	static uint8_t out[REPLY_LOCAL_MAX];
	const struct reply_source relayed = {
		.message = bytes_of(&responses[i]),
		.ttls = responses[i].ttls,
		.ttl_count = responses[i].ttl_count,
		.age_s = 10,
		.ttl_most_s = UINT32_MAX,
		.error = EDE_NONE,
	};

	run_question(i); /* whose octets are written */
	sum += reply_relay(&question, &relayed, out, sizeof(out));
}

static void run_copy(uint32_t i)
{
	static uint8_t out[REPLY_LOCAL_MAX];

	memcpy(out, responses[i].bytes, responses[i].length);
	__asm__ volatile("" ::"r"(out) : "memory");
}

static int compare(const void *left, const void *right)
{
	double a = *(const double *)left, b = *(const double *)right;

	return (a > b) - (a < b);
}

/* The median of the runs, of one message each: time of this process alone. */
static double measure(void (*run)(uint32_t), int runs)
{
	double results[RUNS_MAX] = {0};
	clock_t begin;

	for (int r = 0; r < runs; r++) {
		begin = clock();
		for (uint32_t i = 0; i < ROUNDS; i++)
			run(i * 733 % MESSAGES);
		results[r] = (double)(clock() - begin) * (1e9 / CLOCKS_PER_SEC) / ROUNDS;
	}
	qsort(results, (size_t)runs, sizeof(*results), compare);
	return results[runs / 2];
}

int main(int argc, char **argv)
{
	int runs = argc > 1 ? atoi(argv[1]) : 5;
	double question_ns;

	log_set_role("messages");
	if (runs < 1 || runs > RUNS_MAX)
		log_fatal("usage: messages [runs]");
	if (random_init(&source))
		log_fatal("no random source");
	for (uint32_t i = 0; i < MESSAGES; i++)
		make_messages(i);
	printf("query_parse_ns %.1f ns\n", measure(run_query, runs));
	printf("response_parse_ns %.1f ns\n", measure(run_response, runs));
	for (uint32_t i = 0; i < MESSAGES; i++)
		compact_response(i);
	question_ns = measure(run_question, runs);
	printf("reply_question_ns %.1f ns\n", question_ns);
	printf("reply_relay_ns %.1f ns\n", measure(run_relay, runs) - question_ns);
	printf("reply_relay_copy_ns %.1f ns\n", measure(run_copy, runs)); /* its memcpy alone */
	return sum == 0;
}
