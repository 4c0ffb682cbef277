/* SPDX-License-Identifier: BSD-3-Clause */
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <setjmp.h>
#include <cmocka.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "stats/ranking.h"

#define LIMIT 10u

static struct summary_item items[LIMIT];
static struct ranking_place places[LIMIT];

static struct ranking make_ranking(uint32_t limit)
{
	return (struct ranking){.items = items, .heap = places, .limit = limit};
}

static void offer(struct ranking *ranking, const char *text, uint64_t count)
{
	struct summary_item item = {.count = count, .error = count / 2};
	uint64_t key = 5381;

	strcpy(item.text, text);
	for (; *text; text++)
		key = key * 33 + (uint8_t)*text;
	ranking_offer(ranking, key, &item);
}

static void test_ranking_keeps_the_best_in_order(void **state)
{
	struct ranking ranking = make_ranking(LIMIT);
	char text[16];

	(void)state;
	for (uint32_t i = 0; i < 1000; i++) {
		uint32_t number = i * 37 % 1000;

		snprintf(text, sizeof(text), "n%03u", number);
		offer(&ranking, text, number + 1);
	}
	assert_int_equal(ranking_finish(&ranking), LIMIT);
	for (uint32_t i = 0; i < LIMIT; i++) {
		snprintf(text, sizeof(text), "n%03u", 999 - i);
		assert_string_equal(items[i].text, text);
		assert_int_equal(items[i].count, 1000 - i);
		assert_int_equal(items[i].error, (1000 - i) / 2);
	}
}

static void test_ranking_breaks_ties_by_text(void **state)
{
	static const char *const texts[] = {"d", "b", "e", "a", "c", "f"};
	struct ranking ranking = make_ranking(3);

	(void)state;
	for (size_t i = 0; i < 6; i++)
		offer(&ranking, texts[i], 7);
	assert_int_equal(ranking_finish(&ranking), 3);
	assert_string_equal(items[0].text, "a");
	assert_string_equal(items[1].text, "b");
	assert_string_equal(items[2].text, "c");
}

static void test_ranking_takes_no_key_twice_and_no_zero(void **state)
{
	struct ranking ranking = make_ranking(LIMIT);

	(void)state;
	offer(&ranking, "a", 5);
	offer(&ranking, "a", 9);
	offer(&ranking, "b", 0);
	assert_int_equal(ranking_finish(&ranking), 1);
	ranking = make_ranking(0);
	offer(&ranking, "a", 5);
	assert_int_equal(ranking_finish(&ranking), 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_ranking_keeps_the_best_in_order),
		cmocka_unit_test(test_ranking_breaks_ties_by_text),
		cmocka_unit_test(test_ranking_takes_no_key_twice_and_no_zero),
	};

	cmocka_set_message_output(CM_OUTPUT_TAP);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
