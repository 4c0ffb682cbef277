/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * What a rule set costs for each name: one rule, and a thousand of the shapes in Sentry's examples,
 * of which the last one matches; then the same with a rule for everything as the last. Names have
 * about 25 octets, and no other rule matches one. Medians of interleaved runs: bench/rules [runs].
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/log.h"
#include "base/random.h"
#include "rules/ruleset.h"

#define RUNS_MAX 101
#define RULES	 1000
#define NAMES	 1024
#define ROUNDS	 100 /* of all names, in a run */

#define LAST_RULE "resolve ^(.*)lastname.com using 192.0.2.1"
#define ALL_RULE  "resolve ^(.*) using 192.0.2.1"

struct setup {
	const char *name;
	struct ruleset *ruleset;
	double results[RUNS_MAX];
};

static struct random random_state = {{1, 2, 3, 4}};

static struct name {
	uint8_t wire[DNS_NAME_MAX], length;
} names[NAMES];

/* A word of syllables, as names are made. */
static void make_word(char *word, unsigned syllables)
{
	for (unsigned i = 0; i < syllables; i++) {
		*word++ = "bcdfghklmnprstvw"[random_below(&random_state, 16)];
		*word++ = "aeiouy"[random_below(&random_state, 6)];
	}
	*word = '\0';
}

static void make_names(void)
{
	char word[20], text[64];

	for (unsigned i = 0; i < NAMES; i++) {
		make_word(word, 3 + i % 3);
		snprintf(text, sizeof(text), "%s%u.lastname.com", word, i);
		if (!name_parse(text, names[i].wire, &names[i].length))
			log_fatal("no name: %s", text);
	}
}

static char *make_rules(unsigned count, const char *last)
{
	static const char *const shapes[] = {"block ^(.*)%s%u.com\n",
					     "block ^(.*)%s%u.com if type is MX\n",
					     "redirect ^(.*)%s%u.com to google.com\n"};
	char *text = malloc(count * 80u + 100), *end = text;
	char word[20];

	for (unsigned i = 0; i + 1 < count; i++) {
		make_word(word, 3 + i % 3);
		end += sprintf(end,
			       i % 3 == 0   ? shapes[0]
			       : i % 3 == 1 ? shapes[1]
					    : shapes[2],
			       word, i);
	}
	strcpy(end, last);
	return text;
}

static struct ruleset *make_ruleset(unsigned count, const char *last)
{
	char *text = make_rules(count, last), error[RULESET_ERROR_MAX];
	struct ruleset *ruleset = ruleset_new(text, NULL, error);

	if (!ruleset)
		log_fatal("%s", error);
	free(text);
	return ruleset;
}

static double compile_ms(void)
{
	char *text = make_rules(RULES, LAST_RULE), error[RULESET_ERROR_MAX];
	int64_t start = clock_monotonic_ns();
	struct ruleset *ruleset = ruleset_new(text, NULL, error);
	double ms = (double)(clock_monotonic_ns() - start) / 1e6;

	ruleset_free(ruleset);
	free(text);
	return ms;
}

static double judge_ns(struct ruleset *ruleset)
{
	static uint64_t hits[RULES];
	const struct address client = {.bytes = {192, 0, 2, 7}, .version = 4};
	int64_t start = clock_monotonic_ns();
	struct ruleset_verdict verdict;

	for (unsigned i = 0; i < ROUNDS * NAMES; i++) {
		const struct name *name = &names[i % NAMES];
		const struct ruleset_query query = {.name = {name->wire, name->length},
						    .type = 1,
						    .class = 1,
						    .client = &client};

		ruleset_judge(ruleset, &query, hits, &verdict);
		if (verdict.outcome != RULESET_RESOLVE ||
		    verdict.rule_number != ruleset_count(ruleset))
			log_fatal("another rule matched: %u", verdict.rule_number);
	}
	return (double)(clock_monotonic_ns() - start) / (ROUNDS * NAMES);
}

static int double_order(const void *a, const void *b)
{
	const double *left = a, *right = b;

	return (*left > *right) - (*left < *right);
}

static double median(double *values, unsigned count)
{
	qsort(values, count, sizeof(*values), double_order);
	return values[count / 2];
}

int main(int argc, char **argv)
{
	unsigned runs = argc > 1 ? (unsigned)atoi(argv[1]) : 11;
	static struct setup setups[3];
	double compile[RUNS_MAX];

	log_set_role("bench");
	if (!runs || runs > RUNS_MAX)
		log_fatal("usage: rules [runs]: 1 to %d runs", RUNS_MAX);
	make_names();
	setups[0] = (struct setup){.name = "rule_one", .ruleset = make_ruleset(1, LAST_RULE)};
	setups[1] =
		(struct setup){.name = "rule_thousand", .ruleset = make_ruleset(RULES, LAST_RULE)};
	setups[2] = (struct setup){.name = "rule_thousand_all",
				   .ruleset = make_ruleset(RULES, ALL_RULE)};
	for (unsigned run = 0; run < runs; run++) {
		compile[run] = compile_ms();
		for (unsigned i = 0; i < 3; i++)
			setups[i].results[run] = judge_ns(setups[i].ruleset);
	}
	for (unsigned i = 0; i < 3; i++) {
		printf("%s_ns %.1f ns\n", setups[i].name, median(setups[i].results, runs));
		ruleset_free(setups[i].ruleset);
	}
	printf("rule_thousand_vs_one %.2f ratio\n",
	       setups[1].results[runs / 2] / setups[0].results[runs / 2]);
	printf("rules_compile_ms %.1f ms\n", median(compile, runs));
	return 0;
}
