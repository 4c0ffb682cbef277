/* SPDX-License-Identifier: BSD-3-Clause */
/* make_records FOLDER: writes the captures that test_read.sh reads, always the same bytes. */
#include <assert.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/cursor.h"
#include "base/log.h"
#include "dns/name.h"
#include "pcap/savefile.h"
#include "record/set.h"
#include "tests/lib/build.h"

#define DLT_NULL      0
#define DLT_ETHERNET  1
#define DLT_RAW	      101
#define DLT_LOOP      108
#define DLT_SLL	      113
#define START_NS      (INT64_C(1375318861) * 1000000000 + 123456000) /* 2013-08-01T01:01:01.123456Z */
#define STEP_NS	      500000000
#define LITERAL(text) (text), sizeof(text) - 1

static const char *folder;
static FILE *file;
static int file_dlt;
static int64_t time_ns;
static struct build frame;
static uint8_t datagram[65536];
static uint32_t datagram_length;
static struct dns_answer answer;

static void file_open(const char *name, int dlt)
{
	uint8_t head[SAVEFILE_HEADER_SIZE];
	char path[4096];

	snprintf(path, sizeof(path), "%s/%s.pcap", folder, name);
	file = fopen(path, "wb");
	if (!file)
		log_fatal("%s cannot be written", path);
	savefile_header_encode(head, dlt);
	fwrite(head, sizeof(head), 1, file);
	file_dlt = dlt;
	time_ns = START_NS;
}

static void file_close(void)
{
	fclose(file);
	file = NULL;
}

static void frame_write(void)
{
	struct slice bytes = build_frame(&frame);
	uint8_t head[SAVEFILE_RECORD_SIZE];

	savefile_record_encode(head, time_ns, (uint32_t)bytes.length, (uint32_t)bytes.length);
	fwrite(head, sizeof(head), 1, file);
	fwrite(bytes.data, bytes.length, 1, file);
	time_ns += STEP_NS;
}

static void link_write(void)
{
	if (file_dlt == DLT_ETHERNET)
		build_ethernet(&frame);
	else if (file_dlt == DLT_SLL)
		build_sll(&frame);
	else if (file_dlt == DLT_NULL)
		build_null(&frame);
	else if (file_dlt == DLT_LOOP)
		build_header(&frame, "\0\0\0\2", 4, 0, 0);
	frame_write();
}

static void send_from(const char *source, uint16_t port)
{
	build_start(&frame, datagram, datagram_length);
	build_udp(&frame, port, 5300);
	build_ip(&frame, source, strchr(source, ':') ? "2001:db8::99" : "192.0.2.99");
	link_write();
}

static void datagram_set(const char *bytes, size_t length)
{
	memcpy(datagram, bytes, length);
	datagram_length = (uint32_t)length;
}

static void data_start(uint8_t sets, uint32_t sequence)
{
	record_header_encode(datagram, sets, 0, sequence);
	datagram_length = RECORD_HEADER_SIZE;
}

static void answer_start(void)
{
	memset(&answer, 0, sizeof(answer));
}

static void answer_name(const char *text)
{
	uint8_t length;
	bool is_name = name_parse(text, answer.names + answer.names_length, &length);

	assert(is_name);
	answer.names_length += length;
	answer.names_count++;
}

static void answer_address(const char *text)
{
	struct address address;
	bool is_address = address_parse(text, &address);

	assert(is_address);
	if (address.version == 4)
		memcpy(answer.ip4s + 4 * answer.ip4s_count++, address.bytes, 4);
	else
		memcpy(answer.ip6s + 16 * answer.ip6s_count++, address.bytes, 16);
}

static void data_add(const char *client, const char *resolver)
{
	struct address from, to;
	bool are_addresses = address_parse(resolver, &from) && address_parse(client, &to);

	assert(are_addresses);
	datagram_length += record_set_encode(datagram + datagram_length, &to, &from, &answer);
}

static void stats_set(uint32_t sequence, uint32_t base)
{
	const struct record_stats stats = {base, base + 20, 2 * sequence, 1, 4};

	record_stats_encode(datagram, sequence, &stats);
	datagram_length = RECORD_STATS_SIZE;
}

/*
 * Datagrams as they are sent: two exporters, both families, statistics, numbers lost, late and
 * twice.
 */
