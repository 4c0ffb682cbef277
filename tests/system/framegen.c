/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Writes a capture of numbered responses over every path that a packet can take through the
 * decoder, and the records that must come out of it, one line each as in tests/lib/lines.h.
 */
#include <errno.h>
#include <getopt.h>
#include <netinet/in.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <pcap/dlt.h>

#include "base/clock.h"
#include "base/cursor.h"
#include "base/log.h"
#include "base/memory.h"
#include "net/address.h"
#include "pcap/savefile.h"
#include "tests/lib/build.h"
#include "tests/lib/numbered.h"

#define RESOLVER4  "192.0.2.53"
#define RESOLVER6  "2001:db8:53::53"
#define OUTER4	   "203.0.113.1", "203.0.113.2"
#define OUTER6	   "2001:db8:f::1", "2001:db8:f::2"
#define START_NS   (INT64_C(1767225600) * NANOSECONDS_PER_SECOND) /* 2026-01-01 */
#define SPACING_NS 10000
#define PIECE	   400	/* of a fragmented datagram: a multiple of 8 */
#define LARGE	   1000 /* bytes of TXT that make a message of three pieces */
#define MESSAGES   20	/* of one TCP connection */
#define STREAM_MAX (MESSAGES * 1024)

enum { TCP_SYN = 2, TCP_ACK = 16, TCP_PUSH = 24 };

struct options {
	const char *path;
	const char *lines_path;
	const char *only;
	uint32_t count;
	uint32_t run;
	uint32_t first;
	uint16_t pcap_port;
	uint16_t jmirror_port;
};

struct generator {
	struct options options;
	FILE *capture;
	FILE *lines;
	int64_t time_ns;
	uint32_t number;
	const char *resolver;
	char client[ADDRESS_TEXT_MAX];
	struct reply_writer reply;
	struct build build;
};

static void emit(struct generator *g)
{
	struct slice frame = build_frame(&g->build);
	uint8_t record[SAVEFILE_RECORD_SIZE];

	savefile_record_encode(record, g->time_ns += SPACING_NS, (uint32_t)frame.length,
			       (uint32_t)frame.length);
	fwrite(record, sizeof(record), 1, g->capture);
	fwrite(frame.data, frame.length, 1, g->capture);
}

static void next_client(struct generator *g, int version)
{
	g->resolver = version == 4 ? RESOLVER4 : RESOLVER6;
	if (version == 4)
		snprintf(g->client, sizeof(g->client), "10.%u.%u.%u", g->number >> 16 & 0xff,
			 g->number >> 8 & 0xff, g->number & 0xff);
	else
		snprintf(g->client, sizeof(g->client), "2001:db8:c::%x", 1 + g->number % 0xffff);
}

static void next_message(struct generator *g, uint32_t fill)
{
	char text[NUMBERED_TEXT_MAX];

	numbered_response(&g->reply, g->options.run, g->number, fill);
	numbered_describe(text, g->options.run, g->number);
	fprintf(g->lines, "%s|%s|%s\n", g->resolver, g->client, text);
	g->number++;
}

static void start_udp(struct generator *g, int version, uint32_t fill)
{
	next_client(g, version);
	next_message(g, fill);
	build_start(&g->build, g->reply.bytes, g->reply.length);
	build_udp(&g->build, 53, (uint16_t)(1024 + g->number % 60000));
}

static void start_packet(struct generator *g, int version)
{
	start_udp(g, version, 0);
	build_ip(&g->build, g->resolver, g->client);
}

static void emit_ethernet(struct generator *g)
{
	build_ethernet(&g->build);
	emit(g);
}

static void untagged(struct generator *g, int version)
{
	start_packet(g, version);
	emit_ethernet(g);
}

static void padded(struct generator *g, int version)
{
	start_packet(g, version);
	build_pad(&g->build, 18);
	emit_ethernet(g);
}

