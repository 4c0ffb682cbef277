/* SPDX-License-Identifier: BSD-3-Clause */
#pragma once
#include <stddef.h>
#include "config/config.h"
#include "stats/shard.h"

/* What a worker is lent to count in: its shard (stats/shard.h), and behind it the queries that wait
 * for responses (stats/pairs.h), which are its own business. The same on all sides. */

/* What the configuration says of statistics. */
struct stats_limits observation_limits(const struct config *config);

/* Bytes of a shard alone, as a stream of another server has it. */
size_t observation_shard_size(const struct config *config);

/* Bytes of both, and where the pairs begin. */
size_t observation_size(const struct config *config);
void *observation_pairs(void *memory, const struct config *config);

/* Reads the list of public suffixes. One that is not there, or cannot be read, has no rules: then
 * every last label is a suffix. NULL when out of memory. */
struct suffixes *observation_suffixes(const char *path);
