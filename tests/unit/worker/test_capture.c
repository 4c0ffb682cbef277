/* SPDX-License-Identifier: BSD-3-Clause */
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <setjmp.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/ptrace.h>
#include <sys/wait.h>
#include <unistd.h>
#include <cmocka.h>

#include "base/clock.h"
#include "base/cursor.h"
#include "ipc/child.h"
#include "ipc/commit.h"
#include "ipc/ledger.h"
#include "net/link.h"
#include "tests/lib/dns_build.h"
#include "tests/lib/recipe.h"
#include "worker/capture/capture.h"

static struct config config;
static struct state_head *head; /* shared with children, as the body */
static struct state_watch watch;
static struct body *body;
static struct outbox outbox;
static struct capture capture;
static struct build build;
static struct dns_build message;
static uint64_t given;

static void *share(size_t size)
{
	void *memory = mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);

	assert_true(memory != MAP_FAILED);
	return memory;
}

static void set_up_input(enum config_input input)
{
	config = config_default;
	config.input = input;
	config.tunnels = TUNNEL_ALL;
	strcpy(config.write_file, "memory");
	memset(head, 0, sizeof(*head));
	memset(&capture, 0, sizeof(capture));
	memset(body, 0, body_size());
	assert_true(state_attach(head));
	assert_int_equal(ftruncate(CHILD_FD_OUTPUT, 0), 0);
	outbox_open(&outbox, &config, head, body);
	assert_int_equal(capture_open(&capture, &config, 0, &watch, head, body, &outbox, NULL), 0);
	given = 0;
}

static int set_up(void **state)
{
	int fd = memfd_create("output", 0);

	(void)state;
	head = share(sizeof(*head));
	body = share(body_size());
	assert_int_equal(dup2(fd, CHILD_FD_OUTPUT), CHILD_FD_OUTPUT);
	close(fd);
	set_up_input(CONFIG_INPUT_MAPPED);
	return 0;
}

static int tear_down(void **state)
{
	(void)state;
	fragments_close(capture.fragments);
	streams_close(capture.streams);
	munmap(head, sizeof(*head));
	munmap(body, body_size());
	close(CHILD_FD_OUTPUT);
	return 0;
}

static void give(struct slice bytes, uint32_t wire_length, enum link_type link)
{
	struct frame frame = {.bytes = bytes, .wire_length = wire_length, .link = link};

	capture.next_packet = ++given;
	capture.now_ns += NANOSECONDS_PER_MILLISECOND;
	capture_frame(&capture, &frame);
}

static void give_recipe(const char *recipe)
{
	struct slice frame;

	recipe_build(&build, recipe);
	frame = build_frame(&build);
	give(frame, (uint32_t)frame.length, recipe_link(recipe));
}

static struct slice response(const char *name, const char *address)
{
	dns_build_start(&message, 1, DNS_BUILD_ANSWERED);
	dns_build_question(&message, name, DNS_TYPE_A);
	dns_build_address(&message, name, address);
	return dns_build_message(&message);
}

static void give_response(struct slice dns)
{
	struct slice frame;

	build_start(&build, dns.data, dns.length);
	build_udp(&build, 53, 4444);
	build_ip(&build, "192.0.2.53", "198.51.100.7");
	build_ethernet(&build);
	frame = build_frame(&build);
	give(frame, (uint32_t)frame.length, LINK_ETHERNET);
}

/* A segment of a stream of messages with their length prefixes. */
static void give_segment(const uint8_t *bytes, size_t length, uint32_t sequence, uint8_t flags)
{
	struct slice frame;

	build_start(&build, bytes, length);
	build_tcp(&build, 53, 4444, sequence, flags);
	build_ip(&build, "192.0.2.53", "198.51.100.7");
	build_ethernet(&build);
	frame = build_frame(&build);
	give(frame, (uint32_t)frame.length, LINK_ETHERNET);
}

static uint64_t counter(enum counter which)
{
	return state_counter(head, which);
}

static void assert_ledger(void)
{
	struct ledger_line lines[LEDGER_LINES_MAX];
	struct ledger ledger = {0};
	uint32_t line_count;

	assert_int_equal(counter(COUNTER_PACKETS_READ), given);
	assert_int_equal(state_get(head, STATE_HELD),
			 fragments_held(capture.fragments) + streams_held(capture.streams));
	ledger_add(&ledger, head, &watch, 0);
	line_count = ledger_make(&ledger, false, lines);
	for (uint32_t i = 0; i < line_count; i++) {
		if (lines[i].missing)
			print_error("%s: %lld missing\n", lines[i].stage,
				    (long long)lines[i].missing);
		assert_int_equal(lines[i].missing, 0);
	}
}

