/* SPDX-License-Identifier: BSD-3-Clause */
#pragma once
#include <stdbool.h>
#include <stdint.h>
#include "ipc/control.h"

/*
 * Descriptors over the control channel, for a child that needs more of them than have fixed numbers
 * (child.h): at its start all that it is lent, ended by LEND_END; later what it asks for.
 */
enum lend {
	LEND_STATE,	/* struct aggregator_state */
	LEND_STREAMS,	/* shards of streams of other servers: count in index */
	LEND_HEAD,	/* from here on index is the worker: struct state_head, read-only */
	LEND_WATCH,	/* struct state_watch, read-only */
	LEND_STATS,	/* its shard, read-only */
	LEND_RING,	/* its events: data and struct ring_head, read-only */
	LEND_RING_TAIL, /* struct ring_tail */
	LEND_BELL,
	LEND_PROXY,	/* what its proxy tells of itself (ipc/proxy_stats.h), read-only */
	LEND_QUEUE,	/* index is the output: memory of its queue */
	LEND_SPOOL,	/* its spool, a file */
	LEND_FILE,	/* asked for: the file of an output, to append to */
	LEND_NEXT_FILE, /* asked for: the file is rotated, and a new one is begun */
	LEND_LISTENER,	/* of the web */
	LEND_CITY,	/* asked for: a GeoIP database, as it is now */
	LEND_ASN,
	LEND_CACHE, /* index is the worker: its cache (ipc/cache_counts.h), read-only */
	LEND_END,
};

/* A CONTROL_LENT message with one descriptor, or with none (fd < 0) and why in text. 0 or -errno.
 */
int lend_send(int channel, enum lend what, uint32_t index, int fd, const char *text);

/* A child asks for one: CONTROL_ASK. 0 or -errno. */
int lend_ask(int channel, enum lend what, uint32_t index);

/* Of the status of CONTROL_LENT and CONTROL_ASK. */
static inline uint32_t lend_status(enum lend what, uint32_t index)
{
	return (uint32_t)what << 16 | index;
}

static inline enum lend lend_what(uint32_t status)
{
	return (enum lend)(status >> 16);
}

static inline uint32_t lend_index(uint32_t status)
{
	return status & 0xffff;
}

/* As control_receive, and with the descriptor that came along, or -1: the caller's to close. */
int lend_receive(int channel, struct control_message *message, int *fd);
