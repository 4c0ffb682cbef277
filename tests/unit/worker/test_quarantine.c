/* SPDX-License-Identifier: BSD-3-Clause */
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <setjmp.h>
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>
#include <cmocka.h>

#include "ipc/quarantine.h"
#include "pcap/savefile.h"
#include "worker/capture/quarantine.h"

static int fd;
static uint8_t bytes[100];
static const struct frame frame = {
	.bytes = {bytes, sizeof(bytes)},
	.wire_length = sizeof(bytes),
	.link = LINK_ETHERNET,
};

static int set_up(void **state)
{
	FILE *file = tmpfile(); /* a limit of file sizes does not hold for a memfd */

	(void)state;
	assert_non_null(file);
	fd = dup(fileno(file));
	fclose(file);
	assert_int_equal(fcntl(fd, F_SETFL, O_APPEND), 0);
	return 0;
}

static int tear_down(void **state)
{
	(void)state;
	close(fd);
	return 0;
}

static off_t length_of(void)
{
	struct stat status;

	assert_int_equal(fstat(fd, &status), 0);
	return status.st_size;
}

static void limit(rlim_t size)
{
	struct rlimit limits;

	getrlimit(RLIMIT_FSIZE, &limits);
	limits.rlim_cur = size;
	assert_int_equal(setrlimit(RLIMIT_FSIZE, &limits), 0);
}

static void test_frame_is_appended_whole(void **state)
{
	(void)state;
	assert_int_equal(quarantine_append(fd, &frame), 0);
	assert_int_equal(quarantine_append(fd, &frame), 0);
	assert_int_equal(length_of(), 2 * (SAVEFILE_RECORD_SIZE + sizeof(bytes)));
}

static void test_half_a_record_is_taken_back(void **state)
{
	off_t before;

	(void)state;
	assert_int_equal(quarantine_append(fd, &frame), 0);
	before = length_of();
	limit((rlim_t)before + 50);
	assert_int_equal(quarantine_append(fd, &frame), -ENOSPC);
	assert_int_equal(length_of(), before);
	limit((rlim_t)before);
	assert_int_equal(quarantine_append(fd, &frame), -EFBIG);
	assert_int_equal(length_of(), before);
	limit(RLIM_INFINITY);
	assert_int_equal(quarantine_append(fd, &frame), 0);
}

static void test_frame_is_not_kept_beyond_the_limit(void **state)
{
	(void)state;
	assert_int_equal(ftruncate(fd, QUARANTINE_BYTES_MAX - 50), 0);
	assert_int_equal(quarantine_append(fd, &frame), -EFBIG);
	assert_int_equal(length_of(), QUARANTINE_BYTES_MAX - 50);
}

static void test_frame_is_not_kept_without_a_quarantine(void **state)
{
	(void)state;
	assert_int_equal(quarantine_append(-1, &frame), -EBADF);
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)
	const struct CMUnitTest tests[] = {
		TEST(test_frame_is_appended_whole),
		TEST(test_half_a_record_is_taken_back),
		TEST(test_frame_is_not_kept_beyond_the_limit),
		TEST(test_frame_is_not_kept_without_a_quarantine),
	};

	signal(SIGXFSZ, SIG_IGN);
	cmocka_set_message_output(CM_OUTPUT_TAP);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
