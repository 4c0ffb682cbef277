/* SPDX-License-Identifier: BSD-3-Clause */
#include "supervisor/reload.h"

#include <signal.h>
#include <stdio.h>
#include <string.h>

#include "base/clock.h"
#include "base/log.h"
#include "ipc/packet_ring.h"
#include "supervisor/input.h"
#include "supervisor/service.h"
#include "supervisor/supervisor.h"

#define CHECK_TIMEOUT_NS (60 * NANOSECONDS_PER_SECOND) /* host names may take long */
#define STEP_TIMEOUT_NS	 (10 * NANOSECONDS_PER_SECOND)
/* A ring lasts for so long: each of its blocks is handed over after 20 ms at the latest. */
#define REPLACE_TIMEOUT_NS (2 * NANOSECONDS_PER_SECOND)

/* What is not wanted any more goes, but for sockets that a worker still reads: those wait for the
 * next reload. */
static void trim_listeners(struct supervisor *supervisor)
{
	if (!*supervisor->reload.kept)
		listeners_trim(supervisor->listeners, &supervisor->effective->config);
}

static void finish(struct supervisor *supervisor, const char *error)
{
	struct reload *reload = &supervisor->reload;
	reload_fn on_done = reload->on_done;
	bool is_configured = reload->previous;
	char kept[CONFIG_ERROR_MAX];

	trim_listeners(supervisor);
	strcpy(kept, reload->kept);
	*reload->kept = '\0';
	if (*kept && !error)
		error = kept;
	reload->step = RELOAD_NONE;
	reload->is_trial = false;
	reload->on_done = NULL;
	loop_timer_stop(reload->timer);
	service_tell_ready();
	if (is_configured)
		input_log_listeners(&reload->previous->config, &supervisor->effective->config);
	effective_free(reload->next);
	effective_free(reload->previous);
	reload->next = reload->previous = NULL;
	if (is_configured)
		aggregation_renew(supervisor);
	if (error)
		log_error("reload: %s", error);
	else if (is_configured)
		log_info("reloaded");
	if (on_done)
		on_done(reload->argument, error);
	if (!reload->is_asked_again || reload->step != RELOAD_NONE ||
	    upgrade_is_going_on(supervisor))
		return;
	reload->is_asked_again = false;
	reload_begin(supervisor, NULL, NULL);
}

/* Workers before; the same when it is only their rings that change. */
static uint32_t count_before(const struct supervisor *supervisor)
{
	const struct effective *previous = supervisor->reload.previous;

	return (previous ? previous : supervisor->effective)->config.worker_count;
}

static void finish_shrinking(struct supervisor *supervisor)
{
	uint32_t count = supervisor->effective->config.worker_count;
	char error[CONFIG_ERROR_MAX] = "";

	for (uint32_t i = count; i < count_before(supervisor); i++) {
		if (!seat_is_done(&supervisor->seats[i]))
			return;
		if (supervisor->seats[i].state != SEAT_FINISHED)
			snprintf(error, sizeof(error),
				 "worker-%u did not finish and was killed: what it had not read is "
				 "lost, and counted",
				 i);
	}
	input_close_rings(supervisor, count);
	finish(supervisor, *error ? error : NULL);
}

static void begin_shrinking(struct supervisor *supervisor)
{
	struct reload *reload = &supervisor->reload;

	reload->step = RELOAD_SHRINKING;
	loop_timer_set(reload->timer, PACKET_RING_SETTLED_NS);
}

static void drain_the_rest(struct supervisor *supervisor)
{
	uint32_t count = supervisor->effective->config.worker_count;

	supervisor->reload.step = RELOAD_DRAINING;
	for (uint32_t i = count; i < count_before(supervisor); i++)
		seat_drain(&supervisor->seats[i], true);
	loop_timer_set(supervisor->reload.timer, STEP_TIMEOUT_NS);
	finish_shrinking(supervisor);
}

static void kill_the_rest(struct supervisor *supervisor)
{
	uint32_t count = supervisor->effective->config.worker_count;

	for (uint32_t i = count; i < count_before(supervisor); i++) {
		supervisor->seats[i].is_replacing = false;
		seat_kill(&supervisor->seats[i]);
	}
	finish_shrinking(supervisor);
}

static bool is_moving(const struct reload *reload)
{
	return !reload->previous && !reload->is_trial;
}

/* A ring that is closed afterwards is read to its end. */
static void ask_to_leave(struct supervisor *supervisor, struct seat *seat)
{
	bool is_last_reader = input_is_lent(supervisor->reattach.previous, seat);

	loop_timer_set(supervisor->reload.timer, REPLACE_TIMEOUT_NS);
	seat_leave(seat, is_last_reader ? CONTROL_LEAVE_EMPTY : CONTROL_LEAVE_NOW);
}

