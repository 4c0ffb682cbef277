/* SPDX-License-Identifier: BSD-3-Clause */
#pragma once
#include <stdbool.h>
#include <stdint.h>
#include "net/address.h"

/* Where a rule sends its queries, as it is written: "using ordered 192.0.2.1,
 * tcp://[2001:db8::1]:5353". */

#define UPSTREAM_GROUP_MAX 8 /* servers of one rule */

enum upstream_transport { UPSTREAM_UDP, UPSTREAM_TCP };

struct upstream {
	struct endpoint endpoint;
	enum upstream_transport transport; /* UDP: and TCP for what is truncated */
};

/* Which of the servers is asked. */
enum upstream_policy {
	UPSTREAM_PARALLEL, /* all at once, the first good answer wins; as without a word */
	UPSTREAM_ORDERED,  /* the first that is healthy, then the next */
	UPSTREAM_ROUND_ROBIN,
	UPSTREAM_LEAST_OUTSTANDING,
};

struct upstream_group {
	enum upstream_policy policy;
	uint32_t count;
	struct upstream servers[UPSTREAM_GROUP_MAX];
};

#define UPSTREAM_ERROR_MAX 192

/*
 * Reads "[parallel|ordered|round-robin|least-outstanding] SERVER[, SERVER]...": an address, with
 * ":port" and around IPv6 then brackets, behind tcp:// or udp:// or nothing. Blanks around servers
 * and a comma behind the last do not matter (published rule sets have them). tls:// is understood,
 * and refused as not there yet. False with what is wrong in error[UPSTREAM_ERROR_MAX].
 */
bool upstream_parse(const char *text, struct upstream_group *group, char *error);

bool upstream_equal(const struct upstream *a, const struct upstream *b);

/* "192.0.2.1:53", "tcp://[2001:db8::1]:53" into text[UPSTREAM_TEXT_MAX]; returns text. */
#define UPSTREAM_TEXT_MAX (ENDPOINT_TEXT_MAX + 6)
const char *upstream_format(const struct upstream *upstream, char *text);