static void plain_datagram(uint32_t sequence)
{
	data_start(2, sequence);
	answer_start();
	answer_name("www.Example.com");
	answer_name("edge.cdn.example.net");
	answer_address("192.0.2.1");
	answer_address("203.0.113.255");
	data_add("198.51.100.7", "198.51.100.53");
	answer_start();
	answer_name("v6.example");
	answer_address("10.0.0.1");
	answer_address("2001:db8::1");
	answer_address("::1");
	data_add("2001:db8::7", "2001:db8::53");
}

static void write_plain(const char *name, int dlt)
{
	static const uint32_t numbers[] = {1, 2, 5, 3, 5, 6};

	file_open(name, dlt);
	for (size_t i = 0; i < sizeof(numbers) / sizeof(numbers[0]); i++) {
		plain_datagram(numbers[i]);
		send_from("127.0.0.1", 40000);
	}
	stats_set(7, UINT32_MAX - 1999);
	send_from("127.0.0.1", 40000);
	plain_datagram(100);
	send_from("2001:db8::20", 40001);
	stats_set(8, UINT32_MAX - 999);
	send_from("127.0.0.1", 40000);
	stats_set(9, 0); /* wrapped */
	send_from("127.0.0.1", 40000);
	stats_set(10, 500);
	send_from("127.0.0.1", 40000);
	file_close();
}

static void write_old_versions(void)
{
	file_open("versions", DLT_NULL);
	datagram_set(LITERAL("\0\1\0\0\0\0\0\1\300\0\2\1\2\1\0\24"
			     "a.example\0b.org.\0\0\0\0\1\2\3\4"));
	send_from("127.0.0.1", 1);
	datagram_set(LITERAL("\1\1\0\0\0\0\0\1\300\0\2\1\2\1\0\14\1a\1b\0\3www\0\0\0\1\2\3\4"));
	send_from("127.0.0.1", 2);
	datagram_set(LITERAL("\2\1\0\0\0\0\0\1\300\0\2\1\2\1\0\14\1a\1b\0\3www\0\0\0\1\2\3\4"));
	send_from("127.0.0.1", 3);
	datagram_set(LITERAL("\3\2\0\0\0\0\0\1\4\1\1\0\0\4\0\0\300\0\2\1\1a\0\0\1\2\3\4"
			     "\6\1\0\1\0\4\0\0\40\1\15\270\0\0\0\0\0\0\0\0\0\0\0\1\1b\0\0"
			     "\40\1\15\270\0\0\0\0\0\0\0\0\0\0\0\2"));
	send_from("127.0.0.1", 4);
	plain_datagram(1);
	send_from("127.0.0.1", 5);
	for (uint16_t version = 0; version <= 4; version++) {
		stats_set(2, 10);
		datagram[0] = (uint8_t)version;
		datagram_length = version < 2 ? 24 : 28;
		send_from("127.0.0.1", (uint16_t)(version + 1));
	}
	file_close();
}

/* Names that would break a terminal, a table or a JSON reader if they came out raw. */
static void write_hostile_names(void)
{
	char longest[4 * 254 + 4] = "";

	for (int i = 0; i < 250; i++) {
		strcat(longest, "\\000");
		if (i == 62 || i == 125 || i == 188)
			strcat(longest, ".");
	}
	file_open("hostile", DLT_ETHERNET);
	data_start(3, 1);
	answer_start();
	answer_name("a\\124b\\044c.d\\032e");
	answer_name("\\027[31mred\\010\\013.\\\"quoted\\\"");
	answer_name("dot\\.in.back\\\\slash");
	answer_name("\\195\\164.\\255\\127");
	answer_name(".");
	answer_address("192.0.2.1");
	data_add("192.0.2.2", "192.0.2.3");
	answer_start();
	answer_name(longest);
	answer_address("192.0.2.1");
	data_add("192.0.2.2", "192.0.2.3");
	answer_start();
	data_add("192.0.2.2", "192.0.2.3");
	send_from("127.0.0.1", 1);
	datagram_set(LITERAL("\0\1\0\0\0\0\0\2\300\0\2\1\4\0\0\44"
			     "a|b,c.d\0\33[31m\"\n\0back\\032slash.\0\0\0\0\0\0\0"));
	send_from("127.0.0.1", 1);
	file_close();
}

