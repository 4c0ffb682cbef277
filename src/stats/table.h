/* SPDX-License-Identifier: BSD-3-Clause */
#pragma once
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include "base/slice.h"
#ifdef __SSE2__
#include <emmintrin.h>
#endif

/*
 * The keys that are seen most, in memory of fixed size: space-saving (Metwally et al. 2005) within
 * sets of 16, with randomised admission (Ben Basat et al. 2017). A key that is not there takes the
 * place of the least of its set with a chance of 1 in that one's count and 1, and begins with that
 * count (one that comes with a weight is as many); so keys that come once seldom cost a write, and
 * a set that is not full counts exactly.
 *
 * What decides that lies dense, in two cache lines a set: tags and counts. An entry has the whole
 * key (a keyed hash), words of the caller's, and in a third place the text that was hashed. There
 * are no links: a successor has nothing to rebuild, and nothing that a reader is told leads out of
 * the memory.
 */
#define TABLE_WAYS	16
#define TABLE_NONE	UINT32_MAX
#define TABLE_COUNT_MAX ((uint32_t)INT32_MAX)

struct table_shape {
	uint32_t entries;    /* at least; rounded up to whole sets */
	uint32_t words;	     /* of each entry, the caller's */
	uint32_t text_bytes; /* at most, of each entry; a multiple of 8 */
};

struct table_set {
	uint32_t tags[TABLE_WAYS];   /* 0: free */
	uint32_t counts[TABLE_WAYS]; /* as far as it takes to find the least; below 2^31 */
};

struct table_entry {
	uint64_t key;	/* 0: none */
	uint32_t error; /* the count that it began with */
	uint32_t hint;	/* the caller's: where something that belongs to it was last */
	uint64_t words[];
};

struct table_totals {
	uint64_t evictions; /* keys that gave their place to another */
	uint64_t untracked; /* times that a key came, and got no place */
	uint64_t reserved[6];
};

/* A view of the memory, which is 64-byte aligned. */
struct table {
	struct table_shape shape;
	uint32_t set_count;
	uint32_t entry_count;
	uint32_t entry_bytes;
	struct table_totals *totals;
	struct table_set *sets;
	uint8_t *entries;
	uint8_t *texts;
};

size_t table_size(const struct table_shape *shape);
void table_open(struct table *table, void *memory, const struct table_shape *shape);

/* The writer, of what a predecessor left: entries that are not whole are given up. */
void table_repair(struct table *table);

static inline uint32_t table_tag(uint64_t key)
{
	return (uint32_t)key ? (uint32_t)key : 1;
}

static inline uint32_t table_set_of(const struct table *table, uint64_t key)
{
	return (uint32_t)((key >> 32) * table->set_count >> 32);
}

static inline struct table_entry *table_entry(const struct table *table, uint32_t slot)
{
	return (struct table_entry *)(table->entries + (size_t)slot * table->entry_bytes);
}

static inline uint8_t *table_text(const struct table *table, uint32_t slot)
{
	return table->texts + (size_t)slot * table->shape.text_bytes;
}

static inline void table_prefetch_set(const struct table *table, uint64_t key)
{
	const struct table_set *set = &table->sets[table_set_of(table, key)];

	__builtin_prefetch(set->tags, 1);
	__builtin_prefetch(set->counts, 1);
}

static inline void table_prefetch_entry(const struct table *table, uint32_t slot)
{
	const uint8_t *entry = table->entries + (size_t)slot * table->entry_bytes;

	__builtin_prefetch(entry, 1);
	__builtin_prefetch(entry + table->entry_bytes - 1, 1);
}

/* Which ways of a set have a value, as a mask. */
#ifdef __SSE2__
static inline uint32_t table_match(const uint32_t values[TABLE_WAYS], uint32_t value)
{
	const __m128i *lanes = (const __m128i *)values;
	__m128i wanted = _mm_set1_epi32((int)value);
	__m128i first = _mm_packs_epi32(_mm_cmpeq_epi32(_mm_load_si128(lanes), wanted),
					_mm_cmpeq_epi32(_mm_load_si128(lanes + 1), wanted));
	__m128i second = _mm_packs_epi32(_mm_cmpeq_epi32(_mm_load_si128(lanes + 2), wanted),
					 _mm_cmpeq_epi32(_mm_load_si128(lanes + 3), wanted));

	return (uint32_t)_mm_movemask_epi8(_mm_packs_epi16(first, second));
}
#else
static inline uint32_t table_match(const uint32_t values[TABLE_WAYS], uint32_t value)
{
	uint32_t found = 0;

	for (uint32_t way = 0; way < TABLE_WAYS; way++)
		found |= (uint32_t)(values[way] == value) << way;
	return found;
}
#endif

/* The slot of a key by its tag, or TABLE_NONE. Two keys of a set have one tag once in 2^32; who
 * must know looks at the entry's key. */
static inline uint32_t table_find(const struct table *table, uint64_t key)
{
	uint32_t number = table_set_of(table, key);
	uint32_t found = table_match(table->sets[number].tags, table_tag(key));

	return found ? number * TABLE_WAYS + (uint32_t)__builtin_ctz(found) : TABLE_NONE;
}

/* Counts a key that was found, as often as weight says. */
static inline void table_touch(const struct table *table, uint32_t slot, uint16_t weight)
{
	uint32_t *count = &table->sets[slot / TABLE_WAYS].counts[slot % TABLE_WAYS];

	*count += *count < TABLE_COUNT_MAX - weight ? weight : 0;
}

/*
 * A place for a key that is not there, or TABLE_NONE; draw is random. The place is free until
 * table_keep: the caller fills words (which are zero) and text in between.
 */
uint32_t table_admit(const struct table *table, uint64_t key, uint16_t weight, uint32_t draw);
void table_keep(const struct table *table, uint32_t slot, uint64_t key, uint16_t weight);
