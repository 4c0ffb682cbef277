/* SPDX-License-Identifier: BSD-3-Clause */
#include "tests/unit/worker/cache_rig.h"

#define MODEL_KEYS	 6000u
#define MODEL_OPERATIONS 3000000u

static void test_what_is_found_is_what_was_put(void **state)
{
	struct rig *rig = *state;
	struct cache_hit hit;

	for (uint32_t number = 0; number < 1000; number++)
		rig_put(rig, number, number % 3, 100);
	for (uint32_t number = 0; number < 1000; number++) {
		assert_true(rig_find(rig, number, 107, 0, &hit));
		assert_int_equal(rig_check(number, &hit), number % 3);
		assert_int_equal(hit.age_s, 7);
		assert_int_equal(hit.left_s, RIG_TTL_S - 7);
		assert_int_equal(hit.answer.ttl_s, RIG_TTL_S);
	}
	assert_false(rig_find(rig, 1000, 107, 0, &hit));
	assert_int_equal(rig_counts(rig).hits, 1000);
	assert_int_equal(rig_counts(rig).misses, 1);
	assert_int_equal(rig_counts(rig).inserts, 1000);
	assert_int_equal(rig_counts(rig).entries, 1000);
}

static void test_every_part_of_the_key_counts(void **state)
{
	struct rig *rig = *state;
	struct rig_answer made;
	struct cache_hit hit;

	rig_make(&made, 1, 0);
	cache_put(rig->cache, &made.key, &made.answer, 0);
	for (int change = 0; change <= 8; change++) {
		struct cache_key key = made.key;
		uint8_t name[DNS_NAME_MAX];

		memcpy(name, made.name, sizeof(name));
		key.name.data = name;
		key.type ^= change == 1;
		key.class ^= change == 2;
		key.is_dnssec_ok ^= change == 3;
		key.is_checking_disabled ^= change == 4;
		key.group ^= (uint64_t)(change == 5) << 63;
		name[key.name.length - 2] ^= change == 6;
		key.name.length -= change == 7;
		key.name.length += change == 8;
		assert_int_equal(cache_find(rig->cache, &key, 0, 0, &hit), change == 0);
	}
}

static void test_the_root_name_has_its_entry(void **state)
{
	struct rig *rig = *state;
	struct rig_answer made;
	struct cache_hit hit;

	rig_make(&made, 1, 0);
	made.key.name = (struct slice){(const uint8_t *)"", 1};
	rig_write_question(&made);
	cache_put(rig->cache, &made.key, &made.answer, 0);
	assert_true(cache_find(rig->cache, &made.key, 0, 0, &hit));
	assert_memory_equal(hit.answer.message.data, made.message, made.answer.message.length);
}

/* What lies in the memory may come from anybody. */
static void test_an_answer_to_another_question_is_not_found(void **state)
{
	struct rig *rig = *state;
	struct rig_answer made;
	struct cache_hit hit;
	uint8_t *message;
	size_t end;

	rig_make(&made, 1, 0);
	end = 12 + made.key.name.length + 4;
	cache_put(rig->cache, &made.key, &made.answer, 0);
	assert_true(cache_find(rig->cache, &made.key, 0, 0, &hit));
	message = (uint8_t *)hit.answer.message.data;
	for (size_t at = 4; at < end; at++) {
		bool is_of_question = at < 6 || at >= 12;

		message[at] ^= 1;
		assert_int_equal(cache_find(rig->cache, &made.key, 0, 0, &hit), !is_of_question);
		message[at] ^= 1;
	}
}

static void test_a_question_in_upper_case_is_kept_as_it_is_asked_for(void **state)
{
	struct rig *rig = *state;
	struct rig_answer made;
	struct cache_hit hit;

	rig_make(&made, 1, 0);
	for (size_t i = 0; i < made.key.name.length; i++)
		if (made.message[12 + i] >= 'a')
			made.message[12 + i] ^= 0x20;
	cache_put(rig->cache, &made.key, &made.answer, 0);
	assert_true(cache_find(rig->cache, &made.key, 0, 0, &hit));
	assert_int_equal(rig_check(1, &hit), 0);
}

