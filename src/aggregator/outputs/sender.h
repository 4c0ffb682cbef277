/* SPDX-License-Identifier: BSD-3-Clause */
#pragma once
#include <stdbool.h>
#include <stdint.h>
#include <sys/uio.h>
#include "aggregator/outputs/condition.h"
#include "aggregator/outputs/output.h"
#include "loop/connection.h"

/*
 * The records of an output over a connection. A record leaves the queue when the other side's
 * kernel has acknowledged it; after a loss all others are sent again, so that none is missing, and
 * some may be there twice.
 */
#define SENDER_PARTS_MAX   3
#define SENDER_BATCH	   64
#define SENDER_FLIGHTS_MAX 64

/* What is put around a record, which comes without its newline: writes at most SENDER_PARTS_MAX
 * parts, which stay until the batch is written; number counts from 0 in each. Returns how many. */
typedef int (*sender_frame_fn)(void *argument, uint32_t number, const struct iovec *record,
			       struct iovec *parts);

/* Records that were handed to the connection together. */
struct sender_flight {
	uint64_t end;  /* of their bytes in the connection */
	uint64_t next; /* of the queue, behind them */
	uint32_t records;
	uint64_t bytes;
};

struct sender {
	struct output *output;
	struct connection *connection;
	struct tls_context *tls;
	struct loop_event *timer; /* looks what has been acknowledged */
	sender_frame_fn frame;
	void *argument;
	struct condition condition;
	char server_name[CONFIG_WORD_MAX];
	uint64_t next;	  /* of the queue: all before it was handed over */
	uint64_t written; /* bytes, since the connection came up */
	uint32_t first, count;
	struct sender_flight flights[SENDER_FLIGHTS_MAX]; /* a ring */
};

/* Before the sandbox: reads certificates when the output is to use TLS. False with one line in
 * error[CONFIG_ERROR_MAX]. */
bool sender_init(struct sender *sender, struct output *output, char *error);
void sender_fini(struct sender *sender);

/* Begins to connect. */
void sender_start(struct sender *sender, sender_frame_fn frame, void *argument);

/* Hands over what there is room for. */
void sender_write(struct sender *sender);
void sender_tick(struct sender *sender, int64_t now_ns);

/* Nothing waits to be acknowledged. */
bool sender_is_idle(const struct sender *sender);
