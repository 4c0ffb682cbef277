/* SPDX-License-Identifier: BSD-3-Clause */
/* What a table of streams promises to the successor of a process that was killed. */
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <setjmp.h>
#include <cmocka.h>
#include <signal.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

#include "streams_rig.h"

#define PORT	  53
#define STREAMS	  5
#define MESSAGE	  100
#define WHOLE	  (MESSAGE + 2)
#define SPAN	  1000 /* messages after which the numbers of a stream begin again */
#define OPERATION INT64_C(1000000)

/* Nothing is evicted with these. */
static const struct streams_limits roomy = {
	.entry_count = 8,
	.buffer_bytes = 256 << 10,
	.stream_bytes = 32 << 10,
	.hole_bytes = 4 << 10,
	.hole_ns = 40 * OPERATION,
	.timeout_ns = 700 * OPERATION,
};
static const struct streams_limits tight = {
	.entry_count = 3,
	.buffer_bytes = 8 << 10,
	.stream_bytes = 8 << 10,
	.hole_bytes = 4 << 10,
	.hole_ns = 40 * OPERATION,
	.timeout_ns = 700 * OPERATION,
};

static uint8_t bytes[SPAN * WHOLE];

static int setup(void **state)
{
	static struct rig rig;

	for (unsigned i = 0; i < SPAN; i++)
		message_write(bytes + i * WHOLE, i, MESSAGE);
	rig_open(&rig, &roomy);
	*state = &rig;
	return 0;
}

static int teardown(void **state)
{
	rig_close(*state);
	return 0;
}

/* The segment that comes at this place of a run: mostly a little further than the one before, at
 * times late, early, repeated or the end of its stream. */
static struct packet segment_at(uint32_t place)
{
	uint64_t seed = (place + 1) * UINT64_C(0x9e3779b97f4a7c15);
	uint32_t stream = chance(&seed, STREAMS), kind = chance(&seed, 100);
	uint32_t at = place * 30 + chance(&seed, 400), length = 1 + chance(&seed, 500);
	uint8_t flags = kind == 0 ? FIN : kind == 1 ? RST : 0;

	if (kind > 90)
		length = 2;
	at %= sizeof(bytes);
	if (kind > 50 || kind == 2)
		at -= at % WHOLE;
	if (at + length > sizeof(bytes))
		length = (uint32_t)sizeof(bytes) - at;
	if (kind == 2)
		return rig_segment(stream, at - 1, NULL, 0, SYN);
	return rig_segment(stream, at, bytes + at, length, flags);
}

/* What belongs to a message is known by its number, but not which comes next. */
static void take_any(struct rig *rig, struct slice message, const struct packet *packet)
{
	if (!message_is_sound(message) || packet->source_port >= STREAMS)
		abort();
	rig->messages++;
	rig->next[packet->source_port] += be16_load(message.data);
}

/* As rig_take, for streams with holes. */
static unsigned take(struct rig *rig, struct piece_counts *counts, unsigned limit)
{
	struct packet packet;
	struct slice message;
	unsigned taken = 0;

	for (; taken < limit; taken++) {
		bool is_message =
			streams_next(rig->streams, rig->committed + 1, &packet, &message, counts);

		if (is_message)
			take_any(rig, message, &packet);
		rig_commit(rig, counts);
		if (!rig_is_balanced(rig))
			abort();
		*counts = (struct piece_counts){0};
		if (!is_message)
			return taken;
	}
	return taken;
}

static void add(struct rig *rig, const struct packet *segment)
{
	struct piece_counts counts = {0};

	streams_add(rig->streams, segment, false, rig->committed + 1, rig->now_ns, &counts);
	take(rig, &counts, UINT32_MAX);
}

static void expire(struct rig *rig)
{
	struct piece_counts counts = {0};

	while (streams_expire(rig->streams, rig->committed + 1, rig->now_ns, &counts))
		take(rig, &counts, UINT32_MAX);
}

/* Changes a lot in the step that is not committed. */
static void waste(struct rig *rig, uint64_t *seed)
{
	struct piece_counts counts = {0};
	struct packet packet, segment;
	struct slice message;

	for (uint32_t i = chance(seed, 4); i; i--) {
		segment = segment_at(chance(seed, 100000));
		streams_add(rig->streams, &segment, false, rig->committed + 1, rig->now_ns,
			    &counts);
		while (streams_next(rig->streams, rig->committed + 1, &packet, &message, &counts))
			;
	}
	if (!chance(seed, 4))
		streams_flush(rig->streams, rig->committed + 1, &counts);
	if (!chance(seed, 4))
		streams_expire(rig->streams, rig->committed + 1, INT64_MAX / 2, &counts);
}

