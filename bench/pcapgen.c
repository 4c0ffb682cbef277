/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Writes a capture of what a busy recursive resolver answers: Zipf names, CNAME chains, A and AAAA,
 * errors and other types mixed in, names compressed as servers do it. The seed tells every byte.
 */
#include <errno.h>
#include <getopt.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <pcap/dlt.h>

#include "base/clock.h"
#include "base/cursor.h"
#include "base/memory.h"
#include "base/random.h"
#include "bench/zipf.h"
#include "dns/message.h"
#include "net/address.h"
#include "pcap/savefile.h"
#include "tests/lib/build.h"
#include "tests/lib/numbered.h"
#include "tests/lib/reply_writer.h"

#define CLIENTS	       20000
#define RESOLVERS      4 /* of each family */
#define IPV4_PERCENT   70
#define TAGS_MAX       2
#define START_NS       (INT64_C(1767225600) * NANOSECONDS_PER_SECOND) /* 2026-01-01 */
#define SPACING_NS     20000
#define SUFFIX_PERCENT 25 /* CNAME targets that end in the question's domain */

#define LENGTH(array) (sizeof(array) / sizeof((array)[0]))

enum { TYPE_NS = 2, TYPE_PTR = 12, TYPE_MX = 15, TYPE_TXT = 16, TYPE_HTTPS = 65 };

struct options {
	uint64_t packets;
	uint64_t seed;
	uint32_t name_count;
	uint32_t run;
	uint32_t first;
	uint32_t tag_count;
	uint16_t tags[TAGS_MAX];
	bool is_numbered;
	bool is_mixed;
	const char *poison; /* second label of packets that end a worker of a test build, or NULL */
	uint64_t poison_every;
	const char *path;
};

struct generator {
	struct options options;
	struct random random;
	struct zipf *zipf;
	char (*clients4)[ADDRESS_TEXT_MAX];
	char (*clients6)[ADDRESS_TEXT_MAX];
	uint32_t rank; /* of the name of this packet */
	struct wire_name name;
	struct reply_writer reply;
	struct build frame;
	int64_t time_ns;
	uint64_t records, names, addresses;
};

static uint64_t mix(uint64_t x)
{
	x = (x ^ x >> 30) * UINT64_C(0xbf58476d1ce4e5b9);
	x = (x ^ x >> 27) * UINT64_C(0x94d049bb133111eb);
	return x ^ x >> 31;
}

static struct random random_of(uint64_t seed)
{
	struct random random;

	for (int i = 0; i < 4; i++)
		random.state[i] = mix(seed += UINT64_C(0x9e3779b97f4a7c15));
	return random;
}

static uint32_t below(struct generator *g, uint32_t bound)
{
	return (uint32_t)random_below(&g->random, bound);
}

/* Picks an index by weights in 1/1000; the last one takes the rest. */
static uint32_t pick(struct generator *g, const uint16_t *permille, uint32_t count)
{
	uint32_t value = below(g, 1000), index = 0;

	while (index + 1 < count && value >= permille[index])
		value -= permille[index++];
	return index;
}

static void put_label(struct wire_name *name, const char *text, size_t length)
{
	name->bytes[name->length] = (uint8_t)length;
	memcpy(name->bytes + name->length + 1, text, length);
	name->length = (uint8_t)(name->length + 1 + length);
}

static void put_random_label(struct wire_name *name, struct random *random, uint32_t shortest,
			     uint32_t longest)
{
	uint32_t length = shortest + (uint32_t)random_below(random, longest - shortest + 1);
	char text[DNS_NAME_MAX];

	for (uint32_t i = 0; i < length; i++)
		text[i] = i % 2 ? "aeiou"[random_below(random, 5)]
				: "bcdfghklmnprstvwxz-0123"[random_below(random, i ? 23 : 18)];
	put_label(name, text, length);
}

/* The same name for the same number: hosts under random domains, some of them deep. */
static void name_make(struct wire_name *name, uint64_t number)
{
	static const char *const hosts[] = {"www",    "api",  "cdn", "img",
					    "static", "mail", "app", "m"};
	static const char *const tops[] = {"com", "com", "com", "com", "net", "net",
					   "org", "io",	 "de",	"cn",  "fr",  "info"};
	struct random random = random_of(number);
	uint64_t form = random_below(&random, 10);
	const char *host = hosts[random_below(&random, 8)];
	const char *top = tops[random_below(&random, 12)];

	name->length = 0;
	if (form < 6)
		put_label(name, host, strlen(host));
	if (form > 4)
		put_random_label(name, &random, 3, 16);
	if (form > 8)
		put_random_label(name, &random, 4, 30);
	put_random_label(name, &random, 4, 14);
	put_label(name, top, strlen(top));
	name->bytes[name->length++] = 0;
}

