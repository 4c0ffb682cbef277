/* SPDX-License-Identifier: BSD-3-Clause */
/* The API as its clients see it: who may ask, what is answered, and what is refused. */
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <setjmp.h>
#include <fcntl.h>
#include <jansson.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <unistd.h>
#include <cmocka.h>

#include "aggregator/web/web.h"
#include "base/clock.h"
#include "tests/unit/aggregator/web_rig.h"

#define RECEIVED_MAX (8 << 20)

static struct loop *loop;
static struct web *web;
static struct auth *auth;
static int listener;
static struct sockaddr_storage address;
static socklen_t address_length;
static char received[RECEIVED_MAX];
static const char *body;
static json_t *answer;
static char folder[] = "/tmp/test_web.XXXXXX";

static void listen_at(const char *text)
{
	struct endpoint endpoint = {.port = 0};

	address_parse(text, &endpoint.address);
	address_length = endpoint_to_sockaddr(&endpoint, &address);
	listener = socket(address.ss_family, SOCK_STREAM, 0);
	assert_int_equal(bind(listener, (void *)&address, address_length), 0);
	assert_int_equal(listen(listener, 16), 0);
	getsockname(listener, (void *)&address, &address_length);
	endpoint_from_sockaddr(&address, &rig_config.web.endpoint);
	endpoint_format(&rig_config.web.endpoint, rig_config.web.listen);
}

static void start(void)
{
	char error[CONFIG_ERROR_MAX];

	listen_at("127.0.0.1");
	auth = auth_new(&rig_config.web, error);
	assert_non_null(auth);
	web = web_new(loop, &rig_host, listener, auth, NULL);
}

static int set_up(void **state)
{
	(void)state;
	rig_init();
	loop = loop_new();
	listener = -1;
	return 0;
}

static int tear_down(void **state)
{
	(void)state;
	web_free(web);
	auth_free(auth);
	loop_free(loop);
	close(listener);
	json_decref(answer);
	web = NULL;
	auth = NULL;
	answer = NULL;
	return 0;
}

/* Sends one request on a connection of its own; returns the status. Each line of fields ends with
 * "\r\n". */
static int ask(const char *line, const char *fields)
{
	int64_t end = clock_monotonic_ns() + 5 * NANOSECONDS_PER_SECOND;
	int fd = socket(address.ss_family, SOCK_STREAM, 0);
	size_t length = 0;
	ssize_t taken = -1;
	char request[8192];

	snprintf(request, sizeof(request), "%s HTTP/1.1\r\nConnection: close\r\n%s\r\n", line,
		 fields);
	assert_int_equal(connect(fd, (void *)&address, address_length), 0);
	assert_int_equal(send(fd, request, strlen(request), 0), strlen(request));
	while (taken && clock_monotonic_ns() < end) {
		loop_poll(loop);
		taken = recv(fd, received + length, RECEIVED_MAX - 1 - length, MSG_DONTWAIT);
		length += taken > 0 ? (size_t)taken : 0;
	}
	received[length] = '\0';
	body = strstr(received, "\r\n\r\n");
	close(fd);
	if (taken || !body)
		return 0;
	body += 4;
	return atoi(received + strlen("HTTP/1.1 "));
}

static int get(const char *path)
{
	char line[4096];

	snprintf(line, sizeof(line), "GET %s", path);
	return ask(line, "Host: localhost\r\n");
}

/* The body is one JSON value, and nothing else. */
static json_t *parse(void)
{
	assert_non_null(strstr(received, "Content-Type: application/json; charset=utf-8\r\n"));
	assert_null(strpbrk(body, "<>&"));
	json_decref(answer);
	answer = json_loads(body, JSON_REJECT_DUPLICATES, NULL);
	assert_non_null(answer);
	return answer;
}

static json_int_t number(json_t *object, const char *name)
{
	json_t *member = json_object_get(object, name);

	assert_true(json_is_integer(member));
	return json_integer_value(member);
}

