/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * What a list of a million names takes: bytes for each, seconds from its text to its map, and
 * nanoseconds to look a name up that is in it, or is not. Names are made with lengths as block
 * lists have them: two to four labels, 20 octets. Asked in random order, so that each look-up goes
 * to memory that is in no cache. The best of several runs, since others may use the machine too:
 * bench/lists [runs].
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/log.h"
#include "base/memory.h"
#include "base/random.h"
#include "dns/name.h"
#include "rules/lists.h"

#define NAMES 1000000u
#define RUNS  5

struct name {
	uint8_t length;
	uint8_t wire[63];
};

static struct bench {
	struct random random;
	struct name *in, *out;
	char *text;
} bench;

/* The number makes it another name than all others. */
static void make_name(char *text, uint32_t number)
{
	static const char *const tlds[] = {"com", "net", "org", "de", "co.uk", "info", "io", "xyz"};
	static const char *const hosts[] = {"",	    "",	    "",	      "www.",
					    "ads.", "cdn.", "track.", "metrics."};
	static const char letters[] = "etaoinshrdlucmfwypvbgkqjxz";
	uint64_t draw = random_next(&bench.random);
	unsigned length = 3 + (unsigned)(draw % 9);
	char label[32];

	for (unsigned i = 0; i < length; i++)
		label[i] = letters[random_below(&bench.random, 26)];
	sprintf(label + length, "-%x", number);
	sprintf(text, "%s%s.%s", hosts[(draw >> 8) % 8], label, tlds[(draw >> 16) % 8]);
}

static void name_take(struct name *name, const char *text)
{
	uint8_t wire[DNS_NAME_MAX];

	if (!name_parse(text, wire, &name->length) || name->length > sizeof(name->wire))
		log_fatal("no name: %s", text);
	memcpy(name->wire, wire, name->length);
}

static void shuffle(struct name *names)
{
	for (uint32_t i = NAMES; i-- > 1;) {
		uint32_t other = (uint32_t)random_below(&bench.random, i + 1);
		struct name kept = names[i];

		names[i] = names[other];
		names[other] = kept;
	}
}

/* A text with a name a line behind the prefix; returns its length. */
static size_t make_text(const char *prefix)
{
	char *end = bench.text, name[64];

	for (uint32_t i = 0; i < NAMES; i++) {
		make_name(name, 2 * i);
		name_take(&bench.in[i], name);
		end += sprintf(end, "%s%s\n", prefix, name);
		make_name(name, 2 * i + 1);
		name_take(&bench.out[i], name);
	}
	shuffle(bench.in);
	return (size_t)(end - bench.text);
}

static void *compile(const struct lists_source *source, size_t *size)
{
	static const struct hash_key key = {{1, 2}};
	struct lists_report report;
	void *memory = lists_compile(source, 1, &key, &report, size);

	if (!memory || report.entries != NAMES || report.bad)
		log_fatal("the list was not compiled");
	return memory;
}

static double load_seconds(const struct lists_source *source, int runs)
{
	double best = 1e9;

	for (int i = 0; i < runs; i++) {
		int64_t begun_ns = clock_monotonic_ns();
		size_t size;
		void *memory = compile(source, &size);
		double taken;

		if (!lists_open(memory, size))
			log_fatal("the list cannot be opened");
		taken = (double)(clock_monotonic_ns() - begun_ns) / 1e9;
		best = taken < best ? taken : best;
		free(memory);
	}
	return best;
}

static double lookup_ns(const struct lists *lists, const struct name *names, uint32_t expected,
			int runs)
{
	double best = 1e9;

	for (int run = 0; run < runs; run++) {
		int64_t begun_ns = clock_monotonic_ns();
		uint32_t found = 0;
		double taken;

		for (uint32_t i = 0; i < NAMES; i++)
			found += lists_match(lists, 0,
					     (struct slice){names[i].wire, names[i].length});
		taken = (double)(clock_monotonic_ns() - begun_ns) / NAMES;
		best = taken < best ? taken : best;
		if (found != expected)
			log_fatal("%u names were found", found);
	}
	return best;
}

static void measure_lookups(const struct lists_source *source, int runs)
{
	size_t size;
	void *memory = compile(source, &size);
	const struct lists *lists = lists_open(memory, size);

	printf("list_bytes_per_entry %.1f bytes\n", (double)size / NAMES);
	printf("list_hit_ns %.1f ns\n", lookup_ns(lists, bench.in, NAMES, runs));
	printf("list_miss_ns %.1f ns\n", lookup_ns(lists, bench.out, 0, runs));
	free(memory);
}

int main(int argc, char **argv)
{
	struct lists_source source = {.name = "bench", .format = LIST_AUTO};
	int runs = argc > 1 ? atoi(argv[1]) : RUNS;

	log_set_role("lists");
	bench.random = (struct random){{1, 2, 3, 4}};
	bench.in = xcalloc(NAMES, sizeof(*bench.in));
	bench.out = xcalloc(NAMES, sizeof(*bench.out));
	bench.text = xmalloc((size_t)NAMES * 80);
	source.text = (struct slice){(uint8_t *)bench.text, make_text("")};
	printf("list_load_seconds %.3f s\n", load_seconds(&source, runs));
	measure_lookups(&source, runs);
	source.text.length = make_text("0.0.0.0 ");
	printf("list_load_hosts_seconds %.3f s\n", load_seconds(&source, runs));
	return 0;
}
