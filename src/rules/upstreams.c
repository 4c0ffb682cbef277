/* SPDX-License-Identifier: BSD-3-Clause */
#include "rules/upstreams.h"

#include <stdlib.h>

/* Room for one more than count, which grows by powers of two. NULL when out of memory. */
static void *array_grow(void *array, uint32_t count, size_t size)
{
	if (count & (count - 1))
		return array;
	return reallocarray(array, count ? 2 * (size_t)count : 1, size);
}

static bool upstream_add(struct upstreams *upstreams, const struct upstream *upstream)
{
	struct upstream *grown;

	for (uint32_t i = 0; i < upstreams->count; i++)
		if (upstream_equal(&upstreams->upstreams[i], upstream))
			return true;
	grown = array_grow(upstreams->upstreams, upstreams->count, sizeof(*grown));
	if (!grown)
		return false;
	upstreams->upstreams = grown;
	grown[upstreams->count++] = *upstream;
	return true;
}

static bool group_equal(const struct upstream_group *a, const struct upstream_group *b)
{
	if (a->policy != b->policy || a->count != b->count)
		return false;
	for (uint32_t i = 0; i < a->count; i++)
		if (!upstream_equal(&a->servers[i], &b->servers[i]))
			return false;
	return true;
}

bool upstreams_add(struct upstreams *upstreams, const struct upstream_group *group,
		   uint32_t *number)
{
	struct upstream_group *grown;

	for (*number = 0; *number < upstreams->group_count; ++*number)
		if (group_equal(&upstreams->groups[*number], group))
			return true;
	for (uint32_t i = 0; i < group->count; i++)
		if (!upstream_add(upstreams, &group->servers[i]))
			return false;
	grown = array_grow(upstreams->groups, upstreams->group_count, sizeof(*grown));
	if (!grown)
		return false;
	upstreams->groups = grown;
	grown[upstreams->group_count++] = *group;
	return true;
}

void upstreams_fini(struct upstreams *upstreams)
{
	free(upstreams->upstreams);
	free(upstreams->groups);
	*upstreams = (struct upstreams){0};
}
