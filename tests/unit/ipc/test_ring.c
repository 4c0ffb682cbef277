/* SPDX-License-Identifier: BSD-3-Clause */
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <setjmp.h>
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <pthread.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>
#include <cmocka.h>

#include "base/clock.h"
#include "ipc/commit.h"
#include "ipc/memory.h"
#include "ipc/ring.h"

#define LARGE_BYTES    (256u << 10)
#define MODEL_RECORDS  20000
#define LOAD_RECORDS   100000
#define THREAD_RECORDS 50000
#define KILLS	       150
#define PATIENCE_MS    20000 /* a wake-up that takes longer was missed */

struct rig {
	struct ring_fds fds; /* what the supervisor has */
	size_t data_bytes;
	struct ring_producer producer;
	struct ring_consumer consumer;
	/* What a liar may write: the data, and both sides' words. */
	uint8_t *data;
	struct ring_head *head;
	struct ring_tail *tail;
};

static struct rig rig;

static int make_rig(size_t data_bytes)
{
	rig.data_bytes = data_bytes;
	rig.fds.head = memory_create("head", ring_memory_size(data_bytes));
	rig.fds.tail = memory_create("tail", sizeof(struct ring_tail));
	rig.fds.bell = eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC);
	rig.data = memory_map(rig.fds.head, ring_memory_size(data_bytes), true);
	rig.head = (struct ring_head *)(rig.data + data_bytes);
	rig.tail = memory_map(rig.fds.tail, sizeof(struct ring_tail), true);
	return ring_open_producer(&rig.producer, &rig.fds, data_bytes, RING_PUBLISHED) ||
	       ring_open_consumer(&rig.consumer, &rig.fds, data_bytes, RING_PUBLISHED);
}

static int setup_small(void **state)
{
	(void)state;
	return make_rig((size_t)sysconf(_SC_PAGESIZE));
}

static int setup_large(void **state)
{
	(void)state;
	return make_rig(LARGE_BYTES);
}

static int teardown(void **state)
{
	(void)state;
	ring_close_producer(&rig.producer);
	ring_close_consumer(&rig.consumer);
	munmap(rig.data, ring_memory_size(rig.data_bytes));
	munmap(rig.tail, sizeof(*rig.tail));
	close(rig.fds.head);
	close(rig.fds.tail);
	close(rig.fds.bell);
	return 0;
}

static void reopen_producer(uint64_t position)
{
	ring_close_producer(&rig.producer);
	assert_int_equal(ring_open_producer(&rig.producer, &rig.fds, rig.data_bytes, position), 0);
}

static void reopen_consumer(uint64_t position)
{
	ring_close_consumer(&rig.consumer);
	assert_int_equal(ring_open_consumer(&rig.consumer, &rig.fds, rig.data_bytes, position), 0);
}

/* Byte i of record number is number + i. */
static bool push(uint32_t number, uint32_t length)
{
	uint8_t *room = ring_reserve(&rig.producer, length);

	if (!room)
		return false;
	for (uint32_t i = 0; i < length; i++)
		room[i] = (uint8_t)(number + i);
	ring_finish(&rig.producer, length);
	return true;
}

static void assert_popped(uint32_t number, uint32_t length)
{
	struct slice record = {0};

	assert_int_equal(ring_pop(&rig.consumer, &record), RING_RECORD);
	assert_int_equal(record.length, length);
	assert_int_equal((uintptr_t)record.data % RING_ALIGNMENT, 0);
	for (uint32_t i = 0; i < length; i++)
		if (record.data[i] != (uint8_t)(number + i))
			fail_msg("record %u differs at %u", number, i);
}

static void assert_result(enum ring_result expected)
{
	struct slice record;

	assert_int_equal(ring_pop(&rig.consumer, &record), expected);
}

/* After whatever was written, the two sides understand each other again. */
static void assert_recovers(void)
{
	struct slice record;

	ring_publish(&rig.producer);
	while (ring_pop(&rig.consumer, &record) != RING_EMPTY)
		;
	ring_release(&rig.consumer);
	assert_true(rig.consumer.position == rig.producer.position);
	assert_true(push(77, 100));
	ring_publish(&rig.producer);
	assert_popped(77, 100);
	assert_result(RING_EMPTY);
}

