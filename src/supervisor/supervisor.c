/* SPDX-License-Identifier: BSD-3-Clause */
#include "supervisor/supervisor.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/log.h"
#include "base/memory.h"
#include "base/random.h"
#include "ipc/hook.h"
#include "ipc/packet_ring.h"
#include "loop/loop.h"
#include "supervisor/accounts.h"
#include "supervisor/input.h"
#include "supervisor/packet_sockets.h"
#include "supervisor/pid_file.h"
#include "supervisor/proxy_accounts.h"
#include "supervisor/proxy_report.h"
#include "supervisor/quarantine.h"
#include "supervisor/report.h"
#include "supervisor/rescue.h"
#include "supervisor/restart.h"
#include "supervisor/seat.h"
#include "supervisor/service.h"
#include "supervisor/signals.h"
#include "supervisor/takeover.h"

#define COUNT_INTERVAL_NS (500 * NANOSECONDS_PER_MILLISECOND)
#define EXIT_QUARANTINED  3
#define COUNTS_PER_REPORT 120
#define READY_TIMEOUT_NS  (30 * NANOSECONDS_PER_SECOND)
#define DRAIN_TIMEOUT_NS  (5 * NANOSECONDS_PER_SECOND)

static void log_problem(struct supervisor *supervisor, const char *text)
{
	supervisor->status = EXIT_FAILURE;
	if (!supervisor->is_problem_told && *text)
		log_error("%s", text);
	supervisor->is_problem_told = true;
}

/* A standard stream that is closed must not become a descriptor of ours that somebody then reads or
 * writes as a stream: these can only fail. */
static void occupy_streams(void)
{
	int fd;

	do
		fd = open("/", O_PATH);
	while (fd >= 0 && fd <= STDERR_FILENO);
	close(fd);
}

/* Checks the command line in a process of its own; ends the run here when there is nothing to
 * start. */
static void check_command_line(struct supervisor *supervisor)
{
	char text[CONFIG_ERROR_MAX];
	struct check check;
	int error = check_start(&check, supervisor->executable_fd, supervisor->argc,
				supervisor->argv, NULL);

	if (error)
		log_fatal("a process cannot be started: %s", strerror(-error));
	switch (check_finish(&check, &supervisor->effective, text)) {
	case CHECK_DONE:
		exit(EXIT_SUCCESS);
	case CHECK_REFUSED:
		log_fatal("%s", text);
	case CHECK_OK:
		break;
	}
	if (supervisor->effective->config.is_verbose)
		log_set_level(LOG_LEVEL_DEBUG);
}

static void each_seat(struct supervisor *supervisor, void (*fn)(struct seat *seat))
{
	for (uint32_t i = 0; i < supervisor->seat_count; i++)
		fn(&supervisor->seats[i]);
}

static bool are_all_ready(const struct supervisor *supervisor)
{
	for (uint32_t i = 0; i < supervisor->effective->config.worker_count; i++)
		if (supervisor->seats[i].state != SEAT_READY)
			return false;
	return aggregation_is_ready(supervisor);
}

static bool are_all_done(const struct supervisor *supervisor)
{
	for (uint32_t i = 0; i < supervisor->seat_count; i++)
		if (!seat_is_done(&supervisor->seats[i]))
			return false;
	return true;
}

/* Nothing half started: what has begun is ended. */
static void abandon_start(struct supervisor *supervisor, const char *text)
{
	log_problem(supervisor, text);
	each_seat(supervisor, seat_kill);
	loop_stop(supervisor->loop);
}

/* All are ready: workers begin, then packets come. From "ready" on, none is missed. */
static void run(struct supervisor *supervisor)
{
	int error = 0;

	supervisor->phase = PHASE_RUNNING;
	for (uint32_t i = 0; i < supervisor->effective->config.worker_count; i++) {
		seat_begin(&supervisor->seats[i]);
		supervisor->seats[i].is_replacing = true;
	}
	if (supervisor->sockets)
		error = packet_sockets_admit(supervisor->sockets);
	if (error) {
		abandon_start(supervisor, strerror(-error));
		return;
	}
	input_log(supervisor);
	log_info("ready");
	restart_forget(supervisor);
	service_tell_ready();
	reload_catch_up(supervisor);
}

