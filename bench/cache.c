/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * What it costs to find an answer in a worker's cache, not to find one, and to put one, with 10,000
 * and with 1,000,000 answers in it: of 60 to 200 octets, asked for in random order. Keys are copied
 * to the fore outside of the measured time, as a query that was just read is. Medians of chunks.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>

#include "base/clock.h"
#include "base/cursor.h"
#include "base/log.h"
#include "base/random.h"
#include "dns/name.h"
#include "worker/proxy/cache.h"

#define CHUNK	  64u
#define CHUNKS	  20000u
#define TTL_COUNT 3u
#define TTL_S	  3600u

static struct bench {
	struct random random;
	struct hash_key key;
	struct cache *cache;
	uint32_t entries;
	uint8_t names[CHUNK][DNS_NAME_MAX];
	struct cache_key keys[CHUNK];
	struct cache_answer answers[CHUNK];
	uint8_t messages[CHUNK][256];
	uint16_t ttls[TTL_COUNT];
	uint64_t found;
} bench;

/* It has a header and the question, and what else there is room for. */
static size_t make_message(uint8_t *message, const struct cache_key *key, size_t length)
{
	uint8_t *question = message + 12;
	size_t least = 12 + key->name.length + 4;

	be16_store(message + 4, 1);
	memcpy(question, key->name.data, key->name.length);
	be16_store(question + key->name.length, key->type);
	be16_store(question + key->name.length + 2, key->class);
	return length < least ? least : length;
}

/* A name by its number: of 16 to 50 octets. */
static void make_key(uint32_t index, uint32_t number)
{
	char text[64], filler[] = "abcdefghijklmnopqrstuvwxyzabcdefgh";
	uint8_t length;

	filler[number * 2654435761u % (sizeof(filler) - 1)] = '\0';
	snprintf(text, sizeof(text), "%x.%s.example", number, *filler ? filler : "a");
	if (!name_parse(text, bench.names[index], &length))
		log_fatal("no name: %s", text);
	bench.keys[index] =
		(struct cache_key){.name = {bench.names[index], length}, .type = 1, .class = 1};
	bench.answers[index] = (struct cache_answer){
		.message = {bench.messages[index],
			    make_message(bench.messages[index], &bench.keys[index],
					 60 + number % 141)},
		.ttls = bench.ttls,
		.ttl_count = TTL_COUNT,
		.extended_error = -1,
		.ttl_s = TTL_S,
	};
}

static void find(void)
{
	struct cache_hit hit;

	for (uint32_t i = 0; i < CHUNK; i++)
		if (cache_find(bench.cache, &bench.keys[i], 1, 0, &hit))
			bench.found += hit.answer.message.data[0];
}

static void put(void)
{
	for (uint32_t i = 0; i < CHUNK; i++)
		cache_put(bench.cache, &bench.keys[i], &bench.answers[i], 1);
}

static int compare(const void *left, const void *right)
{
	double a = *(const double *)left, b = *(const double *)right;

	return (a > b) - (a < b);
}

/* step: of numbers that are drawn from 0 .. entries-1 and have first added. */
static void run(const char *what, void (*step)(void), uint32_t first)
{
	static double taken_ns[CHUNKS];
	int64_t start_ns;

	for (uint32_t c = 0; c < CHUNKS; c++) {
		for (uint32_t i = 0; i < CHUNK; i++)
			make_key(i, first + (uint32_t)random_below(&bench.random, bench.entries));
		start_ns = clock_monotonic_ns();
		step();
		taken_ns[c] = (double)(clock_monotonic_ns() - start_ns);
	}
	qsort(taken_ns, CHUNKS, sizeof(*taken_ns), compare);
	printf("cache_%s_%u_ns %.1f ns\n", what, bench.entries, taken_ns[CHUNKS / 2] / CHUNK);
}

static void measure(uint32_t entries, size_t size)
{
	void *memory = mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	struct cache_counts counts;

	if (memory == MAP_FAILED)
		log_fatal("no memory");
	bench.entries = entries;
	bench.cache = cache_open(memory, size, &bench.key);
	for (uint32_t number = 0; number < entries; number += CHUNK) {
		for (uint32_t i = 0; i < CHUNK; i++)
			make_key(i, (number + i) % entries);
		put();
	}
	run("find_hit", find, 0);
	run("find_miss", find, entries);
	run("put", put, 0);
	cache_counts_read(memory, size, &counts);
	printf("cache_bytes_per_entry_%u %.1f bytes\n", entries, (double)size / entries);
	printf("cache_evicted_%u %lu entries\n", entries, (unsigned long)counts.evicted);
	cache_close(bench.cache);
	munmap(memory, size);
}

int main(void)
{
	log_set_role("cache");
	if (random_init(&bench.random) || random_secret(&bench.key, sizeof(bench.key)))
		log_fatal("no random source");
	measure(10000, 4 * CACHE_SIZE_UNIT);
	measure(1000000, 400 * CACHE_SIZE_UNIT);
	return 0;
}