static void test_ring_delivers_what_is_published(void **state)
{
	(void)state;
	assert_result(RING_EMPTY);
	for (uint32_t i = 0; i < 5; i++)
		assert_true(push(i, i + 1));
	assert_result(RING_EMPTY);
	ring_publish(&rig.producer);
	assert_true(push(5, 6));
	for (uint32_t i = 0; i < 5; i++)
		assert_popped(i, i + 1);
	assert_result(RING_EMPTY);
}

static void test_ring_reserve_fails_when_full(void **state)
{
	uint32_t half = (uint32_t)rig.data_bytes / 2 - RING_ALIGNMENT;

	(void)state;
	assert_true(push(0, half));
	assert_true(push(1, half));
	assert_false(push(2, 1));
	ring_publish(&rig.producer);
	assert_popped(0, half);
	assert_false(push(2, 1));
	ring_release(&rig.consumer);
	assert_true(push(2, half));
	assert_false(push(3, 1));
	ring_publish(&rig.producer);
	assert_popped(1, half);
	assert_popped(2, half);
	assert_result(RING_EMPTY);
}

static void test_ring_takes_one_record_as_large_as_itself(void **state)
{
	uint32_t most = (uint32_t)rig.data_bytes - RING_ALIGNMENT;

	(void)state;
	assert_null(ring_reserve(&rig.producer, most + 1));
	assert_true(push(1, most));
	ring_publish(&rig.producer);
	assert_popped(1, most);
}

static void test_ring_wraps_at_every_offset(void **state)
{
	uint32_t length = (uint32_t)rig.data_bytes / 2; /* odd strides: all offsets come */

	(void)state;
	for (uint32_t i = 0; i < 2 * rig.data_bytes / RING_ALIGNMENT; i++) {
		assert_true(push(i, length - i % RING_ALIGNMENT));
		ring_publish(&rig.producer);
		assert_popped(i, length - i % RING_ALIGNMENT);
		ring_release(&rig.consumer);
		assert_int_equal(rig.tail->tail, (i + 1) * (uint64_t)ring_stride(length));
	}
}

static void test_ring_finish_may_be_shorter_than_reserved(void **state)
{
	uint8_t *room = ring_reserve(&rig.producer, 1000);

	(void)state;
	assert_non_null(room);
	room[0] = 9;
	assert_int_equal(ring_finish(&rig.producer, 1), 2 * RING_ALIGNMENT);
	ring_publish(&rig.producer);
	assert_popped(9, 1);
}

static void test_ring_behaves_like_a_queue(void **state)
{
	uint32_t pushed = 0, published = 0, popped = 0;
	static uint32_t lengths[MODEL_RECORDS];

	(void)state;
	srand(7);
	while (popped < MODEL_RECORDS) {
		for (int n = rand() % 40; n && pushed < MODEL_RECORDS; n--) {
			uint32_t most = rand() % 50 ? 600 : RING_RECORD_MAX;

			lengths[pushed] = 1 + (uint32_t)rand() % most;
			pushed += push(pushed, lengths[pushed]);
		}
		if (rand() % 2) {
			ring_publish(&rig.producer);
			published = pushed;
		}
		for (int n = rand() % 40; n && popped < published; n--, popped++)
			assert_popped(popped, lengths[popped]);
		if (popped == published)
			assert_result(RING_EMPTY);
		if (rand() % 2)
			ring_release(&rig.consumer);
	}
}

static void test_successor_of_producer_goes_on_at_the_commit(void **state)
{
	uint64_t committed;

	(void)state;
	assert_true(push(1, 10));
	ring_publish(&rig.producer);
	assert_true(push(2, 20));
	committed = rig.producer.position; /* killed before it was published */
	reopen_producer(committed);
	assert_popped(1, 10);
	assert_popped(2, 20);
	assert_true(push(3, 30)); /* killed before it was committed */
	assert_non_null(ring_reserve(&rig.producer, 5));
	reopen_producer(committed);
	assert_result(RING_EMPTY);
	assert_true(push(4, 40));
	ring_publish(&rig.producer);
	assert_popped(4, 40);
	reopen_producer(rig.producer.position);
	assert_result(RING_EMPTY);
	reopen_producer(RING_PUBLISHED);
	assert_recovers();
}

