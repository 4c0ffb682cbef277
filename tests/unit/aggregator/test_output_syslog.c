/* SPDX-License-Identifier: BSD-3-Clause */
#include "output_rig.h"

#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <sys/wait.h>

#include "tests/lib/certificates.h"

static int peer = -1;
static char path[64];

static int set_up(void **state)
{
	int error = rig_set_up(state);

	snprintf(path, sizeof(path), "/tmp/output_syslog.%d", (int)getpid());
	snprintf(rig.config.host_name, sizeof(rig.config.host_name), "ns1");
	snprintf(rig.config.app_name, sizeof(rig.config.app_name), "dnsflow");
	rig.config.facility = 16;
	rig.config.severity = 6;
	rig.config.retry_s = 1;
	rig.config.syslog = OUTPUT_RFC5424;
	rig.config.format = OUTPUT_TEXT;
	return error;
}

static int tear_down(void **state)
{
	if (peer >= 0)
		close(peer);
	peer = -1;
	unlink(path);
	return rig_tear_down(state);
}

/* A socket of our own at an address of loopback. */
static int bind_inet(int type)
{
	struct endpoint *endpoint = &rig.config.endpoint;
	struct sockaddr_storage address;
	socklen_t length;
	int fd = socket(AF_INET, type | SOCK_CLOEXEC, 0), on = 1;

	address_parse("127.0.0.1", &endpoint->address);
	length = endpoint_to_sockaddr(endpoint, &address);
	setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof(on));
	assert_int_equal(bind(fd, (struct sockaddr *)&address, length), 0);
	length = sizeof(address);
	getsockname(fd, (struct sockaddr *)&address, &length);
	endpoint_from_sockaddr(&address, endpoint);
	endpoint_format(endpoint, rig.config.address);
	return fd;
}

static int bind_unix(int type)
{
	struct sockaddr_un address = {.sun_family = AF_UNIX};
	int fd = socket(AF_UNIX, type | SOCK_CLOEXEC, 0);

	rig.config.transport = OUTPUT_OVER_UNIX;
	snprintf(rig.config.address, sizeof(rig.config.address), "%s", path);
	snprintf(address.sun_path, sizeof(address.sun_path), "%s", path);
	assert_int_equal(bind(fd, (struct sockaddr *)&address, sizeof(address)), 0);
	return fd;
}

/* The next datagram, or what a stream has; without the header's time, which is always as long. */
static const char *received(void)
{
	static char found[65536];
	ssize_t length = recv(peer, found, sizeof(found) - 1, 0);

	found[length < 0 ? 0 : length] = '\0';
	return found;
}

static void expect_5424(const char *found, const char *text)
{
	assert_memory_equal(found, "<134>1 2", 8);
	found = strstr(found, "Z ns1 dnsflow ");
	assert_non_null(found);
	assert_string_equal(strstr(found, " - - ") + 5, text);
}

static void test_datagrams_hold_one_record_each(void **state)
{
	(void)state;
	peer = bind_inet(SOCK_DGRAM);
	rig_open(&output_syslog);
	assert_true(rig_until(rig_is_up));
	rig_push("one");
	rig_push("two");
	rig_say("three");
	assert_int_equal(rig.account.written, 3);
	expect_5424(received(), "one");
	expect_5424(received(), "two");
	expect_5424(received(), "three");
	assert_int_equal(rig.committed.tail, rig.account.head);
}

static void test_raw_datagrams_are_the_records(void **state)
{
	(void)state;
	peer = bind_inet(SOCK_DGRAM);
	rig.config.syslog = OUTPUT_RAW;
	rig_open(&output_syslog);
	assert_true(rig_until(rig_is_up));
	rig_say("2026-01-01T00:00:00+00:00 - CLIENT_QUERY");
	assert_string_equal(received(), "2026-01-01T00:00:00+00:00 - CLIENT_QUERY");
}

static void test_yaml_is_one_line(void **state)
{
	(void)state;
	peer = bind_inet(SOCK_DGRAM);
	rig.config.format = OUTPUT_YAML;
	rig_open(&output_syslog);
	assert_true(rig_until(rig_is_up));
	rig_push("a: 1\nb: 2\n");
	rig_say("a: 3\n");
	expect_5424(received(), "a: 1\\nb: 2\\n");
	expect_5424(received(), "a: 3\\n");
}

