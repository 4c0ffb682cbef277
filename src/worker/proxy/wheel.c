/* SPDX-License-Identifier: BSD-3-Clause */
#include "worker/proxy/wheel.h"

#include <stddef.h>

static void insert_before(struct wheel_timer *place, struct wheel_timer *timer)
{
	timer->next = place;
	timer->previous = place->previous;
	place->previous->next = timer;
	place->previous = timer;
}

static void take_out(struct wheel_timer *timer)
{
	timer->previous->next = timer->next;
	timer->next->previous = timer->previous;
}

static struct wheel_timer *slot_of(struct wheel *wheel, int64_t tick)
{
	return &wheel->slots[tick & (WHEEL_SLOTS - 1)];
}

void wheel_init(struct wheel *wheel, int64_t tick_ns, int64_t now_ns)
{
	wheel->tick_ns = tick_ns;
	wheel->tick = now_ns / tick_ns;
	wheel->count = 0;
	for (struct wheel_timer *slot = wheel->slots; slot < wheel->slots + WHEEL_SLOTS; slot++)
		slot->next = slot->previous = slot;
}

/* The tick that was turned to does not come again. */
void wheel_set(struct wheel *wheel, struct wheel_timer *timer, int64_t due_ns)
{
	int64_t due_tick = due_ns / wheel->tick_ns + (due_ns % wheel->tick_ns > 0);

	wheel_stop(wheel, timer);
	timer->due_tick = due_tick > wheel->tick ? due_tick : wheel->tick + 1;
	insert_before(slot_of(wheel, timer->due_tick), timer);
	wheel->count++;
}

void wheel_stop(struct wheel *wheel, struct wheel_timer *timer)
{
	if (!wheel_is_set(timer))
		return;
	take_out(timer);
	timer->next = timer->previous = NULL;
	wheel->count--;
}

/* Moves what is due from a slot to a list of its own, in which fn may stop it. */
static void gather(const struct wheel *wheel, struct wheel_timer *slot, struct wheel_timer *due)
{
	struct wheel_timer *next;

	for (struct wheel_timer *timer = slot->next; timer != slot; timer = next) {
		next = timer->next;
		if (timer->due_tick > wheel->tick)
			continue;
		take_out(timer);
		insert_before(due, timer);
	}
}

/* What fn sets is due after the tick that is turned to: it does not come in this turn. Slots that
 * were passed more than once are looked into once. */
void wheel_turn(struct wheel *wheel, int64_t now_ns, wheel_fn fn, void *argument)
{
	int64_t from = wheel->tick, to = now_ns / wheel->tick_ns;
	struct wheel_timer due = {.next = &due, .previous = &due};

	if (to <= from)
		return;
	wheel->tick = to;
	for (int64_t tick = from + 1; tick <= to && tick <= from + WHEEL_SLOTS; tick++) {
		if (!wheel->count)
			return;
		gather(wheel, slot_of(wheel, tick), &due);
		while (due.next != &due) {
			struct wheel_timer *timer = due.next;

			wheel_stop(wheel, timer);
			fn(argument, timer);
		}
	}
}
