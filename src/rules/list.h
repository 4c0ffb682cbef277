/* SPDX-License-Identifier: BSD-3-Clause */
#pragma once
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include "base/hash.h"
#include "base/slice.h"

/*
 * A set of names in one block without pointers, so that processes may share a read-only map of it
 * at any address. A name is in it when it, or a name above it, was put in; case does not matter.
 * A look-up probes once for each label, from the root on: 16 bytes for each name, and the name.
 */
struct list;

#define LIST_ALIGNMENT 8

/* names: uncompressed wire names, one after the other; the root is everything. The bytes that
 * their list takes, or 0 when they are too many (4 GiB). */
size_t list_size(struct slice names);

/*
 * Makes the list in memory of that size and LIST_ALIGNMENT; memory is the list then. key: secret,
 * so that nobody whose names are taken in can make look-ups slow; it stays in the list.
 */
const struct list *list_build(void *memory, struct slice names, const struct hash_key *key);

/* Names in it: those that were put in twice count once. */
uint32_t list_count(const struct list *list);

/* name: a valid uncompressed wire name; or empty, which is only in a list that has the root. */
bool list_match(const struct list *list, struct slice name);
