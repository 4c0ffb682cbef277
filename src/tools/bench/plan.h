/* SPDX-License-Identifier: BSD-3-Clause */
#pragma once
#include <stdbool.h>
#include <stdint.h>
#include "net/address.h"

#define PLAN_CONCURRENCY_MAX 1000000
#define PLAN_SOCKETS_MAX     60000

/* The command line of dnsflow-bench. Strings are borrowed from it. */
struct plan {
	struct endpoint server;
	uint32_t concurrency; /* queries in flight */
	uint32_t sockets;     /* UDP sockets or TCP connections, at most concurrency */
	uint64_t limit;	      /* queries; 0: none was given */
	const char *names;    /* a file, or NULL */
	uint16_t type;
	bool is_tcp;
	bool wants_progress;
	int64_t timeout_ns;
	int64_t duration_ns; /* 0: none was given */
	uint64_t rate;	     /* queries per second; 0: as answers come */
};

/* Exits after --help and --version, and with one line and status 1 when something is wrong. */
void plan_parse(struct plan *plan, int argc, char **argv);
