/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * A script of operations on a small ring, four bytes each: honest pushes, pops, publishing,
 * releasing and sleeping, and any value in any word of what the two sides share. While nothing was
 * mutated, all that was published comes out; when something was, both sides stay inside the memory,
 * end, and understand each other again afterwards.
 */
#include <assert.h>
#include <errno.h>
#include <string.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include "ipc/memory.h"
#include "ipc/ring.h"

#define OPERATIONS_MAX 24
#define PATTERN_BYTES  32768

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* What is to be explored is the ring alone. */
#ifdef __clang__
#pragma clang attribute push(__attribute__((no_sanitize("coverage", "undefined"))), \
			     apply_to = function)
#endif

static struct run {
	struct ring_fds fds;
	size_t data_bytes;
	struct ring_producer producer;
	struct ring_consumer consumer;
	struct ring_tail *tail; /* the consumer's memory, for a liar to write */
	uint32_t lengths[OPERATIONS_MAX + 1];
	uint32_t pushed;
	uint32_t published;
	uint32_t popped;
	bool is_mutated;
} run;

static uint8_t pattern[PATTERN_BYTES];

/* Successors of both sides. */
static void reopen(void)
{
	ring_close_producer(&run.producer);
	ring_close_consumer(&run.consumer);
	assert(!ring_open_producer(&run.producer, &run.fds, run.data_bytes, RING_PUBLISHED));
	assert(!ring_open_consumer(&run.consumer, &run.fds, run.data_bytes, RING_PUBLISHED));
}

static void prepare(void)
{
	run.data_bytes = (size_t)sysconf(_SC_PAGESIZE);
	run.fds.head = memory_create("head", ring_memory_size(run.data_bytes));
	run.fds.tail = memory_create("tail", sizeof(struct ring_tail));
	run.fds.bell = eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC);
	run.tail = memory_map(run.fds.tail, sizeof(*run.tail), true);
	assert(run.tail);
	for (size_t i = 0; i < sizeof(pattern); i++)
		pattern[i] = (uint8_t)(i * 31 + i / 255);
	for (size_t wrong = 0; wrong <= 2 * run.data_bytes; wrong += 2 * run.data_bytes) {
		assert(ring_open_producer(&run.producer, &run.fds, wrong, 0) == -EINVAL);
		assert(ring_open_consumer(&run.consumer, &run.fds, wrong, 0) == -EINVAL);
	}
	assert(ring_open_producer(&run.producer, &run.fds, run.data_bytes, 1) == -ERANGE);
	assert(ring_open_consumer(&run.consumer, &run.fds, run.data_bytes, 1) == -ERANGE);
	reopen();
}

/* Sets both sides to a position without opening them again, which would take most of the time. */
static void start(uint64_t position)
{
	struct ring_head *head = run.producer.own;

	head->head = run.tail->tail = position;
	head->rung = run.tail->sleeps = 0;
	run.producer.position = run.producer.limit = run.consumer.position = position;
	run.producer.rung = run.consumer.sleeps = 0;
	run.producer.reserved = run.consumer.at = run.consumer.filled = 0;
	run.pushed = run.published = run.popped = 0;
	run.is_mutated = false;
}

static const uint8_t *bytes_of(uint32_t number)
{
	return pattern + number * 37;
}

static void push(uint32_t length)
{
	uint8_t *room = ring_reserve(&run.producer, length);

	if (!room) {
		assert(run.is_mutated ||
		       ring_stride(length) + (run.producer.position - run.tail->tail) >
			       run.data_bytes);
		return;
	}
	assert(room >= run.producer.data + RING_ALIGNMENT);
	assert(room + length <= run.producer.data + 2 * run.data_bytes);
	memcpy(room, bytes_of(run.pushed), length);
	ring_finish(&run.producer, length);
	run.lengths[run.pushed++] = length;
}

static void check_record(struct slice record)
{
	const uint8_t *end = run.consumer.buffer + sizeof(run.consumer.buffer);

	assert(record.length && record.length <= RING_RECORD_MAX);
	assert(record.data > run.consumer.buffer && record.data + record.length <= end);
	if (run.is_mutated)
		return;
	assert(run.popped < run.published && record.length == run.lengths[run.popped]);
	assert(!memcmp(record.data, bytes_of(run.popped), record.length));
	run.popped++;
}

