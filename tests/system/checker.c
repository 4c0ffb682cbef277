/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * The one judge of what dnsflow exports: takes datagrams from a socket or from -w files and holds
 * them against the numbered messages that were sent (--expect), or against a list of record lines
 * (--expect-file, as a multiset). Exit status: 0 all is clean, 1 something is not, 2 the receiver
 * itself lost datagrams, so that nothing can be said.
 */
#include <errno.h>
#include <getopt.h>
#include <poll.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/cursor.h"
#include "base/log.h"
#include "base/memory.h"
#include "dns/name.h"
#include "net/address.h"
#include "pcap/savefile.h"
#include "record/reader.h"
#include "tests/lib/file.h"
#include "tests/lib/lines.h"
#include "tests/lib/numbered.h"
#include "tests/lib/sockets.h"

#define BATCH	       64
#define DATAGRAM_MAX   16384
#define POLL_MS	       20
#define FIRST_SECONDS  30 /* patience before any record has come */
#define EXAMPLES       10
#define EXAMPLE_MAX    200
#define SOURCES_MAX    256
#define SEQUENCE_LIMIT (1u << 28)

enum finding {
	MISSING,
	EXTRA,
	DUPLICATE,
	MISPLACED,
	SEQUENCE_GAPS,
	SEQUENCE_REPEATS,
	BAD_DATAGRAMS,
	FINDING_COUNT
};

static const char *const finding_names[] = {"missing",	    "extra",	     "duplicate",
					    "misplaced",    "sequence_gaps", "sequence_repeats",
					    "bad_datagrams"};

/* An exporter: one sequence of datagrams, and with --workers one share of the clients. */
struct source {
	struct endpoint from;
	uint8_t *seen; /* bit set of sequence numbers */
	uint32_t room;
	uint32_t highest;
	int64_t share; /* of its first record, -1 before */
};

struct options {
	const char *listen;
	const char *lines_path;
	uint32_t run;
	uint32_t first;
	uint32_t expect;
	uint32_t workers;
	bool is_prefix;
	double idle;
	double settle;
};

struct checker {
	struct options options;
	uint8_t *numbers; /* bit set of those received */
	struct lines lines;
	uint64_t expected;
	uint64_t matched;    /* of those expected */
	uint32_t number_end; /* behind the highest one received */
	uint64_t received;
	uint64_t datagrams;
	uint64_t stats_datagrams;
	uint64_t receiver_drops;
	struct source sources[SOURCES_MAX];
	uint32_t source_count;
	struct source *latest;
	uint64_t counts[FINDING_COUNT];
	char examples[FINDING_COUNT][EXAMPLES][EXAMPLE_MAX];
};

static volatile sig_atomic_t is_stopped;

static void on_signal(int number)
{
	(void)number;
	is_stopped = 1;
}

static void report(struct checker *checker, enum finding finding, const char *format, ...)
	__attribute__((format(printf, 3, 4)));

static void report(struct checker *checker, enum finding finding, const char *format, ...)
{
	uint64_t index = checker->counts[finding]++;
	va_list arguments;

	if (index >= EXAMPLES)
		return;
	va_start(arguments, format);
	vsnprintf(checker->examples[finding][index], EXAMPLE_MAX, format, arguments);
	va_end(arguments);
}

/* Sets a bit; false when it was set already. */
static bool bit_set(uint8_t *bits, uint32_t index)
{
	uint8_t mask = (uint8_t)(1u << index % 8);
	bool was_set = bits[index / 8] & mask;

	bits[index / 8] |= mask;
	return !was_set;
}

static bool bit_is_set(const uint8_t *bits, uint32_t index)
{
	return bits[index / 8] >> index % 8 & 1;
}

static struct source *source_find(struct checker *checker, const struct endpoint *from)
{
	struct source *source = checker->latest;

	if (source && source->from.port == from->port &&
	    address_equal(&source->from.address, &from->address))
		return source;
	for (source = checker->sources; source < checker->sources + checker->source_count; source++)
		if (source->from.port == from->port &&
		    address_equal(&source->from.address, &from->address))
			return checker->latest = source;
	if (checker->source_count == SOURCES_MAX)
		log_fatal("more than %d exporters", SOURCES_MAX);
	checker->source_count++;
	source->from = *from;
	source->share = -1;
	return checker->latest = source;
}

static const char *source_name(const struct source *source)
{
	static char text[ENDPOINT_TEXT_MAX];

	return endpoint_format(&source->from, text);
}

