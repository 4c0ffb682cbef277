/* SPDX-License-Identifier: BSD-3-Clause */
/* The eBPF programs, run by the kernel, against classify_network() and the spec's filter. */
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <setjmp.h>
#include <cmocka.h>
#include <arpa/inet.h>
#include <dirent.h>
#include <errno.h>
#include <linux/bpf.h>
#include <linux/if_ether.h>
#include <net/if.h>
#include <netpacket/packet.h>
#include <poll.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/memory.h"
#include "net/classify.h"
#include "net/decode.h"
#include "pcap/filter.h"
#include "pcap/savefile.h"
#include "supervisor/bpf.h"
#include "tests/lib/build.h"
#include "tests/lib/file.h"

#define FRAMES_MAX   40000
#define DLT_ETHERNET 1
#define WHOLE_PACKET 0x40000
#define SHARES_MAX   7
#define NOBODY	     65534

static const uint32_t counts[] = {1, 2, 3, 4, 7, 16};

#define COUNTS (sizeof(counts) / sizeof(*counts))

/* All frames that are compared; the captures stay mapped. */
static struct slice frames[FRAMES_MAX];
static size_t frame_count;
static uint32_t capture_count;

static void frame_keep(struct slice frame)
{
	assert_true(frame_count < FRAMES_MAX);
	frames[frame_count++] = frame;
}

static void frame_copy(struct slice frame)
{
	uint8_t *copy = xmalloc(frame.length);

	memcpy(copy, frame.data, frame.length);
	frame_keep((struct slice){copy, frame.length});
}

static void capture_load(const char *path)
{
	struct savefile_record record;
	uint64_t offset = SAVEFILE_HEADER_SIZE;
	struct savefile file;
	struct slice bytes;

	if (file_map(path, &bytes) < 0 || savefile_open(&file, bytes) != SAVEFILE_OK ||
	    file.dlt != DLT_ETHERNET)
		return;
	capture_count++;
	while (savefile_next(&file, &offset, &record) == SAVEFILE_OK)
		frame_keep(record.frame);
}

static void captures_load(void)
{
	const char *shared = getenv("DNSFLOW_SHARED") ? getenv("DNSFLOW_SHARED") : "../shared";
	struct dirent *entry;
	char path[4096];
	DIR *folder;

	snprintf(path, sizeof(path), "%s/conformance/pcap", shared);
	folder = opendir(path);
	while (folder && (entry = readdir(folder))) {
		snprintf(path, sizeof(path), "%s/conformance/pcap/%s", shared, entry->d_name);
		if (strstr(entry->d_name, ".pcap"))
			capture_load(path);
	}
	if (folder)
		closedir(folder);
	print_message("# %zu frames of %u Ethernet captures in %s\n", frame_count, capture_count,
		      shared);
}

enum body { BODY_RESPONSE, BODY_QUERY, BODY_UNSUMMED, BODY_TCP, BODY_SHORT, BODY_COUNT };

static void build_body(struct build *b, enum body body, uint16_t port)
{
	uint8_t dns[32] = {0x12, 0x34, body == BODY_QUERY ? 0x01 : 0x81, 0x80};

	build_start(b, dns, body == BODY_SHORT ? 2 : sizeof(dns));
	if (body == BODY_TCP)
		build_tcp(b, port, 40001, 1000, 0x18);
	else if (body == BODY_QUERY)
		build_udp(b, 40002, port);
	else
		build_udp(b, port, 40003);
	if (body == BODY_UNSUMMED)
		build_zero_checksum(b);
}

static void build_addresses(struct build *b, int version, uint32_t host)
{
	char destination[ADDRESS_TEXT_MAX];

	snprintf(destination, sizeof(destination),
		 version == 4 ? "198.51.100.%u" : "2001:db8:2::%x", host);
	build_ip(b, version == 4 ? "192.0.2.1" : "2001:db8::53", destination);
}

