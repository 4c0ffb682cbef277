/* SPDX-License-Identifier: BSD-3-Clause */
/* dnsflow-bench: asks a DNS server for many names at once, and tells how it did. */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/log.h"
#include "tools/bench/load.h"
#include "tools/bench/plan.h"
#include "tools/bench/questions.h"
#include "tools/bench/report.h"
#include "tools/bench/score.h"
#include "tools/option/stop.h"

static struct score score;

int main(int argc, char **argv)
{
	struct questions questions;
	struct plan plan;

	log_set_role("dnsflow-bench");
	plan_parse(&plan, argc, argv);
	if (plan.names)
		questions_load(&questions, plan.names, plan.type);
	else
		questions_load_known(&questions, plan.type);
	if (stop_open() < 0)
		log_fatal("signals cannot be handled");
	report_start(&plan);
	load_run(&plan, &questions, &score);
	report_info("benchmark done");
	questions_fini(&questions);
	if (report_results(&plan, &score))
		return EXIT_SUCCESS;
	log_error("writing failed: %s", strerror(errno));
	return EXIT_FAILURE;
}