static enum ring_result pop(void)
{
	struct slice record;
	enum ring_result result = ring_pop(&run.consumer, &record);

	if (result == RING_RECORD)
		check_record(record);
	else if (!run.is_mutated)
		assert(result == RING_EMPTY && run.popped == run.published);
	return result;
}

static void publish(void)
{
	ring_publish(&run.producer);
	run.published = run.pushed;
}

/* No more than a ring full of records and one damage, whatever is in it. */
static void drain(void)
{
	uint32_t bound = (uint32_t)run.data_bytes / (2 * RING_ALIGNMENT) + 2;

	for (; pop() != RING_EMPTY; bound--)
		assert(bound);
}

/* What a liar writes is most often near to the truth. */
static uint64_t lie(uint32_t base, uint32_t delta)
{
	const uint64_t bases[] = {0,
				  run.producer.position,
				  run.consumer.position,
				  run.consumer.position + run.data_bytes,
				  run.consumer.position - run.data_bytes,
				  RING_RECORD_MAX,
				  UINT64_C(1) << (delta & 63),
				  UINT64_MAX};

	return bases[base % 8] + (uint64_t)(int64_t)(int8_t)delta;
}

static void mutate(const uint8_t *operation)
{
	struct ring_head *head = run.producer.own;
	uint64_t value = lie(operation[0] >> 5, operation[1]);
	uint64_t place = (run.consumer.position + ((uint64_t)operation[2] << 3)) &
			 (run.data_bytes - RING_ALIGNMENT);

	run.is_mutated = true;
	switch (operation[3] % 8) {
	case 0:
	case 1:
		head->head = value;
		break;
	case 2:
		head->rung = value;
		break;
	case 3:
		run.tail->tail = value;
		break;
	case 4:
		run.tail->sleeps = value;
		break;
	default:
		memcpy(run.producer.data + place, &value, sizeof(value));
	}
}

static uint64_t rings(void)
{
	uint64_t count;

	return read(run.fds.bell, &count, sizeof(count)) == sizeof(count) ? count : 0;
}

static void sleep_and_listen(void)
{
	uint64_t head = run.producer.own->head;

	rings();
	if (ring_sleep(&run.consumer) != (run.consumer.position == head))
		assert(run.is_mutated);
	publish();
	assert(rings() == 1 || run.is_mutated);
}

static void operate(const uint8_t *operation)
{
	static const uint32_t units[] = {1, 1, 8, 16};
	uint32_t length = 1 + (operation[1] | (operation[2] & 3u) << 8) * units[operation[0] >> 6];

	switch (operation[0] & 15) {
	default:
		push(length);
		break;
	case 6:
	case 7:
		publish();
		break;
	case 8:
	case 9:
		pop();
		break;
	case 10:
		drain();
		break;
	case 11:
		ring_release(&run.consumer);
		break;
	case 12:
		if (operation[1] % 16 == 0)
			sleep_and_listen();
		break;
	case 13:
	case 14:
	case 15:
		mutate(operation);
		break;
	}
}

/* Whatever was written: once both sides are honest again, they understand each other. */
static void recover(void)
{
	run.is_mutated = true;
	publish();
	drain();
	ring_release(&run.consumer);
	assert(run.consumer.position == run.producer.position);
	run.is_mutated = false;
	run.popped = run.pushed;
	push(100);
	publish();
	assert(run.published == run.popped + 1);
	assert(pop() == RING_RECORD && pop() == RING_EMPTY);
}

/* The first two bytes are the position to begin at, on both sides of zero. To open takes longer
 * than all the rest: few do. */
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	uint32_t sum = 0;

	if (size < 2)
		return 0;
	if (!run.tail)
		prepare();
	start((uint64_t)(int64_t)(int16_t)(data[0] | data[1] << 8) * RING_ALIGNMENT);
	for (size_t at = 2; at + 4 <= size && at < 2 + 4 * OPERATIONS_MAX; at += 4) {
		operate(data + at);
		sum += data[at];
	}
	if (!run.is_mutated) {
		publish();
		drain();
		assert(run.popped == run.pushed);
	}
	if (sum % 256 == 0)
		reopen();
	recover();
	return 0;
}

#ifdef __clang__
#pragma clang attribute pop
#endif
