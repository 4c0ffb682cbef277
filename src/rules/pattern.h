/* SPDX-License-Identifier: BSD-3-Clause */
#pragma once
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include "base/slice.h"

/* Regular expressions: the one door to PCRE2. All match caselessly, octet by octet. "{,5}" is
 * "{0,5}", as in Python's. */
struct pattern;

enum pattern_kind {
	/* Anywhere in an absolute name in presentation form, with its root dot. A final
	 * '$' also matches before that dot: "com$" means what people think. */
	PATTERN_IN_NAME,
	PATTERN_AT_START, /* anchored at the start of any text */
};

#define PATTERN_ERROR_MAX  192
#define PATTERN_GROUPS_MAX 9

/*
 * NULL with "<text>: missing closing parenthesis at 7" in error[PATTERN_ERROR_MAX]. Compiled to
 * machine code where that can be had, in pages that nobody can write to afterwards. Making and
 * freeing such a pattern reads /proc/self/maps: sandboxes come later.
 */
struct pattern *pattern_new(const char *text, enum pattern_kind kind, char *error);
void pattern_free(struct pattern *pattern);

/*
 * The same for many, which reads the maps once for all: pattern_parse() makes a pattern without
 * machine code, which matches too, and slower; patterns_compile() makes that code. NULLs among them
 * are nothing.
 */
struct pattern *pattern_parse(const char *text, enum pattern_kind kind, char *error);
void patterns_compile(struct pattern *const *patterns, size_t count);
void patterns_free(struct pattern *const *patterns, size_t count);

/* Does it match every absolute name, whatever PATTERN_IN_NAME makes of it? Only of those ways to
 * write it that people use is that known: "^(.*)", ".*", "." and their like. */
bool pattern_is_everything(const char *text);

/* What looks right in the text of a pattern, and matches no name: a blank, which names have as
 * "\032", and a '$' before which the root dot is missing, as it is not the last character. */
enum pattern_doubt { PATTERN_SOUND, PATTERN_HAS_BLANK, PATTERN_HAS_DOLLAR };
enum pattern_doubt pattern_doubt(const char *text);

/* Groups that it has: more than PATTERN_GROUPS_MAX, perhaps. */
unsigned pattern_group_count(const struct pattern *pattern);

/* What matching needs and leaves behind, for any number of patterns of one thread. NULL when out of
 * memory. */
struct pattern_scratch;
struct pattern_scratch *pattern_scratch_new(void);
void pattern_scratch_free(struct pattern_scratch *scratch);

/* False also when it would take too much time or memory, which scratch counts. */
bool pattern_match(const struct pattern *pattern, struct pattern_scratch *scratch,
		   struct slice subject);
uint64_t pattern_limits_reached(const struct pattern_scratch *scratch);

/* What group 1 to PATTERN_GROUPS_MAX took of the subject of the last match, which succeeded: empty
 * also when there is no such group. */
struct slice pattern_group(const struct pattern_scratch *scratch, struct slice subject,
			   unsigned group);

/* "10.42 2022-12-11" */
const char *pattern_library_version(void);
