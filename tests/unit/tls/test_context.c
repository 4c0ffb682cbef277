/* SPDX-License-Identifier: BSD-3-Clause */
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <setjmp.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>
#include <cmocka.h>
#include <openssl/err.h>
#include <openssl/ssl.h>

#include "tests/lib/certificates.h"
#include "tls/context.h"

#define TURNS_MAX 100

static bool has_tool;
static char error[TLS_ERROR_MAX];

static struct tls_context *server_of(const char *certificate)
{
	struct tls_context *context = tls_context_new_server(certificates_path(certificate),
							     certificates_path("key.pem"), error);

	if (!context)
		fail_msg("%s", error);
	return context;
}

static struct tls_context *client_of(bool is_unverified)
{
	struct tls_context *context =
		tls_context_new_client(certificates_path("ca.pem"), "", "", is_unverified, error);

	if (!context)
		fail_msg("%s", error);
	return context;
}

static bool has_failed(SSL *session, int result)
{
	int reason = SSL_get_error(session, result);

	return result <= 0 && reason != SSL_ERROR_WANT_READ && reason != SSL_ERROR_WANT_WRITE;
}

/* Both ends of a handshake over a socket pair; the client's opinion of it. */
static bool shake_hands(SSL *client, SSL *server)
{
	int fds[2], done_client = 0, done_server = 0;
	bool has_ended = false;

	assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK, 0, fds), 0);
	SSL_set_fd(client, fds[0]);
	SSL_set_fd(server, fds[1]);
	SSL_set_connect_state(client);
	SSL_set_accept_state(server);
	for (int i = 0; i < TURNS_MAX && !has_ended && (done_client < 1 || done_server < 1); i++) {
		done_client = SSL_do_handshake(client);
		if (has_failed(client, done_client))
			break;
		done_server = SSL_do_handshake(server);
		has_ended = has_failed(server, done_server);
	}
	return done_client == 1 && done_server == 1;
}

static void end(SSL *session)
{
	int fd = SSL_get_fd(session);

	tls_session_end(session);
	SSL_free(session);
	close(fd);
}

/* NULL when they agree, or why the client does not. */
static const char *meet(struct tls_context *server_context, struct tls_context *client_context,
			const char *name)
{
	SSL *server = tls_session_new(server_context, NULL);
	SSL *client = tls_session_new(client_context, name);
	static char reason[TLS_ERROR_MAX];
	bool is_up;

	assert_non_null(server);
	assert_non_null(client);
	is_up = shake_hands(client, server);
	snprintf(reason, sizeof(reason), "%s", tls_problem(client));
	end(client);
	end(server);
	return is_up ? NULL : reason;
}

static const char *try(const char *certificate, const char *name, bool is_unverified)
{
	struct tls_context *server, *client;
	const char *reason;

	if (!has_tool)
		skip();
	server = server_of(certificate);
	client = client_of(is_unverified);
	reason = meet(server, client, name);
	tls_context_free(server);
	tls_context_free(client);
	return reason;
}

static void test_right_name_and_addresses_are_accepted(void **state)
{
	(void)state;
	assert_null(try("right.pem", "logs.example", false));
	assert_null(try("right.pem", "LOGS.example.", false));
	assert_null(try("right.pem", "127.0.0.1", false));
	assert_null(try("right.pem", "::1", false));
}

static void test_other_names_and_addresses_are_refused(void **state)
{
	(void)state;
	assert_string_equal(try("wrong.pem", "logs.example", false), "hostname mismatch");
	assert_string_equal(try("right.pem", "example", false), "hostname mismatch");
	assert_string_equal(try("right.pem", "127.0.0.2", false), "IP address mismatch");
}

static void test_expired_foreign_and_misused_certificates_are_refused(void **state)
{
	(void)state;
	assert_string_equal(try("expired.pem", "logs.example", false), "certificate has expired");
	assert_non_null(strstr(try("alone.pem", "logs.example", false), "self-signed"));
	assert_non_null(strstr(try("client.pem", "logs.example", false), "purpose"));
}

static void test_unverified_takes_anybody(void **state)
{
	(void)state;
	assert_null(try("alone.pem", "somebody", true));
	assert_null(try("expired.pem", "127.0.0.9", true));
}

static void test_no_session_without_a_name(void **state)
{
	struct tls_context *client;

	(void)state;
	if (!has_tool)
		skip();
	client = client_of(false);
	assert_null(tls_session_new(client, NULL));
	assert_null(tls_session_new(client, ""));
	tls_context_free(client);
}

static void test_old_versions_tickets_and_renegotiation_are_off(void **state)
{
	struct tls_context *context;
	SSL *session;

	(void)state;
	if (!has_tool)
		skip();
	context = server_of("right.pem");
	session = tls_session_new(context, NULL);
	assert_int_equal(SSL_get_min_proto_version(session), TLS1_2_VERSION);
	assert_true(SSL_get_options(session) & SSL_OP_NO_RENEGOTIATION);
	assert_true(SSL_get_options(session) & SSL_OP_NO_TICKET);
	assert_int_equal(SSL_get_num_tickets(session), 0);
	assert_int_equal(SSL_get_max_early_data(session), 0);
	SSL_free(session);
	tls_context_free(context);
}

static void test_server_name_is_told(void **state)
{
	struct tls_context *client;
	SSL *session;

	(void)state;
	if (!has_tool)
		skip();
	client = client_of(false);
	session = tls_session_new(client, "logs.example.");
	assert_string_equal(SSL_get_servername(session, TLSEXT_NAMETYPE_host_name), "logs.example");
	SSL_free(session);
	session = tls_session_new(client, "192.0.2.1");
	assert_null(SSL_get_servername(session, TLSEXT_NAMETYPE_host_name));
	SSL_free(session);
	tls_context_free(client);
}

static void test_files_that_are_wrong_are_named(void **state)
{
	(void)state;
	if (!has_tool)
		skip();
	assert_null(tls_context_new_server("/nowhere", certificates_path("key.pem"), error));
	assert_non_null(strstr(error, "/nowhere: No such file"));
	assert_null(tls_context_new_server(certificates_path("right.pem"),
					   certificates_path("ca.key"), error));
	assert_non_null(strstr(error, "ca.key: "));
	assert_non_null(strstr(error, "mismatch"));
	assert_null(tls_context_new_client(certificates_path("key.pem"), "", "", false, error));
	assert_non_null(strstr(error, "key.pem: "));
}

static int set_up(void **state)
{
	(void)state;
	signal(SIGPIPE, SIG_IGN);
	has_tool = certificates_make();
	return 0;
}

static int tear_down(void **state)
{
	(void)state;
	certificates_remove();
	return 0;
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_right_name_and_addresses_are_accepted),
		cmocka_unit_test(test_other_names_and_addresses_are_refused),
		cmocka_unit_test(test_expired_foreign_and_misused_certificates_are_refused),
		cmocka_unit_test(test_unverified_takes_anybody),
		cmocka_unit_test(test_no_session_without_a_name),
		cmocka_unit_test(test_old_versions_tickets_and_renegotiation_are_off),
		cmocka_unit_test(test_server_name_is_told),
		cmocka_unit_test(test_files_that_are_wrong_are_named),
	};

	cmocka_set_message_output(CM_OUTPUT_TAP);
	return cmocka_run_group_tests(tests, set_up, tear_down);
}