static void test_successor_of_consumer_goes_on_at_tail_or_position(void **state)
{
	uint64_t position;

	(void)state;
	for (uint32_t i = 0; i < 4; i++)
		assert_true(push(i, 10));
	ring_publish(&rig.producer);
	assert_popped(0, 10);
	ring_release(&rig.consumer);
	assert_popped(1, 10);
	position = rig.consumer.position;
	assert_popped(2, 10);
	reopen_consumer(RING_PUBLISHED);
	assert_popped(1, 10);
	reopen_consumer(position);
	assert_int_equal(rig.tail->tail, position);
	assert_popped(2, 10);
	assert_popped(3, 10);
	assert_result(RING_EMPTY);
}

static void test_position_that_nobody_left_is_refused(void **state)
{
	struct ring_producer producer;
	static struct ring_consumer consumer;
	uint64_t at;

	(void)state;
	assert_true(push(1, 100));
	ring_publish(&rig.producer);
	assert_popped(1, 100);
	ring_release(&rig.consumer);
	at = rig.producer.position;
	const uint64_t wrong[] = {at - 8, at + 4, at + rig.data_bytes + 8, 0, UINT64_MAX - 7};

	for (size_t i = 0; i < sizeof(wrong) / sizeof(wrong[0]); i++) {
		assert_int_equal(ring_open_producer(&producer, &rig.fds, rig.data_bytes, wrong[i]),
				 -ERANGE);
		assert_int_equal(ring_open_consumer(&consumer, &rig.fds, rig.data_bytes, wrong[i]),
				 -ERANGE);
	}
	assert_int_equal(rig.head->head, at);
}

static void test_memory_of_another_size_is_refused(void **state)
{
	const size_t sizes[] = {0, 64, 2 * rig.data_bytes, rig.data_bytes + 4096};
	struct ring_producer producer;
	static struct ring_consumer consumer;

	(void)state;
	for (size_t i = 0; i < sizeof(sizes) / sizeof(sizes[0]); i++) {
		assert_int_equal(ring_open_producer(&producer, &rig.fds, sizes[i], RING_PUBLISHED),
				 -EINVAL);
		assert_int_equal(ring_open_consumer(&consumer, &rig.fds, sizes[i], RING_PUBLISHED),
				 -EINVAL);
	}
}

static int reopen_read_only(int fd)
{
	char path[64];

	snprintf(path, sizeof(path), "/proc/self/fd/%d", fd);
	return open(path, O_RDONLY | O_CLOEXEC);
}

static void test_each_side_needs_to_write_its_own_memory_only(void **state)
{
	struct ring_fds producer_fds = rig.fds, consumer_fds = rig.fds;
	static struct ring_consumer consumer;
	struct ring_producer producer;
	uint64_t end = RING_PUBLISHED;

	(void)state;
	producer_fds.tail = reopen_read_only(rig.fds.tail);
	consumer_fds.head = reopen_read_only(rig.fds.head);
	assert_int_equal(ring_open_producer(&producer, &producer_fds, rig.data_bytes, end), 0);
	assert_int_equal(ring_open_consumer(&consumer, &consumer_fds, rig.data_bytes, end), 0);
	ring_close_producer(&producer);
	ring_close_consumer(&consumer);
	assert_int_equal(ring_open_producer(&producer, &consumer_fds, rig.data_bytes, end),
			 -EINVAL);
	assert_int_equal(ring_open_consumer(&consumer, &producer_fds, rig.data_bytes, end),
			 -EINVAL);
	close(producer_fds.tail);
	close(consumer_fds.head);
}

static void test_head_that_lies_skips_to_it(void **state)
{
	(void)state;
	assert_true(push(1, 100));
	ring_publish(&rig.producer);
	assert_popped(1, 100);
	const uint64_t at = rig.producer.position,
		       heads[] = {at + rig.data_bytes + 8, at - 8, 0,	     UINT64_MAX,
				  UINT64_MAX / 2,	   at + 8, at + 4096};

	for (size_t i = 0; i < sizeof(heads) / sizeof(heads[0]); i++) {
		rig.head->head = heads[i];
		assert_result(RING_DAMAGED);
		assert_result(RING_EMPTY);
		ring_release(&rig.consumer);
		assert_recovers();
	}
}

static void test_unaligned_head_is_rounded_down(void **state)
{
	(void)state;
	assert_true(push(1, 8));
	ring_publish(&rig.producer);
	rig.head->head += 7;
	assert_popped(1, 8);
	assert_result(RING_EMPTY);
	assert_true(ring_sleep(&rig.consumer));
	assert_recovers();
}

