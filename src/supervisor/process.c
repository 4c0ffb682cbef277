/* SPDX-License-Identifier: BSD-3-Clause */
#include "supervisor/process.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/close_range.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/log.h"

#define ARGUMENTS_FIXED 7
#define CONTROL_BYTES	(1 << 20) /* messages that wait until a child has begun to read */

/* A copy behind the fixed numbers, which the limit of open files may be below. */
static int copy_behind(int fd)
{
	int copy = fcntl(fd, F_DUPFD_CLOEXEC, CHILD_FD_END);

	if (copy < 0 && errno == EINVAL)
		errno = EMFILE;
	return copy;
}

/*
 * Puts each descriptor at its number. All are first copied out of the way, since one may sit on
 * another's number. The copies, like everything of the supervisor, are close-on-exec.
 */
static bool place_fds(const int fds[CHILD_FD_END])
{
	int copies[CHILD_FD_END];

	for (int number = 0; number < CHILD_FD_END; number++) {
		copies[number] = fds[number] < 0 ? -1 : copy_behind(fds[number]);
		if (fds[number] >= 0 && copies[number] < 0)
			return false;
	}
	for (int number = 0; number < CHILD_FD_END; number++) {
		if (copies[number] < 0)
			close(number);
		else if (dup2(copies[number], number) < 0)
			return false;
	}
	return true;
}

static bool close_others(void)
{
	return syscall(SYS_close_range, CHILD_FD_END, ~0u, CLOSE_RANGE_CLOEXEC) == 0;
}

static void __attribute__((noreturn)) give_up(const struct process_plan *plan)
{
	log_error("the %s process cannot begin: %s", plan->role, strerror(errno));
	_exit(EXIT_FAILURE);
}

static void __attribute__((noreturn))
become(const struct process_plan *plan, int control, pid_t parent)
{
	char index[16], parent_text[16];
	sigset_t none;
	int fds[CHILD_FD_END], executable_fd, null_fd;
	char **argv = calloc(ARGUMENTS_FIXED + (size_t)plan->argument_count + 1, sizeof(*argv));
	char *fixed[ARGUMENTS_FIXED] = {"dnsflow", "--role",   (char *)plan->role, "--index",
					index,	   "--parent", parent_text};

	snprintf(index, sizeof(index), "%u", plan->index);
	snprintf(parent_text, sizeof(parent_text), "%d", (int)parent);
	for (int number = 0; number < CHILD_FD_END; number++)
		fds[number] = plan->fds ? plan->fds[number] : -1;
	null_fd = open("/dev/null", O_RDWR | O_CLOEXEC);
	fds[STDIN_FILENO] = plan->keeps_streams ? STDIN_FILENO : null_fd;
	fds[STDOUT_FILENO] = plan->keeps_streams || plan->keeps_stdout ? STDOUT_FILENO : null_fd;
	fds[STDERR_FILENO] = STDERR_FILENO;
	fds[CHILD_FD_CONTROL] = control;
	executable_fd = copy_behind(plan->executable_fd);
	if (!argv || null_fd < 0 || executable_fd < 0 || !place_fds(fds) ||
	    (!plan->keeps_streams && !close_others()))
		give_up(plan);
	for (int i = 0; i < ARGUMENTS_FIXED; i++)
		argv[i] = fixed[i];
	for (int i = 0; i < plan->argument_count; i++)
		argv[ARGUMENTS_FIXED + i] = plan->arguments[i];
	sigemptyset(&none);
	sigprocmask(SIG_SETMASK, &none, NULL);
	if (plan->cpus)
		sched_setaffinity(0, sizeof(*plan->cpus), plan->cpus);
	syscall(SYS_execveat, executable_fd, "", argv, environ, AT_EMPTY_PATH);
	give_up(plan);
}

/* An aggregator is lent six descriptors for each worker, a message each: more than a socket usually
 * holds. Without privileges it is as much as the system allows. */
static void widen(int control)
{
	const int bytes = CONTROL_BYTES;

	if (setsockopt(control, SOL_SOCKET, SO_SNDBUFFORCE, &bytes, sizeof(bytes)) < 0)
		setsockopt(control, SOL_SOCKET, SO_SNDBUF, &bytes, sizeof(bytes));
}

int process_start(struct process *process, const struct process_plan *plan)
{
	pid_t parent = getpid();
	int pair[2], error;

	if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, pair) < 0)
		return -errno;
	widen(pair[0]);
	process->pid = fork();
	if (process->pid == 0)
		become(plan, pair[1], parent);
	error = process->pid < 0 ? -errno : 0;
	close(pair[1]);
	process->control = pair[0];
	process->pidfd = error ? -1 : (int)syscall(SYS_pidfd_open, process->pid, 0);
	if (!error && process->pidfd < 0) {
		error = -errno;
		kill(process->pid, SIGKILL); /* our child, not yet waited for: the pid is its own */
		waitpid(process->pid, NULL, 0);
	}
	if (error)
		close(pair[0]);
	return error;
}

void process_signal(const struct process *process, int signal)
{
	syscall(SYS_pidfd_send_signal, process->pidfd, signal, NULL, 0);
}

bool process_is_stopped(const struct process *process)
{
	siginfo_t what = {0};

	return waitid(P_PID, (id_t)process->pid, &what, WSTOPPED | WNOHANG | WNOWAIT) == 0 &&
	       what.si_pid == process->pid;
}

int process_wait(struct process *process)
{
	int status = SIGKILL; /* what we say of one that somebody else waited for */

	while (waitpid(process->pid, &status, 0) < 0 && errno == EINTR)
		;
	process->pid = -1;
	return status;
}

void process_describe_end(int status, char *text)
{
	if (WIFSIGNALED(status))
		snprintf(text, PROCESS_END_MAX, "died of signal %d (%s)", WTERMSIG(status),
			 strsignal(WTERMSIG(status)));
	else
		snprintf(text, PROCESS_END_MAX, "exited with status %d", WEXITSTATUS(status));
}

void process_close(struct process *process)
{
	close(process->pidfd);
	close(process->control);
	process->pidfd = process->control = -1;
}
