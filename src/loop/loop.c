/* SPDX-License-Identifier: BSD-3-Clause */
#include "loop/loop.h"

#include <event2/event.h>
#include <stdlib.h>

#include "base/clock.h"
#include "base/memory.h"

struct loop {
	struct event_base *base;
	struct loop_event *events;
};

struct loop_event {
	struct loop_event *next;
	struct loop_event **previous; /* what points to this one */
	struct event *event;
	loop_fn fn;
	void *argument;
};

struct loop *loop_new(void)
{
	struct loop *loop = xmalloc(sizeof(*loop));

	loop->events = NULL;
	loop->base = event_base_new();
	if (!loop->base)
		abort();
	return loop;
}

void loop_free(struct loop *loop)
{
	if (!loop)
		return;
	for (struct loop_event *event = loop->events, *next; event; event = next) {
		next = event->next;
		event_free(event->event);
		free(event);
	}
	event_base_free(loop->base);
	free(loop);
}

static void on_event(evutil_socket_t fd, short what, void *argument)
{
	struct loop_event *event = argument;

	(void)fd;
	(void)what;
	event->fn(event->argument);
}

static struct loop_event *add(struct loop *loop, int fd, short what, loop_fn fn, void *argument)
{
	struct loop_event *event = xmalloc(sizeof(*event));

	event->fn = fn;
	event->argument = argument;
	event->event = event_new(loop->base, fd, what, on_event, event);
	if (!event->event || (what && event_add(event->event, NULL) < 0))
		abort();
	event->next = loop->events;
	event->previous = &loop->events;
	if (event->next)
		event->next->previous = &event->next;
	loop->events = event;
	return event;
}

struct loop_event *loop_add_reader(struct loop *loop, int fd, loop_fn fn, void *argument)
{
	return add(loop, fd, EV_READ | EV_PERSIST, fn, argument);
}

struct loop_event *loop_add_writer(struct loop *loop, int fd, loop_fn fn, void *argument)
{
	return add(loop, fd, EV_WRITE | EV_PERSIST, fn, argument);
}

struct loop_event *loop_add_timer(struct loop *loop, loop_fn fn, void *argument)
{
	return add(loop, -1, 0, fn, argument);
}

void loop_timer_set(struct loop_event *timer, int64_t delay_ns)
{
	struct timeval delay = {
		.tv_sec = delay_ns / NANOSECONDS_PER_SECOND,
		.tv_usec = delay_ns % NANOSECONDS_PER_SECOND / 1000,
	};

	if (event_add(timer->event, &delay) < 0)
		abort();
}

void loop_timer_stop(struct loop_event *timer)
{
	event_del(timer->event);
}

struct loop_event *loop_add_signal(struct loop *loop, int signal, loop_fn fn, void *argument)
{
	return add(loop, signal, EV_SIGNAL | EV_PERSIST, fn, argument);
}

void loop_event_free(struct loop_event *event)
{
	if (!event)
		return;
	*event->previous = event->next;
	if (event->next)
		event->next->previous = event->previous;
	event_free(event->event);
	free(event);
}

void loop_run(struct loop *loop)
{
	event_base_loop(loop->base, EVLOOP_NO_EXIT_ON_EMPTY);
}

void loop_stop(struct loop *loop)
{
	event_base_loopbreak(loop->base);
}

void loop_poll(struct loop *loop)
{
	event_base_loop(loop->base, EVLOOP_NONBLOCK);
}

struct event_base *loop_base(const struct loop *loop)
{
	return loop->base;
}

const char *loop_library_version(void)
{
	return event_get_version();
}
