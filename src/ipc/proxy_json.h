/* SPDX-License-Identifier: BSD-3-Clause */
#pragma once
#include "base/json.h"
#include "ipc/proxy_figures.h"
#include "ipc/proxy_summary.h"

/* Parts of what the proxies of all workers tell, as members of an object. Keys stay, more may
 * come. */

/* is_dry_run; queries, undecided: how many there were, and for how many of them no rule decided;
 * and rules, an array: number (as in events, from 1), hits, is_shadow, rule. ledger: of all
 * workers. */
void proxy_json_add_rules(struct json *json, const struct proxy_summary *summary,
			  const struct ledger *ledger, bool is_dry_run);

/* An array: upstream (its text), counts, latency_milliseconds (the mean, or null), outstanding,
 * backed_off: workers that leave it alone now. */
void proxy_json_add_upstreams(struct json *json, const char *key,
			      const struct proxy_summary *summary);

/* An object of entries, bytes, and counts; null when there is no cache. */
void proxy_json_add_cache(struct json *json, const char *key, const struct proxy_summary *summary);

/* Those that were asked for most, at most so many, as pairs of name and queries; they must be
 * sorted. */
void proxy_json_add_names(struct json *json, const char *key, const struct proxy_summary *summary,
			  uint32_t most);

/* An object: a member for each. */
void proxy_json_add_figures(struct json *json, const char *key, const struct proxy_figure *figures,
			    uint32_t count);
