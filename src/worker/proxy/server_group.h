/* SPDX-License-Identifier: BSD-3-Clause */
#pragma once
#include <stdbool.h>
#include <stdint.h>
#include "rules/upstream.h"
#include "worker/proxy/pendings.h"
#include "worker/proxy/server.h"

/* The upstream servers that a rule names, and whom of them a question goes to next. */

struct server_group {
	uint64_t identity; /* of what it is: outlives a reload, for the cache */
	enum upstream_policy policy;
	uint32_t turn; /* round-robin */
	uint32_t count;
	struct server *servers[UPSTREAM_GROUP_MAX];
};

/* servers: all that there are, those of from among them. settings: of what is done with answers
 * before they are kept, as a number: with others they are other answers. */
void server_group_open(struct server_group *group, const struct upstream_group *from,
		       struct server *servers, uint64_t settings);

/* Whether all of them are. */
bool server_group_is_left_alone(const struct server_group *group, int64_t now_ns);

/* The next one for a question: which was asked least for it, then which is not left alone, then as
 * the policy says. */
struct server *server_group_choose(const struct server_group *group, const struct pending *pending,
				   int64_t now_ns);

/* The first that has not failed, or NULL. */
struct server *server_group_find_well(const struct server_group *group);

/* Whether a server of it was not asked for this question yet. */
bool server_group_has_other(const struct server_group *group, const struct pending *pending);
