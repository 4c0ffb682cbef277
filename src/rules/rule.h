/* SPDX-License-Identifier: BSD-3-Clause */
#pragma once
#include <stdbool.h>
#include <stdint.h>
#include "dns/name.h"
#include "net/address.h"
#include "rules/upstream.h"

/*
 * One rule as it is written (spec/sentry.md 4, and what goes beyond it):
 *
 *   [shadow] log PATTERN [if ...]
 *   [shadow] block PATTERN [with nxdomain | refused | drop | ADDRESS[, ADDRESS]...] [if ...]
 *   [shadow] redirect PATTERN to NAME | ADDRESS[, ADDRESS]... [if ...]
 *   [shadow] rewrite PATTERN to NAME with $1 to $9 [if ...]
 *   [shadow] resolve PATTERN using UPSTREAMS [if ...]
 *   [shadow] allow PATTERN [if ...]
 *
 * "if" is followed by conditions with "and" between them, in any order, each at most once:
 *   type is TYPE, class is CLASS, client is PREFIX, name is in LIST
 * Keywords are in lower case with one blank between them, as Sentry wants it; what it takes, this
 * takes, with the meaning that its README gives. The last " to ", " using " and " with " divide. An
 * "if" before what is no condition, but begins with its word or has "is" behind another, is an
 * error, as is what Sentry ignores: no verb, another case, a blank before the verb.
 */

enum rule_action {
	RULE_LOG,
	RULE_BLOCK,
	RULE_REDIRECT,
	RULE_REWRITE,
	RULE_RESOLVE,
	RULE_ALLOW,
	RULE_ACTION_COUNT,
};

enum rule_block { BLOCK_EMPTY, BLOCK_NXDOMAIN, BLOCK_REFUSED, BLOCK_DROP, BLOCK_ADDRESSES };

#define RULE_TEXT_MAX	   4096
#define RULE_ERROR_MAX	   384
#define RULE_ADDRESSES_MAX 16
#define RULE_WORD_MAX	   64

struct rule {
	enum rule_action action;
	bool is_shadow; /* counts and logs what it would do */
	bool has_condition;
	char pattern[RULE_TEXT_MAX]; /* PCRE2, as rules/pattern.h's PATTERN_IN_NAME */
	/* conditions */
	bool has_type, has_class, has_client;
	uint16_t type, class;
	char client[64];	  /* a prefix */
	char list[RULE_WORD_MAX]; /* of names (rules/lists.h); "" = no condition */
	/* block */
	enum rule_block block;
	/* block with addresses, redirect to addresses */
	uint32_t address_count;
	struct address addresses[RULE_ADDRESSES_MAX];
	/* redirect to a name */
	uint8_t target_length; /* 0: to addresses */
	uint8_t target[DNS_NAME_MAX];
	/* rewrite */
	char template[DNS_NAME_TEXT_MAX]; /* as rules/template.h has it */
	/* resolve */
	struct upstream_group upstreams;
};

/* Also compiles the pattern, to know that it can be. False with one line in error[RULE_ERROR_MAX]
 * that says what is wrong, without the rule itself. */
bool rule_parse(const char *text, struct rule *rule, char *error);

/* The same of a text that rule_parse() took: compiles nothing, so that it costs little and has a
 * place in a sandbox. False when it is none after all; of its pattern nobody knows. */
bool rule_parse_known(const char *text, struct rule *rule);

/* Does a good rule look as if it did what it does not (rules/pattern.h)? Then one line in
 * doubt[RULE_ERROR_MAX] says why. */
bool rule_is_doubtful(const struct rule *rule, char *doubt);

/* "log", "block", ...: as it is written; and as Sentry calls its class: "<class
 * 'sentry.rules.LoggingRule'>". */
const char *rule_action_name(enum rule_action action);
const char *rule_class_name(const struct rule *rule);