/* One after the other wrong in its own way, good ones in between. */
static void write_errors(void)
{
	file_open("errors", DLT_ETHERNET);
	plain_datagram(1);
	send_from("127.0.0.1", 1);
	datagram_set(LITERAL("\4\1\0\0\0\0\0"));
	send_from("127.0.0.2", 1);
	datagram_set(LITERAL("\5\1\0\0\0\0\0\1"));
	send_from("127.0.0.3", 1);
	datagram_set(LITERAL("\4\0\0\0\0\0\0\1"));
	send_from("127.0.0.4", 1);
	plain_datagram(2);
	datagram_length -= 4; /* the second set */
	send_from("127.0.0.5", 1);
	datagram_set(LITERAL("\1\1\0\0\0\0\0\1\300\0\2\1\1\0\0\4\300\14\0\0"));
	send_from("127.0.0.6", 1);
	stats_set(2, 10);
	datagram_length -= 1;
	send_from("127.0.0.7", 1);

	plain_datagram(3);
	build_start(&frame, datagram, datagram_length); /* to another port */
	build_udp(&frame, 5300, 5301);
	build_ip(&frame, "127.0.0.8", "127.0.0.1");
	link_write();
	build_start(&frame, datagram, datagram_length);
	build_tcp(&frame, 1, 5300, 1, 0x10);
	build_ip(&frame, "127.0.0.9", "127.0.0.1");
	link_write();
	build_start(&frame, datagram, datagram_length); /* frames that are cut short */
	build_udp(&frame, 1, 5300);
	build_ip(&frame, "127.0.0.10", "127.0.0.1");
	frame.end -= 10;
	link_write();
	frame.end = frame.start + 30;
	frame_write();
	frame.end = frame.start + 10;
	frame_write();
	plain_datagram(2);
	send_from("127.0.0.1", 1);
	file_close();
}

/* One exporter in each kind of link layer, and behind tags. */
static void write_links(void)
{
	write_plain("raw", DLT_RAW);
	write_plain("sll", DLT_SLL);
	write_plain("null", DLT_NULL);
	file_open("loop", DLT_LOOP);
	plain_datagram(1);
	send_from("127.0.0.1", 1);
	file_close();
	file_open("vlan", DLT_ETHERNET);
	plain_datagram(1);
	build_start(&frame, datagram, datagram_length);
	build_udp(&frame, 1, 5300);
	build_ip(&frame, "127.0.0.1", "127.0.0.1");
	build_vlan(&frame, 0x8100, 7);
	link_write();
	file_close();
}

/*
 * A datagram as large as the exporter sends them, over a link of 1,500 bytes; the pieces in the
 * wrong order.
 */
static void write_fragments(void)
{
	static const struct {
		size_t offset, length;
	} pieces[] = {{1480, 28}, {0, 1480}};

	file_open("fragments", DLT_ETHERNET);
	data_start(1, 1);
	answer_start();
	answer_name("large.example");
	while (record_estimate(&answer) + 4 <= RECORD_ESTIMATE_MAX)
		answer_address("192.0.2.1");
	while (record_estimate(&answer) + 16 <= RECORD_ESTIMATE_MAX)
		answer_address("2001:db8::1");
	data_add("192.0.2.2", "192.0.2.3");
	for (int family = 0; family < 2; family++)
		for (size_t i = 0; i < 2; i++) {
			const char *from = family ? "2001:db8::1" : "127.0.0.1";

			build_start(&frame, datagram, datagram_length);
			build_udp(&frame, 1, 5300);
			build_fragment(&frame, from, family ? "2001:db8::2" : "127.0.0.2", 7,
				       pieces[i].offset, pieces[i].length, i == 1);
			link_write();
		}
	file_close();
}

/* Enough packets for summaries on the way. */
static void write_many(void)
{
	file_open("many", DLT_RAW);
	for (uint32_t i = 1; i <= 200001; i++) {
		data_start(1, i);
		answer_start();
		answer_name("x.example");
		answer_address("192.0.2.1");
		data_add("192.0.2.2", "192.0.2.3");
		send_from("127.0.0.1", 1);
	}
	file_close();
}

int main(int argc, char **argv)
{
	if (argc != 2)
		log_fatal("usage: make_records folder");
	folder = argv[1];
	write_plain("plain", DLT_ETHERNET);
	write_old_versions();
	write_hostile_names();
	write_errors();
	write_links();
	write_fragments();
	write_many();
	return 0;
}
