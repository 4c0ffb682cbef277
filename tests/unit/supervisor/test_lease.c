/* SPDX-License-Identifier: BSD-3-Clause */
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <setjmp.h>
#include <cmocka.h>
#include <fcntl.h>
#include <signal.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

#include "ipc/memory.h"
#include "ipc/observation.h"
#include "ipc/proxy_stats.h"
#include "supervisor/lease.h"

#define STEPS_MOST 50

static struct lease lease;
static struct effective before, after;
static char error[CONFIG_ERROR_MAX];

static void begin(struct effective *effective, uint32_t cache_mib)
{
	effective->config = config_default;
	strcpy(effective->config.proxy.listen, "127.0.0.1:53");
	effective->config.proxy.cache_mib = cache_mib;
	effective->config_fd = memory_create("config", 1);
	effective->lists_fd = memory_create("lists", 1);
}

/* Of the second one everything has another size. */
static int set_up(void **state)
{
	(void)state;
	begin(&before, 1);
	begin(&after, 2);
	before.config.statistics.is_enabled = after.config.statistics.is_enabled = true;
	after.config.statistics.names *= 2;
	strcpy(after.config.rules, "allow a");
	for (int i = 0; i < 1500; i++)
		strcat(after.config.rules, "\nallow b");
	signal(SIGXFSZ, SIG_IGN);
	return lease_open(&lease, &before, 0, -1, error) ? 0 : -1;
}

static int tear_down(void **state)
{
	struct effective *all[] = {&before, &after};

	(void)state;
	lease_close(&lease);
	for (int i = 0; i < 2; i++) {
		close(all[i]->config_fd);
		close(all[i]->lists_fd);
	}
	return 0;
}

static bool is_same_file(int a, int b)
{
	struct stat first, second;

	return a >= 0 && b >= 0 && fstat(a, &first) == 0 && fstat(b, &second) == 0 &&
	       first.st_ino == second.st_ino;
}

/* Can a worker start with it? */
static void expect_lease_of(const struct effective *effective)
{
	const struct config *config = &effective->config;

	assert_true(is_same_file(lease.fds[CHILD_FD_CONFIG], effective->config_fd));
	assert_true(is_same_file(lease.fds[CHILD_FD_LISTS], effective->lists_fd));
	assert_true(memory_is_sealed(lease.fds[CHILD_FD_CACHE], proxy_cache_size(config)));
	assert_true(memory_is_sealed(lease.fds[CHILD_FD_PROXY], proxy_stats_size(config)));
	assert_true(memory_is_sealed(lease.fds[CHILD_FD_STATS], observation_size(config)));
}

static int lowest_free(void)
{
	int fd = open("/dev/null", O_RDONLY);

	close(fd);
	return fd;
}

static void test_a_lease_follows_whole_or_not_at_all_when_descriptors_run_out(void **state)
{
	struct rlimit limit, tight;
	int steps = 0, first = lowest_free();
	bool has_followed;

	(void)state;
	assert_int_equal(getrlimit(RLIMIT_NOFILE, &limit), 0);
	do {
		tight = (struct rlimit){(rlim_t)first + (rlim_t)steps, limit.rlim_max};
		assert_int_equal(setrlimit(RLIMIT_NOFILE, &tight), 0);
		has_followed = lease_reconfigure(&lease, &after, error);
		assert_int_equal(setrlimit(RLIMIT_NOFILE, &limit), 0);
		expect_lease_of(has_followed ? &after : &before);
		if (!has_followed)
			assert_int_equal(lowest_free(), first); /* nothing is left behind */
	} while (!has_followed && steps++ < STEPS_MOST);
	assert_in_range(steps, 5, STEPS_MOST);
}

static void test_a_lease_stays_whole_when_memory_runs_out(void **state)
{
	const struct rlimit none = {0, RLIM_INFINITY}, all = {RLIM_INFINITY, RLIM_INFINITY};
	struct rlimit tight = none;

	(void)state;
	/* enough for all but the cache, which is largest */
	after.config.proxy.cache_mib = 256;
	tight.rlim_cur = 255u << 20;
	assert_int_equal(setrlimit(RLIMIT_FSIZE, &tight), 0);
	assert_false(lease_reconfigure(&lease, &after, error));
	expect_lease_of(&before);
	assert_int_equal(setrlimit(RLIMIT_FSIZE, &all), 0);
	after.config.proxy.cache_mib = 2;
	assert_true(lease_reconfigure(&lease, &after, error));
	expect_lease_of(&after);
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)
	const struct CMUnitTest tests[] = {
		TEST(test_a_lease_follows_whole_or_not_at_all_when_descriptors_run_out),
		TEST(test_a_lease_stays_whole_when_memory_runs_out),
	};

	cmocka_set_message_output(CM_OUTPUT_TAP);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
