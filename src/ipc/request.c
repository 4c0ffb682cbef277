/* SPDX-License-Identifier: BSD-3-Clause */
#include "ipc/request.h"

#include <errno.h>
#include <stdbool.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/uio.h>

static bool takes_text(uint32_t type)
{
	return type == REQUEST_FLUSH;
}

int request_send(int fd, const struct request *request, const char *text)
{
	size_t length = text ? strlen(text) : 0;
	struct iovec parts[] = {{(void *)request, sizeof(*request)}, {(void *)text, length}};
	struct msghdr message = {.msg_iov = parts, .msg_iovlen = length ? 2 : 1};

	if (length >= REQUEST_TEXT_MAX)
		return -EMSGSIZE;
	return sendmsg(fd, &message, MSG_NOSIGNAL) < 0 ? -errno : 0;
}

int request_receive(int fd, struct request *request, char *text)
{
	struct iovec parts[] = {{request, sizeof(*request)}, {text, REQUEST_TEXT_MAX - 1}};
	struct msghdr message = {.msg_iov = parts, .msg_iovlen = 2};
	size_t length;
	ssize_t got;

	do
		got = recvmsg(fd, &message, MSG_DONTWAIT | MSG_TRUNC);
	while (got < 0 && errno == EINTR);
	if (got < 0)
		return errno == EAGAIN ? -EAGAIN : 0;
	if ((size_t)got < sizeof(*request) || message.msg_flags & MSG_TRUNC)
		return 0;
	length = (size_t)got - sizeof(*request);
	text[length] = '\0';
	return !length || (takes_text(request->type) && strlen(text) == length);
}
