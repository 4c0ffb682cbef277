/* SPDX-License-Identifier: BSD-3-Clause */
#include "supervisor/report.h"

#include <inttypes.h>

#include "base/log.h"

void report_log_packets(const struct ledger *ledger, bool is_live)
{
	log_info("%" PRIu64 " packets captured", counters_captured(ledger->words + STATE_COUNTERS));
	if (!is_live)
		return;
	log_info("%" PRIu64 " packets received by filter", ledger->watch.kernel_packets);
	log_info("%" PRIu64 " packets dropped by kernel", ledger->watch.kernel_drops);
	log_info("%" PRIu64 " packets dropped by interface", ledger->watch.interface_drops);
}

static bool is_loss(enum counter counter)
{
	return counter == COUNTER_MESSAGES_TOO_BIG || counter == COUNTER_RECORDS_DROPPED ||
	       (counter >= COUNTER_SENDS_FAILED_FULL && counter <= COUNTER_SENDS_FAILED_OTHER);
}

void report_log_records(const struct ledger *ledger)
{
	log_info("%" PRIu64 " records in %" PRIu64 " datagrams, %" PRIu64 " sent",
		 ledger_counter(ledger, COUNTER_MESSAGES_RECORDED),
		 ledger_counter(ledger, COUNTER_DATAGRAMS_DATA),
		 ledger_counter(ledger, COUNTER_SENDS));
}

void report_log_counters(const struct ledger *ledger, bool is_verbose)
{
	for (enum counter i = 0; i < COUNTER_END; i++) {
		uint64_t value = ledger_counter(ledger, i);

		if (is_verbose && value)
			log_info("%s %" PRIu64, counter_name(i), value);
		else if (is_loss(i) && value)
			log_warn("%" PRIu64 " %s", value, counter_help(i));
	}
}

void report_log_missing(const struct ledger *ledger, bool is_live)
{
	struct ledger_line lines[LEDGER_LINES_MAX];
	uint32_t count = ledger_make(ledger, is_live, lines);

	for (uint32_t i = 0; i < count; i++)
		if (lines[i].missing)
			log_error("the ledger does not add up: %s: %" PRId64 " of %" PRIu64
				  " %s are unaccounted for",
				  lines[i].stage, lines[i].missing, lines[i].whole.value,
				  lines[i].unit);
}
