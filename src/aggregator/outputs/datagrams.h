/* SPDX-License-Identifier: BSD-3-Clause */
#pragma once
#include <stdbool.h>
#include <stdint.h>
#include <sys/uio.h>
#include "aggregator/outputs/condition.h"
#include "aggregator/outputs/output.h"

/*
 * The records of an output as datagrams, one each, over UDP or a unix socket: delivered when the
 * kernel has taken them. A unix socket whose reader is slow makes them wait; what a UDP port
 * refuses is noticed, and its loss is not.
 */
#define DATAGRAMS_PARTS_MAX 2
#define DATAGRAMS_BATCH	    64

/* The parts of one datagram, which stay until the batch is sent; number counts from 0 in each
 * batch. Returns how many. */
typedef int (*datagrams_frame_fn)(void *argument, uint32_t number, const struct iovec *record,
				  struct iovec *parts);

struct datagrams {
	struct output *output;
	struct loop_event *timer;  /* the next attempt to connect */
	struct loop_event *writer; /* while there is no room */
	datagrams_frame_fn frame;
	void *argument;
	struct condition condition;
	int fd; /* -1 = not connected */
	int64_t pause_ns;
	uint32_t refusals; /* since the last tick */
	/* The path is that of a stream socket: on_stream(argument) instead. */
	void (*on_stream)(void *argument);
};

void datagrams_start(struct datagrams *datagrams, struct output *output, datagrams_frame_fn frame,
		     void (*on_stream)(void *argument), void *argument);
void datagrams_stop(struct datagrams *datagrams);
void datagrams_write(struct datagrams *datagrams);
void datagrams_tick(struct datagrams *datagrams, int64_t now_ns);