static void test_length_that_lies_skips_to_the_head(void **state)
{
	const uint64_t lengths[] = {0,
				    41,
				    RING_RECORD_MAX,
				    RING_RECORD_MAX + 1,
				    UINT32_MAX,
				    UINT64_C(1) << 32,
				    UINT64_MAX,
				    UINT64_MAX - 7,
				    UINT64_MAX / 2};

	(void)state;
	for (size_t i = 0; i < sizeof(lengths) / sizeof(lengths[0]); i++) {
		uint64_t *word = (void *)(rig.data + ((rig.producer.position + ring_stride(100)) &
						      (rig.data_bytes - 1)));

		assert_true(push(1, 100));
		assert_true(push(2, 40));
		ring_publish(&rig.producer);
		*word = lengths[i];
		assert_popped(1, 100);
		assert_result(RING_DAMAGED);
		assert_result(RING_EMPTY);
		assert_recovers();
	}
}

static void test_tail_that_lies_looks_full(void **state)
{
	(void)state;
	assert_true(push(1, 100));
	ring_publish(&rig.producer);
	const uint64_t at = rig.producer.position,
		       tails[] = {at + 8, at + 1, at - rig.data_bytes - 8, UINT64_MAX / 2};

	for (size_t i = 0; i < sizeof(tails) / sizeof(tails[0]); i++) {
		rig.tail->tail = tails[i];
		assert_false(ring_make_room(&rig.producer, 16));
		assert_null(ring_reserve(&rig.producer, 1));
	}
	rig.tail->tail = at; /* of which the consumer has read nothing */
	assert_non_null(ring_reserve(&rig.producer, (uint32_t)rig.data_bytes - RING_ALIGNMENT));
	assert_recovers();
}

/* The number of rings since the last call. */
static uint64_t rings(void)
{
	uint64_t count = 0;

	return read(rig.fds.bell, &count, sizeof(count)) == sizeof(count) ? count : 0;
}

static void test_bell_rings_once_for_each_sleep(void **state)
{
	(void)state;
	assert_true(push(1, 10));
	ring_publish(&rig.producer);
	assert_int_equal(rings(), 0);
	assert_false(ring_sleep(&rig.consumer));
	assert_popped(1, 10);
	ring_publish(&rig.producer);
	assert_int_equal(rings(), 1);
	for (uint32_t i = 0; i < 3; i++) {
		assert_true(ring_sleep(&rig.consumer));
		for (int n = 0; n < 3; n++) {
			assert_true(push(i, 10));
			ring_publish(&rig.producer);
		}
		assert_int_equal(rings(), 1);
		for (int n = 0; n < 3; n++)
			assert_popped(i, 10);
	}
}

static void test_successors_know_the_sleep_and_the_ring(void **state)
{
	(void)state;
	assert_true(ring_sleep(&rig.consumer));
	reopen_producer(RING_PUBLISHED);
	assert_int_equal(rings(), 1);
	reopen_producer(RING_PUBLISHED);
	assert_int_equal(rings(), 0);
	reopen_consumer(RING_PUBLISHED);
	ring_publish(&rig.producer);
	assert_int_equal(rings(), 0);
	assert_true(ring_sleep(&rig.consumer));
	rig.head->rung--; /* as if killed between the ring and its note: once too often */
	reopen_producer(RING_PUBLISHED);
	assert_int_equal(rings(), 1);
}

static void test_bell_that_cannot_take_more_is_ringing(void **state)
{
	uint64_t most = UINT64_MAX - 1;

	(void)state;
	assert_int_equal(write(rig.fds.bell, &most, sizeof(most)), sizeof(most));
	assert_true(ring_sleep(&rig.consumer));
	ring_publish(&rig.producer);
	assert_int_equal(rings(), most);
	ring_publish(&rig.producer);
	assert_int_equal(rings(), 0);
}

static void test_pipe_is_a_bell_too(void **state)
{
	struct ring_fds fds = rig.fds;
	struct ring_producer producer;
	uint64_t count = 0;
	int bell[2];

	(void)state;
	assert_int_equal(pipe2(bell, O_NONBLOCK | O_CLOEXEC), 0);
	fds.bell = bell[1];
	assert_int_equal(ring_open_producer(&producer, &fds, rig.data_bytes, RING_PUBLISHED), 0);
	for (int i = 0; i < 100000; i++) { /* more than it holds */
		ring_sleep(&rig.consumer);
		ring_publish(&producer);
	}
	while (read(bell[0], &count, sizeof(count)) == sizeof(count))
		;
	ring_publish(&producer);
	assert_int_equal(read(bell[0], &count, sizeof(count)), -1);
	ring_sleep(&rig.consumer);
	ring_publish(&producer);
	assert_int_equal(read(bell[0], &count, sizeof(count)), sizeof(count));
	ring_close_producer(&producer);
	close(bell[0]);
	close(bell[1]);
}

