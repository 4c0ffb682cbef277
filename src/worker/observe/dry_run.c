/* SPDX-License-Identifier: BSD-3-Clause */
#include "worker/observe/dry_run.h"

#include "ipc/lent_rules.h"

const char *dry_run_open(struct dry_run *dry_run, const struct config *config)
{
	static char error[RULESET_ERROR_MAX];

	dry_run->ruleset = lent_rules(config, error);
	if (!dry_run->ruleset)
		return error;
	dry_run->stats = lent_rule_stats(config, dry_run->ruleset, &dry_run->hits);
	return dry_run->stats ? NULL : "the memory for counts of rules cannot be used";
}

void dry_run_judge(struct dry_run *dry_run, struct event *event)
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
	ruleset_judge(dry_run->ruleset, &query, dry_run->hits, &verdict);
	dry_run->stats->judged++;
	dry_run->stats->undecided += verdict.outcome == RULESET_NONE;
	event->verdict = ruleset_event_verdict(&verdict);
	event->rule = verdict.rule_number;
}
