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

#define BACKOFF_LEAST_NS  (10 * NANOSECONDS_PER_MILLISECOND)
#define BACKOFF_MOST_NS	  (30 * NANOSECONDS_PER_SECOND)
#define LEAVE_TIMEOUT_NS  (1 * NANOSECONDS_PER_SECOND)
#define HANG_CHECKS	  4
#define START_CHECKS	  20 /* of one that is setting itself up, perhaps on a busy machine */
#define DEATHS_PER_PACKET 3  /* of a worker that did not end itself */
#define DEATHS_PER_BODY	  3
#define SKIPS_PER_BODY	  3

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

void seat_restart(struct seat *seat)
{
	int error = seat_start(seat);

	if (error) {
		log_error("worker-%u cannot be started: %s", seat->index, strerror(-error));
		loop_timer_set(seat->start_timer, BACKOFF_MOST_NS);
	}
}

static void on_start(void *argument)
{
	seat_restart(argument);
}

static void on_leave_timeout(void *argument)
{
	seat_kill(argument);
}

void seat_init(struct seat *seat, uint32_t index, const struct process_plan *plan,
	       struct loop *loop, const struct seat_owner *owner)
{
	seat->index = index;
	seat->plan = *plan;
	seat->plan.index = index;
	seat->plan.fds = seat->lease.fds;
	seat->process = (struct process){-1, -1, -1};
	seat->loop = loop;
	seat->owner = *owner;
	seat->start_timer = loop_add_timer(loop, on_start, seat);
	seat->leave_timer = loop_add_timer(loop, on_leave_timeout, seat);
	choose_cpu(seat);
}

static void tell(struct seat *seat, enum seat_event event, uint32_t status, const char *text)
{
	seat->owner.on_event(seat->owner.argument, seat, event, status, text);
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
		tell(seat, SEAT_IS_READY, 0, "");
	} else if (message.type == CONTROL_FAILED && seat->state == SEAT_STARTING) {
		tell(seat, SEAT_HAS_FAILED, 0, message.text);
	} else if (message.type == CONTROL_FINISHED && !seat->can_finish) {
		process_signal(&seat->process, SIGKILL); /* nobody has asked it to */
	} else if (message.type == CONTROL_FINISHED && seat->state == SEAT_WORKING) {
		seat->state = SEAT_FINISHED;
		tell(seat, SEAT_HAS_FINISHED, message.status, message.text);
	} else if (message.type == CONTROL_NOTICE) {
		tell(seat, SEAT_HAS_NOTICE, 0, message.text);
	}
	return true;
}

static void on_control(void *argument)
{
	take_message(argument);
}

/* A query waits from the commit that counts it on; those that a predecessor lost are no progress.
 */
static uint64_t queries_done(const struct state_head *head)
{
	return state_counter(head, COUNTER_PROXY_QUERIES) -
	       state_counter(head, COUNTER_PROXY_LOST) - state_get(head, STATE_PROXY_WAITING);
}

static struct seat_cursor cursor_of(const struct seat *seat)
{
	const struct state_head *head = seat->lease.head;

	return (struct seat_cursor){
		.generation = state_get(head, STATE_GENERATION),
		.block = state_get(head, STATE_BLOCK),
		.packet = state_get(head, STATE_PACKET),
		.message = state_get(head, STATE_MESSAGE),
		.queries = state_counter(head, COUNTER_PROXY_QUERIES),
		.done = queries_done(head),
	};
}

static bool is_same_packet(struct seat_cursor a, struct seat_cursor b)
{
	return a.generation == b.generation && a.block == b.block && a.packet == b.packet;
}

static bool is_same_message(struct seat_cursor a, struct seat_cursor b)
{
	return is_same_packet(a, b) && a.message == b.message;
}

static bool is_same(struct seat_cursor a, struct seat_cursor b)
{
	return is_same_message(a, b) && a.queries == b.queries;
}

bool seat_is_skipping(const struct seat *seat)
{
	const struct state_watch *watch = seat->lease.watch;
	struct seat_cursor skip = {
		.generation = watch->skip_generation,
		.block = watch->skip_block,
		.packet = watch->skip_packet,
	};

	return watch->is_skipping && is_same_packet(skip, cursor_of(seat));
}

