/* SPDX-License-Identifier: BSD-3-Clause */
#include "tests/unit/worker/cache_rig.h"

#include <signal.h>
#include <sys/prctl.h>
#include <sys/ptrace.h>
#include <sys/wait.h>
#include <unistd.h>

#define KEYS	   5000u
#define KILLS	   400
#define BUSY_US	   3000
#define DAMAGES	   60
#define OPEN_KILLS 100
#define TIME_S	   1000u
#define CLEARED	   200 /* slots */
#define STEPPED	   12  /* puts that are walked through, one instruction after the other */

static void fill(struct rig *rig)
{
	for (uint32_t number = 0; number < 2 * KEYS; number++)
		rig_put(rig, number % KEYS, number, TIME_S);
}

/* How many are found: all of them whole. */
static uint32_t check_all(struct rig *rig)
{
	struct cache_hit hit;
	uint32_t found = 0;

	for (uint32_t number = 0; number < KEYS; number++) {
		if (!rig_find(rig, number, TIME_S, 0, &hit))
			continue;
		rig_check(number, &hit);
		found++;
	}
	return found;
}

static void test_a_successor_finds_all(void **state)
{
	struct rig *rig = *state;
	struct cache_counts counts;

	fill(rig);
	counts = rig_counts(rig);
	rig_reopen(rig);
	assert_int_equal(rig_counts(rig).inserts, counts.inserts);
	assert_int_equal(check_all(rig), counts.entries);
}

/* The cache that another key, or size, opens is empty; the first one's too, then. */
static void test_another_key_or_size_begins_anew(void **state)
{
	struct rig *rig = *state;
	struct hash_key other = {{1, 3}};
	struct cache *cache;

	fill(rig);
	cache = cache_open(rig->memory, RIG_BYTES, &other);
	cache_close(cache);
	assert_int_equal(rig_counts(rig).inserts, 0);
	rig_reopen(rig);
	assert_int_equal(check_all(rig), 0);
	fill(rig);
	*(uint64_t *)(void *)rig->memory ^= 1; /* another layout */
	rig_reopen(rig);
	assert_int_equal(check_all(rig), 0);
}

