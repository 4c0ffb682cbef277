/* SPDX-License-Identifier: BSD-3-Clause */
#include "ipc/ledger_json.h"

/* Under load a snapshot may be torn, so that what waits is below zero for a moment. */
static void add_term(struct json *json, const char *key, const struct ledger_term *term)
{
	json_open_object(json, key);
	json_add_string(json, "name", term->name);
	json_add_signed(json, "value", (int64_t)term->value);
	json_close_object(json);
}

void ledger_json_add_line(struct json *json, const char *key, const struct ledger_line *line)
{
	json_open_object(json, key);
	json_add_string(json, "stage", line->stage);
	json_add_string(json, "unit", line->unit);
	add_term(json, "whole", &line->whole);
	json_open_array(json, "parts");
	for (uint32_t i = 0; i < line->part_count; i++)
		add_term(json, NULL, &line->parts[i]);
	json_close_array(json);
	json_add_signed(json, "missing", line->missing);
	json_close_object(json);
}

bool ledger_json_add(struct json *json, const char *key, const struct ledger *ledger, bool is_live)
{
	struct ledger_line lines[LEDGER_LINES_MAX];
	uint32_t count = ledger_make(ledger, is_live, lines);
	bool adds_up = true;

	json_open_array(json, key);
	for (uint32_t i = 0; i < count; i++) {
		ledger_json_add_line(json, NULL, &lines[i]);
		adds_up &= !lines[i].missing;
	}
	json_close_array(json);
	return adds_up;
}

bool ledger_json_add_outputs(struct json *json, const char *key, const struct config *config,
			     const struct aggregator_words *words)
{
	struct ledger_line line;
	bool adds_up = true;

	json_open_array(json, key);
	for (uint32_t i = 0; i < config->output_count; i++) {
		if (!output_kind_takes_events(config->outputs[i].kind))
			continue;
		ledger_make_output(&words->outputs[i], config->outputs[i].name, &line);
		ledger_json_add_line(json, NULL, &line);
		adds_up &= !line.missing;
	}
	json_close_array(json);
	return adds_up;
}
