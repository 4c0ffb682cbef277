/* SPDX-License-Identifier: BSD-3-Clause */
#pragma once
#include <stdbool.h>
#include <sched.h>
#include <sys/types.h>
#include "ipc/child.h"

/* A child of the supervisor: this same binary, executed again in another role. */
struct process {
	pid_t pid;
	int pidfd;   /* readable once it has exited; signals go through it, so a reused pid is never
			hit */
	int control; /* our end of its control channel */
};

/* How to start one. */
struct process_plan {
	int executable_fd;
	const char *role;
	unsigned int index;
	const int *fds; /* by enum child_fd, -1 = not lent; CHILD_FD_CONTROL is made here; NULL =
			   none */
	bool keeps_streams; /* standard input and output stay, and so does what our caller left open
			       above the fixed numbers (-r /dev/fd/63); else none of it */
	bool keeps_stdout;  /* standard output stays */
	const cpu_set_t *cpus; /* pinned to these, or NULL */
	int argument_count;    /* appended to the command line */
	char **arguments;
};

/* Returns 0, or -errno with nothing started. */
int process_start(struct process *process, const struct process_plan *plan);

/* Sends a signal; harmless when it has exited already. */
void process_signal(const struct process *process, int signal);

/* Has somebody stopped it (SIGSTOP, a debugger)? */
bool process_is_stopped(const struct process *process);

/* Waits for its end. Returns the status as waitpid gives it. */
int process_wait(struct process *process);

/* Of such a status, "died of signal 9 (Killed)" or "exited with status 1", into
 * text[PROCESS_END_MAX]. */
#define PROCESS_END_MAX 128
void process_describe_end(int status, char *text);

/* Closes what belongs to it, after process_wait(). */
void process_close(struct process *process);
