/* SPDX-License-Identifier: BSD-3-Clause */
#pragma once
#include "config/config.h"
#include "rules/lists.h"
#include "rules/ruleset.h"

/* The rules of a configuration, compiled with the lists of names that were lent (CHILD_FD_LISTS).
 * Before the sandbox. NULL with one line in error[RULESET_ERROR_MAX]. */
struct ruleset *lent_rules(const struct config *config, char *error);

/* The lists alone; NULL without a line in error: none were lent. They stay mapped. */
const struct lists *lent_lists(char *error);
