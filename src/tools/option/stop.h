/* SPDX-License-Identifier: BSD-3-Clause */
#pragma once
#include <stdbool.h>

/* SIGINT and SIGTERM ask for an end, and make it the second time; SIGPIPE is ignored. Returns 0 or
 * -errno. */
int stop_open(void);
bool stop_is_wanted(void);

/* Readable as soon as the end is asked for. */
int stop_fd(void);

/*
 * From the signal on, fd reads as ended: for a pipe that is read by a library, which waits on after
 * a signal.
 */
void stop_reading(int fd);
