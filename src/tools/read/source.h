/* SPDX-License-Identifier: BSD-3-Clause */
#pragma once
#include <stdbool.h>
#include <stdint.h>
#include "base/slice.h"
#include "net/address.h"

#define SOURCE_PORT	   5300
#define SOURCE_FILTER	   "udp and dst port 5300"
#define SOURCE_ERROR_BYTES 256

/* One UDP datagram that an exporter sent; the payload is valid until the next call. */
struct datagram {
	struct endpoint exporter;
	int64_t time_ns; /* since 1970 UTC */
	struct slice payload;
};

enum source_result {
	SOURCE_DATAGRAM,
	SOURCE_OTHER,	  /* something that is no datagram for us */
	SOURCE_BAD_FRAME, /* a damaged packet: see source->error and source->message */
	SOURCE_IDLE,	  /* nothing for now: wait until fd is readable */
	SOURCE_END,
	SOURCE_FAILED, /* see source->message */
};

/* Where datagrams come from. */
struct source {
	const struct source_ops *ops;
	int fd;		   /* to be waited for when idle, or -1 */
	const char *error; /* what kind of damage, as the spec names it */
	char message[SOURCE_ERROR_BYTES];
};

/* may_wait: next may have to wait; NULL: never. dropped: by the kernel, before us; NULL: none. */
struct source_ops {
	enum source_result (*next)(struct source *source, struct datagram *datagram);
	bool (*may_wait)(struct source *source);
	uint64_t (*dropped)(struct source *source);
	void (*close)(struct source *source);
};

/* All three return NULL with one line in error on failure. A UDP socket; :: takes IPv4 too. */
struct source *source_open_listen(const struct endpoint *endpoint, char error[SOURCE_ERROR_BYTES]);

/* Packets that pass by an interface. */
struct source *source_open_sniff(const char *interface, const char *filter,
				 char error[SOURCE_ERROR_BYTES]);

/* A capture file of any kind, "-" for standard input; path is borrowed. */
struct source *source_open_file(const char *path, char error[SOURCE_ERROR_BYTES]);
