/* SPDX-License-Identifier: BSD-3-Clause */
#include "worker/observe/own.h"

#include <errno.h>
#include <ifaddrs.h>
#include <netinet/in.h>
#include <string.h>

static void add_address(struct own *own, const struct sockaddr *from)
{
	struct sockaddr_storage address = {0};
	struct endpoint endpoint;

	if (!from || (from->sa_family != AF_INET && from->sa_family != AF_INET6) ||
	    own->address_count == OWN_ADDRESSES_MAX)
		return;
	memcpy(&address, from,
	       from->sa_family == AF_INET ? sizeof(struct sockaddr_in)
					  : sizeof(struct sockaddr_in6));
	if (endpoint_from_sockaddr(&address, &endpoint))
		own->addresses[own->address_count++] = endpoint.address;
}

int own_open(struct own *own, const struct config *config, const struct ruleset *ruleset)
{
	struct ifaddrs *all;
	uint32_t servers = ruleset_upstream_count(ruleset);

	*own = (struct own){.listener_count = config->proxy.endpoint_count};
	memcpy(own->listeners, config->proxy.endpoints, sizeof(own->listeners));
	for (uint32_t i = 0; i < servers && i < OWN_SERVERS_MAX; i++)
		own->servers[own->server_count++] = ruleset_upstream(ruleset, i)->endpoint;
	if (getifaddrs(&all) < 0)
		return -errno;
	for (const struct ifaddrs *at = all; at; at = at->ifa_next)
		add_address(own, at->ifa_addr);
	freeifaddrs(all);
	return 0;
}

static bool is_ours(const struct own *own, const struct address *address)
{
	for (uint32_t i = 0; i < own->address_count; i++)
		if (address_equal(&own->addresses[i], address))
			return true;
	return false;
}

static bool is_listener(const struct own *own, const struct address *address, uint16_t port)
{
	for (uint32_t i = 0; i < own->listener_count; i++) {
		const struct endpoint *at = &own->listeners[i];

		if (at->port == port && at->address.version == address->version &&
		    (address_is_any(&at->address) ? is_ours(own, address)
						  : address_equal(&at->address, address)))
			return true;
	}
	return false;
}

static bool is_server(const struct own *own, const struct address *address, uint16_t port,
		      const struct address *other)
{
	for (uint32_t i = 0; i < own->server_count; i++)
		if (own->servers[i].port == port &&
		    address_equal(&own->servers[i].address, address))
			return is_ours(own, other);
	return false;
}

bool own_has(const struct own *own, const struct packet *packet)
{
	const struct address *from = &packet->source, *to = &packet->destination;

	return is_listener(own, from, packet->source_port) ||
	       is_listener(own, to, packet->destination_port) ||
	       is_server(own, from, packet->source_port, to) ||
	       is_server(own, to, packet->destination_port, from);
}