static bool wait_for_bell(void)
{
	struct pollfd bell = {.fd = rig.fds.bell, .events = POLLIN};

	if (poll(&bell, 1, PATIENCE_MS) != 1)
		return false;
	rings();
	return true;
}

static bool push_sequence(struct ring_producer *ring, uint64_t sequence)
{
	uint32_t length = 8 + (uint32_t)(sequence * 37 % 200);
	uint8_t *room = ring_reserve(ring, length);

	if (!room)
		return false;
	memset(room, (int)sequence, length);
	memcpy(room, &sequence, sizeof(sequence));
	ring_finish(ring, length);
	return true;
}

static bool is_sequence(struct slice record, uint64_t sequence)
{
	uint64_t got;

	memcpy(&got, record.data, sizeof(got));
	return got == sequence && record.length == 8 + sequence * 37 % 200 &&
	       (record.length == 8 || record.data[record.length - 1] == (uint8_t)sequence);
}

/* Until the consumer is about to sleep: then the next publishing must wake it, as none may follow.
 */
static void wait_until_read(const struct ring_producer *ring)
{
	for (int i = 1; __atomic_load_n(&ring->peer->tail, __ATOMIC_ACQUIRE) != ring->position; i++)
		if (i % 1000 == 0)
			sched_yield();
}

static void produce(struct ring_producer *ring, uint64_t count, unsigned int seed)
{
	for (uint64_t i = 0; i < count; i++) {
		while (!push_sequence(ring, i)) {
			ring_publish(ring);
			sched_yield();
		}
		if (rand_r(&seed) % 4)
			continue;
		ring_publish(ring);
		if (rand_r(&seed) % 8 == 0)
			wait_until_read(ring);
	}
	ring_publish(ring);
}

/* Returns how often it slept, or -1 for a missed wake-up, -2 for a wrong record. */
static long consume(struct ring_consumer *ring, uint64_t count)
{
	struct slice record;
	long sleeps = 0;

	for (uint64_t i = 0; i < count;) {
		switch (ring_pop(ring, &record)) {
		case RING_RECORD:
			if (!is_sequence(record, i++))
				return -2;
			break;
		case RING_DAMAGED:
			return -2;
		case RING_EMPTY:
			ring_release(ring);
			if (ring_sleep(ring)) {
				sleeps++;
				if (!wait_for_bell())
					return -1;
			}
		}
	}
	return sleeps;
}

static void test_no_wake_up_is_missed_between_processes(void **state)
{
	pid_t child = fork();
	long sleeps;
	int status;

	(void)state;
	if (!child) {
		produce(&rig.producer, LOAD_RECORDS, 7);
		_exit(0);
	}
	sleeps = consume(&rig.consumer, LOAD_RECORDS);
	if (sleeps < 0)
		kill(child, SIGKILL); /* it would wait for ever */
	assert_int_equal(waitpid(child, &status, 0), child);
	assert_true(sleeps > 10);
	assert_int_equal(status, 0);
}

static void *produce_in_thread(void *argument)
{
	produce(argument, THREAD_RECORDS, 11);
	return NULL;
}

/* As above, but both sides look at the same addresses, so that a thread sanitizer sees what they
 * do. */
static void test_ring_has_no_race_between_threads(void **state)
{
	struct ring_consumer *consumer = &rig.consumer;
	struct ring_producer *producer = &rig.producer;
	const struct ring_tail *peer = producer->peer;
	const struct ring_head *head = consumer->peer;
	const uint8_t *data = consumer->data;
	pthread_t thread;
	long sleeps;

	(void)state;
	producer->peer = consumer->own;
	consumer->peer = producer->own;
	consumer->data = producer->data;
	assert_int_equal(pthread_create(&thread, NULL, produce_in_thread, producer), 0);
	sleeps = consume(consumer, THREAD_RECORDS);
	assert_true(sleeps >= 0); /* else the thread may never end */
	pthread_join(thread, NULL);
	producer->peer = peer;
	consumer->peer = head;
	consumer->data = data;
}