static uint64_t number_of(const struct generator *g, uint32_t kind)
{
	return mix(g->options.seed ^ (uint64_t)kind << 32) ^ g->rank;
}

/* Offset in the message of the question's domain: what is behind its first label. */
static uint16_t domain_offset(const struct generator *g)
{
	return (uint16_t)(REPLY_WRITER_QUESTION + 1 + g->name.bytes[0]);
}

static size_t pointer_put(uint8_t *at, uint16_t offset)
{
	be16_store(at, 0xc000 | offset);
	return 2;
}

static uint16_t put_cname(struct generator *g, uint16_t owner, uint32_t index)
{
	struct wire_name target;
	struct random random;

	name_make(&target, number_of(g, 1 + index));
	if (below(g, 100) < SUFFIX_PERCENT) {
		random = random_of(number_of(g, 1 + index));
		target.length = 0;
		put_random_label(&target, &random, 4, 14);
		target.length = (uint8_t)(target.length + pointer_put(target.bytes + target.length,
								      domain_offset(g)));
	}
	return reply_writer_record(&g->reply, REPLY_WRITER_ANSWER, owner, DNS_TYPE_CNAME, 300,
				   target.bytes, target.length);
}

/* NS records of the question's domain, with an address of each. */
static void put_delegation(struct generator *g)
{
	static const char glue[4] = {(char)192, 0, 2, 1};
	uint16_t hosts[2];

	for (int i = 0; i < 2; i++) {
		uint8_t data[6] = {3, 'n', 's', (uint8_t)('1' + i)};

		pointer_put(data + 4, domain_offset(g));
		hosts[i] = reply_writer_record(&g->reply, REPLY_WRITER_AUTHORITY, domain_offset(g),
					       TYPE_NS, 86400, data, sizeof(data));
	}
	for (int i = 0; i < 2; i++)
		reply_writer_record(&g->reply, REPLY_WRITER_ADDITIONAL, hosts[i], DNS_TYPE_A, 86400,
				    glue, sizeof(glue));
}

static void answer_addresses(struct generator *g, uint16_t type)
{
	static const uint16_t chains[] = {550, 230, 120, 70, 30};
	static const uint16_t counts[] = {530, 220, 110, 90, 30, 20};
	static const uint8_t count_of[] = {1, 2, 3, 4, 6, 8};
	uint32_t cnames = pick(g, chains, LENGTH(chains));
	uint32_t count = count_of[pick(g, counts, LENGTH(counts))];
	struct random random = random_of(number_of(g, 16));
	uint16_t owner = REPLY_WRITER_QUESTION;

	for (uint32_t i = 0; i < cnames; i++)
		owner = put_cname(g, owner, i);
	for (uint32_t i = 0; i < count; i++) {
		uint64_t data[2] = {random_next(&random), random_next(&random)};

		reply_writer_record(&g->reply, REPLY_WRITER_ANSWER, owner, type, 60, data,
				    type == DNS_TYPE_A ? 4 : 16);
	}
	if (below(g, 100) < 10)
		put_delegation(g);
	g->records++;
	g->names += 1 + cnames;
	g->addresses += count;
}

/* A negative answer: the domain's SOA (RFC 2308). */
static void answer_soa(struct generator *g, uint16_t type)
{
	uint8_t data[4 + 2 + 11 + 2 + 20] = {3, 'n', 's', '1'};

	(void)type;
	pointer_put(data + 4, domain_offset(g));
	memcpy(data + 6, "\12hostmaster", 11);
	pointer_put(data + 17, domain_offset(g));
	data[38] = 60;
	reply_writer_record(&g->reply, REPLY_WRITER_AUTHORITY, domain_offset(g), DNS_TYPE_SOA, 60,
			    data, sizeof(data));
}

static void answer_nothing(struct generator *g, uint16_t type)
{
	(void)g;
	(void)type;
}

/* MX, PTR, HTTPS: a fixed part, then a name. */
static void answer_name(struct generator *g, uint16_t type)
{
	struct wire_name target;
	uint8_t data[2 + DNS_NAME_MAX] = {0, 1};
	size_t head = type == TYPE_PTR ? 0 : 2;

	name_make(&target, number_of(g, 17));
	memcpy(data + head, target.bytes, target.length);
	reply_writer_record(&g->reply, REPLY_WRITER_ANSWER, REPLY_WRITER_QUESTION, type, 3600, data,
			    head + target.length);
}

