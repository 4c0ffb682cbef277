/* SPDX-License-Identifier: BSD-3-Clause */
/* All metrics of 64 streams with hostile names, read by a strict parser and by promtool. */
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <setjmp.h>
#include <ctype.h>
#include <stdlib.h>
#include <unistd.h>
#include <cmocka.h>

#include "aggregator/web/metrics.h"
#include "base/clock.h"
#include "base/utf8.h"
#include "rules/rule.h"
#include "tests/unit/aggregator/web_rig.h"

#define FAMILIES_MAX 512

static char text[8 << 20];
static char *families[FAMILIES_MAX];
static int family_count;
static int sample_count;

static size_t write_all(enum exposition_format format)
{
	static const struct http_counts counts = {.connections = 3, .open = 1};
	struct exposition out;
	size_t length;

	exposition_init(&out, format, text, sizeof(text) - 1);
	metrics_write(&rig_host, &counts, &out);
	length = exposition_finish(&out);
	text[length] = '\0';
	return length;
}

static const char *skip_name(const char *at)
{
	assert_true(isalpha((unsigned char)*at) || *at == '_');
	while (isalnum((unsigned char)*at) || *at == '_')
		at++;
	return at;
}

static const char *skip_value(const char *at)
{
	assert_int_equal(*at++, '"');
	for (; *at != '"'; at++) {
		if (*at == '\\') {
			assert_true(at[1] == '\\' || at[1] == '"' || at[1] == 'n');
			at++;
		} else {
			assert_true((unsigned char)*at >= 0x20 && *at != 0x7f);
		}
	}
	return at + 1;
}

static const char *skip_labels(const char *at)
{
	if (*at != '{')
		return at;
	do {
		at = skip_name(at + 1);
		assert_int_equal(*at++, '=');
		at = skip_value(at);
	} while (*at == ',');
	assert_int_equal(*at++, '}');
	return at;
}

/* A sample belongs to the family that was declared last. */
static void check_sample(const char *line, const char *family, const char *type, bool is_open)
{
	static const char *const suffixes[] = {"_bucket", "_sum", "_count"};
	size_t length = strlen(family);
	const char *at = skip_name(line);
	char *end;
	size_t suffix;

	assert_true((size_t)(at - line) >= length && !strncmp(line, family, length));
	suffix = (size_t)(at - line) - length;
	if (!strcmp(type, "counter") && is_open)
		assert_true(suffix == 6 && !strncmp(line + length, "_total", 6));
	else if (!strcmp(type, "histogram"))
		for (int i = 0;; i++) {
			assert_in_range(i, 0, 2);
			if (suffix == strlen(suffixes[i]) &&
			    !strncmp(line + length, suffixes[i], suffix))
				break;
		}
	else
		assert_int_equal(suffix, 0);
	at = skip_labels(at);
	assert_int_equal(*at++, ' ');
	strtod(at, &end);
	assert_true(end > at && !*end);
	sample_count++;
}

static void declare(const char *family)
{
	for (int i = 0; i < family_count; i++)
		assert_string_not_equal(families[i], family);
	assert_true(family_count < FAMILIES_MAX);
	families[family_count++] = strdup(family);
}

/* HELP, TYPE, samples; each family once. */
static void check_text(bool is_open)
{
	char *rest, family[128] = "", helped[128] = "", type[32] = "";
	char *line = strtok_r(text, "\n", &rest);

	for (; line; line = strtok_r(NULL, "\n", &rest)) {
		if (!strcmp(line, "# EOF")) {
			assert_true(is_open && !strtok_r(NULL, "\n", &rest));
			return;
		}
		if (sscanf(line, "# HELP %127s ", helped) == 1)
			continue;
		if (sscanf(line, "# TYPE %127s %31s", family, type) == 2) {
			assert_string_equal(helped, family);
			declare(family);
			continue;
		}
		check_sample(line, family, type, is_open);
	}
	assert_false(is_open);
}

