/* SPDX-License-Identifier: BSD-3-Clause */
#include "output_rig.h"

#include <fcntl.h>
#include <sys/socket.h>

/* Standard output is one end of something while a test runs; reader is the other, or -1. */
static int kept, reader;

static void redirect(int fd, int other)
{
	fcntl(other, F_SETFL, O_NONBLOCK);
	dup2(fd, STDOUT_FILENO);
	close(fd);
	reader = other;
}

static void redirect_to_pipe(void)
{
	int fds[2];

	assert_int_equal(pipe(fds), 0);
	redirect(fds[1], fds[0]);
}

static int set_up(void **state)
{
	fflush(stdout);
	kept = dup(STDOUT_FILENO);
	reader = -1;
	return rig_set_up(state);
}

static int tear_down(void **state)
{
	dup2(kept, STDOUT_FILENO);
	close(kept);
	if (reader >= 0)
		close(reader);
	return rig_tear_down(state);
}

static void expect(const char *text)
{
	char found[256] = "";

	assert_int_equal(read(reader, found, sizeof(found) - 1), strlen(text));
	assert_string_equal(found, text);
}

static void test_records_are_written(void **state)
{
	(void)state;
	redirect_to_pipe();
	rig_open(&output_stdout);
	rig_push("one");
	rig_say("two");
	expect("one\ntwo\n");
	assert_true(rig_is_done());
	assert_int_equal(rig.account.written, 2);
	assert_int_equal(rig.account.bytes_written, 8);
	assert_int_equal(rig.committed.tail, rig.account.head);
	assert_int_equal(rig.account.is_up, 1);
}

/* Writes numbered lines until reader would block; reads all and compares. */
static void check_slow_reader(void)
{
	char line[16], found[4096], *text, expected[16];
	unsigned int pushed = 0, next = 0;
	size_t held = 0;
	ssize_t got;

	text = calloc(1, RIG_QUEUE_BYTES * 2);
	for (; pushed < 30000; pushed++) {
		snprintf(line, sizeof(line), "%07u", pushed);
		if (!rig_push(line))
			break;
	}
	rig.output.ops->write(&rig.output);
	assert_true(rig.account.written < pushed);
	assert_false(fcntl(STDOUT_FILENO, F_GETFL) & O_NONBLOCK);
	while (held < 8ul * pushed) {
		got = read(reader, found, sizeof(found));
		if (got > 0) {
			memcpy(text + held, found, (size_t)got);
			held += (size_t)got;
		}
		rig_turn();
	}
	for (; next < pushed; next++) {
		snprintf(expected, sizeof(expected), "%07u\n", next);
		assert_memory_equal(text + 8 * next, expected, 8);
	}
	assert_int_equal(rig.account.written, pushed);
	assert_int_equal(rig.account.bytes_written, 8 * pushed);
	assert_true(rig_is_done());
	free(text);
}

static void test_slow_reader_of_a_pipe_holds_nobody_up(void **state)
{
	(void)state;
	redirect_to_pipe();
	rig_open(&output_stdout);
	check_slow_reader();
}

static void test_slow_reader_of_a_socket_holds_nobody_up(void **state)
{
	int fds[2], size = 4096;

	(void)state;
	assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM, 0, fds), 0);
	setsockopt(fds[0], SOL_SOCKET, SO_SNDBUF, &size, sizeof(size));
	redirect(fds[0], fds[1]);
	rig_open(&output_stdout);
	check_slow_reader();
}

/* A pipe that cannot be opened once more: of no name that /proc could give. */
static void test_pipe_that_cannot_be_opened_again_is_written_with_care(void **state)
{
	int fds[2];

	(void)state;
	assert_int_equal(pipe(fds), 0);
	close(fds[0]); /* without a reader, opening is ENXIO */
	reader = -1;
	dup2(fds[1], STDOUT_FILENO);
	rig_open(&output_stdout);
	snprintf(rig.log, sizeof(rig.log), "/proc/self/fd/%d", fds[1]);
	reader = open(rig.log, O_RDONLY | O_NONBLOCK);
	close(fds[1]);
	assert_true(reader >= 0);
	check_slow_reader();
}

static void test_successor_goes_on_in_the_middle_of_a_line(void **state)
{
	(void)state;
	redirect_to_pipe();
	rig.account.file_length = 4;
	rig_open(&output_stdout);
	rig_push("begun, ended");
	rig_say("next");
	expect("n, ended\nnext\n");
	assert_int_equal(rig.account.file_length, 0);
	assert_int_equal(rig.account.written, 2);
}

static void test_reader_that_has_gone_fails_all_records(void **state)
{
	(void)state;
	redirect_to_pipe();
	rig_open(&output_stdout);
	close(reader);
	reader = -1;
	rig_push("one");
	rig_say("two");
	rig_say("three");
	assert_int_equal(rig.account.dropped_failed, 3);
	assert_int_equal(rig.account.queued, 0);
	assert_int_equal(rig.account.failures, 1);
	assert_int_equal(rig.account.is_up, 0);
	rig.output.ops->tick(&rig.output, clock_monotonic_ns() + 20 * NANOSECONDS_PER_SECOND);
	assert_string_equal(rig.log, "output test: standard output: Broken pipe");
}

static void test_regular_file_is_appended_to(void **state)
{
	char path[] = "/tmp/test_output_stdout.XXXXXX";
	int fd = mkstemp(path);

	(void)state;
	unlink(path);
	assert_int_equal(write(fd, "before\n", 7), 7);
	reader = dup(fd);
	dup2(fd, STDOUT_FILENO);
	close(fd);
	rig_open(&output_stdout);
	rig_say("one");
	lseek(reader, 0, SEEK_SET);
	expect("before\none\n");
}

static void test_full_disk_keeps_the_records(void **state)
{
	int fd = open("/dev/full", O_WRONLY);

	(void)state;
	dup2(fd, STDOUT_FILENO);
	close(fd);
	rig_open(&output_stdout);
	rig_say("one");
	rig_say("two");
	assert_int_equal(rig.account.queued, 2);
	assert_int_equal(rig.account.failures, 1);
	rig.output.ops->tick(&rig.output, 0);
	assert_int_equal(rig.account.failures, 2);
	assert_int_equal(rig.account.dropped_failed, 0);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(test_records_are_written),
		TEST(test_slow_reader_of_a_pipe_holds_nobody_up),
		TEST(test_slow_reader_of_a_socket_holds_nobody_up),
		TEST(test_pipe_that_cannot_be_opened_again_is_written_with_care),
		TEST(test_successor_goes_on_in_the_middle_of_a_line),
		TEST(test_reader_that_has_gone_fails_all_records),
		TEST(test_regular_file_is_appended_to),
		TEST(test_full_disk_keeps_the_records),
	};

	cmocka_set_message_output(CM_OUTPUT_TAP);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
