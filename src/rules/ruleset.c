/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Judging walks the rules that the prefilter says can match the name. A rewrite makes another name,
 * for which the rules behind it are looked for again. Conditions come before the pattern, which
 * costs most.
 */
#include "rules/ruleset.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "dns/event.h"
#include "rules/pattern.h"
#include "rules/prefilter.h"
#include "rules/prefixes.h"
#include "rules/subject.h"
#include "rules/template.h"
#include "rules/upstreams.h"

#define TEXT_SHOWN_MAX	80 /* of a rule that is wrong */
#define NO_LIST		-1
#define FETCHED_ENTRIES 10000
#define NO_GROUP	UINT32_MAX

_Static_assert(LISTS_MAX <= 64, "a bit for each list");
_Static_assert(RULESET_ERROR_MAX >= RULE_ERROR_MAX + TEXT_SHOWN_MAX + 32, "a rule's error fits");

/* What judging needs of a rule: two on a cache line. */
struct step {
	const struct pattern *pattern;	/* NULL: every name */
	const struct prefixes *clients; /* NULL: every client */
	uint16_t type, class;
	uint8_t action; /* enum rule_action */
	int8_t list;
	bool has_type, has_class;
	bool is_shadow;
};

struct ruleset {
	uint32_t count;
	struct step *steps;
	struct prefilter *prefilter; /* by the numbers of the rules */
	struct pattern_scratch *scratch;
	const struct lists *lists;
	uint32_t list_count; /* large ones that rules use: */
	uint32_t list_numbers[LISTS_MAX];
	bool has_patterns;
	char name_text[SUBJECT_MAX]; /* of the name that is judged */
	/* of each rule */
	struct kept_rule **rules;
	const char **texts;
	uint32_t *groups;
	struct pattern **patterns;
	struct prefixes **clients;
	char *text;
	struct upstreams upstreams;
};

/* --- making --- */

__attribute__((format(printf, 2, 3))) static bool complain(char *error, const char *format, ...)
{
	va_list arguments;

	va_start(arguments, format);
	vsnprintf(error, RULESET_ERROR_MAX, format, arguments);
	va_end(arguments);
	return false;
}

static bool complain_of(const struct ruleset *ruleset, uint32_t number, const char *wrong,
			char *error)
{
	return complain(error, "rule %u, \"%.*s\": %s", number + 1, TEXT_SHOWN_MAX,
			ruleset->texts[number], wrong);
}

/* Ends each line, without blanks at its end, and notes where those begin that are not empty. */
static bool lines_split(struct ruleset *ruleset, const char *text, char *error)
{
	char *rest = ruleset->text = strdup(text), *line;
	size_t lines = 1;

	for (const char *at = text; *at; at++)
		lines += *at == '\n';
	ruleset->texts = calloc(lines, sizeof(*ruleset->texts));
	if (!ruleset->text || !ruleset->texts)
		return complain(error, "out of memory");
	while ((line = strsep(&rest, "\n"))) {
		size_t length = strlen(line);

		while (length && strchr(" \t\r", line[length - 1]))
			line[--length] = '\0';
		if (length && ruleset->count == RULESET_RULES_MAX)
			return complain(error, "more than %d rules", RULESET_RULES_MAX);
		if (length)
			ruleset->texts[ruleset->count++] = line;
	}
	return true;
}

static bool tables_make(struct ruleset *ruleset, char *error)
{
	size_t count = ruleset->count + 1; /* no array is empty */

	ruleset->steps = aligned_alloc(64, (count * sizeof(*ruleset->steps) + 63) / 64 * 64);
	ruleset->scratch = pattern_scratch_new();
	ruleset->rules = calloc(count, sizeof(struct kept_rule *));
	ruleset->groups = calloc(count, sizeof(*ruleset->groups));
	ruleset->patterns = calloc(count, sizeof(struct pattern *));
	ruleset->clients = calloc(count, sizeof(struct prefixes *));
	return (ruleset->steps && ruleset->scratch && ruleset->rules && ruleset->groups &&
		ruleset->patterns && ruleset->clients) ||
	       complain(error, "out of memory");
}

