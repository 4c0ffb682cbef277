/* SPDX-License-Identifier: BSD-3-Clause */
#include "output_rig.h"

#include <sys/socket.h>
#include <sys/wait.h>

#include "tests/lib/certificates.h"

static int listener, peer;

static void listen_at(struct endpoint *endpoint)
{
	struct sockaddr_storage address;
	socklen_t length = endpoint_to_sockaddr(endpoint, &address);
	int on = 1, size = 16384;

	listener = socket(address.ss_family, SOCK_STREAM | SOCK_CLOEXEC, 0);
	setsockopt(listener, SOL_SOCKET, SO_REUSEADDR, &on, sizeof(on));
	setsockopt(listener, SOL_SOCKET, SO_RCVBUF, &size, sizeof(size));
	assert_int_equal(bind(listener, (struct sockaddr *)&address, length), 0);
	assert_int_equal(listen(listener, 5), 0);
	length = sizeof(address);
	getsockname(listener, (struct sockaddr *)&address, &length);
	assert_true(endpoint_from_sockaddr(&address, endpoint));
}

static int set_up(void **state)
{
	int error = rig_set_up(state);

	address_parse("127.0.0.1", &rig.config.endpoint.address);
	listen_at(&rig.config.endpoint);
	endpoint_format(&rig.config.endpoint, rig.config.address);
	snprintf(rig.config.delimiter, sizeof(rig.config.delimiter), "\r\n");
	rig.config.retry_s = 1;
	return error;
}

static void begin(void)
{
	rig_open(&output_tcp);
	assert_true(rig_until(rig_is_up));
	peer = accept(listener, NULL, NULL);
}

static int tear_down(void **state)
{
	close(peer);
	close(listener);
	return rig_tear_down(state);
}

static void expect(const char *text)
{
	char found[64] = "";

	assert_int_equal(recv(peer, found, strlen(text), MSG_WAITALL), strlen(text));
	assert_string_equal(found, text);
}

static void test_records_have_the_delimiter_for_a_newline(void **state)
{
	(void)state;
	begin();
	rig_say("one");
	rig_say("two");
	assert_true(rig_until(rig_is_done));
	expect("one\r\ntwo\r\n");
	assert_int_equal(rig.account.written, 2);
	assert_int_equal(rig.account.bytes_written, 10);
	assert_int_equal(rig.committed.tail, rig.account.head);
	assert_non_null(strstr(rig.log, "output test: connected to 127.0.0.1:"));
}

static void test_record_stays_until_the_other_side_has_it(void **state)
{
	char big[10001];
	uint32_t pushed = 0;

	(void)state;
	begin();
	memset(big, 'x', 10000);
	big[10000] = '\0';
	while (rig_push(big))
		pushed++;
	rig.output.ops->write(&rig.output);
	for (int i = 0; i < 100; i++)
		rig_turn();
	/* The peer reads nothing: it has what its small buffer takes. */
	assert_true(rig.account.written < pushed);
	assert_false(rig.output.ops->is_idle(&rig.output));
	while (!rig_is_done()) {
		while (recv(peer, big, sizeof(big), MSG_DONTWAIT) > 0)
			;
		rig_turn();
	}
	assert_int_equal(rig.account.written, pushed);
}

static void test_what_was_not_acknowledged_is_sent_again(void **state)
{
	char big[10001], found[10002], line[32];
	uint32_t pushed = 0, next = 0;
	FILE *stream;

	(void)state;
	begin();
	memset(big, 'x', 10000);
	big[10000] = '\0';
	for (; pushed < 100; pushed++) {
		sprintf(line, "%05u ", pushed);
		memcpy(big, line, 6);
		assert_true(rig_push(big));
	}
	rig.output.ops->write(&rig.output);
	for (int i = 0; i < 50; i++)
		rig_turn();
	close(peer); /* with unread bytes: a reset */
	assert_true(rig_until(rig_is_down));
	next = (uint32_t)rig.account.written;
	assert_int_equal(rig.account.failures, 1);
	assert_true(rig_until(rig_is_up));
	peer = accept(listener, NULL, NULL);
	stream = fdopen(dup(peer), "r");
	for (; next < pushed; next++) {
		struct timeval soon = {.tv_usec = 1000};

		setsockopt(peer, SOL_SOCKET, SO_RCVTIMEO, &soon, sizeof(soon));
		for (size_t have = 0; have < 10002;) {
			ssize_t length = recv(peer, found + have, 10002 - have, 0);

			have += length > 0 ? (size_t)length : 0;
			rig_turn();
		}
		assert_int_equal(strtoul(found, NULL, 10), next);
	}
	fclose(stream);
	assert_true(rig_until(rig_is_done));
	assert_int_equal(rig.account.written, pushed);
}

