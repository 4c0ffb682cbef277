/* SPDX-License-Identifier: BSD-3-Clause */
#pragma once
#include "base/slice.h"

/*
 * Test builds (HOOKS=1) only: a frame that holds a name with the label "poison" ends the worker, or
 * worse, before it is decoded; the label behind it says how: segv, abort, kill, hang, exit.
 */
#ifdef DNSFLOW_HOOKS
void hook_frame(struct slice bytes);
#else
static inline void hook_frame(struct slice bytes)
{
	(void)bytes;
}
#endif
