/* SPDX-License-Identifier: BSD-3-Clause */
/* What the supervisor tells of its workers' proxies, and orders them: tables, status, flush. The
 * workers are memory that nobody else writes. */
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <setjmp.h>
#include <fcntl.h>
#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>
#include <cmocka.h>

#include "base/clock.h"
#include "base/log.h"
#include "ipc/memory.h"
#include "rules/lists.h"
#include "supervisor/proxy_accounts.h"
#include "supervisor/proxy_report.h"
#include "supervisor/proxy_status.h"
#include "supervisor/supervisor.h"

#define SEATS	  2
#define LINES_MAX 300

static const char *const rules[] = {"log ^a", "redirect b to c", "block d if type is MX",
				    "resolve ^(.*) using 192.0.2.1"};
enum { RULES = sizeof(rules) / sizeof(rules[0]) };

static struct supervisor supervisor;
static struct effective effective;
static struct seat seats[SEATS];
static struct state_head heads[SEATS];
static struct state_watch watches[SEATS];
static struct proxy_stats *stats[SEATS];
static uint64_t *hits[SEATS];
static char *lines[LINES_MAX];
static int line_count;
static char text[1 << 20];

static void take_line(enum log_level level, const char *line)
{
	assert_int_equal(level, LOG_LEVEL_INFO);
	assert_true(line_count < LINES_MAX);
	lines[line_count++] = strdup(line);
}

static const char *text_of(const void *argument, uint32_t number)
{
	(void)argument;
	return rules[number];
}

static void open_seat(int i)
{
	size_t size = proxy_stats_size(&effective.config);
	struct lease *lease = &seats[i].lease;
	struct proxy_lease none;

	memset(&seats[i], 0, sizeof(seats[i]));
	memset(&heads[i], 0, sizeof(heads[i]));
	memset(&watches[i], 0, sizeof(watches[i]));
	seats[i].index = (uint32_t)i;
	lease->head = &heads[i];
	lease->watch = &watches[i];
	observation_lease_init(&lease->observation);
	proxy_lease_init(&none);
	assert_int_equal(proxy_lease_fit(&none, &effective.config, &lease->proxy), 0);
	stats[i] = memory_map(lease->proxy.stats_fd, size, true);
	assert_non_null(stats[i]);
	hits[i] = proxy_stats_attach(stats[i], size, RULES, text_of, NULL);
	assert_non_null(hits[i]);
}

static int set_up(void **state)
{
	struct config *config = &effective.config;

	(void)state;
	memset(&supervisor, 0, sizeof(supervisor));
	memset(&effective, 0, sizeof(effective));
	*config = config_default;
	strcpy(config->proxy.listen, "127.0.0.1:53");
	config->proxy.endpoint_count = 1;
	config->proxy.endpoints[0] = (struct endpoint){{{127, 0, 0, 1}, 4}, 53};
	config->worker_count = SEATS;
	config->proxy.cache_mib = SEATS;
	for (int i = 0; i < RULES; i++)
		sprintf(config->rules + strlen(config->rules), "%s%s", i ? "\n" : "", rules[i]);
	effective.lists_fd = -1;
	for (int i = 0; i < SEATS; i++)
		open_seat(i);
	supervisor.effective = &effective;
	supervisor.listeners = listeners_new(1);
	supervisor.seats = seats;
	supervisor.seat_count = SEATS;
	supervisor.started_ns = clock_monotonic_ns() - 2 * NANOSECONDS_PER_SECOND;
	log_set_sink(take_line);
	return 0;
}

static int tear_down(void **state)
{
	(void)state;
	log_set_sink(NULL);
	for (; line_count; line_count--)
		free(lines[line_count - 1]);
	for (int i = 0; i < SEATS; i++) {
		munmap(stats[i], proxy_stats_size(&effective.config));
		proxy_lease_close(&seats[i].lease.proxy);
	}
	listeners_free(supervisor.listeners);
	if (effective.lists_fd >= 0)
		close(effective.lists_fd);
	return 0;
}

