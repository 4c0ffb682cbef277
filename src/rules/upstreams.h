/* SPDX-License-Identifier: BSD-3-Clause */
#pragma once
#include <stdbool.h>
#include <stdint.h>
#include "rules/upstream.h"

/* The servers of many rules, each once, and their groups, each once. Starts as zeros. */
struct upstreams {
	uint32_t count;
	uint32_t group_count;
	struct upstream *upstreams;
	struct upstream_group *groups;
};

/* Puts a group in with its servers, unless they are there; its number goes to *number. False when
 * out of memory. */
bool upstreams_add(struct upstreams *upstreams, const struct upstream_group *group,
		   uint32_t *number);
void upstreams_fini(struct upstreams *upstreams);
