/* SPDX-License-Identifier: BSD-3-Clause */
#include "rules/kept_rule.h"

#include <stdlib.h>
#include <string.h>

_Static_assert(_Alignof(struct address) <= _Alignof(struct kept_rule), "may lie behind it");

/* Copies what is kept to *at, which is moved behind it. */
static const void *put(uint8_t **at, const void *from, size_t length)
{
	void *copy = memcpy(*at, from, length);

	*at += length;
	return copy;
}

struct kept_rule *kept_rule_new(const struct rule *rule)
{
	size_t addresses = rule->address_count * sizeof(*rule->addresses);
	size_t pattern = strlen(rule->pattern) + 1, template = strlen(rule->template) + 1;
	struct kept_rule *kept =
		malloc(sizeof(*kept) + addresses + rule->target_length + pattern + template);
	uint8_t *at;

	if (!kept)
		return NULL;
	at = (uint8_t *)(kept + 1);
	*kept = (struct kept_rule){
		.action = rule->action,
		.block = rule->block,
		.is_shadow = rule->is_shadow,
		.has_condition = rule->has_condition,
		.target_length = rule->target_length,
		.address_count = rule->address_count,
	};
	kept->addresses = put(&at, rule->addresses, addresses);
	kept->target = put(&at, rule->target, rule->target_length);
	kept->pattern = put(&at, rule->pattern, pattern);
	kept->template = put(&at, rule->template, template);
	return kept;
}

void kept_rule_free(struct kept_rule *kept)
{
	free(kept);
}
