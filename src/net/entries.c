/* SPDX-License-Identifier: BSD-3-Clause */
#include "net/entries.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

#include "base/memory.h"

/* How many may end in one step, and yet leave room for as many new ones. */
#define SPARE_ENTRIES 16u
#define ORDER_MAX     UINT64_C(1000000000000000000) /* out of reach: damage */

static size_t version_size(const struct entries_shape *shape)
{
	return sizeof(struct entry_version) + shape->state_bytes;
}

static size_t entry_size(const struct entries_shape *shape)
{
	size_t size = 2 * version_size(shape) + shape->key_bytes + shape->body_bytes;

	return (size + 63) & ~(size_t)63;
}

size_t entries_memory_size(const struct entries_shape *shape)
{
	return (shape->limit + SPARE_ENTRIES) * entry_size(shape);
}

uint64_t entries_layout(const struct entries_shape *shape)
{
	static const struct hash_key key;

	return hash_bytes(&key, shape, sizeof(*shape)) ^ sizeof(struct entry_version);
}

static struct entry_version *version_at(const struct entries *entries, uint32_t index,
					size_t number)
{
	uint8_t *entry = entries->memory + index * entries->entry_bytes;

	return (struct entry_version *)(entry + number * entries->version_bytes);
}

/* A kill amid this leaves either a tag that is undone next time, or none. */
static void undo(struct entries *entries, uint32_t index, uint64_t committed_step)
{
	for (size_t i = 0; i < 2; i++) {
		struct entry_version *version = version_at(entries, index, i);

		if (!version->step || version->step > committed_step)
			memset(version, 0, entries->version_bytes);
	}
}

static uint32_t power_of_two(uint32_t least)
{
	uint32_t power = 1;

	while (power < least)
		power *= 2;
	return power;
}

void entries_open(struct entries *entries, void *memory, const struct entries_shape *shape,
		  const struct hash_key *key, uint64_t committed_step)
{
	uint32_t count = shape->limit + SPARE_ENTRIES;
	uint32_t heads = power_of_two(count);

	assert(shape->limit && !((shape->key_bytes | shape->state_bytes | shape->body_bytes) & 7));
	*entries = (struct entries){
		.shape = *shape,
		.hash_key = *key,
		.memory = memory,
		.entry_bytes = entry_size(shape),
		.version_bytes = version_size(shape),
		.count = count,
		.oldest = ENTRY_NONE,
		.newest = ENTRY_NONE,
		.links = xcalloc(count, sizeof(*entries->links)),
		.heads = xcalloc(heads, sizeof(*entries->heads)),
		.head_mask = heads - 1,
		.free = xcalloc(count, sizeof(*entries->free)),
		.limbo = xcalloc(count, sizeof(*entries->limbo)),
	};
	memset(entries->heads, 0xff, heads * sizeof(*entries->heads));
	for (uint32_t index = 0; index < count; index++) {
		undo(entries, index, committed_step);
		if (entries_version(entries, index)->order > ORDER_MAX)
			entries_reject(entries, index);
	}
}

void entries_close(struct entries *entries)
{
	free(entries->links);
	free(entries->heads);
	free(entries->free);
	free(entries->limbo);
	*entries = (struct entries){0};
}

void entries_reject(struct entries *entries, uint32_t index)
{
	entries_version(entries, index)->order = 0;
}

static void link_newest(struct entries *entries, uint32_t index, uint32_t hash)
{
	uint32_t *head = &entries->heads[hash & entries->head_mask];
	uint32_t newest = entries->newest;

	entries->links[index] = (struct entry_links){
		.hash = hash, .chain = *head, .older = newest, .newer = ENTRY_NONE};
	*head = index;
	*(newest == ENTRY_NONE ? &entries->oldest : &entries->links[newest].newer) = index;
	entries->newest = index;
}

static void unlink_entry(struct entries *entries, uint32_t index)
{
	struct entry_links *links = entries->links;
	uint32_t older = links[index].older, newer = links[index].newer;
	uint32_t *link = &entries->heads[links[index].hash & entries->head_mask];

	while (*link != index)
		link = &links[*link].chain;
	*link = links[index].chain;
	*(older == ENTRY_NONE ? &entries->oldest : &links[older].newer) = newer;
	*(newer == ENTRY_NONE ? &entries->newest : &links[newer].older) = older;
}

struct birth {
	uint64_t order;
	uint32_t index;
};

static int compare_births(const void *a, const void *b)
{
	const struct birth *first = a, *second = b;

	return (first->order > second->order) - (first->order < second->order);
}

void entries_sweep(struct entries *entries)
{
	struct birth *births = xcalloc(entries->count, sizeof(*births));
	uint32_t count = 0;

	for (uint32_t index = entries->count; index--;) {
		if (entries_is_used(entries, index))
			births[count++] =
				(struct birth){entries_version(entries, index)->order, index};
		else
			entries->free[entries->free_count++] = index;
	}
	qsort(births, count, sizeof(*births), compare_births);
	for (uint32_t i = 0; i < count; i++)
		link_newest(entries, births[i].index,
			    entries_hash(entries, entries_key(entries, births[i].index)));
	entries->order = count ? births[count - 1].order + 1 : 1;
	free(births);
}

uint32_t entries_hash(const struct entries *entries, const void *key)
{
	return (uint32_t)hash_bytes(&entries->hash_key, key, entries->shape.key_bytes);
}

uint32_t entries_find(const struct entries *entries, const void *key, uint32_t hash)
{
	uint32_t index = entries->heads[hash & entries->head_mask];

	for (; index != ENTRY_NONE; index = entries->links[index].chain)
		if (entries->links[index].hash == hash &&
		    !memcmp(entries_key(entries, index), key, entries->shape.key_bytes))
			break;
	return index;
}

static void settle(struct entries *entries, uint64_t step)
{
	if (!entries->limbo_count || step <= entries->limbo_step)
		return;
	memcpy(entries->free + entries->free_count, entries->limbo,
	       entries->limbo_count * sizeof(*entries->limbo));
	entries->free_count += entries->limbo_count;
	entries->limbo_count = 0;
}

/*
 * The version for this step. Its tag is at all times either lower than that of the committed
 * version or that of a step that a kill makes void: whatever order the stores come in, nobody takes
 * half a copy for the truth.
 */
static struct entry_version *version_of_step(struct entries *entries, uint32_t index, uint64_t step)
{
	struct entry_version *version = entries_version(entries, index);
	struct entry_version *other;

	if (version->step == step)
		return version;
	other = version_at(entries, index, version == version_at(entries, index, 0));
	other->step = step;
	memcpy(&other->order, &version->order, entries->version_bytes - sizeof(other->step));
	return other;
}

void *entries_change(struct entries *entries, uint32_t index, uint64_t step)
{
	return version_of_step(entries, index, step)->state;
}

uint32_t entries_begin(struct entries *entries, const void *key, uint32_t hash, uint64_t step)
{
	struct entry_version *version;
	uint32_t index;

	settle(entries, step);
	if (!entries->free_count)
		return ENTRY_NONE;
	index = entries->free[--entries->free_count];
	version = version_of_step(entries, index, step);
	version->order = entries->order++;
	memset(version->state, 0, entries->shape.state_bytes);
	memcpy(entries_key(entries, index), key, entries->shape.key_bytes);
	link_newest(entries, index, hash);
	return index;
}

void entries_end(struct entries *entries, uint32_t index, uint64_t step)
{
	settle(entries, step);
	version_of_step(entries, index, step)->order = 0;
	unlink_entry(entries, index);
	entries->limbo[entries->limbo_count++] = index;
	entries->limbo_step = step;
}
