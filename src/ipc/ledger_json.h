/* SPDX-License-Identifier: BSD-3-Clause */
#pragma once
#include <stdbool.h>
#include "base/json.h"
#include "ipc/ledger.h"

/* A line of the ledger as an object: stage, unit, whole, parts and missing; each term has a name
 * and a value. */
void ledger_json_add_line(struct json *json, const char *key, const struct ledger_line *line);

/* All lines of a ledger as an array. Returns whether nothing is missing. */
bool ledger_json_add(struct json *json, const char *key, const struct ledger *ledger, bool is_live);

/* The lines of all outputs that take events, as an array. Returns whether nothing is missing. */
bool ledger_json_add_outputs(struct json *json, const char *key, const struct config *config,
			     const struct aggregator_words *words);