static void source_count_datagram(struct checker *checker, struct source *source, uint32_t sequence)
{
	uint32_t room = source->room;

	if (!sequence || sequence > SEQUENCE_LIMIT) {
		report(checker, BAD_DATAGRAMS, "sequence %u from %s", sequence,
		       source_name(source));
		return;
	}
	if (sequence / 8 >= room) {
		source->room = 2 * (sequence / 8 + 512);
		source->seen = realloc(source->seen, source->room);
		if (!source->seen)
			log_fatal("out of memory");
		memset(source->seen + room, 0, source->room - room);
	}
	if (!bit_set(source->seen, sequence))
		report(checker, SEQUENCE_REPEATS, "%u from %s", sequence, source_name(source));
	if (sequence > source->highest)
		source->highest = sequence;
}

/* Sequences start at 1: what is missing below the highest was lost. */
static void source_find_gaps(struct checker *checker, const struct source *source)
{
	for (uint32_t sequence = 1; sequence < source->highest; sequence++)
		if (!bit_is_set(source->seen, sequence))
			report(checker, SEQUENCE_GAPS, "%u from %s", sequence, source_name(source));
}

/* Splits by destination: of the clients of one exporter all IPv4 addresses have one remainder. */
static void check_share(struct checker *checker, const struct record_set *set)
{
	struct source *source = checker->latest;
	char client[ADDRESS_TEXT_MAX];
	int64_t share;

	if (checker->options.workers < 2 || set->client.version != 4)
		return;
	share = be32_load(set->client.bytes) % checker->options.workers;
	if (source->share < 0)
		source->share = share;
	if (source->share != share)
		report(checker, MISPLACED, "client %s of share %ld from %s, which has share %ld",
		       address_format(&set->client, client), share, source_name(source),
		       source->share);
}

static void check_number(struct checker *checker, const struct record_set *set)
{
	const struct options *options = &checker->options;
	char name[DNS_NAME_TEXT_MAX];
	uint32_t run, number;

	if (!set->names_count || !numbered_parse(set->names.data, &run, &number) ||
	    run != options->run || number - options->first >= options->expect) {
		name[0] = '\0';
		if (set->names_count)
			name_format(set->names.data, name);
		report(checker, EXTRA, "%s", name);
	} else if (!bit_set(checker->numbers, number - options->first)) {
		report(checker, DUPLICATE, "r%u-%u", run, number);
	} else {
		checker->matched++;
		if (number - options->first >= checker->number_end)
			checker->number_end = number - options->first + 1;
	}
}

static void check_line(struct checker *checker, const struct record_set *set)
{
	static char text[LINE_TEXT_MAX];
	struct line *line;

	line_format(text, set);
	line = lines_find(&checker->lines, text);
	if (!line)
		report(checker, EXTRA, "%s", text);
	else if (line->seen++ >= line->wanted)
		report(checker, DUPLICATE, "%s", text);
	else
		checker->matched++;
}

static void load_lines(struct checker *checker)
{
	const char *path = checker->options.lines_path;
	int error = lines_load(&checker->lines, path);

	if (error < 0)
		log_fatal("%s: %s", path, strerror(-error));
	checker->expected = checker->lines.wanted;
}

static void take_sets(struct checker *checker, struct record_reader *reader)
{
	enum record_error error;
	struct record_set set;
	bool is_end;

	while ((error = record_reader_next(reader, &set, &is_end)) == RECORD_OK && !is_end) {
		checker->received++;
		check_share(checker, &set);
		if (checker->options.lines_path)
			check_line(checker, &set);
		else
			check_number(checker, &set);
	}
	if (error != RECORD_OK)
		report(checker, BAD_DATAGRAMS, "sequence %u: error %d in a set", reader->sequence,
		       (int)error);
}

static void take_datagram(struct checker *checker, const struct endpoint *from, struct slice bytes)
{
	struct record_reader reader;
	struct record_stats stats;

	checker->datagrams++;
	if (record_reader_open(&reader, bytes) != RECORD_OK || reader.version != RECORD_VERSION) {
		report(checker, BAD_DATAGRAMS, "%zu bytes without a good header", bytes.length);
		return;
	}
	source_count_datagram(checker, source_find(checker, from), reader.sequence);
	if (!record_reader_is_stats(&reader)) {
		take_sets(checker, &reader);
	} else {
		checker->stats_datagrams++;
		if (record_reader_stats(&reader, &stats) != RECORD_OK)
			report(checker, BAD_DATAGRAMS, "sequence %u: bad statistics",
			       reader.sequence);
	}
}

struct receiver {
	int socket;
	struct mmsghdr messages[BATCH];
	struct iovec vectors[BATCH];
	struct sockaddr_storage names[BATCH];
	uint8_t controls[BATCH][CMSG_SPACE(sizeof(uint32_t))];
	uint8_t bytes[BATCH][DATAGRAM_MAX];
};