static void test_counters(void **state)
{
	json_t *counters;

	(void)state;
	start();
	assert_int_equal(get("/counters"), 200);
	counters = json_object_get(parse(), "counters");
	assert_int_equal(json_object_size(answer), 2);
	assert_true(json_is_null(json_object_get(answer, "stream")));
	assert_int_equal(json_object_size(counters), 7);
	assert_int_equal(number(counters, "query"), 100005);
	assert_int_equal(get("/counters?stream=stream%209&more=query/a,query,,query/mx"), 200);
	counters = json_object_get(parse(), "counters");
	assert_string_equal(json_string_value(json_object_get(answer, "stream")), "stream 9");
	assert_int_equal(json_object_size(counters), 9);
	assert_int_equal(number(counters, "query/mx"), 908);
	assert_int_equal(get("/counters"), 200); /* more does not stay */
	assert_int_equal(json_object_size(json_object_get(parse(), "counters")), 7);
}

static void test_bad_questions(void **state)
{
	static const struct {
		const char *path;
		int status;
	} cases[] = {
		{"/counters?stream=nobody", 404},
		{"/tables?stream=nobody", 404},
		{"/counters?more=unknown", 400},
		{"/tables?more=unknown", 400},
		{"/counters?more=%00", 400},
		{"/counters?stream=%zz", 400},
		{"/tables?n=0", 400},
		{"/tables?n=1001", 400},
		{"/tables?n=-1", 400},
		{"/tables?n=1.5", 400},
		{"/tables?n=", 400},
		{"/tables?n=abc", 400},
		{"/tables?n=99999999999999999999", 400},
		{"/", 404},
		{"//counters", 404},
		{"/counters/", 404},
		{"/../counters", 404},
		{"/%63ounters", 404},
		{"/Counters", 404},
	};

	(void)state;
	start();
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		assert_int_equal(get(cases[i].path), cases[i].status);
		assert_true(json_is_string(json_object_get(parse(), "error")));
		assert_int_equal(json_object_size(answer), 1);
	}
}

static void test_too_many_names(void **state)
{
	char path[4096] = "/counters?more=";

	(void)state;
	start();
	for (int i = 0; i < 300; i++)
		sprintf(path + strlen(path), "n%d,", i);
	assert_int_equal(get(path), 400);
}

static void test_clients_are_somewhere(void **state)
{
	json_t *clients, *places, *place;

	(void)state;
	rig_host.geoip = (const struct geoip *)&rig_host; /* the rig's own does not look at it */
	start();
	assert_int_equal(get("/tables?n=300"), 200);
	clients = json_object_get(json_object_get(parse(), "tables"), "clients");
	assert_int_equal(json_object_size(clients), 3);
	places = json_object_get(clients, "places");
	assert_int_equal(json_object_size(places), 300); /* each once, though two lists have it */
	place = json_object_get(places, "192.0.1.7");
	assert_int_equal(json_object_size(place), 4);
	assert_string_equal(json_string_value(json_object_get(place, "country")),
			    "\xe2\x82\xac \"");
	assert_string_equal(json_string_value(json_object_get(place, "city")), "<b>");
	assert_int_equal(json_integer_value(json_object_get(place, "as-number")), 7);
	place = json_object_get(places, "192.0.0.0");
	assert_true(json_is_null(json_object_get(place, "as-number")));
	assert_int_equal(get("/tables?n=1000"), 200);
}

static void test_tables(void **state)
{
	static const char *const fixed[][3] = {{"tlds", "hit/query", "hit/response"},
					       {"clients", "hit/ip", "length/ip"},
					       {"rcodes", "hit/query", "hit/response"},
					       {"rrtypes", "hit/query", "hit/response"}};
	json_t *tables, *list;

	(void)state;
	start();
	assert_int_equal(get("/tables?n=3&more=a/query,registered/query,a/query"), 200);
	tables = json_object_get(parse(), "tables");
	assert_int_equal(json_object_size(tables), 5);
	for (int i = 0; i < 4; i++) {
		json_t *table = json_object_get(tables, fixed[i][0]);

		assert_int_equal(json_object_size(table), 2);
		assert_int_equal(json_array_size(json_object_get(table, fixed[i][1])), 3);
		assert_int_equal(json_array_size(json_object_get(table, fixed[i][2])), 3);
	}
	list = json_object_get(json_object_get(tables, "domains"), "a/query");
	assert_int_equal(json_object_size(json_object_get(tables, "domains")), 4);
	assert_int_equal(json_array_size(list), 3);
	assert_int_equal(json_array_size(json_array_get(list, 1)), 2);
	assert_string_equal(json_string_value(json_array_get(json_array_get(list, 1), 0)),
			    "1 <a/query> 1.");
	assert_int_equal(json_integer_value(json_array_get(json_array_get(list, 1), 1)), 999999);
	assert_int_equal(get("/tables"), 200);
	list = json_object_get(json_object_get(json_object_get(parse(), "tables"), "domains"),
			       "noerror/query");
	assert_int_equal(json_array_size(list), 10);
	assert_int_equal(get("/tables?n=1000"), 200);
	parse();
}