static void ask_for(int worker, const char *name, int times)
{
	static const struct hash_key key = {{1, 2}};
	uint8_t wire[DNS_NAME_MAX], length;

	assert_true(name_parse(name, wire, &length));
	while (times--)
		proxy_stats_name(stats[worker], &key, (struct slice){wire, length}, 0);
}

static void expect_lines(int from, const char *const *expected, int count)
{
	assert_true(from + count <= line_count);
	for (int i = 0; i < count; i++)
		assert_string_equal(lines[from + i], expected[i]);
}

static int find_line(const char *line)
{
	for (int i = 0; i < line_count; i++)
		if (!strcmp(lines[i], line))
			return i;
	fail_msg("no line: %s", line);
	return -1;
}

/* Of Sentry's README (seed 000), but for uptime, which a clock decides. */
static void test_the_tables_are_those_of_sentrys_readme(void **state)
{
	static const char *const system[] = {
		"system stats:",
		"+-------------------------------------+---------------+",
		"| metric                              | value         |",
		"+-------------------------------------+---------------+",
		"| net.bytes_received                  | 85            |",
		"| net.bytes_sent                      | 458           |",
		"| net.packets_received                | 3             |",
		"| net.packets_sent                    | 3             |",
		"| requests_pending                    | 0             |",
		"| requests_total                      | 3             |",
		"| response_time_msec_avg              | 3.07466666667 |",
		"| response_time_msec_max              | 4.138         |",
		"| response_time_msec_min              | 1.435         |",
	};
	static const char *const classes[] = {
		"| <class 'sentry.rules.LoggingRule'>  | 2             |",
		"| <class 'sentry.rules.RedirectRule'> | 1             |",
		"| <class 'sentry.rules.ResolveRule'>  | 2             |",
		"+-------------------------------------+---------------+",
		"domain stats:",
		"+--------------+---------+",
		"| domain       | queries |",
		"+--------------+---------+",
		"| google.com.  | 2       |",
		"| nytimes.com. | 1       |",
		"+--------------+---------+",
	};

	(void)state;
	stats[0]->traffic.packets_received = stats[0]->traffic.packets_sent = 3;
	stats[0]->traffic.bytes_received = 85;
	stats[0]->traffic.bytes_sent = 458;
	proxy_stats_answer(stats[0], 4138000);
	proxy_stats_answer(stats[1], 1435000);
	proxy_stats_answer(stats[1], 3651000);
	heads[1].words[STATE_COUNTERS + COUNTER_PROXY_QUERIES] = 3;
	hits[0][0] = 2;
	hits[1][1] = 1;
	hits[0][3] = hits[1][3] = 1;
	ask_for(0, "nytimes.com", 1);
	ask_for(1, "google.com", 2);
	proxy_report_log(&supervisor);
	expect_lines(0, system, 13);
	assert_non_null(strstr(lines[13], "| uptime                              | 2."));
	assert_int_equal(strlen(lines[13]), strlen(lines[12]));
	expect_lines(14, classes, 11);
	assert_int_equal(line_count, 25);
}

static void test_a_run_without_queries_has_its_uptime(void **state)
{
	(void)state;
	proxy_report_log(&supervisor);
	assert_memory_equal(lines[2], "| metric | value ", 17);
	assert_non_null(strstr(lines[4], "| uptime | 2."));
	assert_int_equal(find_line("domain stats:"), 6);
	assert_int_equal(find_line("| domain | queries |"), 8);
	assert_int_equal(line_count, 11);
}

static void test_without_a_proxy_there_is_no_table(void **state)
{
	(void)state;
	*effective.config.proxy.listen = '\0';
	proxy_report_log(&supervisor);
	assert_int_equal(line_count, 0);
}

