/* SPDX-License-Identifier: BSD-3-Clause */
#include "aggregator/web/metrics.h"

#include <stddef.h>
#include <stdio.h>

#include "aggregator/web/metrics_proxy.h"
#include "ipc/ledger.h"

#define NUMBER_MAX  12
#define COUNT_OF(x) (sizeof(x) / sizeof((x)[0]))

/* The names of the spec, each of a counter of the statistics; svr is spelt as there, and counts
 * SRV. */
static const struct {
	const char *name;
	const char *counter;
	const char *help;
} received[] = {
	{"dnstap_queries_bytes", "query/bytes", "Bytes of queries received"},
	{"dnstap_responses_bytes", "response/bytes", "Bytes of responses received"},
	{"dnstap_domains", "domains", "Number of distinct names received"},
	{"dnstap_clients", "clients", "Number of distinct clients seen"},
	{"dnstap_queries", "query", "Number of queries received"},
	{"dnstap_queries_udp", "query/udp", "Number of UDP queries received"},
	{"dnstap_queries_tcp", "query/tcp", "Number of TCP queries received"},
	{"dnstap_queries_inet", "query/inet", "Number of IPv4 queries received"},
	{"dnstap_queries_inet6", "query/inet6", "Number of IPv6 queries received"},
	{"dnstap_queries_a", "query/a", "Number of A queries received"},
	{"dnstap_queries_aaaa", "query/aaaa", "Number of AAAA queries received"},
	{"dnstap_queries_svr", "query/srv", "Number of SRV queries received"},
	{"dnstap_responses", "response", "Number of responses received"},
	{"dnstap_response_udp", "response/udp", "Number of UDP responses received"},
	{"dnstap_response_tcp", "response/tcp", "Number of TCP responses received"},
	{"dnstap_response_inet", "response/inet", "Number of IPv4 responses received"},
	{"dnstap_response_inet6", "response/inet6", "Number of IPv6 responses received"},
	{"dnstap_responses_noerror", "response/noerror", "Number of NOERROR answers"},
	{"dnstap_responses_nxdomain", "response/nxdomain", "Number of NXDOMAIN answers"},
	{"dnstap_responses_servfail", "response/servfail", "Number of SERVFAIL answers"},
	{"dnstap_responses_refused", "response/refused", "Number of REFUSED answers"},
	{"dnstap_latency0_1", "response/latency0_1", "Number of queries answered in 0-1 ms"},
	{"dnstap_latency1_10", "response/latency1_10", "Number of queries answered in 1-10 ms"},
	{"dnstap_latency10_50", "response/latency10_50", "Number of queries answered in 10-50 ms"},
	{"dnstap_latency50_100", "response/latency50_100",
	 "Number of queries answered in 50-100 ms"},
	{"dnstap_latency100_1000", "response/latency100_1000",
	 "Number of queries answered in 100-1000 ms"},
	{"dnstap_latency_slow", "response/latency_slow",
	 "Number of queries answered in more than 1 s"},
};

static const struct {
	struct exposition_family family;
	const char *counter;
} rates[] = {
	{{"dnstap_pps", EXPOSITION_GAUGE, "Queries and responses per second"}, "pps"},
	{{"dnstap_qps", EXPOSITION_GAUGE, "Queries per second"}, "qps"},
	{{"dnstap_rps", EXPOSITION_GAUGE, "Responses per second"}, "rps"},
};

/* A counter of the statistics: of all streams together, then of each. */
static void add_streams(struct exposition *out, const struct web_host *host,
			const struct exposition_family *family, const char *counter)
{
	uint32_t count = streams_count(host->streams);
	uint64_t value = 0;

	exposition_begin(out, family);
	streams_counter(host->streams, STREAMS_ALL, counter, &value);
	exposition_add(out, family, NULL, value);
	for (uint32_t i = 0; i < count; i++) {
		const struct exposition_label labels[EXPOSITION_LABELS] = {
			{"identity", streams_name(host->streams, i)}};

		value = 0;
		streams_counter(host->streams, i, counter, &value);
		exposition_add(out, family, labels, value);
	}
}

