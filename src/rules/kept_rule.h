/* SPDX-License-Identifier: BSD-3-Clause */
#pragma once
#include "rules/rule.h"

/* What a ruleset keeps of a rule beside its conditions: there may be tens of thousands, and struct
 * rule has room for the longest. One allocation, of what it has. */
struct kept_rule {
	enum rule_action action;
	enum rule_block block;
	bool is_shadow;
	bool has_condition;
	uint8_t target_length; /* 0: redirects to addresses */
	uint32_t address_count;
	const struct address *addresses;
	const uint8_t *target;
	const char *pattern;
	const char *template;
};

/* NULL when out of memory. */
struct kept_rule *kept_rule_new(const struct rule *rule);
void kept_rule_free(struct kept_rule *kept);