void supervisor_on_aggregator(struct supervisor *supervisor, const char *problem)
{
	if (problem && supervisor->phase == PHASE_STARTING)
		abandon_start(supervisor, problem);
	else if (problem)
		log_error("the aggregator cannot start: %s", problem);
	else if (supervisor->phase == PHASE_STARTING && are_all_ready(supervisor))
		run(supervisor);
}

const char *supervisor_busy(const struct supervisor *supervisor)
{
	if (supervisor->phase != PHASE_RUNNING || supervisor->is_ending)
		return "the run is starting or ending";
	if (supervisor->reload.step != RELOAD_NONE)
		return "a reload is going on: try again when it has ended";
	return NULL;
}

/* Packets are rejected from now on; what is in an open block comes when it retires. */
void supervisor_end(struct supervisor *supervisor)
{
	bool is_first = !supervisor->is_ending;

	if (supervisor->phase == PHASE_STARTING && !restart_is_wanted(supervisor))
		abandon_start(supervisor, "stopped before it was ready");
	else if (supervisor->phase == PHASE_STARTING)
		restart_begin(supervisor);
	if (supervisor->phase != PHASE_RUNNING)
		return;
	supervisor->is_ending = true;
	if (supervisor->reattach.previous && is_first)
		return; /* workers are between two sets of rings: it goes on when all have moved */
	reload_abandon(supervisor);
	service_tell_stopping();
	if (restart_is_wanted(supervisor)) {
		restart_begin(supervisor);
		return;
	}
	supervisor->phase = PHASE_REJECTING;
	if (supervisor->sockets && packet_sockets_reject(supervisor->sockets))
		log_warn("packets cannot be kept out any more: those that still come are not read");
	loop_timer_set(supervisor->phase_timer, supervisor->sockets ? PACKET_RING_SETTLED_NS : 0);
}

static void on_phase_timer(void *argument)
{
	struct supervisor *supervisor = argument;

	if (supervisor->phase == PHASE_STARTING) {
		abandon_start(supervisor, "the workers do not get ready");
	} else if (supervisor->phase == PHASE_REJECTING) {
		supervisor->phase = PHASE_DRAINING;
		for (uint32_t i = 0; i < supervisor->seat_count; i++)
			seat_drain(&supervisor->seats[i], false);
		loop_timer_set(supervisor->phase_timer, DRAIN_TIMEOUT_NS);
	} else if (supervisor->phase == PHASE_KEEPING) {
		each_seat(supervisor, seat_kill); /* its state is whole */
	} else if (supervisor->phase == PHASE_DRAINING) {
		log_problem(supervisor, "a worker did not finish in time and is killed");
		each_seat(supervisor, seat_kill);
		loop_stop(supervisor->loop);
	}
}

/* The workers have finished: the aggregator is the last. */
static void finish_run(struct supervisor *supervisor)
{
	supervisor->phase = PHASE_DRAINING;
	loop_timer_stop(supervisor->phase_timer);
	if (aggregation_finish(supervisor))
		loop_stop(supervisor->loop);
}

static void on_ready(struct supervisor *supervisor, struct seat *seat)
{
	if (supervisor->phase == PHASE_STARTING) {
		if (are_all_ready(supervisor))
			run(supervisor);
		return;
	}
	seat_begin(seat); /* a successor */
	if (supervisor->phase == PHASE_DRAINING)
		seat_drain(seat, false);
}

/* Opened when the first packet needs it. */
static void lend_quarantine(struct supervisor *supervisor, struct seat *seat)
{
	const struct config *config = &supervisor->effective->config;
	char error[CONFIG_ERROR_MAX];

	if (supervisor->quarantine_fd < 0 && *config->quarantine) {
		supervisor->quarantine_fd =
			quarantine_open(config->quarantine, (int)config->link, error);
		if (supervisor->quarantine_fd < 0)
			log_error("%s: the packet is not kept", error);
	}
	seat->lease.fds[CHILD_FD_QUARANTINE] = supervisor->quarantine_fd;
}

