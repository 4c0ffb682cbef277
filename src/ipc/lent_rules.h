/* SPDX-License-Identifier: BSD-3-Clause */
#pragma once
#include "config/config.h"
#include "ipc/proxy_stats.h"
#include "rules/lists.h"
#include "rules/ruleset.h"

/* The rules of a configuration, compiled with the lists of names that were lent (CHILD_FD_LISTS).
 * Before the sandbox. NULL with one line in error[RULESET_ERROR_MAX]. */
struct ruleset *lent_rules(const struct config *config, char *error);

/* Where hits of these rules are counted (CHILD_FD_PROXY): the memory, and *hits in it. NULL when it
 * cannot be used. */
struct proxy_stats *lent_rule_stats(const struct config *config, const struct ruleset *ruleset,
				    uint64_t **hits);

/* The lists alone; NULL without a line in error: none were lent. They stay mapped. */
const struct lists *lent_lists(char *error);
