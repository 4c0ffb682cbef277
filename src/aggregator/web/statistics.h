/* SPDX-License-Identifier: BSD-3-Clause */
#pragma once
#include "aggregator/stats/streams.h"
#include "aggregator/web/host.h"
#include "base/json.h"
#include "config/config.h"
#include "loop/http.h"

/*
 * The answers of spec/dnstap-receiver.md 7: what a request asks of the statistics, as JSON. Each
 * returns the status of the reply; json then holds what was asked for, or an object with the one
 * member "error".
 */
#define STATISTICS_ITEMS_MAX 1000 /* of one table */

/* Parameters: stream, more (names of counters). */
int statistics_counters(struct streams *streams, const struct config_statistics *config,
			const struct http_request *request, struct json *json);

/*
 * Parameters: n, stream, more (tables of names; beyond the spec "registered/query" and
 * "registered/response", of registered domains). items has STATISTICS_ITEMS_MAX places. With
 * GeoIP the table of clients has one more member, "places": where each of its addresses is.
 */
int statistics_tables(const struct web_host *host, const struct http_request *request,
		      struct summary_item *items, struct json *json);

int statistics_streams(const struct streams *streams, struct json *json);

/* Makes json an error; returns status. */
int statistics_refuse(struct json *json, int status, const char *error);
