/* SPDX-License-Identifier: BSD-3-Clause */
#include "stats/rates.h"

#include <string.h>

#include "base/clock.h"

static uint32_t told(const struct rates *rates)
{
	return rates->count < RATES_SECONDS ? rates->count : RATES_SECONDS;
}

/* The place of what was told so many seconds before the newest. */
static uint32_t place(const struct rates *rates, uint32_t before)
{
	return (rates->at % RATES_SECONDS + RATES_SECONDS - before) % RATES_SECONDS;
}

static void append(struct rates *rates, uint64_t queries, uint64_t responses)
{
	uint32_t at = (rates->at % RATES_SECONDS + 1) % RATES_SECONDS;

	rates->totals[at].queries = queries;
	rates->totals[at].responses = responses;
	rates->at = at;
	if (rates->count < RATES_SECONDS)
		rates->count++;
}

void rates_tell(struct rates *rates, int64_t now_ns, uint64_t queries, uint64_t responses)
{
	uint32_t newest = place(rates, 0);
	int64_t seconds =
		(now_ns - rates->told_ns + NANOSECONDS_PER_SECOND / 2) / NANOSECONDS_PER_SECOND;

	if (!rates->count || now_ns < rates->told_ns - NANOSECONDS_PER_SECOND ||
	    queries < rates->totals[newest].queries ||
	    responses < rates->totals[newest].responses) {
		rates->count = 0;
		rates->told_ns = now_ns;
		append(rates, queries, responses);
		return;
	}
	if (seconds <= 0)
		return;
	/* by whole seconds, so that a timer that is always late is not wrong for ever */
	rates->told_ns += seconds * NANOSECONDS_PER_SECOND;
	if (seconds > RATES_SECONDS)
		seconds = RATES_SECONDS;
	for (; seconds > 1; seconds--)
		append(rates, rates->totals[newest].queries, rates->totals[newest].responses);
	append(rates, queries, responses);
}

/* How many seconds of a window were told. */
static uint32_t reach(const struct rates *rates, uint32_t window_s)
{
	uint32_t seconds = told(rates) ? told(rates) - 1 : 0;

	return window_s < seconds ? window_s : seconds;
}

double rates_queries(const struct rates *rates, uint32_t window_s)
{
	uint32_t seconds = reach(rates, window_s);

	return seconds ? (double)(rates->totals[place(rates, 0)].queries -
				  rates->totals[place(rates, seconds)].queries) /
				 seconds
		       : 0;
}

double rates_responses(const struct rates *rates, uint32_t window_s)
{
	uint32_t seconds = reach(rates, window_s);

	return seconds ? (double)(rates->totals[place(rates, 0)].responses -
				  rates->totals[place(rates, seconds)].responses) /
				 seconds
		       : 0;
}

bool rates_parse(const char *text, struct rates_name *name)
{
	static const struct {
		const char *suffix;
		uint32_t window_s;
	} windows[] = {{"", 1}, {"/60", 60}, {"/300", 300}};

	if (!*text || !strchr("qrp", *text) || text[1] != 'p' || text[2] != 's')
		return false;
	for (size_t i = 0; i < sizeof(windows) / sizeof(windows[0]); i++) {
		if (strcmp(text + 3, windows[i].suffix))
			continue;
		*name = (struct rates_name){*text != 'r', *text != 'q', windows[i].window_s};
		return true;
	}
	return false;
}
