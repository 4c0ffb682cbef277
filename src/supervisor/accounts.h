/* SPDX-License-Identifier: BSD-3-Clause */
#pragma once
#include <stdbool.h>
#include <stdint.h>
#include "ipc/ledger.h"
#include "supervisor/seat.h"

/* What the kernel counted, brought together with what the workers counted: the supervisor's part of
 * the ledger. */
struct supervisor;

/* Another interface counts its drops from now on. */
void accounts_begin_drops(struct supervisor *supervisor);

/* Takes what the kernel counted until now into the workers' watches. */
void accounts_take_kernel(struct supervisor *supervisor);

/* Adds one worker, or all of them, to a ledger; the second begins it as zero. */
void accounts_add_seat(const struct supervisor *supervisor, uint32_t index, struct ledger *ledger);
void accounts_sum_up(const struct supervisor *supervisor, struct ledger *ledger);

/* Is there a packet at the cursor of a seat? A file that is being read always has one. argument:
 * the supervisor. */
bool accounts_have_input(void *argument, const struct seat *seat);