static void receiver_init(struct receiver *receiver, const char *listen)
{
	int yes = 1;

	receiver->socket = udp_bind(listen);
	if (receiver->socket < 0)
		log_fatal("%s: %s", listen, strerror(-receiver->socket));
	if (setsockopt(receiver->socket, SOL_SOCKET, SO_RXQ_OVFL, &yes, sizeof(yes)) < 0)
		log_fatal("SO_RXQ_OVFL: %s", strerror(errno));
	for (int i = 0; i < BATCH; i++)
		receiver->vectors[i] = (struct iovec){receiver->bytes[i], DATAGRAM_MAX};
}

/* The kernel's count of what it dropped on this socket comes with each datagram, cumulative. */
static uint32_t drops_of(struct msghdr *header)
{
	struct cmsghdr *control = CMSG_FIRSTHDR(header);
	uint32_t drops = 0;

	if (control && control->cmsg_type == SO_RXQ_OVFL)
		memcpy(&drops, CMSG_DATA(control), sizeof(drops));
	return drops;
}

/* Takes what is there; returns whether there was any data, as statistics come without end. */
static bool receive(struct checker *checker, struct receiver *receiver)
{
	uint64_t received = checker->received;
	struct endpoint from;
	int count;

	for (int i = 0; i < BATCH; i++)
		receiver->messages[i].msg_hdr = (struct msghdr){
			.msg_name = &receiver->names[i],
			.msg_namelen = sizeof(receiver->names[i]),
			.msg_iov = &receiver->vectors[i],
			.msg_iovlen = 1,
			.msg_control = receiver->controls[i],
			.msg_controllen = sizeof(receiver->controls[i]),
		};
	count = recvmmsg(receiver->socket, receiver->messages, BATCH, MSG_DONTWAIT, NULL);
	for (int i = 0; i < count; i++) {
		struct mmsghdr *message = &receiver->messages[i];
		uint32_t drops = drops_of(&message->msg_hdr);

		if (drops > checker->receiver_drops)
			checker->receiver_drops = drops;
		if (endpoint_from_sockaddr(&receiver->names[i], &from))
			take_datagram(checker, &from,
				      (struct slice){receiver->bytes[i], message->msg_len});
	}
	return checker->received > received;
}

static void run_live(struct checker *checker, const char *listen)
{
	struct receiver *receiver = xcalloc(1, sizeof(*receiver));
	const struct options *options = &checker->options;
	struct pollfd wait = {.events = POLLIN};
	int64_t latest_ns = clock_monotonic_ns();

	receiver_init(receiver, listen);
	wait.fd = receiver->socket;
	log_info("ready");
	while (!is_stopped) {
		bool is_complete = checker->expected && checker->matched == checker->expected;
		double limit = checker->received ? options->idle : FIRST_SECONDS;

		poll(&wait, 1, POLL_MS);
		if (receive(checker, receiver))
			latest_ns = clock_monotonic_ns();
		if (is_complete)
			limit = options->settle;
		if ((double)(clock_monotonic_ns() - latest_ns) / 1e9 > limit)
			break;
	}
	while (receive(checker, receiver))
		;
	close(receiver->socket);
	free(receiver);
}

/* A -w file is one exporter; its frames have 32 bytes in front of the datagram. */
static void run_file(struct checker *checker, const char *path, uint16_t index)
{
	struct endpoint from = {.address = {.version = 4}, .port = index};
	uint64_t offset = SAVEFILE_HEADER_SIZE;
	enum savefile_result result;
	struct savefile_record record;
	struct savefile file;
	struct slice bytes;
	int error = file_map(path, &bytes);

	if (error < 0)
		log_fatal("%s: %s", path, strerror(-error));
	if (savefile_open(&file, bytes) != SAVEFILE_OK)
		log_fatal("%s: not a pcap file", path);
	while ((result = savefile_next(&file, &offset, &record)) == SAVEFILE_OK) {
		if (record.frame.length < SAVEFILE_DATAGRAM_HEAD) {
			report(checker, BAD_DATAGRAMS, "%s: a frame of %zu bytes", path,
			       record.frame.length);
			continue;
		}
		record.frame.data += SAVEFILE_DATAGRAM_HEAD;
		record.frame.length -= SAVEFILE_DATAGRAM_HEAD;
		take_datagram(checker, &from, record.frame);
	}
	if (result != SAVEFILE_END)
		report(checker, BAD_DATAGRAMS, "%s: damaged", path);
	munmap((void *)(uintptr_t)bytes.data, bytes.length);
}

