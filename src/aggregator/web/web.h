/* SPDX-License-Identifier: BSD-3-Clause */
#pragma once
#include <stdint.h>
#include "aggregator/web/auth.h"
#include "aggregator/web/host.h"
#include "loop/loop.h"
#include "tls/context.h"

/*
 * The web API (openapi.yaml says all of it): counters, tables and streams as in
 * spec/dnstap-receiver.md 7, metrics, ledger and health. Runs in the aggregator's loop; an answer
 * is made at once, from what is in memory.
 */
struct web;

/* host, listener, auth and tls (NULL: plain HTTP) are borrowed. Exits when out of memory
 * (start-up). */
struct web *web_new(struct loop *loop, const struct web_host *host, int listener,
		    const struct auth *auth, struct tls_context *tls);
void web_free(struct web *web);

/* Once a second. */
void web_tick(struct web *web, int64_t now_ns);
