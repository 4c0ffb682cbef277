/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Kills workers of a running dnsflow, one at a time and chosen at random, each while packets wait
 * in its ring, and prints for each how many milliseconds went by between SIGKILL and the first
 * commit of its successor. Kills that found the ring empty after all do not count. It reads the
 * state heads that the supervisor keeps and polls the packet sockets that it lends.
 */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <poll.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/log.h"
#include "base/random.h"
#include "ipc/child.h"
#include "ipc/state.h"

#define WORKERS_MAX 64
#define PATIENCE_NS (10 * NANOSECONDS_PER_SECOND)
/* Workers read a block within this; a kill strikes anywhere in it. */
#define READING_NS 500000
#define PAUSE_US   50

struct victim {
	const struct state_head *head;
	int ring; /* the packet socket, readable while its ring holds a block to be read */
};

struct killer {
	pid_t supervisor;
	struct random random;
	struct victim victims[WORKERS_MAX];
	uint32_t victim_count;
	cpu_set_t cpus; /* that we may use */
};

static int compare_numbers(const void *a, const void *b)
{
	int x = *(const int *)a, y = *(const int *)b;

	return (x > y) - (x < y);
}

/* The descriptors of a process in rising order; returns how many. */
static int list_descriptors(pid_t process, int *numbers, int room)
{
	char path[64];
	struct dirent *entry;
	int count = 0;
	DIR *folder;

	snprintf(path, sizeof(path), "/proc/%d/fd", process);
	folder = opendir(path);
	while (folder && (entry = readdir(folder)) && count < room)
		if (*entry->d_name != '.')
			numbers[count++] = atoi(entry->d_name);
	if (folder)
		closedir(folder);
	qsort(numbers, (size_t)count, sizeof(*numbers), compare_numbers);
	return count;
}

/* Heads were made in the order of the workers. */
static void map_heads(struct killer *killer)
{
	int numbers[16 * WORKERS_MAX];
	int count = list_descriptors(killer->supervisor, numbers, 16 * WORKERS_MAX);
	char path[64], target[PATH_MAX];

	for (int i = 0; i < count && killer->victim_count < WORKERS_MAX; i++) {
		ssize_t length;
		int fd;

		snprintf(path, sizeof(path), "/proc/%d/fd/%d", killer->supervisor, numbers[i]);
		length = readlink(path, target, sizeof(target) - 1);
		if (length < 0)
			continue;
		target[length] = '\0';
		if (!strstr(target, "dnsflow-head") || (fd = open(path, O_RDONLY)) < 0)
			continue;
		killer->victims[killer->victim_count++].head =
			mmap(NULL, sizeof(struct state_head), PROT_READ, MAP_SHARED, fd, 0);
		close(fd);
	}
	if (!killer->victim_count)
		log_fatal("process %d keeps no state heads", killer->supervisor);
}

/* Whether the command line (dnsflow --role worker --index N) is that of this worker. */
static bool is_worker(pid_t process, const char *index)
{
	char path[64], line[256];
	ssize_t length;
	int fd;

	snprintf(path, sizeof(path), "/proc/%d/cmdline", process);
	fd = open(path, O_RDONLY | O_CLOEXEC);
	length = fd < 0 ? -1 : read(fd, line, sizeof(line) - 1);
	if (fd >= 0)
		close(fd);
	if (length <= 0)
		return false;
	line[length] = '\0';
	for (char *at = line; at < line + length; at += strlen(at) + 1)
		if (!strcmp(at, "--index"))
			return !strcmp(at + strlen(at) + 1, index);
	return false;
}

/* The process of a worker now, or 0. */
static pid_t find_worker(const struct killer *killer, uint32_t index)
{
	char path[96], wanted[16];
	pid_t found = 0, child;
	FILE *children;

	snprintf(wanted, sizeof(wanted), "%u", index);
	snprintf(path, sizeof(path), "/proc/%d/task/%d/children", killer->supervisor,
		 killer->supervisor);
	children = fopen(path, "re");
	while (children && !found && fscanf(children, "%d", &child) == 1)
		if (is_worker(child, wanted))
			found = child;
	if (children)
		fclose(children);
	return found;
}