static void test_an_answer_that_ends_in_its_question_is_not_found(void **state)
{
	struct rig *rig = *state;
	struct rig_answer made;
	struct cache_hit hit;
	size_t end;

	rig_make(&made, 1, 0);
	made.answer.ttl_count = 0;
	end = 12 + made.key.name.length + 4;
	for (size_t length = 0; length <= end; length++) {
		made.answer.message.length = length;
		cache_put(rig->cache, &made.key, &made.answer, 0);
		assert_int_equal(cache_find(rig->cache, &made.key, 0, 0, &hit), length == end);
	}
}

static void test_an_answer_ends_and_may_be_stale_for_a_while(void **state)
{
	struct rig *rig = *state;
	struct cache_hit hit;

	rig_put(rig, 1, 0, 50);
	assert_true(rig_find(rig, 1, 50 + RIG_TTL_S - 1, 0, &hit));
	assert_int_equal(hit.left_s, 1);
	assert_false(rig_find(rig, 1, 50 + RIG_TTL_S, 0, &hit));
	assert_true(rig_find(rig, 1, 50 + RIG_TTL_S, 10, &hit));
	assert_int_equal(hit.left_s, 0);
	assert_int_equal(hit.age_s, RIG_TTL_S);
	assert_true(rig_find(rig, 1, 50 + RIG_TTL_S + 9, 10, &hit));
	assert_false(rig_find(rig, 1, 50 + RIG_TTL_S + 10, 10, &hit));
	assert_int_equal(rig_counts(rig).hits, 1);
	assert_int_equal(rig_counts(rig).stale_hits, 2);
	assert_int_equal(rig_counts(rig).misses, 2);
}

static void test_the_longest_times_do_not_overflow(void **state)
{
	struct rig *rig = *state;
	struct rig_answer made;
	struct cache_hit hit;

	rig_make(&made, 1, 0);
	made.answer.ttl_s = UINT32_MAX;
	cache_put(rig->cache, &made.key, &made.answer, UINT32_MAX - 5);
	assert_true(cache_find(rig->cache, &made.key, UINT32_MAX, UINT32_MAX, &hit));
	assert_int_equal(hit.left_s, UINT32_MAX - 5);
}

/* Another boot: neither good nor stale, nor kept when room is made. */
static void test_a_clock_before_the_birth_finds_nothing(void **state)
{
	struct rig *rig = *state;
	struct cache_hit hit;

	rig_put(rig, 1, 0, 1000);
	assert_true(rig_find(rig, 1, 1000, 0, &hit));
	assert_false(rig_find(rig, 1, 999, UINT32_MAX, &hit));
	assert_false(rig_find(rig, 1, 0, UINT32_MAX, &hit));
	for (uint32_t number = 2; number < 20000; number++)
		rig_put(rig, number, 0, 10);
	assert_false(rig_find(rig, 1, 1000, UINT32_MAX, &hit));
	assert_int_equal(rig_counts(rig).expired, 1);
}

static void test_an_answer_of_no_time_is_not_kept(void **state)
{
	struct rig *rig = *state;
	struct rig_answer made;
	struct cache_hit hit;

	rig_make(&made, 1, 0);
	made.answer.ttl_s = 0;
	cache_put(rig->cache, &made.key, &made.answer, 0);
	assert_false(cache_find(rig->cache, &made.key, 0, 10, &hit));
	assert_int_equal(rig_counts(rig).inserts, 0);
}

