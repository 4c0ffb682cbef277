/* SPDX-License-Identifier: BSD-3-Clause */
#pragma once
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include "base/hash.h"
#include "base/slice.h"

/*
 * A set of names in one block without pointers, so that processes may share a read-only map of it
 * at any address. Entries cover their name, what is below it, or both, and put it in or keep it out
 * (names.h); case does not matter. A look-up probes once for each label, from the root on: 18 bytes
 * for each name, and the name.
 */
struct list;
struct names;

#define LIST_ALIGNMENT 8

/* The bytes that these names may take, or 0 when they are too many (4 GiB). */
size_t list_size(const struct names *names);

/*
 * Makes the list in memory of that size and LIST_ALIGNMENT; memory is the list then. key: secret,
 * so that nobody whose names are taken in can make look-ups slow; it stays in the list.
 */
const struct list *list_build(void *memory, const struct names *names, const struct hash_key *key);

/* What it takes of that size: what is to be copied to have it elsewhere. */
size_t list_bytes(const struct list *list);

/*
 * Is at the start of size bytes, from whomever they come, and at LIST_ALIGNMENT a list that
 * list_match can be asked of? Nothing it follows then leads out of list_bytes(), which are within
 * size, or takes long.
 */
bool list_check(const void *memory, size_t size);

/* Names in it: those that were put in twice count once. */
uint32_t list_count(const struct list *list);

/* Has the processor fetch what a look-up of the name will touch: for who has several at hand. */
void list_prefetch(const struct list *list, struct slice name);

/* name: a valid uncompressed wire name; or empty, which is as the root. */
bool list_match(const struct list *list, struct slice name);
