/* SPDX-License-Identifier: BSD-3-Clause */
#pragma once
#include <stdbool.h>
#include <stdint.h>
#include "net/address.h"

/*
 * How much the networks of clients (/24 of IPv4, /56 of IPv6) may be sent: so many answers a
 * second, and so many at once. In a table of fixed size: a network that has no place takes that of
 * the one in its set that was quiet longest, and begins with all that it may have. So a flood from
 * very many networks is limited only as far as they come again soon.
 */
struct limits;

/* rate: in a second, at least 1; burst: at once. NULL when out of memory, or the kernel has no
 * random numbers. */
struct limits *limits_new(uint32_t rate, uint32_t burst);
void limits_free(struct limits *limits);

/* Takes one answer; false when its network has had too many. now_ns never goes back. */
bool limits_admit(struct limits *limits, const struct address *client, int64_t now_ns);
