/* SPDX-License-Identifier: BSD-3-Clause */
#pragma once
#include <stdbool.h>
#include "supervisor/handover.h"

/* What the service manager is told (sd_notify(3)) and keeps: the one door to libsystemd. Without a
 * service manager nobody listens. */

void service_tell_ready(void);
void service_tell_reloading(void); /* until ready is told again */
void service_tell_stopping(void);

/* We are alive: call it a few times in each interval of the watchdog. */
void service_tell_alive(void);

/* Leaves all of a handover in the manager's store, for the next start; waits up to five seconds
 * until the manager has it. False when nobody keeps it. */
bool service_keep(struct handover *handover);

/* What an earlier run left there, to be freed by handover_free(); NULL when there is nothing, or
 * nothing that is understood. It stays in the store as well, until it is forgotten there: as long
 * as the store has a socket, it is open.
 */
struct handover *service_receive(void);
void service_forget(const struct handover *handover);

/* "libsystemd 252": borrowed. */
const char *service_library_version(void);
