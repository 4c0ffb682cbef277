/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Many more names and clients than there is memory for, through a ring into the aggregator's own
 * statistics: half of the events have a name of Zipf's law over a million, half one that was never
 * seen. Prints resident memory, how many of the true top 100 names are found, and by how much the
 * numbers of distinct names and clients are wrong.
 */
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

#include "aggregator/intake.h"
#include "aggregator/stats/streams.h"
#include "base/log.h"
#include "base/memory.h"
#include "bench/zipf.h"
#include "ipc/event_codec.h"
#include "ipc/memory.h"
#include "ipc/observation.h"

#define RING_DATA (8u << 20)
#define NAMES	  1000000
#define TOP	  100
#define BATCH	  256 /* events that are published together */

struct rig {
	struct intake intake;
	struct aggregator_state *state;
	struct aggregator_words words;
	struct streams *streams;
	struct state_watch watch;
	uint64_t taken;
};

static int must(int result)
{
	if (result < 0)
		log_fatal("cardinality: %s", strerror(errno));
	return result;
}

static void make_name(char prefix, uint64_t number, uint8_t *name, struct slice *slice)
{
	int length = snprintf((char *)name + 1, 24, "%c%" PRIx64, prefix, number);

	name[0] = (uint8_t)length;
	memcpy(name + length + 1, "\7example\3com", 13);
	*slice = (struct slice){name, (size_t)length + 14};
}

/* Event i: even ones by Zipf's law, odd ones unique; clients go round. *names: how many different
 * ones there were. */
static void produce(const struct ring_fds *fds, uint64_t events, uint64_t clients, uint64_t *names)
{
	static bool is_drawn[NAMES];
	static struct ring_producer ring;
	struct zipf *zipf = zipf_new(NAMES);
	struct random random;
	uint8_t name[64], *out;

	must(random_init(&random));
	if (ring_open_producer(&ring, fds, RING_DATA, RING_PUBLISHED))
		log_fatal("the ring cannot be opened");
	for (uint64_t i = 0; i < events; i++) {
		uint64_t client = i % clients;
		struct event event = {
			.time_ns = (int64_t)i * 1000,
			.latency_ns = EVENT_NO_LATENCY,
			.query_address = {{10, (uint8_t)(client >> 16), (uint8_t)(client >> 8),
					   (uint8_t)client},
					  4},
			.type = 1,
			.class = 1,
			.kind = EVENT_CLIENT_QUERY,
			.protocol = EVENT_UDP,
			.length = 40,
			.identity = {(const uint8_t *)"other", 5},
		};
		uint32_t length, rank;

		if (i % 2) {
			make_name('u', i, name, &event.qname);
			++*names;
		} else {
			rank = zipf_draw(zipf, &random);
			make_name('z', rank, name, &event.qname);
			*names += !is_drawn[rank];
			is_drawn[rank] = true;
		}
		length = event_encoded_length(&event);
		while (!(out = ring_reserve(&ring, length))) {
			ring_publish(&ring);
			usleep(100);
		}
		event_encode(&event, out);
		ring_finish(&ring, length);
		if (i % BATCH == 0)
			ring_publish(&ring);
	}
	ring_publish(&ring);
	exit(0);
}

static void take(void *argument, struct event *event)
{
	struct rig *rig = argument;

	streams_count_event(rig->streams, event);
	rig->taken++;
}

static bool has_room(void *argument)
{
	(void)argument;
	return true;
}

static void commit(void *argument)
{
	struct rig *rig = argument;

	aggregator_state_commit(rig->state, &rig->words);
}

static double resident_mib(void)
{
	FILE *status = fopen("/proc/self/status", "r");
	char line[256];
	unsigned long kib = 0;

	while (status && fgets(line, sizeof(line), status))
		sscanf(line, "VmRSS: %lu", &kib);
	if (status)
		fclose(status);
	return (double)kib / 1024;
}

static int recall(struct rig *rig)
{
	static struct summary_item items[TOP];
	const struct summary *summary = streams_summary(rig->streams, STREAMS_ALL);
	int count = summary_table(summary, SUMMARY_DOMAINS, "hit/query", items, TOP), found = 0;
	unsigned int rank;

	for (int i = 0; i < count; i++)
		found += sscanf(items[i].text, "z%x.example.com.", &rank) == 1 && rank < TOP;
	return found;
}

static double error_percent(struct rig *rig, const char *name, uint64_t truth)
{
	uint64_t value = 0;
	double error;

	streams_counter(rig->streams, STREAMS_ALL, name, &value);
	error = 100.0 * ((double)value - (double)truth) / (double)truth;
	return error < 0 ? -error : error;
}

/* cardinality EVENTS CLIENTS */
int main(int argc, char **argv)
{
	static const struct intake_ops ops = {take, has_room, commit};
	static struct rig rig;
	static struct config config;
	uint64_t events = argc > 1 ? strtoull(argv[1], NULL, 10) : 100000000;
	uint64_t clients = argc > 2 ? strtoull(argv[2], NULL, 10) : 10000000;
	int head = must(memory_create("head", ring_memory_size(RING_DATA)));
	int tail = must(memory_create("tail", sizeof(struct ring_tail))), bell[2];
	struct streams_parts parts = {
		.config = &config, .captured = "none", .watches = {&rig.watch}};
	double names, addresses;
	uint64_t *drawn;
	size_t bytes;

	config = config_default;
	must(pipe2(bell, O_NONBLOCK));
	drawn = mmap(NULL, sizeof(*drawn), PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1,
		     0);
	if (drawn == MAP_FAILED)
		log_fatal("cardinality: %s", strerror(errno));
	if (fork() == 0)
		produce(&(struct ring_fds){head, tail, bell[1]}, events, clients, drawn);
	must(random_secret(&parts.key, sizeof(parts.key)));
	rig.state = mmap(NULL, sizeof(*rig.state), PROT_READ | PROT_WRITE,
			 MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	aggregator_state_attach(rig.state, &rig.words);
	bytes = observation_shard_size(&config);
	parts.state = rig.state;
	parts.suffixes = observation_suffixes(config.statistics.suffix_list);
	parts.memory = mmap(NULL, bytes, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	rig.streams = streams_new(&parts);
	intake_init(&rig.intake, NULL, &ops, &rig);
	if (intake_add(&rig.intake, 0, &(struct ring_fds){head, tail, bell[0]}, RING_DATA,
		       &rig.words.sources[0]))
		log_fatal("the ring cannot be opened");
	while (rig.taken < events)
		if (!intake_turn(&rig.intake))
			usleep(100);
	streams_settle(rig.streams);
	wait(NULL);
	names = error_percent(&rig, "domains", *drawn);
	addresses = error_percent(&rig, "clients", events < clients ? events : clients);
	printf("top100_recall_percent %d %%\n", recall(&rig));
	printf("distinct_error_percent %.2f %%\n", names > addresses ? names : addresses);
	printf("cardinality_rss_mib %.1f MiB\n", resident_mib());
	return 0;
}
