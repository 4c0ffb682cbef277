/* SPDX-License-Identifier: BSD-3-Clause */
#include "stats/table.h"

#include <string.h>

#define LINE 64u

static uint32_t count_sets(const struct table_shape *shape)
{
	uint32_t sets = (shape->entries + TABLE_WAYS - 1) / TABLE_WAYS;

	return sets ? sets : 1;
}

static size_t whole_lines(size_t size)
{
	return (size + LINE - 1) & ~(size_t)(LINE - 1);
}

/* An entry does not begin in one line and end in the next, unless it takes all of both. */
static uint32_t entry_size(const struct table_shape *shape)
{
	size_t size = sizeof(struct table_entry) + shape->words * sizeof(uint64_t);

	return (uint32_t)(size <= LINE / 2 ? LINE / 2 : whole_lines(size));
}

size_t table_size(const struct table_shape *shape)
{
	size_t entries = (size_t)count_sets(shape) * TABLE_WAYS;

	return sizeof(struct table_totals) + count_sets(shape) * sizeof(struct table_set) +
	       whole_lines(entries * entry_size(shape)) + whole_lines(entries * shape->text_bytes);
}

void table_open(struct table *table, void *memory, const struct table_shape *shape)
{
	uint8_t *at = memory;

	*table = (struct table){
		.shape = *shape,
		.set_count = count_sets(shape),
		.entry_count = count_sets(shape) * TABLE_WAYS,
		.entry_bytes = entry_size(shape),
	};
	table->totals = (struct table_totals *)at;
	at += sizeof(struct table_totals);
	table->sets = (struct table_set *)at;
	at += table->set_count * sizeof(struct table_set);
	table->entries = at;
	table->texts = at + whole_lines((size_t)table->entry_count * table->entry_bytes);
}

static void give_up(const struct table *table, uint32_t slot)
{
	struct table_set *set = &table->sets[slot / TABLE_WAYS];

	__atomic_store_n(&set->tags[slot % TABLE_WAYS], 0, __ATOMIC_RELEASE);
	__atomic_store_n(&set->counts[slot % TABLE_WAYS], 0, __ATOMIC_RELEASE);
	__atomic_store_n(&table_entry(table, slot)->key, 0, __ATOMIC_RELEASE);
}

void table_repair(struct table *table)
{
	for (uint32_t slot = 0; slot < table->entry_count; slot++) {
		struct table_set *set = &table->sets[slot / TABLE_WAYS];
		uint32_t way = slot % TABLE_WAYS;
		uint64_t key = table_entry(table, slot)->key;

		if (!key || set->tags[way] != table_tag(key) || !set->counts[way] ||
		    set->counts[way] > TABLE_COUNT_MAX ||
		    table_set_of(table, key) != slot / TABLE_WAYS)
			give_up(table, slot);
	}
}

/* Each step halves what is left, so that compilers take several ways at a time. */
static uint32_t find_least(const struct table_set *set)
{
	int32_t least[TABLE_WAYS];

	memcpy(least, set->counts, sizeof(least));
	for (uint32_t half = TABLE_WAYS / 2; half; half /= 2)
		for (uint32_t way = 0; way < half; way++)
			least[way] =
				least[way] < least[way + half] ? least[way] : least[way + half];
	return (uint32_t)__builtin_ctz(table_match(set->counts, (uint32_t)least[0]));
}

uint32_t table_admit(const struct table *table, uint64_t key, uint16_t weight, uint32_t draw)
{
	uint32_t number = table_set_of(table, key);
	struct table_set *set = &table->sets[number];
	uint32_t way = find_least(set), slot = number * TABLE_WAYS + way;
	uint64_t least = set->counts[way];
	struct table_entry *entry;

	if ((draw * (least + weight)) >> 32 >= weight) {
		table->totals->untracked += weight;
		return TABLE_NONE;
	}
	if (least)
		table->totals->evictions++;
	give_up(table, slot);
	entry = table_entry(table, slot);
	memset(entry->words, 0, table->entry_bytes - sizeof(*entry));
	entry->error = (uint32_t)least;
	entry->hint = TABLE_NONE;
	return slot;
}

/* The tag comes last: without it the place is free, whatever a kill leaves there. */
void table_keep(const struct table *table, uint32_t slot, uint64_t key, uint16_t weight)
{
	struct table_set *set = &table->sets[slot / TABLE_WAYS];
	struct table_entry *entry = table_entry(table, slot);
	uint32_t count =
		entry->error < TABLE_COUNT_MAX - weight ? entry->error + weight : TABLE_COUNT_MAX;

	__atomic_store_n(&entry->key, key, __ATOMIC_RELEASE);
	__atomic_store_n(&set->counts[slot % TABLE_WAYS], count, __ATOMIC_RELEASE);
	__atomic_store_n(&set->tags[slot % TABLE_WAYS], table_tag(key), __ATOMIC_RELEASE);
}
