/* SPDX-License-Identifier: BSD-3-Clause */
#pragma once
#include <stdint.h>
#include "stats/latency.h"
#include "tools/bench/answer.h"

#define SCORE_RCODES 16 /* those of the header */

/* What became of the queries. All zero in the beginning. */
struct score {
	int64_t elapsed_ns;   /* in all */
	int64_t sending_ns;   /* until the last query was sent */
	int64_t answering_ns; /* until the last answer came */

	uint64_t successful; /* answers with records */
	uint64_t empty;	     /* answers without */
	uint64_t timeouts;
	uint64_t lost;	     /* with the TCP connection that they were on */
	uint64_t unfinished; /* when a signal ended the run: as if never asked */
	uint64_t late;	     /* sent over a millisecond after they were due */

	uint64_t foreign; /* messages that were no answer to what was in flight */
	uint64_t dropped; /* messages that the kernel here dropped, as we were too slow */

	int64_t success_sum_ns, success_least_ns, success_most_ns;
	int64_t most_ns; /* of all answers, as are the following */
	struct latency latency;
	uint64_t rcodes[SCORE_RCODES];
};

/* Of an answer, which is not foreign. */
void score_answer(struct score *score, struct answer answer, int64_t time_ns);

uint64_t score_failed(const struct score *score);
uint64_t score_attempted(const struct score *score);
uint64_t score_answers(const struct score *score);

/* In seconds, of all answers. */
double score_quantile(const struct score *score, double quantile);
