/* SPDX-License-Identifier: BSD-3-Clause */
#include "tests/lib/sockets.h"

#include <errno.h>
#include <sys/socket.h>
#include <unistd.h>

#include "config/config.h"
#include "net/address.h"

#define RECEIVE_BYTES (256 << 20)
#define BACKLOG	      16

typedef int (*socket_fn)(int fd, const struct sockaddr *address, socklen_t length);

/* A socket of this type after bind or connect. */
static int open_socket(const char *text, int type, socket_fn attach)
{
	struct endpoint endpoint = {0};
	struct sockaddr_storage address;
	char host[ADDRESS_TEXT_MAX];
	socklen_t length;
	int fd, error, yes = 1;

	if (!config_split_host_port(text, host, sizeof(host), &endpoint.port) ||
	    !address_parse(host, &endpoint.address))
		return -EINVAL;
	length = endpoint_to_sockaddr(&endpoint, &address);
	fd = socket(address.ss_family, type | SOCK_CLOEXEC, 0);
	if (fd < 0)
		return -errno;
	if (type == SOCK_STREAM)
		setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &yes, sizeof(yes));
	if (!attach(fd, (struct sockaddr *)&address, length))
		return fd;
	error = -errno;
	close(fd);
	return error;
}

int udp_bind(const char *text)
{
	int bytes = RECEIVE_BYTES, fd = open_socket(text, SOCK_DGRAM, bind);

	if (fd >= 0 && setsockopt(fd, SOL_SOCKET, SO_RCVBUFFORCE, &bytes, sizeof(bytes)) < 0)
		setsockopt(fd, SOL_SOCKET, SO_RCVBUF, &bytes, sizeof(bytes));
	return fd;
}

int tcp_listen(const char *text)
{
	int fd = open_socket(text, SOCK_STREAM, bind), error;

	if (fd < 0 || !listen(fd, BACKLOG))
		return fd;
	error = -errno;
	close(fd);
	return error;
}

int tcp_connect(const char *text)
{
	return open_socket(text, SOCK_STREAM, connect);
}
