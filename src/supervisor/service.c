/* SPDX-License-Identifier: BSD-3-Clause */
#include "supervisor/service.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <systemd/sd-daemon.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/log.h"
#include "config/config.h"

#define FACTS_NAME   "handover"
#define BARRIER_USEC (5 * UINT64_C(1000000))

void service_tell_ready(void)
{
	sd_notify(0, "READY=1");
}

void service_tell_reloading(void)
{
	sd_notifyf(0, "RELOADING=1\nMONOTONIC_USEC=%" PRId64, clock_monotonic_ns() / 1000);
}

void service_tell_stopping(void)
{
	sd_notify(0, "STOPPING=1");
}

void service_tell_alive(void)
{
	if (sd_watchdog_enabled(0, NULL) > 0)
		sd_notify(0, "WATCHDOG=1");
}

/* FDPOLL=0: a packet socket whose interface is down is in error, and would be thrown away for it.
 */
static bool keep(const char *name, int fd)
{
	char text[128];

	snprintf(text, sizeof(text), "FDSTORE=1\nFDNAME=%s\nFDPOLL=0", name);
	return sd_pid_notify_with_fds(0, 0, text, &fd, 1) > 0;
}

bool service_keep(struct handover *handover)
{
	int facts = handover_write(handover, false);
	bool is_kept = facts >= 0;

	for (uint32_t i = 0; i < handover->fd_count && is_kept; i++)
		is_kept = keep(handover->fds[i].name, handover->fds[i].fd);
	/* The facts come last: without them the rest is not taken for whole. */
	is_kept = is_kept && keep(FACTS_NAME, facts);
	if (facts >= 0)
		close(facts);
	/* Who has exited is not listened to. */
	return is_kept && sd_notify_barrier(0, BARRIER_USEC) >= 0;
}

static void forget(const char *name)
{
	sd_notifyf(0, "FDSTOREREMOVE=1\nFDNAME=%s", name);
}

void service_forget(const struct handover *handover)
{
	forget(FACTS_NAME);
	for (uint32_t i = 0; i < handover->fd_count; i++)
		forget(handover->fds[i].name);
}

static struct handover *read_facts(char **names, int count, char *error)
{
	struct handover *handover = NULL;

	snprintf(error, CONFIG_ERROR_MAX, "it is not all there");
	for (int i = 0; i < count && !handover; i++)
		if (!strcmp(names[i], FACTS_NAME))
			handover = handover_read(SD_LISTEN_FDS_START + i, error);
	return handover;
}

struct handover *service_receive(void)
{
	char **names = NULL;
	int count = sd_listen_fds_with_names(1, &names);
	char error[CONFIG_ERROR_MAX];
	struct handover *handover = read_facts(names, count, error);

	for (int i = 0; i < count; i++) {
		if (handover && strcmp(names[i], FACTS_NAME))
			handover_adopt_fd(handover, names[i], SD_LISTEN_FDS_START + i);
		else
			close(SD_LISTEN_FDS_START + i);
		if (!handover)
			forget(names[i]);
		free(names[i]);
	}
	free(names);
	if (count > 0 && !handover)
		log_warn("what the service manager kept is not understood: %s", error);
	return handover;
}

const char *service_library_version(void)
{
	return "libsystemd " LIBSYSTEMD_VERSION;
}