/* The frame of b as it is, and behind every kind of tag and label that may stand in front. */
static void keep_with_tags(const struct build *b)
{
	static struct build tagged;

	for (int kind = 0; kind < 7; kind++) {
		tagged = *b;
		if (kind == 1)
			build_vlan(&tagged, 0x8100, 100);
		if (kind == 2 || kind == 3)
			build_vlan(&tagged, 0x8100, 100);
		if (kind == 2)
			build_vlan(&tagged, 0x88a8, 200);
		if (kind == 3)
			build_vlan(&tagged, 0x9100, 200);
		if (kind == 4 || kind == 5)
			build_mpls(&tagged, 1000);
		if (kind == 5)
			build_vlan(&tagged, 0x8100, 5);
		if (kind == 6)
			build_pppoe(&tagged);
		build_ethernet(&tagged);
		frame_copy(build_frame(&tagged));
	}
}

static void make_plain(struct build *b)
{
	const uint16_t ports[] = {53, 5353, 8053, 9999, 4789};
	uint32_t host = 1;

	for (int version = 4; version <= 6; version += 2)
		for (enum body body = 0; body < BODY_COUNT; body++)
			for (size_t port = 0; port < 5; port++) {
				build_body(b, body, ports[port]);
				build_addresses(b, version, host++ % 250);
				keep_with_tags(b);
			}
}

static void make_fragments(struct build *b)
{
	const uint8_t payload[1200] = {0};

	for (int version = 4; version <= 6; version += 2)
		for (int protocol = 0; protocol < 3; protocol++)
			for (size_t offset = 0; offset < 1200; offset += 400) {
				build_start(b, payload, sizeof(payload));
				if (protocol == 0)
					build_udp(b, 53, 40000);
				else if (protocol == 1)
					build_tcp(b, 53, 40000, 1, 0x10);
				else
					build_header(b, payload, 8, 1, 0);
				build_fragment(b, version == 4 ? "192.0.2.1" : "2001:db8::53",
					       version == 4 ? "198.51.100.7" : "2001:db8::7", 77,
					       offset, 400, offset < 800);
				keep_with_tags(b);
			}
}

static void make_extensions(struct build *b)
{
	const uint8_t kinds[] = {0, 43, 60, 51, 135, 139, 140};

	for (uint32_t depth = 1; depth <= 10; depth++)
		for (enum body body = 0; body < BODY_COUNT; body++) {
			build_body(b, body, 53);
			for (uint32_t i = 0; i < depth; i++)
				build_extension(b, kinds[(depth + i + body) % 7], 8u << (i % 3));
			build_addresses(b, 6, depth);
			keep_with_tags(b);
		}
}

static void make_tunnel(struct build *b, int kind)
{
	build_body(b, BODY_RESPONSE, 53);
	build_addresses(b, kind == 6 || kind == 7 ? 6 : 4, 9);
	if (kind >= 1 && kind <= 3) {
		build_ethernet(b);
		build_erspan(b, kind);
	} else if (kind == 0) {
		build_gre(b, true);
	} else if (kind == 4 || kind == 8) {
		build_ethernet(b);
	}
	if (kind == 4)
		build_vxlan(b);
	else if (kind == 5)
		build_gtpu(b);
	else if (kind == 7)
		build_teredo(b, false);
	else if (kind == 8)
		build_pcap_record(b);
	else if (kind == 9)
		build_jmirror(b);
}

static void make_tunnels(struct build *b)
{
	const uint16_t ports[] = {0, 0, 0, 0, 4789, 2152, 0, 3544, 30031, 30030, 0};

	for (int kind = 0; kind <= 10; kind++)
		for (int version = 4; version <= 6; version += 2) {
			make_tunnel(b, kind);
			if (ports[kind])
				build_udp(b, 53, ports[kind]);
			build_addresses(b, version, (uint32_t)kind);
			keep_with_tags(b);
		}
}

/* Every length of a few frames: the programs read to the end of a packet and not beyond. */
static void make_cuts(void)
{
	size_t whole = frame_count;

	for (size_t i = 0; i < whole; i += whole / 20 + 1)
		for (size_t length = 14; length < frames[i].length && length < 120; length++)
			frame_copy((struct slice){frames[i].data, length});
}

