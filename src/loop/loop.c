/* SPDX-License-Identifier: BSD-3-Clause */
#include "loop/loop.h"

#include <assert.h>
#include <event2/event.h>
#include <poll.h>
#include <stdlib.h>

#include "base/clock.h"
#include "base/memory.h"

/* libevent serves those of the first first, all of them; of the others it does so for a time. Only
 * what cannot be due again at once may come before others. */
enum priority { FIRST, LATER, PRIORITIES };

struct loop {
	struct event_base *base;
	struct loop_event *events;
	struct loop_event *urgent[LOOP_URGENT_MAX];
	uint32_t urgent_count;
	uint32_t calls; /* since urgent ones were looked at, which was at: */
	int64_t looked_ns;
};

struct loop_event {
	struct loop_event *next;
	struct loop_event **previous; /* what points to this one */
	struct event *event;
	struct loop *loop;
	int fd;
	bool is_urgent;
	loop_fn fn;
	void *argument;
};

/* NULL when out of memory. */
static struct event_base *make_base(void)
{
	const struct timeval most = {.tv_usec = LOOP_URGENT_NS / 1000};
	struct event_config *config = event_config_new();
	struct event_base *base = NULL;

	if (config && !event_config_set_max_dispatch_interval(config, &most, -1, LATER))
		base = event_base_new_with_config(config);
	if (config)
		event_config_free(config);
	return base && !event_base_priority_init(base, PRIORITIES) ? base : NULL;
}

struct loop *loop_new(void)
{
	struct loop *loop = xcalloc(1, sizeof(*loop));

	loop->base = make_base();
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

static bool is_still_urgent(const struct loop *loop, const struct loop_event *event)
{
	for (uint32_t i = 0; i < loop->urgent_count; i++)
		if (loop->urgent[i] == event)
			return true;
	return false;
}

/* Those that are ready, in the middle of what libevent is serving. One may free another. */
static void serve_urgent(struct loop *loop)
{
	struct loop_event *events[LOOP_URGENT_MAX];
	struct pollfd fds[LOOP_URGENT_MAX];
	uint32_t count = loop->urgent_count;

	for (uint32_t i = 0; i < count; i++) {
		events[i] = loop->urgent[i];
		fds[i] = (struct pollfd){.fd = events[i]->fd, .events = POLLIN};
	}
	if (poll(fds, count, 0) <= 0)
		return;
	for (uint32_t i = 0; i < count; i++)
		if (fds[i].revents && is_still_urgent(loop, events[i]))
			events[i]->fn(events[i]->argument);
}

static void look_at_urgent(struct loop *loop)
{
	int64_t now_ns = clock_monotonic_ns();

	if (++loop->calls < LOOP_URGENT_CALLS && now_ns - loop->looked_ns < LOOP_URGENT_NS)
		return;
	serve_urgent(loop);
	loop->calls = 0;
	loop->looked_ns = clock_monotonic_ns();
}

static void on_event(evutil_socket_t fd, short what, void *argument)
{
	struct loop_event *event = argument;
	struct loop *loop = event->loop;

	(void)fd;
	(void)what;
	event->fn(event->argument); /* it may be free now */
	if (loop->urgent_count)
		look_at_urgent(loop);
}

static struct loop_event *add(struct loop *loop, int fd, short what, loop_fn fn, void *argument)
{
	struct loop_event *event = xcalloc(1, sizeof(*event));

	event->loop = loop;
	event->fd = fd;
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

struct loop_event *loop_add_urgent_reader(struct loop *loop, int fd, loop_fn fn, void *argument)
{
	struct loop_event *event = loop_add_reader(loop, fd, fn, argument);

	assert(loop->urgent_count < LOOP_URGENT_MAX);
	event->is_urgent = true;
	loop->urgent[loop->urgent_count++] = event;
	return event;
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
	int priority = delay_ns > 0 ? FIRST : LATER;

	if (event_priority_set(timer->event, priority) < 0) {
		event_del(timer->event); /* its call is due */
		event_priority_set(timer->event, priority);
	}
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

static void forget_urgent(struct loop *loop, const struct loop_event *event)
{
	for (uint32_t i = 0; i < loop->urgent_count; i++)
		if (loop->urgent[i] == event)
			loop->urgent[i] = loop->urgent[--loop->urgent_count];
}

void loop_event_free(struct loop_event *event)
{
	if (!event)
		return;
	if (event->is_urgent)
		forget_urgent(event->loop, event);
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
