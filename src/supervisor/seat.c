/* SPDX-License-Identifier: BSD-3-Clause */
#include "supervisor/seat.h"

#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/log.h"
#include "ipc/control.h"

#define BACKOFF_LEAST_NS (10 * NANOSECONDS_PER_MILLISECOND)
#define BACKOFF_MOST_NS	 (30 * NANOSECONDS_PER_SECOND)

static void choose_cpu(struct seat *seat)
{
	cpu_set_t all;
	unsigned int wanted, cpu;

	if (sched_getaffinity(0, sizeof(all), &all) < 0 || !CPU_COUNT(&all))
		return;
	wanted = seat->index % (unsigned int)CPU_COUNT(&all);
	for (cpu = 0; wanted || !CPU_ISSET(cpu, &all); cpu++)
		wanted -= CPU_ISSET(cpu, &all) ? 1 : 0;
	CPU_ZERO(&seat->cpus);
	CPU_SET(cpu, &seat->cpus);
	seat->plan.cpus = &seat->cpus;
}

static void try_start(void *argument)
{
	struct seat *seat = argument;
	int error = seat_start(seat);

	if (error) {
		log_error("worker-%u cannot be started: %s", seat->index, strerror(-error));
		loop_timer_set(seat->start_timer, BACKOFF_MOST_NS);
	}
}

void seat_init(struct seat *seat, uint32_t index, const struct process_plan *plan,
	       struct loop *loop, seat_fn on_event, void *argument)
{
	seat->index = index;
	seat->plan = *plan;
	seat->plan.index = index;
	seat->plan.fds = seat->lease.fds;
	seat->process = (struct process){-1, -1, -1};
	seat->loop = loop;
	seat->on_event = on_event;
	seat->argument = argument;
	seat->start_timer = loop_add_timer(loop, try_start, seat);
	choose_cpu(seat);
}

/* Takes one message; false when there is none. */
static bool take_message(struct seat *seat)
{
	struct control_message message;
	int got = control_receive(seat->process.control, &message);

	if (got < 0)
		return false;
	if (got == 0) {
		/* It is about to exit, or broke the protocol; the pidfd tells what became of it. */
		loop_event_free(seat->control_event);
		seat->control_event = NULL;
		if (seat->state != SEAT_FINISHED)
			process_signal(&seat->process, SIGKILL);
		return false;
	}
	if (message.type == CONTROL_READY && seat->state == SEAT_STARTING) {
		seat->state = SEAT_READY;
		seat->on_event(seat->argument, seat, SEAT_IS_READY, 0, "");
	} else if (message.type == CONTROL_FAILED && seat->state == SEAT_STARTING) {
		seat->on_event(seat->argument, seat, SEAT_HAS_FAILED, 0, message.text);
	} else if (message.type == CONTROL_FINISHED && seat->state == SEAT_WORKING) {
		seat->state = SEAT_FINISHED;
		seat->on_event(seat->argument, seat, SEAT_HAS_FINISHED, message.status,
			       message.text);
	} else if (message.type == CONTROL_NOTICE) {
		seat->on_event(seat->argument, seat, SEAT_HAS_NOTICE, 0, message.text);
	}
	return true;
}

static void on_control(void *argument)
{
	take_message(argument);
}

static void describe_death(int status, char *text, size_t size)
{
	if (WIFSIGNALED(status))
		snprintf(text, size, "died of signal %d (%s)", WTERMSIG(status),
			 strsignal(WTERMSIG(status)));
	else
		snprintf(text, size, "exited with status %d", WEXITSTATUS(status));
}

static void replace(struct seat *seat)
{
	bool has_progressed =
		state_counter(seat->lease.head, COUNTER_PACKETS_READ) != seat->read_at_start;

	if (has_progressed)
		seat->backoff_ns = 0;
	loop_timer_set(seat->start_timer, seat->backoff_ns);
	seat->backoff_ns = seat->backoff_ns ? 2 * seat->backoff_ns : BACKOFF_LEAST_NS;
	if (seat->backoff_ns > BACKOFF_MOST_NS)
		seat->backoff_ns = BACKOFF_MOST_NS;
}

static void on_exit_of_process(void *argument)
{
	struct seat *seat = argument;
	char text[128];

	/* What it said last may still lie in the channel. */
	while (seat->control_event && take_message(seat))
		;
	loop_event_free(seat->control_event);
	loop_event_free(seat->exit_event);
	seat->control_event = seat->exit_event = NULL;
	describe_death(process_reap(&seat->process), text, sizeof(text));
	if (seat->state == SEAT_FINISHED) {
		seat->on_event(seat->argument, seat, SEAT_HAS_ENDED, 0, text);
		return;
	}
	seat->state = SEAT_EMPTY;
	seat->on_event(seat->argument, seat, SEAT_HAS_DIED, 0, text);
	if (seat->is_replacing)
		replace(seat);
}

int seat_start(struct seat *seat)
{
	int error;

	/* A file that is read in order is read again from its beginning, up to the cursor. */
	lseek(seat->lease.fds[CHILD_FD_INPUT], 0, SEEK_SET);
	seat->read_at_start = state_counter(seat->lease.head, COUNTER_PACKETS_READ);
	error = process_start(&seat->process, &seat->plan);
	if (error)
		return error;
	seat->state = SEAT_STARTING;
	seat->control_event = loop_add_reader(seat->loop, seat->process.control, on_control, seat);
	seat->exit_event =
		loop_add_reader(seat->loop, seat->process.pidfd, on_exit_of_process, seat);
	return 0;
}

void seat_begin(struct seat *seat)
{
	if (seat->state != SEAT_READY)
		return;
	seat->state = SEAT_WORKING;
	control_send(seat->process.control, CONTROL_START, 0, NULL);
}

void seat_drain(struct seat *seat)
{
	if (seat->state == SEAT_WORKING)
		control_send(seat->process.control, CONTROL_DRAIN, 0, NULL);
}

void seat_kill(struct seat *seat)
{
	if (seat->process.pidfd >= 0)
		process_signal(&seat->process, SIGKILL);
}

void seat_fini(struct seat *seat)
{
	loop_event_free(seat->control_event);
	loop_event_free(seat->exit_event);
	loop_event_free(seat->start_timer);
	if (seat->process.pidfd >= 0)
		process_reap(&seat->process);
	lease_close(&seat->lease);
}