static void unsummed(struct generator *g, int version)
{
	start_udp(g, version, 0);
	build_zero_checksum(&g->build);
	build_ip(&g->build, g->resolver, g->client);
	emit_ethernet(g);
}

static void vlan(struct generator *g, int version)
{
	start_packet(g, version);
	build_vlan(&g->build, 0x8100, 100);
	emit_ethernet(g);
}

static void qinq(struct generator *g, int version)
{
	start_packet(g, version);
	build_vlan(&g->build, 0x8100, 100);
	build_vlan(&g->build, 0x88a8, 200);
	emit_ethernet(g);
}

static void mpls(struct generator *g, int version)
{
	start_packet(g, version);
	build_mpls(&g->build, 16);
	build_mpls(&g->build, 17);
	emit_ethernet(g);
}

static void pppoe(struct generator *g, int version)
{
	start_packet(g, version);
	build_pppoe(&g->build);
	build_vlan(&g->build, 0x8100, 7);
	emit_ethernet(g);
}

/* Four NOPs between the IPv4 header and the datagram; the header checksum stays right. */
static void ipv4_options(struct generator *g, int version)
{
	struct build *b = &g->build;
	uint32_t sum = 0;
	uint8_t *h;

	start_packet(g, version);
	h = b->room + b->start - 4;
	memmove(h, h + 4, 20);
	memset(h + 20, 1, 4);
	b->start -= 4;
	h[0] = 4 << 4 | 6;
	be16_store(h + 2, (uint16_t)(be16_load(h + 2) + 4));
	be16_store(h + 10, 0);
	for (int i = 0; i < 24; i += 2)
		sum += be16_load(h + i);
	sum = (sum & 0xffff) + (sum >> 16);
	be16_store(h + 10, (uint16_t) ~((sum & 0xffff) + (sum >> 16)));
	emit_ethernet(g);
}

static void ipv6_extensions(struct generator *g, int version)
{
	start_udp(g, version, 0);
	build_extension(&g->build, IPPROTO_DSTOPTS, 16);
	build_extension(&g->build, IPPROTO_HOPOPTS, 8);
	build_ip(&g->build, g->resolver, g->client);
	emit_ethernet(g);
}

static void emit_pieces(struct generator *g, const uint8_t *order)
{
	static struct build whole;
	size_t length;

	whole = g->build;
	length = build_frame(&whole).length;
	for (int i = 0; i < 3; i++) {
		size_t offset = (size_t)order[i] * PIECE;
		bool is_last = order[i] == 2;

		g->build = whole;
		build_fragment(&g->build, g->resolver, g->client, g->number, offset,
			       is_last ? length - offset : PIECE, !is_last);
		emit_ethernet(g);
	}
}

static void fragments(struct generator *g, int version)
{
	start_udp(g, version, LARGE);
	emit_pieces(g, (const uint8_t[]){0, 1, 2});
}

static void fragments_mixed(struct generator *g, int version)
{
	static const uint8_t orders[][3] = {{2, 1, 0}, {1, 0, 2}, {0, 2, 1}, {2, 0, 1}, {1, 2, 0}};

	start_udp(g, version, LARGE);
	emit_pieces(g, orders[g->number % 5]);
}

struct stream {
	size_t length;
	size_t starts[MESSAGES + 1]; /* of messages, and the end */
	uint16_t port;
	uint32_t sequence; /* of the first byte: close to the wrap */
	uint8_t bytes[STREAM_MAX];
};

static void stream_start(struct generator *g, struct stream *stream, int version)
{
	next_client(g, version);
	stream->length = 0;
	stream->port = (uint16_t)(1024 + g->number % 60000);
	stream->sequence = 0xffffff00 - g->number;
	for (int i = 0; i < MESSAGES; i++) {
		stream->starts[i] = stream->length;
		next_message(g, 0);
		be16_store(stream->bytes + stream->length, (uint16_t)g->reply.length);
		memcpy(stream->bytes + stream->length + 2, g->reply.bytes, g->reply.length);
		stream->length += 2 + g->reply.length;
	}
	stream->starts[MESSAGES] = stream->length;
}

