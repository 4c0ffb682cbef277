/* SPDX-License-Identifier: BSD-3-Clause */
#pragma once
#include "supervisor/handover.h"

/*
 * While a program takes over, nothing that was handed over has changed: whatever ends this process
 * then, an exit, a crash or a hang of five seconds, the previous program is executed again, on the
 * same handover. Its exit handlers and signal handlers only make descriptors outlive an execve, and
 * call it.
 */

/* argv: the command line. handover_fd: what handover_read() was given; rescue_disarm() closes it.
 */
void rescue_arm(char **argv, const struct handover *handover, int handover_fd, int previous_fd);

/* All is taken over. Harmless when it was not armed. */
void rescue_disarm(void);
