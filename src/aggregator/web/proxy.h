/* SPDX-License-Identifier: BSD-3-Clause */
#pragma once
#include <stdint.h>
#include "aggregator/web/host.h"
#include "base/json.h"

/* What the proxy does: Sentry's metrics by their names, rules and what they did, upstream servers,
 * the cache, and the hundred names that were asked for most. Without a proxy all that is empty. */
void proxy_format(const struct web_host *host, int64_t now_ns, struct json *json);