static void emit_segment(struct generator *g, const struct stream *stream, size_t start, size_t end,
			 uint8_t flags)
{
	uint32_t sequence = stream->sequence + (uint32_t)start - (flags & TCP_SYN ? 1 : 0);

	end = end < stream->length ? end : stream->length;
	build_start(&g->build, stream->bytes + start, end - start);
	build_tcp(&g->build, 53, stream->port, sequence, flags);
	build_ip(&g->build, g->resolver, g->client);
	emit_ethernet(g);
}

static void emit_syn(struct generator *g, const struct stream *stream)
{
	emit_segment(g, stream, 0, 0, TCP_SYN | TCP_ACK);
}

static void tcp(struct generator *g, int version)
{
	struct stream stream;

	stream_start(g, &stream, version);
	emit_syn(g, &stream);
	for (int i = 0; i < MESSAGES; i++)
		emit_segment(g, &stream, stream.starts[i], stream.starts[i + 1], TCP_PUSH);
}

static void tcp_many(struct generator *g, int version)
{
	struct stream stream;

	stream_start(g, &stream, version);
	emit_syn(g, &stream);
	for (int i = 0; i < MESSAGES; i += 5)
		emit_segment(g, &stream, stream.starts[i], stream.starts[i + 5], TCP_PUSH);
}

static void tcp_split(struct generator *g, int version)
{
	struct stream stream;

	stream_start(g, &stream, version);
	emit_syn(g, &stream);
	for (size_t at = 0; at < stream.length; at += 61)
		emit_segment(g, &stream, at, at + 61, TCP_PUSH);
}

/* Length prefix and message in segments of their own, as some servers write them. */
static void tcp_prefix(struct generator *g, int version)
{
	struct stream stream;

	stream_start(g, &stream, version);
	emit_syn(g, &stream);
	for (int i = 0; i < MESSAGES; i++) {
		emit_segment(g, &stream, stream.starts[i], stream.starts[i] + 2, TCP_ACK);
		emit_segment(g, &stream, stream.starts[i] + 2, stream.starts[i + 1], TCP_PUSH);
	}
}

static void tcp_no_syn(struct generator *g, int version)
{
	struct stream stream;

	stream_start(g, &stream, version);
	for (int i = 0; i < MESSAGES; i += 2)
		emit_segment(g, &stream, stream.starts[i], stream.starts[i + 2], TCP_PUSH);
}

static void tcp_reordered(struct generator *g, int version)
{
	struct stream stream;

	stream_start(g, &stream, version);
	emit_syn(g, &stream);
	for (size_t at = 0; at < stream.length; at += 4 * 100)
		for (size_t i = 4; i-- > 0;)
			if (at + i * 100 < stream.length)
				emit_segment(g, &stream, at + i * 100, at + i * 100 + 100,
					     TCP_PUSH);
}

/* Each segment twice, the second time with bytes of the one before in front. */
static void tcp_repeated(struct generator *g, int version)
{
	struct stream stream;

	stream_start(g, &stream, version);
	emit_syn(g, &stream);
	for (size_t at = 0; at < stream.length; at += 100) {
		emit_segment(g, &stream, at, at + 100, TCP_PUSH);
		emit_segment(g, &stream, at < 30 ? at : at - 30, at + 100, TCP_PUSH);
	}
}

static void tcp_fragments(struct generator *g, int version)
{
	struct stream stream;

	stream_start(g, &stream, version);
	emit_syn(g, &stream);
	build_start(&g->build, stream.bytes, stream.length);
	build_tcp(&g->build, 53, stream.port, stream.sequence, TCP_PUSH);
	emit_pieces(g, (const uint8_t[]){0, 2, 1});
}

static void gre(struct generator *g, int version)
{
	start_packet(g, version);
	build_gre(&g->build, g->number % 2);
	build_ip(&g->build, OUTER4);
	emit_ethernet(g);
}

