/* SPDX-License-Identifier: BSD-3-Clause */
#include "tls/context.h"

#include <openssl/err.h>
#include <openssl/ssl.h>
#include <openssl/x509v3.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "net/address.h"

#define NAME_MAX_DNS 255

struct tls_context {
	SSL_CTX *ssl;
	bool is_server;
	bool is_unverified;
};

/* Where systems keep the certificates that they trust, in one file: it is read whole, since
 * nothing can be opened later. */
static const char *const system_files[] = {
	"/etc/ssl/certs/ca-certificates.crt",
	"/etc/pki/ca-trust/extracted/pem/tls-ca-bundle.pem",
	"/etc/pki/tls/certs/ca-bundle.crt",
	"/etc/ssl/ca-bundle.pem",
	"/etc/ssl/cert.pem",
};

const char *tls_problem_of(const struct ssl_st *session, unsigned long code)
{
	long verified = session ? SSL_get_verify_result(session) : X509_V_OK;
	const char *reason = code ? ERR_reason_error_string(code) : NULL;

	if (verified != X509_V_OK && SSL_get_verify_mode(session) != SSL_VERIFY_NONE)
		return X509_verify_cert_error_string(verified);
	if (code && ERR_SYSTEM_ERROR(code))
		return strerror(ERR_GET_REASON(code));
	return reason ? reason : "the connection was closed";
}

const char *tls_problem(const struct ssl_st *session)
{
	unsigned long code = ERR_peek_error(); /* the others say where that led to */

	ERR_clear_error();
	return tls_problem_of(session, code);
}

static bool refuse(char *error, const char *what, const char *path)
{
	snprintf(error, TLS_ERROR_MAX, "%s %.120s: %.100s", what, path, tls_problem(NULL));
	return false;
}

/* Nobody is there to be asked for the password of a key. */
static int no_password(char *buffer, int size, int is_for_writing, void *argument)
{
	(void)buffer;
	(void)size;
	(void)is_for_writing;
	(void)argument;
	return -1;
}

static struct tls_context *context_new(const SSL_METHOD *method, char *error)
{
	struct tls_context *context = calloc(1, sizeof(*context));

	ERR_clear_error();
	if (context)
		context->ssl = SSL_CTX_new(method);
	if (!context || !context->ssl) {
		snprintf(error, TLS_ERROR_MAX, "TLS: %.100s", tls_problem(NULL));
		free(context);
		return NULL;
	}
	SSL_CTX_set_min_proto_version(context->ssl, TLS1_2_VERSION);
	SSL_CTX_set_options(context->ssl,
			    SSL_OP_NO_RENEGOTIATION | SSL_OP_NO_COMPRESSION | SSL_OP_NO_TICKET);
	SSL_CTX_set_session_cache_mode(context->ssl, SSL_SESS_CACHE_OFF);
	SSL_CTX_set_mode(context->ssl, SSL_MODE_ENABLE_PARTIAL_WRITE |
					       SSL_MODE_ACCEPT_MOVING_WRITE_BUFFER |
					       SSL_MODE_RELEASE_BUFFERS);
	SSL_CTX_set_default_passwd_cb(context->ssl, no_password);
	return context;
}

static bool load_own(const struct tls_context *context, const char *certificate, const char *key,
		     char *error)
{
	if (SSL_CTX_use_certificate_chain_file(context->ssl, certificate) != 1)
		return refuse(error, "certificate", certificate);
	if (SSL_CTX_use_PrivateKey_file(context->ssl, key, SSL_FILETYPE_PEM) != 1 ||
	    SSL_CTX_check_private_key(context->ssl) != 1)
		return refuse(error, "key", key);
	return true;
}

static bool load_system(const struct tls_context *context, char *error)
{
	const char *path = getenv(X509_get_default_cert_file_env());

	if (path)
		return SSL_CTX_load_verify_file(context->ssl, path) == 1 ||
		       refuse(error, "certificates", path);
	for (size_t i = 0; i < sizeof(system_files) / sizeof(system_files[0]); i++)
		if (access(system_files[i], R_OK) == 0)
			return SSL_CTX_load_verify_file(context->ssl, system_files[i]) == 1 ||
			       refuse(error, "certificates", system_files[i]);
	snprintf(error, TLS_ERROR_MAX, "the system has no file of certificates that it trusts");
	return false;
}

static bool load_trusted(const struct tls_context *context, const char *ca_file, char *error)
{
	if (context->is_unverified)
		return true;
	if (!*ca_file)
		return load_system(context, error);
	return SSL_CTX_load_verify_file(context->ssl, ca_file) == 1 ||
	       refuse(error, "certificates", ca_file);
}

struct tls_context *tls_context_new_server(const char *certificate, const char *key, char *error)
{
	struct tls_context *context = context_new(TLS_server_method(), error);

	if (!context)
		return NULL;
	context->is_server = true;
	SSL_CTX_set_num_tickets(context->ssl, 0);
	SSL_CTX_set_options(context->ssl, SSL_OP_CIPHER_SERVER_PREFERENCE);
	if (load_own(context, certificate, key, error))
		return context;
	tls_context_free(context);
	return NULL;
}

struct tls_context *tls_context_new_client(const char *ca_file, const char *certificate,
					   const char *key, bool is_unverified, char *error)
{
	struct tls_context *context = context_new(TLS_client_method(), error);

	if (!context)
		return NULL;
	context->is_unverified = is_unverified;
	SSL_CTX_set_verify(context->ssl, is_unverified ? SSL_VERIFY_NONE : SSL_VERIFY_PEER, NULL);
	if (load_trusted(context, ca_file, error) &&
	    (!*certificate || load_own(context, certificate, *key ? key : certificate, error)))
		return context;
	tls_context_free(context);
	return NULL;
}

void tls_context_free(struct tls_context *context)
{
	if (!context)
		return;
	SSL_CTX_free(context->ssl);
	free(context);
}

/* RFC 6066 3: no address, and no dot at the end, in the name that is asked for. */
static bool expect(SSL *session, const char *server_name)
{
	X509_VERIFY_PARAM *parameters = SSL_get0_param(session);
	char name[NAME_MAX_DNS + 2];
	struct address address;
	size_t length;

	snprintf(name, sizeof(name), "%s", server_name);
	length = strlen(name);
	if (length && name[length - 1] == '.')
		name[length - 1] = '\0';
	if (address_parse(name, &address))
		return X509_VERIFY_PARAM_set1_ip(parameters, address.bytes,
						 address.version == 4 ? 4 : 16) == 1;
	X509_VERIFY_PARAM_set_hostflags(parameters, X509_CHECK_FLAG_NO_PARTIAL_WILDCARDS);
	return *name && X509_VERIFY_PARAM_set1_host(parameters, name, 0) == 1 &&
	       SSL_set_tlsext_host_name(session, name) == 1;
}

struct ssl_st *tls_session_new(struct tls_context *context, const char *server_name)
{
	SSL *session = SSL_new(context->ssl);

	if (!session || context->is_server)
		return session;
	if (server_name && expect(session, server_name))
		return session;
	SSL_free(session); /* without a name anybody would do */
	return NULL;
}

void tls_session_end(struct ssl_st *session)
{
	if (SSL_is_init_finished(session))
		SSL_shutdown(session);
	ERR_clear_error();
}

const char *tls_library_version(void)
{
	return OpenSSL_version(OPENSSL_VERSION);
}