/* As add, but the process dies on the way. */
static void add_killed(struct rig *rig, const struct packet *segment, uint64_t *seed)
{
	struct piece_counts counts = {0};
	unsigned taken, limit = chance(seed, 4);

	streams_add(rig->streams, segment, false, rig->committed + 1, rig->now_ns, &counts);
	taken = take(rig, &counts, limit);
	waste(rig, seed);
	rig_reopen(rig);
	if (taken < limit)
		return;
	counts = (struct piece_counts){0};
	streams_add(rig->streams, segment, taken, rig->committed + 1, rig->now_ns, &counts);
	take(rig, &counts, UINT32_MAX);
}

static void expire_killed(struct rig *rig, uint64_t *seed)
{
	struct piece_counts counts = {0};

	if (streams_expire(rig->streams, rig->committed + 1, rig->now_ns, &counts))
		take(rig, &counts, chance(seed, 3));
	waste(rig, seed);
	rig_reopen(rig);
	expire(rig);
}

static void test_streams_give_rest_of_segment_to_successor(void **state)
{
	struct packet segment = rig_segment(PORT, 0, bytes, 5 * WHOLE + 7, 0);
	struct rig *rig = *state;

	for (unsigned committed = 0; committed <= 5; committed++) {
		struct piece_counts counts = {0};

		rig_close(rig);
		rig_open(rig, &roomy);
		streams_add(rig->streams, &segment, false, 1, 1, &counts);
		assert_int_equal(rig_take(rig, &counts, committed), committed);
		rig_reopen(rig);
		counts = (struct piece_counts){0};
		streams_add(rig->streams, &segment, committed, rig->committed + 1, 1, &counts);
		assert_int_equal(rig_take(rig, &counts, UINT32_MAX), 5 - committed);
		assert_int_equal(rig->missed, 0);
		assert_int_equal(rig->counts.in, 1);
		assert_int_equal(rig_held(rig), 1);
		assert_int_equal(
			rig_give(rig, PORT, 5 * WHOLE + 7, bytes + 5 * WHOLE + 7, WHOLE - 7, 0), 1);
		assert_int_equal(rig_held(rig), 0);
	}
}

static void test_streams_leave_no_trace_of_step_not_committed(void **state)
{
	struct piece_counts counts = {0};
	struct rig *rig = *state;
	struct packet segment = rig_segment(PORT, 50, bytes + 50, WHOLE, 0), packet;
	struct slice message;

	rig_give(rig, PORT, 0, bytes, 50, 0);
	rig_give(rig, PORT, WHOLE + 60, bytes + WHOLE + 60, 10, 0);
	for (unsigned i = 0; i < 3; i++) {
		streams_add(rig->streams, &segment, false, rig->committed + 1, 1, &counts);
		assert_true(
			streams_next(rig->streams, rig->committed + 1, &packet, &message, &counts));
		assert_false(
			streams_next(rig->streams, rig->committed + 1, &packet, &message, &counts));
		rig_reopen(rig);
		assert_int_equal(rig_held(rig), 2);
	}
	assert_int_equal(rig_add(rig, &segment), 1);
	assert_true(rig_is_balanced(rig));
}

static void test_streams_count_segment_that_never_came_again(void **state)
{
	struct packet segment = rig_segment(PORT, 0, bytes, 3 * WHOLE, 0);
	struct piece_counts counts = {0};
	struct rig *rig = *state;

	streams_add(rig->streams, &segment, false, 1, 1, &counts);
	assert_int_equal(rig_take(rig, &counts, 1), 1);
	rig_reopen(rig);
	assert_int_equal(rig_held(rig), 1);
	assert_int_equal(rig_give(rig, PORT, WHOLE, bytes + WHOLE, WHOLE, 0), 1);
	assert_int_equal(rig->counts.dropped[PIECE_OUT_OF_SYNC], 1);
	assert_true(rig_is_balanced(rig));
}

static void test_streams_give_messages_behind_hole_to_successor(void **state)
{
	struct rig *rig = *state;

	rig_give(rig, PORT, 0, bytes, 50, 0);
	rig_give(rig, PORT, 2 * WHOLE, bytes + 2 * WHOLE, 5 * WHOLE, 0);
	rig->now_ns += roomy.hole_ns;
	for (unsigned i = 0; i < 5; i++) {
		struct piece_counts counts = {0};

		assert_true(streams_expire(rig->streams, rig->committed + 1, rig->now_ns, &counts));
		assert_int_equal(rig_take(rig, &counts, 1), 1);
		rig_reopen(rig);
	}
	assert_int_equal(rig_expire(rig), 0);
	assert_true(rig_is_balanced(rig));
	assert_int_equal(rig_held(rig), 0);
	assert_int_equal(rig->missed, 2);
}