static void nvgre(struct generator *g, int version)
{
	start_packet(g, version);
	build_vlan(&g->build, 0x8100, 9);
	build_ethernet(&g->build);
	build_gre(&g->build, true);
	build_ip(&g->build, OUTER6);
	emit_ethernet(g);
}

static void erspan(struct generator *g, int version)
{
	start_packet(g, version);
	build_ethernet(&g->build);
	build_erspan(&g->build, 1 + (int)(g->number % 3));
	build_ip(&g->build, OUTER4);
	emit_ethernet(g);
}

static void vxlan(struct generator *g, int version)
{
	start_packet(g, version);
	build_ethernet(&g->build);
	build_vxlan(&g->build);
	build_udp(&g->build, 49152, 4789);
	build_ip(&g->build, OUTER4);
	emit_ethernet(g);
}

static void geneve(struct generator *g, int version)
{
	start_packet(g, version);
	build_ethernet(&g->build);
	build_geneve(&g->build);
	build_udp(&g->build, 49152, 6081);
	build_ip(&g->build, OUTER6);
	emit_ethernet(g);
}

static void gtpu(struct generator *g, int version)
{
	start_packet(g, version);
	build_gtpu(&g->build);
	build_udp(&g->build, 2152, 2152);
	build_ip(&g->build, OUTER4);
	emit_ethernet(g);
}

static void in_ipv4(struct generator *g, int version)
{
	start_packet(g, version);
	build_ip(&g->build, OUTER4);
	emit_ethernet(g);
}

static void in_ipv6(struct generator *g, int version)
{
	start_packet(g, version);
	build_ip(&g->build, OUTER6);
	emit_ethernet(g);
}

static void teredo(struct generator *g, int version)
{
	start_packet(g, version);
	build_teredo(&g->build, g->number % 2);
	build_udp(&g->build, 49152, 3544);
	build_ip(&g->build, OUTER4);
	emit_ethernet(g);
}

static void pcap_record(struct generator *g, int version)
{
	if (!g->options.pcap_port)
		return;
	start_packet(g, version);
	build_pcap_record(&g->build);
	build_udp(&g->build, 49152, g->options.pcap_port);
	build_ip(&g->build, OUTER4);
	emit_ethernet(g);
}

static void jmirror(struct generator *g, int version)
{
	if (!g->options.jmirror_port)
		return;
	start_packet(g, version);
	build_jmirror(&g->build);
	build_udp(&g->build, 49152, g->options.jmirror_port);
	build_ip(&g->build, OUTER4);
	emit_ethernet(g);
}

/* Group: what --only chooses. Versions: those of the innermost packet. */
static const struct path {
	const char *group;
	const char *name;
	void (*make)(struct generator *g, int version);
	bool is_ipv4, is_ipv6;
} paths[] = {
	{"link", "untagged", untagged, true, true},
	{"link", "padded", padded, true, true},
	{"link", "unsummed", unsummed, true, false},
	{"link", "vlan", vlan, true, true},
	{"link", "qinq", qinq, true, true},
	{"link", "mpls", mpls, true, true},
	{"link", "pppoe", pppoe, true, true},
	{"link", "ipv4_options", ipv4_options, true, false},
	{"link", "ipv6_extensions", ipv6_extensions, false, true},
	{"fragments", "fragments", fragments, true, true},
	{"fragments", "fragments_mixed", fragments_mixed, true, true},
	{"tcp", "tcp", tcp, true, true},
	{"tcp", "tcp_many", tcp_many, true, true},
	{"tcp", "tcp_split", tcp_split, true, true},
	{"tcp", "tcp_prefix", tcp_prefix, true, true},
	{"tcp", "tcp_no_syn", tcp_no_syn, true, true},
	{"tcp", "tcp_reordered", tcp_reordered, true, true},
	{"tcp", "tcp_repeated", tcp_repeated, true, true},
	{"tcp", "tcp_fragments", tcp_fragments, true, true},
	{"tunnels", "gre", gre, true, true},
	{"tunnels", "nvgre", nvgre, true, true},
	{"tunnels", "erspan", erspan, true, true},
	{"tunnels", "vxlan", vxlan, true, true},
	{"tunnels", "geneve", geneve, true, true},
	{"tunnels", "gtpu", gtpu, true, true},
	{"tunnels", "in_ipv4", in_ipv4, true, true},
	{"tunnels", "in_ipv6", in_ipv6, true, true},
	{"tunnels", "teredo", teredo, false, true},
	{"mirrors", "pcap_record", pcap_record, true, true},
	{"mirrors", "jmirror", jmirror, true, true},
};

