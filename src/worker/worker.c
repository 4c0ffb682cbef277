/* SPDX-License-Identifier: BSD-3-Clause */
#include "worker/worker.h"

#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/log.h"
#include "base/memory.h"
#include "ipc/commit.h"
#include "ipc/control.h"
#include "ipc/hook.h"
#include "ipc/memory.h"
#include "loop/loop.h"
#include "worker/capture/source.h"
#include "worker/proxy/proxy.h"
#include "worker/sandbox.h"

#define FLUSH_INTERVAL_NS  (1 * NANOSECONDS_PER_SECOND)
#define STATS_INTERVAL_NS  (10 * NANOSECONDS_PER_SECOND)
#define EXPIRE_INTERVAL_NS (1 * NANOSECONDS_PER_SECOND)
#define RETRY_NS	   (2 * NANOSECONDS_PER_MILLISECOND)
#define FINISH_TIMEOUT_MS  1000
#define PROXY_DRAIN_MS	   200
#define ORPHAN_SECONDS	   2
#define EVENTS_WAIT_MS	   1
#define TURNS_PER_POLL	   16  /* files: turns between looks at the control channel */
#define FILES_BESIDE	   256 /* those of the proxy */

struct worker {
	struct config config;
	struct child_identity identity;
	struct state_head *head;
	struct body *body;
	const struct state_watch *watch;
	struct outbox *outbox;
	struct observer *observer; /* NULL: only records are wanted */
	struct capture *capture;
	struct source source;
	struct own_traffic *own_traffic;
	struct proxy *proxy; /* NULL: nobody is to be answered */
	struct loop *loop;
	struct loop_event *flush_timer, *stats_timer, *expire_timer, *retry_timer;
	bool is_draining;
	bool gives_away; /* drains because its share is others' now */
	bool is_leaving;
	enum control_leave leave_how;
};

/* A worker cannot start: the supervisor says why, with its name in front. */
static void __attribute__((noreturn)) fail(const char *text)
{
	control_send(CHILD_FD_CONTROL, CONTROL_FAILED, 0, text);
	exit(EXIT_FAILURE);
}

/* Another version left the body, or something is wrong with it: what it held is lost, and counted.
 * Pieces are the capture's to count. */
static void begin_body(struct state_head *head, struct body *body)
{
	uint64_t sequence = state_get(head, STATE_SEQUENCE);
	bool is_first =
		sequence == 1 && !state_get(head, STATE_BLOCK) && !state_get(head, STATE_PACKET);

	/* The foreign layout stays until all is clean: who is killed here begins again. */
	if (body->layout)
		memset((char *)body + sizeof(body->layout), 0, body_size() - sizeof(body->layout));
	commit_add_some(head, COUNTER_STATES_DISCARDED, !is_first);
	commit_add_some(head, COUNTER_DATAGRAMS_DISCARDED, sequence - state_get(head, STATE_SENT));
	commit_add_some(head, COUNTER_RECORDS_DISCARDED,
			state_get(head, STATE_WAITING) + state_get(head, STATE_OPEN_SETS));
	commit_set(head, STATE_SENT, sequence);
	commit_set(head, STATE_WAITING, 0);
	commit_set(head, STATE_OPEN_SETS, 0);
	commit_set(head, STATE_OPEN_LENGTH, 0);
	commit_apply(head);
	COMMIT_BARRIER();
	body->layout = body_layout();
}

static void attach(struct worker *worker)
{
	static char error[CONFIG_ERROR_MAX];

	if (!child_read_config(CHILD_FD_CONFIG, &worker->config, error))
		fail(error);
	worker->head = memory_map(CHILD_FD_HEAD, sizeof(struct state_head), true);
	worker->body = memory_map(CHILD_FD_BODY, body_size(), true);
	worker->watch = memory_map(CHILD_FD_WATCH, sizeof(struct state_watch), false);
	if (!worker->head || !worker->body || !worker->watch || !state_attach(worker->head))
		fail("the state that was lent cannot be used");
	if (worker->body->layout == body_layout()) {
		commit_add(worker->head, COUNTER_RESTARTS, 1);
		commit_apply(worker->head);
	} else {
		begin_body(worker->head, worker->body);
	}
}

/* Files: the ring of events is full, and its reader is on its way. */
static bool wait_for_aggregator(void *argument)
{
	struct worker *worker = argument;

	poll(NULL, 0, EVENTS_WAIT_MS);
	loop_poll(worker->loop);
	return !worker->is_draining;
}