static void take_rings(struct killer *killer)
{
	for (uint32_t i = 0; i < killer->victim_count; i++) {
		int process = (int)syscall(SYS_pidfd_open, find_worker(killer, i), 0);

		killer->victims[i].ring = (int)syscall(SYS_pidfd_getfd, process, CHILD_FD_INPUT, 0);
		if (killer->victims[i].ring < 0)
			log_fatal("the ring of worker-%u: %s", i, strerror(errno));
		close(process);
	}
}

static bool has_packets(const struct victim *victim, int timeout_ms)
{
	struct pollfd ring = {.fd = victim->ring, .events = POLLIN};

	return poll(&ring, 1, timeout_ms) == 1 && ring.revents & POLLIN;
}

/* On the worker's own CPU we would only ever meet it asleep. */
static void leave_cpus_of(const struct killer *killer, pid_t worker)
{
	cpu_set_t its, others;

	if (sched_getaffinity(worker, sizeof(its), &its))
		return;
	CPU_AND(&its, &its, &killer->cpus);
	CPU_XOR(&others, &its, &killer->cpus);
	if (CPU_COUNT(&others))
		sched_setaffinity(0, sizeof(others), &others);
}

/* Returns somewhere between the moment when a block is there and the one when it is read. */
static bool wait_for_packets(struct killer *killer, const struct victim *victim)
{
	int64_t start_ns = clock_monotonic_ns(), strike_ns;

	while (clock_monotonic_ns() - start_ns < PATIENCE_NS) {
		has_packets(victim, 1000);
		strike_ns =
			clock_monotonic_ns() + (int64_t)random_below(&killer->random, READING_NS);
		while (clock_monotonic_ns() < strike_ns)
			;
		if (has_packets(victim, 0))
			return true;
	}
	return false;
}

static void wait_for_successor(const struct victim *victim, uint64_t restarts, int64_t start_ns)
{
	while (state_counter(victim->head, COUNTER_RESTARTS) == restarts) {
		if (clock_monotonic_ns() - start_ns > PATIENCE_NS)
			log_fatal("a killed worker does not come back");
		usleep(PAUSE_US);
	}
}

/* Returns whether a worker with packets was killed. */
static bool kill_one(struct killer *killer)
{
	uint32_t index = (uint32_t)random_below(&killer->random, killer->victim_count);
	const struct victim *victim = &killer->victims[index];
	uint64_t restarts = state_counter(victim->head, COUNTER_RESTARTS);
	pid_t worker = find_worker(killer, index);
	bool had_packets;
	int64_t start_ns;

	if (!worker)
		return false;
	leave_cpus_of(killer, worker);
	if (!wait_for_packets(killer, victim))
		return false;
	start_ns = clock_monotonic_ns();
	if (kill(worker, SIGKILL))
		return false;
	had_packets = has_packets(victim, 0); /* and nobody to read them */
	wait_for_successor(victim, restarts, start_ns);
	if (had_packets)
		printf("%.3f\n",
		       (double)(clock_monotonic_ns() - start_ns) / NANOSECONDS_PER_MILLISECOND);
	return had_packets;
}

int main(int argc, char **argv)
{
	struct killer killer = {0};
	int64_t period_ns, begin_ns;
	uint32_t count;

	log_set_role("killer");
	if (argc != 4)
		log_fatal("usage: killer SUPERVISOR-PID KILLS PERIOD-MS");
	killer.supervisor = atoi(argv[1]);
	count = (uint32_t)atoi(argv[2]);
	period_ns = atoi(argv[3]) * NANOSECONDS_PER_MILLISECOND;
	random_init(&killer.random);
	sched_getaffinity(0, sizeof(killer.cpus), &killer.cpus);
	map_heads(&killer);
	take_rings(&killer);
	begin_ns = clock_monotonic_ns();
	for (uint32_t kills = 0; kills < count; kills++) {
		int64_t due_ns = begin_ns + kills * period_ns;
		struct timespec due = {due_ns / NANOSECONDS_PER_SECOND,
				       due_ns % NANOSECONDS_PER_SECOND};

		clock_nanosleep(CLOCK_MONOTONIC, TIMER_ABSTIME, &due, NULL);
		while (!kill_one(&killer))
			if (kill(killer.supervisor, 0))
				log_fatal("the supervisor is gone");
	}
	return 0;
}
