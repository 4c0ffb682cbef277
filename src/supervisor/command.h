/* SPDX-License-Identifier: BSD-3-Clause */
#pragma once
#include <sys/types.h>
#include "supervisor/process.h"

/*
 * A program of the operator's, with its arguments split at blanks and one more: no shell takes
 * part. It runs as this user without privileges, in a session of its own, with no descriptors but
 * /dev/null, and a PATH for an environment. It has no control channel; that it cannot be executed
 * is status 127. 0 or -errno.
 */
#define COMMAND_ARGUMENTS_MAX 32

int command_start(struct process *process, const char *command, const char *argument, uid_t uid,
		  gid_t gid);