static void test_streams_end_flush_of_process_that_died(void **state)
{
	struct piece_counts counts = {0};
	struct rig *rig = *state;

	rig_give(rig, PORT, 0, bytes, 50, 0);
	rig_give(rig, PORT, 2 * WHOLE, bytes + 2 * WHOLE, 2 * WHOLE, 0);
	assert_true(streams_flush(rig->streams, rig->committed + 1, &counts));
	assert_int_equal(rig_take(rig, &counts, 1), 1);
	rig_reopen(rig);
	assert_int_equal(rig_flush(rig), 1);
	assert_int_equal(rig_held(rig), 0);
}

static void assert_twins(const struct rig *rig, const struct rig *twin)
{
	assert_memory_equal(&rig->counts, &twin->counts, sizeof(rig->counts));
	assert_memory_equal(rig->next, twin->next, sizeof(rig->next));
	assert_int_equal(rig->messages, twin->messages);
	assert_int_equal(rig_held(rig), rig_held(twin));
}

static void test_streams_go_on_as_if_nobody_died(void **state)
{
	static struct rig twin;
	struct rig *rig = *state;
	uint64_t seed = 815;

	rig_open(&twin, &roomy);
	for (uint32_t place = 0; place < 20000; place++) {
		struct packet segment = segment_at(place);

		rig->now_ns += OPERATION;
		twin.now_ns = rig->now_ns;
		add(&twin, &segment);
		if (chance(&seed, 3))
			add(rig, &segment);
		else
			add_killed(rig, &segment, &seed);
		assert_twins(rig, &twin);
		expire(&twin);
		if (chance(&seed, 3))
			expire(rig);
		else
			expire_killed(rig, &seed);
		assert_twins(rig, &twin);
	}
	for (int cause = 0; cause < PIECE_CAUSE_COUNT; cause++)
		assert_true(rig->counts.dropped[cause] || cause == PIECE_OVERLAP ||
			    cause == PIECE_ENTRIES || cause == PIECE_INVALID ||
			    cause == PIECE_RESHARDED);
	rig_close(&twin);
}

static void test_streams_keep_ledger_when_killed_at_limits(void **state)
{
	struct rig *rig = *state;
	uint64_t seed = 816;

	rig_close(rig);
	rig_open(rig, &tight);
	for (uint32_t place = 0; place < 20000; place++) {
		struct packet segment = segment_at(place);

		rig->now_ns += OPERATION;
		add_killed(rig, &segment, &seed);
		expire_killed(rig, &seed);
	}
	assert_true(rig->counts.dropped[PIECE_BYTES] && rig->counts.dropped[PIECE_ENTRIES]);
}

/* What the child commits; the supervisor would lend it. */
struct progress {
	volatile uint32_t which;
	struct {
		struct rig rig;
		uint32_t place;
		uint32_t message; /* of that place */
	} saved[2];
};

#define PLACES 100000

static void save(struct progress *progress, const struct rig *rig, uint32_t place, uint32_t message)
{
	uint32_t other = !progress->which;

	progress->saved[other].rig = *rig;
	progress->saved[other].place = place;
	progress->saved[other].message = message;
	__asm__ __volatile__("" ::: "memory");
	progress->which = other;
}

/* Takes all messages; what is saved names the next one of this place. */
static void take_and_save(struct progress *progress, struct rig *rig, struct piece_counts *counts,
			  uint32_t place, uint32_t message)
{
	while (take(rig, counts, 1))
		save(progress, rig, place, ++message);
	save(progress, rig, place + 1, 0);
}

static void expire_and_save(struct progress *progress, struct rig *rig, uint32_t place)
{
	struct piece_counts counts = {0};

	while (streams_expire(rig->streams, rig->committed + 1, rig->now_ns, &counts)) {
		while (take(rig, &counts, 1))
			save(progress, rig, place, 0);
		save(progress, rig, place, 0);
	}
}

static void run(struct progress *progress)
{
	struct rig rig = progress->saved[progress->which].rig;
	uint32_t place = progress->saved[progress->which].place;
	uint32_t message = progress->saved[progress->which].message;

	rig_attach(&rig);
	for (; place < PLACES; place++, message = 0) {
		struct packet segment = segment_at(place);
		struct piece_counts counts = {0};

		/* What the process before did not end; where it died amid a segment there is none.
		 */
		if (!message)
			expire_and_save(progress, &rig, place);
		rig.now_ns = (place + 1) * OPERATION;
		streams_add(rig.streams, &segment, message, rig.committed + 1, rig.now_ns, &counts);
		take_and_save(progress, &rig, &counts, place, message);
	}
	streams_close(rig.streams);
}

static void *shared_memory(size_t size)
{
	void *memory = mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);

	assert_ptr_not_equal(memory, MAP_FAILED);
	return memory;
}