static void skip_packet(struct seat *seat)
{
	struct state_watch *watch = seat->lease.watch;
	struct seat_cursor at = cursor_of(seat);

	watch->skip_generation = at.generation;
	watch->skip_block = at.block;
	watch->skip_packet = at.packet;
	watch->is_skipping = true;
}

/* Since its process started. To have taken queries is none of who died of them. */
static bool has_progress(const struct seat *seat)
{
	struct seat_cursor at = cursor_of(seat);

	return at.done != seat->started_at.done ||
	       (!seat->has_died_in_proxy && !is_same(at, seat->started_at));
}

uint32_t seat_fruitless_deaths(const struct seat *seat)
{
	return has_progress(seat) ? 0 : seat->deaths;
}

int seat_cpu(const struct seat *seat)
{
	for (unsigned int cpu = 0; seat->plan.cpus && cpu < CPU_SETSIZE; cpu++)
		if (CPU_ISSET(cpu, seat->plan.cpus))
			return (int)cpu;
	return -1;
}

static bool is_signal_of_its_own(int signal)
{
	return signal == SIGSEGV || signal == SIGBUS || signal == SIGILL || signal == SIGFPE ||
	       signal == SIGABRT || signal == SIGSYS;
}

static void renew_body(struct seat *seat)
{
	if (lease_renew_body(&seat->lease))
		log_error("worker-%u: no memory for a clean state", seat->index);
}

/* What kept ending it may lie in either; but the proxy does not use the body. */
static void renew_memory(struct seat *seat)
{
	proxy_lease_discard_cache(&seat->lease.proxy);
	if (!seat->has_died_in_proxy)
		renew_body(seat);
}

/* Counts skips without a packet between them that was really processed. */
static void count_skip(struct seat *seat)
{
	const struct state_head *head = seat->lease.head;
	uint64_t processed = state_counter(head, COUNTER_PACKETS_READ) -
			     state_counter(head, COUNTER_PACKETS_QUARANTINED);

	seat->skips = seat->skips && processed == seat->processed ? seat->skips + 1 : 1;
	seat->processed = processed;
}

static void forgive(struct seat *seat)
{
	seat->deaths = seat->own_deaths = seat->packet_deaths = 0;
}

/*
 * Decides what the successor does: takes the packet at the cursor again, skips it, or, when it was
 * no packet or skipping did not help, begins with a clean body. A body in which every packet ends a
 * worker looks like one poison packet behind the other: after some of them it goes, too. Who died
 * in a turn of the proxy was at no packet.
 */
static void judge_death(struct seat *seat, int status)
{
	bool is_own = WIFEXITED(status) || is_signal_of_its_own(WTERMSIG(status));
	bool has_read = !is_same_message(cursor_of(seat), seat->started_at), has_moved;
	bool is_at_work = seat->state == SEAT_WORKING || seat->state == SEAT_LEAVING, is_at_packet;

	seat->has_died_in_proxy = is_at_work && state_get(seat->lease.head, STATE_PROXY_TURN);
	is_at_packet = is_at_work && !seat->has_died_in_proxy && !seat_is_skipping(seat) &&
		       seat->owner.has_packet(seat->owner.argument, seat);
	has_moved = has_progress(seat);
	seat->deaths = has_moved ? 1 : seat->deaths + 1;
	seat->own_deaths = (has_moved ? 0 : seat->own_deaths) + is_own;
	seat->packet_deaths = (has_read ? 0 : seat->packet_deaths) + !seat->has_died_in_proxy;
	if (is_at_packet &&
	    ((is_own && WIFSIGNALED(status)) || seat->packet_deaths >= DEATHS_PER_PACKET)) {
		skip_packet(seat);
		forgive(seat);
		count_skip(seat);
		if (seat->skips >= SKIPS_PER_BODY) {
			seat->skips = 0;
			renew_body(seat);
		}
	} else if (!is_at_packet && seat->own_deaths >= DEATHS_PER_BODY) {
		seat->own_deaths = 0;
		renew_memory(seat);
	}
}

