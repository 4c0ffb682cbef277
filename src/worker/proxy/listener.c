/* SPDX-License-Identifier: BSD-3-Clause */
#include "worker/proxy/listener.h"

#include <errno.h>
#include <string.h>

#include "base/memory.h"
#include "loop/loop.h"
#include "worker/proxy/proxy.h"

_Static_assert(LISTENER_QUERY_MAX <= LISTENER_REPLY_MAX, "one batch serves both directions");

/* The queries of a turn: one turn goes on at a time. */
static struct listener_batch queries;

/* What the kernel wrote into the headers of the last turn is set back. */
static void prepare(struct listener_batch *batch, bool is_wildcard)
{
	for (uint32_t i = 0; i < LISTENER_BATCH; i++) {
		struct msghdr *header = &batch->messages[i].msg_hdr;

		batch->parts[i] = (struct iovec){batch->bytes[i], LISTENER_QUERY_MAX};
		header->msg_iov = &batch->parts[i];
		header->msg_iovlen = 1;
		header->msg_name = &batch->addresses[i];
		header->msg_namelen = sizeof(batch->addresses[i]);
		header->msg_control = is_wildcard ? &batch->controls[i] : NULL;
		header->msg_controllen = is_wildcard ? sizeof(batch->controls[i]) : 0;
	}
}

/* The address that was asked, of a socket that has all of them. */
static struct address asked_address(struct msghdr *header)
{
	struct cmsghdr *control = CMSG_FIRSTHDR(header);
	struct address address = {0};
	struct in6_pktinfo info6;
	struct in_pktinfo info;

	if (!control)
		return address;
	if (control->cmsg_level == IPPROTO_IP && control->cmsg_type == IP_PKTINFO) {
		memcpy(&info, CMSG_DATA(control), sizeof(info));
		address.version = 4;
		memcpy(address.bytes, &info.ipi_spec_dst, 4); /* ours, also of a broadcast */
	} else if (control->cmsg_level == IPPROTO_IPV6 && control->cmsg_type == IPV6_PKTINFO) {
		memcpy(&info6, CMSG_DATA(control), sizeof(info6));
		address.version = 6;
		memcpy(address.bytes, &info6.ipi6_addr, 16);
	}
	return address;
}

static struct proxy_taken taken[LISTENER_BATCH];

static void take(struct listener *listener, uint32_t i)
{
	struct client client = {.from = queries.addresses[i], .listener = listener};

	client.address = client_address_of(&client.from);
	client.asked = listener->endpoint;
	if (listener->is_wildcard)
		client.asked.address = asked_address(&queries.messages[i].msg_hdr);
	proxy_handle(listener->proxy, &client, &taken[i]);
}

static void on_readable(void *argument)
{
	struct listener *listener = argument;
	int count;

	prepare(&queries, listener->is_wildcard);
	count = recvmmsg(listener->fd, queries.messages, LISTENER_BATCH, MSG_DONTWAIT, NULL);
	if (count <= 0)
		return; /* an error that waited on the socket is read with that */
	proxy_begin_turn(listener->proxy, (uint32_t)count);
	for (int i = 0; i < count; i++) {
		bool is_cut = queries.messages[i].msg_hdr.msg_flags & MSG_TRUNC;
		/* No query is as long: it is dropped as malformed. */
		size_t length = is_cut ? 0 : queries.messages[i].msg_len;

		proxy_parse(listener->proxy, (struct slice){queries.bytes[i], length}, &taken[i]);
	}
	for (int i = 0; i < count; i++)
		proxy_prefetch(listener->proxy, &taken[i]);
	for (int i = 0; i < count; i++)
		take(listener, (uint32_t)i);
	proxy_end_turn(listener->proxy);
}

void listener_open(struct listener *listener, struct proxy *proxy, int fd,
		   const struct endpoint *endpoint)
{
	*listener = (struct listener){.proxy = proxy, .fd = fd, .endpoint = *endpoint};
	listener->is_wildcard = address_is_any(&endpoint->address);
	listener->replies = xcalloc(1, sizeof(*listener->replies));
	listener->event = loop_add_urgent_reader(proxy->loop, fd, on_readable, listener);
}

void listener_stop(struct listener *listener)
{
	loop_event_free(listener->event);
	listener->event = NULL;
}

uint8_t *listener_reply(struct listener *listener)
{
	if (listener->reply_count == LISTENER_BATCH)
		listener_flush(listener);
	return listener->replies->bytes[listener->reply_count];
}

/* From the address that was asked. Returns the length of what is written to control. */
static size_t write_source(const struct address *source, union listener_control *control)
{
	struct in_pktinfo info = {0};
	struct in6_pktinfo info6 = {0};

	if (source->version == 4) {
		memcpy(&info.ipi_spec_dst, source->bytes, 4);
		control->header = (struct cmsghdr){.cmsg_len = CMSG_LEN(sizeof(info)),
						   .cmsg_level = IPPROTO_IP,
						   .cmsg_type = IP_PKTINFO};
		memcpy(CMSG_DATA(&control->header), &info, sizeof(info));
		return CMSG_SPACE(sizeof(info));
	}
	memcpy(&info6.ipi6_addr, source->bytes, 16);
	control->header = (struct cmsghdr){.cmsg_len = CMSG_LEN(sizeof(info6)),
					   .cmsg_level = IPPROTO_IPV6,
					   .cmsg_type = IPV6_PKTINFO};
	memcpy(CMSG_DATA(&control->header), &info6, sizeof(info6));
	return CMSG_SPACE(sizeof(info6));
}

void listener_send(struct listener *listener, const struct client *client, size_t length,
		   enum counter outcome)
{
	struct listener_batch *replies = listener->replies;
	uint32_t i = listener->reply_count++;
	struct msghdr *header = &replies->messages[i].msg_hdr;

	replies->addresses[i] = client->from;
	replies->parts[i] = (struct iovec){replies->bytes[i], length};
	*header = (struct msghdr){.msg_name = &replies->addresses[i],
				  .msg_namelen = client_address_length(&client->from),
				  .msg_iov = &replies->parts[i],
				  .msg_iovlen = 1};
	if (listener->is_wildcard && client->asked.address.version) {
		header->msg_control = &replies->controls[i];
		header->msg_controllen =
			write_source(&client->asked.address, &replies->controls[i]);
	}
	listener->outcomes[i] = outcome;
}

/* Those from first to end were sent. */
static void count_sent(struct listener *listener, uint32_t first, uint32_t end)
{
	struct proxy_traffic_stats *traffic = &listener->proxy->stats->traffic;

	for (uint32_t i = first; i < end; i++) {
		proxy_count(listener->proxy, listener->outcomes[i], 1);
		traffic->bytes_sent += listener->replies->parts[i].iov_len;
	}
	traffic->packets_sent += end - first;
}

void listener_flush(struct listener *listener)
{
	uint32_t done = 0;

	while (done < listener->reply_count) {
		int sent = sendmmsg(listener->fd, listener->replies->messages + done,
				    listener->reply_count - done, MSG_DONTWAIT);

		if (sent > 0) {
			count_sent(listener, done, done + (uint32_t)sent);
			done += (uint32_t)sent;
		} else if (errno != EINTR) {
			/* It is one datagram's fault, or there is no room: a client asks again. */
			proxy_count(listener->proxy, COUNTER_PROXY_UNSENT, 1);
			done++;
		}
	}
	listener->reply_count = 0;
}
