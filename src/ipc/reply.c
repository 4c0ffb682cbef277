/* SPDX-License-Identifier: BSD-3-Clause */
#include "ipc/reply.h"

#include <errno.h>
#include <fcntl.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#define SEALS (F_SEAL_SHRINK | F_SEAL_GROW | F_SEAL_WRITE | F_SEAL_SEAL)

/* Room for one descriptor, as aligned as a header. */
union ancillary {
	struct cmsghdr header;
	char bytes[CMSG_SPACE(sizeof(int))];
};

static int make_text(const char *text, size_t length)
{
	int fd = memfd_create("dnsflow-reply", MFD_CLOEXEC | MFD_ALLOW_SEALING), error;
	ssize_t written;

	if (fd < 0)
		return -errno;
	written = write(fd, text, length);
	if (written == (ssize_t)length && fcntl(fd, F_ADD_SEALS, SEALS) == 0)
		return fd;
	error = written < 0 ? -errno : -ENOSPC;
	close(fd);
	return error;
}

int reply_send(int fd, enum reply_status status, const char *text, size_t length)
{
	struct reply reply = {.status = status, .length = (uint32_t)length};
	struct iovec part = {&reply, sizeof(reply)};
	union ancillary ancillary = {0};
	struct msghdr message = {
		.msg_iov = &part,
		.msg_iovlen = 1,
		.msg_control = &ancillary,
		.msg_controllen = sizeof(ancillary.bytes),
	};
	int text_fd = make_text(text, length), error = 0;

	if (text_fd < 0)
		return text_fd;
	ancillary.header.cmsg_level = SOL_SOCKET;
	ancillary.header.cmsg_type = SCM_RIGHTS;
	ancillary.header.cmsg_len = CMSG_LEN(sizeof(text_fd));
	memcpy(CMSG_DATA(&ancillary.header), &text_fd, sizeof(text_fd));
	if (sendmsg(fd, &message, MSG_DONTWAIT | MSG_NOSIGNAL) < 0)
		error = -errno;
	close(text_fd);
	return error;
}

/* Takes the struct and the descriptor that came along, -1 if none did. */
static ssize_t take_message(int fd, struct reply *reply, int *text_fd)
{
	struct iovec part = {reply, sizeof(*reply)};
	union ancillary ancillary;
	struct msghdr message = {
		.msg_iov = &part,
		.msg_iovlen = 1,
		.msg_control = &ancillary,
		.msg_controllen = sizeof(ancillary.bytes),
	};
	const struct cmsghdr *header;
	ssize_t got;

	*text_fd = -1;
	do
		got = recvmsg(fd, &message, MSG_CMSG_CLOEXEC | MSG_TRUNC);
	while (got < 0 && errno == EINTR);
	header = got < 0 ? NULL : CMSG_FIRSTHDR(&message);
	if (header && header->cmsg_level == SOL_SOCKET && header->cmsg_type == SCM_RIGHTS &&
	    header->cmsg_len == CMSG_LEN(sizeof(*text_fd)))
		memcpy(text_fd, CMSG_DATA(header), sizeof(*text_fd));
	return got;
}

static bool is_text(int fd, size_t length)
{
	struct stat status;

	return length <= REPLY_BYTES_MAX && fstat(fd, &status) == 0 &&
	       status.st_size == (off_t)length && fcntl(fd, F_GET_SEALS) == SEALS;
}

static int read_text(int fd, size_t length, char **text)
{
	if (!is_text(fd, length))
		return -EPROTO;
	*text = malloc(length + 1);
	if (!*text)
		return -ENOMEM;
	if (pread(fd, *text, length, 0) != (ssize_t)length) {
		free(*text);
		*text = NULL;
		return -EPROTO;
	}
	(*text)[length] = '\0';
	return 0;
}

int reply_receive(int fd, struct reply *reply, char **text)
{
	int text_fd, error;
	ssize_t got = take_message(fd, reply, &text_fd);

	*text = NULL;
	if (got < 0)
		return errno == ECONNRESET ? -EPIPE : -errno;
	if (got == sizeof(*reply) && text_fd >= 0)
		error = read_text(text_fd, reply->length, text);
	else
		error = got ? -EPROTO : -EPIPE;
	if (text_fd >= 0)
		close(text_fd);
	return error;
}