/* In OpenMetrics a name with _total and the same one without are one family. */
static void add_received(struct exposition *out, const struct web_host *host)
{
	for (size_t i = 0; i < COUNT_OF(received); i++) {
		struct exposition_family family = {received[i].name, EXPOSITION_COUNTER,
						   received[i].help};

		add_streams(out, host, &family, received[i].counter);
		family.type = EXPOSITION_UNTYPED;
		if (out->format == EXPOSITION_TEXT)
			add_streams(out, host, &family, received[i].counter);
	}
	for (size_t i = 0; i < COUNT_OF(rates); i++)
		add_streams(out, host, &rates[i].family, rates[i].counter);
}

static void add_distinct(struct exposition *out, const struct web_host *host)
{
	static const struct {
		struct exposition_family family;
		const char *counter;
	} counters[] = {
		{{"dnsflow_distinct_clients", EXPOSITION_GAUGE, "Distinct clients, estimated"},
		 "clients"},
		{{"dnsflow_distinct_names", EXPOSITION_GAUGE, "Distinct names, estimated"},
		 "domains"},
		{{"dnsflow_unanswered", EXPOSITION_COUNTER, "Queries without a response in time"},
		 "unanswered"},
	};

	for (size_t i = 0; i < COUNT_OF(counters); i++)
		add_streams(out, host, &counters[i].family, counters[i].counter);
}

static void add_rates(struct exposition *out, const struct web_host *host, bool is_query)
{
	static const struct exposition_family families[] = {
		{"dnsflow_responses_per_second", EXPOSITION_GAUGE,
		 "Responses per second, over a window"},
		{"dnsflow_queries_per_second", EXPOSITION_GAUGE,
		 "Queries per second, over a window"}};
	static const struct {
		uint32_t seconds;
		const char *name;
	} windows[] = {{1, "1s"}, {60, "1m"}, {300, "5m"}};
	uint32_t count = streams_count(host->streams);

	exposition_begin(out, &families[is_query]);
	for (uint32_t i = 0; i < count; i++)
		for (size_t k = 0; k < COUNT_OF(windows); k++) {
			struct streams_rates told =
				streams_rates(host->streams, i, windows[k].seconds);
			const struct exposition_label labels[EXPOSITION_LABELS] = {
				{"identity", streams_name(host->streams, i)},
				{"window", windows[k].name}};

			exposition_add_double(out, &families[is_query], labels,
					      is_query ? told.queries : told.responses);
		}
}

static void add_evictions(struct exposition *out, const struct web_host *host)
{
	static const struct exposition_family family = {
		"dnsflow_evictions", EXPOSITION_COUNTER,
		"Entries that a full table gave up for new ones"};
	static const char *const tables[] = {"names", "domains", "clients", "tlds"};

	exposition_begin(out, &family);
	for (size_t i = 0; i < COUNT_OF(tables); i++) {
		const struct exposition_label labels[EXPOSITION_LABELS] = {{"table", tables[i]}};
		char counter[32];
		uint64_t value = 0;

		snprintf(counter, sizeof(counter), "evictions/%s", tables[i]);
		streams_counter(host->streams, STREAMS_ALL, counter, &value);
		exposition_add(out, &family, labels, value);
	}
}

static void add_latency(struct exposition *out, const struct summary *summary)
{
	static const struct exposition_family family = {"dnsflow_latency_seconds",
							EXPOSITION_HISTOGRAM,
							"Time from a query to its response"};
	struct summary_bucket buckets[SUMMARY_BUCKETS_MAX];
	double sum_seconds = 0;
	uint64_t total = 0;
	uint32_t count = summary_latency_buckets(summary, buckets, &total, &sum_seconds);

	exposition_begin(out, &family);
	exposition_add_buckets(out, &family, buckets, count, total, sum_seconds);
}