static void test_a_hundred_names_at_most(void **state)
{
	char name[32];

	(void)state;
	for (int i = 0; i < 250; i++) {
		snprintf(name, sizeof(name), "n%d.test", i);
		ask_for(i % 2, name, i + 1);
	}
	proxy_report_log(&supervisor);
	assert_int_equal(line_count - find_line("domain stats:"), 1 + 3 + 100 + 1);
	assert_string_equal(lines[find_line("domain stats:") + 4], "| n249.test. | 250     |");
	find_line("| n150.test. | 151     |");
}

static void test_a_hostile_worker_does_no_harm(void **state)
{
	(void)state;
	memset(stats[0], 0xff, proxy_stats_size(&effective.config));
	stats[0]->layout = PROXY_STATS_LAYOUT;
	stats[0]->names.names[0] = (struct proxy_name){5, {3, '\n', '|', 0x1b, 0}};
	proxy_report_log(&supervisor);
	find_line("| \\010\\124\\027. | 18446744073709551615 |");
}

static json_t *parse(struct json *json)
{
	json_t *parsed;

	assert_true(json_finish(json));
	parsed = json_loads(text, 0, NULL);
	assert_non_null(parsed);
	return parsed;
}

static void make_lists(void)
{
	static const struct hash_key key = {{1, 2}};
	static const char names[] = "a.test\nb.test\n";
	const struct lists_source source = {.name = "ads",
					    .format = LIST_NAMES,
					    .text = {(const uint8_t *)names, sizeof(names) - 1},
					    .file = "/ads",
					    .remark = "/ads: is empty"};
	struct lists_report report;
	size_t size;
	void *memory = lists_compile(&source, 1, &key, &report, &size);

	effective.lists_fd = memfd_create("lists", MFD_CLOEXEC);
	assert_int_equal(write(effective.lists_fd, memory, size), (ssize_t)size);
	free(memory);
}

static void test_status_has_cache_servers_and_lists(void **state)
{
	const struct cache_head head = {
		.layout = CACHE_HEAD_LAYOUT, .size = 1 << 20, .counts = {.hits = 7}};
	json_t *status, *proxy, *list;
	struct json json;

	(void)state;
	make_lists();
	assert_int_equal(pwrite(seats[1].lease.proxy.cache_fd, &head, sizeof(head), 0),
			 sizeof(head));
	json_init(&json, text, sizeof(text));
	json_open_object(&json, NULL);
	proxy_status_add(&supervisor, &json);
	json_close_object(&json);
	status = parse(&json);
	proxy = json_object_get(status, "proxy");
	assert_string_equal(
		json_string_value(json_array_get(json_object_get(proxy, "addresses"), 0)),
		"127.0.0.1:53");
	assert_int_equal(
		json_integer_value(json_object_get(json_object_get(proxy, "cache"), "hits")), 7);
	assert_int_equal(
		json_integer_value(json_object_get(json_object_get(proxy, "cache"), "bytes_most")),
		SEATS << 20);
	assert_int_equal(json_array_size(json_object_get(proxy, "upstreams")), 1);
	list = json_array_get(json_object_get(proxy, "lists"), 0);
	assert_int_equal(json_integer_value(json_object_get(list, "entries")), 2);
	assert_string_equal(json_string_value(json_object_get(list, "file")), "/ads");
	assert_string_equal(json_string_value(json_object_get(list, "kept")), "/ads: is empty");
	json_decref(status);
}

static void test_rules_of_a_dry_run_say_what_they_judged(void **state)
{
	struct json json;
	json_t *told;

	(void)state;
	effective.config.is_dry_run = true;
	stats[0]->judged = 5;
	stats[1]->judged = 6;
	stats[1]->undecided = 2;
	hits[1][2] = 9;
	heads[0].words[STATE_COUNTERS + COUNTER_PROXY_QUERIES] = 1000;
	json_init(&json, text, sizeof(text));
	proxy_status_format_rules(&supervisor, &json);
	told = parse(&json);
	assert_true(json_is_true(json_object_get(told, "is_dry_run")));
	assert_int_equal(json_integer_value(json_object_get(told, "queries")), 11);
	assert_int_equal(json_integer_value(json_object_get(told, "undecided")), 2);
	assert_int_equal(json_integer_value(json_object_get(
				 json_array_get(json_object_get(told, "rules"), 2), "hits")),
			 9);
	json_decref(told);
}