static void test_streams_with_hostile_names(void **state)
{
	json_t *list;

	(void)state;
	start();
	assert_int_equal(get("/streams"), 200);
	list = json_object_get(parse(), "streams");
	assert_int_equal(json_array_size(list), 64);
	assert_string_equal(json_string_value(json_array_get(list, 1)), rig_hostile[1]);
	assert_int_equal(get("/counters?stream=%3Cscript%3E%26%22'"), 200);
	assert_string_equal(json_string_value(json_object_get(parse(), "stream")), rig_hostile[1]);
}

static void test_metrics(void **state)
{
	(void)state;
	start();
	assert_int_equal(get("/metrics"), 200);
	assert_non_null(strstr(received, "Content-Type: text/plain; version=0.0.4; charset=utf-8"));
	assert_non_null(strstr(body, "\ndnsflow_web_requests_total 1\n"));
	assert_int_equal(ask("GET /metrics", "Host: localhost\r\n"
					     "Accept: application/openmetrics-text\r\n"),
			 200);
	assert_non_null(strstr(received, "Content-Type: application/openmetrics-text; version=1"));
	assert_string_equal(body + strlen(body) - 6, "# EOF\n");
}

static void test_ledger(void **state)
{
	(void)state;
	start();
	rig_heads[0].words[STATE_COUNTERS + COUNTER_PACKETS_READ] = 5;
	rig_heads[0].words[STATE_COUNTERS + COUNTER_PACKETS_NOT_DNS] = 5;
	rig_watches[0].kernel_packets = 8;
	rig_in_ring = 3;
	rig_words.outputs[0].read = 4;
	rig_words.outputs[0].queued = 4;
	assert_int_equal(get("/ledger"), 200);
	assert_true(json_is_true(json_object_get(parse(), "adds_up")));
	assert_int_equal(json_array_size(json_object_get(answer, "workers")), 2);
	assert_int_equal(json_array_size(json_object_get(answer, "outputs")), 2);
	assert_int_equal(json_array_size(json_object_get(answer, "lines")), 11);
	rig_words.outputs[0].queued = 3;
	assert_int_equal(get("/ledger"), 200);
	assert_true(json_is_false(json_object_get(parse(), "adds_up")));
	rig_words.outputs[0].queued = 4;
	rig_in_ring = 2;
	assert_int_equal(get("/ledger"), 200);
	assert_true(json_is_false(json_object_get(parse(), "adds_up")));
}

static const char *reason(void)
{
	json_t *reasons;

	assert_int_equal(get("/health"), 503);
	assert_string_equal(json_string_value(json_object_get(parse(), "status")), "degraded");
	reasons = json_object_get(answer, "reasons");
	assert_int_equal(json_array_size(reasons), 1);
	return json_string_value(json_array_get(reasons, 0));
}

static void test_health(void **state)
{
	int64_t now_ns = clock_monotonic_ns() - 20 * NANOSECONDS_PER_SECOND;

	(void)state;
	rig_watches[1].kernel_drops = rig_watches[1].kernel_packets = 7; /* before our time */
	start();
	web_tick(web, now_ns);
	assert_int_equal(get("/health"), 200);
	assert_string_equal(json_string_value(json_object_get(parse(), "status")), "ok");
	assert_true(
		json_is_string(json_object_get(json_object_get(answer, "versions"), "libevent")));
	rig_watches[1].kernel_drops = rig_watches[1].kernel_packets = 8;
	web_tick(web, now_ns);
	assert_non_null(strstr(reason(), "worker 1: the kernel dropped packets"));
}

