/* SPDX-License-Identifier: BSD-3-Clause */
#include "tools/read/print.h"

#include <inttypes.h>

#include "base/clock.h"

#define SECONDS_PER_DAY 86400

static void start_print(struct output *output)
{
	output_text(output, "dnsflow server|resolver ip|client ip|time|names|ipv4|ipv6\n");
}

static void two_digits_print(struct output *output, int64_t number, char behind)
{
	char *text = output_room(output, 3);

	text[0] = (char)('0' + number / 10);
	text[1] = (char)('0' + number % 10);
	text[2] = behind;
	output_keep(output, text + 3);
}

/* HH:MM:SS| in UTC. */
static void time_print(struct output *output, int64_t time_ns)
{
	int64_t second = time_ns / NANOSECONDS_PER_SECOND % SECONDS_PER_DAY;

	if (second < 0)
		second += SECONDS_PER_DAY;
	two_digits_print(output, second / 3600, ':');
	two_digits_print(output, second / 60 % 60, ':');
	two_digits_print(output, second % 60, '|');
}

static void names_print(struct output *output, const struct record_set *set)
{
	struct slice names = set->names;
	char *text;

	for (unsigned i = 0; i < set->names_count; i++) {
		if (i)
			output_char(output, ',');
		text = output_room(output, PRINT_NAME_MAX);
		output_keep(output, text + print_name_take(&names, set->are_names_text, text));
	}
}

static void list_print(struct output *output, struct slice addresses, size_t size)
{
	for (size_t at = 0; at < addresses.length; at += size) {
		if (at)
			output_char(output, ',');
		print_address(output, addresses.data + at, size);
	}
}

static void party_print(struct output *output, const struct address *address)
{
	print_address(output, address->bytes, address->version == 4 ? 4 : 16);
	output_char(output, '|');
}

static void set_print(struct output *output, const struct print_origin *origin,
		      const struct record_set *set)
{
	output_text(output, origin->exporter->address);
	output_char(output, '|');
	party_print(output, &set->resolver);
	party_print(output, &set->client);
	time_print(output, origin->time_ns);
	names_print(output, set);
	output_char(output, '|');
	list_print(output, set->ip4s, 4);
	output_char(output, '|');
	list_print(output, set->ip6s, 16);
	output_char(output, '\n');
}

static void stats_print(struct output *output, const struct print_origin *origin,
			const struct record_stats *stats)
{
	output_format(output,
		      "STATS|pkts_captured:%" PRIu32 "|pkts_received:%" PRIu32
		      "|pkts_dropped:%" PRIu32 "|pkts_ifdropped:%" PRIu32,
		      stats->captured, stats->received, stats->dropped, stats->interface_dropped);
	if (origin->version >= 2)
		output_format(output, "|sample_rate:%" PRIu32, stats->sample_rate);
	output_char(output, '\n');
}

static void error_print(struct output *output, const char *error, const char *detail)
{
	output_format(output, "%s|%s\n", error, detail);
}

static void counters_print(struct output *output, const struct exporter *exporter, double seconds)
{
	output_format(output,
		      "  pkts_captured=%" PRIu64 " pkts_received=%" PRIu64 " pkts_dropped=%" PRIu64
		      " pkts_ifdropped=%" PRIu64 "\n",
		      exporter->captured, exporter->received, exporter->dropped,
		      exporter->interface_dropped);
	if (seconds > 0)
		output_format(output,
			      "  pkts_captured/s=%.2f pkts_received/s=%.2f pkts_dropped/s=%.2f "
			      "pkts_ifdropped/s=%.2f\n",
			      (double)exporter->captured / seconds,
			      (double)exporter->received / seconds,
			      (double)exporter->dropped / seconds,
			      (double)exporter->interface_dropped / seconds);
}

static void exporter_print(struct output *output, const struct exporter *exporter)
{
	double seconds = exporter_seconds(exporter);
	char endpoint[ENDPOINT_TEXT_MAX];

	output_format(output,
		      "%s\n  n_data_pkts=%" PRIu64 " n_records=%" PRIu64 " n_stats_pkts=%" PRIu64
		      "\n",
		      endpoint_format(&exporter->endpoint, endpoint), exporter->data_packets,
		      exporter->records, exporter->stats_packets);
	if (seconds > 0)
		output_format(output, "  n_data_pkts/s=%.2f n_records/s=%.2f n_stats_pkts/s=%.2f\n",
			      (double)exporter->data_packets / seconds,
			      (double)exporter->records / seconds,
			      (double)exporter->stats_packets / seconds);
	if (exporter->stats_steps)
		counters_print(output, exporter, seconds);
	output_format(output,
		      "  seq_last=%" PRIu32 " seq_total=%" PRIu64 " seq_lost=%" PRId64
		      " seq_ooo=%" PRIu64 "\n",
		      exporter->sequence.last, exporter->sequence.total, exporter->sequence.lost,
		      exporter->sequence.out_of_order);
}

static void summary_print(struct output *output, const struct print_summary *summary)
{
	uint64_t untracked = exporters_untracked(summary->exporters);

	output_text(output, "\nSummary:\n");
	for (uint32_t i = 0; i < exporters_count(summary->exporters); i++)
		exporter_print(output, exporters_at(summary->exporters, i));
	if (untracked)
		output_format(output, "  untracked_packets=%" PRIu64 "\n", untracked);
	if (summary->receiver_dropped)
		output_format(output, "  receiver_dropped=%" PRIu64 "\n",
			      summary->receiver_dropped);
}

static void separator_print(struct output *output)
{
	output_text(output, "----------------------------------------\n");
}

const struct print print_text = {
	.start = start_print,
	.set = set_print,
	.stats = stats_print,
	.error = error_print,
	.exporter = exporter_print,
	.summary = summary_print,
	.separator = separator_print,
};
