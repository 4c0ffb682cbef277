/* SPDX-License-Identifier: BSD-3-Clause */
#pragma once
#include <jansson.h>
#include <stdio.h>

/* What a reply says of the proxy, for a person. */

/* Of a status: the member "proxy", in some lines; its upstream servers, as a table behind an empty
 * line, or nothing. */
void show_proxy(const json_t *proxy, FILE *out);
void show_upstreams(const json_t *upstreams, FILE *out);

/* Whole replies. */
void show_rules(const json_t *reply, FILE *out);
void show_flush(const json_t *reply, FILE *out);
