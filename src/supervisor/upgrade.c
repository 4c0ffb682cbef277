/* SPDX-License-Identifier: BSD-3-Clause */
#include "supervisor/upgrade.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/log.h"
#include "ipc/control.h"
#include "supervisor/rescue.h"
#include "supervisor/signals.h"
#include "supervisor/supervisor.h"
#include "supervisor/takeover.h"

#define CHECK_TIMEOUT_NS (10 * NANOSECONDS_PER_SECOND)
#define BECOME_TURNS	 3
void upgrade_init(struct upgrade *upgrade)
{
	ssize_t length = readlink("/proc/self/exe", upgrade->path, sizeof(upgrade->path) - 1);

	upgrade->path[length < 0 ? 0 : length] = '\0';
	upgrade->next_fd = upgrade->previous_fd = -1;
	upgrade->process = (struct process){-1, -1, -1};
}

bool upgrade_is_going_on(const struct supervisor *supervisor)
{
	return supervisor->upgrade.next_fd >= 0 || supervisor->upgrade.previous_fd >= 0;
}

static void tell(struct upgrade *upgrade, const char *error)
{
	reload_fn on_done = upgrade->on_done;

	upgrade->on_done = NULL;
	if (on_done)
		on_done(upgrade->argument, error);
}

static void fail(struct upgrade *upgrade, const char *error)
{
	char text[CONFIG_ERROR_MAX];

	if (upgrade->next_fd >= 0)
		close(upgrade->next_fd);
	upgrade->next_fd = -1;
	snprintf(text, sizeof(text), "%.400s; nothing was changed", error);
	log_error("upgrade: %s", text);
	tell(upgrade, text);
}

static void set_number(const char *name, int value)
{
	char text[16];

	snprintf(text, sizeof(text), "%d", value);
	setenv(name, text, 1);
}

/* Becomes another program. Returns -errno with everything as it was when that is not possible. */
static int become(struct supervisor *supervisor, int program_fd, struct handover *handover)
{
	int fd = handover_write(handover, true), error = fd < 0 ? fd : 0;

	if (!error)
		error = handover_keep_open(handover, true);
	if (!error) {
		set_number(HANDOVER_VARIABLE, fd);
		fcntl(fd, F_SETFD, 0);
		syscall(SYS_execveat, program_fd, "", supervisor->argv, environ, AT_EMPTY_PATH);
		error = -errno;
		unsetenv(HANDOVER_VARIABLE);
	}
	handover_keep_open(handover, false);
	if (fd >= 0)
		close(fd);
	return error;
}

static const char *obstacle(const struct supervisor *supervisor)
{
	const struct reattach *reattach = &supervisor->reattach;

	if (config_reads_file(&supervisor->effective->config))
		return "a run from a file has nothing to upgrade";
	if (*supervisor->effective->config.write_file)
		return "a run that writes a file (-w) needs a restart";
	if (supervisor->upgrade.previous_fd >= 0)
		return "another upgrade is going on: try again when it has ended";
	if (reattach->is_gone || reattach->previous)
		return "the interface is away: try again when it is back";
	return supervisor_busy(supervisor);
}

static void become_next(struct supervisor *supervisor)
{
	struct upgrade *upgrade = &supervisor->upgrade;
	struct handover *handover;
	int error;

	sidecar_clear(&supervisor->aggregation.sidecar); /* the next program starts its own */
	handover = takeover_give(supervisor, true);
	handover_add_fd(handover, "previous", HANDOVER_ONE, supervisor->executable_fd);
	log_info("upgrade: %s goes on", upgrade->path);
	error = become(supervisor, upgrade->next_fd, handover);
	handover_free(handover);
	aggregation_start(supervisor);
	fail(upgrade, strerror(-error));
}

/* The trial has failed. What is at work works on; what is not is begun again by the one before. */
static void become_previous(struct supervisor *supervisor)
{
	struct upgrade *upgrade = &supervisor->upgrade;
	struct handover *handover;
	int error;

	for (uint32_t i = 0; i < supervisor->seat_count; i++)
		seat_clear(&supervisor->seats[i]);
	sidecar_clear(&supervisor->aggregation.sidecar);
	if (supervisor->reload.is_asked_again)
		raise(SIGHUP); /* it waits for the previous program */
	handover = takeover_give(supervisor, true);
	setenv(HANDOVER_FAILURE_VARIABLE, upgrade->failure, 1);
	error = become(supervisor, upgrade->previous_fd, handover);
	unsetenv(HANDOVER_FAILURE_VARIABLE);
	handover_free(handover);
	log_error("upgrade: the previous program cannot go on either: %s", strerror(-error));
}