static void test_a_put_replaces_the_same_key(void **state)
{
	struct rig *rig = *state;
	struct cache_hit hit;

	for (uint32_t version = 0; version < 100; version++)
		rig_put(rig, 1, version, version);
	assert_true(rig_find(rig, 1, 100, 0, &hit));
	assert_int_equal(rig_check(1, &hit), 99);
	assert_int_equal(hit.age_s, 1);
	assert_int_equal(rig_counts(rig).inserts, 100);
	assert_int_equal(rig_counts(rig).replaced, 99);
	assert_int_equal(rig_counts(rig).entries, 1);
}

static void test_the_largest_is_kept_and_a_larger_one_only_counted(void **state)
{
	struct rig *rig = *state;
	static uint8_t message[CACHE_MESSAGE_MAX + 1];
	static uint16_t ttls[CACHE_TTLS_MAX + 1];
	uint8_t name[DNS_NAME_MAX];
	struct cache_key key = {.name = {name, sizeof(name)}};
	struct cache_answer answer = {
		.message = {message, CACHE_MESSAGE_MAX},
		.ttls = ttls,
		.ttl_count = CACHE_TTLS_MAX,
		.ttl_s = 1,
	};
	struct cache_hit hit;

	memset(name, 1, sizeof(name));
	message[5] = 1;
	memcpy(message + 12, name, sizeof(name));
	for (uint32_t i = 0; i < 1000; i++) { /* several times round */
		message[0] = (uint8_t)i;
		cache_put(rig->cache, &key, &answer, 0);
	}
	assert_true(cache_find(rig->cache, &key, 0, 0, &hit));
	assert_int_equal(hit.answer.message.length, CACHE_MESSAGE_MAX);
	assert_memory_equal(hit.answer.message.data, message, CACHE_MESSAGE_MAX);
	answer.message.length++;
	cache_put(rig->cache, &key, &answer, 0);
	answer.message.length--;
	answer.ttl_count++;
	cache_put(rig->cache, &key, &answer, 0);
	assert_int_equal(rig_counts(rig).too_big, 2);
	assert_int_equal(rig_counts(rig).inserts, 1000);
	assert_true(cache_find(rig->cache, &key, 0, 0, &hit));
}

/* But for the few whose set of slots was full, which go earlier. */
static void test_what_was_put_first_goes_first(void **state)
{
	struct rig *rig = *state;
	uint32_t last = 20000, kept, wrong = 0;

	for (uint32_t number = 0; number < last; number++)
		rig_put(rig, number, 0, 0);
	kept = (uint32_t)rig_counts(rig).entries;
	assert_in_range(kept, 2000, 10000);
	for (uint32_t number = 0; number < last; number++)
		wrong += rig_has(rig, number, 0) != (number >= last - kept);
	assert_true(wrong < kept / 10);
	assert_int_equal(rig_counts(rig).evicted, last - kept);
	assert_int_equal(rig_counts(rig).expired, 0);
	assert_in_range(rig_counts(rig).bytes, RIG_BYTES * 3 / 4, RIG_BYTES);
}

static void test_what_is_asked_for_stays(void **state)
{
	struct rig *rig = *state;
	uint32_t found = 0;

	for (uint32_t number = 0; number < 50000; number++) {
		rig_put(rig, number, 0, 0);
		if (number >= 2000 && number % 5 == 0)
			rig_has(rig, number % 2000, 0); /* each of 400 of the first */
	}
	for (uint32_t number = 0; number < 2000; number += 5)
		found += rig_has(rig, number, 0);
	assert_int_equal(found, 400);
}

static void test_what_was_asked_for_but_has_ended_goes(void **state)
{
	struct rig *rig = *state;
	struct cache_hit hit;

	rig_put(rig, 0, 0, 0);
	assert_true(rig_find(rig, 0, RIG_TTL_S, 5, &hit));
	for (uint32_t number = 1; number < 20000; number++)
		rig_put(rig, number, 0, RIG_TTL_S);
	assert_false(rig_find(rig, 0, RIG_TTL_S, 5, &hit));
	assert_int_equal(rig_counts(rig).expired, 1);
}

