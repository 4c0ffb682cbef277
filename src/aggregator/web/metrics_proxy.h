/* SPDX-License-Identifier: BSD-3-Clause */
#pragma once
#include "aggregator/web/exposition.h"
#include "aggregator/web/host.h"

/* What the proxy tells beside its counters: per rule (label rule: its number from 1), per upstream
 * server (label upstream: its text), of the cache. Both labels are sets that the configuration
 * closes. Nothing where nothing is configured. */
void metrics_proxy_write(const struct web_host *host, struct exposition *out);
