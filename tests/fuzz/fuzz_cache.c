/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * A script for a cache of one unit that has gone round: puts, finds, removals and successors, and
 * any value at any place of its memory. Four bytes of input are one operation: which (1), with what
 * (1), where (2). Whatever happens, nothing outside is touched, what is found can be read to its
 * end and answers what was asked, and while nothing was changed it is what was put.
 */
#include <assert.h>
#include <stdlib.h>
#include <string.h>

#include "worker/proxy/cache.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* What is to be explored is the cache alone. */
#ifdef __clang__
#pragma clang attribute push(__attribute__((no_sanitize("coverage", "undefined"))), \
			     apply_to = function)
#endif

#define SIZE	       CACHE_SIZE_UNIT
#define KEYS	       256u
#define OPERATIONS_MAX 32u
#define WALKS_MAX      1u /* operations that go through all of the memory, which take the longest */
#define INDEX_AT       4096u /* behind the head */
#define FILL	       7000u
#define TTL_S	       100u
#define STEP_BYTES     (16u << 10)

static const struct hash_key key = {{1, 2}};

static struct run {
	struct cache *cache;
	uint8_t *memory, *pattern;
	uint32_t now_s;
	uint32_t walks;
	bool is_changed;
	bool is_removed[KEYS]; /* and not put since */
	volatile uint32_t sum; /* of all that is found */
} run;

static struct cache_key key_of(uint8_t number, uint8_t *name)
{
	memcpy(name, "\2aa\3com", 8);
	name[1] = number;
	name[2] = (uint8_t)(number / 16);
	return (struct cache_key){.name = {name, 8}, .type = number % 4, .group = number / 64};
}

#define QUESTION_END (12u + 8u + 4u)

static bool is_of_question(size_t at)
{
	return at == 4 || at == 5 || (at >= 12 && at < QUESTION_END);
}

static void put_question(uint8_t *message, const struct cache_key *of)
{
	memcpy(message + 4, "\0\1", 2);
	memcpy(message + 12, of->name.data, of->name.length);
	memcpy(message + 12 + of->name.length, (uint8_t[]){0, (uint8_t)of->type, 0, 0}, 4);
}

static void check_question(const uint8_t *message, const struct cache_key *of)
{
	uint8_t wanted[QUESTION_END];

	put_question(wanted, of);
	for (size_t at = 0; at < QUESTION_END; at++)
		assert(!is_of_question(at) || message[at] == wanted[at]);
}

/* Other lengths for each version, and octets that tell both. */
static void put(uint8_t number, uint16_t version)
{
	static uint8_t message[CACHE_MESSAGE_MAX + 1];
	static const uint16_t ttls[CACHE_TTLS_MAX + 1] = {4, 3, 2, 1};
	uint8_t name[16];
	struct cache_key own = key_of(number, name);
	struct cache_answer answer = {
		.message = {message,
			    QUESTION_END + (version & 0x1000 ? version & 0xfffu : version % 200u)},
		.ttls = ttls,
		.ttl_count = version & 0x2000 ? version % (CACHE_TTLS_MAX + 2u) : version % 4u,
		.rcode = number,
		.ttl_s = version % TTL_S,
	};

	if (answer.message.length > sizeof(message))
		answer.message.length = sizeof(message);
	memset(message, number, answer.message.length);
	put_question(message, &own);
	cache_put(run.cache, &own, &answer, run.now_s);
	run.is_removed[number] = false;
}

static void check_hit(uint8_t number, const struct cache_key *asked, const struct cache_hit *hit)
{
	const struct cache_answer *answer = &hit->answer;

	assert(answer->message.length >= QUESTION_END);
	check_question(answer->message.data, asked);
	assert(answer->message.length <= CACHE_MESSAGE_MAX && answer->ttl_count <= CACHE_TTLS_MAX);
	for (size_t i = 0; i < answer->message.length; i++) {
		assert(run.is_changed || is_of_question(i) || answer->message.data[i] == number);
		run.sum += answer->message.data[i];
	}
	for (uint32_t i = 0; i < answer->ttl_count; i++)
		run.sum += answer->message.data[answer->ttls[i] + 3];
	assert(!hit->left_s || (uint64_t)hit->left_s + hit->age_s == answer->ttl_s);
	assert(run.is_changed || (answer->rcode == number && answer->ttl_s < TTL_S));
}

