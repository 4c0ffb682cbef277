/* SPDX-License-Identifier: BSD-3-Clause */
#include "worker/proxy/judge.h"

#include "dns/message.h"
#include "dns/reply.h"
#include "worker/proxy/answer.h"
#include "worker/proxy/resolve.h"

static void answer_addresses(struct proxy *proxy, const struct asker *asker,
			     enum extended_error error)
{
	const struct kept_rule *rule = proxy->verdict.rule;
	size_t size;
	uint8_t *out = answer_room(proxy, asker, &size);
	size_t length =
		reply_addresses(&asker->question, rule->addresses, rule->address_count, error, out);

	answer_send(proxy, asker, out, length, COUNTER_PROXY_LOCAL);
}

static void block(struct proxy *proxy, const struct asker *asker)
{
	switch (proxy->verdict.rule->block) {
	case BLOCK_EMPTY:
		answer_error(proxy, asker, 0, EDE_BLOCKED, COUNTER_PROXY_LOCAL);
		break;
	case BLOCK_NXDOMAIN:
		answer_error(proxy, asker, DNS_NXDOMAIN, EDE_BLOCKED, COUNTER_PROXY_LOCAL);
		break;
	case BLOCK_REFUSED:
		answer_error(proxy, asker, DNS_REFUSED, EDE_BLOCKED, COUNTER_PROXY_LOCAL);
		break;
	case BLOCK_ADDRESSES:
		answer_addresses(proxy, asker, EDE_BLOCKED);
		break;
	case BLOCK_DROP:
		proxy_count(proxy, COUNTER_PROXY_DROPPED_RULE, 1);
		break;
	}
}

static void redirect(struct proxy *proxy, const struct asker *asker)
{
	const struct kept_rule *rule = proxy->verdict.rule;
	struct slice target = {rule->target, rule->target_length};
	size_t size;
	uint8_t *out;

	if (!rule->target_length) {
		answer_addresses(proxy, asker, EDE_NONE);
		return;
	}
	out = answer_room(proxy, asker, &size);
	answer_send(proxy, asker, out, reply_redirect(&asker->question, target, out),
		    COUNTER_PROXY_LOCAL);
}

/* For ANY over UDP, which forged senders love: who means it asks again over TCP. */
static void answer_truncated(struct proxy *proxy, const struct asker *asker)
{
	size_t size;
	uint8_t *out = answer_room(proxy, asker, &size);

	answer_send(proxy, asker, out, reply_truncated(&asker->question, out), COUNTER_PROXY_LOCAL);
}

static void resolve(struct proxy *proxy, const struct asker *asker)
{
	const struct ruleset_verdict *verdict = &proxy->verdict;
	struct slice name = {proxy->taken->query.name, proxy->taken->query.name_length};
	uint16_t type = proxy->taken->query.type;

	if (verdict->is_rewritten)
		name = (struct slice){verdict->name, verdict->name_length};
	if (type >= DNS_TYPE_TKEY && type <= DNS_TYPE_MAILA)
		answer_error(proxy, asker, DNS_NOTIMP, EDE_NONE, COUNTER_PROXY_BAD);
	else if (type == DNS_TYPE_ANY && !asker->client.stream)
		answer_truncated(proxy, asker);
	else
		resolve_ask(proxy, asker, name,
			    ruleset_group_of(proxy->ruleset, verdict->rule_number - 1u));
}

static void log_rules(struct proxy *proxy, const struct asker *asker)
{
	proxy_count(proxy, COUNTER_PROXY_LOGS_LEFT_OUT,
		    rule_log_write(&proxy->log, proxy->ruleset, &proxy->verdict,
				   asker->question.question, &asker->client, proxy->now_ns));
}

void judge_query(struct proxy *proxy, struct asker *asker, struct slice message)
{
	struct ruleset_verdict *verdict = &proxy->verdict;
	const struct dns_query *query = &proxy->taken->query;
	struct ruleset_query asked = {
		.name = {query->name, query->name_length},
		.type = query->type,
		.class = query->class,
		.client = &asker->client.address,
	};

	ruleset_judge(proxy->ruleset, &asked, proxy->hits, verdict);
	asker->rule = verdict->rule_number;
	asker->verdict = ruleset_event_verdict(verdict);
	asker->is_rewritten = verdict->is_rewritten;
	if (verdict->trace_count)
		log_rules(proxy, asker);
	answer_note_query(proxy, asker, message);
	switch (verdict->outcome) {
	case RULESET_BLOCK:
		block(proxy, asker);
		break;
	case RULESET_REDIRECT:
		redirect(proxy, asker);
		break;
	case RULESET_RESOLVE:
		resolve(proxy, asker);
		break;
	case RULESET_BAD_NAME:
		proxy_count(proxy, COUNTER_PROXY_RULE_NAMES, 1);
		answer_error(proxy, asker, DNS_REFUSED, EDE_OTHER, COUNTER_PROXY_REFUSED);
		break;
	case RULESET_NONE:
		answer_error(proxy, asker, DNS_REFUSED, EDE_PROHIBITED, COUNTER_PROXY_REFUSED);
		break;
	}
}
