/* SPDX-License-Identifier: BSD-3-Clause */
#pragma once
#include <stdbool.h>
#include <stdint.h>

/*
 * An event loop: descriptors, timers, signals. The one door to libevent. Everything exits when out
 * of memory (start-up). When very many descriptors are ready, timers come in between after some
 * milliseconds, and so do a few readers that are said to be urgent.
 */
struct loop;
struct loop_event;
struct event_base;

typedef void (*loop_fn)(void *argument);

struct loop *loop_new(void);

/* Frees the events that are left, too. Accepts NULL. */
void loop_free(struct loop *loop);

/* Calls fn whenever fd can be read, or is in error, until the event is freed. Does not own fd. */
struct loop_event *loop_add_reader(struct loop *loop, int fd, loop_fn fn, void *argument);

/* The same, at least once in LOOP_URGENT_CALLS calls of others, or LOOP_URGENT_NS; for at most
 * LOOP_URGENT_MAX. */
#define LOOP_URGENT_MAX	  32
#define LOOP_URGENT_CALLS 64
#define LOOP_URGENT_NS	  5000000
struct loop_event *loop_add_urgent_reader(struct loop *loop, int fd, loop_fn fn, void *argument);

/* Calls fn whenever fd can be written to, or is in error, until the event is freed. */
struct loop_event *loop_add_writer(struct loop *loop, int fd, loop_fn fn, void *argument);

/* A timer that is not yet set. loop_timer_set calls fn once, after delay_ns; setting it again
 * replaces the delay. One of no delay waits until what is ready now has had its turn. */
struct loop_event *loop_add_timer(struct loop *loop, loop_fn fn, void *argument);
void loop_timer_set(struct loop_event *timer, int64_t delay_ns);
void loop_timer_stop(struct loop_event *timer);

/* Calls fn after a signal arrived, outside of the signal handler. */
struct loop_event *loop_add_signal(struct loop *loop, int signal, loop_fn fn, void *argument);

/* Stops and frees one event; accepts NULL. Also from its own fn. */
void loop_event_free(struct loop_event *event);

/* Runs until loop_stop(). */
void loop_run(struct loop *loop);
void loop_stop(struct loop *loop);

/* Handles what is due now and returns without waiting: for processes that have work of their own.
 */
void loop_poll(struct loop *loop);

/* For files of this room only. */
struct event_base *loop_base(const struct loop *loop);

const char *loop_library_version(void);
