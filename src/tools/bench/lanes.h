/* SPDX-License-Identifier: BSD-3-Clause */
#pragma once
#include <stdbool.h>
#include <stdint.h>
#include "base/slice.h"
#include "net/address.h"

/*
 * The ways to the server: UDP sockets, or TCP connections, which are made when there is something
 * to send and made again when they broke. Nothing waits but lanes_wait.
 */
struct lanes;
struct stream;

struct lane {
	struct lanes *lanes;
	struct stream *stream; /* over TCP */
	int fd;		       /* -1: not connected */
	uint32_t number;
	uint32_t interest; /* of epoll */
	bool is_blocked;   /* takes no query until the kernel takes bytes again */
};

struct lane_query {
	uint16_t id; /* host byte order */
	struct slice question;
};

#define LANE_BATCH 64 /* queries that send is given at most */

struct lane_ops {
	/* Returns 0 or -errno. */
	int (*open)(struct lane *lane);

	/*
	 * Returns how many were taken, from the first on: for the rest the lane is blocked. What
	 * the network refuses was taken, and is lost.
	 */
	uint32_t (*send)(struct lane *lane, const struct lane_query *queries, uint32_t count);
	void (*on_ready)(struct lane *lane, uint32_t events);

	/* One of its queries was not answered in time. */
	void (*on_timeout)(struct lane *lane);

	/* Messages that the kernel dropped. */
	uint64_t (*dropped)(const struct lane *lane);
	void (*close)(struct lane *lane);
};

extern const struct lane_ops lane_udp;
extern const struct lane_ops lane_tcp;

/* Whom lanes tell what happens, from within lanes_wait and on_timeout. */
struct lanes_listener {
	void *argument;

	/* The first ANSWER_KEPT octets at least of what came in. */
	void (*on_message)(void *argument, struct lane *lane, struct slice message, int64_t now_ns);

	/* Its connection broke: nothing that was sent will be answered. */
	void (*on_lost)(void *argument, struct lane *lane);

	/* It may have become less blocked, or less full. */
	void (*on_turn)(void *argument, struct lane *lane);
	void (*on_error)(void *argument, int error);
};

struct lanes {
	const struct lane_ops *ops;
	struct lanes_listener listener;
	struct endpoint server;
	int epoll_fd;
	uint32_t count;
	struct lane *lane;
};

/* wake_fd: what ends a wait, too. Returns 0 or -errno; exits when out of memory. */
int lanes_open(struct lanes *lanes, uint32_t count, int wake_fd);
void lanes_close(struct lanes *lanes);

/* For what happens, timeout_ns at most; tells the listener. */
void lanes_wait(struct lanes *lanes, int64_t timeout_ns);

uint64_t lanes_dropped(const struct lanes *lanes);

/* For lane_*.c: a non-blocking socket to the server, connected, or connecting over TCP. Returns it
 * or -errno. */
int lane_connect(const struct lane *lane, int type);

/* What to wait for on its socket; the first call adds it. */
void lane_watch(struct lane *lane, uint32_t interest);