/* The seats that the program on trial could not fill. */
static void fill_seats(struct supervisor *supervisor)
{
	for (uint32_t i = 0; i < supervisor->effective->config.worker_count; i++)
		if (supervisor->seats[i].state == SEAT_EMPTY)
			seat_restart(&supervisor->seats[i]);
	aggregation_start(supervisor);
}

/* The trial of this program is over. */
static void settle(struct upgrade *upgrade, const char *error)
{
	close(upgrade->previous_fd);
	upgrade->previous_fd = -1;
	*upgrade->failure = '\0';
	tell(upgrade, error);
}

static void on_become(void *argument)
{
	struct supervisor *supervisor = argument;
	struct upgrade *upgrade = &supervisor->upgrade;
	char error[CONFIG_ERROR_MAX];

	if (++upgrade->turns < BECOME_TURNS) {
		loop_timer_set(upgrade->become_timer, 0);
		return;
	}
	if (upgrade->previous_fd < 0 && obstacle(supervisor))
		fail(upgrade, obstacle(supervisor));
	else if (upgrade->previous_fd < 0)
		become_next(supervisor);
	else if (!supervisor->is_ending)
		become_previous(supervisor);
	signals_release();
	if (upgrade->previous_fd >= 0) {
		if (!supervisor->is_ending)
			fill_seats(supervisor);
		snprintf(error, sizeof(error), "%s", upgrade->failure);
		settle(upgrade, error);
	}
}

/* Signals that arrive from now on wait for the other program; those that were caught before, of
 * which the loop may not have told us yet, are handled first: they may end the run. */
static void prepare_to_become(struct supervisor *supervisor)
{
	signals_hold(SIGNALS_ALL);
	supervisor->upgrade.turns = 0;
	loop_timer_set(supervisor->upgrade.become_timer, 0);
}

/* What the process that checked has to say: true when it is ready. */
static bool hear(const struct upgrade *upgrade, char *error)
{
	struct control_message message;
	bool is_ready = false;

	snprintf(error, CONFIG_ERROR_MAX, "%.400s does not answer as dnsflow does", upgrade->path);
	while (control_receive(upgrade->process.control, &message) > 0) {
		is_ready = message.type == CONTROL_READY;
		if (message.type == CONTROL_FAILED)
			snprintf(error, CONFIG_ERROR_MAX, "%s", message.text);
	}
	return is_ready;
}

static void on_checked(void *argument)
{
	struct supervisor *supervisor = argument;
	struct upgrade *upgrade = &supervisor->upgrade;
	char error[CONFIG_ERROR_MAX];
	bool is_ready;

	loop_event_free(upgrade->event);
	upgrade->event = NULL;
	loop_timer_stop(upgrade->timer);
	is_ready = process_wait(&upgrade->process) == 0;
	is_ready = hear(upgrade, error) && is_ready;
	process_close(&upgrade->process);
	if (!is_ready)
		fail(upgrade, error);
	else
		prepare_to_become(supervisor);
}

static void on_check_timeout(void *argument)
{
	struct supervisor *supervisor = argument;

	process_signal(&supervisor->upgrade.process, SIGKILL);
}

static int start_check(struct supervisor *supervisor)
{
	struct upgrade *upgrade = &supervisor->upgrade;
	struct handover *handover = takeover_give(supervisor, true);
	int fds[CHILD_FD_END], facts_fd = handover_write(handover, false), error = facts_fd;
	struct process_plan plan = {
		.executable_fd = upgrade->next_fd, .role = "rehearsal", .fds = fds};

	handover_free(handover);
	memset(fds, -1, sizeof(fds));
	fds[CHILD_FD_CONFIG] = supervisor->effective->config_fd;
	fds[CHILD_FD_INPUT] = facts_fd;
	if (facts_fd >= 0) {
		error = process_start(&upgrade->process, &plan);
		close(facts_fd);
	}
	return error;
}

