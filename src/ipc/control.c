/* SPDX-License-Identifier: BSD-3-Clause */
#include "ipc/control.h"

#include <errno.h>
#include <stdio.h>
#include <sys/socket.h>

int control_send(int fd, enum control_type type, uint32_t status, const char *text)
{
	struct control_message message = {.type = type, .status = status};

	snprintf(message.text, sizeof(message.text), "%s", text ? text : "");
	if (send(fd, &message, sizeof(message), MSG_DONTWAIT | MSG_NOSIGNAL) < 0)
		return -errno;
	return 0;
}

int control_receive(int fd, struct control_message *message)
{
	ssize_t got;

	do
		got = recv(fd, message, sizeof(*message), MSG_DONTWAIT | MSG_TRUNC);
	while (got < 0 && errno == EINTR);
	if (got < 0)
		return errno == EAGAIN ? -EAGAIN : 0;
	message->text[sizeof(message->text) - 1] = '\0';
	return got == sizeof(*message);
}
