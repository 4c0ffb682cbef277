/* SPDX-License-Identifier: BSD-3-Clause */
#pragma once
#include <stdbool.h>
#include "supervisor/handover.h"

/* Handing over all that a supervisor of live capture or of the proxy holds, and taking it. */
struct supervisor;

/* All descriptors are borrowed. handover_free() frees it. in_place: with what belongs to the
 * process, as its children. */
struct handover *takeover_give(const struct supervisor *supervisor, bool in_place);

/*
 * Takes it into a supervisor that has a loop and nothing else. Processes that were handed over go
 * on at their work. False with one line in error[CONFIG_ERROR_MAX]: then nothing can go on but by
 * who handed over, and all descriptors are still open.
 */
bool takeover_take(struct supervisor *supervisor, struct handover *handover, char *error);