static void add_quantiles(struct exposition *out, const struct summary *summary)
{
	static const struct exposition_family family = {
		"dnsflow_latency_quantile_seconds", EXPOSITION_GAUGE,
		"Latency that a part of the responses stays below"};
	static const struct {
		double quantile;
		const char *name;
	} quantiles[] = {{0.5, "0.5"}, {0.9, "0.9"}, {0.99, "0.99"}};

	exposition_begin(out, &family);
	for (size_t i = 0; i < COUNT_OF(quantiles); i++) {
		const struct exposition_label labels[EXPOSITION_LABELS] = {
			{"q", quantiles[i].name}};

		exposition_add_double(out, &family, labels,
				      summary_latency_quantile(summary, quantiles[i].quantile));
	}
}

static void add_of_worker(struct exposition *out, const struct exposition_family *family,
			  uint32_t worker, uint64_t value)
{
	char number[NUMBER_MAX];
	const struct exposition_label labels[EXPOSITION_LABELS] = {{"worker", number}};

	snprintf(number, sizeof(number), "%u", worker);
	exposition_add(out, family, labels, value);
}

static void add_counters(struct exposition *out, const struct web_host *host)
{
	char name[64];

	for (enum counter i = 0; i < COUNTER_END; i++) {
		const struct exposition_family family = {name, EXPOSITION_COUNTER, counter_help(i)};

		if (!counter_name(i))
			continue;
		snprintf(name, sizeof(name), "dnsflow_%s", counter_name(i));
		exposition_begin(out, &family);
		for (uint32_t k = 0; k < host->worker_count; k++)
			add_of_worker(out, &family, k, state_counter(host->workers[k].head, i));
	}
}

#define OF_LEDGER(member) offsetof(struct ledger, member)

/* What is measured beside the counters of a worker. */
static const struct {
	struct exposition_family family;
	size_t offset; /* in its ledger */
} measures[] = {
	{{"dnsflow_kernel_packets", EXPOSITION_COUNTER,
	  "packets that passed the filter, drops included"},
	 OF_LEDGER(watch.kernel_packets)},
	{{"dnsflow_kernel_drops", EXPOSITION_COUNTER,
	  "packets dropped by the kernel: no room in the ring"},
	 OF_LEDGER(watch.kernel_drops)},
	{{"dnsflow_interface_drops", EXPOSITION_COUNTER,
	  "packets dropped by the interface, before any worker's share"},
	 OF_LEDGER(watch.interface_drops)},
	{{"dnsflow_ring_discarded", EXPOSITION_COUNTER,
	  "packets in a ring that was closed before they were read"},
	 OF_LEDGER(watch.ring_discarded)},
	{{"dnsflow_ring_packets", EXPOSITION_GAUGE, "packets that wait in the ring"},
	 OF_LEDGER(in_ring)},
	{{"dnsflow_pieces_held", EXPOSITION_GAUGE, "fragments and segments held in reassembly"},
	 OF_LEDGER(words[STATE_HELD])},
	{{"dnsflow_records_open", EXPOSITION_GAUGE, "records in the datagram that is being filled"},
	 OF_LEDGER(words[STATE_OPEN_SETS])},
	{{"dnsflow_records_waiting", EXPOSITION_GAUGE,
	  "records in datagrams that are not sent yet"},
	 OF_LEDGER(words[STATE_WAITING])},
	{{"dnsflow_datagrams_waiting", EXPOSITION_GAUGE, "datagrams that are not sent yet"},
	 OF_LEDGER(datagrams_waiting)},
	{{"dnsflow_proxy_waiting", EXPOSITION_GAUGE, "queries that wait for an answer"},
	 OF_LEDGER(words[STATE_PROXY_WAITING])},
};

