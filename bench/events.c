/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * What one core of the aggregator does with events: a ring is filled, then the clock runs while the
 * aggregator's own intake empties it, again and again; only the emptying counts. One process, one
 * CPU. Prints events per second for statistics (names of a Zipf distribution, and all distinct),
 * for an output whose filter wants none of them, and for JSON and text lines into a file; and how
 * long the metrics of 64 streams take.
 */
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "aggregator/intake.h"
#include "aggregator/outputs/output.h"
#include "aggregator/stats/streams.h"
#include "aggregator/web/metrics.h"
#include "base/clock.h"
#include "base/log.h"
#include "base/memory.h"
#include "base/random.h"
#include "bench/zipf.h"
#include "ipc/event_codec.h"
#include "ipc/memory.h"
#include "ipc/observation.h"

#define RING_DATA	  (8u << 20)
#define ROUNDS		  5
#define FILLS		  60 /* of the ring, in a round */
#define NAMES		  1000000
#define CLIENTS		  10000
#define STREAMS		  63 /* and the captured one */
#define EVENTS_PER_STREAM 20000

struct bench {
	struct ring_producer producer;
	struct ring_fds producer_fds, consumer_fds;
	struct intake intake;
	struct aggregator_words words;
	struct aggregator_state *state;
	struct streams *streams; /* or */
	struct output *output;
	struct output_host host;
	struct state_watch watch;
	struct zipf *zipf;
	struct random random;
	uint64_t made; /* events */
	bool is_distinct;
};

static int must(int result)
{
	if (result < 0)
		log_fatal("bench: %s", strerror(errno));
	return result;
}

static void open_ring(struct bench *bench)
{
	int head = must(memory_create("head", ring_memory_size(RING_DATA)));
	int tail = must(memory_create("tail", sizeof(struct ring_tail))), bell[2];

	must(pipe2(bell, O_NONBLOCK));
	bench->producer_fds = (struct ring_fds){head, tail, bell[1]};
	bench->consumer_fds = (struct ring_fds){head, tail, bell[0]};
	if (ring_open_producer(&bench->producer, &bench->producer_fds, RING_DATA, RING_PUBLISHED))
		log_fatal("the ring cannot be opened");
}

/* A name of three labels, 20 to 28 octets, that the number decides. */
static uint8_t make_name(uint64_t number, uint8_t *name)
{
	static const char *const ends[] = {"\3com", "\3net", "\3org", "\2de", "\2io"};
	const char *end = ends[number % 5];
	int length = snprintf((char *)name + 1, 16, "h%" PRIx64, number);
	uint8_t at = (uint8_t)(length + 1);

	name[0] = (uint8_t)length;
	length = snprintf((char *)name + at + 1, 24, "site-%" PRIu64, number % 50021);
	name[at] = (uint8_t)length;
	at = (uint8_t)(at + length + 1);
	memcpy(name + at, end, strlen(end) + 1);
	return (uint8_t)(at + strlen(end) + 1);
}

static void make_event(struct bench *bench, struct event *event, uint8_t *name)
{
	uint64_t chance = random_next(&bench->random);
	uint64_t number = bench->is_distinct ? UINT64_C(1) << 40 | bench->made
					     : zipf_draw(bench->zipf, &bench->random);
	uint32_t client = (uint32_t)(chance % CLIENTS);

	*event = (struct event){
		.time_ns = INT64_C(1700000000000000000) + (int64_t)bench->made * 1000,
		.latency_ns = chance & 1 ? EVENT_NO_LATENCY : (int64_t)(chance >> 40),
		.query_address = {{10, 0, (uint8_t)(client >> 8), (uint8_t)client}, 4},
		.response_address = {{192, 0, 2, 53}, 4},
		.query_port = (uint16_t)(chance >> 16),
		.response_port = 53,
		.id = (uint16_t)(chance >> 32),
		.flags = chance & 1 ? 0x0100 : 0x8180,
		.rcode = chance % 10 == 0 ? 3 : 0,
		.type = chance & 2 ? 1 : 28,
		.class = 1,
		.kind = chance & 1 ? EVENT_CLIENT_QUERY : EVENT_CLIENT_RESPONSE,
		.protocol = EVENT_UDP,
		.length = chance & 1 ? 45 : 77,
		.qname = {name, make_name(number, name)},
		.identity = {(const uint8_t *)"resolver1", 9},
	};
	bench->made++;
}