static void on_death(struct supervisor *supervisor, struct seat *seat, const char *text)
{
	char line[256];

	snprintf(line, sizeof(line), "worker-%u %s", seat->index, text);
	if (supervisor->phase == PHASE_STARTING) {
		abandon_start(supervisor, line);
	} else if (supervisor->effective->config.input == CONFIG_INPUT_STREAM &&
		   lseek(supervisor->file_fd, 0, SEEK_CUR) < 0) {
		seat->is_replacing = false; /* what it had read of a pipe is gone with it */
		abandon_start(supervisor, line);
	} else if (seat_is_skipping(seat)) {
		lend_quarantine(supervisor, seat);
		log_error("%s; its successor goes on behind the packet that it was at", line);
	} else if (seat->is_replacing) {
		log_warn("%s; a successor goes on", line);
	}
}

static void on_failure(struct supervisor *supervisor, struct seat *seat, const char *text)
{
	/* A file that can no longer be opened is not going to get better. */
	if (supervisor->phase == PHASE_STARTING ||
	    config_reads_file(&supervisor->effective->config))
		abandon_start(supervisor, text);
	else
		log_error("worker-%u cannot start: %s", seat->index, text);
}

static void on_seat(void *argument, struct seat *seat, enum seat_event event, uint32_t status,
		    const char *text)
{
	struct supervisor *supervisor = argument;
	char error[CONFIG_ERROR_MAX];

	if (reload_on_seat(supervisor, seat, event, text))
		return;
	if (supervisor->phase >= PHASE_KEEPING) {
		if (supervisor->phase == PHASE_KEEPING)
			restart_prepare(supervisor);
		return;
	}
	switch (event) {
	case SEAT_IS_READY:
		on_ready(supervisor, seat);
		break;
	case SEAT_HAS_FAILED:
		on_failure(supervisor, seat, text);
		break;
	case SEAT_HAS_FINISHED:
		if (status)
			log_problem(supervisor, text);
		break;
	case SEAT_HAS_NOTICE:
		log_warn("worker-%u: %s", seat->index, text);
		break;
	case SEAT_HAS_DIED:
		on_death(supervisor, seat, text);
		if (supervisor->phase == PHASE_DRAINING && are_all_done(supervisor))
			finish_run(supervisor);
		break;
	case SEAT_HAS_LEFT: /* of a reload that did not wait for it any longer */
		if (!supervisor_open_seat(supervisor, seat->index, supervisor->effective, error))
			log_error("worker-%u: %s", seat->index, error);
		seat_restart(seat);
		break;
	case SEAT_HAS_ENDED:
		if (are_all_done(supervisor))
			finish_run(supervisor);
		break;
	}
}

static void on_count(void *argument)
{
	struct supervisor *supervisor = argument;
	struct ledger ledger;

	service_tell_alive();
	accounts_take_kernel(supervisor);
	proxy_accounts_tell_rate(supervisor);
	reattach_check(supervisor);
	for (uint32_t i = 0; i < supervisor->seat_count && supervisor->phase != PHASE_STARTING; i++)
		seat_check_progress(&supervisor->seats[i]);
	if (++supervisor->counts % COUNTS_PER_REPORT == 0 && supervisor->sockets) {
		accounts_sum_up(supervisor, &ledger);
		report_log_packets(&ledger, true);
	}
	loop_timer_set(supervisor->count_timer, COUNT_INTERVAL_NS);
}

static void log_verdicts(const struct supervisor *supervisor)
{
	uint64_t admitted, rejected;

	if (supervisor->sockets &&
	    packet_sockets_verdicts(supervisor->sockets, &admitted, &rejected))
		log_info("%" PRIu64 " packets admitted and %" PRIu64 " rejected by the filter",
			 admitted, rejected);
}

/* What there is to say at any moment and at the end. */
static void log_report(struct supervisor *supervisor)
{
	const struct config *config = &supervisor->effective->config;
	struct ledger ledger;

	accounts_take_kernel(supervisor);
	accounts_sum_up(supervisor, &ledger);
	if (config_has_capture(config)) {
		report_log_packets(&ledger, supervisor->sockets != NULL);
		log_verdicts(supervisor);
		report_log_records(&ledger);
	}
	report_log_counters(&ledger, config->is_verbose);
	proxy_report_log(supervisor);
}

static void on_report(void *argument)
{
	log_report(argument);
}

static void on_terminate(void *argument)
{
	struct supervisor *supervisor = argument;

	log_info("received exit signal");
	if (supervisor->phase == PHASE_DRAINING && are_all_done(supervisor)) {
		/* A run from a file waits for its outputs no longer. */
		supervisor->is_ending = true;
		aggregation_finish(supervisor);
	} else {
		supervisor_end(supervisor);
	}
}

