/* SPDX-License-Identifier: BSD-3-Clause */
#include <errno.h>
#include <fcntl.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <setjmp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>
#include <cmocka.h>

#include "base/clock.h"
#include "base/log.h"
#include "supervisor/compress.h"
#include "supervisor/output_files.h"

#define USER	65534
#define LONG_NS (10 * NANOSECONDS_PER_SECOND)

static char folder[] = "/tmp/output_files.XXXXXX";
static struct config config;
static struct config_output *const output = &config.outputs[1];
static struct output_files *files;
static struct loop *loop;
static struct loop_event *turn;
static char error[CONFIG_ERROR_MAX], log_text[512];
static unsigned int logs;
static int executable_fd;

static void shell(const char *format, ...) __attribute__((format(printf, 1, 2)));

static void shell(const char *format, ...)
{
	char command[1024];
	va_list arguments;
	int length = snprintf(command, sizeof(command), "cd %s && set -e && ", folder);

	va_start(arguments, format);
	vsnprintf(command + length, sizeof(command) - (size_t)length, format, arguments);
	va_end(arguments);
	if (system(command) != 0)
		fail_msg("%s", command);
}

static void on_log(enum log_level level, const char *text)
{
	(void)level;
	logs++;
	snprintf(log_text, sizeof(log_text), "%s", text);
}

static void stop(void *argument)
{
	(void)argument;
	loop_stop(loop);
}

static int set_up(void **state)
{
	(void)state;
	shell("rm -rf *; chmod 755 .; chown %d .", (int)geteuid());
	config.output_count = 2;
	config.uid = config.gid = geteuid() == 0 ? USER : geteuid();
	*output = (struct config_output){.count = 2, .spool_mib = 1, .name = "test"};
	snprintf(output->path, sizeof(output->path), "%s/log", folder);
	snprintf(output->spool, sizeof(output->spool), "%s/spool", folder);
	loop = loop_new();
	turn = loop_add_timer(loop, stop, NULL);
	files = output_files_new(loop, executable_fd);
	log_set_sink(on_log);
	logs = 0;
	return 0;
}

static int tear_down(void **state)
{
	(void)state;
	output_files_free(files);
	loop_free(loop);
	log_set_sink(NULL);
	return 0;
}

static void run_until_idle(void)
{
	int64_t end = clock_monotonic_ns() + LONG_NS;

	while (output_files_is_busy(files) && clock_monotonic_ns() < end) {
		loop_timer_set(turn, NANOSECONDS_PER_MILLISECOND);
		loop_run(loop);
	}
	assert_false(output_files_is_busy(files));
}

static int open_log(void)
{
	int fd = output_files_open(&config, 1, error);

	if (fd < 0)
		fail_msg("%s", error);
	return fd;
}

static void write_log(const char *text)
{
	int fd = open_log();

	assert_int_equal(write(fd, text, strlen(text)), strlen(text));
	close(fd);
}

static void rotate(void)
{
	int fd = output_files_next(files, &config, 1, error);

	if (fd < 0)
		fail_msg("%s", error);
	close(fd);
}

static void refused(const char *reason)
{
	assert_int_equal(output_files_open(&config, 1, error), -1);
	assert_string_equal(error, reason);
}

static void test_new_file_belongs_to_the_user(void **state)
{
	struct stat status;
	int fd;

	(void)state;
	fd = open_log();
	assert_int_equal(fstat(fd, &status), 0);
	assert_int_equal(status.st_mode, S_IFREG | 0640);
	assert_int_equal(status.st_uid, config.uid);
	assert_true(fcntl(fd, F_GETFL) & O_APPEND);
	assert_true(fcntl(fd, F_GETFD) & FD_CLOEXEC);
	close(fd);
	write_log("one\n");
	write_log("two\n");
	shell("test \"$(cat log)\" = \"$(printf 'one\\ntwo')\"");
}

static void test_links_are_followed_only_where_they_are_ours(void **state)
{
	(void)state;
	shell("echo keep >target; ln -s target log");
	close(open_log());
	if (geteuid() != 0)
		skip();
	shell("chown -h %d log", USER);
	refused("a symbolic link that others than root can replace");
	shell("chown -h 0 log; chown %d .", USER);
	refused("a symbolic link that others than root can replace");
	shell("chown 0 .; chmod 777 .");
	refused("a symbolic link that others than root can replace");
	shell("mkdir real; chown %d .; ln -s real way", USER);
	snprintf(output->path, sizeof(output->path), "%s/way/log", folder);
	refused("a symbolic link that others than root can replace");
	shell("test $(cat target) = keep");
}

