/* SPDX-License-Identifier: BSD-3-Clause */
#pragma once
#include <stdbool.h>
#include "loop/http.h"

/* What http.c and http_request.c share: a request as evhttp has read it, and whether it is one. */
struct evhttp_request;
struct place;

struct http_request {
	struct place *place; /* of its connection (http.c) */
	struct evhttp_request *raw;
	char path[HTTP_LINE_MAX];
	const char *query; /* or NULL; behind the path */
	struct address peer;
	bool is_answered;
};

/* Fills in all but the place. 0, or the status of a refusal. */
int http_request_take(struct http_request *request, struct evhttp_request *raw);
