/* SPDX-License-Identifier: BSD-3-Clause */
#pragma once
#include <stdbool.h>
#include <stdint.h>
#include "base/slice.h"

/* Which of many patterns can match a name: those of which it has a literal, and those that have
 * none that is certain (rules/literals.h). The others need not be tried. */
struct prefilter;

/* patterns: NULL for one that matches everything. NULL when out of memory. */
struct prefilter *prefilter_new(const char *const *patterns, uint32_t count);
void prefilter_free(struct prefilter *prefilter);

/* name: as patterns see it, in any case. What it finds stays until the next scan. */
void prefilter_scan(struct prefilter *prefilter, struct slice name);

/* The first pattern, not before from, that can match the name of the last scan; or their number. */
uint32_t prefilter_next(const struct prefilter *prefilter, uint32_t from);
