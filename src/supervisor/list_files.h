/* SPDX-License-Identifier: BSD-3-Clause */
#pragma once
#include "config/config.h"
#include "config/origins.h"

/*
 * The files of lists of names (rules/lists.h), for the preflight: opened while it may, read and
 * compiled when it may nothing any more. What is wrong is told as it is for the rest of the
 * configuration: a line that is, or a list that stays as it was, by a warning.
 */
struct list_files;

/* Opens those that a configuration names. One that cannot be opened is told when they are read.
 * origins, which stays: what the configuration was made of. */
struct list_files *list_files_open(const struct config *config, const struct origins *origins);

/*
 * Compiles them, and writes what comes of it to a descriptor (-1: nowhere); nothing when there are
 * none. earlier_fd: lists that are in force, or -1: whose file is missing, empty or without a good
 * line stays as it is there, with a remark. Without it the process ends when a file is missing; a
 * list of another such file has no entries. is_verbose: tells of each what it has.
 */
void list_files_compile(const struct list_files *files, int earlier_fd, int fd, bool is_verbose);

/* Accepts NULL. */
void list_files_close(struct list_files *files);