/* The next worker of those that stay makes way; after the last one the others drain. */
static void replace_next(struct supervisor *supervisor)
{
	struct reload *reload = &supervisor->reload;
	uint32_t count = supervisor->effective->config.worker_count;

	reload->seat++;
	/* Those that have moved already have nothing to move from. */
	while (is_moving(reload) && reload->seat < count &&
	       !input_is_lent(supervisor->reattach.previous, &supervisor->seats[reload->seat]))
		reload->seat++;
	if (reload->seat < count && reload->seat < count_before(supervisor)) {
		reload->has_left = false;
		ask_to_leave(supervisor, &supervisor->seats[reload->seat]);
	} else if (count < count_before(supervisor)) {
		begin_shrinking(supervisor);
	} else {
		finish(supervisor, NULL);
	}
}

/* One more worker does not get ready: nothing has changed yet, and nothing will. */
static void abandon_growing(struct supervisor *supervisor, const char *error)
{
	uint32_t count = supervisor->effective->config.worker_count;

	supervisor->reload.step =
		RELOAD_NONE; /* the ends of these processes are not its business */
	for (uint32_t i = count; i < supervisor->seat_count; i++) {
		supervisor->seats[i].is_replacing = false;
		seat_kill(&supervisor->seats[i]);
	}
	input_close_rings(supervisor, count);
	finish(supervisor, error);
}

static bool steer(struct supervisor *supervisor, const struct effective *effective, char *error)
{
	int code = listeners_steer(supervisor->listeners, effective->config.worker_count);

	if (code)
		snprintf(error, CONFIG_ERROR_MAX, "queries cannot be steered: %s", strerror(-code));
	return !code;
}

static bool reconfigure_capture(struct supervisor *supervisor, const struct effective *effective,
				char *error)
{
	return !supervisor->sockets ||
	       packet_sockets_reconfigure(supervisor->sockets, &effective->config,
					  effective->filters, error);
}

/* All that is not the workers' own follows the next configuration, or nothing does. */
static bool redirect(struct supervisor *supervisor, char *error)
{
	const struct effective *next = supervisor->reload.next;
	char ignored[CONFIG_ERROR_MAX];

	if (!listeners_extend(supervisor->listeners, &next->config, error) ||
	    !aggregation_open(supervisor, next, error))
		return false;
	if (steer(supervisor, next, error) && reconfigure_capture(supervisor, next, error))
		return true;
	steer(supervisor, supervisor->effective, ignored);
	return false;
}

/* From here on the new configuration is in force. */
static void begin_replacing(struct supervisor *supervisor)
{
	struct reload *reload = &supervisor->reload;
	char error[CONFIG_ERROR_MAX];

	if (!redirect(supervisor, error)) {
		abandon_growing(supervisor, error);
		return;
	}
	/* They were made for the configuration that goes. */
	packet_sockets_close(supervisor->reattach.spare);
	supervisor->reattach.spare = NULL;
	reload->previous = supervisor->effective;
	supervisor->effective = reload->next;
	reload->next = NULL;
	if (supervisor->effective->config.is_verbose != reload->previous->config.is_verbose)
		log_set_level(supervisor->effective->config.is_verbose ? LOG_LEVEL_DEBUG
								       : LOG_LEVEL_INFO);
	reload->step = RELOAD_REPLACING;
	reload->seat = UINT32_MAX; /* the first is 0 */
	replace_next(supervisor);
}

static bool are_new_ready(const struct supervisor *supervisor)
{
	uint32_t count = supervisor->effective->config.worker_count;

	for (uint32_t i = count; i < supervisor->reload.next->config.worker_count; i++)
		if (supervisor->seats[i].state != SEAT_READY)
			return false;
	return true;
}

static void finish_growing(struct supervisor *supervisor)
{
	uint32_t count = supervisor->effective->config.worker_count;

	if (!are_new_ready(supervisor))
		return;
	for (uint32_t i = count; i < supervisor->reload.next->config.worker_count; i++) {
		supervisor->seats[i].is_replacing = true;
		seat_begin(&supervisor->seats[i]);
	}
	begin_replacing(supervisor);
}

/* Sockets of more workers, to which nothing comes yet. */
static bool grow(struct supervisor *supervisor, const struct config *config, char *error)
{
	if (!listeners_extend(supervisor->listeners, config, error))
		return false;
	return !supervisor->sockets ||
	       packet_sockets_grow(supervisor->sockets, config->worker_count, error);
}

