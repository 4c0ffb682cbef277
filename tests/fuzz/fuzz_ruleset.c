/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * A few rules, and names that they judge. The input is texts with NULs between them: the rules, a
 * line each; then names, in presentation form or as the octets of a label. The verdict must be that
 * of trying each rule's pattern in their order, without machine code and without looking for
 * literals first.
 */
#include <assert.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "rules/pattern.h"
#include "rules/prefixes.h"
#include "rules/ruleset.h"
#include "rules/template.h"

#define RULES_MAX 8
#define NAMES_MAX 8

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static const struct lists *some_lists; /* "a" is among them */

static void lists_init(void)
{
	static const struct hash_key key = {{1, 2}};
	static const char names[] = "example\na.b\nx.y.z\n";
	const struct lists_source source = {.name = "a",
					    .format = LIST_NAMES,
					    .text = {(const uint8_t *)names, sizeof(names) - 1}};
	struct lists_report report;
	size_t size;
	void *memory = lists_compile(&source, 1, &key, &report, &size);

	assert(memory);
	some_lists = lists_open(memory, size);
	assert(some_lists);
}

/* The rules as they are tried plainly. */
static struct plain {
	struct rule rule;
	struct pattern *pattern;
	struct prefixes *clients;
} plains[RULES_MAX];

static struct pattern_scratch *scratch;

static void plains_make(const struct ruleset *ruleset)
{
	char error[RULE_ERROR_MAX];

	for (uint32_t i = 0; i < ruleset_count(ruleset); i++) {
		struct plain *plain = &plains[i];

		assert(rule_parse(ruleset_text(ruleset, i), &plain->rule, error));
		plain->pattern = pattern_parse(plain->rule.pattern, PATTERN_IN_NAME, error);
		assert(plain->pattern);
		plain->clients = NULL;
		if (plain->rule.has_client)
			plain->clients = prefixes_new(plain->rule.client, error);
	}
}

static void plains_free(uint32_t count)
{
	for (uint32_t i = 0; i < count; i++) {
		pattern_free(plains[i].pattern);
		prefixes_free(plains[i].clients);
	}
}

static bool plain_matches(const struct plain *plain, const struct ruleset_query *query,
			  struct slice name, struct slice text)
{
	const struct rule *rule = &plain->rule;

	return pattern_match(plain->pattern, scratch, text) &&
	       (!rule->has_type || rule->type == query->type) &&
	       (!rule->has_class || rule->class == query->class) &&
	       (!rule->has_client || prefixes_match(plain->clients, query->client)) &&
	       (!*rule->list || lists_match(some_lists, 0, name));
}

static bool plain_rewrite(const struct rule *rule, struct slice text,
			  struct ruleset_verdict *verdict)
{
	struct slice groups[TEMPLATE_GROUPS_MAX];
	uint8_t wire[DNS_NAME_MAX], length;

	for (unsigned i = 0; i < TEMPLATE_GROUPS_MAX; i++)
		groups[i] = pattern_group(scratch, text, i + 1);
	if (!template_expand(rule->template, groups, wire, &length))
		return false;
	memcpy(verdict->name, wire, length);
	verdict->name_length = length;
	verdict->is_rewritten = true;
	return true;
}

/* rules/subject.h */
static struct slice text_make(struct slice name, char *text)
{
	char *at = text;

	for (const uint8_t *label = name.data; *label; label += 1 + *label) {
		for (unsigned i = 1; i <= *label; i++) {
			if (label[i] <= ' ' || label[i] > '~')
				at += sprintf(at, "\\%03u", label[i]);
			else
				at += sprintf(at, strchr("\"$().;@\\", label[i]) ? "\\%c" : "%c",
					      label[i]);
		}
		*at++ = '.';
	}
	if (at == text)
		*at++ = '.';
	return (struct slice){(const uint8_t *)text, (size_t)(at - text)};
}

/* ruleset.h, word by word. */
static void plain_judge(uint32_t count, const struct ruleset_query *query, uint64_t *hits,
			struct ruleset_verdict *verdict)
{
	char buffer[DNS_NAME_TEXT_MAX + 1];
	struct slice name = query->name, text = text_make(name, buffer);

