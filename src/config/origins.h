/* SPDX-License-Identifier: BSD-3-Clause */
#pragma once
#include <stdbool.h>
#include "base/slice.h"

/*
 * The texts that a configuration was made of, to tell where in them stands what shows as wrong only
 * when all is known. Borrowed; a name of NULL: there is no such text.
 */
struct origins {
	const char *config_name, *rules_name;
	struct slice config; /* the file, which was read without a mistake */
	struct slice rules;  /* the file of rules, one a line */
};

#define ORIGIN_MAX 224

/*
 * Writes "NAME:LINE:COLUMN: " to where[ORIGIN_MAX], or "NAME:LINE: " of a file of rules: the place
 * of the first element of this list with this value, blanks at their ends aside. "" when there is
 * none: the value is of the command line. origins may be NULL: nothing is known.
 */
void origins_find(const struct origins *origins, const char *key, const char *value, char *where);

/* "WHERE KEY: PROBLEM" into error[CONFIG_ERROR_MAX]; false, for who returns that. */
bool origins_refuse(const struct origins *origins, const char *key, const char *value,
		    const char *problem, char *error);