/* One that comes while another goes on may be for a change that the other has not seen. */
static void on_hangup(void *argument)
{
	struct supervisor *supervisor = argument;

	if (supervisor->reload.step == RELOAD_NONE)
		reload_begin(supervisor, NULL, NULL);
	else
		supervisor->reload.is_asked_again = true;
}

static void on_upgrade(void *argument)
{
	upgrade_begin(argument, NULL, NULL);
}

static void add_events(struct supervisor *supervisor)
{
	struct loop *loop = supervisor->loop;

	signal(SIGPIPE, SIG_IGN);
	signal(SIGXFSZ, SIG_IGN);
	loop_add_signal(loop, SIGTERM, on_terminate, supervisor);
	loop_add_signal(loop, SIGINT, on_terminate, supervisor);
	loop_add_signal(loop, SIGHUP, on_hangup, supervisor);
	loop_add_signal(loop, SIGUSR1, on_report, supervisor);
	loop_add_signal(loop, SIGPWR, on_report, supervisor); /* 30, as Sentry's README has it */
	loop_add_signal(loop, SIGUSR2, on_upgrade, supervisor);
	signals_release();
	reload_open(supervisor);
	upgrade_open(supervisor);
	supervisor->phase_timer = loop_add_timer(loop, on_phase_timer, supervisor);
	supervisor->count_timer = loop_add_timer(loop, on_count, supervisor);
	if (!config_reads_file(&supervisor->effective->config))
		loop_timer_set(supervisor->count_timer, COUNT_INTERVAL_NS);
}

void supervisor_init_seat(struct supervisor *supervisor, uint32_t index)
{
	struct process_plan plan = {.executable_fd = supervisor->executable_fd, .role = "worker"};
	struct seat_owner owner = {on_seat, accounts_have_packet, accounts_have_query, supervisor};

	supervisor->seats[index].finishes_itself =
		config_reads_file(&supervisor->effective->config);
	seat_init(&supervisor->seats[index], index, &plan, supervisor->loop, &owner);
	supervisor->seat_count++;
}

bool supervisor_open_seat(struct supervisor *supervisor, uint32_t index,
			  const struct effective *effective, char *error)
{
	struct seat *seat = &supervisor->seats[index];
	bool is_open;

	if (index < supervisor->seat_count) {
		is_open = lease_reconfigure(&seat->lease, effective, error);
	} else {
		is_open = lease_open(&seat->lease, effective, index, supervisor->file_fd, error);
		if (!is_open) {
			lease_close(&seat->lease);
			return false;
		}
		supervisor_init_seat(supervisor, index);
	}
	memcpy(seat->lease.watch->stats_key, supervisor->stats_key, sizeof(supervisor->stats_key));
	input_lend(supervisor, seat); /* also to one that keeps its configuration */
	if (is_open)
		listeners_place(supervisor->listeners, &effective->config, index, seat->lease.fds);
	return is_open;
}

/* Everything is opened before the first worker starts. */
static void open_seats(struct supervisor *supervisor)
{
	const struct effective *effective = supervisor->effective;
	char error[CONFIG_ERROR_MAX];

	if (!aggregation_open(supervisor, effective, error))
		log_fatal("%s", error);
	for (uint32_t i = 0; i < effective->config.worker_count; i++)
		if (!supervisor_open_seat(supervisor, i, effective, error))
			log_fatal("%s", error);
}

static void start_seats(struct supervisor *supervisor)
{
	aggregation_start(supervisor);
	for (uint32_t i = 0; i < supervisor->effective->config.worker_count; i++) {
		int error = seat_start(&supervisor->seats[i]);

		if (error) {
			abandon_start(supervisor, strerror(-error));
			return;
		}
	}
	loop_run(supervisor->loop);
}