/* A put moves few: when all were asked for, the oldest go all the same. */
static void test_room_is_made_when_all_is_asked_for(void **state)
{
	struct rig *rig = *state;
	uint32_t found = 0;

	for (uint32_t number = 0; number < 50000; number++) {
		rig_put(rig, number, 0, 0);
		assert_true(rig_has(rig, number, 0));
	}
	for (uint32_t number = 0; number < 50000; number++)
		found += rig_has(rig, number, 0);
	assert_int_equal(found, rig_counts(rig).entries);
	assert_true(found > 2000);
}

struct model {
	uint32_t version[MODEL_KEYS];
	uint32_t born_s[MODEL_KEYS];
	bool is_there[MODEL_KEYS]; /* unless it was evicted */
	uint32_t now_s;
	uint64_t lost, found;
};

static void model_find(struct rig *rig, struct model *model, uint32_t number)
{
	uint32_t stale_s = random_next(&rig->random) & 1 ? 20 : 0;
	uint32_t age_s = model->now_s - model->born_s[number];
	bool is_expected = model->is_there[number] && age_s < RIG_TTL_S + stale_s;
	struct cache_hit hit;

	if (!rig_find(rig, number, model->now_s, stale_s, &hit)) {
		model->lost += is_expected;
		model->is_there[number] &= !is_expected;
		return;
	}
	assert_true(is_expected);
	assert_int_equal(rig_check(number, &hit), model->version[number]);
	assert_int_equal(hit.age_s, age_s);
	assert_int_equal(hit.left_s, age_s < RIG_TTL_S ? RIG_TTL_S - age_s : 0);
	model->found++;
}

static void model_put(struct rig *rig, struct model *model, uint32_t number)
{
	rig_put(rig, number, ++model->version[number], model->now_s);
	model->is_there[number] = true;
	model->born_s[number] = model->now_s;
}

static void model_check(const struct rig *rig, const struct model *model)
{
	struct cache_counts counts = rig_counts(rig);

	assert_int_equal(counts.hits + counts.stale_hits, model->found);
	assert_true(model->lost <= counts.evicted + counts.expired);
	assert_int_equal(counts.inserts,
			 counts.entries + counts.replaced + counts.evicted + counts.expired);
}

/* More keys than fit, some of them more often. */
static void test_a_model_agrees(void **state)
{
	struct rig *rig = *state;
	struct model *model = calloc(1, sizeof(*model));

	for (uint32_t i = 0; i < MODEL_OPERATIONS; i++) {
		uint64_t draw = random_next(&rig->random);
		uint32_t keys = draw & 1 ? MODEL_KEYS / 10 : MODEL_KEYS;
		uint32_t number = (uint32_t)((draw >> 32) % keys);

		if (draw >> 1 & 3)
			model_find(rig, model, number);
		else
			model_put(rig, model, number);
		model->now_s += (draw >> 3 & 255) == 0;
		if ((draw >> 3 & 0xffff) == 1)
			rig_reopen(rig);
		if ((draw >> 3 & 0xfff) == 2)
			model_check(rig, model);
	}
	model_check(rig, model);
	assert_true(model->found > MODEL_OPERATIONS / 4);
	free(model);
}

static void test_clear_forgets_all_and_goes_on(void **state)
{
	struct rig *rig = *state;
	struct cache_hit hit;

	for (uint32_t round = 0; round < 3; round++) {
		for (uint32_t number = 0; number < 7000; number++)
			rig_put(rig, number, round, 0);
		cache_clear(rig->cache);
		assert_int_equal(rig_counts(rig).entries, 0);
		assert_int_equal(rig_counts(rig).bytes, 0);
		for (uint32_t number = 0; number < 7000; number++)
			assert_false(rig_has(rig, number, 0));
	}
	rig_put(rig, 5, 9, 0);
	assert_true(rig_find(rig, 5, 0, 0, &hit));
	assert_int_equal(rig_check(5, &hit), 9);
}