/* A list that is larger than what the processor keeps at hand is fetched ahead. */
static void list_note(struct ruleset *ruleset, uint32_t number)
{
	if (lists_entries(ruleset->lists, number) < FETCHED_ENTRIES)
		return;
	for (uint32_t i = 0; i < ruleset->list_count; i++)
		if (ruleset->list_numbers[i] == number)
			return;
	ruleset->list_numbers[ruleset->list_count++] = number;
}

/* The number of the rule's list, or NO_LIST without one. */
static bool list_find(struct ruleset *ruleset, const struct rule *rule, int *list)
{
	*list = NO_LIST;
	if (!*rule->list)
		return true;
	if (ruleset->lists)
		*list = lists_find(ruleset->lists, rule->list);
	if (*list >= 0)
		list_note(ruleset, (uint32_t)*list);
	return *list >= 0;
}

/* A pattern that matches everything is run only for what its groups take. */
static bool needs_pattern(const struct rule *rule)
{
	return !pattern_is_everything(rule->pattern) ||
	       (rule->action == RULE_REWRITE && template_last_group(rule->template));
}

static bool step_make(struct ruleset *ruleset, uint32_t number, const struct rule *rule,
		      char *error)
{
	char wrong[PATTERN_ERROR_MAX];
	int list;

	_Static_assert(PATTERN_ERROR_MAX >= PREFIXES_ERROR_MAX, "for both");
	if (!list_find(ruleset, rule, &list))
		return complain_of(ruleset, number, "there is no such list of names", error);
	if (needs_pattern(rule)) {
		ruleset->patterns[number] = pattern_parse(rule->pattern, PATTERN_IN_NAME, wrong);
		ruleset->has_patterns = true;
		if (!ruleset->patterns[number])
			return complain_of(ruleset, number, wrong, error);
	}
	if (rule->has_client) {
		ruleset->clients[number] = prefixes_new(rule->client, wrong);
		if (!ruleset->clients[number])
			return complain_of(ruleset, number, wrong, error);
	}
	ruleset->steps[number] = (struct step){
		.pattern = ruleset->patterns[number],
		.clients = ruleset->clients[number],
		.type = rule->type,
		.class = rule->class,
		.action = (uint8_t)rule->action,
		.list = (int8_t)list,
		.has_type = rule->has_type,
		.has_class = rule->has_class,
		.is_shadow = rule->is_shadow,
	};
	return true;
}

static bool rule_read(struct ruleset *ruleset, uint32_t number, char *error)
{
	char wrong[RULE_ERROR_MAX];
	struct rule rule;

	if (!rule_parse(ruleset->texts[number], &rule, wrong))
		return complain_of(ruleset, number, wrong, error);
	ruleset->groups[number] = NO_GROUP;
	ruleset->rules[number] = kept_rule_new(&rule);
	if (!ruleset->rules[number] ||
	    (rule.action == RULE_RESOLVE &&
	     !upstreams_add(&ruleset->upstreams, &rule.upstreams, &ruleset->groups[number])))
		return complain(error, "out of memory");
	return step_make(ruleset, number, &rule, error);
}

static bool rules_read(struct ruleset *ruleset, char *error)
{
	for (uint32_t i = 0; i < ruleset->count; i++)
		if (!rule_read(ruleset, i, error))
			return false;
	patterns_compile(ruleset->patterns, ruleset->count);
	return true;
}

static bool prefilter_make(struct ruleset *ruleset, char *error)
{
	const char **patterns = calloc(ruleset->count + 1, sizeof(*patterns));

	for (uint32_t i = 0; patterns && i < ruleset->count; i++)
		if (ruleset->patterns[i] && ruleset->rules[i])
			patterns[i] = ruleset->rules[i]->pattern;
	if (patterns)
		ruleset->prefilter = prefilter_new(patterns, ruleset->count);
	free(patterns);
	return ruleset->prefilter || complain(error, "out of memory");
}

struct ruleset *ruleset_new(const char *text, const struct lists *lists, char *error)
{
	struct ruleset *ruleset = calloc(1, sizeof(*ruleset));

