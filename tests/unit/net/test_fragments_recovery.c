/* SPDX-License-Identifier: BSD-3-Clause */
/* What a table of fragments promises to the successor of a process that was killed. */
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <setjmp.h>
#include <cmocka.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

#include "net/fragments.h"

#define CHUNKS	     8
#define SPARE_CHUNKS (4 * 33)

static const struct fragments_limits limits = {
	.entry_count = 4, .buffer_bytes = CHUNKS * 2048, .piece_count = 6, .timeout_ns = 3000};

static uint8_t pattern[70000];

static size_t memory_size(void)
{
	return (fragments_memory_size(&limits) + 63) & ~(size_t)63;
}

static uint8_t *memory_new(void)
{
	uint8_t *memory = aligned_alloc(64, memory_size());

	assert_non_null(memory);
	return memset(memory, 0, memory_size());
}

/* Every process has a hash key of its own. */
static struct fragments *fragments_of(void *memory, uint64_t committed_step)
{
	struct hash_key key = {{(uint64_t)rand(), (uint64_t)rand()}};

	return fragments_open(memory, &limits, &key, committed_step);
}

static uint32_t mix(uint32_t value)
{
	value = (value ^ value >> 16) * 0x45d9f3bu;
	value = (value ^ value >> 16) * 0x45d9f3bu;
	return value ^ value >> 16;
}

/* The piece that comes at this place of the run; mostly of few datagrams in a sane cut. */
static struct packet piece_at(uint32_t position)
{
	static const uint32_t sizes[] = {8, 80, 512, 1480, 2048, 3000};
	uint32_t luck = mix(position), id = luck % 8 & luck >> 8, place = luck >> 16 & 3;
	uint32_t size = sizes[id % 6];
	struct packet piece = {.source = {{1}, 4}, .destination = {{2}, 4}, .protocol = 17};

	piece.fragment_id = id;
	piece.fragment_offset = place * size;
	piece.more_fragments = place != 3;
	piece.payload.length = place == 3 ? size / 2 + 1 : size;
	if ((luck >> 20) % 64 == 0)
		piece.fragment_offset = 8 * (luck >> 26);
	if ((luck >> 20) % 64 == 1)
		piece.payload.length = luck >> 27;
	if ((luck >> 20) % 64 == 2)
		piece.fragment_id = luck >> 8;
	piece.payload.data = pattern + id + piece.fragment_offset;
	return piece;
}

static uint32_t sum_of(const uint8_t *bytes, size_t length)
{
	uint32_t sum = (uint32_t)length;

	for (size_t i = 0; i < length; i += 7)
		sum = sum * 31 + bytes[i];
	return sum;
}

/* What one position of the run does to a table; returns a sum over what came out. */
static uint32_t play(struct fragments *fragments, uint32_t position, uint64_t step,
		     struct piece_counts *counts)
{
	struct packet piece = piece_at(position), whole;
	int64_t now_ns = (int64_t)position * 100;
	uint32_t sum = 0;

	if (fragments_add(fragments, &piece, step, now_ns, &whole, counts))
		sum = sum_of(whole.payload.data, whole.payload.length);
	if (position % 16 == 0)
		while (fragments_expire(fragments, step, now_ns, counts))
			;
	return sum;
}

static void test_fragments_forget_steps_that_were_not_committed(void **state)
{
	uint8_t *memory = memory_new(), *twin_memory = memory_new();
	struct fragments *fragments = fragments_of(memory, 0);
	struct fragments *twin = fragments_of(twin_memory, 0);
	struct piece_counts counts = {0}, twin_counts = {0}, lost;
	uint32_t position = 0, kills = 0;

	(void)state;
	for (uint64_t step = 1; position < 60000; step++) {
		uint32_t more = 1 + (uint32_t)rand() % 3;

		if (rand() % 4 == 0) {
			for (int i = rand() % 6; i >= 0; i--)
				play(fragments, position + (uint32_t)rand() % 20, step, &lost);
			fragments_close(fragments);
			fragments = fragments_of(memory, step - 1);
			kills++;
		}
		for (; more; more--, position++)
			assert_int_equal(play(fragments, position, step, &counts),
					 play(twin, position, step, &twin_counts));
		assert_memory_equal(&counts, &twin_counts, sizeof(counts));
		assert_int_equal(fragments_held(fragments), fragments_held(twin));
	}
	assert_true(kills > 1000);
	for (int cause = 0; cause <= PIECE_INVALID; cause++)
		assert_true(counts.dropped[cause] > 100);
	fragments_close(fragments);
	fragments_close(twin);
	free(memory);
	free(twin_memory);
}

/* What a run has come to. Kept twice: a commit writes the other one, then turns over. */
struct progress {
	uint64_t step;
	uint32_t position;
	uint32_t sum;
	struct piece_counts counts;
};

struct run {
	struct progress progress[2];
	volatile uint32_t current;
	_Alignas(64) uint8_t memory[];
};