static void finish(void)
{
	capture_finish(&capture);
	outbox_send(&outbox);
	outbox_finish(&outbox, 100);
	assert_ledger();
}

static void test_response_becomes_a_record(void **state)
{
	(void)state;
	give_response(response("a.example", "203.0.113.1"));
	assert_int_equal(counter(COUNTER_PACKETS_MESSAGE), 1);
	assert_int_equal(counter(COUNTER_MESSAGES_RECORDED), 1);
	assert_int_equal(state_get(head, STATE_PACKET), 1);
	assert_int_equal(state_get(head, STATE_OPEN_SETS), 1);
	finish();
	assert_int_equal(counter(COUNTER_RECORDS_SENT), 1);
}

static void test_every_frame_moves_the_cursor(void **state)
{
	static const char *const recipes[] = {
		"dns udp ip4 eth",
		"dns udp ip6 vlan eth",
		"dns tcp ip4 eth",
		"dns udp frag4 eth",
		"dns udp last4 eth",
		"dns udp ip4 gre out4 eth",
		"eth",
		"dns eth",
	};

	(void)state;
	for (size_t i = 0; i < sizeof(recipes) / sizeof(recipes[0]); i++) {
		give_recipe(recipes[i]);
		assert_int_equal(state_get(head, STATE_PACKET), given);
	}
	outbox_send(&outbox);
	assert_ledger();
	finish();
}

static void test_messages_of_one_segment_are_one_commit_each(void **state)
{
	uint8_t bytes[1024];
	size_t length = 0;

	(void)state;
	for (int i = 0; i < 5; i++) {
		struct slice dns = response("a.example", "203.0.113.1");

		be16_store(bytes + length, (uint16_t)dns.length);
		memcpy(bytes + length + 2, dns.data, dns.length);
		length += 2 + dns.length;
	}
	give_segment(NULL, 0, 1, 2);
	give_segment(bytes, length - 10, 2, 0);
	assert_int_equal(counter(COUNTER_MESSAGES_RECORDED), 4);
	assert_int_equal(state_get(head, STATE_STREAMS_STEP), 1 + 4 + 1);
	assert_ledger();
	give_segment(bytes + length - 10, 10, 2 + (uint32_t)length - 10, 0);
	assert_int_equal(counter(COUNTER_MESSAGES_RECORDED), 5);
	assert_int_equal(state_get(head, STATE_MESSAGE), 0);
	finish();
	assert_int_equal(counter(COUNTER_PIECES_USED), 2);
}

/* Runs give_frame in a child, instruction by instruction, and kills it once it has committed
 * `messages` of the packet. */
static void give_until_killed(struct slice frame, uint64_t messages)
{
	pid_t child = fork();
	int status;

	if (child == 0) {
		ptrace(PTRACE_TRACEME, 0, NULL, NULL);
		raise(SIGSTOP);
		give(frame, (uint32_t)frame.length, LINK_ETHERNET);
		_exit(0);
	}
	assert_int_equal(waitpid(child, &status, 0), child);
	while (state_get(head, STATE_MESSAGE) < messages || head->intent.mark) {
		assert_int_equal(ptrace(PTRACE_SINGLESTEP, child, NULL, NULL), 0);
		assert_int_equal(waitpid(child, &status, 0), child);
		assert_true(WIFSTOPPED(status));
	}
	kill(child, SIGKILL);
	waitpid(child, &status, 0);
}

/* A worker dies after the first message of a segment that came in fragments, and is replaced. */
static void test_messages_of_a_fragmented_segment_survive_a_kill(void **state)
{
	static struct build segment;
	uint8_t bytes[1024];
	size_t length = 0, payload;
	struct slice frame;

	(void)state;
	for (int i = 0; i < 3; i++) {
		struct slice dns = response("a.example", "203.0.113.1");

		be16_store(bytes + length, (uint16_t)dns.length);
		memcpy(bytes + length + 2, dns.data, dns.length);
		length += 2 + dns.length;
	}
	give_segment(NULL, 0, 1, 2);
	build_start(&segment, bytes, length);
	build_tcp(&segment, 53, 4444, 2, 0);
	payload = segment.end - segment.start;
	build = segment;
	build_fragment(&build, "192.0.2.53", "198.51.100.7", 7, 0, 64, true);
	build_ethernet(&build);
	frame = build_frame(&build);
	give(frame, (uint32_t)frame.length, LINK_ETHERNET);
	build = segment;
	build_fragment(&build, "192.0.2.53", "198.51.100.7", 7, 64, payload - 64, false);
	build_ethernet(&build);
	frame = build_frame(&build);
	give_until_killed(frame, 1);
	assert_int_equal(counter(COUNTER_MESSAGES_RECORDED), 1);

	fragments_close(capture.fragments);
	streams_close(capture.streams);
	memset(&capture, 0, sizeof(capture));
	assert_true(state_attach(head));
	assert_int_equal(capture_open(&capture, &config, 0, &watch, head, body, &outbox, NULL), 0);
	give(frame, (uint32_t)frame.length, LINK_ETHERNET);
	assert_int_equal(counter(COUNTER_MESSAGES_RECORDED), 3);
	finish();
	assert_int_equal(counter(COUNTER_PIECES_USED), 3);
	assert_int_equal(counter(COUNTER_RECORDS_SENT), 3);
}