static void test_health_tells_of_outputs_workers_and_ledger(void **state)
{
	int64_t now_ns = clock_monotonic_ns() - 8 * NANOSECONDS_PER_SECOND;

	(void)state;
	start();
	rig_words.outputs[1].is_up = 0;
	web_tick(web, now_ns);
	assert_string_equal(reason(), "output a\"b\\c is down");
	rig_words.outputs[1].is_up = 1;
	web_tick(web, now_ns);
	rig_words.outputs[0].dropped_full = 1;
	rig_words.outputs[0].read = 1;
	web_tick(web, now_ns);
	assert_string_equal(reason(), "output file-0 dropped events within a minute");
	rig_words.outputs[0].dropped_full = 0;
	web_tick(web, now_ns - 100 * NANOSECONDS_PER_SECOND);
	rig_watches[0].kernel_packets = rig_in_ring = 5;
	web_tick(web, now_ns);
	assert_string_equal(reason(), "worker 0 does not read");
	rig_heads[0].words[STATE_COUNTERS + COUNTER_PACKETS_READ] = 6;
	rig_watches[0].kernel_packets = 6;
	rig_in_ring = 0;
	web_tick(web, now_ns - 10 * NANOSECONDS_PER_SECOND);
	assert_string_equal(reason(), "worker 0: the ledger of decode is off by 6");
}

static void test_health_tells_that_no_upstream_server_answers(void **state)
{
	struct proxy_stats *stats;
	struct upstream_group group;
	char error[UPSTREAM_ERROR_MAX];

	(void)state;
	rig_add_proxy();
	stats = rig_proxies[1];
	stats->layout = PROXY_STATS_LAYOUT;
	start();
	assert_true(
		upstream_parse("192.0.2.1, tcp://[2001:db8::1]:5353, 192.0.2.3", &group, error));
	stats->layout = rig_proxies[0]->layout = PROXY_STATS_LAYOUT;
	for (uint32_t i = 0; i < 2 * (group.count - 1); i++) { /* the last one was never asked */
		struct proxy_upstream_stats *upstream =
			proxy_stats_upstream(rig_proxies[i % 2], &group.servers[i / 2]);

		upstream->queries = 3;
		assert_int_equal(get("/health"), 200);
		upstream->is_backed_off = 1;
	}
	assert_string_equal(reason(), "no upstream server answers");
}

static void test_reset(void **state)
{
	(void)state;
	start();
	assert_int_equal(ask("DELETE /reset", "Host: localhost\r\n"), 204);
	assert_string_equal(body, "");
	assert_int_equal(rig_resets, 1);
	assert_int_equal(get("/reset"), 405);
	assert_non_null(strstr(received, "Allow: DELETE\r\n"));
	assert_int_equal(ask("HEAD /reset", "Host: localhost\r\n"), 405);
	assert_int_equal(ask("POST /reset", "Host: localhost\r\nContent-Length: 0\r\n"), 405);
	assert_int_equal(rig_resets, 1);
}

static json_int_t number_in(const json_t *object, const char *key)
{
	assert_true(json_is_integer(json_object_get(object, key)));
	return json_integer_value(json_object_get(object, key));
}

static void test_without_a_proxy_there_is_nothing_of_it(void **state)
{
	(void)state;
	start();
	assert_int_equal(get("/proxy"), 200);
	parse();
	assert_int_equal(json_object_size(json_object_get(answer, "metrics")), 0);
	assert_int_equal(json_array_size(json_object_get(answer, "rules")), 0);
	assert_int_equal(json_array_size(json_object_get(answer, "upstreams")), 0);
	assert_int_equal(json_array_size(json_object_get(answer, "names")), 0);
	assert_true(json_is_null(json_object_get(answer, "cache")));
}