#define PATHS (sizeof(paths) / sizeof(paths[0]))

/* True when word is one of the comma-separated words of list. */
static bool has_word(const char *list, const char *word)
{
	size_t length = strlen(word);

	for (; list; list = strchr(list, ',')) {
		list += *list == ',';
		if (!strncmp(list, word, length) && (!list[length] || list[length] == ','))
			return true;
	}
	return false;
}

static void generate(struct generator *g)
{
	const char *only = g->options.only;
	uint8_t head[SAVEFILE_HEADER_SIZE];

	savefile_header_encode(head, DLT_EN10MB);
	fwrite(head, sizeof(head), 1, g->capture);
	for (const struct path *path = paths; path < paths + PATHS; path++) {
		if (only && !has_word(only, path->group) && !has_word(only, path->name))
			continue;
		for (uint32_t i = 0; i < g->options.count && path->is_ipv4; i++)
			path->make(g, 4);
		for (uint32_t i = 0; i < g->options.count && path->is_ipv6; i++)
			path->make(g, 6);
	}
}

static void usage(void)
{
	fprintf(stderr,
		"usage: framegen -o capture [-e records] [-n times] [--only path,...]\n"
		"                [--run R] [--first N] [--pcap-port P] [--jmirror-port P]\n");
	exit(1);
}

static struct options options_parse(int argc, char **argv)
{
	static const struct option longs[] = {{"only", required_argument, NULL, 'p'},
					      {"run", required_argument, NULL, 'r'},
					      {"first", required_argument, NULL, 'f'},
					      {"pcap-port", required_argument, NULL, 'X'},
					      {"jmirror-port", required_argument, NULL, 'J'},
					      {0}};
	struct options o = {.count = 10, .run = 1};
	int c;

	while ((c = getopt_long(argc, argv, "o:e:n:", longs, NULL)) != -1) {
		uint32_t number = optarg ? (uint32_t)strtoul(optarg, NULL, 0) : 0;

		if (c == 'o')
			o.path = optarg;
		else if (c == 'e')
			o.lines_path = optarg;
		else if (c == 'p')
			o.only = optarg;
		else if (c == 'n')
			o.count = number;
		else if (c == 'r')
			o.run = number;
		else if (c == 'f')
			o.first = number;
		else if (c == 'X')
			o.pcap_port = (uint16_t)number;
		else if (c == 'J')
			o.jmirror_port = (uint16_t)number;
		else
			usage();
	}
	if (!o.path || optind < argc)
		usage();
	return o;
}

static FILE *file_create(const char *path)
{
	FILE *file = fopen(path, "wb");

	if (!file)
		log_fatal("%s: %s", path, strerror(errno));
	return file;
}

int main(int argc, char **argv)
{
	struct generator *g = xcalloc(1, sizeof(*g));
	bool is_failed;

	log_set_role("framegen");
	g->options = options_parse(argc, argv);
	g->number = g->options.first;
	g->time_ns = START_NS;
	g->capture = file_create(g->options.path);
	g->lines = g->options.lines_path ? file_create(g->options.lines_path) : stdout;
	generate(g);
	is_failed = ferror(g->capture) || ferror(g->lines);
	is_failed |= fclose(g->capture) != 0;
	is_failed |= fclose(g->lines) != 0;
	free(g);
	if (is_failed)
		log_fatal("write error");
	return 0;
}