static int set_up(void **state)
{
	(void)state;
	rig_init();
	family_count = sample_count = 0;
	return 0;
}

static int tear_down(void **state)
{
	(void)state;
	while (family_count)
		free(families[--family_count]);
	return 0;
}

static void test_text_format_is_strict(void **state)
{
	(void)state;
	assert_true(write_all(EXPOSITION_TEXT));
	check_text(false);
	assert_in_range(family_count, 120, 300);
	assert_in_range(sample_count, 57 * 65, 57 * 65 + 1500);
}

static void test_open_metrics_is_strict(void **state)
{
	(void)state;
	assert_true(write_all(EXPOSITION_OPEN_METRICS));
	assert_null(strstr(text, " untyped"));
	assert_null(strstr(text, "\ndnstap_queries{"));
	check_text(true);
}

static void test_names_of_the_spec(void **state)
{
	(void)state;
	rig_streams = 1;
	write_all(EXPOSITION_TEXT);
	assert_non_null(strstr(text, "# TYPE dnstap_queries untyped\n"
				     "dnstap_queries 100005\n"
				     "dnstap_queries{identity=\"eth0\"} 5\n"));
	assert_non_null(strstr(text, "# TYPE dnstap_queries_total counter\n"
				     "dnstap_queries_total 100005\n"));
	assert_non_null(strstr(text, "# TYPE dnstap_qps gauge\ndnstap_qps 100003\n"));
	assert_non_null(strstr(text, "\ndnstap_queries_bytes{identity=\"eth0\"} 11\n"));
	assert_non_null(strstr(text, "\ndnstap_latency_slow 100021\n"));
}

static void test_labels_are_escaped(void **state)
{
	(void)state;
	write_all(EXPOSITION_TEXT);
	assert_non_null(strstr(text, "{identity=\"<script>&\\\"'\"}"));
	assert_non_null(strstr(text, "{identity=\"back\\\\slash\"}"));
	assert_non_null(strstr(text, "{identity=\"line\\nend\"}"));
	assert_non_null(strstr(text, "{identity=\"\xee\xbc\x9b[31m\xee\xbc\x87\xee\xbd\xbf\"}"));
	assert_non_null(strstr(text, "{identity=\"\xee\xbf\xae\xee\xbe\xbc\xee\xbe\x9b[31m"));
	assert_non_null(
		strstr(text, "{identity=\"\xee\xbf\xbf\xee\xbf\xbe\xee\xbf\x80\xee\xbe\xaf\"}"));
	assert_non_null(strstr(text, "{output=\"a\\\"b\\\\c\"}"));
	for (const uint8_t *at = (const uint8_t *)text; *at;) {
		size_t length =
			*at == '\n' || *at == '"' || *at == '\\' ? 1 : utf8_plain_length(at);

		if (!length) /* kept for bytes that are none: U+EF00 .. U+EFFF */
			length = at[0] == 0xee && (at[1] & 0xfc) == 0xbc ? 3 : 0;
		assert_true(length);
		at += length;
	}
}

static void test_numbers_at_their_ends(void **state)
{
	(void)state;
	rig_words.outputs[0].read = UINT64_MAX;
	rig_heads[1].words[STATE_COUNTERS + COUNTER_PACKETS_MESSAGE] = 7;
	write_all(EXPOSITION_TEXT);
	assert_non_null(strstr(text, "dnsflow_output_read_total{output=\"file-0\"} "
				     "18446744073709551615\n"));
	assert_non_null(strstr(text, "dnsflow_packets_message_total{worker=\"1\"} 7\n"));
	assert_non_null(strstr(text, "dnsflow_ledger_missing{worker=\"1\",stage=\"decode\"} -7\n"));
}

static void test_what_does_not_fit_is_nothing(void **state)
{
	static const struct http_counts counts;
	struct exposition out;
	size_t whole = write_all(EXPOSITION_OPEN_METRICS);

	(void)state;
	exposition_init(&out, EXPOSITION_OPEN_METRICS, text, whole - 1);
	metrics_write(&rig_host, &counts, &out);
	assert_int_equal(exposition_finish(&out), 0);
}

