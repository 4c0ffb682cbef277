/* SPDX-License-Identifier: BSD-3-Clause */
#include "tools/ctl/client.h"

#include <errno.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <sys/un.h>
#include <unistd.h>

static int connect_to(int fd, const char *path, int wait_seconds)
{
	struct sockaddr_un address = {.sun_family = AF_UNIX};
	struct timeval wait = {.tv_sec = wait_seconds};

	if (strlen(path) >= sizeof(address.sun_path))
		return -ENAMETOOLONG;
	strcpy(address.sun_path, path);
	if (setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &wait, sizeof(wait)) < 0 ||
	    setsockopt(fd, SOL_SOCKET, SO_SNDTIMEO, &wait, sizeof(wait)) < 0 ||
	    connect(fd, (struct sockaddr *)&address, sizeof(address)) < 0)
		return -errno;
	return 0;
}

int client_ask(const char *path, const struct request *request, const char *with, int wait_seconds,
	       enum reply_status *status, char **text)
{
	int fd = socket(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0), error;
	struct reply reply;

	if (fd < 0)
		return -errno;
	error = connect_to(fd, path, wait_seconds);
	if (!error)
		error = request_send(fd, request, with);
	if (!error)
		error = reply_receive(fd, &reply, text);
	if (!error)
		*status = (enum reply_status)reply.status;
	close(fd);
	return error;
}
