/* SPDX-License-Identifier: BSD-3-Clause */
#include "supervisor/command.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/close_range.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "config/config.h"
#include "ipc/child.h"

#define STATUS_NOT_EXECUTED 127
#define PATH_TEXT	    "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"

/* The words of text, in place, and the argument behind them. */
static void split(char *text, const char *argument, char *argv[COMMAND_ARGUMENTS_MAX + 2])
{
	char *rest = NULL;
	int count = 0;

	for (char *word = strtok_r(text, " \t", &rest); word && count < COMMAND_ARGUMENTS_MAX;
	     word = strtok_r(NULL, " \t", &rest))
		argv[count++] = word;
	argv[count++] = (char *)argument;
	argv[count] = NULL;
}

static void reset_signals(void)
{
	sigset_t none;

	for (int number = 1; number < NSIG; number++)
		signal(number, SIG_DFL);
	sigemptyset(&none);
	sigprocmask(SIG_SETMASK, &none, NULL);
}

static bool close_descriptors(void)
{
	int null_fd = open("/dev/null", O_RDWR);

	return null_fd >= 0 && dup2(null_fd, STDIN_FILENO) >= 0 &&
	       dup2(null_fd, STDOUT_FILENO) >= 0 && dup2(null_fd, STDERR_FILENO) >= 0 &&
	       syscall(SYS_close_range, STDERR_FILENO + 1, ~0u, 0) == 0;
}

static void __attribute__((noreturn))
become(const char *command, const char *argument, uid_t uid, gid_t gid)
{
	char *argv[COMMAND_ARGUMENTS_MAX + 2];
	char text[CONFIG_PATH_MAX];

	snprintf(text, sizeof(text), "%s", command);
	split(text, argument, argv);
	reset_signals();
	setsid();
	if (close_descriptors() && chdir("/") == 0 && child_drop_privileges(uid, gid) == 0 &&
	    clearenv() == 0 && setenv("PATH", PATH_TEXT, 1) == 0)
		execvp(argv[0], argv);
	_exit(STATUS_NOT_EXECUTED);
}

int command_start(struct process *process, const char *command, const char *argument, uid_t uid,
		  gid_t gid)
{
	int error;

	*process = (struct process){.pid = fork(), .pidfd = -1, .control = -1};
	if (process->pid == 0)
		become(command, argument, uid, gid);
	if (process->pid < 0)
		return -errno;
	process->pidfd = (int)syscall(SYS_pidfd_open, process->pid, 0);
	if (process->pidfd >= 0)
		return 0;
	error = -errno;
	kill(process->pid, SIGKILL); /* our child, not yet waited for: the pid is its own */
	waitpid(process->pid, NULL, 0);
	return error;
}
