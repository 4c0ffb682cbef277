/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Runs a command and prints on standard error, or into a file, what it and all its descendants
 * cost: "wall_s user_s system_s maxrss_kib status".
 */
#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/log.h"

static volatile sig_atomic_t child;

/* Who stops the measurement means the command. */
static void on_signal(int number)
{
	if (child)
		kill(child, number);
}

static double seconds_of(struct timeval time)
{
	return (double)time.tv_sec + (double)time.tv_usec / 1e6;
}

static pid_t start(char **command)
{
	pid_t pid = fork();

	if (pid)
		return pid;
	signal(SIGINT, SIG_DFL);
	execvp(command[0], command);
	log_fatal("%s: %s", command[0], strerror(errno));
}

/* Waits for the command and for descendants that it left behind; returns its status. */
static int wait_all(pid_t pid)
{
	int status, result = 0;
	pid_t ended;

	while ((ended = wait(&status)) > 0 || errno == EINTR)
		if (ended == pid)
			result = WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
	return result;
}

int main(int argc, char **argv)
{
	FILE *output = stderr;
	struct rusage usage;
	int64_t start_ns;
	int status;

	log_set_role("measure");
	if (argc > 2 && !strcmp(argv[1], "-o")) {
		output = fopen(argv[2], "w");
		argv += 2, argc -= 2;
	}
	if (argc < 2 || !output)
		log_fatal("usage: measure [-o file] command [argument]...");
	prctl(PR_SET_CHILD_SUBREAPER, 1);
	signal(SIGTERM, on_signal);
	signal(SIGINT, on_signal);
	start_ns = clock_monotonic_ns();
	child = start(argv + 1);
	if (child < 0)
		log_fatal("fork: %s", strerror(errno));
	status = wait_all(child);
	getrusage(RUSAGE_CHILDREN, &usage);
	fprintf(output, "%.4f %.4f %.4f %ld %d\n", (double)(clock_monotonic_ns() - start_ns) / 1e9,
		seconds_of(usage.ru_utime), seconds_of(usage.ru_stime), usage.ru_maxrss, status);
	return fclose(output) ? 1 : status;
}
