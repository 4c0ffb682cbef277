/* SPDX-License-Identifier: BSD-3-Clause */
#include "ipc/lent_rules.h"

#include <stdio.h>
#include <sys/mman.h>
#include <sys/stat.h>

#include "ipc/child.h"

const struct lists *lent_lists(char *error)
{
	const struct lists *lists = NULL;
	struct stat status;
	void *memory;

	*error = '\0';
	if (fstat(CHILD_FD_LISTS, &status) < 0 || !status.st_size)
		return NULL;
	memory = mmap(NULL, (size_t)status.st_size, PROT_READ, MAP_SHARED, CHILD_FD_LISTS, 0);
	if (memory != MAP_FAILED)
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
