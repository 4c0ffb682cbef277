/* SPDX-License-Identifier: BSD-3-Clause */
#pragma once
#include <stdbool.h>
#include <stdint.h>
#include <sys/socket.h>
#include "ipc/counters.h"
#include "worker/proxy/client.h"

/*
 * One UDP socket that clients send to: a turn takes a batch of datagrams, hands each to the proxy,
 * and sends at once what replies there are. Replies to what is answered later gather here until the
 * end of the turn in which they come.
 */

#define LISTENER_BATCH	   32
#define LISTENER_QUERY_MAX 4096 /* octets; a longer query is malformed */
#define LISTENER_REPLY_MAX 4096

/* Between messages of a batch: at a distance of whole pages their beginnings, which are all that is
 * looked at of most, would share a few places of the first cache. */
#define LISTENER_SPREAD 192

struct proxy;
struct loop_event;

/* Where a datagram came to or goes out from, when the socket has all addresses. */
union listener_control {
	struct cmsghdr header;
	char inet[CMSG_SPACE(sizeof(struct in_pktinfo))];
	char inet6[CMSG_SPACE(sizeof(struct in6_pktinfo))];
};

struct listener_batch {
	struct mmsghdr messages[LISTENER_BATCH];
	struct iovec parts[LISTENER_BATCH];
	union client_address addresses[LISTENER_BATCH];
	union listener_control controls[LISTENER_BATCH];
	uint8_t bytes[LISTENER_BATCH][LISTENER_REPLY_MAX + LISTENER_SPREAD];
};

struct listener {
	struct proxy *proxy;
	int fd;
	bool is_wildcard; /* the address that was asked comes with each datagram */
	struct endpoint endpoint;
	struct loop_event *event;
	struct listener_batch *replies;
	uint32_t reply_count;
	enum counter outcomes[LISTENER_BATCH]; /* of the queries that these replies answer */
};

void listener_open(struct listener *listener, struct proxy *proxy, int fd,
		   const struct endpoint *endpoint);

/* Takes no more queries; replies still go out. */
void listener_stop(struct listener *listener);

/* Room for a reply to a client of LISTENER_REPLY_MAX octets, then the reply itself. outcome: what
 * is counted when it is sent. */
uint8_t *listener_reply(struct listener *listener);
void listener_send(struct listener *listener, const struct client *client, size_t length,
		   enum counter outcome);

/* Sends what has gathered. */
void listener_flush(struct listener *listener);
