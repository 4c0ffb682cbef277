/* SPDX-License-Identifier: BSD-3-Clause */
#pragma once
#include <netinet/in.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include "base/slice.h"
#include "config/config.h"
#include "ipc/state.h"
#include "worker/proxy/proxy.h"

/*
 * A worker's proxy in the process of a test: memory and sockets lie at the numbers that a
 * supervisor would lend them at, clients and upstream servers are sockets of the test on 127.0.0.1,
 * and the loop runs while the test waits for something. For programs that link the worker.
 */

#define PROXY_RIG_UPSTREAMS 3
#define PROXY_RIG_WAIT_MS   5000 /* for what has to come */

struct proxy_rig {
	struct config config; /* a test changes it before proxy_rig_open() */
	struct state_watch watch;
	struct state_head *head;
	struct loop *loop;
	struct proxy *proxy;
	struct endpoint at;		    /* of the proxy: the first, on the loopback */
	int client;			    /* a UDP socket, connected to it */
	int upstreams[PROXY_RIG_UPSTREAMS]; /* UDP sockets that are bound ... */
	int tcp[PROXY_RIG_UPSTREAMS];	    /* and of TCP, at the same ports, or -1 */
	uint16_t ports[PROXY_RIG_UPSTREAMS];
};

/* A small proxy: short times, no cache, one address, 127.0.0.1. Ports are chosen at its opening.
 */
void proxy_rig_init(struct proxy_rig *rig);

/* rules: a format whose arguments are the ports of the upstream servers, then those of the first
 * two again. */
void proxy_rig_open(struct proxy_rig *rig, const char *rules);
void proxy_rig_close(struct proxy_rig *rig);

/* A worker that comes after one that was killed: same memory, nothing else. */
void proxy_rig_reopen(struct proxy_rig *rig);

/* Whether every query is counted once: the line of the ledger. */
bool proxy_rig_adds_up(const struct proxy_rig *rig);
uint64_t proxy_rig_count(const struct proxy_rig *rig, enum counter counter);

/* Runs the loop until fd can be read; false after so long. */
bool proxy_rig_wait(struct proxy_rig *rig, int fd, int wait_ms);

/* Whether nothing comes at fd within a moment. */
#define PROXY_RIG_QUIET_MS 30
bool proxy_rig_is_quiet(struct proxy_rig *rig, int fd);

/* Runs it for so long. */
void proxy_rig_pass(struct proxy_rig *rig, int time_ms);

/* What is kept for a question of class IN and type A, name in wire form and lower case, becomes as
 * old as if it had been kept so long ago; false: there is nothing. */
struct cache_key proxy_rig_key(const struct proxy_rig *rig, const char *name, uint32_t group);
bool proxy_rig_make_older(struct proxy_rig *rig, const struct cache_key *key, uint32_t seconds);

/* A TCP connection to the proxy. */
int proxy_rig_connect(const struct proxy_rig *rig);

#define PROXY_RIG_MESSAGE_MAX 8192
#define PROXY_RIG_ANSWERED    0x8180 /* QR, RD, RA */

struct proxy_rig_message {
	struct sockaddr_in from;
	size_t length;
	uint8_t bytes[PROXY_RIG_MESSAGE_MAX];
};

/* A query of class IN, with an OPT record that takes payload octets unless that is 0. */
void proxy_rig_query(struct proxy_rig_message *message, uint16_t id, uint16_t flags,
		     const char *name, uint16_t type, uint16_t payload);

/* Sends one with RD from the client. */
void proxy_rig_ask(const struct proxy_rig *rig, uint16_t id, const char *name, uint16_t type);

/* The next datagram at a socket of the test; false when none comes. */
bool proxy_rig_take(struct proxy_rig *rig, int fd, int wait_ms, struct proxy_rig_message *message);

/* The response to a query, without records; then a record for the name of its question, in this
 * section of the header's counts (0: answers). */
void proxy_rig_respond(const struct proxy_rig_message *query, uint16_t flags,
		       struct proxy_rig_message *response);
void proxy_rig_add(struct proxy_rig_message *response, int section, uint16_t type, uint32_t ttl_s,
		   const void *data, uint16_t length);

/* Sends it to where the query came from. */
void proxy_rig_send(int fd, const struct proxy_rig_message *query,
		    const struct proxy_rig_message *response);

/* A response with one address, 192.0.2.last, sent. */
void proxy_rig_answer(int fd, const struct proxy_rig_message *query, uint32_t ttl_s, uint8_t last);