static uint64_t fill(struct bench *bench)
{
	uint8_t name[64], *out;
	struct event event;
	uint64_t count = 0;
	uint32_t length;

	for (;;) {
		make_event(bench, &event, name);
		length = event_encoded_length(&event);
		out = ring_reserve(&bench->producer, length);
		if (!out)
			break;
		event_encode(&event, out);
		ring_finish(&bench->producer, length);
		count++;
	}
	ring_publish(&bench->producer);
	return count;
}

static void take(void *argument, struct event *event)
{
	struct bench *bench = argument;

	if (bench->streams)
		streams_count_event(bench->streams, event);
	else
		output_take(bench->output, event);
}

static bool has_room(void *argument)
{
	(void)argument;
	return true;
}

static void commit(void *argument)
{
	struct bench *bench = argument;

	aggregator_state_commit(bench->state, &bench->words);
}

static void on_taken(void *argument)
{
	struct bench *bench = argument;

	commit(bench);
	if (bench->output)
		output_flush(bench->output);
}

static const struct intake_ops intake_ops = {take, has_room, on_taken};

/* The file is emptied between fills: memory is not what is measured. */
static void empty_file(struct bench *bench)
{
	if (bench->output && *bench->output->config->path &&
	    truncate(bench->output->config->path, 0) == 0)
		bench->output->account->file_length = 0;
}

static double round_rate(struct bench *bench)
{
	uint64_t count = 0;
	int64_t spent_ns = 0, begun_ns;

	for (int i = 0; i < FILLS; i++) {
		count += fill(bench);
		begun_ns = clock_monotonic_ns();
		while (intake_turn(&bench->intake) || !intake_is_empty(&bench->intake))
			;
		if (bench->streams)
			streams_settle(bench->streams);
		spent_ns += clock_monotonic_ns() - begun_ns;
		empty_file(bench);
	}
	return (double)count * NANOSECONDS_PER_SECOND / (double)spent_ns;
}

static int by_value(const void *a, const void *b)
{
	double difference = *(const double *)a - *(const double *)b;

	return (difference > 0) - (difference < 0);
}

static void measure(struct bench *bench, const char *name)
{
	double rates[ROUNDS];

	round_rate(bench);
	for (int i = 0; i < ROUNDS; i++)
		rates[i] = round_rate(bench);
	qsort(rates, ROUNDS, sizeof(rates[0]), by_value);
	printf("%s %.0f events/s\n", name, rates[ROUNDS / 2]);
}

