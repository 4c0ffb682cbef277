/* SPDX-License-Identifier: BSD-3-Clause */
#include "supervisor/reattach.h"

#include <errno.h>
#include <net/if.h>
#include <stdio.h>
#include <string.h>

#include "base/clock.h"
#include "base/log.h"
#include "ipc/packet_ring.h"
#include "supervisor/accounts.h"
#include "supervisor/input.h"
#include "supervisor/supervisor.h"

#define RETRY_NS (20 * NANOSECONDS_PER_MILLISECOND)

static const char *wanted_name(const struct supervisor *supervisor)
{
	return supervisor->effective->config.interface;
}

/* Another number of workers may have been configured since the spare ones were made. */
static struct packet_sockets *take_spare(struct supervisor *supervisor,
					 const struct interface *interface, char *error)
{
	const struct effective *effective = supervisor->effective;
	struct packet_sockets *spare = supervisor->reattach.spare;
	const char *notice;

	supervisor->reattach.spare = NULL;
	if (spare && packet_sockets_count_of(spare) == effective->config.worker_count &&
	    packet_sockets_attach(spare, interface, error))
		return spare;
	packet_sockets_close(spare);
	spare = packet_sockets_open(&effective->config, effective->filters, interface, error,
				    &notice);
	if (spare && packet_sockets_attach(spare, interface, error))
		return spare;
	packet_sockets_close(spare);
	return NULL;
}

/* One that did not get ready in time, or died meanwhile, may still be on its old ring. */
static bool is_any_left(const struct supervisor *supervisor)
{
	for (uint32_t i = 0; i < supervisor->effective->config.worker_count; i++)
		if (input_is_lent(supervisor->reattach.previous, &supervisor->seats[i]))
			return true;
	return false;
}

static void on_moved(void *argument, const char *error)
{
	struct supervisor *supervisor = argument;

	if (error)
		return; /* the run ends: those that have not moved read on */
	if (is_any_left(supervisor)) {
		loop_timer_set(supervisor->reattach.timer, RETRY_NS);
		return;
	}
	input_discard_rings(supervisor, supervisor->reattach.previous);
	supervisor->reattach.previous = NULL;
	if (supervisor->is_ending)
		supervisor_end(supervisor);
	else
		reattach_check(supervisor); /* it may have gone, and come back, meanwhile */
}

/* Workers move over as soon as the old rings are complete and no reload is going on. */
static void move_workers(struct supervisor *supervisor)
{
	struct reattach *reattach = &supervisor->reattach;
	int64_t left_ns = reattach->gone_ns + PACKET_RING_SETTLED_NS - clock_monotonic_ns();

	if (left_ns > 0)
		loop_timer_set(reattach->timer, left_ns);
	else if (!reload_move(supervisor, on_moved, supervisor))
		loop_timer_set(reattach->timer, RETRY_NS);
}

/* It is tried again and again, which may come to the same each time. */
static void refuse(struct supervisor *supervisor, const char *reason)
{
	char *told = supervisor->reattach.told;

	if (strcmp(told, reason) != 0)
		log_error("interface %s is back, but: %s", wanted_name(supervisor), reason);
	snprintf(told, CONFIG_ERROR_MAX, "%s", reason);
}

static void attach(struct supervisor *supervisor)
{
	struct reattach *reattach = &supervisor->reattach;
	struct packet_sockets *sockets;
	struct interface interface;
	char error[CONFIG_ERROR_MAX] = "packets cannot be let in";

	if (!interface_check(wanted_name(supervisor), &interface, error))
		return; /* it is gone again, or down: another message will come */
	/* What the configuration was checked for, filters above all, fits the kind of the old one.
	 */
	if (interface.is_ethernet != reattach->interface.is_ethernet) {
		refuse(supervisor, "it is of another kind than before: restart to capture it");
		return;
	}
	sockets = take_spare(supervisor, &interface, error);
	if (!sockets || packet_sockets_admit(sockets)) {
		refuse(supervisor, error);
		packet_sockets_close(sockets);
		return;
	}
	log_info("interface %s is back: capture goes on", wanted_name(supervisor));
	snprintf(reattach->name, sizeof(reattach->name), "%s", wanted_name(supervisor));
	reattach->interface = interface;
	reattach->is_gone = false;
	*reattach->told = '\0';
	reattach->previous = supervisor->sockets;
	supervisor->sockets = sockets;
	accounts_begin_drops(supervisor);
	move_workers(supervisor);
}

