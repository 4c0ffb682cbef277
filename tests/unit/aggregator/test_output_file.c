/* SPDX-License-Identifier: BSD-3-Clause */
#include "output_rig.h"

#include <errno.h>
#include <fcntl.h>
#include <sched.h>
#include <sys/mount.h>
#include <sys/stat.h>

#define SECOND NANOSECONDS_PER_SECOND

static char folder[] = "/tmp/output_file.XXXXXX";
static char path[64], other[64];
static bool has_small_disk;

static int set_up(void **state)
{
	int error = rig_set_up(state);

	unlink(path);
	unlink(other);
	snprintf(rig.config.path, sizeof(rig.config.path), "%s", path);
	return error;
}

static int open_path(const char *name)
{
	int fd = open(name, O_RDWR | O_APPEND | O_CREAT | O_CLOEXEC, 0600);

	assert_true(fd >= 0);
	return fd;
}

static void lend(enum lend what)
{
	rig.output.ops->lent(&rig.output, what, open_path(path), NULL);
}

static void begin(void)
{
	rig_open(&output_file);
	assert_int_equal(rig.asks, 1);
	lend(LEND_FILE);
	assert_true(rig.account.is_up);
}

static void expect_in(const char *name, const char *text)
{
	char found[4096] = "";
	int fd = open(name, O_RDONLY);

	assert_true(fd >= 0);
	assert_true(read(fd, found, sizeof(found) - 1) >= 0);
	assert_string_equal(found, text);
	close(fd);
}

static void put(const char *name, const char *text)
{
	int fd = open_path(name);

	assert_int_equal(write(fd, text, strlen(text)), strlen(text));
	close(fd);
}

static void tick(int64_t seconds)
{
	rig.output.ops->tick(&rig.output, clock_monotonic_ns() + seconds * SECOND);
}

static void test_records_are_lines(void **state)
{
	(void)state;
	begin();
	rig_say("one");
	rig_push("two");
	rig_say("three");
	expect_in(path, "one\ntwo\nthree\n");
	assert_int_equal(rig.account.written, 3);
	assert_int_equal(rig.account.file_length, 14);
	assert_int_equal(rig.committed.file_length, 14);
	assert_int_equal(rig.committed.tail, rig.account.head);
	assert_true(rig_is_done());
}

static void test_records_wait_for_the_file(void **state)
{
	(void)state;
	rig_open(&output_file);
	rig_say("early");
	assert_int_equal(rig.account.queued, 1);
	lend(LEND_FILE);
	expect_in(path, "early\n");
}

static void test_why_there_is_no_file_is_told_once(void **state)
{
	(void)state;
	rig_open(&output_file);
	rig.output.ops->lent(&rig.output, LEND_FILE, -1, "Permission denied");
	tick(1);
	assert_int_equal(rig.asks, 2);
	rig.output.ops->lent(&rig.output, LEND_FILE, -1, "Permission denied");
	assert_int_equal(rig.logs, 1);
	assert_non_null(strstr(rig.log, ": Permission denied"));
	assert_int_equal(rig.account.failures, 2);
}

static void test_successor_cuts_off_what_was_not_committed(void **state)
{
	struct output_account committed;

	(void)state;
	begin();
	rig_say("one");
	committed = rig.account;
	rig_say("two");
	put(path, "torn");
	rig_close();
	rig.account = committed; /* killed before the commit of "two" */
	rig.account.queued = 1;
	rig.account.head = 32;
	rig_open(&output_file);
	lend(LEND_FILE);
	expect_in(path, "one\ntwo\n");
	assert_int_equal(rig.account.written, 2);
}

static void test_foreign_file_is_appended_to_on_a_new_line(void **state)
{
	(void)state;
	put(path, "somebody's\ntorn line");
	begin();
	rig_say("ours");
	expect_in(path, "somebody's\ntorn line\nours\n");
}

static void test_external_rename_is_followed(void **state)
{
	(void)state;
	begin();
	rig_say("before");
	tick(1);
	assert_int_equal(rig.asks, 2);
	lend(LEND_FILE);
	assert_int_equal(rename(path, other), 0);
	rig_say("meanwhile");
	tick(2);
	lend(LEND_FILE);
	rig_say("after");
	expect_in(other, "before\nmeanwhile\n");
	expect_in(path, "after\n");
	assert_int_equal(rig.account.file_length, 6);
}