static void open_observer(struct worker *worker)
{
	const char *problem;

	if (!config_has_observer(&worker->config))
		return;
	worker->observer = xcalloc(1, sizeof(*worker->observer));
	problem = observer_open(worker->observer, &worker->config, worker->watch, worker->head);
	if (problem)
		fail(problem);
	if (config_reads_file(&worker->config))
		observer_on_wait(worker->observer, wait_for_aggregator, worker);
}

static void open_pipeline(struct worker *worker)
{
	int error;

	worker->outbox = xcalloc(1, sizeof(*worker->outbox));
	worker->capture = xcalloc(1, sizeof(*worker->capture));
	worker->outbox->now_ns = clock_wall_ns();
	outbox_open(worker->outbox, &worker->config, worker->head, worker->body);
	open_observer(worker);
	error = capture_open(worker->capture, &worker->config, worker->identity.index,
			     worker->watch, worker->head, worker->body, worker->outbox,
			     worker->observer);
	if (error)
		fail(strerror(-error));
	if (!source_open(&worker->source, &worker->config, worker->capture, worker->watch,
			 CHILD_FD_INPUT))
		fail(worker->source.error);
}

static void open_proxy(struct worker *worker)
{
	const struct config *config = &worker->config;
	const char *problem;

	if (!config_has_proxy(config))
		return;
	worker->proxy = xcalloc(1, sizeof(*worker->proxy));
	problem = proxy_open(worker->proxy, config, worker->watch, worker->head, worker->observer);
	if (problem)
		fail(problem);
	if (worker->observer && config_has_capture(config) && !config->proxy.captures_own) {
		worker->own_traffic = xcalloc(1, sizeof(*worker->own_traffic));
		if (own_traffic_open(worker->own_traffic, config, worker->proxy->ruleset))
			fail("the addresses of this machine cannot be read");
		observer_leave_out(worker->observer, worker->own_traffic);
	}
	if (child_raise_files(FILES_BESIDE + proxy_files(worker->proxy)))
		control_send(CHILD_FD_CONTROL, CONTROL_NOTICE, 0,
			     "the limit of open files is too low for as many connections as "
			     "proxy.tcp-connections says");
	child_fill_numbers();
}

static void begin_proxy(struct worker *worker)
{
	if (worker->proxy && !proxy_begin(worker->proxy, worker->loop))
		log_fatal("out of memory");
}

/* Who waits for an answer still gets it, if it comes soon; who asks now is the successor's. */
static void finish_proxy(struct worker *worker)
{
	if (!worker->proxy)
		return;
	for (int waited_ms = 0; !proxy_drain(worker->proxy) && waited_ms < PROXY_DRAIN_MS;
	     waited_ms++) {
		poll(NULL, 0, 1);
		loop_poll(worker->loop);
	}
}

static volatile pid_t parent;

/*
 * The signals of a terminal or a service manager reach all processes at once, but only the
 * supervisor decides on them. When it is gone, the end of the control channel lets the worker
 * finish; should it hang, the alarm ends it.
 */
static void on_death_signal(int number)
{
	(void)number;
	if (getppid() != parent)
		alarm(ORPHAN_SECONDS);
}

static void set_signals(const struct worker *worker)
{
	struct sigaction death = {.sa_handler = on_death_signal, .sa_flags = SA_RESTART};

	parent = worker->identity.parent;
	sigaction(SIGTERM, &death, NULL);
	signal(SIGINT, SIG_IGN);
	signal(SIGHUP, SIG_IGN);
	signal(SIGUSR1, SIG_IGN);
	signal(SIGUSR2, SIG_IGN);
	signal(SIGPIPE, SIG_IGN);
	signal(SIGXFSZ, SIG_IGN);
}

static void enter_sandbox(const struct worker *worker)
{
	int error = child_drop_privileges(worker->config.uid, worker->config.gid);

	if (error)
		fail("privileges cannot be dropped: is the user right (--user)?");
	if (!child_follow(worker->identity.parent, SIGTERM))
		exit(EXIT_FAILURE);
	error = sandbox_enter(config_has_proxy(&worker->config));
	if (error)
		fail("the seccomp filter cannot be loaded");
}

static void pass_notice(struct worker *worker)
{
	if (*worker->outbox->notice)
		control_send(CHILD_FD_CONTROL, CONTROL_NOTICE, 0, worker->outbox->notice);
	*worker->outbox->notice = '\0';
}