static void test_what_the_proxy_did(void **state)
{
	static const struct hash_key key = {{1, 2}};
	static const uint8_t name[] = {3, '<', 'b', '>', 0};
	struct proxy_stats *stats;
	const json_t *rules, *metrics;

	(void)state;
	rig_add_proxy();
	stats = rig_proxies[1];
	stats->layout = PROXY_STATS_LAYOUT;
	stats->traffic.packets_received = 7;
	proxy_stats_answer(stats, 2500000);
	proxy_stats_name(stats, &key, (struct slice){name, sizeof(name)}, 0);
	rig_watches[0].started_ns = clock_monotonic_ns() - NANOSECONDS_PER_SECOND;
	rig_heads[1].words[STATE_COUNTERS + COUNTER_PROXY_QUERIES] = 9;
	rig_heads[1].words[STATE_COUNTERS + COUNTER_PROXY_REFUSED] = 2;
	start();
	assert_int_equal(get("/proxy"), 200);
	assert_null(strpbrk(body, "<>&"));
	parse();
	metrics = json_object_get(answer, "metrics");
	assert_int_equal(number_in(metrics, "requests_total"), 9);
	assert_int_equal(number_in(metrics, "requests_failed"), 2);
	assert_int_equal(number_in(metrics, "net.packets_received"), 7);
	assert_true(json_number_value(json_object_get(metrics, "response_time_msec_avg")) == 2.5);
	assert_true(json_number_value(json_object_get(metrics, "uptime")) >= 1);
	assert_null(json_object_get(metrics, "net.packets_sent")); /* untouched */
	rules = json_object_get(answer, "rules");
	assert_int_equal(json_array_size(rules), 4);
	assert_int_equal(number_in(json_array_get(rules, 1), "number"), 2);
	assert_true(json_is_true(json_object_get(json_array_get(rules, 1), "is_shadow")));
	assert_int_equal(json_array_size(json_object_get(answer, "upstreams")), 3);
	assert_int_equal(number_in(json_object_get(answer, "cache"), "bytes_most"),
			 sizeof(rig_cache));
	assert_int_equal(number_in(answer, "undecided"), 2);
	assert_string_equal(json_string_value(json_array_get(
				    json_array_get(json_object_get(answer, "names"), 0), 0)),
			    "\\060b\\062.");
}

static void test_methods(void **state)
{
	static const char *const paths[] = {"/counters", "/tables", "/streams", "/metrics",
					    "/ledger",	 "/health", "/proxy"};
	static const char *const methods[] = {"POST", "PUT", "DELETE", "OPTIONS", "PATCH"};
	char line[64], length[64];

	(void)state;
	start();
	for (size_t i = 0; i < sizeof(paths) / sizeof(paths[0]); i++) {
		assert_int_equal(get(paths[i]), 200);
		snprintf(length, sizeof(length), "Content-Length: %zu\r\n", strlen(body));
		snprintf(line, sizeof(line), "HEAD %s", paths[i]);
		assert_int_equal(ask(line, "Host: localhost\r\n"), 200);
		assert_string_equal(body, "");
		if (i != 3 && i != 5) /* which change */
			assert_non_null(strstr(received, length));
		for (size_t k = 0; k < sizeof(methods) / sizeof(methods[0]); k++) {
			snprintf(line, sizeof(line), "%s %s", methods[k], paths[i]);
			assert_int_equal(ask(line, "Host: localhost\r\n"), 405);
			assert_non_null(strstr(received, "Allow: GET, HEAD\r\n"));
		}
	}
}

static void test_hosts_and_origins(void **state)
{
	static const struct {
		const char *fields;
		int status;
	} cases[] = {
		{"Host: localhost\r\n", 200},
		{"Host: LOCALHOST:80\r\n", 200},
		{"Host: 127.0.0.1\r\n", 200},
		{"Host: 127.0.0.1:8080\r\n", 200},
		{"Host: dns.example\r\n", 200},
		{"Host: dns.example:443\r\n", 200},
		{"Host: dns.example.\r\n", 403},
		{"Host: evil.example\r\n", 403},
		{"Host: 192.0.2.1\r\n", 403},
		{"Host: localhost.evil.example\r\n", 403},
		{"Host: \r\n", 403},
		{"Host: [::1\r\n", 403},
		{"Host: localhost:x\r\n", 403},
		{"Host: localhost\r\nOrigin: http://localhost\r\n", 200},
		{"Host: localhost:1\r\nOrigin: http://localhost\r\n", 403},
		{"Host: localhost\r\nOrigin: http://evil.example\r\n", 403},
		{"Host: localhost\r\nOrigin: null\r\n", 403},
		{"Host: localhost\r\nOrigin: http://localhost\r\nOrigin: http://x\r\n", 403},
	};

	(void)state;
	strcpy(rig_config.web.hosts, "other.example\ndns.example");
	start();
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		int status = ask("GET /streams", cases[i].fields);

		if (status != cases[i].status)
			fail_msg("%s: %d", cases[i].fields, status);
		assert_null(strstr(received, "Access-Control"));
	}
}

/* Where it listens on all addresses, each may be its name: no other site's name is one. */
static void test_hosts_of_all_addresses(void **state)
{
	(void)state;
	start();
	address_parse("0.0.0.0", &rig_config.web.endpoint.address);
	strcpy(rig_config.web.listen, "0.0.0.0:8080");
	assert_int_equal(ask("GET /streams", "Host: 192.0.2.1:8080\r\n"), 200);
	assert_int_equal(ask("GET /streams", "Host: [2001:db8::1]\r\n"), 200);
	assert_int_equal(ask("GET /streams", "Host: evil.example\r\n"), 403);
}

