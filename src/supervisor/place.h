/* SPDX-License-Identifier: BSD-3-Clause */
#pragma once
#include <limits.h>
#include <stdbool.h>
#include <sys/types.h>

/*
 * Where a file of an output is: its folder, held open, and its name there. Root writes into folders
 * that others may change, so symbolic links are followed only where the whole way belongs to root,
 * or to who we are, and nobody else can write; and everything is done relative to the open folder.
 */
struct place {
	int folder_fd;
	bool is_trusted; /* links are followed */
	char name[NAME_MAX + 1];
};

/* 0 or -errno: -ELOOP for a way through links that are not to be followed. */
int place_open(struct place *place, const char *path);
void place_close(struct place *place);

/*
 * Opens the file to append to and to read; makes it when it is not there (mode 0640, of this user;
 * uid and gid are not changed unless we are root). A pipe is opened for writing, which somebody
 * must read. -errno: -ELOOP for a link, -EBADF for what is none of regular file of one name, pipe
 * and /dev/null.
 */
int place_open_file(const struct place *place, uid_t uid, gid_t gid);

/* Opens it to read. Where links are followed, it may have several names. -errno as above: -EBADF
 * for what is no such regular file. */
int place_open_to_read(const struct place *place);