static int frames_make(void **state)
{
	static struct build b;

	(void)state;
	make_plain(&b);
	make_fragments(&b);
	make_extensions(&b);
	make_tunnels(&b);
	make_cuts();
	print_message("# %zu frames made\n", frame_count);
	captures_load();
	return 0;
}

static const struct capture_settings default_settings = {
	.worker_count = 1,
	.port_count = 1,
	.ports = {53},
};

static struct bpf *open_or_skip(void)
{
	char error[256] = "";
	struct bpf *bpf = bpf_open(&default_settings, -1, error);

	if (!bpf) {
		print_message("# skipped: %s\n", error);
		skip();
	}
	return bpf;
}

/*
 * One run in the kernel, which puts the network header behind the first 14 bytes. False when it
 * takes no such frame.
 */
static bool program_run(int fd, struct slice frame, uint32_t *verdict)
{
	union bpf_attr attributes;

	memset(&attributes, 0, sizeof(attributes));
	attributes.test.prog_fd = (uint32_t)fd;
	attributes.test.data_in = (uint64_t)(uintptr_t)frame.data;
	attributes.test.data_size_in = (uint32_t)frame.length;
	attributes.test.repeat = 1;
	if (syscall(SYS_bpf, BPF_PROG_TEST_RUN, &attributes, sizeof(attributes)) < 0)
		return false;
	*verdict = attributes.test.retval;
	return true;
}

static struct classification classify_frame(const struct capture_settings *settings,
					    struct slice frame)
{
	struct network network = {0};

	assert_true(link_strip(LINK_ETHERNET, frame, &network));
	return classify_network(settings, &network);
}

/* Returns how many frames the kernel did not take. */
static uint32_t compare_filter(struct bpf *bpf, const struct capture_settings *settings)
{
	struct classification expected;
	uint32_t verdict, skipped = 0;
	bool is_admitted;

	assert_int_equal(bpf_settings_update(bpf, settings), 0);
	for (size_t i = 0; i < frame_count; i++) {
		if (!program_run(bpf_filter_fd(bpf), frames[i], &verdict)) {
			skipped++;
			continue;
		}
		expected = classify_frame(settings, frames[i]);
		is_admitted = expected.is_admitted &&
			      (settings->share_count <= 1 ||
			       expected.key % settings->share_count == settings->share_index);
		if (verdict != (is_admitted ? WHOLE_PACKET : 0))
			fail_msg("frame %zu (%zu bytes): %#x instead of %d", i, frames[i].length,
				 verdict, is_admitted);
	}
	return skipped;
}

static void compare_split(struct bpf *bpf, const struct capture_settings *settings)
{
	uint32_t verdict, wanted;

	assert_int_equal(bpf_settings_update(bpf, settings), 0);
	for (size_t i = 0; i < frame_count; i++) {
		if (!program_run(bpf_split_fd(bpf), frames[i], &verdict))
			continue;
		wanted = classify_frame(settings, frames[i]).key % settings->worker_count;
		if (verdict != wanted)
			fail_msg("frame %zu (%zu bytes): worker %u instead of %u", i,
				 frames[i].length, verdict, wanted);
	}
}

static const struct capture_settings variants[] = {
	{.port_count = 1, .ports = {53}},
	{.port_count = 2, .ports = {5353, 53}, .split = SPLIT_CHECKSUM},
	{.port_count = 1, .ports = {53}, .split = SPLIT_FLOW, .queries_wanted = 1},
	{.port_count = 12,
	 .ports = {1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 8053},
	 .tunnels = TUNNEL_ALL,
	 .split = SPLIT_DESTINATION},
	{.port_count = 3,
	 .ports = {65535, 0, 53},
	 .tunnels = TUNNEL_GRE | TUNNEL_TEREDO,
	 .pcap_port = 30031,
	 .split = SPLIT_CHECKSUM},
	{.port_count = 1,
	 .ports = {5353},
	 .tunnels = TUNNEL_VXLAN | TUNNEL_6IN4,
	 .jmirror_port = 30030,
	 .split = SPLIT_FLOW},
	{.port_count = 0, .tunnels = TUNNEL_ALL & ~TUNNEL_VXLAN, .split = SPLIT_CHECKSUM},
};