static void begin(struct bench *bench)
{
	bench->state = mmap(NULL, sizeof(*bench->state), PROT_READ | PROT_WRITE,
			    MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	aggregator_state_attach(bench->state, &bench->words);
	intake_init(&bench->intake, NULL, &intake_ops, bench);
	if (intake_add(&bench->intake, 0, &bench->consumer_fds, RING_DATA,
		       &bench->words.sources[0]))
		log_fatal("the ring cannot be opened");
}

static void end(struct bench *bench)
{
	intake_fini(&bench->intake);
	munmap(bench->state, sizeof(*bench->state));
	memset(&bench->words, 0, sizeof(bench->words));
}

static void measure_statistics(struct bench *bench, const struct config *config, const char *name)
{
	size_t bytes = observation_shard_size(config);
	struct streams_parts parts = {.config = config,
				      .key = {{1, 2}},
				      .suffixes =
					      observation_suffixes(config->statistics.suffix_list),
				      .captured = "none",
				      .watches = {&bench->watch}};

	begin(bench);
	parts.state = bench->state;
	parts.memory = mmap(NULL, bytes, PROT_READ | PROT_WRITE,
			    MAP_SHARED | MAP_ANONYMOUS | MAP_POPULATE, -1, 0);
	bench->streams = streams_new(&parts);
	measure(bench, name);
	streams_free(bench->streams);
	bench->streams = NULL;
	munmap(parts.memory, bytes);
	end(bench);
}

static void ask(void *argument, enum lend what, uint32_t output_index)
{
	struct bench *bench = argument;
	int fd = open(bench->output->config->path, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0600);

	(void)output_index;
	bench->output->ops->lent(bench->output, what, fd, strerror(errno));
}

static void measure_output(struct bench *bench, const struct config_output *config,
			   const char *name)
{
	static char error[CONFIG_ERROR_MAX];
	static struct output output;
	struct hash_key key = {{3, 4}};
	int queue_fd = must(memory_create("queue", (size_t)config->queue_mib << 20));

	begin(bench);
	bench->host = (struct output_host){
		.loop = loop_new(), .commit = commit, .ask = ask, .argument = bench};
	bench->output = &output;
	if (!output_open(&output, 0, config, &bench->host, &bench->words.outputs[0], queue_fd, -1,
			 &key, error))
		log_fatal("%s", error);
	output.ops->start(&output);
	measure(bench, name);
	if (output.account->dropped_full || output.account->queued)
		log_fatal("%s: the output did not keep up", name);
	output_close(&output);
	bench->output = NULL;
	close(queue_fd);
	unlink(config->path);
	end(bench);
}

static struct config_output file_output(enum output_format format, const char *directory)
{
	struct config_output output = config_output_default;

	output.kind = OUTPUT_FILE;
	output.format = format;
	snprintf(output.name, sizeof(output.name), "bench");
	snprintf(output.path, sizeof(output.path), "%s/events.%d", directory, (int)getpid());
	return output;
}

/* Streams of other servers in turn, so that each has its names. */
static void fill_streams(struct bench *bench, struct streams *streams)
{
	char identity[16];
	uint8_t name[64];
	struct event event;

	for (uint32_t i = 0; i < STREAMS * EVENTS_PER_STREAM; i++) {
		make_event(bench, &event, name);
		snprintf(identity, sizeof(identity), "resolver%u", i % STREAMS);
		event.identity = (struct slice){(const uint8_t *)identity, strlen(identity)};
		streams_count_event(streams, &event);
	}
	streams_settle(streams);
}

/* The slowest of several scrapes, the first included; none finds summaries that were made before.
 */
static void measure_metrics(struct bench *bench)
{
	static struct config config;
	static struct http_counts web;
	static char text[4 << 20];
	struct streams_parts parts = {
		.config = &config, .key = {{1, 2}}, .captured = "none", .watches = {&bench->watch}};
	struct web_host host = {.config = &config, .words = &bench->words};
	struct exposition out;
	double worst_ms = 0;

	config = config_default;
	config.statistics.streams = STREAMS;
	config.statistics.names = config.statistics.domains = config.statistics.clients = 4096;
	parts.suffixes = observation_suffixes(config.statistics.suffix_list);
	parts.state = mmap(NULL, sizeof(*parts.state), PROT_READ | PROT_WRITE,
			   MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	parts.memory = mmap(NULL, STREAMS * observation_shard_size(&config), PROT_READ | PROT_WRITE,
			    MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	host.streams = streams_new(&parts);
	fill_streams(bench, host.streams);
	for (int i = 0; i < ROUNDS; i++) {
		int64_t begun_ns = clock_monotonic_ns();

		streams_renew(host.streams);
		exposition_init(&out, EXPOSITION_TEXT, text, sizeof(text));
		metrics_write(&host, &web, &out);
		worst_ms = fmax(worst_ms, (double)(clock_monotonic_ns() - begun_ns) / 1e6);
	}
	streams_free(host.streams);
	printf("metrics_64_streams_ms %.1f ms\n", worst_ms);
}

/* bench/events DIRECTORY, in a tmpfs. */
int main(int argc, char **argv)
{
	static struct bench bench;
	static struct config config;
	struct config_output output;

	if (argc != 2)
		log_fatal("usage: events DIRECTORY");
	config = config_default;
	must(random_init(&bench.random));
	bench.zipf = zipf_new(NAMES);
	open_ring(&bench);
	measure_statistics(&bench, &config, "events_zipf_per_second");
	bench.is_distinct = true;
	measure_statistics(&bench, &config, "events_unique_per_second");
	bench.is_distinct = false;
	output = file_output(OUTPUT_JSON, argv[1]);
	strcpy(output.filter.name, "nowhere.example");
	measure_output(&bench, &output, "events_filtered_per_second");
	*output.filter.name = '\0';
	measure_output(&bench, &output, "json_lines_per_second");
	output = file_output(OUTPUT_TEXT, argv[1]);
	measure_output(&bench, &output, "text_lines_per_second");
	measure_metrics(&bench);
	return 0;
}
