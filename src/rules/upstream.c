/* SPDX-License-Identifier: BSD-3-Clause */
#include "rules/upstream.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define PORT_DEFAULT   53
#define BLANKS	       " \t\r\n"
#define SERVER_MAX     80 /* bytes of the text of one, with its NUL */
#define TEXT_SHOWN_MAX 80 /* of what is wrong */

static const char *const policies[] = {
	[UPSTREAM_PARALLEL] = "parallel",
	[UPSTREAM_ORDERED] = "ordered",
	[UPSTREAM_ROUND_ROBIN] = "round-robin",
	[UPSTREAM_LEAST_OUTSTANDING] = "least-outstanding",
};

__attribute__((format(printf, 2, 3))) static bool complain(char *error, const char *format, ...)
{
	va_list arguments;

	va_start(arguments, format);
	vsnprintf(error, UPSTREAM_ERROR_MAX, format, arguments);
	va_end(arguments);
	return false;
}

/* Is the text begun by the word? Then it goes on behind it. */
static bool word_take(const char **text, const char *word)
{
	size_t length = strlen(word);

	if (strncmp(*text, word, length) != 0)
		return false;
	*text += length;
	return true;
}

/* A policy is a word by itself. */
static enum upstream_policy policy_take(const char **text)
{
	*text += strspn(*text, BLANKS);
	for (unsigned i = 0; i < sizeof(policies) / sizeof(*policies); i++) {
		const char *rest = *text;

		if (word_take(&rest, policies[i]) && (!*rest || strchr(BLANKS, *rest))) {
			*text = rest;
			return (enum upstream_policy)i;
		}
	}
	return UPSTREAM_PARALLEL;
}

static bool port_parse(const char *text, uint16_t *port)
{
	unsigned long value;

	if (!*text || text[strspn(text, "0123456789")] || strlen(text) > 5)
		return false;
	value = strtoul(text, NULL, 10);
	*port = (uint16_t)value;
	return value && value <= UINT16_MAX;
}

/* "192.0.2.1", "192.0.2.1:53", "2001:db8::1", "[2001:db8::1]:53"; text is changed. */
static bool endpoint_parse(char *text, struct endpoint *endpoint)
{
	char *colon = strchr(text, ':'), *port = NULL;
	bool is_bracketed = *text == '[';

	if (is_bracketed) {
		char *end = strchr(++text, ']');

		if (!end || (end[1] && end[1] != ':'))
			return false;
		*end = '\0';
		port = end[1] ? end + 2 : NULL;
	} else if (colon && !strchr(colon + 1, ':')) {
		*colon = '\0';
		port = colon + 1;
	}
	endpoint->port = PORT_DEFAULT;
	return address_parse(text, &endpoint->address) &&
	       (!is_bracketed || endpoint->address.version == 6) &&
	       (!port || port_parse(port, &endpoint->port));
}

/* Of one host, that can be asked? */
static bool is_of_a_host(const struct address *address)
{
	static const uint8_t zeros[16], ones[4] = {255, 255, 255, 255};
	const uint8_t *bytes = address->bytes;

	if (address->version == 4)
		return (bytes[0] & 0xf0) != 0xe0 && memcmp(bytes, zeros, 4) != 0 &&
		       memcmp(bytes, ones, 4) != 0;
	return bytes[0] != 0xff && memcmp(bytes, zeros, 16) != 0;
}

/* length bytes of text, without blanks around them. */
static bool server_parse(const char *text, size_t length, struct upstream *server, char *error)
{
	int shown = (int)(length < TEXT_SHOWN_MAX ? length : TEXT_SHOWN_MAX);
	const char *address = text;
	char copy[SERVER_MAX];

	server->transport = UPSTREAM_UDP;
	if (word_take(&address, "tls://"))
		return complain(error, "%.*s: upstream servers over TLS are not there yet", shown,
				text);
	if (word_take(&address, "tcp://"))
		server->transport = UPSTREAM_TCP;
	else
		word_take(&address, "udp://");
	length -= (size_t)(address - text);
	if (length < sizeof(copy)) {
		memcpy(copy, address, length);
		copy[length] = '\0';
		if (endpoint_parse(copy, &server->endpoint))
			return is_of_a_host(&server->endpoint.address) ||
			       complain(error, "%.*s is the address of no server", shown, text);
	}
	return complain(error,
			"%.*s is no server: write an address, with a port 192.0.2.1:53 or "
			"[2001:db8::1]:53, over TCP tcp://192.0.2.1",
			shown, text);
}

static bool group_has(const struct upstream_group *group, const struct upstream *server)
{
	for (uint32_t i = 0; i < group->count; i++)
		if (upstream_equal(&group->servers[i], server))
			return true;
	return false;
}

/* One that is there twice is asked once. */
static bool group_add(struct upstream_group *group, const struct upstream *server, char *error)
{
	if (group_has(group, server))
		return true;
	if (group->count == UPSTREAM_GROUP_MAX)
		return complain(error, "more than %d servers", UPSTREAM_GROUP_MAX);
	group->servers[group->count++] = *server;
	return true;
}

bool upstream_parse(const char *text, struct upstream_group *group, char *error)
{
	struct upstream server = {0};

	memset(group, 0, sizeof(*group));
	group->policy = policy_take(&text);
	for (;;) {
		size_t length;

		text += strspn(text, BLANKS);
		length = strcspn(text, ",");
		if (!length && !text[length])
			break;
		while (length && strchr(BLANKS, text[length - 1]))
			length--;
		if (!length)
			return complain(error, "a server is missing before a comma");
		if (!server_parse(text, length, &server, error) ||
		    !group_add(group, &server, error))
			return false;
		text += strcspn(text, ",");
		text += *text == ',';
	}
	return group->count || complain(error, "no server");
}

bool upstream_equal(const struct upstream *a, const struct upstream *b)
{
	return a->transport == b->transport && endpoint_equal(&a->endpoint, &b->endpoint);
}

const char *upstream_format(const struct upstream *upstream, char *text)
{
	const char *scheme = upstream->transport == UPSTREAM_TCP ? "tcp://" : "";
	size_t length = strlen(scheme);

	memcpy(text, scheme, length);
	endpoint_format(&upstream->endpoint, text + length);
	return text;
}
