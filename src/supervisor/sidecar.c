/* SPDX-License-Identifier: BSD-3-Clause */
#include "supervisor/sidecar.h"

#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/wait.h>

#include "base/clock.h"
#include "base/log.h"

#define BACKOFF_LEAST_NS (10 * NANOSECONDS_PER_MILLISECOND)
#define BACKOFF_MOST_NS	 (30 * NANOSECONDS_PER_SECOND)
#define LONG_LIFE_NS	 (10 * NANOSECONDS_PER_SECOND)
#define GRACE_NS	 (1 * NANOSECONDS_PER_SECOND) /* it keeps the time itself */

static void tell(struct sidecar *sidecar, enum sidecar_event event, uint32_t status,
		 const char *text)
{
	sidecar->on_event(sidecar->argument, event, status, text);
}

static void on_start(void *argument)
{
	sidecar_start(argument);
}

static void on_leave_timeout(void *argument)
{
	struct sidecar *sidecar = argument;

	if (sidecar->process.pidfd < 0)
		return;
	log_warn("the %s does not finish in time and is killed", sidecar->plan.role);
	process_signal(&sidecar->process, SIGKILL);
}

void sidecar_init(struct sidecar *sidecar, const struct process_plan *plan, struct loop *loop)
{
	sidecar->plan = *plan;
	sidecar->process = (struct process){-1, -1, -1};
	sidecar->loop = loop;
	sidecar->start_timer = loop_add_timer(loop, on_start, sidecar);
	sidecar->leave_timer = loop_add_timer(loop, on_leave_timeout, sidecar);
}

static void take_message(struct sidecar *sidecar, const struct control_message *message)
{
	switch (message->type) {
	case CONTROL_READY:
		if (sidecar->state == SIDECAR_STARTING) {
			sidecar->state = SIDECAR_WORKING;
			tell(sidecar, SIDECAR_IS_READY, 0, "");
		}
		break;
	case CONTROL_FAILED:
		if (sidecar->state == SIDECAR_STARTING)
			tell(sidecar, SIDECAR_HAS_FAILED, 0, message->text);
		break;
	case CONTROL_NOTICE:
		tell(sidecar, SIDECAR_HAS_NOTICE, message->status, message->text);
		break;
	case CONTROL_ASK:
		tell(sidecar, SIDECAR_ASKS, message->status, "");
		break;
	case CONTROL_RESET:
		tell(sidecar, SIDECAR_RESETS, 0, "");
		break;
	default:
		break;
	}
}

static void on_control(void *argument)
{
	struct sidecar *sidecar = argument;
	struct control_message message;
	int got = control_receive(sidecar->process.control, &message);

	if (got > 0)
		take_message(sidecar, &message);
	if (got)
		return;
	/* It is about to exit, or broke the protocol; the pidfd tells what became of it. */
	loop_event_free(sidecar->control_event);
	sidecar->control_event = NULL;
	if (sidecar->state != SIDECAR_LEAVING)
		process_signal(&sidecar->process, SIGKILL);
}

static void forget_process(struct sidecar *sidecar, int *status)
{
	*status = process_wait(&sidecar->process);
	loop_event_free(sidecar->control_event);
	loop_event_free(sidecar->exit_event);
	sidecar->control_event = sidecar->exit_event = NULL;
	loop_timer_stop(sidecar->leave_timer);
	process_close(&sidecar->process);
}

static void plan_successor(struct sidecar *sidecar)
{
	bool has_lived = clock_monotonic_ns() - sidecar->started_ns > LONG_LIFE_NS;

	if (has_lived || sidecar->progress(sidecar->argument) != sidecar->started_at) {
		sidecar->backoff_ns = 0;
		sidecar->plan.index = 0;
	} else {
		sidecar->plan.index++;
	}
	loop_timer_set(sidecar->start_timer, sidecar->backoff_ns);
	sidecar->backoff_ns = sidecar->backoff_ns ? 2 * sidecar->backoff_ns : BACKOFF_LEAST_NS;
	if (sidecar->backoff_ns > BACKOFF_MOST_NS)
		sidecar->backoff_ns = BACKOFF_MOST_NS;
}

/* What it said last comes first. */
static void hear_rest(struct sidecar *sidecar)
{
	struct control_message message;

	while (sidecar->control_event && control_receive(sidecar->process.control, &message) > 0)
		take_message(sidecar, &message);
}

static void on_exit(void *argument)
{
	struct sidecar *sidecar = argument;
	enum sidecar_state state;
	char text[PROCESS_END_MAX];
	int status;

	hear_rest(sidecar);
	state = sidecar->state;
	forget_process(sidecar, &status);
	process_describe_end(status, text);
	sidecar->state = SIDECAR_EMPTY;
	if (state == SIDECAR_LEAVING) {
		tell(sidecar, SIDECAR_HAS_ENDED, 0, status ? text : "");
		return;
	}
	if (sidecar->is_wanted)
		plan_successor(sidecar);
	tell(sidecar, SIDECAR_HAS_DIED, 0, text);
}

void sidecar_start(struct sidecar *sidecar)
{
	int error;

	sidecar->is_wanted = true;
	if (sidecar->process.pidfd >= 0)
		return;
	loop_timer_stop(sidecar->start_timer);
	error = process_start(&sidecar->process, &sidecar->plan);
	if (error) {
		log_error("the %s cannot be started: %s", sidecar->plan.role, strerror(-error));
		loop_timer_set(sidecar->start_timer, BACKOFF_MOST_NS);
		return;
	}
	sidecar->state = SIDECAR_STARTING;
	sidecar->started_ns = clock_monotonic_ns();
	sidecar->started_at = sidecar->progress(sidecar->argument);
	sidecar->restarts++;
	sidecar->control_event =
		loop_add_reader(sidecar->loop, sidecar->process.control, on_control, sidecar);
	sidecar->exit_event =
		loop_add_reader(sidecar->loop, sidecar->process.pidfd, on_exit, sidecar);
	error = sidecar->lend(sidecar->argument, sidecar->process.control);
	if (!error)
		return;
	log_error("the %s cannot be lent what it needs: %s", sidecar->plan.role, strerror(-error));
	process_signal(&sidecar->process, SIGKILL);
}

void sidecar_drain(struct sidecar *sidecar, int64_t timeout_ns)
{
	sidecar->is_wanted = false;
	loop_timer_stop(sidecar->start_timer);
	if (sidecar->state == SIDECAR_EMPTY) {
		tell(sidecar, SIDECAR_HAS_ENDED, 0, "");
		return;
	}
	control_send(sidecar->process.control, CONTROL_DRAIN,
		     (uint32_t)(timeout_ns / NANOSECONDS_PER_MILLISECOND), NULL);
	sidecar->state = SIDECAR_LEAVING;
	if (timeout_ns)
		loop_timer_set(sidecar->leave_timer, timeout_ns + GRACE_NS);
}

void sidecar_clear(struct sidecar *sidecar)
{
	int status;

	sidecar->is_wanted = false;
	loop_timer_stop(sidecar->start_timer);
	if (sidecar->process.pidfd >= 0) {
		process_signal(&sidecar->process, SIGKILL);
		forget_process(sidecar, &status);
	}
	sidecar->state = SIDECAR_EMPTY;
}

void sidecar_fini(struct sidecar *sidecar)
{
	if (!sidecar->loop)
		return;
	sidecar_clear(sidecar);
	loop_event_free(sidecar->start_timer);
	loop_event_free(sidecar->leave_timer);
}