static void follow(int seat)
{
	heads[seat].words[STATE_CACHE_EPOCH] = watches[seat].cache_epoch;
}

static void test_flush_tells_a_name_to_all_workers(void **state)
{
	(void)state;
	assert_null(proxy_accounts_flush(&supervisor, "WWW.Example."));
	for (int i = 0; i < SEATS; i++) {
		assert_int_equal(watches[i].cache_epoch, 1);
		assert_int_equal(watches[i].cache_name_length, 13);
		assert_memory_equal(watches[i].cache_name, "\3www\7example", 13);
	}
	follow(0);
	follow(1);
	assert_null(proxy_accounts_flush(&supervisor, NULL));
	assert_int_equal(watches[0].cache_epoch, 2);
	assert_int_equal(watches[0].cache_name_length, 0);
}

static void test_a_name_stays_until_it_was_followed(void **state)
{
	(void)state;
	assert_null(proxy_accounts_flush(&supervisor, "a"));
	follow(0);
	assert_null(proxy_accounts_flush(&supervisor, "bcd"));
	assert_int_equal(watches[0].cache_name_length, 5);
	assert_memory_equal(watches[0].cache_name, "\3bcd", 5);
	assert_int_equal(watches[1].cache_epoch, 2);
	assert_int_equal(watches[1].cache_name_length, 0); /* all */
	assert_memory_equal(watches[1].cache_name, "\1a", 3);
	follow(1);
	assert_null(proxy_accounts_flush(&supervisor, "."));
	assert_int_equal(watches[1].cache_name_length, 1);
}

static void test_flush_says_what_is_wrong(void **state)
{
	(void)state;
	assert_non_null(strstr(proxy_accounts_flush(&supervisor, "a..b"), "no name"));
	effective.config.proxy.cache_mib = 0;
	assert_non_null(strstr(proxy_accounts_flush(&supervisor, NULL), "no cache"));
	*effective.config.proxy.listen = '\0';
	assert_non_null(strstr(proxy_accounts_flush(&supervisor, NULL), "no proxy"));
	assert_int_equal(watches[0].cache_epoch, 0);
}

static void test_the_rate_is_told_once_a_second(void **state)
{
	(void)state;
	proxy_accounts_tell_rate(&supervisor);
	assert_true(proxy_accounts_rate(&supervisor) == 0);
	supervisor.queries.told_ns -= 2 * NANOSECONDS_PER_SECOND;
	heads[0].words[STATE_COUNTERS + COUNTER_PROXY_QUERIES] = 10;
	heads[1].words[STATE_COUNTERS + COUNTER_PROXY_QUERIES] = 20;
	proxy_accounts_tell_rate(&supervisor);
	assert_true(proxy_accounts_rate(&supervisor) == 15);
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)
	const struct CMUnitTest tests[] = {
		TEST(test_the_tables_are_those_of_sentrys_readme),
		TEST(test_a_run_without_queries_has_its_uptime),
		TEST(test_without_a_proxy_there_is_no_table),
		TEST(test_a_hundred_names_at_most),
		TEST(test_a_hostile_worker_does_no_harm),
		TEST(test_status_has_cache_servers_and_lists),
		TEST(test_rules_of_a_dry_run_say_what_they_judged),
		TEST(test_flush_tells_a_name_to_all_workers),
		TEST(test_a_name_stays_until_it_was_followed),
		TEST(test_flush_says_what_is_wrong),
		TEST(test_the_rate_is_told_once_a_second),
	};

	cmocka_set_message_output(CM_OUTPUT_TAP);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