/* Writes out what is left and leaves. damage: a line for the operator, or NULL. */
static void __attribute__((noreturn)) finish(struct worker *worker, const char *damage)
{
	char text[SOURCE_ERROR_MAX];

	if (worker->observer)
		observer_settle(worker->observer);
	outbox_finish(worker->outbox, FINISH_TIMEOUT_MS);
	pass_notice(worker);
	if (!damage && worker->outbox->write_error) {
		snprintf(text, sizeof(text), "%.200s cannot be written: %s",
			 worker->config.write_file, strerror(worker->outbox->write_error));
		damage = text;
	}
	control_send(CHILD_FD_CONTROL, CONTROL_FINISHED, damage ? EXIT_FAILURE : EXIT_SUCCESS,
		     damage);
	exit(EXIT_SUCCESS);
}

/* What is held of datagrams and streams, and what cannot be sent now, stays in the state, for who
 * follows. */
static void __attribute__((noreturn)) leave(struct worker *worker)
{
	if (worker->leave_how == CONTROL_LEAVE_SENT) {
		outbox_flush(worker->outbox);
		outbox_send(worker->outbox);
	}
	exit(EXIT_SUCCESS);
}

static void on_control(void *argument)
{
	struct worker *worker = argument;
	struct control_message message;
	int got = control_receive(CHILD_FD_CONTROL, &message);

	if (got < 0)
		return;
	/* The supervisor is gone, or wants us to finish: the same. */
	if (got == 0 || message.type == CONTROL_DRAIN)
		worker->is_draining = true;
	if (got > 0 && message.type == CONTROL_DRAIN)
		worker->gives_away = message.status;
	if (got > 0 && message.type == CONTROL_LEAVE) {
		worker->is_leaving = true;
		worker->leave_how = (enum control_leave)message.status;
	}
	loop_stop(worker->loop);
}

static void set_clocks(struct worker *worker)
{
	worker->capture->now_ns = clock_monotonic_ns();
	worker->outbox->now_ns = clock_wall_ns();
}

static void send_and_retry(struct worker *worker)
{
	if (worker->observer)
		observer_settle(worker->observer);
	outbox_send(worker->outbox);
	if (outbox_pending(worker->outbox))
		loop_timer_set(worker->retry_timer, RETRY_NS);
	pass_notice(worker);
}

static void on_retry(void *argument)
{
	send_and_retry(argument);
}

static void on_frames(void *argument)
{
	struct worker *worker = argument;
	socklen_t length = sizeof(int);
	int error;

	set_clocks(worker);
	if (worker->observer)
		observer_begin(worker->observer);
	/* An interface that goes down leaves an error on the socket; unread, it would wake us for
	 * ever. */
	if (worker->source.ops->turn(&worker->source) == SOURCE_IDLE)
		getsockopt(CHILD_FD_INPUT, SOL_SOCKET, SO_ERROR, &error, &length);
	send_and_retry(worker);
}

/* Up to a second more, so that the timers of many workers do not fall together
 * (spec/dnsflow.md 5.4). */
static int64_t jittered(struct worker *worker, int64_t interval_ns)
{
	return interval_ns +
	       (int64_t)random_below(&worker->capture->random, NANOSECONDS_PER_SECOND);
}

static void on_flush(void *argument)
{
	struct worker *worker = argument;
	struct outbox *outbox = worker->outbox;

	set_clocks(worker);
	if (outbox->now_ns / NANOSECONDS_PER_SECOND > outbox->flushed_ns / NANOSECONDS_PER_SECOND)
		outbox_flush(outbox);
	send_and_retry(worker);
	loop_timer_set(worker->flush_timer, jittered(worker, FLUSH_INTERVAL_NS));
}

static void on_stats(void *argument)
{
	struct worker *worker = argument;
	struct record_stats stats = {
		.captured = (uint32_t)counters_captured(worker->head->words + STATE_COUNTERS),
		.received = (uint32_t)worker->watch->kernel_packets,
		.dropped = (uint32_t)worker->watch->kernel_drops,
		.interface_dropped = (uint32_t)worker->watch->interface_drops,
		.sample_rate = worker->config.sample_rate,
	};

	set_clocks(worker);
	outbox_stats(worker->outbox, &stats);
	send_and_retry(worker);
	loop_timer_set(worker->stats_timer, jittered(worker, STATS_INTERVAL_NS));
}