static void try_attach(struct supervisor *supervisor)
{
	struct reattach *reattach = &supervisor->reattach;

	if (supervisor->phase != PHASE_RUNNING)
		return;
	/* Still moving from the one before, or workers are being added: reattach_check() comes
	 * again. */
	if (!reattach->previous && supervisor->reload.step <= RELOAD_CHECKING &&
	    !upgrade_is_going_on(supervisor))
		attach(supervisor);
}

static void on_timer(void *argument)
{
	struct supervisor *supervisor = argument;

	if (supervisor->reattach.previous)
		move_workers(supervisor);
	else if (supervisor->reattach.is_gone)
		try_attach(supervisor);
}

static void on_gone(struct supervisor *supervisor)
{
	struct reattach *reattach = &supervisor->reattach;
	const struct effective *effective = supervisor->effective;
	char error[CONFIG_ERROR_MAX];
	const char *notice;

	reattach->is_gone = true;
	*reattach->told = '\0';
	reattach->gone_ns = clock_monotonic_ns();
	log_warn("interface %s was deleted: waiting for one named %s", reattach->name,
		 wanted_name(supervisor));
	if (!reattach->spare)
		reattach->spare = packet_sockets_open(&effective->config, effective->filters,
						      &reattach->interface, error, &notice);
}

static void on_change(struct supervisor *supervisor, const struct link_event *event)
{
	struct reattach *reattach = &supervisor->reattach;

	if (*event->name && strcmp(event->name, reattach->name)) {
		log_info("interface %s is named %s now: capture goes on", reattach->name,
			 event->name);
		strcpy(reattach->name, event->name);
	}
	if (event->is_up != reattach->interface.is_up)
		log_warn("interface %s is %s", reattach->name, event->is_up ? "up again" : "down");
	reattach->interface.is_up = event->is_up;
}

static void on_link(void *argument, const struct link_event *event)
{
	struct supervisor *supervisor = argument;
	struct reattach *reattach = &supervisor->reattach;
	bool is_ours = !reattach->is_gone && event->index == reattach->interface.index;

	if (is_ours && event->is_gone)
		on_gone(supervisor);
	else if (is_ours)
		on_change(supervisor, event);
	else if (reattach->is_gone && !event->is_gone && event->is_up &&
		 !strcmp(event->name, wanted_name(supervisor)))
		try_attach(supervisor);
}

void reattach_open(struct supervisor *supervisor, const struct interface *interface)
{
	struct reattach *reattach = &supervisor->reattach;

	reattach->interface = *interface;
	snprintf(reattach->name, sizeof(reattach->name), "%s", wanted_name(supervisor));
	reattach->timer = loop_add_timer(supervisor->loop, on_timer, supervisor);
	if (!interface->index)
		return; /* "any" does not come and go */
	reattach->links = links_open(supervisor->loop, on_link, supervisor);
	if (!reattach->links)
		log_warn("changes of the interface cannot be followed: %s", strerror(errno));
}

void reattach_check(struct supervisor *supervisor)
{
	struct reattach *reattach = &supervisor->reattach;
	char name[IF_NAMESIZE];

	if (!reattach->interface.index)
		return;
	if (!reattach->is_gone && !if_indextoname((unsigned int)reattach->interface.index, name) &&
	    errno == ENXIO)
		on_gone(supervisor);
	else if (reattach->is_gone && if_nametoindex(wanted_name(supervisor)))
		try_attach(supervisor);
}

void reattach_close(struct supervisor *supervisor)
{
	links_close(supervisor->reattach.links);
	packet_sockets_close(supervisor->reattach.spare);
	packet_sockets_close(supervisor->reattach.previous);
}
