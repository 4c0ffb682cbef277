/* SPDX-License-Identifier: BSD-3-Clause */
#pragma once
#include <stdbool.h>
#include <stdint.h>
#include <string.h>
#include <sys/socket.h>

#define ADDRESS_TEXT_MAX  46 /* longest IPv6 text and its NUL */
#define ENDPOINT_TEXT_MAX 56 /* [address]:port and its NUL */

/* An IP address in network byte order. An IPv4 address fills the first 4 bytes, the rest is zero.
 */
struct address {
	uint8_t bytes[16];
	uint8_t version; /* 4 or 6 */
};

/* An address and a port (host byte order). */
struct endpoint {
	struct address address;
	uint16_t port;
};

static inline bool address_equal(const struct address *a, const struct address *b)
{
	return a->version == b->version && !memcmp(a->bytes, b->bytes, sizeof(a->bytes));
}

/* 0.0.0.0 or ::, which stand for all addresses of the machine where something listens. */
static inline bool address_is_any(const struct address *address)
{
	return address_equal(address, &(struct address){.version = address->version});
}

static inline bool endpoint_equal(const struct endpoint *a, const struct endpoint *b)
{
	return a->port == b->port && address_equal(&a->address, &b->address);
}

/* Returns false unless text is an IPv4 or IPv6 address. */
bool address_parse(const char *text, struct address *address);

/* Writes the canonical text (RFC 5952 for IPv6) with its NUL into text[ADDRESS_TEXT_MAX]; returns
 * text. */
const char *address_format(const struct address *address, char *text);

/* "192.0.2.1:53" or "[2001:db8::1]:53" into text[ENDPOINT_TEXT_MAX]; returns text. */
const char *endpoint_format(const struct endpoint *endpoint, char *text);

/* The socket address of an endpoint and back; to_sockaddr returns its length, from_sockaddr false
 * for another family. */
socklen_t endpoint_to_sockaddr(const struct endpoint *endpoint, struct sockaddr_storage *out);
bool endpoint_from_sockaddr(const struct sockaddr_storage *in, struct endpoint *endpoint);
