/* SPDX-License-Identifier: BSD-3-Clause */
#pragma once
#include <stdint.h>
#include <time.h>

#define NANOSECONDS_PER_SECOND	    INT64_C(1000000000)
#define NANOSECONDS_PER_MILLISECOND INT64_C(1000000)

/* Nanoseconds since an arbitrary start, never going back: what timeouts are measured with. */
static inline int64_t clock_monotonic_ns(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return now.tv_sec * NANOSECONDS_PER_SECOND + now.tv_nsec;
}

/* Nanoseconds since 1970 UTC: what records are stamped with, never what a timeout is measured with.
 */
static inline int64_t clock_wall_ns(void)
{
	struct timespec now;

	clock_gettime(CLOCK_REALTIME, &now);
	return now.tv_sec * NANOSECONDS_PER_SECOND + now.tv_nsec;
}
