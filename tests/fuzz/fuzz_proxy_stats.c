/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * What a proxy tells of itself, by a liar: memory that is good is changed wherever the input says,
 * then summed up twice and shown in every way, then taken over by a successor, who goes on
 * counting. Each change has eight octets: a part of the memory, how it is changed, where in the
 * part (2) and with what (4). An odd first octet of the input leaves names alone, which are most of
 * the work.
 */
#include <assert.h>
#include <stdlib.h>
#include <string.h>

#include "ipc/proxy_figures.h"
#include "ipc/proxy_json.h"

#define CHANGE_SIZE 8
#define GUARD	    64u
#define JSON_MAX    (8u << 20)

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static const struct hash_key key = {{3, 5}};
static const char *const rules[] = {"log ^a", "shadow block b if type is A",
				    "resolve ^(.*) using 192.0.2.1, tcp://[2001:db8::1]:5353"};
enum { RULES = sizeof(rules) / sizeof(rules[0]), UPSTREAMS = 2 };

static struct run {
	struct config config;
	struct proxy_summary summary;
	struct proxy_stats *stats, *pattern; /* with a guard behind them */
	size_t size;
	char *text;
} run;

static const char *text_of(const void *argument, uint32_t number)
{
	(void)argument;
	return rules[number];
}

static uint64_t *attach(void)
{
	return proxy_stats_attach(run.stats, run.size, RULES, text_of, NULL);
}

static void count(uint32_t number)
{
	uint8_t name[] = {2, 'a', (uint8_t)number, 4, 't', 'e', 's', 't', 0};
	struct upstream_group group;
	char error[UPSTREAM_ERROR_MAX];

	proxy_stats_answer(run.stats, number * 1000);
	proxy_stats_name(run.stats, &key, (struct slice){name, sizeof(name)}, number);
	assert(upstream_parse(number & 1 ? "192.0.2.1" : "tcp://[2001:db8::1]:5353", &group,
			      error));
	proxy_stats_upstream(run.stats, &group.servers[0])->queries++;
}

static void prepare(void)
{
	run.config = config_default;
	strcpy(run.config.proxy.listen, "127.0.0.1:53");
	for (uint32_t i = 0; i < RULES; i++) {
		strcat(run.config.rules, i ? "\n" : "");
		strcat(run.config.rules, rules[i]);
	}
	proxy_summary_init(&run.summary, &run.config);
	assert(run.summary.rule_count == RULES && run.summary.upstream_count == UPSTREAMS);
	run.size = proxy_stats_size(&run.config);
	run.stats = calloc(1, run.size + GUARD);
	run.pattern = calloc(1, run.size + GUARD);
	run.text = malloc(JSON_MAX);
	assert(run.stats && run.pattern && run.text);
	memset((uint8_t *)run.stats + run.size, 0xa5, GUARD);
	attach()[0] = 7;
	for (uint32_t i = 0; i < 100; i++)
		count(i * i);
	memcpy(run.pattern, run.stats, run.size + GUARD);
}

static void change(const uint8_t *step)
{
	static const size_t parts[] = {
		0,
		offsetof(struct proxy_stats, traffic),
		offsetof(struct proxy_stats, upstreams),
		offsetof(struct proxy_stats, names.hashes),
		offsetof(struct proxy_stats, names.counts),
		offsetof(struct proxy_stats, names.names),
		sizeof(struct proxy_stats),
		sizeof(struct proxy_stats) + 1024 * sizeof(uint64_t), /* hits */
	};
	size_t width = (size_t)1 << (step[1] & 3);
	size_t at = parts[step[0] & 7] + (size_t)(step[2] << 8 | step[3]) * width;
	uint64_t value = 0;

	memcpy(&value, step + 4, 4);
	if (step[1] & 4)
		value = ~value;
	if (step[1] & 8)
		value <<= 32;
	if (at + width <= run.size)
		memcpy((uint8_t *)run.stats + at, &value, width);
}

static void check_names(const struct proxy_summary *summary)
{
	const struct proxy_summary_name *names = summary->names;

	for (uint32_t i = 0; i < summary->name_count; i++) {
		struct slice wire = {names[i].name.wire, names[i].name.length};

		assert(wire.length && name_wire_length(wire) == wire.length);
		assert(!i || names[i].count <= names[i - 1].count);
	}
}

static void sum_up(bool with_names)
{
	proxy_summary_clear(&run.summary);
	for (int i = 0; i < 2; i++) {
		proxy_summary_add(&run.summary, run.stats, run.size, i);
		if (with_names)
			proxy_summary_add_names(&run.summary, run.stats, run.size);
		proxy_summary_add_cache(&run.summary, run.stats, run.size);
	}
	proxy_summary_sort_names(&run.summary);
	check_names(&run.summary);
	assert(run.summary.rule_count == RULES && run.summary.upstream_count == UPSTREAMS);
}

static void show(void)
{
	struct proxy_figure figures[PROXY_FIGURES_MAX];
	struct ledger ledger = {.words = {[STATE_COUNTERS + COUNTER_PROXY_QUERIES] = 1}};
	uint32_t figure_count = proxy_figures_make(&run.summary, &ledger, 1, figures);
	char text[PROXY_FIGURES_TEXT_MAX];
	struct json json;

	assert(figure_count <= PROXY_FIGURES_MAX);
	for (uint32_t i = 0; i < figure_count; i++)
		assert(*proxy_figures_format(&figures[i], text));
	json_init(&json, run.text, JSON_MAX);
	json_open_object(&json, NULL);
	proxy_json_add_figures(&json, "metrics", figures, figure_count);
	proxy_json_add_rules(&json, &run.summary, &ledger, false);
	proxy_json_add_upstreams(&json, "upstreams", &run.summary);
	proxy_json_add_cache(&json, "cache", &run.summary);
	proxy_json_add_names(&json, "names", &run.summary, 100);
	json_close_object(&json);
	assert(json_finish(&json));
	for (const char *at = run.text; *at; at++)
		assert((unsigned char)*at >= 0x20 && *at != 0x7f && !strchr("<>&", *at));
}

/* Names are most of the memory, and mostly as they were. */
static void restore(bool has_names_changed)
{
	size_t names_at = offsetof(struct proxy_stats, names);
	size_t rules_at = sizeof(struct proxy_stats);

	if (has_names_changed)
		memcpy(&run.stats->names, &run.pattern->names, sizeof(run.stats->names));
	memcpy(run.stats, run.pattern, names_at);
	memcpy((uint8_t *)run.stats + rules_at, (uint8_t *)run.pattern + rules_at,
	       run.size - rules_at);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	bool with_names = !size || !(data[0] & 1), has_names_changed = false;
	uint64_t *hits;

	if (!run.stats)
		prepare();
	for (size_t at = 1; at + CHANGE_SIZE <= size; at += CHANGE_SIZE) {
		change(data + at);
		has_names_changed |= (data[at] & 7) >= 1 && (data[at] & 7) <= 5;
	}
	has_names_changed |= run.stats->layout != PROXY_STATS_LAYOUT;
	sum_up(with_names);
	show();
	hits = attach();
	assert(hits);
	hits[0]++;
	if (with_names)
		for (uint32_t i = 0; i < 10; i++)
			count(i);
	sum_up(false);
	show();
	assert(!memcmp((uint8_t *)run.stats + run.size, (uint8_t *)run.pattern + run.size, GUARD));
	restore(has_names_changed || with_names);
	return 0;
}
