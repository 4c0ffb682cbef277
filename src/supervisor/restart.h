/* SPDX-License-Identifier: BSD-3-Clause */
#pragma once
#include <stdbool.h>
#include "supervisor/handover.h"

/*
 * A restart that loses nothing (--keep-state): at the end workers read and send what there is, and
 * leave; packets come in all the time; all that is held goes into the store of the service manager
 * (service.h), from where the next start takes it.
 */
struct supervisor;

bool restart_is_wanted(const struct supervisor *supervisor);

/* Instead of draining. */
void restart_begin(struct supervisor *supervisor);

/* Leaves everything to the service manager, once no worker works with it any more, and ends the
 * loop. Call it when a process has gone. */
void restart_prepare(struct supervisor *supervisor);

/*
 * Begins on what an earlier run left, with a configuration that was checked; that comes into force
 * when the workers are ready, as by a reload. Does not return when what was left cannot be used:
 * then this program is executed again, without it.
 */
void restart_resume(struct supervisor *supervisor, struct handover *handover);

/* All that was left is in use: the store need not hold it any longer. Harmless when nothing was. */
void restart_forget(struct supervisor *supervisor);
