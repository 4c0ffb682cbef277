/* SPDX-License-Identifier: BSD-3-Clause */
#pragma once
#include <stdbool.h>
#include <stdint.h>
#include "base/slice.h"

/*
 * The name that a rewrite makes of what its pattern's groups took: "$1.cache.example.com". It is a
 * name in presentation form; "$$" is a dollar, as is "\$".
 */

#define TEMPLATE_GROUPS_MAX 9
#define TEMPLATE_ERROR_MAX  192

/* Would it be a name if its groups were? group_count: what the pattern has. False with what is
 * wrong in error[TEMPLATE_ERROR_MAX]. */
bool template_check(const char *template, unsigned group_count, char *error);

/* The highest group in it; 0: none. */
unsigned template_last_group(const char *template);

/*
 * groups: what $1 to $9 took of a name, as rules/subject.h writes it; not read beyond the last that
 * is in it. A dot before which a label would be empty is left out, so that "$1.example" does what
 * people think when $1 is nothing, or "www.example.org." with its root dot. The uncompressed wire
 * name, in lower case, goes to wire[DNS_NAME_MAX]; false when it is none.
 */
bool template_expand(const char *template, const struct slice *groups, uint8_t *wire,
		     uint8_t *length);