static void test_queue_goes_on_while_nobody_listens(void **state)
{
	(void)state;
	close(listener);
	rig_open(&output_tcp);
	assert_true(rig_push("early"));
	rig.output.ops->write(&rig.output);
	for (int i = 0; i < 30; i++)
		rig_turn();
	assert_int_equal(rig.account.queued, 1);
	assert_true(rig.account.failures > 0);
	assert_non_null(strstr(rig.log, "not connected: Connection refused"));
	assert_int_equal(rig.logs, 1);
	listen_at(&rig.config.endpoint);
	assert_true(rig_until(rig_is_up));
	peer = accept(listener, NULL, NULL);
	expect("early\r\n");
	assert_true(rig_until(rig_is_done));
}

static void test_damaged_queue_is_counted_and_left(void **state)
{
	(void)state;
	begin();
	rig_push("one");
	rig_push("two");
	memset(rig.output.queue.data, 0xff, 8);
	rig.output.ops->write(&rig.output);
	assert_int_equal(rig.account.dropped_damaged, 2);
	assert_int_equal(rig.account.queued, 0);
	/* longer than a record can be, which others have room for */
	for (int i = 0; i < 2000; i++)
		rig_push("a record that is pushed often");
	memcpy(rig.output.queue.data + rig.account.tail, &(uint64_t){20000}, 8);
	rig.output.ops->write(&rig.output);
	assert_int_equal(rig.account.dropped_damaged, 2002);
	rig_say("three");
	assert_true(rig_until(rig_is_done));
	expect("three\r\n");
}

static bool has_size(const char *path, size_t size)
{
	char command[128];

	snprintf(command, sizeof(command), "test $(wc -c <%s 2>/dev/null || echo 0) = %zu", path,
		 size);
	return system(command) == 0;
}

static bool is_received(void)
{
	return has_size(certificates_path("received"), strlen("over TLS\r\n"));
}

static void test_ncat_receives_over_tls(void **state)
{
	char command[512];
	int port = rig.config.endpoint.port;

	(void)state;
	if (system("command -v ncat >/dev/null") || !certificates_make())
		skip();
	close(listener);
	snprintf(command, sizeof(command),
		 "exec 2>/dev/null; ncat -l 127.0.0.1 %d --ssl --ssl-cert %s --ssl-key %s"
		 " -c 'cat >%s' & echo $! >%s",
		 port, certificates_path("right.pem"), certificates_path("key.pem"),
		 certificates_path("received"), certificates_path("pid"));
	assert_int_equal(system(command), 0);
	rig.config.transport = OUTPUT_OVER_TLS;
	snprintf(rig.config.ca_file, sizeof(rig.config.ca_file), "%s", certificates_path("ca.pem"));
	rig_open(&output_tcp);
	if (!rig_until(rig_is_up))
		fail_msg("%s", rig.log);
	rig_say("over TLS");
	assert_true(rig_until(rig_is_done));
	assert_true(rig_until(is_received));
	rig_close_kind();
	snprintf(command, sizeof(command), "kill $(cat %s) 2>/dev/null", certificates_path("pid"));
	(void)!system(command);
	certificates_remove();
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(test_records_have_the_delimiter_for_a_newline,
						set_up, tear_down),
		cmocka_unit_test_setup_teardown(test_record_stays_until_the_other_side_has_it,
						set_up, tear_down),
		cmocka_unit_test_setup_teardown(test_what_was_not_acknowledged_is_sent_again,
						set_up, tear_down),
		cmocka_unit_test_setup_teardown(test_queue_goes_on_while_nobody_listens, set_up,
						tear_down),
		cmocka_unit_test_setup_teardown(test_damaged_queue_is_counted_and_left, set_up,
						tear_down),
		cmocka_unit_test_setup_teardown(test_ncat_receives_over_tls, set_up, tear_down),
	};

	cmocka_set_message_output(CM_OUTPUT_TAP);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