	if (!ruleset) {
		complain(error, "out of memory");
		return NULL;
	}
	ruleset->lists = lists;
	if (lines_split(ruleset, text, error) && tables_make(ruleset, error) &&
	    rules_read(ruleset, error) && prefilter_make(ruleset, error))
		return ruleset;
	ruleset_free(ruleset);
	return NULL;
}

void ruleset_free(struct ruleset *ruleset)
{
	if (!ruleset)
		return;
	if (ruleset->patterns)
		patterns_free(ruleset->patterns, ruleset->count);
	for (uint32_t i = 0; ruleset->rules && i < ruleset->count; i++)
		kept_rule_free(ruleset->rules[i]);
	for (uint32_t i = 0; ruleset->clients && i < ruleset->count; i++)
		prefixes_free(ruleset->clients[i]);
	upstreams_fini(&ruleset->upstreams);
	prefilter_free(ruleset->prefilter);
	pattern_scratch_free(ruleset->scratch);
	free(ruleset->patterns);
	free(ruleset->clients);
	free(ruleset->groups);
	free(ruleset->rules);
	free(ruleset->steps);
	free(ruleset->texts);
	free(ruleset->text);
	free(ruleset);
}

/* --- judging --- */

struct judging {
	struct ruleset *ruleset;
	const struct ruleset_query *query;
	struct ruleset_verdict *verdict;
	uint64_t *hits;
	struct slice name;    /* as it is now */
	struct slice subject; /* its text */
	uint64_t known_lists; /* a bit for each list that was asked */
	uint64_t has_name;    /* and whether the name is in it */
};

/* From here on the rules are judged for this name. */
static void name_set(struct judging *judging, struct slice name)
{
	struct ruleset *ruleset = judging->ruleset;

	judging->name = name;
	judging->known_lists = 0;
	if (ruleset->has_patterns)
		judging->subject = subject_format(name.data, ruleset->name_text);
	prefilter_scan(ruleset->prefilter, judging->subject);
}

static bool is_in_list(struct judging *judging, int list)
{
	uint64_t bit = UINT64_C(1) << list;

	if (!(judging->known_lists & bit)) {
		judging->known_lists |= bit;
		judging->has_name &= ~bit;
		if (lists_match(judging->ruleset->lists, (uint32_t)list, judging->name))
			judging->has_name |= bit;
	}
	return judging->has_name & bit;
}

static bool step_matches(struct judging *judging, const struct step *step)
{
	const struct ruleset_query *query = judging->query;

	if (judging->verdict->is_allowed && step->action != RULE_RESOLVE)
		return false;
	return (!step->has_type || step->type == query->type) &&
	       (!step->has_class || step->class == query->class) &&
	       (!step->clients || prefixes_match(step->clients, query->client)) &&
	       (step->list == NO_LIST || is_in_list(judging, step->list)) &&
	       (!step->pattern ||
		pattern_match(step->pattern, judging->ruleset->scratch, judging->subject));
}

static void trace_add(struct ruleset_verdict *verdict, uint32_t number)
{
	if (verdict->trace_count < RULESET_TRACE_MAX)
		verdict->trace[verdict->trace_count++] = (uint16_t)(number + 1);
}

/* The step's pattern was the last that matched. False when it makes no name. */
static bool name_rewrite(struct judging *judging, const struct step *step, const char *template)
{
	const struct pattern_scratch *scratch = judging->ruleset->scratch;
	struct slice groups[TEMPLATE_GROUPS_MAX] = {{0}};
	struct ruleset_verdict *verdict = judging->verdict;
	uint8_t wire[DNS_NAME_MAX], length;

	for (unsigned i = 0; step->pattern && i < TEMPLATE_GROUPS_MAX; i++)
		groups[i] = pattern_group(scratch, judging->subject, i + 1);
	if (!template_expand(template, groups, wire, &length))
		return false;
	memcpy(verdict->name, wire, length);
	verdict->name_length = length;
	verdict->is_rewritten = true;
	name_set(judging, (struct slice){verdict->name, length});
	return true;
}