/* Reports, frees everything; returns the exit status. */
static int finish(struct supervisor *supervisor)
{
	bool is_file = config_reads_file(&supervisor->effective->config);
	int status = supervisor->status;
	struct ledger ledger;

	if (supervisor->phase != PHASE_STARTING)
		log_report(supervisor);
	if (supervisor->phase != PHASE_STARTING && supervisor->effective->config.is_dry_run)
		proxy_report_print(supervisor);
	accounts_sum_up(supervisor, &ledger);
	if (supervisor->phase != PHASE_KEPT)
		report_log_missing(&ledger, supervisor->sockets != NULL);
	if (is_file && ledger_counter(&ledger, COUNTER_PACKETS_QUARANTINED) && !status)
		status = EXIT_QUARANTINED;
	if (is_file && ledger_counter(&ledger, COUNTER_RECORDS_DROPPED))
		status = EXIT_FAILURE; /* a file can be read again: say that it must be */
	control_server_close(supervisor->control);
	aggregation_close(supervisor);
	each_seat(supervisor, seat_fini);
	packet_sockets_close(supervisor->sockets);
	listeners_free(supervisor->listeners);
	reattach_close(supervisor);
	effective_free(supervisor->effective);
	loop_free(supervisor->loop);
	free(supervisor->seats);
	free(supervisor);
	return status;
}

static void tell_unsteered(const struct supervisor *supervisor)
{
	const char *reason = listeners_degraded(supervisor->listeners);

	if (reason)
		log_warn("degraded: no eBPF (%s); queries come to any worker, and each has a cache "
			 "of its own",
			 reason);
}

static void start(struct supervisor *supervisor)
{
	struct handover *kept = service_receive();
	const struct config *config;
	char error[CONFIG_ERROR_MAX];

	check_command_line(supervisor);
	config = &supervisor->effective->config;
	if (*config->pid_file) {
		supervisor->pid_file_fd = pid_file_open(config->pid_file, error);
		if (supervisor->pid_file_fd < 0)
			log_fatal("%s", error);
	}
	if (kept)
		restart_resume(supervisor, kept);
	else if (listeners_extend(supervisor->listeners, config, error))
		input_open(supervisor);
	else
		log_fatal("%s", error);
	tell_unsteered(supervisor);
	add_events(supervisor);
	/* A pipe may be silent for long before its first bytes tell what it is. */
	if (config->input != CONFIG_INPUT_STREAM)
		loop_timer_set(supervisor->phase_timer, READY_TIMEOUT_NS);
	if (!kept)
		open_seats(supervisor);
	log_set_role("supervisor");
	supervisor->control = control_server_open(supervisor, config, NULL);
	start_seats(supervisor);
}

/* In the place of another version, while workers work. */
static void resume_upgraded(struct supervisor *supervisor, struct handover *handover)
{
	char error[CONFIG_ERROR_MAX];

	log_set_role("supervisor");
	if (!takeover_take(supervisor, handover, error))
		log_fatal("upgrade: %s", error);
	hook_point("takeover");
	add_events(supervisor);
	supervisor->control =
		control_server_open(supervisor, &supervisor->effective->config, handover);
	rescue_disarm();
	handover_free(handover);
	if (supervisor->effective->config.is_verbose)
		log_set_level(LOG_LEVEL_DEBUG);
	supervisor->phase = PHASE_RUNNING;
	aggregation_start(supervisor);
	upgrade_go_on(supervisor);
	loop_run(supervisor->loop);
}

int supervisor_main(int argc, char **argv)
{
	struct supervisor *supervisor = xcalloc(1, sizeof(*supervisor));
	struct handover *handover;
	uint64_t steer_key;

	signals_hold(SIGNALS_THAT_ASK);
	occupy_streams();
	supervisor->argc = argc;
	supervisor->argv = argv;
	supervisor->started_ns = clock_monotonic_ns();
	supervisor->file_fd = supervisor->quarantine_fd = supervisor->pid_file_fd = -1;
	supervisor->executable_fd = open("/proc/self/exe", O_RDONLY | O_CLOEXEC);
	if (supervisor->executable_fd < 0)
		log_fatal("/proc/self/exe: %s (is /proc mounted?)", strerror(errno));
	supervisor->seats = xcalloc(CONFIG_WORKERS_MAX, sizeof(*supervisor->seats));
	supervisor->loop = loop_new();
	if (random_secret(supervisor->stats_key, sizeof(supervisor->stats_key)) ||
	    random_secret(&steer_key, sizeof(steer_key)))
		log_fatal("the kernel gives no random numbers");
	supervisor->listeners = listeners_new(steer_key);
	aggregation_init(supervisor);
	upgrade_init(&supervisor->upgrade);
	handover = upgrade_receive(supervisor);
	if (handover)
		resume_upgraded(supervisor, handover);
	else
		start(supervisor);
	return finish(supervisor);
}
