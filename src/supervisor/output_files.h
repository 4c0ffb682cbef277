/* SPDX-License-Identifier: BSD-3-Clause */
#pragma once
#include <stdbool.h>
#include "config/config.h"
#include "loop/loop.h"

/*
 * The files of outputs: opened, rotated, compressed and handed to a command by the one process that
 * has the right, for one that asks by index. Paths come from the configuration alone. What takes
 * time is done by children: the role "compress" (compress.h) and the command of the operator, one
 * at a time for each output.
 *
 * Opened are regular files of one name, pipes that somebody reads, and /dev/null; through symbolic
 * links only where nobody but root, or who we are, can have made them. New ones have mode 0640 and
 * belong to the configured user.
 */
struct output_files;

/* Both are borrowed. */
struct output_files *output_files_new(struct loop *loop, int executable_fd);

/* Ends compressing, which leaves the file as it was; a command goes on alone. Accepts NULL. */
void output_files_free(struct output_files *files);

/* The file of an output, to append to. A descriptor, or -1 with one line in
 * error[CONFIG_ERROR_MAX]. */
int output_files_open(const struct config *config, uint32_t index, char *error);

/* Rotates it first: PATH becomes PATH.1, which became PATH.2, and so on; the oldest goes. Then
 * compresses and calls the command, in the background. The configuration is copied as far as it is
 * needed. */
int output_files_next(struct output_files *files, const struct config *config, uint32_t index,
		      char *error);

/* The spool of an output: a file of exactly its size, whose room on disk is taken already where the
 * file system can. */
int output_files_open_spool(const struct config *config, uint32_t index, char *error);

/* Is something being compressed, or a command running? */
bool output_files_is_busy(const struct output_files *files);
