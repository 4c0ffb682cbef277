/* SPDX-License-Identifier: BSD-3-Clause */
/* make_events FILE: writes the capture that test_events.sh and test_choices.sh read, always the
 * same bytes. It has one of everything that a record can say. */
#include <assert.h>
#include <stdio.h>
#include <string.h>

#include "base/cursor.h"
#include "base/log.h"
#include "dns/message.h"
#include "pcap/savefile.h"
#include "tests/lib/build.h"
#include "tests/lib/dns_build.h"

#define START_US INT64_C(1767323045000000) /* 2026-01-02T03:04:05Z */
#define MS	 1000
#define SECOND	 1000000

#define QUERY	 0x0000
#define RESPONSE 0x8000
#define AA	 0x0400
#define TC	 0x0200
#define RD	 0x0100
#define RA	 0x0080
#define AD	 0x0020
#define CD	 0x0010
#define NXDOMAIN 3
#define NOTIFY	 (4 << 11)
#define UPDATE	 (5 << 11)

#define TYPE_A	  1
#define TYPE_TXT  16
#define TYPE_AAAA 28
#define TYPE_OPT  41
#define CLASS_CH  3

#define SERVER	 "192.0.2.53"
#define SERVER6	 "2001:db8::53"
#define UPSTREAM "198.51.100.1"

static FILE *file;
static int64_t now_us = START_US;
static struct build frame;
static struct dns_build message;

/* Who talks: a client's side and a server's, whoever sends. */
struct pair {
	const char *client;
	uint16_t port;
	const char *server;
};

static const struct pair london = {"81.2.69.142", 40001, SERVER};
static const struct pair japan = {"2001:218::1", 40002, SERVER6};
static const struct pair linkoping = {"89.160.20.112", 40003, SERVER};
static const struct pair nowhere = {"10.1.2.3", 40004, SERVER};
static const struct pair outward = {SERVER, 40005, UPSTREAM};
static const struct pair strangers = {"203.0.113.7", 40006, "203.0.113.53"};

static void wait_us(int64_t us)
{
	now_us += us;
}

static void frame_write(void)
{
	uint8_t head[SAVEFILE_RECORD_SIZE];
	struct slice bytes;

	build_ethernet(&frame);
	bytes = build_frame(&frame);
	savefile_record_encode(head, now_us * 1000, (uint32_t)bytes.length, (uint32_t)bytes.length);
	fwrite(head, sizeof(head), 1, file);
	fwrite(bytes.data, bytes.length, 1, file);
}

static void ip_write(const struct pair *pair, bool is_query)
{
	if (is_query)
		build_ip(&frame, pair->client, pair->server);
	else
		build_ip(&frame, pair->server, pair->client);
	frame_write();
}

static void payload_send(const struct pair *pair, bool is_query, const void *data, size_t length)
{
	build_start(&frame, data, length);
	build_udp(&frame, is_query ? pair->port : 53, is_query ? 53 : pair->port);
	ip_write(pair, is_query);
}

/* The message, in the direction that its flags say. */
static void send(const struct pair *pair)
{
	payload_send(pair, !(message.bytes[2] & 0x80), message.bytes, message.length);
}

static void ask(const struct pair *pair, uint16_t id, const char *name, uint16_t type)
{
	dns_build_start(&message, id, QUERY | RD);
	dns_build_question(&message, name, type);
	send(pair);
}

static void answer(const struct pair *pair, uint16_t id, const char *name, uint16_t type,
		   uint16_t flags)
{
	dns_build_start(&message, id, RESPONSE | flags);
	dns_build_question(&message, name, type);
	send(pair);
}

static void write_pairs(void)
{
	ask(&london, 1, "www.example.com", TYPE_A);
	wait_us(48 * MS);
	answer(&london, 1, "www.example.com", TYPE_A, RD | RA);
	wait_us(1);
	ask(&japan, 0, "WwW.eXample.com", TYPE_AAAA); /* case differs, as with 0x20 */
	wait_us(499);
	answer(&japan, 0, "www.example.com", TYPE_AAAA, RD | RA | AA | NXDOMAIN);
	ask(&nowhere, 65535, "twice.example.net", 65); /* asked again: from the first on */
	wait_us(1 * MS);
	ask(&nowhere, 65535, "twice.example.net", 65);
	wait_us(500);
	answer(&nowhere, 65535, "twice.example.net", 65, RD | RA | TC);
	answer(&nowhere, 65535, "twice.example.net", 65, RD | RA); /* nothing waits for it */
	ask(&nowhere, 7, "a.example.net", TYPE_A);
	wait_us(10 * MS);
	answer(&nowhere, 7, "b.example.net", TYPE_A, RD | RA); /* of another name, id, port, type */
	answer(&nowhere, 8, "a.example.net", TYPE_A, RD | RA);
	answer(&(struct pair){"10.1.2.3", 40104, SERVER}, 7, "a.example.net", TYPE_A, RD);
	answer(&nowhere, 7, "a.example.net", TYPE_AAAA, RD | RA);
	wait_us(-20 * MS); /* a clock that was put back */
	answer(&nowhere, 7, "a.example.net", TYPE_A, RD | RA | AD | CD);
	wait_us(20 * MS);
	ask(&(struct pair){"10.1.2.3", 0, SERVER}, 9, "no.port.example.net", TYPE_A);
}