static void test_cut_response_is_truncated_not_malformed(void **state)
{
	struct slice frame, dns = response("a.example", "203.0.113.1");

	(void)state;
	build_start(&build, dns.data, dns.length);
	build_udp(&build, 53, 4444);
	build_ip(&build, "192.0.2.53", "198.51.100.7");
	build_ethernet(&build);
	frame = build_frame(&build);
	give((struct slice){frame.data, frame.length - 4}, (uint32_t)frame.length, LINK_ETHERNET);
	assert_int_equal(counter(COUNTER_MESSAGES_TRUNCATED), 1);
	finish();
}

static void test_sampling_counts_what_it_leaves_out(void **state)
{
	(void)state;
	capture.sample_rate = 4;
	for (int i = 0; i < 4000; i++)
		give_response(response("a.example", "203.0.113.1"));
	assert_in_range(counter(COUNTER_MESSAGES_RECORDED), 800, 1200);
	finish();
	assert_int_equal(counter(COUNTER_PACKETS_SAMPLED_OUT) + counter(COUNTER_PACKETS_MESSAGE),
			 4000);
}

static void test_shares_divide_frames_exactly(void **state)
{
	uint64_t total = 0;

	(void)state;
	for (uint32_t share = 0; share < 3; share++) {
		fragments_close(capture.fragments);
		streams_close(capture.streams);
		set_up_input(CONFIG_INPUT_MAPPED);
		capture.share_count = 3;
		capture.share_index = share;
		for (int i = 0; i < 60; i++) {
			char address[32];
			struct slice frame, dns = response("a.example", "203.0.113.1");

			snprintf(address, sizeof(address), "198.51.100.%d", i);
			build_start(&build, dns.data, dns.length);
			build_udp(&build, 53, 4444);
			build_ip(&build, "192.0.2.53", address);
			build_ethernet(&build);
			frame = build_frame(&build);
			give(frame, (uint32_t)frame.length, LINK_ETHERNET);
		}
		total += counter(COUNTER_MESSAGES_RECORDED);
		assert_int_equal(counter(COUNTER_MESSAGES_RECORDED), 20);
	}
	assert_int_equal(total, 60);
}

/* A sanitizer has a malloc of its own. */
#if !defined(__SANITIZE_ADDRESS__) && !defined(__SANITIZE_THREAD__)
static size_t allocations;

void *__libc_malloc(size_t size);
void *malloc(size_t size)
{
	allocations++;
	return __libc_malloc(size);
}

static void test_no_frame_allocates_memory(void **state)
{
	static const char *const recipes[] = {
		"dns udp ip4 eth",
		"dns udp ip6 qinq vlan eth",
		"dns udp frag4 eth",
		"dns udp last4 eth",
		"dns udp frag6 eth",
		"dns udp last6 eth",
		"dns udp ip4 vxlan out4 eth",
		"dns udp ip4 gre out6 eth",
		"dns tcp ip4 eth",
	};
	size_t before;

	(void)state;
	free(malloc(1)); /* the counter counts */
	assert_true(allocations > 0);
	before = allocations;
	for (int i = 0; i < 10000; i++)
		give_recipe(recipes[i % 9]);
	assert_int_equal(allocations, before);
	finish();
}
#define IS_COUNTING 1
#endif

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)
	const struct CMUnitTest tests[] = {
		TEST(test_response_becomes_a_record),
		TEST(test_every_frame_moves_the_cursor),
		TEST(test_messages_of_one_segment_are_one_commit_each),
		TEST(test_messages_of_a_fragmented_segment_survive_a_kill),
		TEST(test_cut_response_is_truncated_not_malformed),
		TEST(test_sampling_counts_what_it_leaves_out),
		TEST(test_shares_divide_frames_exactly),
#ifdef IS_COUNTING
		TEST(test_no_frame_allocates_memory),
#endif
	};

	cmocka_set_message_output(CM_OUTPUT_TAP);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
