/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Records per second through a ring from one process to another: on two cores and on one, all of
 * 128 bytes and of 32 to 512. The producer copies each record in and publishes a batch as a worker
 * would; the consumer checks lengths and sequence and sleeps when there is nothing. Medians of
 * interleaved runs: bench/ring [runs].
 */
#include <errno.h>
#include <poll.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/log.h"
#include "ipc/memory.h"
#include "ipc/ring.h"

#define RUNS_MAX      101
#define BATCH_RECORDS 512
#define LENGTHS	      4096 /* of random records, used in turn */
#define LENGTH_MAX    512

struct setup {
	const char *name;
	uint64_t record_count;
	uint16_t lengths[LENGTHS];
	size_t producer_cpu;
	size_t consumer_cpu;
	double results[RUNS_MAX];
};

static void set_cpu(size_t cpu)
{
	cpu_set_t set;

	CPU_ZERO(&set);
	CPU_SET(cpu, &set);
	if (sched_setaffinity(0, sizeof(set), &set) < 0)
		log_fatal("CPU %zu: %s", cpu, strerror(errno));
}

/* Two CPUs that we may use; false when there is one. */
static bool find_cpus(size_t cpus[2])
{
	cpu_set_t set;
	int found = 0;

	sched_getaffinity(0, sizeof(set), &set);
	for (size_t cpu = 0; cpu < CPU_SETSIZE && found < 2; cpu++)
		if (CPU_ISSET(cpu, &set))
			cpus[found++] = cpu;
	return found == 2;
}

static struct ring_fds make_ring(void)
{
	struct ring_fds fds = {
		.head = memory_create("bench-head", ring_memory_size(RING_BYTES)),
		.tail = memory_create("bench-tail", sizeof(struct ring_tail)),
		.bell = eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC),
	};

	if (fds.head < 0 || fds.tail < 0 || fds.bell < 0)
		log_fatal("a ring cannot be made");
	return fds;
}

static void wait_bell(int bell_fd)
{
	struct pollfd bell = {.fd = bell_fd, .events = POLLIN};
	uint64_t rings;

	if (poll(&bell, 1, 10000) != 1 || read(bell_fd, &rings, sizeof(rings)) != sizeof(rings))
		log_fatal("no bell");
}

static void consume(const struct setup *setup, const struct ring_fds *fds, int done_fd)
{
	static struct ring_consumer ring;
	uint64_t sequence, expected = 0;
	enum ring_result result;
	struct slice record;

	set_cpu(setup->consumer_cpu);
	if (ring_open_consumer(&ring, fds, RING_BYTES, RING_PUBLISHED))
		log_fatal("the ring cannot be opened");
	if (write(done_fd, "r", 1) != 1)
		log_fatal("nobody waits");
	while (expected < setup->record_count) {
		for (int i = 0; i < BATCH_RECORDS; i++, expected++) {
			result = ring_pop(&ring, &record);
			if (result != RING_RECORD)
				break;
			memcpy(&sequence, record.data, sizeof(sequence));
			if (sequence != expected ||
			    record.length != setup->lengths[expected % LENGTHS])
				log_fatal("record %lu is damaged", (unsigned long)expected);
		}
		ring_release(&ring);
		if (result == RING_DAMAGED)
			log_fatal("the ring is damaged");
		if (result == RING_EMPTY && expected < setup->record_count && ring_sleep(&ring))
			wait_bell(fds->bell);
	}
	if (write(done_fd, "d", 1) != 1)
		log_fatal("nobody waits");
}

static void produce(const struct setup *setup, struct ring_producer *ring)
{
	uint8_t prepared[LENGTH_MAX] = {0}, *room;

	for (uint64_t i = 0; i < setup->record_count; i++) {
		uint16_t length = setup->lengths[i % LENGTHS];

		memcpy(prepared, &i, sizeof(i));
		while (!(room = ring_reserve(ring, length))) {
			ring_publish(ring);
			sched_yield();
		}
		memcpy(room, prepared, length);
		ring_finish(ring, length);
		if (i % BATCH_RECORDS == BATCH_RECORDS - 1)
			ring_publish(ring);
	}
	ring_publish(ring);
}

static void wait_for(int fd, char expected)
{
	char byte;

	if (read(fd, &byte, 1) != 1 || byte != expected)
		log_fatal("the consumer has died");
}

/* Records per second of one run. */
static double run(const struct setup *setup)
{
	struct ring_fds fds = make_ring();
	struct ring_producer ring;
	int64_t start_ns, end_ns;
	int done[2];
	pid_t child;

	if (pipe(done) < 0 || (child = fork()) < 0)
		log_fatal("fork: %s", strerror(errno));
	if (!child) {
		consume(setup, &fds, done[1]);
		_exit(0);
	}
	close(done[1]);
	set_cpu(setup->producer_cpu);
	if (ring_open_producer(&ring, &fds, RING_BYTES, RING_PUBLISHED))
		log_fatal("the ring cannot be opened");
	wait_for(done[0], 'r');
	start_ns = clock_monotonic_ns();
	produce(setup, &ring);
	wait_for(done[0], 'd');
	end_ns = clock_monotonic_ns();
	waitpid(child, NULL, 0);
	ring_close_producer(&ring);
	close(done[0]);
	close(fds.head);
	close(fds.tail);
	close(fds.bell);
	return (double)setup->record_count * 1e9 / (double)(end_ns - start_ns);
}

static int compare(const void *left, const void *right)
{
	double a = *(const double *)left, b = *(const double *)right;

	return (a > b) - (a < b);
}

static void set_lengths(struct setup *setup, int least, int most)
{
	for (int i = 0; i < LENGTHS; i++)
		setup->lengths[i] = (uint16_t)(least + rand() % (most - least + 1));
}

int main(int argc, char **argv)
{
	static struct setup setups[] = {
		{.name = "ring_two_cores_per_second", .record_count = 20000000},
		{.name = "ring_one_core_per_second", .record_count = 20000000},
		{.name = "ring_random_two_cores_per_second", .record_count = 10000000},
		{.name = "ring_random_one_core_per_second", .record_count = 10000000},
	};
	const int setup_count = sizeof(setups) / sizeof(setups[0]);
	int run_count = argc > 1 ? atoi(argv[1]) : 7;
	size_t cpus[2] = {0};
	bool has_two = find_cpus(cpus);

	log_set_role("ring");
	if (run_count < 1 || run_count > RUNS_MAX)
		log_fatal("usage: ring [runs]");
	srand(7);
	for (int i = 0; i < setup_count; i++) {
		set_lengths(&setups[i], i < 2 ? 128 : 32, i < 2 ? 128 : LENGTH_MAX);
		setups[i].producer_cpu = cpus[0];
		setups[i].consumer_cpu = cpus[i % 2 ? 0 : 1];
	}
	for (int r = 0; r < run_count; r++)
		for (int i = has_two ? 0 : 1; i < setup_count; i += has_two ? 1 : 2)
			setups[i].results[r] = run(&setups[i]);
	for (int i = has_two ? 0 : 1; i < setup_count; i += has_two ? 1 : 2) {
		qsort(setups[i].results, (size_t)run_count, sizeof(double), compare);
		printf("%s %.0f records/s\n", setups[i].name, setups[i].results[run_count / 2]);
	}
	return 0;
}