#define VARIANTS (sizeof(variants) / sizeof(*variants))

static void test_bpf_filter_admits_what_classify_admits(void **state)
{
	struct bpf *bpf = open_or_skip();
	uint32_t skipped = 0;

	(void)state;
	for (size_t i = 0; i < VARIANTS; i++)
		skipped = compare_filter(bpf, &variants[i]);
	print_message("# %zu frames, %u not taken by the kernel's test run\n", frame_count,
		      skipped);
	assert_true(skipped < frame_count / 20);
	bpf_close(bpf);
}

static void test_bpf_public_captures_are_among_the_frames(void **state)
{
	(void)state;
	if (!capture_count) {
		print_message("# skipped: no captures (DNSFLOW_SHARED)\n");
		skip();
	}
	assert_true(capture_count > 40);
}

static void test_bpf_filter_takes_its_share(void **state)
{
	struct bpf *bpf = open_or_skip();
	struct capture_settings settings;

	(void)state;
	for (uint32_t split = SPLIT_DESTINATION; split <= SPLIT_FLOW; split++)
		for (size_t n = 0; n < COUNTS; n++)
			for (int last = 0; last < 2; last++) {
				settings = default_settings;
				settings.tunnels = TUNNEL_ALL;
				settings.queries_wanted = 1;
				settings.split = split;
				settings.share_count = counts[n];
				settings.share_index = last ? counts[n] - 1 : 0;
				compare_filter(bpf, &settings);
			}
	bpf_close(bpf);
}

static void test_bpf_split_gives_the_worker_of_classify(void **state)
{
	struct bpf *bpf = open_or_skip();
	struct capture_settings settings;

	(void)state;
	for (size_t i = 0; i < VARIANTS; i++)
		for (size_t n = 0; n < COUNTS; n++) {
			settings = variants[i];
			settings.worker_count = counts[n];
			compare_split(bpf, &settings);
		}
	bpf_close(bpf);
}

static void test_bpf_split_without_workers_is_the_first(void **state)
{
	struct bpf *bpf = open_or_skip();
	struct capture_settings settings = default_settings;
	uint32_t verdict;

	(void)state;
	settings.worker_count = 0;
	assert_int_equal(bpf_settings_update(bpf, &settings), 0);
	assert_true(program_run(bpf_split_fd(bpf), frames[0], &verdict));
	assert_int_equal(verdict, 0);
	bpf_close(bpf);
}

static void test_bpf_counts_its_verdicts(void **state)
{
	struct bpf *bpf = open_or_skip(), *other = open_or_skip();
	struct verdicts before, after;
	uint32_t verdict, admitted = 0, runs = 0;

	(void)state;
	assert_int_equal(bpf_verdicts(bpf, &before), 0);
	for (size_t i = 0; i < frame_count; i++)
		if (program_run(bpf_filter_fd(bpf), frames[i], &verdict)) {
			runs++;
			admitted += verdict != 0;
		}
	assert_int_equal(bpf_verdicts(bpf, &after), 0);
	assert_true(admitted > 1000);
	assert_int_equal(after.admitted - before.admitted, admitted);
	assert_int_equal(after.rejected - before.rejected, runs - admitted);
	assert_int_equal(after.unreadable, 0);
	assert_int_equal(bpf_verdicts(other, &after), 0);
	assert_int_equal(after.admitted + after.rejected, 0);
	bpf_close(other);
	bpf_close(bpf);
}

static void shares_compile(const struct capture_settings *settings,
			   struct filter_program programs[SHARES_MAX])
{
	struct filter_options options = {
		.ports = {settings->ports[0]},
		.port_count = 1,
		.share_count = settings->share_count,
		.is_checksum_split = settings->split == SPLIT_CHECKSUM,
	};
	char text[FILTER_TEXT_MAX], error[256];