static bool open_next(struct upgrade *upgrade, char *error)
{
	struct stat status;

	upgrade->next_fd = open(upgrade->path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
	if (upgrade->next_fd >= 0 && fstat(upgrade->next_fd, &status) == 0 &&
	    S_ISREG(status.st_mode))
		return true;
	snprintf(error, CONFIG_ERROR_MAX, "%.400s: %s", upgrade->path,
		 upgrade->next_fd < 0 ? strerror(errno) : "is no program");
	return false;
}

void upgrade_begin(struct supervisor *supervisor, reload_fn on_done, void *argument)
{
	struct upgrade *upgrade = &supervisor->upgrade;
	const char *problem = upgrade->next_fd >= 0
				      ? "another upgrade is going on: try again when it has ended"
				      : obstacle(supervisor);
	char error[CONFIG_ERROR_MAX];
	int code;

	if (problem) {
		log_warn("upgrade: %s", problem);
		if (on_done)
			on_done(argument, problem);
		return;
	}
	upgrade->on_done = on_done;
	upgrade->argument = argument;
	if (!open_next(upgrade, error)) {
		fail(upgrade, error);
		return;
	}
	code = start_check(supervisor);
	if (code < 0) {
		fail(upgrade, strerror(-code));
		return;
	}
	upgrade->event =
		loop_add_reader(supervisor->loop, upgrade->process.pidfd, on_checked, supervisor);
	loop_timer_set(upgrade->timer, CHECK_TIMEOUT_NS);
}

void upgrade_open(struct supervisor *supervisor)
{
	supervisor->upgrade.timer = loop_add_timer(supervisor->loop, on_check_timeout, supervisor);
	supervisor->upgrade.become_timer = loop_add_timer(supervisor->loop, on_become, supervisor);
}

struct handover *upgrade_receive(struct supervisor *supervisor)
{
	struct upgrade *upgrade = &supervisor->upgrade;
	const char *number = getenv(HANDOVER_VARIABLE),
		   *failure = getenv(HANDOVER_FAILURE_VARIABLE);
	struct handover *handover;
	char error[CONFIG_ERROR_MAX];
	int fd;

	if (!number)
		return NULL;
	fd = atoi(number);
	snprintf(upgrade->failure, sizeof(upgrade->failure), "%s", failure ? failure : "");
	unsetenv(HANDOVER_VARIABLE);
	unsetenv(HANDOVER_FAILURE_VARIABLE);
	fcntl(fd, F_SETFD, FD_CLOEXEC);
	handover = handover_read(fd, error);
	if (!handover)
		log_fatal("%s", error);
	handover_text(handover, "executable", HANDOVER_ONE, upgrade->path, sizeof(upgrade->path));
	upgrade->previous_fd = handover_take_fd(handover, "previous", HANDOVER_ONE);
	if (upgrade->previous_fd >= 0 && !*upgrade->failure)
		rescue_arm(supervisor->argv, handover, fd, upgrade->previous_fd);
	else
		close(fd);
	return handover;
}

static void on_reloaded(void *argument, const char *error)
{
	struct supervisor *supervisor = argument;
	char text[CONFIG_ERROR_MAX];

	snprintf(text, sizeof(text), "upgraded, but with the configuration as it was: %.400s",
		 error ? error : "");
	tell(&supervisor->upgrade, error ? text : NULL);
}

static void on_trial_over(void *argument, const char *error)
{
	struct supervisor *supervisor = argument;
	struct upgrade *upgrade = &supervisor->upgrade;

	if (error) {
		snprintf(upgrade->failure, sizeof(upgrade->failure), "%s", error);
		prepare_to_become(supervisor);
		return;
	}
	close(upgrade->previous_fd);
	upgrade->previous_fd = -1;
	log_info("upgraded to version %s", DNSFLOW_VERSION);
	reload_begin(supervisor, on_reloaded, supervisor);
}

void upgrade_go_on(struct supervisor *supervisor)
{
	struct upgrade *upgrade = &supervisor->upgrade;

	if (!*upgrade->failure) {
		reload_replace(supervisor, on_trial_over, supervisor);
		return;
	}
	if (upgrade->previous_fd >= 0)
		close(upgrade->previous_fd); /* ourselves */
	upgrade->previous_fd = -1;
	fill_seats(supervisor);
	log_error("upgrade: the new program failed (%s): version %s goes on", upgrade->failure,
		  DNSFLOW_VERSION);
	tell(upgrade, upgrade->failure);
}
