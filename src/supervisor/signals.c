/* SPDX-License-Identifier: BSD-3-Clause */
#include "supervisor/signals.h"

#include <signal.h>

static void change(int how, enum signals which)
{
	sigset_t set;

	sigemptyset(&set);
	sigaddset(&set, SIGHUP);
	sigaddset(&set, SIGUSR1);
	sigaddset(&set, SIGUSR2);
	sigaddset(&set, SIGPWR);
	if (which == SIGNALS_ALL) {
		sigaddset(&set, SIGTERM);
		sigaddset(&set, SIGINT);
	}
	sigprocmask(how, &set, NULL);
}

void signals_hold(enum signals which)
{
	change(SIG_BLOCK, which);
}

void signals_release(void)
{
	change(SIG_UNBLOCK, SIGNALS_ALL);
}
