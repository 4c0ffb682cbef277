/* SPDX-License-Identifier: BSD-3-Clause */
#pragma once
#include <stdbool.h>
#include <stdint.h>
#include "base/slice.h"
#include "net/address.h"

/* The client subnet that a resolver tells a server (RFC 7871), in the OPT record of a message. */
struct ecs {
	struct address address; /* bits behind the prefix are zero */
	uint8_t prefix_length;
};

/* The first one of a message; false when there is none that is valid. */
bool ecs_find(struct slice message, struct ecs *ecs);

/*
 * Copies a message without its client subnets to out, which has room for all of it, and returns the
 * length: they are cut out where the OPT record is the last, and else become padding (RFC 7830), as
 * names behind it may be pointed to. -EBADMSG when the message cannot be walked to its end.
 */
int ecs_remove(struct slice message, uint8_t *out);
