/* SPDX-License-Identifier: BSD-3-Clause */
#include "tools/read/print.h"

#include <inttypes.h>
#include <string.h>
#include <time.h>

#include "base/clock.h"

static void start_print(struct output *output)
{
	(void)output;
}

static void key_print(struct output *output, const char *key)
{
	output_text(output, ",\"");
	output_text(output, key);
	output_text(output, "\":");
}

static void number_print(struct output *output, const char *key, uint64_t number)
{
	key_print(output, key);
	output_number(output, number);
}

/* Text of printable ASCII; quotes and backslashes are escaped. */
static void string_print(struct output *output, const char *text, size_t length)
{
	char *at = output_room(output, 2 * length + 2);

	*at++ = '"';
	for (; length; length--, text++) {
		if (*text == '"' || *text == '\\')
			*at++ = '\\';
		*at++ = *text;
	}
	*at++ = '"';
	output_keep(output, at);
}

static void text_print(struct output *output, const char *key, const char *text)
{
	key_print(output, key);
	string_print(output, text, strlen(text));
}

/* RFC 3339. */
static void time_print(struct output *output, int64_t time_ns)
{
	int64_t microsecond = time_ns % NANOSECONDS_PER_SECOND / 1000;
	time_t second = time_ns / NANOSECONDS_PER_SECOND;
	struct tm tm;

	if (microsecond < 0) {
		microsecond += 1000000;
		second--;
	}
	gmtime_r(&second, &tm);
	key_print(output, "time");
	output_format(output, "\"%04d-%02d-%02dT%02d:%02d:%02d.%06" PRId64 "Z\"", tm.tm_year + 1900,
		      tm.tm_mon + 1, tm.tm_mday, tm.tm_hour, tm.tm_min, tm.tm_sec, microsecond);
}

static void origin_print(struct output *output, const char *type, const struct print_origin *origin)
{
	output_text(output, "{\"type\":\"");
	output_text(output, type);
	output_char(output, '"');
	time_print(output, origin->time_ns);
	text_print(output, "exporter", origin->exporter->address);
	number_print(output, "exporter_port", origin->exporter->endpoint.port);
	number_print(output, "sequence", origin->sequence);
}

static void party_print(struct output *output, const char *key, const struct address *address)
{
	key_print(output, key);
	output_char(output, '"');
	print_address(output, address->bytes, address->version == 4 ? 4 : 16);
	output_char(output, '"');
}

static void names_print(struct output *output, const struct record_set *set)
{
	struct slice names = set->names;
	char text[PRINT_NAME_MAX];

	key_print(output, "names");
	output_char(output, '[');
	for (unsigned i = 0; i < set->names_count; i++) {
		if (i)
			output_char(output, ',');
		string_print(output, text, print_name_take(&names, set->are_names_text, text));
	}
	output_char(output, ']');
}

static void list_print(struct output *output, const char *key, struct slice addresses, size_t size)
{
	key_print(output, key);
	output_char(output, '[');
	for (size_t at = 0; at < addresses.length; at += size) {
		output_text(output, at ? ",\"" : "\"");
		print_address(output, addresses.data + at, size);
		output_char(output, '"');
	}
	output_char(output, ']');
}

static void set_print(struct output *output, const struct print_origin *origin,
		      const struct record_set *set)
{
	origin_print(output, "set", origin);
	party_print(output, "resolver", &set->resolver);
	party_print(output, "client", &set->client);
	names_print(output, set);
	list_print(output, "ipv4", set->ip4s, 4);
	list_print(output, "ipv6", set->ip6s, 16);
	output_text(output, "}\n");
}

static void stats_print(struct output *output, const struct print_origin *origin,
			const struct record_stats *stats)
{
	origin_print(output, "stats", origin);
	number_print(output, "pkts_captured", stats->captured);
	number_print(output, "pkts_received", stats->received);
	number_print(output, "pkts_dropped", stats->dropped);
	number_print(output, "pkts_ifdropped", stats->interface_dropped);
	if (origin->version >= 2)
		number_print(output, "sample_rate", stats->sample_rate);
	output_text(output, "}\n");
}

static void error_print(struct output *output, const char *error, const char *detail)
{
	output_text(output, "{\"type\":\"error\"");
	text_print(output, "error", error);
	text_print(output, "detail", detail);
	output_text(output, "}\n");
}

static void members_print(struct output *output, const struct exporter *exporter)
{
	output_text(output, "{\"exporter\":");
	string_print(output, exporter->address, strlen(exporter->address));
	number_print(output, "exporter_port", exporter->endpoint.port);
	key_print(output, "seconds");
	output_format(output, "%.6f", exporter_seconds(exporter));
	number_print(output, "n_data_pkts", exporter->data_packets);
	number_print(output, "n_records", exporter->records);
	number_print(output, "n_stats_pkts", exporter->stats_packets);
	if (exporter->stats_steps) {
		number_print(output, "pkts_captured", exporter->captured);
		number_print(output, "pkts_received", exporter->received);
		number_print(output, "pkts_dropped", exporter->dropped);
		number_print(output, "pkts_ifdropped", exporter->interface_dropped);
	}
	number_print(output, "seq_last", exporter->sequence.last);
	number_print(output, "seq_total", exporter->sequence.total);
	key_print(output, "seq_lost");
	output_format(output, "%" PRId64, exporter->sequence.lost);
	number_print(output, "seq_ooo", exporter->sequence.out_of_order);
	output_char(output, '}');
}

static void exporter_print(struct output *output, const struct exporter *exporter)
{
	output_text(output, "{\"type\":\"summary\",\"exporters\":[");
	members_print(output, exporter);
	output_text(output, "]}\n");
}

static void summary_print(struct output *output, const struct print_summary *summary)
{
	output_text(output, "{\"type\":\"summary\",\"exporters\":[");
	for (uint32_t i = 0; i < exporters_count(summary->exporters); i++) {
		if (i)
			output_char(output, ',');
		members_print(output, exporters_at(summary->exporters, i));
	}
	output_char(output, ']');
	number_print(output, "untracked_packets", exporters_untracked(summary->exporters));
	number_print(output, "receiver_dropped", summary->receiver_dropped);
	output_text(output, "}\n");
}

const struct print print_json = {
	.start = start_print,
	.set = set_print,
	.stats = stats_print,
	.error = error_print,
	.exporter = exporter_print,
	.summary = summary_print,
	.separator = start_print,
};
