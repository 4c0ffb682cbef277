/* SPDX-License-Identifier: BSD-3-Clause */
#include "tools/bench/score.h"

#include "base/clock.h"

static void score_success(struct score *score, int64_t time_ns)
{
	if (!score->successful++ || time_ns < score->success_least_ns)
		score->success_least_ns = time_ns;
	if (time_ns > score->success_most_ns)
		score->success_most_ns = time_ns;
	score->success_sum_ns += time_ns;
}

void score_answer(struct score *score, struct answer answer, int64_t time_ns)
{
	if (answer.result == ANSWER_RECORDS)
		score_success(score, time_ns);
	else
		score->empty++;
	if (time_ns > score->most_ns)
		score->most_ns = time_ns;
	latency_add(&score->latency, time_ns);
	score->rcodes[answer.rcode % SCORE_RCODES]++;
}

uint64_t score_failed(const struct score *score)
{
	return score->empty + score->timeouts + score->lost;
}

uint64_t score_attempted(const struct score *score)
{
	return score->successful + score_failed(score);
}

uint64_t score_answers(const struct score *score)
{
	return score->successful + score->empty;
}

/* The histogram knows the bounds of a bucket only, which may be beyond the slowest answer. */
double score_quantile(const struct score *score, double quantile)
{
	double most = (double)score->most_ns / (double)NANOSECONDS_PER_SECOND;
	double seconds = latency_quantile(&score->latency, quantile);

	return seconds < most ? seconds : most;
}
