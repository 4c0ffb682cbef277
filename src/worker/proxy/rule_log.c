/* SPDX-License-Identifier: BSD-3-Clause */
#include "worker/proxy/rule_log.h"

#include "base/clock.h"
#include "base/log.h"
#include "dns/name.h"

#define PATTERN_SHOWN_MAX 200

/* What a rule says of a query; NULL: nothing. As Sentry words it. */
static const char *words_of(const struct kept_rule *rule)
{
	switch (rule->action) {
	case RULE_LOG:
		return "logging";
	case RULE_BLOCK:
		return rule->has_condition ? "conditionally blocking" : "blocking";
	case RULE_REDIRECT:
		return rule->is_shadow ? "redirecting" : NULL;
	case RULE_REWRITE:
		return rule->is_shadow ? "rewriting" : NULL;
	case RULE_RESOLVE:
		return rule->is_shadow ? "resolving" : NULL;
	case RULE_ALLOW:
		return rule->is_shadow ? "allowing" : NULL;
	case RULE_ACTION_COUNT:
		break;
	}
	return NULL;
}

/* False when there were enough in this second. */
static bool has_room(struct rule_log *log, int64_t now_ns)
{
	int64_t second = now_ns / NANOSECONDS_PER_SECOND;

	if (second != log->second) {
		if (log->left_out)
			log_warn("%lu lines of rules were left out", (unsigned long)log->left_out);
		log->second = second;
		log->lines = 0;
		log->left_out = 0;
	}
	if (log->lines < log->lines_most) {
		log->lines++;
		return true;
	}
	log->left_out++;
	return false;
}

static void write_line(const struct kept_rule *rule, const char *words, const uint8_t *name,
		       const struct client *client)
{
	const struct endpoint from = {client->address, client_port(&client->from)};
	char text[DNS_NAME_TEXT_MAX], from_text[ENDPOINT_TEXT_MAX], to_text[ENDPOINT_TEXT_MAX];

	name_format(name, text);
	(rule->action == RULE_BLOCK ? log_warn : log_info)(
		"%s%s query: %s. matched by rule: %.*s with context: {'client': '%s', 'server': "
		"'%s'}",
		rule->is_shadow ? "shadow: " : "", words, text, PATTERN_SHOWN_MAX, rule->pattern,
		endpoint_format(&from, from_text), endpoint_format(&client->asked, to_text));
}

uint32_t rule_log_write(struct rule_log *log, const struct ruleset *ruleset,
			const struct ruleset_verdict *verdict, const uint8_t *name,
			const struct client *client, int64_t now_ns)
{
	uint32_t left_out = 0;

	for (uint32_t i = 0; i < verdict->trace_count; i++) {
		const struct kept_rule *rule = ruleset_rule(ruleset, verdict->trace[i] - 1u);
		const char *words = words_of(rule);

		if (!words)
			continue;
		if (has_room(log, now_ns))
			write_line(rule, words, name, client);
		else
			left_out++;
	}
	return left_out;
}