static void on_expire(void *argument)
{
	struct worker *worker = argument;

	set_clocks(worker);
	if (worker->observer)
		observer_begin(worker->observer);
	capture_expire(worker->capture);
	if (worker->observer)
		observer_tick(worker->observer, clock_wall_ns());
	if (worker->proxy)
		proxy_tick(worker->proxy);
	send_and_retry(worker);
	loop_timer_set(worker->expire_timer, EXPIRE_INTERVAL_NS);
}

static void __attribute__((noreturn)) run_live(struct worker *worker)
{
	worker->retry_timer = loop_add_timer(worker->loop, on_retry, worker);
	worker->flush_timer = loop_add_timer(worker->loop, on_flush, worker);
	worker->stats_timer = loop_add_timer(worker->loop, on_stats, worker);
	worker->expire_timer = loop_add_timer(worker->loop, on_expire, worker);
	loop_timer_set(worker->flush_timer, jittered(worker, FLUSH_INTERVAL_NS));
	loop_timer_set(worker->stats_timer, jittered(worker, STATS_INTERVAL_NS));
	loop_timer_set(worker->expire_timer, EXPIRE_INTERVAL_NS);
	if (config_has_capture(&worker->config))
		loop_add_urgent_reader(worker->loop, CHILD_FD_INPUT, on_frames, worker);
	begin_proxy(worker);
	if (!worker->is_draining && !worker->is_leaving)
		loop_run(worker->loop);
	set_clocks(worker);
	finish_proxy(worker);
	if (worker->is_leaving && worker->leave_how == CONTROL_LEAVE_NOW)
		leave(worker);
	if (worker->is_draining)
		hook_point("drain");
	while (worker->source.ops->turn(&worker->source) == SOURCE_BUSY)
		set_clocks(worker);
	if (worker->is_leaving)
		leave(worker);
	if (worker->gives_away)
		capture_give_away(worker->capture);
	capture_finish(worker->capture);
	finish(worker, NULL);
}

/* Waits for what comes first: input, or the order to finish, which ends the input. */
static bool wait_for_input(void *argument)
{
	struct worker *worker = argument;
	struct pollfd ready[] = {{.fd = CHILD_FD_INPUT, .events = POLLIN},
				 {.fd = CHILD_FD_CONTROL, .events = POLLIN}};

	while (!worker->is_draining) {
		if ((poll(ready, 2, -1) < 0 && errno != EINTR) || ready[0].revents)
			return true;
		loop_poll(worker->loop);
	}
	return false;
}

/* No timers: the clock is packet time, and a slow receiver makes us wait. */
static void __attribute__((noreturn)) run_file(struct worker *worker)
{
	enum source_state state = SOURCE_BUSY;

	if (worker->config.input == CONFIG_INPUT_STREAM)
		stream_on_wait(worker->source.stream.stream, wait_for_input, worker);
	for (unsigned int turn = 0; state == SOURCE_BUSY && !worker->is_draining; turn++) {
		if (worker->observer)
			observer_begin(worker->observer);
		state = worker->source.ops->turn(&worker->source);
		if (worker->observer)
			observer_settle(worker->observer);
		if (turn % TURNS_PER_POLL == 0)
			loop_poll(worker->loop);
	}
	capture_finish(worker->capture);
	if (!worker->is_draining) {
		outbox_flush(worker->outbox);
		outbox_send(worker->outbox);
	}
	/* An order to finish may come in the middle of a packet: that is no damage. */
	finish(worker,
	       state == SOURCE_DAMAGED && !worker->is_draining ? worker->source.error : NULL);
}

void worker_main(const struct child_identity *identity)
{
	struct worker *worker = xcalloc(1, sizeof(*worker));
	char role[32];

	snprintf(role, sizeof(role), "worker-%u", identity->index);
	log_set_role(role);
	worker->identity = *identity;
	set_signals(worker);
	hook_point("worker");
	attach(worker);
	open_pipeline(worker);
	worker->loop = loop_new();
	open_proxy(worker);
	loop_add_urgent_reader(worker->loop, CHILD_FD_CONTROL, on_control, worker);
	enter_sandbox(worker);
	control_send(CHILD_FD_CONTROL, CONTROL_READY, 0, NULL);
	loop_run(worker->loop); /* until all are ready, so that none begins when another cannot */
	if (config_reads_file(&worker->config))
		run_file(worker);
	run_live(worker);
}