static void add_measures(struct exposition *out, const struct ledger *ledgers, uint32_t count)
{
	for (size_t i = 0; i < COUNT_OF(measures); i++) {
		exposition_begin(out, &measures[i].family);
		for (uint32_t k = 0; k < count; k++) {
			const void *at = (const char *)&ledgers[k] + measures[i].offset;

			add_of_worker(out, &measures[i].family, k, *(const uint64_t *)at);
		}
	}
}

static void add_missing(struct exposition *out, const struct ledger *ledgers, uint32_t count,
			bool is_live)
{
	static const struct exposition_family family = {
		"dnsflow_ledger_missing", EXPOSITION_GAUGE,
		"What came into a stage and is in none of its outcomes; 0 at a quiet moment"};
	struct ledger_line lines[LEDGER_LINES_MAX];
	char number[NUMBER_MAX];

	exposition_begin(out, &family);
	for (uint32_t k = 0; k < count; k++) {
		uint32_t line_count = ledger_make(&ledgers[k], is_live, lines);

		snprintf(number, sizeof(number), "%u", k);
		for (uint32_t i = 0; i < line_count; i++) {
			const struct exposition_label labels[EXPOSITION_LABELS] = {
				{"worker", number}, {"stage", lines[i].stage}};

			exposition_add_signed(out, &family, labels, lines[i].missing);
		}
	}
}

static void add_workers(struct exposition *out, const struct web_host *host)
{
	static const struct ledger zero;
	struct ledger ledgers[CONFIG_WORKERS_MAX];

	for (uint32_t i = 0; i < host->worker_count; i++) {
		ledgers[i] = zero;
		web_host_add_worker(host, i, &ledgers[i]);
	}
	add_counters(out, host);
	add_measures(out, ledgers, host->worker_count);
	add_missing(out, ledgers, host->worker_count, host->in_ring);
}

static void add_sources(struct exposition *out, const struct web_host *host)
{
	static const struct exposition_family read = {"dnsflow_aggregator_events_read",
						      EXPOSITION_COUNTER,
						      "Events taken from the ring of a worker"},
					      damaged = {"dnsflow_aggregator_events_damaged",
							 EXPOSITION_COUNTER,
							 "Records in a ring that are no event"};

	exposition_begin(out, &read);
	for (uint32_t i = 0; i < host->worker_count; i++)
		add_of_worker(out, &read, i, host->words->sources[i].read);
	exposition_begin(out, &damaged);
	for (uint32_t i = 0; i < host->worker_count; i++)
		add_of_worker(out, &damaged, i, host->words->sources[i].damaged);
}

#define OF_OUTPUT(member) offsetof(struct output_account, member)

/* One family stands in several lines when a label tells them apart. */
static const struct {
	struct exposition_family family;
	const char *reason;
	size_t offset;
} accounts[] = {
	{{"dnsflow_output_read", EXPOSITION_COUNTER, "Events that came to an output"},
	 NULL,
	 OF_OUTPUT(read)},
	{{"dnsflow_output_written", EXPOSITION_COUNTER, "Events that were written"},
	 NULL,
	 OF_OUTPUT(written)},
	{{"dnsflow_output_filtered", EXPOSITION_COUNTER, "Events that a filter left out"},
	 NULL,
	 OF_OUTPUT(filtered)},
	{{"dnsflow_output_sampled_out", EXPOSITION_COUNTER, "Events that sampling left out"},
	 NULL,
	 OF_OUTPUT(sampled_out)},
	{{"dnsflow_output_dropped", EXPOSITION_COUNTER, "Events that were dropped, by reason"},
	 "full",
	 OF_OUTPUT(dropped_full)},
	{{"dnsflow_output_dropped", EXPOSITION_COUNTER, NULL}, "failed", OF_OUTPUT(dropped_failed)},
	{{"dnsflow_output_dropped", EXPOSITION_COUNTER, NULL},
	 "too_big",
	 OF_OUTPUT(dropped_too_big)},
	{{"dnsflow_output_dropped", EXPOSITION_COUNTER, NULL},
	 "damaged",
	 OF_OUTPUT(dropped_damaged)},
	{{"dnsflow_output_dropped", EXPOSITION_COUNTER, NULL}, "lost", OF_OUTPUT(lost)},
	{{"dnsflow_output_queued", EXPOSITION_GAUGE, "Events that wait in the queue"},
	 NULL,
	 OF_OUTPUT(queued)},
	{{"dnsflow_output_spooled", EXPOSITION_GAUGE, "Events that wait in the spool"},
	 NULL,
	 OF_OUTPUT(spooled)},
	{{"dnsflow_output_written_bytes", EXPOSITION_COUNTER, "Bytes that were written"},
	 NULL,
	 OF_OUTPUT(bytes_written)},
	{{"dnsflow_output_failures", EXPOSITION_COUNTER,
	  "Connections lost or refused, writes that failed"},
	 NULL,
	 OF_OUTPUT(failures)},
	{{"dnsflow_output_matches_given_up", EXPOSITION_COUNTER,
	  "Matches of a filter's pattern that took too long, and count as none"},
	 NULL,
	 OF_OUTPUT(given_up)},
	{{"dnsflow_output_up", EXPOSITION_GAUGE, "Whether it can take records now"},
	 NULL,
	 OF_OUTPUT(is_up)},
};