	for (uint32_t share = 0; share < settings->share_count; share++) {
		options.share_index = share;
		assert_true(filter_text(&options, text, sizeof(text)) > 0);
		assert_int_equal(filter_compile(text, DLT_ETHERNET, &programs[share], error), 0);
	}
}

static bool is_first_fragment(struct slice frame)
{
	const struct decode_options options = {0};
	struct network network;
	struct packet packet;

	return link_strip(LINK_ETHERNET, frame, &network) &&
	       decode_network(&options, &network, true, &packet) == DECODE_FRAGMENT;
}

/*
 * Returns how many frames the classic filter accepts, without fragments: they go by their addresses
 * in all splits.
 */
static uint32_t compare_shares(const struct capture_settings *settings)
{
	static struct filter_program programs[SHARES_MAX];
	struct classification expected;
	uint32_t accepted, share_of, total = 0;

	shares_compile(settings, programs);
	for (size_t i = 0; i < frame_count; i++) {
		accepted = share_of = 0;
		for (uint32_t share = 0; share < settings->share_count; share++)
			if (filter_match(&programs[share], frames[i], (uint32_t)frames[i].length)) {
				accepted++;
				share_of = share;
			}
		if (!accepted)
			continue;
		assert_int_equal(accepted, 1);
		expected = classify_frame(settings, frames[i]);
		assert_true(expected.is_admitted);
		if (is_first_fragment(frames[i]))
			continue;
		total++;
		if (expected.key % settings->share_count != share_of)
			fail_msg("frame %zu: share %u instead of %u", i, expected.key, share_of);
	}
	return total;
}

static void test_bpf_shares_are_those_of_the_classic_filter(void **state)
{
	struct capture_settings settings;
	uint32_t total;

	(void)state;
	for (uint32_t split = SPLIT_DESTINATION; split <= SPLIT_CHECKSUM; split++)
		for (size_t n = 1; n < COUNTS; n++) {
			settings = default_settings;
			settings.split = split;
			settings.share_count = counts[n];
			if (counts[n] > SHARES_MAX)
				continue;
			total = compare_shares(&settings);
			assert_true(total > 50);
			print_message("# %u frames of one share out of %u\n", total, counts[n]);
		}
}

/* A network of the test's own, with a pair of interfaces, for the rest of this process. */
static void network_enter_or_skip(void)
{
	if (unshare(CLONE_NEWNET) < 0) {
		print_message("# skipped: no network namespace: %s\n", strerror(errno));
		skip();
	}
	if (system("ip link set lo up && ip link add left type veth peer name right && "
		   "ip link set left up && ip link set right up") != 0) {
		print_message("# skipped: ip(8) makes no veth interfaces here\n");
		skip();
	}
}

static int filter_attach(const struct bpf *bpf, const char *interface, int type)
{
	struct sockaddr_ll address = {
		.sll_family = AF_PACKET,
		.sll_protocol = htons(ETH_P_ALL),
		.sll_ifindex = (int)if_nametoindex(interface),
	};
	int program = bpf_filter_fd(bpf), fd = socket(AF_PACKET, type | SOCK_NONBLOCK, 0);

	assert_true(fd >= 0);
	assert_int_equal(setsockopt(fd, SOL_SOCKET, SO_ATTACH_BPF, &program, sizeof(program)), 0);
	assert_int_equal(bind(fd, (struct sockaddr *)&address, sizeof(address)), 0);
	return fd;
}

/* How many packets arrive until there was silence for a while. */
static uint32_t packets_count(int fd)
{
	struct pollfd waiting = {.fd = fd, .events = POLLIN};
	uint8_t packet[2048];
	uint32_t count = 0;

	while (poll(&waiting, 1, 100) > 0)
		while (recv(fd, packet, sizeof(packet), 0) > 0)
			count++;
	return count;
}

