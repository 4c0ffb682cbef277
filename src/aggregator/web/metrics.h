/* SPDX-License-Identifier: BSD-3-Clause */
#pragma once
#include "aggregator/web/exposition.h"
#include "aggregator/web/host.h"
#include "loop/http.h"

/*
 * All numbers: those of spec/dnstap-receiver.md 8, of all streams and of each, as counters with
 * _total and, where that is possible, without it; and dnsflow_* for workers, the ledger, outputs,
 * latency and the web itself. Labels are numbers of workers, names of outputs and streams, and
 * words of the program: never what came in a message.
 */
void metrics_write(const struct web_host *host, const struct http_counts *web,
		   struct exposition *out);
