/* SPDX-License-Identifier: BSD-3-Clause */
#pragma once
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include "base/hash.h"
#include "dns/event.h"
#include "rules/lists.h"

/*
 * Conditions on an event, compiled: every condition that is given must hold, and of the values of
 * one at least one. Serves outputs, and the rules of the proxy.
 */

/* Lists are texts with newlines between their elements, "" for none (config/output.h). */
struct filter_conditions {
	const char *names; /* suffixes, presentation form, "." is all */
	struct slice
		name_file; /* contents: one suffix a line, '#' begins a comment; data NULL: none */
	const char *list;  /* a list of names (lists.h) that it must be in; "" or NULL for none */
	const struct lists *lists; /* where that is; NULL, or without it: nothing is in it */
	const char *
		name_regexes; /* PCRE2, caseless, anywhere in the absolute name with its root dot */
	const char *clients;  /* prefixes: 192.0.2.0/24, 2001:db8::/32, an address */
	const char *servers;
	const char *types;
	const char *rcodes;
	const char *identities; /* PCRE2, anchored at the start (spec 4.3) */
	const char *verdicts;
	const char *messages;	 /* query, response, or kinds in any case: client_query */
	double latency_ms_least; /* negative: no condition; an event without latency fails one */
	double latency_ms_most;
};

struct event_filter;

#define FILTER_ERROR_MAX 256

/*
 * NULL with one line in error[FILTER_ERROR_MAX]: the key of the list in the configuration, which
 * element, why: "client: 10.0.0.0/33 is no prefix". key: for the table of names. Patterns are
 * compiled as pattern.h says: making and freeing filters has no place in a sandbox.
 */
struct event_filter *event_filter_new(const struct filter_conditions *conditions,
				      const struct hash_key *key, char *error);
void event_filter_free(struct event_filter *filter);

/* Also true for a filter without conditions. A pattern that reaches its match limit does not match,
 * and is counted in the filter. */
bool event_filter_match(struct event_filter *filter, const struct event *event);
uint64_t event_filter_limits_reached(const struct event_filter *filter);

const char *rules_library_version(void);