static void decide(struct judging *judging, uint32_t number)
{
	static const enum ruleset_outcome outcomes[RULE_ACTION_COUNT] = {
		[RULE_BLOCK] = RULESET_BLOCK,
		[RULE_REDIRECT] = RULESET_REDIRECT,
		[RULE_RESOLVE] = RULESET_RESOLVE,
	};
	const struct kept_rule *rule = judging->ruleset->rules[number];

	judging->verdict->outcome = outcomes[rule->action];
	judging->verdict->rule = rule;
	judging->verdict->rule_number = (uint16_t)(number + 1);
}

/* Does what a rule that matched does; true when that ends it. */
static bool step_act(struct judging *judging, const struct step *step, uint32_t number)
{
	struct ruleset_verdict *verdict = judging->verdict;

	if (judging->hits)
		judging->hits[number]++;
	if (step->action == RULE_ALLOW && !step->is_shadow) {
		verdict->is_allowed = true;
		verdict->allow_number = (uint16_t)(number + 1);
		return false;
	}
	trace_add(verdict, number);
	if (step->action == RULE_LOG || step->is_shadow)
		return false;
	if (step->action != RULE_REWRITE) {
		decide(judging, number);
		return true;
	}
	if (name_rewrite(judging, step, judging->ruleset->rules[number]->template))
		return false;
	verdict->outcome = RULESET_BAD_NAME;
	return true;
}

void ruleset_prefetch(const struct ruleset *ruleset, struct slice name)
{
	for (uint32_t i = 0; i < ruleset->list_count; i++)
		lists_prefetch(ruleset->lists, ruleset->list_numbers[i], name);
}

void ruleset_judge(struct ruleset *ruleset, const struct ruleset_query *query, uint64_t *hits,
		   struct ruleset_verdict *verdict)
{
	struct judging judging = {
		.ruleset = ruleset, .query = query, .verdict = verdict, .hits = hits};

	memset(verdict, 0, offsetof(struct ruleset_verdict, name));
	verdict->trace_count = 0;
	name_set(&judging, query->name);
	for (uint32_t i = prefilter_next(ruleset->prefilter, 0); i < ruleset->count;
	     i = prefilter_next(ruleset->prefilter, i + 1)) {
		const struct step *step = &ruleset->steps[i];

		if (step_matches(&judging, step) && step_act(&judging, step, i))
			break;
	}
}

/* --- what it is made of --- */

uint32_t ruleset_count(const struct ruleset *ruleset)
{
	return ruleset->count;
}

const struct kept_rule *ruleset_rule(const struct ruleset *ruleset, uint32_t number)
{
	return ruleset->rules[number];
}

const char *ruleset_text(const struct ruleset *ruleset, uint32_t number)
{
	return ruleset->texts[number];
}

uint64_t ruleset_limits_reached(const struct ruleset *ruleset)
{
	return pattern_limits_reached(ruleset->scratch);
}

uint32_t ruleset_upstream_count(const struct ruleset *ruleset)
{
	return ruleset->upstreams.count;
}

const struct upstream *ruleset_upstream(const struct ruleset *ruleset, uint32_t number)
{
	return &ruleset->upstreams.upstreams[number];
}

uint32_t ruleset_group_count(const struct ruleset *ruleset)
{
	return ruleset->upstreams.group_count;
}

const struct upstream_group *ruleset_group(const struct ruleset *ruleset, uint32_t group)
{
	return &ruleset->upstreams.groups[group];
}

uint32_t ruleset_group_of(const struct ruleset *ruleset, uint32_t rule_number_from_0)
{
	return ruleset->groups[rule_number_from_0];
}

uint8_t ruleset_event_verdict(const struct ruleset_verdict *verdict)
{
	switch (verdict->outcome) {
	case RULESET_BLOCK:
		return EVENT_BLOCKED;
	case RULESET_REDIRECT:
		return EVENT_REDIRECTED;
	case RULESET_RESOLVE:
		return verdict->is_rewritten ? EVENT_REWRITTEN
		       : verdict->is_allowed ? EVENT_ALLOWED
					     : EVENT_RESOLVED;
	case RULESET_NONE:
	case RULESET_BAD_NAME:
		break;
	}
	return EVENT_REFUSED;
}