static void write_secret(const char *name, const char *text, char *path)
{
	FILE *file;

	snprintf(path, CONFIG_PATH_MAX, "%s/%s", folder, name);
	file = fopen(path, "w");
	assert_non_null(file);
	fputs(text, file);
	fclose(file);
}

#define KEY	  "X-API-Key: secret\r\n"
#define BAD_KEY	  "X-API-Key: secreT\r\n"
#define LOGIN	  "Authorization: Basic YWRtaW46cGFzczp3b3Jk\r\n" /* admin:pass:word */
#define BAD_LOGIN "Authorization: Basic YWRtaW46cGFzczp3b3JL\r\n"
#define NO_LOGIN  "Authorization: Bearer YWRtaW46cGFzczp3b3Jk\r\n"

static void check_credentials(const char *fields, int status)
{
	char all[1024];
	int told;

	snprintf(all, sizeof(all), "Host: localhost\r\n%s", fields);
	told = ask("GET /streams", all);
	if (told != status)
		fail_msg("%s: %d", fields, told);
	if (told != 401)
		return;
	assert_string_equal(body, "");
	assert_non_null(strstr(received, "Content-Length: 0\r\n"));
}

static void test_credentials(void **state)
{
	static const struct {
		const char *fields;
		int status;
	} cases[] = {
		{"", 401},
		{KEY, 200},
		{LOGIN, 200},
		{KEY LOGIN, 200},
		{BAD_KEY, 401},
		{BAD_LOGIN, 401},
		{NO_LOGIN, 401},
		{BAD_KEY LOGIN, 401},
		{KEY BAD_LOGIN, 401},
		{KEY NO_LOGIN, 401},
		{KEY BAD_KEY, 401},
		{LOGIN BAD_LOGIN, 401},
		{"X-API-Key: \r\n", 401},
		{"X-API-Key: secret \r\n", 200}, /* white space around a value is none */
		{"x-api-key: secret\r\n", 200},
		{"X-API-Key: secre\r\n", 401},
		{"X-API-Key: secrett\r\n", 401},
		{"Authorization: basic YWRtaW46cGFzczp3b3Jk\r\n", 200},
		{"Authorization: Basic  YWRtaW46cGFzczp3b3Jk\r\n", 200},
		{"Authorization: Basic\r\n", 401},
		{"Authorization: Basic \r\n", 401},
		{"Authorization: Basic ====\r\n", 401},
		{"Authorization: Basic YWRtaW46cGFzczp3b3Jk=\r\n", 200},
		{"Authorization: Basic YWRtaW46cGFzczp3b3Jk===\r\n", 401},
		{"Authorization: Basic YWRtaW46cGFzczp3b3J\r\n", 401},
		{"Authorization: Basic YWRtaW46cGFzczp3b3Jka\r\n", 401},
		{"Authorization: Basic YWRtaW46\x80\r\n", 401},
		{"Authorization: \r\n", 401},
	};

	(void)state;
	write_secret("key", "secret\n", rig_config.web.api_key_file);
	write_secret("password", "pass:word\r\nmore\n", rig_config.web.password_file);
	strcpy(rig_config.web.login, "admin");
	start();
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++)
		check_credentials(cases[i].fields, cases[i].status);
	check_credentials("", 401);
	assert_non_null(strstr(received, "WWW-Authenticate: Basic realm=\"dnsflow\""));
	assert_int_equal(ask("DELETE /reset", "Host: localhost\r\n"), 401);
	assert_int_equal(ask("DELETE /reset", "Host: localhost\r\n" BAD_KEY), 401);
	assert_int_equal(rig_resets, 0);
	assert_int_equal(ask("DELETE /reset", "Host: localhost\r\n" KEY), 204);
	assert_int_equal(rig_resets, 1);
	assert_int_equal(get("/nothing"), 404); /* nobody is asked who he is for that */
	assert_int_equal(ask("POST /streams", "Host: localhost\r\n"), 405);
}

static void test_credential_that_is_not_configured_is_wrong(void **state)
{
	(void)state;
	write_secret("key", "secret\n", rig_config.web.api_key_file);
	start();
	check_credentials(KEY, 200);
	check_credentials(LOGIN, 401);
	check_credentials(KEY LOGIN, 401);
	check_credentials("Authorization: Basic Og==\r\n", 401); /* ":" */
	check_credentials("", 401);
	assert_null(strstr(received, "WWW-Authenticate"));
}