static void loopback_send(void)
{
	struct sockaddr_in address = {.sin_family = AF_INET, .sin_port = htons(53)};
	const uint8_t response[12] = {0, 1, 0x81, 0x80};
	int fd = socket(AF_INET, SOCK_DGRAM, 0);

	address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
	assert_int_equal(bind(fd, (struct sockaddr *)&address, sizeof(address)), 0);
	address.sin_port = htons(40000);
	assert_int_equal(sendto(fd, response, sizeof(response), 0, (struct sockaddr *)&address,
				sizeof(address)),
			 sizeof(response));
	close(fd);
}

static void test_bpf_outgoing_copy_on_loopback_is_rejected_when_unwanted(void **state)
{
	struct capture_settings settings = default_settings;
	struct bpf *bpf = open_or_skip();
	int fd;

	(void)state;
	network_enter_or_skip();
	for (int unwanted = 0; unwanted <= 1; unwanted++) {
		settings.loopback_index = unwanted ? if_nametoindex("lo") : 0;
		assert_int_equal(bpf_settings_update(bpf, &settings), 0);
		fd = filter_attach(bpf, "lo", SOCK_RAW);
		loopback_send();
		assert_int_equal(packets_count(fd), unwanted ? 1 : 2);
		close(fd);
	}
	bpf_close(bpf);
}

/* As a traffic generator does it: the tags are in the frame, nobody strips them going out. */
static void frame_send(int tags)
{
	struct sockaddr_ll address = {
		.sll_family = AF_PACKET,
		.sll_ifindex = (int)if_nametoindex("left"),
	};
	int fd = socket(AF_PACKET, SOCK_RAW, 0);
	static struct build b;
	struct slice frame;

	build_body(&b, BODY_RESPONSE, 53);
	build_addresses(&b, 4, 1);
	for (int i = 0; i < tags; i++)
		build_vlan(&b, 0x8100, 10);
	build_ethernet(&b);
	frame = build_frame(&b);
	assert_int_equal(sendto(fd, frame.data, frame.length, 0, (struct sockaddr *)&address,
				sizeof(address)),
			 frame.length);
	close(fd);
}

static void test_bpf_filter_sees_tagged_packets_in_both_directions(void **state)
{
	const int types[] = {SOCK_RAW, SOCK_DGRAM};
	struct bpf *bpf = open_or_skip();
	int out, in;

	(void)state;
	network_enter_or_skip();
	for (size_t i = 0; i < 2; i++)
		for (int tags = 0; tags <= 3; tags++) {
			out = filter_attach(bpf, "left", types[i]);
			in = filter_attach(bpf, "right", types[i]);
			frame_send(tags);
			assert_int_equal(packets_count(out), 1);
			assert_int_equal(packets_count(in), 1);
			close(in);
			close(out);
		}
	bpf_close(bpf);
}

static void test_bpf_open_without_rights_tells_why(void **state)
{
	char error[256] = "";
	int status;
	pid_t child;

	(void)state;
	child = fork();
	assert_true(child >= 0);
	if (!child) {
		if (getuid() == 0 && setresuid(NOBODY, NOBODY, NOBODY) < 0)
			_exit(2);
		_exit(bpf_open(&default_settings, -1, error) || !error[0]);
	}
	assert_int_equal(waitpid(child, &status, 0), child);
	assert_int_equal(status, 0);
	bpf_close(NULL);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_bpf_filter_admits_what_classify_admits),
		cmocka_unit_test(test_bpf_public_captures_are_among_the_frames),
		cmocka_unit_test(test_bpf_filter_takes_its_share),
		cmocka_unit_test(test_bpf_split_gives_the_worker_of_classify),
		cmocka_unit_test(test_bpf_split_without_workers_is_the_first),
		cmocka_unit_test(test_bpf_counts_its_verdicts),
		cmocka_unit_test(test_bpf_shares_are_those_of_the_classic_filter),
		cmocka_unit_test(test_bpf_outgoing_copy_on_loopback_is_rejected_when_unwanted),
		cmocka_unit_test(test_bpf_filter_sees_tagged_packets_in_both_directions),
		cmocka_unit_test(test_bpf_open_without_rights_tells_why),
	};

	cmocka_set_message_output(CM_OUTPUT_TAP);
	return cmocka_run_group_tests(tests, frames_make, NULL);
}
