/* SPDX-License-Identifier: BSD-3-Clause */
#include "supervisor/restart.h"

#include <errno.h>
#include <string.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/log.h"
#include "supervisor/accounts.h"
#include "supervisor/input.h"
#include "supervisor/interface.h"
#include "supervisor/service.h"
#include "supervisor/signals.h"
#include "supervisor/supervisor.h"
#include "supervisor/takeover.h"

#define LEAVE_TIMEOUT_NS (3 * NANOSECONDS_PER_SECOND)

void restart_forget(struct supervisor *supervisor)
{
	if (supervisor->kept)
		service_forget(supervisor->kept);
	handover_free(supervisor->kept);
	supervisor->kept = NULL;
}

void restart_prepare(struct supervisor *supervisor)
{
	struct handover *handover;

	for (uint32_t i = 0; i < supervisor->seat_count; i++)
		if (supervisor->seats[i].process.pidfd >= 0)
			return;
	sidecar_clear(&supervisor->aggregation.sidecar);
	restart_forget(supervisor); /* what is kept now comes in its place */
	accounts_take_kernel(supervisor);
	handover = takeover_give(supervisor, false);
	if (service_keep(handover)) {
		supervisor->phase = PHASE_KEPT;
		log_info("the service manager keeps rings, sockets and counters");
	} else {
		supervisor->phase = PHASE_DRAINING;
		log_warn("no service manager keeps rings, sockets and counters (--keep-state)");
	}
	handover_free(handover);
	loop_stop(supervisor->loop);
}

bool restart_is_wanted(const struct supervisor *supervisor)
{
	const struct config *config = &supervisor->effective->config;

	return !config_reads_file(config) && !supervisor->reattach.previous && config->keeps_state;
}

/* Packets come in all the time: workers read and send what there is until now. */
void restart_begin(struct supervisor *supervisor)
{
	supervisor->phase = PHASE_KEEPING;
	for (uint32_t i = 0; i < supervisor->seat_count; i++) {
		supervisor->seats[i].is_replacing = false;
		if (supervisor->seats[i].process.pidfd >= 0)
			seat_leave(&supervisor->seats[i], CONTROL_LEAVE_SENT);
		else
			seat_kill(&supervisor->seats[i]); /* nobody comes any more */
	}
	loop_timer_set(supervisor->phase_timer, LEAVE_TIMEOUT_NS);
	restart_prepare(supervisor);
}

/* Without what was kept: as if nothing had been. */
static void __attribute__((noreturn))
resume_nothing(struct supervisor *supervisor, const char *reason)
{
	log_warn("rings, sockets and counters that were kept cannot be used: %s", reason);
	restart_forget(supervisor);
	control_server_close(supervisor->control);
	signals_release();
	signals_hold(SIGNALS_THAT_ASK);
	execv("/proc/self/exe", supervisor->argv);
	log_fatal("/proc/self/exe: %s", strerror(errno));
}

/* Is the interface of which rings were kept the one that is wanted? */
static bool fits_interface(const struct config *config, const struct handover *handover)
{
	struct interface interface;
	char error[CONFIG_ERROR_MAX];

	return !config_has_capture(config) ||
	       (interface_check(config->interface, &interface, error) &&
		(uint64_t)interface.index ==
			handover_number(handover, "interface-index", HANDOVER_ONE));
}

static bool fits(const struct supervisor *supervisor, const struct handover *handover)
{
	const struct config *config = &supervisor->effective->config;
	char name[sizeof(config->interface)];

	handover_text(handover, "interface", HANDOVER_ONE, name, sizeof(name));
	return !config_reads_file(config) && !*config->write_file &&
	       !strcmp(name, config->interface) && fits_interface(config, handover) &&
	       handover_number(handover, "layout", HANDOVER_ONE) == STATE_MAGIC;
}

void restart_resume(struct supervisor *supervisor, struct handover *handover)
{
	struct effective *next = supervisor->effective;
	char error[CONFIG_ERROR_MAX];

	supervisor->kept = handover;
	signals_hold(
		SIGNALS_ALL); /* until they are handled: else one would end us with all of it */
	if (!fits(supervisor, handover))
		resume_nothing(supervisor, "another interface, file or version");
	if (!takeover_take(supervisor, handover, error))
		resume_nothing(supervisor, error);
	/* Only now do we know what it was. */
	if (supervisor->effective->config.worker_count != next->config.worker_count &&
	    supervisor->sockets && !packet_sockets_can_resize(supervisor->sockets))
		resume_nothing(supervisor, "another number of workers, without eBPF");
	if (supervisor->effective->config.ring_mib != next->config.ring_mib)
		resume_nothing(supervisor, "another --ring-size");
	supervisor->reload.next = next;
	supervisor->started_ns = clock_monotonic_ns();
	input_close_rings(supervisor, supervisor->effective->config.worker_count);
}
