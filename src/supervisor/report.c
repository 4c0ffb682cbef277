/* SPDX-License-Identifier: BSD-3-Clause */
#include "supervisor/report.h"

#include <inttypes.h>

#include "base/log.h"

void report_add(struct report *report, const struct state_head *head,
		const struct state_watch *watch)
{
	for (int i = 0; i < COUNTER_COUNT; i++)
		report->counters[i] += state_counter(head, (enum counter)i);
	report->watch.kernel_packets += watch->kernel_packets;
	report->watch.kernel_drops += watch->kernel_drops;
	report->watch.interface_drops = watch->interface_drops; /* one interface, the same in all */
}

void report_log_packets(const struct report *report, bool is_live)
{
	log_info("%" PRIu64 " packets captured", counters_captured(report->counters));
	if (!is_live)
		return;
	log_info("%" PRIu64 " packets received by filter", report->watch.kernel_packets);
	log_info("%" PRIu64 " packets dropped by kernel", report->watch.kernel_drops);
	log_info("%" PRIu64 " packets dropped by interface", report->watch.interface_drops);
}

static bool is_loss(enum counter counter)
{
	return counter == COUNTER_MESSAGES_TOO_BIG || counter == COUNTER_RECORDS_DROPPED ||
	       (counter >= COUNTER_SENDS_FAILED_FULL && counter <= COUNTER_SENDS_FAILED_OTHER);
}

void report_log_outcome(const struct report *report, bool is_verbose)
{
	const uint64_t *counters = report->counters;

	log_info("%" PRIu64 " records in %" PRIu64 " datagrams, %" PRIu64 " sent",
		 counters[COUNTER_MESSAGES_RECORDED], counters[COUNTER_DATAGRAMS_DATA],
		 counters[COUNTER_SENDS]);
	for (int i = 0; i < COUNTER_COUNT; i++) {
		if (is_verbose && counters[i])
			log_info("%s %" PRIu64, counter_name((enum counter)i), counters[i]);
		else if (is_loss((enum counter)i) && counters[i])
			log_warn("%" PRIu64 " %s", counters[i], counter_help((enum counter)i));
	}
}
