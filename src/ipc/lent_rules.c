/* SPDX-License-Identifier: BSD-3-Clause */
#include "ipc/lent_rules.h"

#include <stdio.h>

#include "ipc/child.h"
#include "ipc/memory.h"

const struct lists *lent_lists(char *error)
{
	size_t size;
	const void *memory = memory_map_whole(CHILD_FD_LISTS, &size, true);
	const struct lists *lists = memory ? lists_open(memory, size) : NULL;

	*error = '\0';
	if (size && !lists)
		snprintf(error, RULESET_ERROR_MAX,
			 "the lists of names that were lent cannot be used");
	return lists;
}

struct ruleset *lent_rules(const struct config *config, char *error)
{
	const struct lists *lists = lent_lists(error);

	return *error ? NULL : ruleset_new(config->rules, lists, error);
}

static const char *text_of(const void *argument, uint32_t number)
{
	return ruleset_text(argument, number);
}

struct proxy_stats *lent_rule_stats(const struct config *config, const struct ruleset *ruleset,
				    uint64_t **hits)
{
	size_t size = proxy_stats_size(config);
	struct proxy_stats *stats = memory_map(CHILD_FD_PROXY, size, true);

	if (!stats)
		return NULL;
	*hits = proxy_stats_attach(stats, size, ruleset_count(ruleset), text_of, ruleset);
	return *hits ? stats : NULL;
}