static void test_secrets_that_are_none(void **state)
{
	char error[CONFIG_ERROR_MAX];

	(void)state;
	strcpy(rig_config.web.api_key_file, "/nonexistent/key");
	assert_null(auth_new(&rig_config.web, error));
	assert_non_null(strstr(error, "web.api-key-file: /nonexistent/key: No such file"));
	strcpy(rig_config.web.api_key_file, "/");
	assert_null(auth_new(&rig_config.web, error));
	assert_non_null(strstr(error, "web.api-key-file: /: Is a directory"));
	write_secret("key", "\nsecond", rig_config.web.api_key_file);
	assert_null(auth_new(&rig_config.web, error));
	assert_non_null(strstr(error, "the first line is no secret"));
	write_secret("key", "", rig_config.web.api_key_file);
	assert_null(auth_new(&rig_config.web, error));
	*rig_config.web.api_key_file = '\0';
	strcpy(rig_config.web.login, "admin"); /* without a password */
	assert_null(auth_new(&rig_config.web, error));
}

static void test_loopback(void **state)
{
	static const struct {
		const char *text;
		bool is_loopback;
	} cases[] = {
		{"127.0.0.1", true},	    {"127.255.0.9", true}, {"128.0.0.1", false},
		{"0.0.0.0", false},	    {"::1", true},	   {"::", false},
		{"::ffff:127.0.0.1", true}, {"::2", false},	   {"::ffff:192.0.2.1", false}};

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct address peer;

		assert_true(address_parse(cases[i].text, &peer));
		assert_int_equal(auth_is_loopback(&peer), cases[i].is_loopback);
	}
}

static int make_folder(void **state)
{
	(void)state;
	return mkdtemp(folder) ? 0 : -1;
}

static int remove_folder(void **state)
{
	char path[CONFIG_PATH_MAX];

	(void)state;
	snprintf(path, sizeof(path), "%s/key", folder);
	unlink(path);
	snprintf(path, sizeof(path), "%s/password", folder);
	unlink(path);
	return rmdir(folder);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(test_counters, set_up, tear_down),
		cmocka_unit_test_setup_teardown(test_bad_questions, set_up, tear_down),
		cmocka_unit_test_setup_teardown(test_too_many_names, set_up, tear_down),
		cmocka_unit_test_setup_teardown(test_tables, set_up, tear_down),
		cmocka_unit_test_setup_teardown(test_clients_are_somewhere, set_up, tear_down),
		cmocka_unit_test_setup_teardown(test_streams_with_hostile_names, set_up, tear_down),
		cmocka_unit_test_setup_teardown(test_metrics, set_up, tear_down),
		cmocka_unit_test_setup_teardown(test_ledger, set_up, tear_down),
		cmocka_unit_test_setup_teardown(test_health, set_up, tear_down),
		cmocka_unit_test_setup_teardown(test_health_tells_of_outputs_workers_and_ledger,
						set_up, tear_down),
		cmocka_unit_test_setup_teardown(test_health_tells_that_no_upstream_server_answers,
						set_up, tear_down),
		cmocka_unit_test_setup_teardown(test_reset, set_up, tear_down),
		cmocka_unit_test_setup_teardown(test_without_a_proxy_there_is_nothing_of_it, set_up,
						tear_down),
		cmocka_unit_test_setup_teardown(test_what_the_proxy_did, set_up, tear_down),
		cmocka_unit_test_setup_teardown(test_methods, set_up, tear_down),
		cmocka_unit_test_setup_teardown(test_hosts_and_origins, set_up, tear_down),
		cmocka_unit_test_setup_teardown(test_hosts_of_all_addresses, set_up, tear_down),
		cmocka_unit_test_setup_teardown(test_credentials, set_up, tear_down),
		cmocka_unit_test_setup_teardown(test_credential_that_is_not_configured_is_wrong,
						set_up, tear_down),
		cmocka_unit_test_setup_teardown(test_secrets_that_are_none, set_up, tear_down),
		cmocka_unit_test(test_loopback),
	};

	cmocka_set_message_output(CM_OUTPUT_TAP);
	return cmocka_run_group_tests(tests, make_folder, remove_folder);
}
