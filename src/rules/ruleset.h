/* SPDX-License-Identifier: BSD-3-Clause */
#pragma once
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include "dns/name.h"
#include "net/address.h"
#include "rules/kept_rule.h"
#include "rules/lists.h"

/*
 * Rules in their order, compiled. Logs and rewrites act and go on; the first of the others that
 * matches ends it. "allow" ends it for all but "resolve": the next such rule that matches answers.
 * A shadow rule is counted and told, and changes nothing. Rules behind the one that ends it, and
 * behind "allow" those that are not "resolve", see nothing: their shadows too.
 *
 * So that a thousand patterns cost little more than one, what each must contain is looked for in
 * one pass over the name; only patterns that can match are tried.
 */
struct ruleset;

#define RULESET_RULES_MAX 65535 /* numbers of rules are 16 bits in events */
#define RULESET_ERROR_MAX 512

/*
 * text: a rule a line; empty lines are nothing. lists: what the rules' lists are looked up in, NULL
 * for none; must stay. NULL with one line in error[RULESET_ERROR_MAX] that names the rule and what
 * is wrong. Patterns are compiled as pattern.h says: making and freeing has no place in a sandbox.
 */
struct ruleset *ruleset_new(const char *text, const struct lists *lists, char *error);
void ruleset_free(struct ruleset *ruleset);

uint32_t ruleset_count(const struct ruleset *ruleset);
const struct kept_rule *ruleset_rule(const struct ruleset *ruleset, uint32_t number); /* from 0 */
const char *ruleset_text(const struct ruleset *ruleset, uint32_t number);

/* What is asked. */
struct ruleset_query {
	struct slice name; /* valid uncompressed wire form, in lower case, or as it is */
	uint16_t type, class;
	const struct address *client;
};

enum ruleset_outcome {
	RULESET_NONE,	  /* no rule decided */
	RULESET_BLOCK,	  /* rule->block */
	RULESET_REDIRECT, /* to rule->target, or rule->addresses */
	RULESET_RESOLVE,  /* by the rule's group of servers, perhaps under another name */
	RULESET_BAD_NAME, /* a rewrite made what is no name: no rule decided */
};

/* Rules that matched, or would have, in their order: for logs and counts. */
#define RULESET_TRACE_MAX 16

struct ruleset_verdict {
	enum ruleset_outcome outcome;
	const struct kept_rule *rule; /* that decided, or NULL */
	uint16_t rule_number;	      /* from 1; 0: none */
	bool is_rewritten;
	bool is_allowed;		   /* an allow rule went before */
	uint16_t allow_number;		   /* its number, from 1 */
	uint8_t name_length;		   /* is_rewritten: the name to resolve */
	uint8_t name[DNS_NAME_MAX];	   /* wire form, in lower case */
	uint32_t trace_count;		   /* at most RULESET_TRACE_MAX; more are only in hits */
	uint16_t trace[RULESET_TRACE_MAX]; /* numbers from 1 of log, rewrite and shadow rules, and
					      of the one that decided */
};

/* Has the processor fetch what lists of rules need to judge the name: for who has several queries
 * at hand. */
void ruleset_prefetch(const struct ruleset *ruleset, struct slice name);

/* Takes no memory, and no longer than the patterns' limits allow. hits: as many as there are rules,
 * or NULL: one is added for each rule that matched, its conditions too, or would have decided. */
void ruleset_judge(struct ruleset *ruleset, const struct ruleset_query *query, uint64_t *hits,
		   struct ruleset_verdict *verdict);

/* What an event says of it: enum event_verdict. */
uint8_t ruleset_event_verdict(const struct ruleset_verdict *verdict);

/* Matches that patterns gave up because they took too long. */
uint64_t ruleset_limits_reached(const struct ruleset *ruleset);

/* Servers of all resolve rules, each once; numbers are places in it. */
uint32_t ruleset_upstream_count(const struct ruleset *ruleset);
const struct upstream *ruleset_upstream(const struct ruleset *ruleset, uint32_t number);

/* Groups of servers, those that are equal once; a resolve rule's number of its group, and
 * UINT32_MAX of another rule. */
uint32_t ruleset_group_count(const struct ruleset *ruleset);
const struct upstream_group *ruleset_group(const struct ruleset *ruleset, uint32_t group);
uint32_t ruleset_group_of(const struct ruleset *ruleset, uint32_t rule_number_from_0);
