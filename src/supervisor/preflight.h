/* SPDX-License-Identifier: BSD-3-Clause */
#pragma once
#include <stdbool.h>
#include "config/config.h"
#include "ipc/child.h"

/*
 * The short-lived process that checks a command line before anything is started: it opens what
 * needs root, drops its rights, then looks at the file, resolves names and compiles filters. It
 * hands back the complete configuration as text (CHILD_FD_CONFIG) and the classic filters of all
 * workers (CHILD_FD_FILTER: struct filter_program each), and lists of names, compiled
 * (CHILD_FD_LISTS). For a reload it is lent the lists that are in force (CHILD_FD_EARLIER_LISTS):
 * one whose file cannot be used stays as it is. Problems are told on the control channel,
 * one line: CONTROL_FAILED, or CONTROL_NOTICE with the log level as its status.
 */
enum preflight_status {
	PREFLIGHT_OK = 0,
	PREFLIGHT_REFUSED = 1,
	PREFLIGHT_DONE = 3, /* -h or --version: there is nothing to run */
};

/* What the aggregator will make of a configuration (aggregator/check.h). */
typedef bool (*preflight_check_fn)(const struct config *config, bool reads_files, char *error);

int preflight_main(const struct child_identity *identity, int argc, char **argv,
		   preflight_check_fn check);
