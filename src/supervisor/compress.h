/* SPDX-License-Identifier: BSD-3-Clause */
#pragma once
#include "ipc/child.h"

/*
 * The process that compresses a rotated file: reads CHILD_FD_INPUT, writes CHILD_FD_OUTPUT whole
 * and to the disk, and exits with 0; otherwise says CONTROL_FAILED and why. Arguments: gzip or
 * zstd, uid, gid. Unprivileged and sandboxed: old files are no input to trust.
 */
int compress_main(const struct child_identity *identity, int argument_count, char **arguments);
