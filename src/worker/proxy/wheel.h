/* SPDX-License-Identifier: BSD-3-Clause */
#pragma once
#include <stdbool.h>
#include <stdint.h>

/*
 * Very many timers of one owner, on a clock of ticks: a ring of lists. Setting, changing and
 * stopping one costs the same however many there are; a timer is never early, and late by less than
 * a tick and the time between two calls of wheel_turn().
 */
#define WHEEL_SLOTS 4096 /* a power of two; a timer beyond as many ticks waits for more rounds */

struct wheel_timer {
	struct wheel_timer *next, *previous; /* NULL: not set */
	int64_t due_tick;
};

struct wheel {
	struct wheel_timer slots[WHEEL_SLOTS]; /* heads of the lists */
	int64_t tick_ns;
	int64_t tick; /* that was turned to last */
	uint32_t count;
};

typedef void (*wheel_fn)(void *argument, struct wheel_timer *timer);

/* Timers are zero before they are set for the first time. */
void wheel_init(struct wheel *wheel, int64_t tick_ns, int64_t now_ns);

/* due_ns: on the clock of wheel_turn, which is never negative. One that is set is set anew. One
 * whose time is over comes with the next tick. */
void wheel_set(struct wheel *wheel, struct wheel_timer *timer, int64_t due_ns);

/* Harmless for one that is not set. */
void wheel_stop(struct wheel *wheel, struct wheel_timer *timer);

static inline bool wheel_is_set(const struct wheel_timer *timer)
{
	return timer->next;
}

/*
 * Calls fn for each timer that is due, which is not set any more then: fn may set and stop any.
 * What it sets does not come in the same turn. Timers come by their ticks, unless the clock jumped
 * by more than a round (which costs one round), and within a tick as they were set.
 */
void wheel_turn(struct wheel *wheel, int64_t now_ns, wheel_fn fn, void *argument);