static void test_refused_datagrams_are_noticed_and_wait(void **state)
{
	(void)state;
	peer = bind_inet(SOCK_DGRAM);
	rig_open(&output_syslog);
	assert_true(rig_until(rig_is_up));
	close(peer);
	for (int i = 0; i < 10; i++)
		rig_say("nobody");
	assert_true(rig_is_down());
	assert_true(rig.account.failures > 0 && rig.account.queued >= 7);
	assert_non_null(strstr(rig.log, "Connection refused"));
	peer = bind_inet(SOCK_DGRAM);
	for (int i = 0; i < 3; i++)
		rig.output.ops->tick(&rig.output, clock_monotonic_ns());
	assert_true(rig_is_up());
	assert_true(rig_is_done());
	expect_5424(received(), "nobody");
}

static void test_slow_reader_of_the_local_socket_is_waited_for(void **state)
{
	char text[16];
	uint32_t pushed = 0;

	(void)state;
	peer = bind_unix(SOCK_DGRAM);
	rig_open(&output_syslog);
	assert_true(rig_until(rig_is_up));
	for (; pushed < 2000; pushed++) {
		sprintf(text, "%u", pushed);
		rig_say(text);
	}
	assert_true(rig.account.queued > 0);
	assert_true(rig_is_up());
	for (uint32_t i = 0; i < pushed; i++) {
		while (recv(peer, text, 1, MSG_PEEK | MSG_DONTWAIT) < 0)
			rig_turn();
		sprintf(text, "%u", i);
		expect_5424(received(), text);
	}
	assert_true(rig_until(rig_is_done));
	assert_int_equal(rig.account.written, pushed);
}

static void test_local_socket_that_is_made_anew_is_found(void **state)
{
	(void)state;
	peer = bind_unix(SOCK_DGRAM);
	rig_open(&output_syslog);
	assert_true(rig_until(rig_is_up));
	close(peer);
	unlink(path);
	rig_say("late");
	assert_true(rig_is_down());
	peer = bind_unix(SOCK_DGRAM);
	assert_true(rig_until(rig_is_up));
	expect_5424(received(), "late");
}

static void test_local_stream_socket_gets_lines(void **state)
{
	int listener;

	(void)state;
	listener = bind_unix(SOCK_STREAM);
	assert_int_equal(listen(listener, 1), 0);
	rig_open(&output_syslog);
	assert_true(rig_until(rig_is_up));
	peer = accept(listener, NULL, NULL);
	close(listener);
	rig_say("one");
	rig_turn();
	expect_5424(received(), "one\n");
	assert_true(rig_until(rig_is_done));
}

static void test_streams_count_octets(void **state)
{
	int listener;
	char *found;

	(void)state;
	listener = bind_inet(SOCK_STREAM);
	rig.config.transport = OUTPUT_OVER_TCP;
	rig.config.syslog = OUTPUT_RAW;
	assert_int_equal(listen(listener, 1), 0);
	rig_open(&output_syslog);
	assert_true(rig_until(rig_is_up));
	peer = accept(listener, NULL, NULL);
	close(listener);
	rig_push("one");
	rig_push("number two");
	rig.output.ops->write(&rig.output);
	assert_true(rig_until(rig_is_done));
	found = (char *)received();
	assert_string_equal(found, "3 one10 number two");
}

static const char rsyslog[] = "global(workDirectory=\"%1$s\")\n"
			      "module(load=\"imudp\") module(load=\"imtcp\")\n"
			      "module(load=\"imuxsock\" SysSock.Use=\"off\")\n"
			      "input(type=\"imudp\" address=\"127.0.0.1\" port=\"%2$d\")\n"
			      "input(type=\"imtcp\" address=\"127.0.0.1\" port=\"%2$d\")\n"
			      "input(type=\"imuxsock\" socket=\"%1$s/socket\")\n"
			      "template(name=\"line\" type=\"string\"\n"
			      " string=\"%%pri%%|%%hostname%%|%%programname%%|%%msg%%\\n\")\n"
			      "action(type=\"omfile\" file=\"%1$s/received\" template=\"line\")\n";

