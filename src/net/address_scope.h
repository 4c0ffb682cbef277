/* SPDX-License-Identifier: BSD-3-Clause */
#pragma once
#include <stdbool.h>
#include "net/address.h"

/* Where an address leads (RFC 6890). */

/* This host: 127.0.0.0/8, ::1. */
bool address_is_loopback(const struct address *address);

/* This host or a network of its own, not the Internet: loopback, private use, shared space of
 * providers, link-local, unique local, "this" network, broadcast; also as an IPv6 address that
 * embeds such a one (mapped, compatible, 64:ff9b::/96, 6to4). */
bool address_is_private(const struct address *address);
