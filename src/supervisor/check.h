/* SPDX-License-Identifier: BSD-3-Clause */
#pragma once
#include <stdbool.h>
#include "supervisor/effective.h"
#include "supervisor/process.h"

/*
 * The check of a command line and its configuration file by a process of its own (preflight.h), at
 * the start and for each reload, and what it hands back.
 */

#define CHECK_WARNINGS_MAX 8192

/* A check in progress: its pidfd becomes readable when it is done. */
struct check {
	struct process process;
	int config_fd, filter_fd, lists_fd;
	char warnings[CHECK_WARNINGS_MAX]; /* lines with LF; what does not fit is in the log only */
};

enum check_result {
	CHECK_OK,
	CHECK_DONE,    /* -h or --version: there is nothing to run */
	CHECK_REFUSED, /* error has one line that says why */
};

/* argv is that of our own start. effective: what is in force, for a reload; NULL at the start, when
 * it may print, and read what our caller left open. 0 or -errno. */
int check_start(struct check *check, int executable_fd, int argc, char **argv,
		const struct effective *effective);

/* Waits for its end. CHECK_OK gives *effective, which effective_free() frees. Its warnings are
 * logged, and kept in check. error has CONFIG_ERROR_MAX bytes. */
enum check_result check_finish(struct check *check, struct effective **effective, char *error);
