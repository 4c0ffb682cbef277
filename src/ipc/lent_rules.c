/* SPDX-License-Identifier: BSD-3-Clause */
#include "ipc/lent_rules.h"

#include <stdio.h>
#include <sys/stat.h>

#include "ipc/child.h"
#include "ipc/memory.h"

const struct lists *lent_lists(char *error)
{
	const struct lists *lists = NULL;
	struct stat status;
	void *memory;

	*error = '\0';
	if (fstat(CHILD_FD_LISTS, &status) < 0 || !status.st_size)
		return NULL;
	memory = memory_map_huge(CHILD_FD_LISTS, (size_t)status.st_size, false);
	if (memory)
		lists = lists_open(memory, (size_t)status.st_size);
	if (!lists)
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
