/* SPDX-License-Identifier: BSD-3-Clause */
#pragma once
#include "base/slice.h"

/*
 * Test builds (HOOKS=1) only. A frame that holds a name with the label "poison" ends the worker, or
 * worse, before it is decoded; the label behind it says how: segv, abort, kill, hang, exit, or
 * body: it spoils the body, so that every frame after it ends a worker, too. An event whose name
 * has the label "event" there ends an aggregator. The variable DNSFLOW_HOOK of the environment,
 * "POINT.HOW", ends whoever comes to that point, in these ways but for body: "takeover", a
 * supervisor that has taken over; "worker", a worker that begins; "drain", one that is to finish.
 */
#ifdef DNSFLOW_HOOKS
void hook_frame(struct slice bytes);
void hook_event(struct slice name);
void hook_point(const char *name);
#else
static inline void hook_point(const char *name)
{
	(void)name;
}

static inline void hook_frame(struct slice bytes)
{
	(void)bytes;
}

static inline void hook_event(struct slice name)
{
	(void)name;
}
#endif
