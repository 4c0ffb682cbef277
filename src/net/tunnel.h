/* SPDX-License-Identifier: BSD-3-Clause */
#pragma once
#include <stdbool.h>
#include "net/decode.h"
#include "net/link.h"

/*
 * The headers of tunnels, a part of decode. Each call looks at packet->payload, within the tunnels
 * that options ask for, and returns true when *inside is the network layer of what the tunnel
 * carries; else *result is what the packet is. A tunnel that carries less than the whole of a
 * frame, and says so, sets packet->is_cut.
 */

/* IP protocol 47. DECODE_OTHER: not a tunnel that was asked for. */
bool tunnel_strip_gre(const struct decode_options *options, struct packet *packet,
		      struct network *inside, enum decode_result *result);

/* By UDP port. DECODE_UDP: nobody's port, or somebody who uses it for something else. */
bool tunnel_strip_udp(const struct decode_options *options, struct packet *packet,
		      struct network *inside, enum decode_result *result);
