/* SPDX-License-Identifier: BSD-3-Clause */
#pragma once
#include <stdbool.h>
#include <stdint.h>
#include "config/config.h"
#include "net/address.h"
#include "net/decode.h"
#include "rules/ruleset.h"

/*
 * Packets of our own proxy, which are captured beside those of others: what clients ask it and what
 * it asks upstream servers are events already, made where they are answered.
 */
#define OWN_TRAFFIC_ADDRESSES_MAX 256
#define OWN_TRAFFIC_SERVERS_MAX	  256

struct own_traffic {
	struct address addresses[OWN_TRAFFIC_ADDRESSES_MAX]; /* of this machine, when we started */
	uint32_t address_count;
	struct endpoint listeners[CONFIG_LISTEN_MAX];
	uint32_t listener_count;
	struct endpoint servers[OWN_TRAFFIC_SERVERS_MAX]; /* upstream */
	uint32_t server_count;
};

/* Looks up the machine's addresses: before the sandbox. 0 or -errno. */
int own_traffic_open(struct own_traffic *traffic, const struct config *config,
		     const struct ruleset *ruleset);

__attribute__((noinline)) bool own_traffic_has(const struct own_traffic *traffic,
					       const struct packet *packet);
