/* SPDX-License-Identifier: BSD-3-Clause */
#pragma once
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include "base/hash.h"

/*
 * The entries of a table of reassembly: found by key, kept in the order of their birth. They lie in
 * lent memory that outlives the process; hash chains, order and free entries are known to the
 * process alone and found again on open.
 *
 * An entry has a key, a state and a body. The state is all that changes while the entry lives; it
 * has two versions, tagged with the step that wrote them, and the one with the higher tag counts.
 * Key and body are the caller's to write, but only where no committed state of the entry says that
 * there is something. So an entry that ends in a step is not taken again before a later one.
 */
#define ENTRY_NONE UINT32_MAX

struct entries_shape {
	uint32_t limit;	    /* entries that live at a time; the caller sees to it */
	uint32_t key_bytes; /* all three: multiples of 8 */
	uint32_t state_bytes;
	uint32_t body_bytes;
};

struct entry_version {
	uint64_t step;	/* 0: never written */
	uint64_t order; /* of birth; 0: there is no such entry */
	uint64_t state[];
};

struct entry_links {
	uint32_t hash;
	uint32_t chain;
	uint32_t older, newer;
};

struct entries {
	struct entries_shape shape;
	struct hash_key hash_key;
	uint8_t *memory; /* lent */
	size_t entry_bytes, version_bytes;
	uint32_t count;	 /* a few more than the limit, for those in limbo */
	uint32_t oldest; /* ENTRY_NONE when there is none; the rest is for entries.c */
	uint32_t newest;
	uint64_t order; /* of the next */
	struct entry_links *links;
	uint32_t *heads;
	uint32_t head_mask;
	uint32_t *free;
	uint32_t free_count;
	uint32_t *limbo; /* ended in limbo_step */
	uint32_t limbo_count;
	uint64_t limbo_step;
};

size_t entries_memory_size(const struct entries_shape *shape);

/* A checksum of how they lie in it. */
uint64_t entries_layout(const struct entries_shape *shape);

/*
 * Attaches, and undoes what was changed after committed_step. The caller then looks at every entry
 * that is used, rejects those that make no sense, and sweeps; nothing else may be called before
 * that. Exits when out of memory (start-up).
 */
void entries_open(struct entries *entries, void *memory, const struct entries_shape *shape,
		  const struct hash_key *key, uint64_t committed_step);
void entries_reject(struct entries *entries, uint32_t index);
void entries_sweep(struct entries *entries);
void entries_close(struct entries *entries);

uint32_t entries_hash(const struct entries *entries, const void *key);
/* ENTRY_NONE when there is none. */
uint32_t entries_find(const struct entries *entries, const void *key, uint32_t hash);

/* A new entry, the youngest, its state all zero; ENTRY_NONE when those that are free ended in this
 * very step. */
uint32_t entries_begin(struct entries *entries, const void *key, uint32_t hash, uint64_t step);
void entries_end(struct entries *entries, uint32_t index, uint64_t step);
/* The state, to be changed in this step. */
void *entries_change(struct entries *entries, uint32_t index, uint64_t step);

static inline struct entry_version *entries_version(const struct entries *entries, uint32_t index)
{
	uint8_t *first = entries->memory + index * entries->entry_bytes;
	struct entry_version *a = (void *)first;
	struct entry_version *b = (void *)(first + entries->version_bytes);

	return b->step > a->step ? b : a;
}

static inline const void *entries_state(const struct entries *entries, uint32_t index)
{
	return entries_version(entries, index)->state;
}

static inline void *entries_key(const struct entries *entries, uint32_t index)
{
	return entries->memory + index * entries->entry_bytes + 2 * entries->version_bytes;
}

static inline void *entries_body(const struct entries *entries, uint32_t index)
{
	return (uint8_t *)entries_key(entries, index) + entries->shape.key_bytes;
}

static inline bool entries_is_used(const struct entries *entries, uint32_t index)
{
	return entries_version(entries, index)->order;
}

/* Entries that live. */
static inline uint32_t entries_used(const struct entries *entries)
{
	return entries->count - entries->free_count - entries->limbo_count;
}

static inline uint32_t entries_newer(const struct entries *entries, uint32_t index)
{
	return entries->links[index].newer;
}