	memset(verdict, 0, sizeof(*verdict));
	for (uint32_t i = 0; i < count; i++) {
		const struct rule *rule = &plains[i].rule;

		if (verdict->is_allowed && rule->action != RULE_RESOLVE)
			continue;
		if (!plain_matches(&plains[i], query, name, text))
			continue;
		hits[i]++;
		if (rule->action == RULE_ALLOW && !rule->is_shadow) {
			verdict->is_allowed = true;
			verdict->allow_number = (uint16_t)(i + 1);
			continue;
		}
		verdict->trace[verdict->trace_count++] = (uint16_t)(i + 1);
		if (rule->is_shadow || rule->action == RULE_LOG)
			continue;
		if (rule->action == RULE_REWRITE) {
			if (!plain_rewrite(rule, text, verdict)) {
				verdict->outcome = RULESET_BAD_NAME;
				return;
			}
			name = (struct slice){verdict->name, verdict->name_length};
			text = text_make(name, buffer);
			continue;
		}
		verdict->rule_number = (uint16_t)(i + 1);
		verdict->outcome = rule->action == RULE_BLOCK	   ? RULESET_BLOCK
				   : rule->action == RULE_REDIRECT ? RULESET_REDIRECT
								   : RULESET_RESOLVE;
		return;
	}
}

static void compare(const struct ruleset_verdict *one, const struct ruleset_verdict *other)
{
	assert(one->outcome == other->outcome && one->rule_number == other->rule_number);
	assert(one->is_allowed == other->is_allowed && one->allow_number == other->allow_number);
	assert(one->is_rewritten == other->is_rewritten);
	assert(one->name_length == other->name_length);
	assert(!memcmp(one->name, other->name, one->name_length));
	assert(one->trace_count == other->trace_count);
	assert(!memcmp(one->trace, other->trace, one->trace_count * sizeof(*one->trace)));
}

/* Machine code counts other steps than what runs without it: where either gave up, they differ. */
static void check_name(struct ruleset *ruleset, struct slice name)
{
	struct address client = {.bytes = {192, 0, 2, 1}, .version = 4};
	const struct ruleset_query query = {.name = name,
					    .type = name.data[0] % 4,
					    .class = name.length % 2,
					    .client = &client};
	uint64_t limits = ruleset_limits_reached(ruleset) + pattern_limits_reached(scratch);
	uint64_t hits[RULES_MAX] = {0}, plain_hits[RULES_MAX] = {0};
	struct ruleset_verdict verdict, plain_verdict;

	ruleset_judge(ruleset, &query, hits, &verdict);
	plain_judge(ruleset_count(ruleset), &query, plain_hits, &plain_verdict);
	if (ruleset_limits_reached(ruleset) + pattern_limits_reached(scratch) != limits)
		return;
	compare(&verdict, &plain_verdict);
	assert(!memcmp(hits, plain_hits, sizeof(hits)));
	if (verdict.is_rewritten)
		assert(name_wire_length((struct slice){verdict.name, verdict.name_length}) ==
		       verdict.name_length);
}

/* Octets that are no name in presentation form are a label. */
static void check_text(struct ruleset *ruleset, const char *text)
{
	uint8_t wire[DNS_NAME_MAX], length;
	size_t label = strlen(text) < 63 ? strlen(text) : 63;

	if (!name_parse(text, wire, &length)) {
		wire[0] = (uint8_t)label;
		memcpy(wire + 1, text, label);
		wire[label + 1] = 0;
		length = (uint8_t)(label ? label + 2 : 1);
	}
	check_name(ruleset, (struct slice){wire, length});
}

static void check_names(struct ruleset *ruleset, const char *text, const char *end)
{
	plains_make(ruleset);
	for (unsigned i = 0; text < end && i < NAMES_MAX; i++) {
		check_text(ruleset, text);
		text += strlen(text) + 1;
	}
	plains_free(ruleset_count(ruleset));
}

static unsigned count_lines(const char *text)
{
	unsigned count = 1;

	while ((text = strchr(text, '\n'))) {
		text++;
		count++;
	}
	return count;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	char *text = malloc(size + 1), error[RULESET_ERROR_MAX];
	struct ruleset *ruleset;

	if (!scratch) {
		scratch = pattern_scratch_new();
		lists_init();
	}
	memcpy(text, data, size);
	text[size] = '\0';
	memset(error, 'x', sizeof(error));
	if (count_lines(text) <= RULES_MAX) {
		ruleset = ruleset_new(text, some_lists, error);
		if (ruleset)
			check_names(ruleset, text + strlen(text) + 1, text + size);
		else
			assert(*error && memchr(error, '\0', sizeof(error)));
		ruleset_free(ruleset);
	}
	free(text);
	return 0;
}
