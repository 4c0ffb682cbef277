/* SPDX-License-Identifier: BSD-3-Clause */
#pragma once
#include "ipc/reply.h"
#include "ipc/request.h"

/*
 * Asks the supervisor at path, and waits for its reply: wait_seconds at most, 0 = as long as it
 * lives. with: the text of the request, or NULL. *text is the caller's to free. 0 or -errno.
 */
int client_ask(const char *path, const struct request *request, const char *with, int wait_seconds,
	       enum reply_status *status, char **text);
