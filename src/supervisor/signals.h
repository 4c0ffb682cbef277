/* SPDX-License-Identifier: BSD-3-Clause */
#pragma once

/* Signals that arrive while nobody handles them wait, instead of ending the process: those that ask
 * for something before the loop handles them, and all that we handle between two programs. */

enum signals {
	SIGNALS_THAT_ASK, /* SIGHUP, SIGUSR1, SIGUSR2, SIGPWR */
	SIGNALS_ALL,	  /* and SIGTERM, SIGINT */
};

void signals_hold(enum signals which);
void signals_release(void);
