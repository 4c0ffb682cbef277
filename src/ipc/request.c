/* SPDX-License-Identifier: BSD-3-Clause */
#include "ipc/request.h"

#include <errno.h>
#include <sys/socket.h>

int request_send(int fd, const struct request *request)
{
	return send(fd, request, sizeof(*request), MSG_NOSIGNAL) < 0 ? -errno : 0;
}

int request_receive(int fd, struct request *request)
{
	ssize_t got;

	do
		got = recv(fd, request, sizeof(*request), MSG_DONTWAIT | MSG_TRUNC);
	while (got < 0 && errno == EINTR);
	if (got < 0)
		return errno == EAGAIN ? -EAGAIN : 0;
	return got == sizeof(*request);
}