static void replace(struct seat *seat)
{
	if (seat->deaths <= 1)
		seat->backoff_ns = 0;
	loop_timer_set(seat->start_timer, seat->backoff_ns);
	seat->backoff_ns = seat->backoff_ns ? 2 * seat->backoff_ns : BACKOFF_LEAST_NS;
	if (seat->backoff_ns > BACKOFF_MOST_NS)
		seat->backoff_ns = BACKOFF_MOST_NS;
}

/* Its process is gone: forgets it. Returns its status. */
static int forget_process(struct seat *seat)
{
	int status = process_wait(&seat->process);

	loop_event_free(seat->control_event);
	loop_event_free(seat->exit_event);
	seat->control_event = seat->exit_event = NULL;
	loop_timer_stop(seat->leave_timer);
	process_close(&seat->process);
	return status;
}

static void on_exit_of_process(void *argument)
{
	struct seat *seat = argument;
	bool has_left;
	char text[PROCESS_END_MAX];
	int status;

	/* What it said last may still lie in the channel. */
	while (seat->control_event && take_message(seat))
		;
	status = forget_process(seat);
	process_describe_end(status, text);
	if (seat->state == SEAT_FINISHED) {
		tell(seat, SEAT_HAS_ENDED, 0, text);
		return;
	}
	/* Who was to read a ring to its end and died has not left it. */
	has_left = seat->state == SEAT_LEAVING &&
		   (seat->leave_how != CONTROL_LEAVE_EMPTY || status == 0);
	if (has_left)
		forgive(seat);
	else
		judge_death(seat, status);
	seat->state = SEAT_EMPTY;
	tell(seat, has_left ? SEAT_HAS_LEFT : SEAT_HAS_DIED, 0, text);
	if (!has_left && seat->is_replacing && seat->process.pidfd < 0)
		replace(seat);
}

static const char *const state_names[] = {
	[SEAT_EMPTY] = "empty",	    [SEAT_STARTING] = "starting", [SEAT_READY] = "ready",
	[SEAT_WORKING] = "working", [SEAT_LEAVING] = "leaving",	  [SEAT_FINISHED] = "finished",
};

void seat_give(const struct seat *seat, struct handover *handover)
{
	int index = (int)seat->index;

	handover_add_text(handover, "state", index, state_names[seat->state]);
	if (seat->process.pidfd < 0)
		return;
	handover_add_number(handover, "pid", index, (uint64_t)seat->process.pid);
	handover_add_fd(handover, "channel", index, seat->process.control);
	handover_add_fd(handover, "process", index, seat->process.pidfd);
}

static void watch_process(struct seat *seat)
{
	seat->started_at = seat->moved_to = cursor_of(seat);
	seat->idle_checks = 0;
	seat->control_event = loop_add_reader(seat->loop, seat->process.control, on_control, seat);
	seat->exit_event =
		loop_add_reader(seat->loop, seat->process.pidfd, on_exit_of_process, seat);
}

void seat_take(struct seat *seat, struct handover *handover)
{
	int index = (int)seat->index;
	char state[16];

	handover_text(handover, "state", index, state, sizeof(state));
	for (size_t i = 0; i < sizeof(state_names) / sizeof(state_names[0]); i++)
		if (!strcmp(state_names[i], state))
			seat->state = (enum seat_state)i;
	seat->process = (struct process){
		.pid = (pid_t)handover_number(handover, "pid", index),
		.control = handover_take_fd(handover, "channel", index),
		.pidfd = handover_take_fd(handover, "process", index),
	};
	if (seat->process.pidfd >= 0)
		watch_process(seat);
	else if (seat->state != SEAT_FINISHED)
		seat->state = SEAT_EMPTY;
}

void seat_clear(struct seat *seat)
{
	loop_timer_stop(seat->start_timer);
	if (seat->process.pidfd < 0 || seat->state == SEAT_WORKING)
		return;
	seat_kill(seat);
	forget_process(seat);
	if (seat->state != SEAT_FINISHED)
		seat->state = SEAT_EMPTY;
}

