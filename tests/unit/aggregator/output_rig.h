/* SPDX-License-Identifier: BSD-3-Clause */
#pragma once
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <setjmp.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include <cmocka.h>

#include "aggregator/outputs/output.h"
#include "base/clock.h"
#include "base/log.h"
#include "ipc/memory.h"

/* An output of one kind on a queue of its own, without what makes records of events. */

#define RIG_QUEUE_BYTES (1u << 20)
#define RIG_LONG_NS	(5 * NANOSECONDS_PER_SECOND)

struct rig {
	struct output output;
	struct config_output config;
	struct output_host host;
	struct output_account account;
	struct loop_event *turn;
	int queue_fd;
	unsigned int commits, asks, next_asks, logs;
	struct output_account committed; /* what a successor would find */
	char log[256];			 /* the last line */
};

static struct rig rig;

void output_written(struct output *output, uint32_t records, uint64_t bytes, uint64_t next)
{
	output->account->written += records;
	output->account->queued -= records;
	output->account->bytes_written += bytes;
	queue_pop(&output->queue, next);
	output->host->commit(output->host->argument);
}

void output_failed(struct output *output, uint32_t records, uint64_t next)
{
	output->account->dropped_failed += records;
	output->account->queued -= records;
	queue_pop(&output->queue, next);
	output->host->commit(output->host->argument);
}

static void rig_commit(void *argument)
{
	(void)argument;
	rig.commits++;
	rig.committed = rig.account;
}

static void rig_ask(void *argument, enum lend what, uint32_t index)
{
	(void)argument;
	assert_int_equal(index, rig.output.index);
	rig.asks += what == LEND_FILE;
	rig.next_asks += what == LEND_NEXT_FILE;
}

static void rig_log(enum log_level level, const char *text)
{
	(void)level;
	rig.logs++;
	snprintf(rig.log, sizeof(rig.log), "%s", text);
}

static void rig_stop(void *argument)
{
	(void)argument;
	loop_stop(rig.host.loop);
}

/* config is rig.config, filled in by the test. */
static inline void rig_open(const struct output_ops *ops)
{
	char error[CONFIG_ERROR_MAX];

	snprintf(rig.config.name, sizeof(rig.config.name), "test");
	rig.host = (struct output_host){.loop = loop_new(), .commit = rig_commit, .ask = rig_ask};
	rig.turn = loop_add_timer(rig.host.loop, rig_stop, NULL);
	rig.output = (struct output){.ops = ops,
				     .config = &rig.config,
				     .host = &rig.host,
				     .index = 3,
				     .account = &rig.account};
	assert_int_equal(queue_open(&rig.output.queue, rig.queue_fd, RIG_QUEUE_BYTES,
				    &rig.account.head, &rig.account.tail),
			 0);
	if (!ops->open(&rig.output, error))
		fail_msg("%s", error);
	ops->start(&rig.output);
}

static void rig_close_kind(void)
{
	if (rig.output.own)
		rig.output.ops->close(&rig.output);
	free(rig.output.own);
	rig.output.own = NULL;
}

static void rig_close(void)
{
	if (!rig.output.ops)
		return; /* a test that was skipped */
	rig_close_kind();
	queue_close(&rig.output.queue);
	loop_free(rig.host.loop);
}

static inline int rig_set_up(void **state)
{
	(void)state;
	memset(&rig, 0, sizeof(rig));
	rig.config = config_output_default;
	rig.queue_fd = memory_create("queue", RIG_QUEUE_BYTES);
	log_set_sink(rig_log);
	signal(SIGPIPE, SIG_IGN);
	return rig.queue_fd < 0;
}

static inline int rig_tear_down(void **state)
{
	(void)state;
	rig_close();
	log_set_sink(NULL);
	return close(rig.queue_fd);
}

/* One turn of the loop, which lasts a millisecond when there is nothing to do. */
static void rig_turn(void)
{
	loop_timer_set(rig.turn, NANOSECONDS_PER_MILLISECOND);
	loop_run(rig.host.loop);
}

static bool __attribute__((unused)) rig_until(bool (*is_so)(void))
{
	int64_t end = clock_monotonic_ns() + RIG_LONG_NS;

	while (!is_so() && clock_monotonic_ns() < end)
		rig_turn();
	return is_so();
}

/* The text gets its newline here. False when the queue is full. */
static bool rig_push(const char *text)
{
	size_t length = strlen(text) + 1;
	uint8_t *room = queue_reserve(&rig.output.queue, length);

	if (!room)
		return false;
	memcpy(room, text, length - 1);
	room[length - 1] = '\n';
	queue_push(&rig.output.queue, length);
	rig.account.queued++;
	return true;
}

static void __attribute__((unused)) rig_say(const char *text)
{
	assert_true(rig_push(text));
	rig.output.ops->write(&rig.output);
}

static bool __attribute__((unused)) rig_is_done(void)
{
	return queue_is_empty(&rig.output.queue) && rig.output.ops->is_idle(&rig.output);
}

static bool __attribute__((unused)) rig_is_up(void)
{
	return rig.account.is_up;
}

static bool __attribute__((unused)) rig_is_down(void)
{
	return !rig.account.is_up;
}
