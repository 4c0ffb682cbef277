/* SPDX-License-Identifier: BSD-3-Clause */
#pragma once
#include "ipc/reply.h"
#include "ipc/request.h"

/*
 * Asks the supervisor at path, and waits for its reply: wait_seconds at most, 0 = as long as it
 * lives. *text is the caller's to free. 0 or -errno.
 */
int client_ask(const char *path, const struct request *request, int wait_seconds,
	       enum reply_status *status, char **text);
