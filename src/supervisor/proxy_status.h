/* SPDX-License-Identifier: BSD-3-Clause */
#pragma once
#include "base/json.h"

/* What dnsflowctl shows of the proxy (status.h says how). */
struct supervisor;

/* The member "proxy" of the run's status, when there is one: where it is asked, how often, its
 * cache, its upstream servers, lists of names. */
void proxy_status_add(const struct supervisor *supervisor, struct json *json);

/* Each rule and what it did, or, in a dry run, would have done; and how much no rule decided. */
void proxy_status_format_rules(struct supervisor *supervisor, struct json *json);