static void find_missing(struct checker *checker)
{
	const struct options *options = &checker->options;
	uint32_t end = options->is_prefix ? checker->number_end : options->expect;

	for (uint32_t i = 0; i < end; i++)
		if (!bit_is_set(checker->numbers, i))
			report(checker, MISSING, "r%u-%u", options->run, options->first + i);
	for (size_t i = 0; i < checker->lines.count; i++)
		for (uint32_t n = checker->lines.line[i].seen; n < checker->lines.line[i].wanted;
		     n++)
			report(checker, MISSING, "%s", checker->lines.line[i].text);
	for (uint32_t i = 0; i < checker->source_count; i++)
		source_find_gaps(checker, &checker->sources[i]);
}

/* Returns the exit status. */
static int print_verdict(const struct checker *checker)
{
	uint64_t all = 0;

	printf("expected %lu\nreceived %lu\n", checker->expected, checker->received);
	for (int f = 0; f < FINDING_COUNT; f++) {
		printf("%s %lu\n", finding_names[f], checker->counts[f]);
		all += checker->counts[f];
	}
	printf("exporters %u\ndatagrams %lu\nstats_datagrams %lu\nreceiver_drops %lu\n",
	       checker->source_count, checker->datagrams, checker->stats_datagrams,
	       checker->receiver_drops);
	for (int f = 0; f < FINDING_COUNT; f++)
		for (uint64_t i = 0; i < EXAMPLES && i < checker->counts[f]; i++)
			printf("# %s: %s\n", finding_names[f], checker->examples[f][i]);
	if (checker->receiver_drops) {
		printf("void\n");
		return 2;
	}
	return all ? 1 : 0;
}

static void usage(void)
{
	fprintf(stderr,
		"usage: checker --listen address:port [--idle s] [--settle s] EXPECTATION\n"
		"       checker EXPECTATION export.pcap...\n"
		"EXPECTATION: --expect N [--run R] [--first N] | --expect-file records\n"
		"             [--prefix]     the sender was stopped: only gaps are missing\n"
		"             [--workers N]  one share of the IPv4 clients from each exporter\n");
	exit(1);
}

static struct options options_parse(int argc, char **argv)
{
	static const struct option longs[] = {{"listen", required_argument, NULL, 'l'},
					      {"expect", required_argument, NULL, 'e'},
					      {"run", required_argument, NULL, 'r'},
					      {"first", required_argument, NULL, 'f'},
					      {"idle", required_argument, NULL, 'i'},
					      {"settle", required_argument, NULL, 's'},
					      {"workers", required_argument, NULL, 'w'},
					      {"expect-file", required_argument, NULL, 'E'},
					      {"prefix", no_argument, NULL, 'p'},
					      {0}};
	struct options o = {.run = 1, .idle = 5, .settle = 0.3};
	int c;

	while ((c = getopt_long(argc, argv, "", longs, NULL)) != -1) {
		const char *value = optarg ? optarg : "";
		uint32_t number = (uint32_t)strtoul(value, NULL, 0);

		if (c == 'l')
			o.listen = optarg;
		else if (c == 'e')
			o.expect = number;
		else if (c == 'E')
			o.lines_path = optarg;
		else if (c == 'r')
			o.run = number;
		else if (c == 'f')
			o.first = number;
		else if (c == 'w')
			o.workers = number;
		else if (c == 'p')
			o.is_prefix = true;
		else if (c == 'i')
			o.idle = strtod(value, NULL);
		else if (c == 's')
			o.settle = strtod(value, NULL);
		else
			usage();
	}
	if (!o.listen == (optind == argc) || !o.expect == !o.lines_path)
		usage();
	return o;
}

int main(int argc, char **argv)
{
	struct checker *checker = xcalloc(1, sizeof(*checker));
	int status;

	log_set_role("checker");
	signal(SIGINT, on_signal);
	signal(SIGTERM, on_signal);
	checker->options = options_parse(argc, argv);
	checker->expected = checker->options.expect;
	checker->numbers = xcalloc(checker->options.expect / 8 + 1, 1);
	if (checker->options.lines_path)
		load_lines(checker);
	if (checker->options.listen)
		run_live(checker, checker->options.listen);
	for (int i = optind; i < argc; i++)
		run_file(checker, argv[i], (uint16_t)(i - optind));
	find_missing(checker);
	status = print_verdict(checker);
	for (uint32_t i = 0; i < checker->source_count; i++)
		free(checker->sources[i].seen);
	lines_fini(&checker->lines);
	free(checker->numbers);
	free(checker);
	return status;
}