static void find(uint8_t number, uint32_t stale_s)
{
	uint8_t name[16];
	struct cache_key own = key_of(number, name);
	struct cache_hit hit;

	if (cache_find(run.cache, &own, run.now_s, stale_s, &hit)) {
		assert(run.is_changed || !run.is_removed[number]);
		check_hit(number, &own, &hit);
	}
}

static void reopen(void)
{
	cache_close(run.cache);
	run.cache = cache_open(run.memory, SIZE, &key);
	assert(run.cache);
	memset(run.is_removed, 0, sizeof(run.is_removed)); /* a removal ends with its handle */
}

static void prepare(void)
{
	run.memory = aligned_alloc(4096, SIZE);
	run.pattern = malloc(SIZE);
	assert(run.memory && run.pattern);
	memset(run.memory, 0, SIZE);
	reopen();
	for (uint32_t i = 0; i < FILL; i++)
		put((uint8_t)(i * 7), (uint16_t)((i % 64 ? 1 : 0x1000) + i % 50));
	memcpy(run.pattern, run.memory, SIZE);
}

/* A byte or two anywhere, or in the index, or in the head, of which a successor is to make sense.
 */
static void change(uint8_t how, uint8_t value, uint16_t where)
{
	size_t at = (size_t)where * 16 + (how & 15u);

	if (how & 16)
		at = where % 128u;
	else if (how & 32)
		at = INDEX_AT + where;
	if (at % SIZE < INDEX_AT && run.walks++ >= WALKS_MAX)
		return;
	run.memory[at % SIZE] ^= value;
	if (how & 64)
		run.memory[(at + 1) % SIZE] = (uint8_t)how;
	run.is_changed = true;
	if (at % SIZE < INDEX_AT)
		reopen(); /* nobody else changes the head of an open one */
}

static void note_removed(uint8_t how, uint8_t first, uint8_t second)
{
	for (uint32_t number = 0; number < KEYS; number++)
		if (how != 2 || (number == first && number / 16 == second))
			run.is_removed[number] = true;
}

static void remove_below(uint8_t how, uint8_t first, uint8_t second)
{
	uint8_t name[] = {2, first, second, 3, 'c', 'o', 'm', 0};

	cache_remove(run.cache, how == 2 ? (struct slice){name, 8} : (struct slice){name + 3, 5});
	note_removed(how, first, second);
}

static void walk(uint8_t how, uint8_t first, uint8_t second)
{
	if (run.walks++ >= WALKS_MAX)
		return;
	if (how == 0)
		cache_clear(run.cache);
	else if (how == 1)
		reopen();
	else
		remove_below(how, first, second);
	if (how == 0)
		note_removed(how, 0, 0);
}

static void operate(const uint8_t *at)
{
	uint16_t where = (uint16_t)(at[2] << 8 | at[3]);

	switch (at[0] % 8) {
	case 0:
		change(at[0] >> 1, at[1], where);
		break;
	case 1:
		run.now_s += where;
		break;
	case 2:
		walk(at[0] >> 3 & 3, at[1], at[2]);
		break;
	case 3:
	case 4:
	case 5:
		put(at[1], where);
		break;
	default:
		find(at[1], where);
	}
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	if (!run.memory)
		prepare();
	for (size_t i = 0; i + 4 <= size && i < 4 * OPERATIONS_MAX; i += 4) {
		operate(data + i);
		cache_remove_more(run.cache, STEP_BYTES);
	}
	for (uint32_t number = 0; number < KEYS; number += 4)
		find((uint8_t)number, UINT32_MAX);
	if (run.walks)
		cache_clear(run.cache);	       /* nothing is being removed */
	memcpy(run.memory, run.pattern, SIZE); /* else a handle knows sizes and the key only */
	run.now_s = run.walks = 0;
	run.is_changed = false;
	memset(run.is_removed, 0, sizeof(run.is_removed));
	return 0;
}

#ifdef __clang__
#pragma clang attribute pop
#endif