static void test_a_size_of_its_own_begins_anew(void **state)
{
	struct rig *rig = *state;
	uint8_t *memory = mmap(NULL, 2 * RIG_BYTES, PROT_READ | PROT_WRITE,
			       MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	struct cache *cache;
	struct cache_counts counts;

	fill(rig);
	memcpy(memory, rig->memory, RIG_BYTES);
	cache = cache_open(memory, 2 * RIG_BYTES, &rig_key);
	assert_true(cache_counts_read(memory, 2 * RIG_BYTES, &counts));
	assert_int_equal(counts.entries, 0);
	cache_close(cache);
	munmap(memory, 2 * RIG_BYTES);
}

static void work(struct rig *rig)
{
	for (uint32_t version = 0;; version++) {
		uint64_t draw = random_next(&rig->random);
		uint32_t number = (uint32_t)(draw >> 32) % KEYS;

		if (draw & 1)
			rig_put(rig, number, version, TIME_S);
		else
			rig_has(rig, number, TIME_S);
		if ((draw >> 1 & 0x7fff) == 1)
			cache_clear(rig->cache);
		if ((draw >> 1 & 0x7fff) == 2)
			rig_remove(rig, (struct slice){(const uint8_t *)"\3com", 5});
	}
}

/* The last version of a memory that is begun again and again. */
static void begin(struct rig *rig)
{
	struct hash_key other = {{1, 3}};

	for (;;) {
		cache_close(rig->cache);
		rig->cache = cache_open(rig->memory, RIG_BYTES, &other);
		rig_reopen(rig);
		fill(rig);
	}
}

static void kill_while(struct rig *rig, void (*busy)(struct rig *rig))
{
	pid_t parent = getpid(), child;
	useconds_t wait_us = (useconds_t)random_below(&rig->random, BUSY_US);

	random_next(&rig->random);
	child = fork();
	if (child == 0) {
		prctl(PR_SET_PDEATHSIG, SIGKILL); /* also of a test that fails */
		if (getppid() == parent)
			busy(rig);
		_exit(1);
	}
	usleep(wait_us);
	kill(child, SIGKILL);
	waitpid(child, NULL, 0);
	rig_reopen(rig);
}

/* Nor does the index point at anything else. */
static void test_a_kill_leaves_every_entry_whole_or_gone(void **state)
{
	struct rig *rig = *state;
	uint64_t found = 0;

	/* On a slow machine it takes longer until the log has gone round. */
	for (int i = 0; i < KILLS || (i < 10 * KILLS && rig_counts(rig).evicted <= 1000); i++) {
		uint32_t more;

		kill_while(rig, work);
		more = check_all(rig);
		assert_int_equal(more, rig_counts(rig).entries);
		found += more;
	}
	assert_true(found > KILLS * 100);
	assert_true(rig_counts(rig).evicted > 1000);
}

static void test_a_kill_in_the_beginning_leaves_nothing_or_a_cache(void **state)
{
	struct rig *rig = *state;

	for (int i = 0; i < OPEN_KILLS; i++) {
		kill_while(rig, begin);
		assert_int_equal(check_all(rig), rig_counts(rig).entries);
	}
}

static struct rig_answer stepped[STEPPED];

static void put_some(struct rig *rig)
{
	for (uint32_t i = 0; i < STEPPED; i++)
		cache_put(rig->cache, &stepped[i].key, &stepped[i].answer, TIME_S);
}

static void clear(struct rig *rig)
{
	cache_clear(rig->cache);
}

/* Half of what is put is there, and some of the oldest were asked for, so that they move. */
static void prepare_steps(struct rig *rig)
{
	fill(rig);
	for (uint32_t number = 0; number < KEYS; number += 3)
		rig_has(rig, number, TIME_S);
	for (uint32_t i = 0; i < STEPPED; i++)
		rig_make(&stepped[i], i % 2 ? KEYS - i : i, i);
}

/* A child that is stopped before it acts, or 0: that is not allowed here. */
static pid_t start_steps(struct rig *rig, void (*act)(struct rig *rig))
{
	pid_t child = fork();
	int status;

	if (child == 0) {
		prctl(PR_SET_PDEATHSIG, SIGKILL);
		if (ptrace(PTRACE_TRACEME, 0, NULL, NULL))
			_exit(1);
		raise(SIGSTOP);
		act(rig);
		_exit(0);
	}
	assert_int_equal(waitpid(child, &status, 0), child);
	return WIFSTOPPED(status) ? child : 0;
}

static bool step(pid_t child)
{
	int status;

	return !ptrace(PTRACE_SINGLESTEP, child, NULL, NULL) &&
	       waitpid(child, &status, 0) == child && WIFSTOPPED(status);
}

/* A successor finds all entries whole, and all that were put but for what is counted as gone. */
static void check_step(struct rig *rig, const uint8_t *memory, bool adds_up)
{
	struct cache_counts counts;
	uint32_t found;

	memcpy(rig->memory, memory, RIG_BYTES);
	rig_reopen(rig);
	found = check_all(rig);
	counts = rig_counts(rig);
	assert_int_equal(found, counts.entries);
	assert_true(!adds_up || found + counts.evicted + counts.replaced >= counts.inserts);
}

/* A successor after every instruction that changes something, up to so many. Returns how many. */
static uint32_t walk(struct rig *rig, void (*act)(struct rig *rig), uint32_t most, bool adds_up)
{
	struct rig copy = *rig;
	uint8_t *before = malloc(RIG_BYTES);
	uint32_t changes = 0;
	pid_t child;

	prepare_steps(rig);
	copy.memory = aligned_alloc(4096, RIG_BYTES);
	copy.cache = cache_open(memset(copy.memory, 0, RIG_BYTES), RIG_BYTES, &rig_key);
	memcpy(before, rig->memory, RIG_BYTES);
	child = start_steps(rig, act);
	if (!child)
		skip();
	while (changes < most && step(child)) {
		if (!memcmp(before, rig->memory, RIG_BYTES))
			continue;
		memcpy(before, rig->memory, RIG_BYTES);
		check_step(&copy, before, adds_up);
		changes++;
	}
	kill(child, SIGKILL);
	waitpid(child, NULL, 0);
	cache_close(copy.cache);
	free(copy.memory);
	free(before);
	return changes;
}

static void test_a_kill_at_any_instruction_of_a_put_loses_only_what_goes(void **state)
{
	struct rig *rig = *state;
	uint32_t changes = walk(rig, put_some, UINT32_MAX, true);

	assert_true(changes > 10 * STEPPED);
	assert_int_equal(rig_counts(rig).inserts, 2 * KEYS + STEPPED);
}

static void test_a_kill_at_any_instruction_of_clear_leaves_no_half_of_a_slot(void **state)
{
	assert_int_equal(walk(*state, clear, CLEARED, false), CLEARED);
}

static void use(struct rig *rig)
{
	struct cache_hit hit;
	uint32_t sum = 0;

	for (uint32_t i = 0; i < KEYS; i++) {
		uint32_t number = (uint32_t)random_below(&rig->random, KEYS);

		if (rig_find(rig, number, TIME_S, 10, &hit)) {
			for (uint32_t at = 0; at < hit.answer.ttl_count; at++)
				sum += hit.answer.message.data[hit.answer.ttls[at] + 3];
			for (size_t at = 0; at < hit.answer.message.length; at++)
				sum += hit.answer.message.data[at];
		}
		if (i % 3 == 0)
			rig_put(rig, number, i, TIME_S);
	}
	rig_remove(rig, (struct slice){(const uint8_t *)"\3com", 5});
	assert_true(sum != 1); /* it is used */
}

/* Bytes anywhere, or all in the head and in the index, where they do more. */
static void damage(struct rig *rig, int round)
{
	size_t first = 40, end = RIG_BYTES, gap = round % 2 ? 1000 : 20;

	if (round % 3 == 1) {
		first = 4096;
		end = RIG_BYTES / 8;
	}
	if (round % 3 == 2) {
		first = 24; /* the ends of the log */
		end = 40;
		gap = 8;
	}
	for (size_t at = first; at < end; at += 1 + random_below(&rig->random, gap))
		rig->memory[at] ^= (uint8_t)(1u << random_below(&rig->random, 8));
}

/* Whatever lies there, nothing is read or written outside. */
static void test_damaged_memory_does_no_harm(void **state)
{
	struct rig *rig = *state;
	uint8_t *mapped = rig->memory, *end;

	rig->memory = aligned_alloc(4096, RIG_BYTES + 4096);
	memset(rig->memory, 0, RIG_BYTES + 4096);
	end = rig->memory + RIG_BYTES;
	rig_reopen(rig);
	for (int round = 0; round < DAMAGES; round++) {
		fill(rig);
		damage(rig, round);
		if (round % 4 || round % 3 == 2)
			rig_reopen(rig);
		use(rig);
		for (uint32_t i = 0; i < 4096; i++)
			assert_int_equal(end[i], 0);
	}
	free(rig->memory);
	rig->memory = mapped;
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, rig_set_up, rig_tear_down)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(test_a_successor_finds_all),
		TEST(test_another_key_or_size_begins_anew),
		TEST(test_a_size_of_its_own_begins_anew),
		TEST(test_a_kill_leaves_every_entry_whole_or_gone),
		TEST(test_a_kill_in_the_beginning_leaves_nothing_or_a_cache),
		TEST(test_a_kill_at_any_instruction_of_a_put_loses_only_what_goes),
		TEST(test_a_kill_at_any_instruction_of_clear_leaves_no_half_of_a_slot),
		TEST(test_damaged_memory_does_no_harm),
	};

	cmocka_set_message_output(CM_OUTPUT_TAP);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
