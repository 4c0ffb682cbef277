/* SPDX-License-Identifier: BSD-3-Clause */
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <setjmp.h>
#include <errno.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <unistd.h>
#include <cmocka.h>

#include "ipc/child.h"
#include "ipc/lend.h"
#include "ipc/memory.h"
#include "ipc/proxy_stats.h"
#include "supervisor/proxy_lease.h"

static struct proxy_lease lease;
static struct config config;

static int set_up(void **state)
{
	(void)state;
	config = config_default;
	strcpy(config.proxy.listen, "127.0.0.1:53");
	config.proxy.cache_mib = 7;
	config.worker_count = 3;
	strcpy(config.rules, "allow a\nallow b");
	proxy_lease_init(&lease);
	return 0;
}

static int tear_down(void **state)
{
	(void)state;
	proxy_lease_close(&lease);
	return 0;
}

static void fit(void)
{
	struct proxy_lease next;

	assert_int_equal(proxy_lease_fit(&lease, &config, &next), 0);
	proxy_lease_replace(&lease, &next);
}

static void test_nothing_is_made_without_a_proxy(void **state)
{
	(void)state;
	*config.proxy.listen = '\0';
	fit();
	assert_int_equal(lease.cache_fd, -1);
	assert_int_equal(lease.stats_fd, -1);
	strcpy(config.proxy.listen, "127.0.0.1:53");
	fit();
	*config.proxy.listen = '\0';
	fit();
	assert_int_equal(lease.cache_fd, -1);
	assert_int_equal(lease.stats_reader_fd, -1);
}

static void test_the_cache_is_divided_among_workers(void **state)
{
	int fd;

	(void)state;
	fit();
	assert_true(memory_has_size(lease.cache_fd, 2 << 20));
	fd = lease.cache_fd;
	fit();
	assert_int_equal(lease.cache_fd, fd);
	config.worker_count = 7;
	fit();
	assert_true(memory_has_size(lease.cache_fd, 1 << 20));
	config.worker_count = 64;
	fit();
	assert_true(memory_has_size(lease.cache_fd, 1 << 20));
	config.proxy.cache_mib = 0;
	fit();
	assert_int_equal(lease.cache_fd, -1);
}

static void write_stats(void)
{
	struct proxy_stats *stats = memory_map(lease.stats_fd, proxy_stats_size(&config), true);

	assert_non_null(stats);
	stats->traffic.packets_sent = 17;
	stats->rules[0] = 1;
	stats->rules[1] = 2;
	munmap(stats, proxy_stats_size(&config));
}

static void expect_stats(void)
{
	struct proxy_stats *stats =
		memory_map(lease.stats_reader_fd, proxy_stats_size(&config), false);

	assert_non_null(stats);
	assert_int_equal(stats->traffic.packets_sent, 17);
	assert_int_equal(stats->rules[0], 1);
	assert_int_equal(stats->rules[1], 2);
	assert_int_equal(stats->rules[2], 0);
	munmap(stats, proxy_stats_size(&config));
}

static void test_what_was_told_goes_on_with_other_rules(void **state)
{
	(void)state;
	fit();
	write_stats();
	strcpy(config.rules, "allow a\nallow b\nallow c\nallow d");
	fit();
	expect_stats();
	for (int i = 0; i < 1500; i++)
		strcat(config.rules, "\nallow b");
	fit();
	expect_stats();
	strcpy(config.rules, "allow a");
	fit();
	expect_stats();
}

static void test_a_dry_run_tells_without_a_cache(void **state)
{
	(void)state;
	*config.proxy.listen = '\0';
	config.is_dry_run = true;
	fit();
	assert_int_equal(lease.cache_fd, -1);
	assert_true(memory_has_size(lease.stats_fd, proxy_stats_size(&config)));
}

static void test_the_aggregator_cannot_write(void **state)
{
	struct control_message message;
	int channel[2], fd;
	void *cache;

	(void)state;
	assert_int_equal(socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_NONBLOCK, 0, channel), 0);
	assert_int_equal(proxy_lease_lend(&lease, 0, channel[0]), 0); /* nothing is there */
	assert_int_equal(lend_receive(channel[1], &message, &fd), -EAGAIN);
	fit();
	assert_int_equal(proxy_lease_lend(&lease, 5, channel[0]), 0);
	assert_int_equal(lend_receive(channel[1], &message, &fd), 1);
	assert_int_equal(lend_what(message.status), LEND_PROXY);
	assert_int_equal(lend_index(message.status), 5);
	assert_null(memory_map(fd, proxy_stats_size(&config), true));
	close(fd);
	assert_int_equal(lend_receive(channel[1], &message, &fd), 1);
	assert_int_equal(lend_what(message.status), LEND_CACHE);
	assert_null(memory_map(fd, proxy_cache_size(&config), true));
	cache = memory_map(fd, proxy_cache_size(&config), false);
	assert_non_null(cache);
	munmap(cache, proxy_cache_size(&config));
	close(fd);
	assert_int_equal(lend_receive(channel[1], &message, &fd), -EAGAIN);
	close(channel[0]);
	close(channel[1]);
}

static void test_what_is_handed_over_goes_on(void **state)
{
	struct handover *given = handover_new(), *taken;
	char error[CONFIG_ERROR_MAX];
	int fds[CHILD_FD_END], fd;

	(void)state;
	fit();
	write_stats();
	proxy_lease_give(&lease, 4, given);
	fd = handover_write(given, true);
	taken = handover_read(fd, error);
	assert_non_null(taken);
	close(lease.stats_reader_fd);
	proxy_lease_init(&lease);
	assert_int_equal(proxy_lease_take(&lease, 4, taken), 0);
	handover_free(taken);
	handover_free(given);
	close(fd);
	proxy_lease_place(&lease, fds);
	assert_true(memory_has_size(fds[CHILD_FD_CACHE], 2 << 20));
	assert_int_equal(fds[CHILD_FD_PROXY], lease.stats_fd);
	expect_stats();
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)
	const struct CMUnitTest tests[] = {
		TEST(test_nothing_is_made_without_a_proxy),
		TEST(test_the_cache_is_divided_among_workers),
		TEST(test_what_was_told_goes_on_with_other_rules),
		TEST(test_a_dry_run_tells_without_a_cache),
		TEST(test_the_aggregator_cannot_write),
		TEST(test_what_is_handed_over_goes_on),
	};

	cmocka_set_message_output(CM_OUTPUT_TAP);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