/* OPT with upper bits of the response code, and options. */
static void add_edns(uint8_t rcode, const void *options, uint16_t length)
{
	dns_build_bytes(&message, (const uint8_t[]){0, 0, TYPE_OPT, 4, 0xd0, rcode, 0, 0, 0}, 9);
	dns_build_u16(&message, length);
	dns_build_bytes(&message, options, length);
	dns_build_count(&message, DNS_ADDITIONAL, 1);
}

static void answer_extended(uint16_t id, uint16_t rcode)
{
	dns_build_start(&message, id, (uint16_t)(RESPONSE | RD | (rcode & 15)));
	dns_build_question(&message, "edns.example", TYPE_A);
	add_edns((uint8_t)(rcode >> 4), NULL, 0);
	send(&london);
}

static void write_edns(void)
{
	static const uint8_t subnet4[] = {0, 10, 0, 2, 1, 2, 0, 8, 0, 7, 0, 1, 24, 0, 198, 51, 100};
	static const uint8_t subnet6[] = {0, 8, 0, 11, 0, 2, 56, 0, 0x20, 1, 0xd, 0xb8, 0, 1, 2};

	answer_extended(20, 16);
	answer_extended(21, 23);
	answer_extended(22, 24);
	answer_extended(23, 3841);
	dns_build_start(&message, 24, QUERY | RD);
	dns_build_question(&message, "ecs.example", TYPE_A);
	add_edns(0, subnet4, sizeof(subnet4));
	send(&linkoping);
	dns_build_start(&message, 25, QUERY | RD);
	dns_build_question(&message, "ecs.example", TYPE_AAAA);
	add_edns(0, subnet6, sizeof(subnet6));
	send(&japan);
}

static void ask_class(uint16_t id, uint16_t flags, uint16_t type, uint16_t class)
{
	dns_build_start(&message, id, flags);
	dns_build_name(&message, "version.bind");
	dns_build_u16(&message, type);
	dns_build_u16(&message, class);
	dns_build_count(&message, DNS_QUESTION, 1);
	send(&linkoping);
}

static void write_numbers(void)
{
	static const uint16_t types[] = {0, 31, 54, 99, 255, 256, 4096, 32769, 65280, 65535};

	ask_class(30, QUERY, TYPE_TXT, CLASS_CH);
	ask_class(31, QUERY | NOTIFY, DNS_TYPE_SOA, 254);
	ask_class(32, QUERY | UPDATE, DNS_TYPE_SOA, 65280);
	for (size_t i = 0; i < sizeof(types) / sizeof(types[0]); i++)
		ask(&linkoping, (uint16_t)(40 + i), "type.example", types[i]);
	for (uint16_t i = 0; i < 16; i++)
		answer(&linkoping, (uint16_t)(60 + i), "rcode.example", TYPE_A, i);
}

static void write_malformed(void)
{
	static const uint8_t headers[][19] = {
		{0, 80, 0x81, 0x80, 0, 0},			 /* no question */
		{0, 81, 0x81, 0x85, 0, 1},			 /* none where there should be */
		{0, 82, 1, 0, 0, 1, 0, 0, 0, 0, 0, 0, 63},	 /* a label that is cut */
		{0, 83, 1, 0, 0, 1, 0, 0, 0, 0, 0, 0, 0xc0, 12}, /* a pointer to itself */
		{0, 84, 1, 0, 0, 1, 0, 0, 0, 0, 0, 0, 1, 'a', 0, 0, 1},
		{0, 85, 1, 0, 0, 1, 0, 0, 0, 0, 0, 0, 0x41, 'a', 0, 0, 1, 0, 1},
	};
	static const size_t lengths[] = {12, 12, 13, 14, 17, 19};

	for (size_t i = 0; i < sizeof(lengths) / sizeof(lengths[0]); i++)
		payload_send(&nowhere, !(headers[i][2] & 0x80), headers[i], lengths[i]);
	payload_send(&nowhere, true, headers[0], 11); /* no message */
	payload_send(&nowhere, true, NULL, 0);
}

