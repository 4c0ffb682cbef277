/* SPDX-License-Identifier: BSD-3-Clause */
#include "net/address.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <stdio.h>

bool address_parse(const char *text, struct address *address)
{
	memset(address, 0, sizeof(*address));
	if (inet_pton(AF_INET, text, address->bytes) == 1)
		address->version = 4;
	else if (inet_pton(AF_INET6, text, address->bytes) == 1)
		address->version = 6;
	return address->version != 0;
}

const char *address_format(const struct address *address, char *text)
{
	int family = address->version == 4 ? AF_INET : AF_INET6;

	if (!inet_ntop(family, address->bytes, text, ADDRESS_TEXT_MAX))
		text[0] = '\0';
	return text;
}

const char *endpoint_format(const struct endpoint *endpoint, char *text)
{
	char address[ADDRESS_TEXT_MAX];
	const char *shape = endpoint->address.version == 4 ? "%s:%u" : "[%s]:%u";

	address_format(&endpoint->address, address);
	snprintf(text, ENDPOINT_TEXT_MAX, shape, address, endpoint->port);
	return text;
}

socklen_t endpoint_to_sockaddr(const struct endpoint *endpoint, struct sockaddr_storage *out)
{
	struct sockaddr_in *in4 = (struct sockaddr_in *)out;
	struct sockaddr_in6 *in6 = (struct sockaddr_in6 *)out;

	memset(out, 0, sizeof(*out));
	if (endpoint->address.version == 4) {
		in4->sin_family = AF_INET;
		in4->sin_port = htons(endpoint->port);
		memcpy(&in4->sin_addr, endpoint->address.bytes, 4);
		return sizeof(*in4);
	}
	in6->sin6_family = AF_INET6;
	in6->sin6_port = htons(endpoint->port);
	memcpy(&in6->sin6_addr, endpoint->address.bytes, 16);
	return sizeof(*in6);
}

bool endpoint_from_sockaddr(const struct sockaddr_storage *in, struct endpoint *endpoint)
{
	const struct sockaddr_in *in4 = (const struct sockaddr_in *)in;
	const struct sockaddr_in6 *in6 = (const struct sockaddr_in6 *)in;

	memset(endpoint, 0, sizeof(*endpoint));
	if (in->ss_family == AF_INET) {
		endpoint->address.version = 4;
		endpoint->port = ntohs(in4->sin_port);
		memcpy(endpoint->address.bytes, &in4->sin_addr, 4);
		return true;
	}
	endpoint->address.version = 6;
	endpoint->port = ntohs(in6->sin6_port);
	memcpy(endpoint->address.bytes, &in6->sin6_addr, 16);
	return in->ss_family == AF_INET6;
}
