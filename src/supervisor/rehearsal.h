/* SPDX-License-Identifier: BSD-3-Clause */
#pragma once
#include "ipc/child.h"

/*
 * A process of a program that is to take over (upgrade.h): does it understand what it will get? It
 * is lent the configuration in force as CHILD_FD_CONFIG and the facts of a handover, without its
 * descriptors, as CHILD_FD_INPUT; it says CONTROL_READY, or CONTROL_FAILED and why. Another version
 * starts it, so its role, "rehearsal", and these numbers are permanent. Returns the exit status.
 */
int rehearsal_main(const struct child_identity *identity);