static void test_format_is_negotiated(void **state)
{
	static const struct {
		const char *accept;
		enum exposition_format format;
	} cases[] = {
		{NULL, EXPOSITION_TEXT},
		{"", EXPOSITION_TEXT},
		{"*/*", EXPOSITION_TEXT},
		{"text/html, application/xhtml+xml", EXPOSITION_TEXT},
		{"application/openmetrics-text", EXPOSITION_OPEN_METRICS},
		{"application/openmetrics-text;version=1.0.0,application/openmetrics-text;"
		 "version=0.0.1;q=0.75,text/plain;version=0.0.4;q=0.5,*/*;q=0.1",
		 EXPOSITION_OPEN_METRICS},
		{"text/plain, application/openmetrics-text; q=0.5", EXPOSITION_TEXT},
		{"application/openmetrics-text; q=0", EXPOSITION_TEXT},
		{"application/openmetrics-textual", EXPOSITION_TEXT},
		{",,, ;q=,application/openmetrics-text;q=x", EXPOSITION_TEXT},
	};

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++)
		assert_int_equal(exposition_choose(cases[i].accept), cases[i].format);
}

static const char *text_of_rule(const void *argument, uint32_t number)
{
	static char line[RULE_TEXT_MAX];
	const struct proxy_summary_rule *rule = &rig_proxy.rules[number];

	(void)argument;
	snprintf(line, sizeof(line), "%.*s", (int)rule->length, rule->text);
	return line;
}

static void count_in_proxy(int worker)
{
	struct proxy_stats *stats = rig_proxies[worker];
	uint64_t *hits =
		proxy_stats_attach(stats, proxy_stats_size(&rig_config), 4, text_of_rule, NULL);
	struct upstream_group group;
	char error[UPSTREAM_ERROR_MAX];
	struct proxy_upstream_stats *upstream;

	assert_true(upstream_parse("tcp://[2001:db8::1]:5353", &group, error));
	upstream = proxy_stats_upstream(stats, &group.servers[0]);
	upstream->answers = 4;
	upstream->latency_ns_sum = 250000000;
	upstream->is_backed_off = 77;
	assert_true(upstream_parse("192.0.2.66", &group, error)); /* which no rule has */
	proxy_stats_upstream(stats, &group.servers[0])->queries = 1;
	hits[0] = 3;
	hits[3] = 5;
	stats->traffic.connections = 9;
}

static void test_the_proxy_has_closed_labels(void **state)
{
	(void)state;
	rig_add_proxy();
	count_in_proxy(0);
	count_in_proxy(1);
	write_all(EXPOSITION_TEXT);
	assert_non_null(strstr(text, "\ndnsflow_proxy_rule_hits_total{rule=\"1\"} 6\n"
				     "dnsflow_proxy_rule_hits_total{rule=\"2\"} 0\n"
				     "dnsflow_proxy_rule_hits_total{rule=\"3\"} 0\n"
				     "dnsflow_proxy_rule_hits_total{rule=\"4\"} 10\n# "));
	assert_non_null(strstr(text, "\ndnsflow_proxy_upstream_answers_total{upstream=\"192.0.2.1:"
				     "53\"} 0\ndnsflow_proxy_upstream_answers_total{upstream=\"tcp:"
				     "//[2001:db8::1]:5353\"} 8\ndnsflow_proxy_upstream_answers_"
				     "total{upstream=\"192.0.2.3:53\"} 0\n# "));
	assert_non_null(strstr(text, "dnsflow_proxy_upstream_latency_seconds_total{upstream=\"tcp:"
				     "//[2001:db8::1]:5353\"} 0.5\n"));
	assert_non_null(strstr(text, "dnsflow_proxy_upstream_backed_off{upstream=\"tcp://[2001:db8:"
				     ":1]:5353\"} 2\n"));
	assert_null(strstr(text, "192.0.2.66"));
	assert_non_null(strstr(text, "\ndnsflow_proxy_tcp_connections 18\n"));
	assert_non_null(strstr(text, "\ndnsflow_proxy_cache_bytes 1048576\n"));
	assert_non_null(strstr(text, "\ndnsflow_proxy_cache_hits_total 0\n"));
	assert_non_null(strstr(text, "\ndnsflow_proxy_queries_total{worker=\"1\"} 0\n"));
	assert_null(strstr(text, "dnsflow_proxy_judged"));
	check_text(false);
	assert_true(write_all(EXPOSITION_OPEN_METRICS));
	for (; family_count; family_count--)
		free(families[family_count - 1]);
	check_text(true);
}