static void answer_text(struct generator *g, uint16_t type)
{
	uint8_t data[200] = {199, 'v', '=', 's', 'p', 'f', '1'};

	reply_writer_record(&g->reply, REPLY_WRITER_ANSWER, REPLY_WRITER_QUESTION, type, 3600, data,
			    sizeof(data));
}

/* The first kinds give records: 85 % of all. */
#define KINDS_RECORDED 2
static const struct kind {
	uint16_t type;
	uint16_t rcode;
	void (*answer)(struct generator *g, uint16_t type);
} kinds[] = {
	{DNS_TYPE_A, 0, answer_addresses}, {DNS_TYPE_AAAA, 0, answer_addresses},
	{DNS_TYPE_A, 3, answer_soa},	   {DNS_TYPE_AAAA, 0, answer_soa},
	{DNS_TYPE_A, 2, answer_nothing},   {TYPE_HTTPS, 0, answer_name},
	{TYPE_PTR, 0, answer_name},	   {TYPE_MX, 0, answer_name},
	{TYPE_TXT, 0, answer_text},
};
static const uint16_t kind_permille[] = {600, 250, 50, 20, 10, 30, 20, 10, 10};

static void make_message(struct generator *g)
{
	bool is_mixed = !g->options.is_numbered || g->options.is_mixed;
	uint32_t index = pick(g, kind_permille, is_mixed ? LENGTH(kinds) : KINDS_RECORDED);
	const struct kind *kind = &kinds[index];

	g->rank = zipf_draw(g->zipf, &g->random);
	name_make(&g->name, number_of(g, 0));
	/* Numbers stay without gaps: a message that gives no record has a label that is no number.
	 */
	if (g->options.is_numbered && index < KINDS_RECORDED)
		numbered_prepend(&g->name, g->options.run, g->options.first + (uint32_t)g->records);
	reply_writer_start(&g->reply, (uint16_t)below(g, 65536),
			   REPLY_WRITER_FLAGS_RECURSIVE | kind->rcode, &g->name, kind->type);
	kind->answer(g, kind->type);
	if (below(g, 100) < 70)
		reply_writer_opt(&g->reply);
}

/* worker/capture/hook.h */
static void make_poison(struct generator *g)
{
	g->name.length = 0;
	put_label(&g->name, "poison", strlen("poison"));
	put_label(&g->name, g->options.poison, strlen(g->options.poison));
	put_label(&g->name, "example", strlen("example"));
	g->name.bytes[g->name.length++] = 0;
	reply_writer_start(&g->reply, (uint16_t)below(g, 65536), REPLY_WRITER_FLAGS_RECURSIVE,
			   &g->name, DNS_TYPE_A);
}

static void make_frame(struct generator *g)
{
	bool is_ipv4 = below(g, 100) < IPV4_PERCENT;
	uint32_t client = below(g, CLIENTS);
	char resolver[ADDRESS_TEXT_MAX];

	snprintf(resolver, sizeof(resolver), is_ipv4 ? "192.0.2.%u" : "2001:db8:53::%u",
		 53 + below(g, RESOLVERS));
	build_start(&g->frame, g->reply.bytes, g->reply.length);
	build_udp(&g->frame, 53, (uint16_t)(1024 + below(g, 64512)));
	build_ip(&g->frame, resolver, (is_ipv4 ? g->clients4 : g->clients6)[client]);
	for (uint32_t i = g->options.tag_count; i-- > 0;)
		build_vlan(&g->frame, i || g->options.tag_count == 1 ? 0x8100 : 0x88a8,
			   g->options.tags[i]);
	build_ethernet(&g->frame);
}

static void generator_init(struct generator *g)
{
	struct address address = {.version = 4};

	g->random = random_of(g->options.seed);
	g->zipf = zipf_new(g->options.name_count);
	g->clients4 = xcalloc(CLIENTS, sizeof(*g->clients4));
	g->clients6 = xcalloc(CLIENTS, sizeof(*g->clients6));
	for (uint32_t i = 0; i < CLIENTS; i++) {
		be32_store(address.bytes, 100u << 24 | 64u << 16 | below(g, 1u << 22));
		address_format(&address, g->clients4[i]);
		snprintf(g->clients6[i], sizeof(*g->clients6), "2001:db8:%x:%x::%x",
			 1 + below(g, 0xfffe), 1 + below(g, 0xfffe), 1 + below(g, 0xfffe));
	}
}