/* A worker's way: each record is a step; here two words that have no meaning for the ring keep the
 * sequence and the position. Batches are published late. */
static void produce_for_ever(struct state_head *head)
{
	struct ring_producer ring;

	if (!state_attach(head) ||
	    ring_open_producer(&ring, &rig.fds, rig.data_bytes, state_get(head, STATE_MESSAGE)))
		_exit(1);
	for (;;) {
		uint64_t sequence = state_get(head, STATE_PACKET);

		if (!push_sequence(&ring, sequence)) {
			ring_publish(&ring);
			continue;
		}
		commit_set(head, STATE_PACKET, sequence + 1);
		commit_set(head, STATE_MESSAGE, ring.position);
		commit_apply(head);
		if (sequence % 16 == 0)
			ring_publish(&ring);
	}
}

static void pop_sequence(uint64_t *expected)
{
	struct slice record;
	enum ring_result result;

	while ((result = ring_pop(&rig.consumer, &record)) == RING_RECORD)
		assert_true(is_sequence(record, (*expected)++));
	assert_int_equal(result, RING_EMPTY);
	ring_release(&rig.consumer);
}

static void test_killed_producers_lose_and_double_nothing(void **state)
{
	struct state_head *head = mmap(NULL, sizeof(*head), PROT_READ | PROT_WRITE,
				       MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	uint64_t expected = 0;
	int status;

	(void)state;
	assert_true(head != MAP_FAILED);
	srand(7);
	for (int i = 0; i < KILLS; i++) {
		int64_t life_ns = rand() % (3 * (int)NANOSECONDS_PER_MILLISECOND), end_ns;
		uint64_t before = expected;
		pid_t child = fork();

		if (!child)
			produce_for_ever(head);
		/* Every other one is let begin, however busy the machine is. */
		while (i % 2 && expected == before)
			pop_sequence(&expected);
		end_ns = clock_monotonic_ns() + life_ns;
		while (clock_monotonic_ns() < end_ns)
			pop_sequence(&expected);
		kill(child, SIGKILL);
		assert_int_equal(waitpid(child, &status, 0), child);
		assert_true(WIFSIGNALED(status));
	}
	assert_true(state_attach(head));
	reopen_producer(state_get(head, STATE_MESSAGE));
	pop_sequence(&expected);
	assert_true(expected > KILLS);
	assert_true(expected == state_get(head, STATE_PACKET));
	munmap(head, sizeof(*head));
}

#define TEST_SMALL(test) cmocka_unit_test_setup_teardown(test, setup_small, teardown)
#define TEST_LARGE(test) cmocka_unit_test_setup_teardown(test, setup_large, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST_SMALL(test_ring_delivers_what_is_published),
		TEST_SMALL(test_ring_reserve_fails_when_full),
		TEST_SMALL(test_ring_takes_one_record_as_large_as_itself),
		TEST_SMALL(test_ring_wraps_at_every_offset),
		TEST_SMALL(test_ring_finish_may_be_shorter_than_reserved),
		TEST_LARGE(test_ring_behaves_like_a_queue),
		TEST_SMALL(test_successor_of_producer_goes_on_at_the_commit),
		TEST_SMALL(test_successor_of_consumer_goes_on_at_tail_or_position),
		TEST_SMALL(test_position_that_nobody_left_is_refused),
		TEST_SMALL(test_memory_of_another_size_is_refused),
		TEST_SMALL(test_each_side_needs_to_write_its_own_memory_only),
		TEST_SMALL(test_head_that_lies_skips_to_it),
		TEST_SMALL(test_unaligned_head_is_rounded_down),
		TEST_SMALL(test_length_that_lies_skips_to_the_head),
		TEST_SMALL(test_tail_that_lies_looks_full),
		TEST_SMALL(test_bell_rings_once_for_each_sleep),
		TEST_SMALL(test_successors_know_the_sleep_and_the_ring),
		TEST_SMALL(test_bell_that_cannot_take_more_is_ringing),
		TEST_SMALL(test_pipe_is_a_bell_too),
		TEST_SMALL(test_no_wake_up_is_missed_between_processes),
		TEST_LARGE(test_ring_has_no_race_between_threads),
		TEST_SMALL(test_killed_producers_lose_and_double_nothing),
	};

	cmocka_set_message_output(CM_OUTPUT_TAP);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
