/* SPDX-License-Identifier: BSD-3-Clause */
#include "ipc/lend.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

/* Room for one descriptor, aligned as the kernel wants it. */
union ancillary {
	struct cmsghdr header;
	char room[CMSG_SPACE(sizeof(int))];
};

int lend_send(int channel, enum lend what, uint32_t index, int fd, const char *text)
{
	struct control_message message = {.type = CONTROL_LENT, .status = lend_status(what, index)};
	struct iovec part = {&message, sizeof(message)};
	union ancillary ancillary = {.header = {.cmsg_len = CMSG_LEN(sizeof(int)),
						.cmsg_level = SOL_SOCKET,
						.cmsg_type = SCM_RIGHTS}};
	struct msghdr header = {.msg_iov = &part, .msg_iovlen = 1};

	snprintf(message.text, sizeof(message.text), "%s", text ? text : "");
	if (fd >= 0) {
		memcpy(CMSG_DATA(&ancillary.header), &fd, sizeof(fd));
		header.msg_control = ancillary.room;
		header.msg_controllen = sizeof(ancillary.room);
	}
	return sendmsg(channel, &header, MSG_DONTWAIT | MSG_NOSIGNAL) < 0 ? -errno : 0;
}

int lend_ask(int channel, enum lend what, uint32_t index)
{
	return control_send(channel, CONTROL_ASK, lend_status(what, index), NULL);
}

/* No other message than ours has any, so more than one cannot fit. */
static int take_fd(struct msghdr *header)
{
	struct cmsghdr *ancillary = CMSG_FIRSTHDR(header);
	int fd;

	if (!ancillary || ancillary->cmsg_level != SOL_SOCKET ||
	    ancillary->cmsg_type != SCM_RIGHTS || ancillary->cmsg_len != CMSG_LEN(sizeof(int)))
		return -1;
	memcpy(&fd, CMSG_DATA(ancillary), sizeof(fd));
	return fd;
}

int lend_receive(int channel, struct control_message *message, int *fd)
{
	struct iovec part = {message, sizeof(*message)};
	union ancillary ancillary;
	struct msghdr header = {.msg_iov = &part,
				.msg_iovlen = 1,
				.msg_control = ancillary.room,
				.msg_controllen = sizeof(ancillary.room)};
	ssize_t got;

	*fd = -1;
	do
		got = recvmsg(channel, &header, MSG_DONTWAIT | MSG_CMSG_CLOEXEC);
	while (got < 0 && errno == EINTR);
	if (got < 0)
		return errno == EAGAIN ? -EAGAIN : 0;
	*fd = take_fd(&header);
	if (got == sizeof(*message) && !(header.msg_flags & (MSG_TRUNC | MSG_CTRUNC))) {
		message->text[sizeof(message->text) - 1] = '\0';
		return 1;
	}
	if (*fd >= 0)
		close(*fd);
	*fd = -1;
	return 0;
}
