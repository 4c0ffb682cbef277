/* SPDX-License-Identifier: BSD-3-Clause */
#pragma once
#include <netinet/in.h>
#include <stdbool.h>
#include <stdint.h>
#include <string.h>
#include "net/address.h"

struct listener;
struct client_stream;

/* A socket address of either family. */
union client_address {
	struct sockaddr any;
	struct sockaddr_in inet;
	struct sockaddr_in6 inet6;
};

/* Who asked, and by which way the answer goes: a datagram from the address that was asked, or the
 * connection, which may be another's by then. */
struct client {
	union client_address from;
	struct address address;	      /* of from */
	struct endpoint asked;	      /* where it went; version 0: unknown */
	struct listener *listener;    /* UDP */
	struct client_stream *stream; /* TCP; else NULL */
	uint32_t generation;	      /* of the connection */
};

static inline socklen_t client_address_length(const union client_address *from)
{
	return from->any.sa_family == AF_INET ? sizeof(from->inet) : sizeof(from->inet6);
}

static inline uint16_t client_port(const union client_address *from)
{
	return ntohs(from->any.sa_family == AF_INET ? from->inet.sin_port : from->inet6.sin6_port);
}

/* IPv4 in IPv6 does not come: sockets of IPv6 take IPv6 alone. */
static inline struct address client_address_of(const union client_address *from)
{
	struct address address = {.version = from->any.sa_family == AF_INET ? 4 : 6};

	if (address.version == 4)
		memcpy(address.bytes, &from->inet.sin_addr, 4);
	else
		memcpy(address.bytes, &from->inet6.sin6_addr, 16);
	return address;
}
