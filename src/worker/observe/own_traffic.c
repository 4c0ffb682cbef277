/* SPDX-License-Identifier: BSD-3-Clause */
#include "worker/observe/own_traffic.h"

#include <errno.h>
#include <ifaddrs.h>
#include <netinet/in.h>
#include <string.h>

static void add_address(struct own_traffic *traffic, const struct sockaddr *from)
{
	struct sockaddr_storage address = {0};
	struct endpoint endpoint;

	if (!from || (from->sa_family != AF_INET && from->sa_family != AF_INET6) ||
	    traffic->address_count == OWN_TRAFFIC_ADDRESSES_MAX)
		return;
	memcpy(&address, from,
	       from->sa_family == AF_INET ? sizeof(struct sockaddr_in)
					  : sizeof(struct sockaddr_in6));
	if (endpoint_from_sockaddr(&address, &endpoint))
		traffic->addresses[traffic->address_count++] = endpoint.address;
}

int own_traffic_open(struct own_traffic *traffic, const struct config *config,
		     const struct ruleset *ruleset)
{
	struct ifaddrs *all;
	uint32_t servers = ruleset_upstream_count(ruleset);

	*traffic = (struct own_traffic){.listener_count = config->proxy.endpoint_count};
	memcpy(traffic->listeners, config->proxy.endpoints, sizeof(traffic->listeners));
	for (uint32_t i = 0; i < servers && i < OWN_TRAFFIC_SERVERS_MAX; i++)
		traffic->servers[traffic->server_count++] = ruleset_upstream(ruleset, i)->endpoint;
	if (getifaddrs(&all) < 0)
		return -errno;
	for (const struct ifaddrs *at = all; at; at = at->ifa_next)
		add_address(traffic, at->ifa_addr);
	freeifaddrs(all);
	return 0;
}

static bool is_ours(const struct own_traffic *traffic, const struct address *address)
{
	for (uint32_t i = 0; i < traffic->address_count; i++)
		if (address_equal(&traffic->addresses[i], address))
			return true;
	return false;
}

static bool is_listener(const struct own_traffic *traffic, const struct address *address,
			uint16_t port)
{
	for (uint32_t i = 0; i < traffic->listener_count; i++) {
		const struct endpoint *at = &traffic->listeners[i];

		if (at->port == port && at->address.version == address->version &&
		    (address_is_any(&at->address) ? is_ours(traffic, address)
						  : address_equal(&at->address, address)))
			return true;
	}
	return false;
}

static bool is_server(const struct own_traffic *traffic, const struct address *address,
		      uint16_t port, const struct address *other)
{
	for (uint32_t i = 0; i < traffic->server_count; i++)
		if (traffic->servers[i].port == port &&
		    address_equal(&traffic->servers[i].address, address))
			return is_ours(traffic, other);
	return false;
}

bool own_traffic_has(const struct own_traffic *traffic, const struct packet *packet)
{
	const struct address *from = &packet->source, *to = &packet->destination;

	return is_listener(traffic, from, packet->source_port) ||
	       is_listener(traffic, to, packet->destination_port) ||
	       is_server(traffic, from, packet->source_port, to) ||
	       is_server(traffic, to, packet->destination_port, from);
}