static void test_file_that_was_cut_is_measured_again(void **state)
{
	(void)state;
	begin();
	rig_say("before");
	assert_int_equal(truncate(path, 0), 0);
	tick(1);
	assert_int_equal(rig.account.file_length, 0);
	rig_say("after");
	expect_in(path, "after\n");
}

/* A file just below a mebibyte. */
static void begin_nearly_full(void)
{
	int fd = open_path(path);

	assert_int_equal(ftruncate(fd, (1 << 20) - 10), 0);
	assert_int_equal(pwrite(fd, "\n", 1, (1 << 20) - 11), 1);
	assert_int_equal(ftruncate(fd, (1 << 20) - 10), 0);
	close(fd);
	rig.config.max_size_mib = 1;
	rig.config.count = 2;
	begin();
}

static void test_file_is_rotated_before_it_reaches_its_size(void **state)
{
	struct stat status;

	(void)state;
	begin_nearly_full();
	rig_push("123456"); /* 7 of 10 or 11 bytes */
	rig_push("12");
	rig_push("3");
	rig.output.ops->write(&rig.output);
	assert_int_equal(rig.next_asks, 1);
	rig_say("4");
	assert_int_equal(rig.next_asks, 1);
	assert_int_equal(stat(path, &status), 0);
	assert_true(status.st_size < 1 << 20);
	assert_int_equal(rename(path, other), 0);
	lend(LEND_NEXT_FILE);
	expect_in(path, "12\n3\n4\n");
	assert_int_equal(rig.account.written, 4);
}

static void test_file_that_cannot_be_rotated_is_gone_on_with(void **state)
{
	struct stat status;

	(void)state;
	begin_nearly_full();
	rig_say("123456789012345678901234567890");
	assert_int_equal(rig.next_asks, 1);
	rig.output.ops->lent(&rig.output, LEND_NEXT_FILE, -1, "Read-only file system");
	assert_true(rig_is_done());
	assert_non_null(strstr(rig.log, "not rotated: Read-only file system"));
	assert_int_equal(stat(path, &status), 0);
	assert_true(status.st_size > 1 << 20);
	rig_say("more");
	assert_int_equal(rig.next_asks, 1);
}

static void test_same_file_again_is_no_rotation(void **state)
{
	(void)state;
	begin_nearly_full();
	rig_say("123456789012345678901234567890");
	lend(LEND_NEXT_FILE);
	assert_true(rig_is_done());
	assert_int_equal(rig.next_asks, 1);
}

static void test_without_files_to_keep_nothing_is_rotated(void **state)
{
	(void)state;
	begin_nearly_full();
	rig.config.count = 0;
	rig_say("123456789012345678901234567890");
	assert_true(rig_is_done());
	assert_int_equal(rig.next_asks, 0);
}

static void test_old_file_is_rotated_without_records(void **state)
{
	(void)state;
	rig.config.max_age_s = 100;
	rig.config.count = 1;
	begin();
	tick(200);
	assert_int_equal(rig.next_asks, 0); /* nothing is in it */
	lend(LEND_FILE);
	rig_say("one");
	tick(90);
	lend(LEND_FILE);
	assert_int_equal(rig.next_asks, 0);
	tick(101);
	assert_int_equal(rig.next_asks, 1);
	assert_int_equal(rename(path, other), 0);
	lend(LEND_NEXT_FILE);
	assert_int_equal(rig.account.file_length, 0);
}

static void test_age_goes_on_in_a_successor(void **state)
{
	(void)state;
	rig.config.max_age_s = 100;
	rig.config.count = 1;
	begin();
	rig_say("one");
	rig.account.opened_ns -= 60 * SECOND;
	rig_close();
	rig_open(&output_file);
	lend(LEND_FILE);
	tick(30);
	assert_int_equal(rig.next_asks, 0);
	lend(LEND_FILE);
	tick(41);
	assert_int_equal(rig.next_asks, 1);
}

static void test_answer_to_an_older_question_is_not_the_next_file(void **state)
{
	(void)state;
	begin_nearly_full();
	tick(1);
	rig_say("123456789012345678901234567890");
	assert_int_equal(rig.next_asks, 1);
	lend(LEND_FILE);
	assert_false(rig_is_done());
	assert_int_equal(rename(path, other), 0);
	lend(LEND_NEXT_FILE);
	assert_true(rig_is_done());
	expect_in(path, "123456789012345678901234567890\n");
}