static void run_and_kill(struct progress *progress, uint64_t *seed)
{
	pid_t pid = fork();
	int status;

	assert_true(pid >= 0);
	if (!pid) {
		run(progress);
		_exit(0);
	}
	usleep(500 + chance(seed, 5000));
	kill(pid, SIGKILL);
	assert_int_equal(waitpid(pid, &status, 0), pid);
	assert_true(WIFSIGNALED(status) ? WTERMSIG(status) == SIGKILL : !WEXITSTATUS(status));
}

static void test_streams_survive_sigkill(void **state)
{
	size_t size = streams_memory_size(&roomy);
	struct progress *progress = shared_memory(sizeof(*progress));
	struct progress *twin = shared_memory(sizeof(*twin));
	struct rig *rig, *other;
	uint64_t seed = 42;
	unsigned kills = 0;

	(void)state;
	progress->saved[0].rig = (struct rig){.limits = roomy, .memory = shared_memory(size)};
	twin->saved[0].rig = (struct rig){.limits = roomy, .memory = shared_memory(size)};
	for (; progress->saved[progress->which].place < PLACES; kills++)
		run_and_kill(progress, &seed);
	assert_true(kills > 10);
	run(twin);
	rig = &progress->saved[progress->which].rig;
	other = &twin->saved[twin->which].rig;
	assert_memory_equal(&rig->counts, &other->counts, sizeof(rig->counts));
	assert_memory_equal(rig->next, other->next, sizeof(rig->next));
	assert_int_equal(rig->messages, other->messages);
	rig_attach(rig);
	assert_true(rig_is_balanced(rig));
	streams_close(rig->streams);
	munmap(rig->memory, size);
	munmap(other->memory, size);
	munmap(progress, sizeof(*progress));
	munmap(twin, sizeof(*twin));
}

static void damage(struct rig *rig, uint64_t *seed)
{
	size_t size = streams_memory_size(&rig->limits);
	/* What is not the bytes of pieces lies at the front. */
	uint32_t reach = chance(seed, 4) ? 6000 : (uint32_t)size;

	for (uint32_t i = 1 + chance(seed, 20); i; i--) {
		uint8_t *at = (uint8_t *)rig->memory + chance(seed, reach);

		*at = chance(seed, 2) ? (uint8_t)(*at + 1) : (uint8_t)chance(seed, 256);
	}
}

static void work_without_check(struct rig *rig, uint64_t *seed)
{
	struct piece_counts counts = {0};
	uint64_t held = rig_held(rig), dropped = 0;
	struct packet packet;
	struct slice message;

	for (unsigned i = 0; i < 60; i++) {
		struct packet segment = segment_at(chance(seed, 3000));

		rig->committed++;
		if (i < 40)
			streams_add(rig->streams, &segment, !chance(seed, 4), rig->committed,
				    rig->now_ns, &counts);
		else if (i < 50)
			streams_expire(rig->streams, rig->committed, rig->now_ns + i * OPERATION,
				       &counts);
		else
			streams_flush(rig->streams, rig->committed, &counts);
		while (streams_next(rig->streams, rig->committed, &packet, &message, &counts))
			rig->committed++;
	}
	for (int cause = 0; cause < PIECE_CAUSE_COUNT; cause++)
		dropped += counts.dropped[cause];
	assert_int_equal(held + counts.in, counts.used + dropped + rig_held(rig));
}

static void test_streams_bear_damaged_memory(void **state)
{
	struct rig *rig = *state;
	uint64_t seed = 123;

	for (unsigned round = 0; round < 3000; round++) {
		uint32_t place = chance(&seed, 2000);

		rig_close(rig);
		rig_open(rig, round % 2 ? &roomy : &tight);
		for (uint32_t end = place + 60; place < end; place++) {
			struct packet segment = segment_at(place);

			rig->now_ns += OPERATION;
			add(rig, &segment);
		}
		streams_close(rig->streams);
		damage(rig, &seed);
		rig_attach(rig);
		work_without_check(rig, &seed);
	}
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void)
{
	static const struct CMUnitTest tests[] = {
		TEST(test_streams_give_rest_of_segment_to_successor),
		TEST(test_streams_leave_no_trace_of_step_not_committed),
		TEST(test_streams_count_segment_that_never_came_again),
		TEST(test_streams_give_messages_behind_hole_to_successor),
		TEST(test_streams_end_flush_of_process_that_died),
		TEST(test_streams_go_on_as_if_nobody_died),
		TEST(test_streams_keep_ledger_when_killed_at_limits),
		TEST(test_streams_survive_sigkill),
		TEST(test_streams_bear_damaged_memory),
	};

	cmocka_set_message_output(CM_OUTPUT_TAP);
	return cmocka_run_group_tests_name("streams_recovery", tests, NULL, NULL);
}