/* Returns how many entries went. */
static uint64_t remove_name(struct rig *rig, const char *text)
{
	uint8_t wire[DNS_NAME_MAX], length;
	uint64_t before = rig_counts(rig).entries;

	assert_true(name_parse(text, wire, &length));
	rig_remove(rig, (struct slice){wire, length});
	return before - rig_counts(rig).entries;
}

static void put_name(struct rig *rig, const char *text, uint16_t type)
{
	struct rig_answer made;
	uint8_t length;

	rig_make(&made, 0, 0);
	assert_true(name_parse(text, made.name, &length));
	made.key.name.length = length;
	made.key.type = type;
	cache_put(rig->cache, &made.key, &made.answer, 0);
}

static void test_remove_takes_a_name_and_all_below_it(void **state)
{
	struct rig *rig = *state;
	static const char *const names[] = {"example.com", "www.example.com",  "a.b.c.example.com",
					    "ample.com",   "xexample.com",     "example.com.net",
					    "com",	   "\\007example.com", "example.org"};

	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++)
		for (uint16_t type = 1; type <= 2; type++)
			put_name(rig, names[i], type);
	put_name(rig, "www.example.com", 1); /* its first entry is dead: not counted */
	assert_int_equal(rig_counts(rig).entries, 18);
	assert_int_equal(remove_name(rig, "example.com"), 6);
	assert_int_equal(remove_name(rig, "example.com"), 0);
	assert_int_equal(remove_name(rig, "e.com"), 0);
	assert_int_equal(rig_counts(rig).entries, 12);
	assert_int_equal(remove_name(rig, "com"), 8);
	assert_int_equal(remove_name(rig, "."), 4);
	assert_int_equal(rig_counts(rig).entries, 0);
}

static void test_remove_finds_all_in_a_log_that_went_round(void **state)
{
	struct rig *rig = *state;
	uint32_t entries;

	for (uint32_t number = 0; number < 30000; number++)
		rig_put(rig, number, 0, 0);
	entries = (uint32_t)rig_counts(rig).entries;
	for (uint32_t number = 0; number < 30000; number++)
		entries -= number % 3 == 1 && rig_has(rig, number, 0);
	assert_true(remove_name(rig, "example.org") > 500);
	assert_int_equal(rig_counts(rig).entries, entries);
	for (uint32_t number = 0; number < 30000; number++)
		assert_false(number % 3 == 1 && rig_has(rig, number, 0));
}

#define REMOVED ((struct slice){(const uint8_t *)"\7example\3org", 13}) /* number % 3 == 1 */

static bool is_to_be_removed(uint32_t number)
{
	return number % 3 == 1;
}

static void test_what_is_being_removed_is_not_found(void **state)
{
	struct rig *rig = *state;
	struct cache_hit hit;
	uint64_t entries;
	uint32_t found = 0, steps = 0;

	for (uint32_t number = 0; number < 10000; number++)
		rig_put(rig, number, 0, 0);
	entries = rig_counts(rig).entries;
	cache_remove(rig->cache, REMOVED);
	assert_int_equal(rig_counts(rig).entries, entries); /* before anything was done */
	do {
		found = 0;
		for (uint32_t number = 0; number < 10000; number += 7) {
			bool is_found = rig_has(rig, number, 0);

			assert_false(is_found && is_to_be_removed(number));
			found += is_found;
		}
		assert_true(found > 300);
		steps++;
	} while (cache_remove_more(rig->cache, 1 << 14));
	assert_in_range(steps, RIG_BYTES / 2 >> 14, RIG_BYTES >> 14);
	assert_in_range(rig_counts(rig).entries, entries / 2, entries * 3 / 4);
	assert_false(rig_find(rig, 9994, 0, 0, &hit));
}