static pid_t server;

static void write_file(const char *name, const char *text)
{
	FILE *file = fopen(certificates_path(name), "w");

	assert_non_null(file);
	fputs(text, file);
	fclose(file);
}

static bool is_socket_there(void)
{
	return access(certificates_path("socket"), F_OK) == 0;
}

static bool has_message(void)
{
	struct stat status;

	return stat(certificates_path("received"), &status) == 0 && status.st_size > 0;
}

/* An rsyslogd of our own on one port for UDP and TCP, and a socket. */
static void start_rsyslog(void)
{
	char text[2048];

	if (access("/usr/sbin/rsyslogd", X_OK) != 0 || !certificates_make())
		skip();
	close(bind_inet(SOCK_STREAM)); /* a free port */
	snprintf(text, sizeof(text), rsyslog, certificates_path("."), rig.config.endpoint.port);
	write_file("rsyslog.conf", text);
	server = fork();
	if (server)
		return;
	execl("/usr/sbin/rsyslogd", "rsyslogd", "-n", "-f", certificates_path("rsyslog.conf"), "-i",
	      certificates_path("pid"), (char *)NULL);
	_exit(1);
}

static void stop_rsyslog(void)
{
	kill(server, SIGTERM);
	waitpid(server, NULL, 0);
	certificates_remove();
}

static void expect_in_rsyslog(bool is_local)
{
	char found[256] = "", host_name[128];
	FILE *file;

	rig_say("first record");
	assert_true(rig_until(rig_is_done));
	assert_true(rig_until(has_message));
	file = fopen(certificates_path("received"), "r");
	assert_non_null(fgets(found, sizeof(found), file));
	fclose(file);
	assert_non_null(strstr(found, "|dnsflow|"));
	assert_non_null(strstr(found, "first record\n"));
	assert_int_equal(sscanf(found, "134|%127[^|]|", host_name), 1);
	if (!is_local)
		assert_string_equal(host_name, "ns1");
}

static void try_rsyslog(enum output_transport transport, enum output_syslog kind)
{
	start_rsyslog();
	rig.config.transport = transport;
	rig.config.syslog = kind;
	if (transport == OUTPUT_OVER_UNIX)
		snprintf(rig.config.address, sizeof(rig.config.address), "%s",
			 certificates_path("socket"));
	for (int i = 0; i < 300 && !is_socket_there(); i++)
		usleep(10000);
	rig_open(&output_syslog);
	if (!rig_until(rig_is_up))
		fail_msg("%s", rig.log);
	expect_in_rsyslog(transport == OUTPUT_OVER_UNIX);
	stop_rsyslog();
}

static void test_rsyslog_understands_udp(void **state)
{
	(void)state;
	try_rsyslog(OUTPUT_OVER_UDP, OUTPUT_RFC5424);
}

static void test_rsyslog_understands_tcp(void **state)
{
	(void)state;
	try_rsyslog(OUTPUT_OVER_TCP, OUTPUT_RFC5424);
}

static void test_rsyslog_understands_rfc3164(void **state)
{
	(void)state;
	try_rsyslog(OUTPUT_OVER_TCP, OUTPUT_RFC3164);
}

static void test_rsyslog_understands_its_socket(void **state)
{
	(void)state;
	try_rsyslog(OUTPUT_OVER_UNIX, OUTPUT_RFC3164);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(test_datagrams_hold_one_record_each),
		TEST(test_raw_datagrams_are_the_records),
		TEST(test_yaml_is_one_line),
		TEST(test_refused_datagrams_are_noticed_and_wait),
		TEST(test_slow_reader_of_the_local_socket_is_waited_for),
		TEST(test_local_socket_that_is_made_anew_is_found),
		TEST(test_local_stream_socket_gets_lines),
		TEST(test_streams_count_octets),
		TEST(test_rsyslog_understands_udp),
		TEST(test_rsyslog_understands_tcp),
		TEST(test_rsyslog_understands_rfc3164),
		TEST(test_rsyslog_understands_its_socket),
	};

	cmocka_set_message_output(CM_OUTPUT_TAP);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