int seat_start(struct seat *seat)
{
	int error;

	if (seat->process.pidfd >= 0)
		return -EBUSY;
	/* A file that is read in order is read again from its beginning, up to the cursor. */
	lseek(seat->lease.fds[CHILD_FD_INPUT], 0, SEEK_SET);
	error = lease_fit_body(&seat->lease);
	if (!error)
		error = process_start(&seat->process, &seat->plan);
	if (error)
		return error;
	loop_timer_stop(seat->start_timer);
	seat->can_finish = seat->finishes_itself;
	seat->state = SEAT_STARTING;
	watch_process(seat);
	return 0;
}

void seat_begin(struct seat *seat)
{
	if (seat->state != SEAT_READY)
		return;
	seat->state = SEAT_WORKING;
	control_send(seat->process.control, CONTROL_START, 0, NULL);
}

void seat_drain(struct seat *seat, bool gives_away)
{
	if (seat->state != SEAT_WORKING)
		return;
	seat->can_finish = true;
	control_send(seat->process.control, CONTROL_DRAIN, gives_away, NULL);
}

bool seat_is_done(const struct seat *seat)
{
	return (seat->state == SEAT_FINISHED && seat->process.pidfd < 0) ||
	       (seat->state == SEAT_EMPTY && !seat->is_replacing);
}

void seat_kill(struct seat *seat)
{
	if (!seat->is_replacing)
		loop_timer_stop(seat->start_timer);
	if (seat->process.pidfd >= 0)
		process_signal(&seat->process, SIGKILL);
}

void seat_leave(struct seat *seat, enum control_leave how)
{
	loop_timer_stop(seat->start_timer);
	/* Somebody must read that ring to its end first, and is asked again when it is ready. */
	if (seat->state == SEAT_EMPTY && how == CONTROL_LEAVE_EMPTY) {
		seat_restart(seat);
		return;
	}
	if (seat->state == SEAT_EMPTY) {
		tell(seat, SEAT_HAS_LEFT, 0, "");
		return;
	}
	if (seat->state == SEAT_FINISHED || seat->state == SEAT_LEAVING)
		return;
	if (seat->state != SEAT_WORKING ||
	    control_send(seat->process.control, CONTROL_LEAVE, how, NULL))
		seat_kill(seat);
	seat->state = SEAT_LEAVING;
	seat->leave_how = how;
	loop_timer_set(seat->leave_timer, LEAVE_TIMEOUT_NS);
}

/* One that somebody stopped is not to blame: it is killed, and its packet is taken again. */
static void end_hung(struct seat *seat)
{
	bool is_stopped = process_is_stopped(&seat->process);

	tell(seat, SEAT_HAS_NOTICE, 0,
	     is_stopped ? "is stopped while packets wait: it is replaced"
			: "has hung for two seconds while packets wait: it is aborted");
	process_signal(&seat->process, is_stopped ? SIGKILL : SIGABRT);
}

static bool has_input(const struct seat *seat)
{
	const struct seat_owner *owner = &seat->owner;

	return owner->has_packet(owner->argument, seat) || owner->has_query(owner->argument, seat);
}

void seat_check_progress(struct seat *seat)
{
	struct seat_cursor at = cursor_of(seat);
	bool is_expected = seat->state == SEAT_WORKING || seat->state == SEAT_STARTING;

	if (!is_expected || !is_same(at, seat->moved_to) || !has_input(seat)) {
		seat->moved_to = at;
		seat->idle_checks = 0;
	} else if (++seat->idle_checks >=
		   (seat->state == SEAT_WORKING ? HANG_CHECKS : START_CHECKS)) {
		seat->idle_checks = 0;
		end_hung(seat);
	}
}

void seat_fini(struct seat *seat)
{
	loop_event_free(seat->control_event);
	loop_event_free(seat->exit_event);
	loop_event_free(seat->start_timer);
	loop_event_free(seat->leave_timer);
	if (seat->process.pidfd >= 0) {
		process_wait(&seat->process);
		process_close(&seat->process);
	}
	lease_close(&seat->lease);
}