/* Also where the log goes round meanwhile: what is written again there is what may stay. */
static void test_what_is_put_during_a_removal_stays(void **state)
{
	struct rig *rig = *state;
	struct cache_hit hit;

	for (uint32_t number = 0; number < 10000; number++) {
		rig_put(rig, number, 0, 0);
		rig_has(rig, number, 0);
	}
	cache_remove(rig->cache, REMOVED);
	for (uint32_t number = 9000; number < 30000; number++) {
		rig_put(rig, number, 1, 0);
		assert_true(rig_find(rig, number, 0, 0, &hit));
		assert_int_equal(rig_check(number, &hit), 1);
		if (is_to_be_removed(number - 3000) && rig_find(rig, number - 3000, 0, 0, &hit))
			assert_int_equal(rig_check(number - 3000, &hit), 1);
		if (number % 5000 == 0)
			cache_remove_more(rig->cache, 1 << 14);
	}
	while (cache_remove_more(rig->cache, SIZE_MAX))
		;
	for (uint32_t number = 0; number < 9000; number++)
		assert_false(is_to_be_removed(number) && rig_has(rig, number, 0));
	assert_true(rig_has(rig, 29998, 0));
}

static void test_one_removal_after_the_other_removes_both(void **state)
{
	struct rig *rig = *state;

	for (uint32_t number = 0; number < 3000; number++)
		rig_put(rig, number, 0, 0);
	cache_remove(rig->cache, REMOVED);
	cache_remove(rig->cache, (struct slice){(const uint8_t *)"\3com", 5}); /* number % 3 == 0 */
	for (uint32_t number = 0; number < 3000; number++)
		assert_int_equal(rig_has(rig, number, 0), number % 3 == 2);
	cache_clear(rig->cache);
	assert_false(cache_remove_more(rig->cache, 1));
}

static void test_what_is_no_cache_has_no_counts(void **state)
{
	struct rig *rig = *state;
	struct cache_counts counts;
	uint8_t *clean = calloc(1, RIG_BYTES);

	assert_false(cache_counts_read(clean, RIG_BYTES, &counts));
	assert_false(cache_counts_read(rig->memory, RIG_BYTES * 2, &counts));
	assert_false(cache_counts_read(rig->memory, 8, &counts));
	assert_true(cache_counts_read(rig->memory, RIG_BYTES, &counts));
	free(clean);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, rig_set_up, rig_tear_down)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(test_what_is_found_is_what_was_put),
		TEST(test_every_part_of_the_key_counts),
		TEST(test_the_root_name_has_its_entry),
		TEST(test_an_answer_to_another_question_is_not_found),
		TEST(test_a_question_in_upper_case_is_kept_as_it_is_asked_for),
		TEST(test_an_answer_that_ends_in_its_question_is_not_found),
		TEST(test_an_answer_ends_and_may_be_stale_for_a_while),
		TEST(test_the_longest_times_do_not_overflow),
		TEST(test_a_clock_before_the_birth_finds_nothing),
		TEST(test_an_answer_of_no_time_is_not_kept),
		TEST(test_a_put_replaces_the_same_key),
		TEST(test_the_largest_is_kept_and_a_larger_one_only_counted),
		TEST(test_what_was_put_first_goes_first),
		TEST(test_what_is_asked_for_stays),
		TEST(test_what_was_asked_for_but_has_ended_goes),
		TEST(test_room_is_made_when_all_is_asked_for),
		TEST(test_a_model_agrees),
		TEST(test_clear_forgets_all_and_goes_on),
		TEST(test_remove_takes_a_name_and_all_below_it),
		TEST(test_remove_finds_all_in_a_log_that_went_round),
		TEST(test_what_is_being_removed_is_not_found),
		TEST(test_what_is_put_during_a_removal_stays),
		TEST(test_one_removal_after_the_other_removes_both),
		TEST(test_what_is_no_cache_has_no_counts),
	};

	cmocka_set_message_output(CM_OUTPUT_TAP);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