static void test_only_files_and_pipes_are_opened(void **state)
{
	int reader, writer;

	(void)state;
	shell("mkdir log");
	refused("neither a regular file of one name nor a pipe");
	shell("rmdir log; echo x >other; ln other log");
	refused("neither a regular file of one name nor a pipe");
	shell("rm log; mkfifo log");
	refused("nobody reads the pipe");
	snprintf(output->path, sizeof(output->path), "%s/log", folder);
	reader = open(output->path, O_RDONLY | O_NONBLOCK);
	writer = open_log();
	assert_int_equal(write(writer, "x", 1), 1);
	close(reader);
	close(writer);
	strcpy(output->path, "/dev/null");
	close(open_log());
	strcpy(output->path, "/dev/zero");
	refused("neither a regular file of one name nor a pipe");
	strcpy(output->path, "/nowhere/log");
	refused("No such file or directory");
}

static void test_only_configured_outputs_have_files(void **state)
{
	(void)state;
	assert_int_equal(output_files_open(&config, 0, error), -1);
	assert_int_equal(output_files_open(&config, 2, error), -1);
	assert_int_equal(output_files_next(files, &config, 77, error), -1);
	output->count = 0;
	assert_int_equal(output_files_next(files, &config, 1, error), -1);
}

static void test_rotation_keeps_so_many(void **state)
{
	char text[16];

	(void)state;
	for (int i = 1; i <= 4; i++) {
		sprintf(text, "%d", i);
		write_log(text);
		rotate();
	}
	shell("test \"$(ls)\" = \"$(printf 'log\\nlog.1\\nlog.2')\"");
	shell("test \"$(cat log.1)$(cat log.2)$(cat log)\" = 43");
	assert_false(output_files_is_busy(files));
}

static void compress_with(enum output_compression compression, const char *suffix, const char *tool)
{
	output->compression = compression;
	shell("seq 1 300000 >log; chmod 600 log");
	rotate();
	run_until_idle();
	shell("test \"$(ls)\" = \"$(printf 'log\\nlog.1.%s')\"", suffix);
	shell("seq 1 300000 >plain; %s -dc log.1.%s | cmp - plain; rm plain", tool, suffix);
	shell("test $(stat -c %%a log.1.%s) = 600", suffix);
	shell("echo second >log");
	rotate();
	run_until_idle();
	shell("test \"$(%s -dc log.1.%s)\" = second; test -e log.2.%s", tool, suffix, suffix);
	assert_int_equal(logs, 0);
}

static void test_gzip(void **state)
{
	(void)state;
	compress_with(OUTPUT_GZIP, "gz", "gzip");
}

static void test_zstd(void **state)
{
	(void)state;
	if (system("command -v zstd >/dev/null"))
		skip();
	compress_with(OUTPUT_ZSTD, "zst", "zstd -q");
}

static void test_rotations_while_it_compresses(void **state)
{
	(void)state;
	output->compression = OUTPUT_GZIP;
	output->count = 3;
	for (int i = 1; i <= 3; i++) {
		shell("echo %d >log", i);
		rotate();
	}
	run_until_idle();
	shell("for i in 1 2 3; do test $(gzip -dc log.$i.gz) = $((4 - i)) || exit 1; done");
	shell("test $(ls | wc -l) = 4");
	assert_int_equal(logs, 0);
}

static void test_file_that_goes_while_it_is_compressed(void **state)
{
	(void)state;
	output->compression = OUTPUT_GZIP;
	output->count = 1;
	for (int i = 1; i <= 3; i++) {
		shell("echo %d >log", i);
		rotate();
	}
	run_until_idle();
	shell("test $(gzip -dc log.1.gz) = 3; test $(ls | wc -l) = 2");
}

static void test_original_stays_when_it_cannot_be_compressed(void **state)
{
	(void)state;
	output->compression = OUTPUT_GZIP;
	shell("echo text >log; mkdir log.compressing");
	rotate();
	run_until_idle();
	shell("test $(cat log.1) = text; test ! -e log.1.gz");
	assert_int_equal(logs, 1);
	assert_non_null(strstr(log_text, "log.1 is not compressed: "));
}

static void test_end_leaves_the_original(void **state)
{
	(void)state;
	output->compression = OUTPUT_GZIP;
	shell("seq 1 3000000 >log");
	rotate();
	assert_true(output_files_is_busy(files));
	output_files_free(files);
	files = NULL;
	shell("test \"$(ls)\" = \"$(printf 'log\\nlog.1')\"");
}

static void set_command(const char *script)
{
	shell("cat >command <<'E'\n#!/bin/sh\n%s\nE\nchmod 755 command; touch told; chown %u told",
	      script, config.uid);
	snprintf(output->command, sizeof(output->command), "%s/command  first second", folder);
}