static void test_pipe_that_is_full_is_waited_for(void **state)
{
	char line[1001], found[8192];
	uint32_t pushed = 0;
	int fds[2];
	size_t total = 0;

	(void)state;
	rig_open(&output_file);
	assert_int_equal(pipe2(fds, O_NONBLOCK), 0);
	rig.output.ops->lent(&rig.output, LEND_FILE, fds[1], NULL);
	memset(line, 'x', 1000);
	line[1000] = '\0';
	while (rig_push(line))
		pushed++;
	rig.output.ops->write(&rig.output);
	assert_true(rig.account.written < pushed);
	while (total < pushed * 1001) {
		ssize_t length = read(fds[0], found, sizeof(found));

		for (ssize_t i = 0; i < length; i++)
			assert_int_equal(found[i], (total + (size_t)i) % 1001 == 1000 ? '\n' : 'x');
		total += length > 0 ? (size_t)length : 0;
		rig_turn();
	}
	assert_true(rig_is_done());
	assert_int_equal(rig.account.written, pushed);
	close(fds[0]);
	rig_say("nobody");
	assert_false(rig.account.is_up);
	assert_int_equal(rig.account.queued, 1);
	tick(6);
	assert_int_equal(rig.asks, 2);
}

static void test_full_disk_loses_nothing_and_tears_nothing(void **state)
{
	char line[1001];
	uint32_t pushed = 0;
	struct stat status;
	int filler;

	(void)state;
	if (!has_small_disk)
		skip();
	begin();
	filler = open_path(other);
	assert_int_equal(posix_fallocate(filler, 0, 1700 << 10), 0);
	memset(line, 'x', 1000);
	line[1000] = '\0';
	while (rig_push(line))
		pushed++;
	rig.output.ops->write(&rig.output);
	assert_false(rig.account.is_up);
	assert_non_null(strstr(rig.log, "No space left on device"));
	assert_int_equal(rig.logs, 2);
	assert_true(rig.account.written > 0 && rig.account.queued > 0);
	assert_int_equal(stat(path, &status), 0);
	assert_int_equal(status.st_size, rig.account.written * 1001);
	assert_int_equal(status.st_size, rig.account.file_length);
	tick(6);
	assert_int_equal(ftruncate(filler, 0), 0);
	close(filler);
	tick(12);
	assert_true(rig.account.is_up);
	assert_int_equal(rig.account.written, pushed);
}

static int prepare(void **state)
{
	(void)state;
	if (!mkdtemp(folder))
		return 1;
	has_small_disk = unshare(CLONE_NEWNS) == 0 &&
			 mount(NULL, "/", NULL, MS_REC | MS_PRIVATE, NULL) == 0 &&
			 mount("tmpfs", folder, "tmpfs", 0, "size=2m") == 0;
	snprintf(path, sizeof(path), "%s/log", folder);
	snprintf(other, sizeof(other), "%s/log.1", folder);
	return 0;
}

static int clean_up(void **state)
{
	(void)state;
	unlink(path);
	unlink(other);
	if (has_small_disk)
		umount(folder);
	return rmdir(folder);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, rig_tear_down)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(test_records_are_lines),
		TEST(test_records_wait_for_the_file),
		TEST(test_why_there_is_no_file_is_told_once),
		TEST(test_successor_cuts_off_what_was_not_committed),
		TEST(test_foreign_file_is_appended_to_on_a_new_line),
		TEST(test_external_rename_is_followed),
		TEST(test_file_that_was_cut_is_measured_again),
		TEST(test_file_is_rotated_before_it_reaches_its_size),
		TEST(test_file_that_cannot_be_rotated_is_gone_on_with),
		TEST(test_same_file_again_is_no_rotation),
		TEST(test_without_files_to_keep_nothing_is_rotated),
		TEST(test_old_file_is_rotated_without_records),
		TEST(test_age_goes_on_in_a_successor),
		TEST(test_answer_to_an_older_question_is_not_the_next_file),
		TEST(test_pipe_that_is_full_is_waited_for),
		TEST(test_full_disk_loses_nothing_and_tears_nothing),
	};

	cmocka_set_message_output(CM_OUTPUT_TAP);
	return cmocka_run_group_tests(tests, prepare, clean_up);
}
