/* SPDX-License-Identifier: BSD-3-Clause */
#include "tools/read/source.h"

#include <errno.h>
#include <linux/sock_diag.h>
#include <netinet/in.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/memory.h"

#define BATCH	       64
#define DATAGRAM_BYTES 65536
#define RECEIVE_BYTES  (64 << 20)

union control {
	struct cmsghdr head;
	uint8_t room[CMSG_SPACE(sizeof(struct timespec))];
};

struct listener {
	struct source source;
	int count; /* datagrams of the batch, of which those before at were handed out */
	int at;
	struct mmsghdr messages[BATCH];
	struct iovec vectors[BATCH];
	struct sockaddr_storage senders[BATCH];
	union control controls[BATCH];
	uint8_t payloads[BATCH][DATAGRAM_BYTES];
};

static enum source_result batch_receive(struct listener *listener)
{
	for (int i = 0; i < BATCH; i++)
		listener->messages[i].msg_hdr = (struct msghdr){
			.msg_name = &listener->senders[i],
			.msg_namelen = sizeof(listener->senders[i]),
			.msg_iov = &listener->vectors[i],
			.msg_iovlen = 1,
			.msg_control = &listener->controls[i],
			.msg_controllen = sizeof(listener->controls[i]),
		};
	listener->at = 0;
	listener->count =
		recvmmsg(listener->source.fd, listener->messages, BATCH, MSG_DONTWAIT, NULL);
	if (listener->count > 0)
		return SOURCE_DATAGRAM;
	if (listener->count < 0 && errno != EAGAIN && errno != EINTR) {
		snprintf(listener->source.message, SOURCE_ERROR_BYTES, "receiving failed: %s",
			 strerror(errno));
		listener->count = 0;
		return SOURCE_FAILED;
	}
	listener->count = 0;
	return SOURCE_IDLE;
}

static int64_t message_time_ns(struct msghdr *message)
{
	struct cmsghdr *control = CMSG_FIRSTHDR(message);
	struct timespec time;

	if (!control || control->cmsg_type != SO_TIMESTAMPNS)
		return clock_wall_ns();
	memcpy(&time, CMSG_DATA(control), sizeof(time));
	return time.tv_sec * NANOSECONDS_PER_SECOND + time.tv_nsec;
}

/* An IPv4 sender at an IPv6 socket (RFC 4291 2.5.5.2). */
static void address_unmap(struct address *address)
{
	static const uint8_t prefix[12] = {[10] = 0xff, [11] = 0xff};

	if (address->version != 6 || memcmp(address->bytes, prefix, sizeof(prefix)))
		return;
	memmove(address->bytes, address->bytes + 12, 4);
	memset(address->bytes + 4, 0, 12);
	address->version = 4;
}

static enum source_result listener_next(struct source *source, struct datagram *datagram)
{
	struct listener *listener = (struct listener *)source;
	enum source_result result;
	int at;

	if (listener->at == listener->count) {
		result = batch_receive(listener);
		if (result != SOURCE_DATAGRAM)
			return result;
	}
	at = listener->at++;
	if (!endpoint_from_sockaddr(&listener->senders[at], &datagram->exporter))
		return SOURCE_OTHER;
	address_unmap(&datagram->exporter.address);
	datagram->time_ns = message_time_ns(&listener->messages[at].msg_hdr);
	datagram->payload = (struct slice){listener->payloads[at], listener->messages[at].msg_len};
	return SOURCE_DATAGRAM;
}

/* Exact even when nothing came in behind the drop, which SO_RXQ_OVFL would need. */
static uint64_t listener_dropped(struct source *source)
{
	uint32_t info[SK_MEMINFO_VARS] = {0};
	socklen_t size = sizeof(info);

	getsockopt(source->fd, SOL_SOCKET, SO_MEMINFO, info, &size);
	return info[SK_MEMINFO_DROPS];
}

static void listener_close(struct source *source)
{
	close(source->fd);
	free(source);
}

static const struct source_ops listener_ops = {
	.next = listener_next, .dropped = listener_dropped, .close = listener_close};

static bool option_set(int fd, int level, int name, int value)
{
	return setsockopt(fd, level, name, &value, sizeof(value)) == 0;
}

static int socket_open(const struct endpoint *endpoint)
{
	struct sockaddr_storage address;
	socklen_t size = endpoint_to_sockaddr(endpoint, &address);
	int fd = socket(address.ss_family, SOCK_DGRAM | SOCK_CLOEXEC, 0);
	int error;

	if (fd < 0)
		return -errno;
	if (address.ss_family == AF_INET6)
		option_set(fd, IPPROTO_IPV6, IPV6_V6ONLY, 0);
	if (!option_set(fd, SOL_SOCKET, SO_RCVBUFFORCE, RECEIVE_BYTES))
		option_set(fd, SOL_SOCKET, SO_RCVBUF, RECEIVE_BYTES);
	option_set(fd, SOL_SOCKET, SO_TIMESTAMPNS, 1);
	if (bind(fd, (struct sockaddr *)&address, size) == 0)
		return fd;
	error = errno;
	close(fd);
	return -error;
}

struct source *source_open_listen(const struct endpoint *endpoint, char error[SOURCE_ERROR_BYTES])
{
	static const struct endpoint any6 = {.address.version = 6};
	struct endpoint any4 = {.address.version = 4, .port = endpoint->port};
	char text[ENDPOINT_TEXT_MAX];
	struct listener *listener;
	int fd = socket_open(endpoint);

	/* A kernel without IPv6 has IPv4 at least. */
	if (fd == -EAFNOSUPPORT && address_equal(&endpoint->address, &any6.address))
		fd = socket_open(&any4);
	if (fd < 0) {
		snprintf(error, SOURCE_ERROR_BYTES, "%s: %s", endpoint_format(endpoint, text),
			 strerror(-fd));
		return NULL;
	}
	listener = xcalloc(1, sizeof(*listener));
	listener->source = (struct source){.ops = &listener_ops, .fd = fd};
	for (int i = 0; i < BATCH; i++)
		listener->vectors[i] = (struct iovec){listener->payloads[i], DATAGRAM_BYTES};
	return &listener->source;
}