static void test_command_gets_the_name(void **state)
{
	(void)state;
	set_command("echo $# $1 $2 $3 $(id -u) $(ls /proc/self/fd | wc -l) >>${0%command}told");
	write_log("x");
	rotate();
	run_until_idle();
	output->compression = OUTPUT_GZIP;
	write_log("x");
	rotate();
	run_until_idle();
	/* Its own four descriptors: three streams and the folder that ls reads. */
	shell("printf '3 first second %%s %u 4\\n' $PWD/log.1 $PWD/log.1.gz | cmp - told",
	      config.uid);
	assert_int_equal(logs, 0);
}

static void test_commands_run_one_after_the_other(void **state)
{
	(void)state;
	set_command("echo begin >>${0%command}told; sleep 0.1; echo end >>${0%command}told");
	for (int i = 0; i < 2; i++) {
		write_log("x");
		rotate();
	}
	run_until_idle();
	shell("test \"$(echo $(cat told))\" = 'begin end begin end'");
}

static void test_no_more_files_wait_than_are_kept(void **state)
{
	(void)state;
	output->compression = OUTPUT_GZIP;
	shell("seq 1 300000 >log");
	for (int i = 0; i < 1000; i++)
		rotate();
	run_until_idle();
	assert_true(logs <= output->count);
}

static void test_file_without_successor_keeps_its_name(void **state)
{
	struct rlimit all, few;
	int fd;

	(void)state;
	output->compression = OUTPUT_GZIP;
	write_log("x");
	fd = open_log();
	close(fd);
	getrlimit(RLIMIT_NOFILE, &all);
	few = (struct rlimit){(rlim_t)fd + 1,
			      all.rlim_max}; /* the folder is opened, the file not */
	setrlimit(RLIMIT_NOFILE, &few);
	fd = output_files_next(files, &config, 1, error);
	setrlimit(RLIMIT_NOFILE, &all);
	assert_int_equal(fd, -1);
	assert_string_equal(error, "Too many open files");
	assert_false(output_files_is_busy(files));
	shell("test \"$(ls)\" = log && test \"$(cat log)\" = x");
}

static void test_failing_command_is_told(void **state)
{
	(void)state;
	set_command("exit 7");
	write_log("x");
	rotate();
	run_until_idle();
	assert_non_null(strstr(log_text, "log.1 was not taken by the command: status 7"));
	strcpy(output->command, "/nowhere/command");
	write_log("x");
	rotate();
	run_until_idle();
	assert_non_null(strstr(log_text, "status 127"));
}

static void test_spool_has_its_size(void **state)
{
	struct stat status;
	int fd;

	(void)state;
	fd = output_files_open_spool(&config, 1, error);
	assert_true(fd >= 0);
	assert_int_equal(fstat(fd, &status), 0);
	assert_int_equal(status.st_size, 1 << 20);
	assert_true(status.st_blocks * 512 >= 1 << 20);
	assert_int_equal(pwrite(fd, "x", 1, 5), 1);
	assert_int_equal(pwrite(fd, "y", 1, 4), 1);
	assert_int_equal(fstat(fd, &status), 0);
	assert_int_equal(status.st_size, 1 << 20);
	close(fd);
}

static int prepare(void **state)
{
	(void)state;
	return mkdtemp(folder) ? 0 : 1;
}

static int clean_up(void **state)
{
	(void)state;
	shell("rm -rf %s", folder);
	return 0;
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

int main(int argc, char **argv)
{
	const struct CMUnitTest tests[] = {
		TEST(test_new_file_belongs_to_the_user),
		TEST(test_links_are_followed_only_where_they_are_ours),
		TEST(test_only_files_and_pipes_are_opened),
		TEST(test_only_configured_outputs_have_files),
		TEST(test_rotation_keeps_so_many),
		TEST(test_gzip),
		TEST(test_zstd),
		TEST(test_rotations_while_it_compresses),
		TEST(test_file_that_goes_while_it_is_compressed),
		TEST(test_original_stays_when_it_cannot_be_compressed),
		TEST(test_end_leaves_the_original),
		TEST(test_command_gets_the_name),
		TEST(test_commands_run_one_after_the_other),
		TEST(test_no_more_files_wait_than_are_kept),
		TEST(test_file_without_successor_keeps_its_name),
		TEST(test_failing_command_is_told),
		TEST(test_spool_has_its_size),
	};
	struct child_identity identity;
	int rest;

	if (child_identify(argc, argv, &identity, &rest))
		return compress_main(&identity, argc - rest, argv + rest);
	executable_fd = open("/proc/self/exe", O_RDONLY | O_CLOEXEC);
	cmocka_set_message_output(CM_OUTPUT_TAP);
	return cmocka_run_group_tests(tests, prepare, clean_up);
}