static void advance(struct fragments *fragments, struct run *run)
{
	const struct progress *now = &run->progress[run->current];
	struct progress *next = &run->progress[!run->current];

	*next = *now;
	next->step++;
	for (int i = 0; i < 2; i++, next->position++)
		next->sum =
			next->sum * 33 + play(fragments, next->position, next->step, &next->counts);
	__asm__ __volatile__("" ::: "memory");
	run->current = !run->current;
	__asm__ __volatile__("" ::: "memory");
}

static void work(struct run *run, uint32_t until)
{
	struct fragments *fragments = fragments_of(run->memory, run->progress[run->current].step);

	while (run->progress[run->current].position < until)
		advance(fragments, run);
	fragments_close(fragments);
}

static struct run *run_new(void)
{
	size_t size = sizeof(struct run) + memory_size();
	struct run *run =
		mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);

	assert_ptr_not_equal(run, MAP_FAILED);
	return run;
}

static void check_run(struct run *run, const struct run *unhurt)
{
	const struct progress *end = &run->progress[run->current];
	struct fragments *fragments = fragments_of(run->memory, end->step);
	uint64_t sum = end->counts.used + fragments_held(fragments);

	for (int cause = 0; cause < PIECE_CAUSE_COUNT; cause++)
		sum += end->counts.dropped[cause];
	assert_int_equal(end->counts.in, sum);
	assert_memory_equal(end, &unhurt->progress[unhurt->current], sizeof(*end));
	fragments_close(fragments);
}

static void test_fragments_go_on_exactly_after_sigkill(void **state)
{
	struct run *run = run_new(), *unhurt = run_new();
	uint32_t kills = 0, until = 0;
	int status = 0;

	(void)state;
	while (kills < 400) {
		pid_t child = fork();

		if (!child) {
			work(run, UINT32_MAX);
			_exit(0);
		}
		usleep((useconds_t)(rand() % 4000));
		kill(child, SIGKILL);
		assert_int_equal(waitpid(child, &status, 0), child);
		assert_true(WIFSIGNALED(status) && WTERMSIG(status) == SIGKILL);
		kills++;
	}
	until = run->progress[run->current].position;
	assert_true(until > 1000);
	work(unhurt, until);
	check_run(run, unhurt);
	munmap(run, sizeof(struct run) + memory_size());
	munmap(unhurt, sizeof(struct run) + memory_size());
}

static void damage(uint8_t *memory)
{
	size_t links = memory_size() - (CHUNKS + SPARE_CHUNKS) * 4;
	size_t entries = links - (CHUNKS + SPARE_CHUNKS) * 2048;

	for (int i = rand() % 10; i >= 0; i--) {
		size_t at = (size_t)rand() % entries;

		if (rand() % 8 == 0)
			at = links + (size_t)rand() % (memory_size() - links);
		memory[at] = (uint8_t)(rand() % 2 ? rand() : memory[at] ^ 1 << rand() % 8);
	}
}

static void test_fragments_survive_damaged_memory(void **state)
{
	uint8_t *memory = memory_new();
	uint32_t position = 0;
	uint64_t step = 1;

	(void)state;
	for (uint32_t round = 0; round < 20000; round++) {
		struct fragments *fragments = fragments_of(memory, step);
		struct piece_counts counts = {0};
		uint64_t before = fragments_held(fragments), sum;

		for (int i = rand() % 40; i >= 0; i--)
			play(fragments, position++, ++step, &counts);
		sum = counts.used + fragments_held(fragments);
		for (int cause = 0; cause < PIECE_CAUSE_COUNT; cause++)
			sum += counts.dropped[cause];
		assert_int_equal(before + counts.in, sum);
		fragments_close(fragments);
		damage(memory);
	}
	free(memory);
}

static void test_fragments_open_on_noise(void **state)
{
	uint8_t *memory = memory_new();

	(void)state;
	for (uint32_t round = 0; round < 200; round++) {
		struct piece_counts counts = {0};
		struct fragments *fragments;

		for (size_t i = 0; i < memory_size(); i++)
			memory[i] = (uint8_t)(rand() % (round % 2 ? 256 : 3));
		fragments = fragments_of(memory, UINT64_MAX / 2);
		for (uint32_t i = 0; i < 100; i++)
			play(fragments, i, UINT64_MAX / 2 + 1 + i, &counts);
		fragments_close(fragments);
	}
	free(memory);
}

int main(void)
{
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_fragments_forget_steps_that_were_not_committed),
		cmocka_unit_test(test_fragments_go_on_exactly_after_sigkill),
		cmocka_unit_test(test_fragments_survive_damaged_memory),
		cmocka_unit_test(test_fragments_open_on_noise),
	};

	cmocka_set_message_output(CM_OUTPUT_TAP);
	srand(11);
	for (size_t i = 0; i < sizeof(pattern); i++)
		pattern[i] = (uint8_t)(i * 31 + i / 255);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
