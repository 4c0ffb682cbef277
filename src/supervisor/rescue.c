/* SPDX-License-Identifier: BSD-3-Clause */
#include "supervisor/rescue.h"

#include <fcntl.h>
#include <signal.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "base/memory.h"

#define RESCUE_SECONDS 5

/* What a signal handler needs, made beforehand. */
static struct {
	bool is_armed;
	int previous_fd, handover_fd;
	int fds[HANDOVER_FDS_MAX];
	uint32_t fd_count;
	char **argv, **environment;
} rescue;

static void go_back(void)
{
	if (!rescue.is_armed)
		return;
	rescue.is_armed = false;
	alarm(0); /* it would outlive the execve */
	for (uint32_t i = 0; i < rescue.fd_count; i++)
		fcntl(rescue.fds[i], F_SETFD, 0);
	fcntl(rescue.handover_fd, F_SETFD, 0);
	fcntl(rescue.previous_fd, F_SETFD, 0); /* it is among what the handover names */
	syscall(SYS_execveat, rescue.previous_fd, "", rescue.argv, rescue.environment,
		AT_EMPTY_PATH);
}

static void on_fatal_signal(int number)
{
	sigset_t none;

	sigemptyset(&none);
	sigaddset(&none, number);
	sigprocmask(SIG_UNBLOCK, &none, NULL); /* else it is blocked in the previous program, too */
	go_back();
	_exit(EXIT_FAILURE);
}

static const int fatal_signals[] = {SIGSEGV, SIGBUS, SIGILL, SIGFPE, SIGABRT, SIGSYS, SIGALRM};

static void handle_fatal_signals(void (*handler)(int))
{
	for (size_t i = 0; i < sizeof(fatal_signals) / sizeof(fatal_signals[0]); i++)
		signal(fatal_signals[i], handler);
}

void rescue_arm(char **argv, const struct handover *handover, int handover_fd, int previous_fd)
{
	size_t count = 0;

	while (environ[count])
		count++;
	rescue.environment = xcalloc(count + 3, sizeof(*rescue.environment));
	memcpy(rescue.environment, environ, count * sizeof(*environ));
	rescue.environment[count] = xmalloc(64);
	snprintf(rescue.environment[count], 64, HANDOVER_VARIABLE "=%d", handover_fd);
	rescue.environment[count + 1] = HANDOVER_FAILURE_VARIABLE "=it ended while it took over";
	rescue.argv = argv;
	rescue.handover_fd = handover_fd;
	for (uint32_t i = 0; i < handover->fd_count; i++)
		rescue.fds[rescue.fd_count++] = handover->fds[i].fd;
	rescue.previous_fd = previous_fd;
	rescue.is_armed = true;
	atexit(go_back);
	handle_fatal_signals(on_fatal_signal);
	alarm(RESCUE_SECONDS);
}

void rescue_disarm(void)
{
	if (!rescue.is_armed)
		return;
	rescue.is_armed = false;
	alarm(0);
	handle_fatal_signals(SIG_DFL);
	close(rescue.handover_fd);
}
