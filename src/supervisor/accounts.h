/* SPDX-License-Identifier: BSD-3-Clause */
#pragma once
#include <stdbool.h>
#include <stdint.h>
#include "ipc/ledger.h"
#include "supervisor/packet_sockets.h"
#include "supervisor/seat.h"

/* What the kernel counted, brought together with what the workers counted: the supervisor's part of
 * the ledger. */
struct supervisor;

/* Another interface counts its drops from now on. */
void accounts_begin_drops(struct supervisor *supervisor);

/* Takes what the kernel counted until now into the workers' watches. */
void accounts_take_kernel(struct supervisor *supervisor);

/* How far a seat has read its ring of these sockets: its head, or NULL when its cursor belongs to
 * another ring: it has not begun this one, or has left it. */
const struct state_head *accounts_cursor(const struct packet_sockets *sockets,
					 const struct seat *seat);

/* Adds one worker, or all of them, to a ledger; the second begins it as zero. */
void accounts_add_seat(const struct supervisor *supervisor, uint32_t index, struct ledger *ledger);
void accounts_sum_up(const struct supervisor *supervisor, struct ledger *ledger);

/* Is there a packet at the cursor of a seat, does a query wait for it? A file that is being read
 * always has a packet. argument: the supervisor. */
bool accounts_have_packet(void *argument, const struct seat *seat);
bool accounts_have_query(void *argument, const struct seat *seat);