static void begin_growing(struct supervisor *supervisor)
{
	const struct effective *next = supervisor->reload.next;
	uint32_t count = supervisor->effective->config.worker_count;
	char error[CONFIG_ERROR_MAX] = "a new worker cannot be started; nothing was changed";

	supervisor->reload.step = RELOAD_GROWING;
	if (!grow(supervisor, &next->config, error)) {
		finish(supervisor, error);
		return;
	}
	loop_timer_set(supervisor->reload.timer, STEP_TIMEOUT_NS);
	for (uint32_t i = count; i < next->config.worker_count; i++) {
		if (!supervisor_open_seat(supervisor, i, next, error) ||
		    seat_start(&supervisor->seats[i])) {
			abandon_growing(supervisor, error);
			return;
		}
	}
}

static void on_difference(void *argument, const struct config_difference *difference)
{
	char *fixed = argument;

	log_info("reload: %s: %s -> %s", difference->name, difference->before, difference->after);
	if (difference->needs_restart && !*fixed)
		snprintf(fixed, CONFIG_ERROR_MAX,
			 "%s cannot change without a restart; nothing was changed",
			 difference->name);
}

static void apply(struct supervisor *supervisor, bool is_restart)
{
	const struct config *now = &supervisor->effective->config;
	const struct config *next = &supervisor->reload.next->config;
	char fixed[CONFIG_ERROR_MAX] = "";

	config_compare(now, next, on_difference, fixed);
	if (is_restart)
		*fixed = '\0';
	if (!*fixed && now->worker_count != next->worker_count && supervisor->sockets &&
	    !packet_sockets_can_resize(supervisor->sockets))
		snprintf(
			fixed, sizeof(fixed),
			"workers cannot change without eBPF but by a restart; nothing was changed");
	if (*fixed)
		finish(supervisor, fixed);
	else if (next->worker_count > now->worker_count)
		begin_growing(supervisor);
	else
		begin_replacing(supervisor);
}

static void on_checked(void *argument)
{
	struct supervisor *supervisor = argument;
	struct reload *reload = &supervisor->reload;
	char error[CONFIG_ERROR_MAX];

	loop_event_free(reload->check_event);
	reload->check_event = NULL;
	if (check_finish(&reload->check, &reload->next, error) != CHECK_OK)
		finish(supervisor, error);
	else if (reload->step != RELOAD_CHECKING)
		finish(supervisor, "the run ends");
	else
		apply(supervisor, false);
}

static void on_timer(void *argument)
{
	struct supervisor *supervisor = argument;
	struct reload *reload = &supervisor->reload;
	char error[CONFIG_ERROR_MAX];

	switch (reload->step) {
	case RELOAD_CHECKING:
		process_signal(&reload->check.process, SIGKILL);
		break;
	case RELOAD_GROWING:
		abandon_growing(supervisor, "a new worker does not get ready; nothing was changed");
		break;
	case RELOAD_REPLACING:
		snprintf(error, sizeof(error), "worker-%u does not get ready", reload->seat);
		if (reload->is_trial) {
			finish(supervisor, error);
			break;
		}
		log_error("reload: %s", error);
		replace_next(supervisor);
		break;
	case RELOAD_SHRINKING:
		drain_the_rest(supervisor);
		break;
	case RELOAD_DRAINING:
		kill_the_rest(supervisor);
		break;
	default:
		break;
	}
}

void reload_begin(struct supervisor *supervisor, reload_fn on_done, void *argument)
{
	struct reload *reload = &supervisor->reload;
	const char *problem = NULL;
	int error;

	if (config_reads_file(&supervisor->effective->config))
		problem = "a run from a file has nothing to reload";
	else if (upgrade_is_going_on(supervisor))
		problem = "an upgrade is going on: try again when it has ended";
	else
		problem = supervisor_busy(supervisor);
	if (problem) {
		log_warn("reload: %s", problem);
		if (on_done)
			on_done(argument, problem);
		return;
	}
	reload->on_done = on_done;
	reload->argument = argument;
	reload->step = RELOAD_CHECKING;
	service_tell_reloading();
	error = check_start(&reload->check, supervisor->executable_fd, supervisor->argc,
			    supervisor->argv, supervisor->effective);
	if (error)
		finish(supervisor, strerror(-error));
	else
		reload->check_event = loop_add_reader(supervisor->loop, reload->check.process.pidfd,
						      on_checked, supervisor);
	if (!error)
		loop_timer_set(reload->timer, CHECK_TIMEOUT_NS);
}

void reload_open(struct supervisor *supervisor)
{
	supervisor->reload.timer = loop_add_timer(supervisor->loop, on_timer, supervisor);
}

