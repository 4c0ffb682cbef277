/* SPDX-License-Identifier: BSD-3-Clause */
/* Its workers are this program, too: they say that they are ready, do what their role says, and
 * die of it. A packet always waits. */
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <setjmp.h>
#include <cmocka.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/clock.h"
#include "ipc/commit.h"
#include "ipc/memory.h"
#include "supervisor/seat.h"

#define MARK UINT64_C(0x1234)

/* --- the worker --- */

static void wait_for_start(void)
{
	struct pollfd channel = {.fd = CHILD_FD_CONTROL, .events = POLLIN};
	struct control_message message;

	control_send(CHILD_FD_CONTROL, CONTROL_READY, 0, NULL);
	while (control_receive(CHILD_FD_CONTROL, &message) < 0)
		poll(&channel, 1, -1);
}

static void take_query(struct state_head *head, bool is_answered)
{
	commit_add(head, COUNTER_PROXY_QUERIES, 1);
	commit_set(head, STATE_PROXY_WAITING, !is_answered);
	commit_apply(head);
}

/* As a proxy does that begins. */
static void count_lost(struct state_head *head)
{
	commit_add(head, COUNTER_PROXY_LOST, state_get(head, STATE_PROXY_WAITING));
	commit_set(head, STATE_PROXY_WAITING, 0);
	commit_apply(head);
}

static void __attribute__((noreturn)) be_worker(const char *role)
{
	struct state_head *head = memory_map(CHILD_FD_HEAD, sizeof(*head), true);

	setrlimit(RLIMIT_CORE, &(struct rlimit){0});
	if (!head || !state_attach(head))
		exit(EXIT_FAILURE);
	count_lost(head);
	wait_for_start();
	if (!strcmp(role, "answer-and-crash"))
		take_query(head, true);
	if (!strcmp(role, "read-and-crash")) {
		commit_set(head, STATE_PACKET, state_get(head, STATE_PACKET) + 1);
		commit_apply(head);
	}
	if (strcmp(role, "packet")) {
		head->words[STATE_PROXY_TURN] = 1;
		take_query(head, false);
	}
	raise(!strcmp(role, "be-killed") ? SIGKILL : SIGABRT);
	exit(EXIT_FAILURE);
}

/* --- its place --- */

static struct seat seat;
static struct loop *loop;
static struct effective effective;
static uint32_t deaths, deaths_wanted;
static bool has_skipped;

static void on_event(void *argument, struct seat *of, enum seat_event event, uint32_t status,
		     const char *text)
{
	(void)argument;
	(void)status;
	(void)text;
	if (event == SEAT_IS_READY)
		seat_begin(of);
	if (event != SEAT_HAS_DIED)
		return;
	has_skipped |= seat_is_skipping(of);
	of->is_replacing = ++deaths < deaths_wanted;
	if (!of->is_replacing)
		loop_stop(loop);
}

static bool has_packet(void *argument, const struct seat *of)
{
	(void)argument;
	(void)of;
	return true;
}

static int set_up(void **state)
{
	char error[CONFIG_ERROR_MAX];

	(void)state;
	effective.config = config_default;
	strcpy(effective.config.proxy.listen, "127.0.0.1:53");
	effective.config.proxy.cache_mib = 1;
	effective.config_fd = memory_create("config", 1);
	effective.lists_fd = -1;
	loop = loop_new();
	memset(&seat, 0, sizeof(seat));
	deaths = 0;
	has_skipped = false;
	return lease_open(&seat.lease, &effective, 0, -1, error) &&
			       pwrite(seat.lease.proxy.cache_fd, &(uint64_t){MARK}, 8, 0) == 8
		       ? 0
		       : -1;
}

static int tear_down(void **state)
{
	(void)state;
	seat_fini(&seat);
	loop_free(loop);
	close(effective.config_fd);
	return 0;
}

/* Returns how long it took, in ms. */
static int64_t run_until_dead(const char *role, uint32_t times)
{
	const struct seat_owner owner = {
		.on_event = on_event, .has_packet = has_packet, .has_query = has_packet};
	const struct process_plan plan = {
		.executable_fd = open("/proc/self/exe", O_RDONLY | O_CLOEXEC), .role = role};
	int64_t started_ns = clock_monotonic_ns();

	deaths_wanted = times;
	seat_init(&seat, 0, &plan, loop, &owner);
	seat.is_replacing = true;
	assert_int_equal(seat_start(&seat), 0);
	loop_run(loop);
	close(plan.executable_fd);
	assert_int_equal(deaths, times);
	return (clock_monotonic_ns() - started_ns) / NANOSECONDS_PER_MILLISECOND;
}

static bool has_cache(void)
{
	uint64_t mark = 0;

	assert_int_equal(pread(seat.lease.proxy.cache_fd, &mark, sizeof(mark), 0), sizeof(mark));
	return mark == MARK;
}

static ino_t body(void)
{
	struct stat status;

	assert_int_equal(fstat(seat.lease.fds[CHILD_FD_BODY], &status), 0);
	return status.st_ino;
}

static void test_a_death_at_a_packet_skips_it(void **state)
{
	(void)state;
	run_until_dead("packet", 1);
	assert_true(has_skipped);
}

static void test_a_death_in_a_turn_of_the_proxy_skips_no_packet(void **state)
{
	(void)state;
	run_until_dead("crash", 5);
	assert_false(has_skipped);
}

/* At once, then after 10, 20, 40, and 80 ms. */
static void test_who_dies_of_each_query_comes_back_ever_later(void **state)
{
	(void)state;
	assert_true(run_until_dead("crash", 6) >= 10 + 20 + 40 + 80);
	assert_int_equal(seat_fruitless_deaths(&seat), 6);
}

static void test_packets_are_no_progress_of_the_proxy(void **state)
{
	(void)state;
	run_until_dead("read-and-crash", 5);
	assert_int_equal(seat.deaths, 5);
	assert_false(has_skipped);
}

static void test_who_has_answered_comes_back_at_once(void **state)
{
	(void)state;
	run_until_dead("answer-and-crash", 6);
	assert_int_equal(seat.deaths, 1);
	assert_int_equal(seat_fruitless_deaths(&seat), 0);
	assert_false(has_skipped);
	assert_true(has_cache());
}

static void test_the_cache_goes_after_three_deaths_and_the_body_stays(void **state)
{
	ino_t before = body();

	(void)state;
	run_until_dead("crash", 3);
	assert_false(has_cache());
	assert_true(body() == before);
}

static void test_who_is_killed_keeps_its_cache(void **state)
{
	(void)state;
	run_until_dead("be-killed", 4);
	assert_true(has_cache());
	assert_false(has_skipped);
}

int main(int argc, char **argv)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)
	const struct CMUnitTest tests[] = {
		TEST(test_a_death_at_a_packet_skips_it),
		TEST(test_a_death_in_a_turn_of_the_proxy_skips_no_packet),
		TEST(test_who_dies_of_each_query_comes_back_ever_later),
		TEST(test_packets_are_no_progress_of_the_proxy),
		TEST(test_who_has_answered_comes_back_at_once),
		TEST(test_the_cache_goes_after_three_deaths_and_the_body_stays),
		TEST(test_who_is_killed_keeps_its_cache),
	};

	if (argc > 2 && !strcmp(argv[1], "--role"))
		be_worker(argv[2]);
	cmocka_set_message_output(CM_OUTPUT_TAP);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