static void test_a_dry_run_tells_what_it_judged(void **state)
{
	(void)state;
	rig_add_proxy();
	*rig_config.proxy.listen = '\0';
	rig_config.is_dry_run = true;
	count_in_proxy(0);
	rig_proxies[0]->judged = 12;
	rig_proxies[0]->undecided = 5;
	write_all(EXPOSITION_TEXT);
	assert_non_null(strstr(text, "\ndnsflow_proxy_judged_total 12\n"));
	assert_non_null(strstr(text, "\ndnsflow_proxy_undecided_total 5\n"));
	assert_non_null(strstr(text, "\ndnsflow_proxy_rule_hits_total{rule=\"1\"} 3\n"));
	assert_null(strstr(text, "dnsflow_proxy_cache_bytes"));
	assert_null(strstr(text, "dnsflow_proxy_upstream"));
	check_text(false);
}

static void test_promtool_accepts_it(void **state)
{
	size_t length;
	FILE *promtool;

	(void)state;
	rig_add_proxy();
	count_in_proxy(0);
	length = write_all(EXPOSITION_TEXT);
	if (system("command -v promtool >/dev/null 2>&1") != 0)
		skip();
	promtool = popen("promtool check metrics 2>&1 | head -20", "w");
	fwrite(text, 1, length, promtool);
	assert_int_equal(pclose(promtool), 0);
	promtool = popen("test -z \"$(promtool check metrics 2>&1)\"", "w");
	fwrite(text, 1, length, promtool);
	assert_int_equal(pclose(promtool), 0);
}

static void test_64_streams_take_20_ms_at_most(void **state)
{
	int64_t best_ns = INT64_MAX;

	(void)state;
	for (int i = 0; i < 5; i++) {
		int64_t start_ns = clock_monotonic_ns(), taken_ns;

		write_all(EXPOSITION_TEXT);
		taken_ns = clock_monotonic_ns() - start_ns;
		best_ns = taken_ns < best_ns ? taken_ns : best_ns;
	}
	assert_in_range(best_ns, 0, 20 * NANOSECONDS_PER_MILLISECOND);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(test_text_format_is_strict, set_up, tear_down),
		cmocka_unit_test_setup_teardown(test_open_metrics_is_strict, set_up, tear_down),
		cmocka_unit_test_setup_teardown(test_names_of_the_spec, set_up, tear_down),
		cmocka_unit_test_setup_teardown(test_labels_are_escaped, set_up, tear_down),
		cmocka_unit_test_setup_teardown(test_numbers_at_their_ends, set_up, tear_down),
		cmocka_unit_test_setup_teardown(test_what_does_not_fit_is_nothing, set_up,
						tear_down),
		cmocka_unit_test(test_format_is_negotiated),
		cmocka_unit_test_setup_teardown(test_the_proxy_has_closed_labels, set_up,
						tear_down),
		cmocka_unit_test_setup_teardown(test_a_dry_run_tells_what_it_judged, set_up,
						tear_down),
		cmocka_unit_test_setup_teardown(test_promtool_accepts_it, set_up, tear_down),
		cmocka_unit_test_setup_teardown(test_64_streams_take_20_ms_at_most, set_up,
						tear_down),
	};

	cmocka_set_message_output(CM_OUTPUT_TAP);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