static void replace_all(struct supervisor *supervisor, reload_fn on_done, void *argument)
{
	struct reload *reload = &supervisor->reload;

	reload->on_done = on_done;
	reload->argument = argument;
	reload->step = RELOAD_REPLACING;
	reload->seat = UINT32_MAX; /* the first is 0 */
	replace_next(supervisor);
}

static void ignore(void *argument, const struct config_difference *difference)
{
	(void)argument;
	(void)difference;
}

void reload_catch_up(struct supervisor *supervisor)
{
	struct reload *reload = &supervisor->reload;

	if (!reload->next)
		return;
	/* Lists may have changed in their files alone. */
	if (reload->next->lists_fd < 0 &&
	    !config_compare(&supervisor->effective->config, &reload->next->config, ignore, NULL)) {
		effective_free(reload->next);
		reload->next = NULL;
		return;
	}
	service_tell_reloading();
	apply(supervisor, true);
}

void reload_replace(struct supervisor *supervisor, reload_fn on_done, void *argument)
{
	supervisor->reload.is_trial = true;
	replace_all(supervisor, on_done, argument);
}

bool reload_move(struct supervisor *supervisor, reload_fn on_done, void *argument)
{
	if (supervisor->reload.step != RELOAD_NONE || supervisor->phase != PHASE_RUNNING ||
	    upgrade_is_going_on(supervisor))
		return false;
	replace_all(supervisor, on_done, argument);
	return true;
}

/* It goes on as before when it cannot follow. */
static void lend_anew(struct supervisor *supervisor, struct seat *seat)
{
	struct reload *reload = &supervisor->reload;
	char error[CONFIG_ERROR_MAX];

	if (supervisor_open_seat(supervisor, seat->index, supervisor->effective, error))
		return;
	snprintf(reload->kept, sizeof(reload->kept),
		 "worker-%u goes on with the configuration before: %.300s", seat->index, error);
}

static bool on_replaced(struct supervisor *supervisor, struct seat *seat, enum seat_event event,
			const char *text)
{
	char error[CONFIG_ERROR_MAX];

	if (event == SEAT_HAS_LEFT) {
		supervisor->reload.has_left = true;
		lend_anew(supervisor, seat);
		seat_restart(seat);
		return true;
	}
	if (supervisor->reload.is_trial && (event == SEAT_HAS_FAILED || event == SEAT_HAS_DIED)) {
		snprintf(error, sizeof(error), "worker-%u %s", seat->index, text);
		finish(supervisor, error);
		return true;
	}
	if (event != SEAT_IS_READY)
		return false;
	seat_begin(seat);
	if (supervisor->reload.has_left)
		replace_next(supervisor);
	else
		ask_to_leave(supervisor, seat); /* the one before died of it */
	return true;
}

static bool on_grown(struct supervisor *supervisor, enum seat_event event, const char *text)
{
	if (event == SEAT_IS_READY)
		finish_growing(supervisor);
	else if (event == SEAT_HAS_FAILED || event == SEAT_HAS_DIED)
		abandon_growing(supervisor, text);
	else
		return false;
	return true;
}

/* A worker that gets no packets any more; one that dies is followed by one that drains. */
static bool on_surplus(struct supervisor *supervisor, struct seat *seat, enum seat_event event)
{
	if (event == SEAT_IS_READY) {
		seat_begin(seat);
		if (supervisor->reload.step == RELOAD_DRAINING)
			seat_drain(seat, true);
	} else if (event == SEAT_HAS_ENDED || (event == SEAT_HAS_DIED && !seat->is_replacing)) {
		finish_shrinking(supervisor);
	} else {
		return false;
	}
	return true;
}

bool reload_on_seat(struct supervisor *supervisor, struct seat *seat, enum seat_event event,
		    const char *text)
{
	struct reload *reload = &supervisor->reload;
	uint32_t count = supervisor->effective->config.worker_count;

	switch (reload->step) {
	case RELOAD_GROWING:
		return seat->index >= count && on_grown(supervisor, event, text);
	case RELOAD_REPLACING:
		return seat->index == reload->seat && on_replaced(supervisor, seat, event, text);
	case RELOAD_SHRINKING:
	case RELOAD_DRAINING:
		return seat->index >= count && on_surplus(supervisor, seat, event);
	default:
		return false;
	}
}

void reload_abandon(struct supervisor *supervisor)
{
	struct reload *reload = &supervisor->reload;

	if (reload->check_event) {
		reload->step = RELOAD_NONE;
		process_signal(&reload->check.process, SIGKILL);
	} else if (reload->step == RELOAD_GROWING) {
		abandon_growing(supervisor, "the run ends");
	} else if (reload->step != RELOAD_NONE) {
		finish(supervisor, "the run ends");
	}
}
