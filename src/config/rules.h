/* SPDX-License-Identifier: BSD-3-Clause */
#pragma once
#include "base/slice.h"
#include "config/config.h"
#include "config/origins.h"
#include "rules/lists.h"

/* Rules and lists of names, as a configuration has them. problem has SETTING_ERROR_MAX bytes, error
 * CONFIG_ERROR_MAX. */

/* Is the text a rule (rules/rule.h)? False with what is wrong, and the rule, as far as it is shown.
 */
bool rules_check(const char *text, char *problem);

/* Does the rule look as if it did what it does not (rules/rule.h)? Then why, and the rule. */
bool rules_doubt(const char *text, char *problem);

/* Such rules of one file: the first is told, with its place, and how many there are. */
struct rules_doubts {
	size_t count;
	char first[CONFIG_ERROR_MAX];
};

void rules_doubts_add(struct rules_doubts *doubts, const char *place, const char *problem);
void rules_doubts_tell(const struct rules_doubts *doubts, char *line); /* "": none */

/* Is there a rule that resolves? What no rule answers is refused. */
bool rules_resolve(const struct config *config);

/* What an element of lists says. */
struct rules_list {
	char name[LISTS_NAME_MAX];
	enum list_format format;
	char file[CONFIG_PATH_MAX];
};

/* Reads NAME=[FORMAT:]FILE. What stands before a colon is a format, unless a slash is in it. */
bool rules_list_parse(const char *text, struct rules_list *list, char *problem);
bool rules_list_check(const char *text, char *problem);

/*
 * Appends what a file of rules has to those of the configuration: a rule a line; empty lines are
 * nothing, nor are those that begin with '#'. False with "name:line: problem" in error; true with
 * a line there that is worth a warning, or "".
 */
bool rules_read(struct config *config, const char *name, struct slice text, char *error);

/* Takes blanks off the ends of rules; checks that each list is there once, and those that rules
 * name are. */
bool rules_complete(struct config *config, const struct origins *origins, char *error);
