/* SPDX-License-Identifier: BSD-3-Clause */
/* A rule: the input is its text. What is read is whole and in its limits; what is not is told. */
#include <assert.h>
#include <stdlib.h>
#include <string.h>

#include "rules/pattern.h"
#include "rules/rule.h"
#include "rules/template.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static unsigned check_pattern(const struct rule *rule)
{
	char error[PATTERN_ERROR_MAX];
	struct pattern *pattern = pattern_parse(rule->pattern, PATTERN_IN_NAME, error);
	unsigned group_count;

	assert(pattern && *rule->pattern);
	group_count = pattern_group_count(pattern);
	pattern_free(pattern);
	return group_count;
}

static void check_upstreams(const struct upstream_group *group)
{
	struct upstream_group again;
	char text[UPSTREAM_TEXT_MAX], error[UPSTREAM_ERROR_MAX];

	assert(group->count > 0 && group->count <= UPSTREAM_GROUP_MAX);
	for (uint32_t i = 0; i < group->count; i++) {
		assert(upstream_parse(upstream_format(&group->servers[i], text), &again, error));
		assert(again.count == 1 && upstream_equal(&again.servers[0], &group->servers[i]));
	}
}

static void check_rewrite(const struct rule *rule, unsigned group_count)
{
	static const struct slice group = {(const uint8_t *)"some.\\046name.", 14};
	const struct slice groups[TEMPLATE_GROUPS_MAX] = {group, group, group, group, group,
							  group, group, group, group};
	uint8_t wire[DNS_NAME_MAX], length;
	char error[TEMPLATE_ERROR_MAX];

	assert(template_check(rule->template, group_count, error));
	if (template_expand(rule->template, groups, wire, &length))
		assert(name_wire_length((struct slice){wire, length}) == length);
}

static void check_rule(const struct rule *rule)
{
	unsigned group_count = check_pattern(rule);
	char doubt[RULE_ERROR_MAX];

	assert(rule->has_condition ==
	       (rule->has_type || rule->has_class || rule->has_client || *rule->list));
	assert((rule->action == RULE_RESOLVE) == (rule->upstreams.count > 0));
	assert((rule->action == RULE_REWRITE) == (*rule->template != '\0'));
	assert(rule->address_count <= RULE_ADDRESSES_MAX);
	if (rule->action == RULE_REDIRECT)
		assert(!rule->address_count != !rule->target_length);
	if (rule->action == RULE_BLOCK)
		assert((rule->block == BLOCK_ADDRESSES) == (rule->address_count > 0));
	if (rule->action == RULE_RESOLVE)
		check_upstreams(&rule->upstreams);
	if (rule->action == RULE_REWRITE)
		check_rewrite(rule, group_count);
	memset(doubt, 'x', sizeof(doubt));
	if (rule_is_doubtful(rule, doubt))
		assert(*doubt && memchr(doubt, '\0', sizeof(doubt)));
	assert(rule_action_name(rule->action) && rule_class_name(rule));
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	char *text = malloc(size + 1), error[RULE_ERROR_MAX];
	struct rule rule;

	memcpy(text, data, size);
	text[size] = '\0';
	memset(error, 'x', sizeof(error));
	if (rule_parse(text, &rule, error))
		check_rule(&rule);
	else
		assert(*error && memchr(error, '\0', sizeof(error)));
	free(text);
	return 0;
}