static void add_outputs(struct exposition *out, const struct web_host *host)
{
	for (size_t i = 0; i < COUNT_OF(accounts); i++) {
		if (accounts[i].family.help)
			exposition_begin(out, &accounts[i].family);
		for (uint32_t k = 0; k < host->config->output_count; k++) {
			const void *at =
				(const char *)&host->words->outputs[k] + accounts[i].offset;
			const struct exposition_label labels[EXPOSITION_LABELS] = {
				{"output", host->config->outputs[k].name},
				{"reason", accounts[i].reason}};

			exposition_add(out, &accounts[i].family, labels, *(const uint64_t *)at);
		}
	}
}

static void add_web(struct exposition *out, const struct http_counts *web)
{
	const struct {
		struct exposition_family family;
		uint64_t value;
	} samples[] = {
		{{"dnsflow_web_connections", EXPOSITION_COUNTER, "Connections that were accepted"},
		 web->connections},
		{{"dnsflow_web_requests", EXPOSITION_COUNTER, "Requests that were answered"},
		 web->requests},
		{{"dnsflow_web_malformed", EXPOSITION_COUNTER, "Requests that were none"},
		 web->malformed},
		{{"dnsflow_web_late", EXPOSITION_COUNTER,
		  "Connections cut because they took too long"},
		 web->late},
		{{"dnsflow_web_displaced", EXPOSITION_COUNTER, "Connections cut for newer ones"},
		 web->displaced},
		{{"dnsflow_web_open", EXPOSITION_GAUGE, "Connections that are open"}, web->open},
	};

	for (size_t i = 0; i < COUNT_OF(samples); i++) {
		exposition_begin(out, &samples[i].family);
		exposition_add(out, &samples[i].family, NULL, samples[i].value);
	}
}

static void add_build(struct exposition *out)
{
	static const struct exposition_family family = {"dnsflow_build_info", EXPOSITION_GAUGE,
							"What is running"};
	static const struct exposition_label version[EXPOSITION_LABELS] = {
		{"version", DNSFLOW_VERSION}};

	exposition_begin(out, &family);
	exposition_add(out, &family, version, 1);
}

void metrics_write(const struct web_host *host, const struct http_counts *web,
		   struct exposition *out)
{
	const struct summary *all = streams_summary(host->streams, STREAMS_ALL);

	add_build(out);
	add_latency(out, all);
	add_quantiles(out, all);
	add_received(out, host);
	add_distinct(out, host);
	add_rates(out, host, true);
	add_rates(out, host, false);
	add_evictions(out, host);
	add_workers(out, host);
	add_sources(out, host);
	metrics_proxy_write(host, out);
	add_outputs(out, host);
	add_web(out, web);
}