/* All octets, in names as long as there are; and names that YAML would take for something else. */
static void write_hostile_names(void)
{
	static const char *const names[] = {
		".",
		"1",
		"1e5",
		"0x1F",
		"1_000",
		"-1",
		"yes",
		"null",
		"-",
		"2026-01-02",
		"12.34",
		"_",
		"\\042quoted\\042",
		"it\\039s",
		"a\\.b",
		"c\\\\d",
		"\\027[31m",
		"<script>",
		"${x}",
		"\\195\\182.example",
	};
	char text[4 * 255 + 1];

	for (int first = 0; first < 256; first += 64) {
		size_t end = 0;

		for (int i = 0; i < 240; i++) {
			end += (size_t)sprintf(text + end, "\\%03d", (first + i) % 256);
			if (i % 60 == 59)
				text[end++] = '.';
		}
		text[end] = '\0';
		ask(&nowhere, (uint16_t)(100 + first), text, TYPE_A);
	}
	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++)
		ask(&nowhere, (uint16_t)(500 + i), names[i], TYPE_A);
}

/* Every row of the table of kinds (spec 4.4), when SERVER is watched. */
static void write_kinds(void)
{
	for (uint16_t flags = 0, id = 600; flags < 4; flags++) {
		uint16_t bits = (uint16_t)((flags & 1 ? RD : 0) | (flags & 2 ? AA : 0));

		dns_build_start(&message, id++, bits);
		dns_build_question(&message, "kinds.example", TYPE_A);
		send(&outward);
		answer(&outward, id++, "kinds.example", TYPE_A, bits);
		answer(&london, id++, "kinds.example", TYPE_A, bits);
		answer(&strangers, id++, "kinds.example", TYPE_A, bits);
	}
	ask(&strangers, 700, "kinds.example", TYPE_A);
}

static void tcp_send(bool is_query, uint32_t sequence, uint8_t flags, const void *data,
		     size_t length)
{
	build_start(&frame, data, length);
	build_tcp(&frame, is_query ? linkoping.port : 53, is_query ? 53 : linkoping.port, sequence,
		  flags);
	ip_write(&linkoping, is_query);
}

/* Two queries in one segment, and their answers in pieces. */
static void write_tcp(void)
{
	uint8_t stream[512];
	size_t length = 0;

	tcp_send(true, 99, 2, NULL, 0);
	tcp_send(false, 999, 0x12, NULL, 0);
	for (int is_response = 0; is_response < 2; is_response++) {
		length = 0;
		for (uint16_t id = 800; id < 802; id++) {
			dns_build_start(&message, id, is_response ? RESPONSE | RD | RA : RD);
			dns_build_question(&message, "tcp.example.com", TYPE_A);
			be16_store(stream + length, (uint16_t)message.length);
			memcpy(stream + length + 2, message.bytes, message.length);
			length += 2 + message.length;
		}
		if (!is_response)
			tcp_send(true, 100, 0x18, stream, length);
		wait_us(3 * MS);
	}
	tcp_send(false, 1040, 0x18, stream + 40, length - 40);
	wait_us(2 * MS);
	tcp_send(false, 1000, 0x18, stream, 40);
}

/* Queries that nobody answers in time. */
static void write_silence(void)
{
	ask(&london, 900, "late.example.com", TYPE_A);
	wait_us(6 * SECOND);
	answer(&london, 900, "late.example.com", TYPE_A, RD | RA);
	ask(&japan, 901, "just.example.com", TYPE_AAAA);
	wait_us(4999 * MS);
	answer(&japan, 901, "just.example.com", TYPE_AAAA, RD | RA);
}

int main(int argc, char **argv)
{
	uint8_t head[SAVEFILE_HEADER_SIZE];

	if (argc != 2 || !(file = fopen(argv[1], "wb")))
		log_fatal("usage: make_events file");
	savefile_header_encode(head, 1);
	fwrite(head, sizeof(head), 1, file);
	write_pairs();
	write_edns();
	write_numbers();
	write_malformed();
	write_hostile_names();
	write_kinds();
	write_tcp();
	write_silence();
	return fclose(file) != 0;
}
