/* SPDX-License-Identifier: BSD-3-Clause */
#include "worker/observe/trial.h"

#include "ipc/lent_rules.h"

const char *trial_open(struct trial *trial, const struct config *config)
{
	static char error[RULESET_ERROR_MAX];

	trial->ruleset = lent_rules(config, error);
	if (!trial->ruleset)
		return error;
	trial->stats = lent_rule_stats(config, trial->ruleset, &trial->hits);
	return trial->stats ? NULL : "the memory for counts of rules cannot be used";
}

void trial_judge(struct trial *trial, struct event *event)
{
	static struct ruleset_verdict verdict; /* one query is judged at a time */
	const struct ruleset_query query = {
		.name = event->qname,
		.type = event->type,
		.class = event->class,
		.client = &event->query_address,
	};

	if (!event->qname.length)
		return;
	ruleset_judge(trial->ruleset, &query, trial->hits, &verdict);
	trial->stats->tried++;
	trial->stats->untouched += verdict.outcome == RULESET_NONE;
	event->verdict = ruleset_event_verdict(&verdict);
	event->rule = verdict.rule_number;
}