static void write_frame(struct generator *g, FILE *file)
{
	uint8_t record[SAVEFILE_RECORD_SIZE];
	struct slice frame;

	make_frame(g);
	frame = build_frame(&g->frame);
	g->time_ns += below(g, 2 * SPACING_NS);
	savefile_record_encode(record, g->time_ns, (uint32_t)frame.length, (uint32_t)frame.length);
	fwrite(record, sizeof(record), 1, file);
	fwrite(frame.data, frame.length, 1, file);
}

static int generate(struct generator *g, FILE *file)
{
	uint8_t head[SAVEFILE_HEADER_SIZE];

	g->time_ns = START_NS;
	savefile_header_encode(head, DLT_EN10MB);
	fwrite(head, sizeof(head), 1, file);
	for (uint64_t i = 0; i < g->options.packets; i++) {
		make_message(g);
		write_frame(g, file);
		if (g->options.poison && (i + 1) % g->options.poison_every == 0) {
			make_poison(g);
			write_frame(g, file);
		}
	}
	return fflush(file) || ferror(file) ? -EIO : 0;
}

static void print_summary(const struct generator *g)
{
	double records = g->records ? (double)g->records : 1;

	fprintf(stderr, "pcapgen_packets %lu packets\n", g->options.packets);
	fprintf(stderr, "pcapgen_records %lu records\n", g->records);
	fprintf(stderr, "pcapgen_names_per_record %.2f names\n", (double)g->names / records);
	fprintf(stderr, "pcapgen_addresses_per_record %.2f addresses\n",
		(double)g->addresses / records);
}

static void usage(void)
{
	fprintf(stderr,
		"usage: pcapgen [-n packets] [-s seed] [-o file] [--names N] [--vlan VID]...\n"
		"               [--numbered RUN [--first N] [--mixed]]\n"
		"               [--poison LABEL --every N]: after each N packets one that ends a "
		"worker\n");
	exit(1);
}

static uint64_t number_option(const char *text, uint64_t largest)
{
	char *end;
	uint64_t value = strtoull(text, &end, 0);

	if (!*text || *end || value > largest)
		usage();
	return value;
}

static struct options options_parse(int argc, char **argv)
{
	static const struct option longs[] = {
		{"names", required_argument, NULL, 'N'}, {"numbered", required_argument, NULL, 'r'},
		{"first", required_argument, NULL, 'f'}, {"mixed", no_argument, NULL, 'm'},
		{"vlan", required_argument, NULL, 'v'},	 {"poison", required_argument, NULL, 'p'},
		{"every", required_argument, NULL, 'e'}, {0}};
	struct options o = {
		.packets = 1000000, .seed = 1, .name_count = 1000000, .poison_every = 1};
	int c;

	while ((c = getopt_long(argc, argv, "n:s:o:", longs, NULL)) != -1) {
		if (c == 'n')
			o.packets = number_option(optarg, UINT32_MAX);
		else if (c == 's')
			o.seed = number_option(optarg, UINT64_MAX);
		else if (c == 'o')
			o.path = optarg;
		else if (c == 'N')
			o.name_count = (uint32_t)number_option(optarg, 100000000);
		else if (c == 'f')
			o.first = (uint32_t)number_option(optarg, UINT32_MAX);
		else if (c == 'm')
			o.is_mixed = true;
		else if (c == 'p')
			o.poison = optarg;
		else if (c == 'e')
			o.poison_every = number_option(optarg, UINT32_MAX);
		else if (c == 'v' && o.tag_count < TAGS_MAX)
			o.tags[o.tag_count++] = (uint16_t)number_option(optarg, 4094);
		else if (c == 'r')
			o.is_numbered = true, o.run = (uint32_t)number_option(optarg, UINT32_MAX);
		else
			usage();
	}
	if (optind < argc || !o.name_count || !o.poison_every)
		usage();
	return o;
}

int main(int argc, char **argv)
{
	struct generator *g = xcalloc(1, sizeof(*g));
	FILE *file = stdout;

	g->options = options_parse(argc, argv);
	if (g->options.path)
		file = fopen(g->options.path, "wb");
	if (file)
		setvbuf(file, NULL, _IOFBF, 1 << 20);
	generator_init(g);
	if (!file || generate(g, file) || fclose(file)) {
		perror(g->options.path ? g->options.path : "stdout");
		return 1;
	}
	print_summary(g);
	free(g->clients6);
	free(g->clients4);
	free(g->zipf);
	free(g);
	return 0;
}
