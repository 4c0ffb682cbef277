/* SPDX-License-Identifier: BSD-3-Clause */
#pragma once
#include <stdbool.h>
#include <sys/types.h>
#include <sys/un.h>
#include "supervisor/handover.h"

/* The listening socket of the control server, and its name in the file system. */
struct control_socket {
	int fd;
	struct sockaddr_un address;
	dev_t device; /* of the name, to tell it from one that somebody else put there */
	ino_t inode;
};

/*
 * Mode 0660, ours and of this group. A socket of that name on which nobody answers is replaced;
 * nothing else is followed, changed or removed. Beside it PATH.lock is made, and stays. False with
 * one line in error[CONFIG_ERROR_MAX], also when another daemon is taking the name at this moment.
 */
bool control_socket_open(struct control_socket *control, const char *path, gid_t gid, char *error);

/* Hands it over, name and all, and takes it; false when there was none. */
void control_socket_give(const struct control_socket *control, struct handover *handover);
bool control_socket_take(struct control_socket *control, const char *path,
			 struct handover *handover);

/* Removes the name when it is still ours. */
void control_socket_close(struct control_socket *control);
