/* SPDX-License-Identifier: BSD-3-Clause */
#pragma once
#include <stdbool.h>

/* The one door to OpenSSL: contexts are made before the sandbox, from files; sessions later. TLS
 * 1.2 and 1.3, no renegotiation, no early data. */
struct tls_context;
struct ssl_st; /* an OpenSSL session */

#define TLS_ERROR_MAX 256

/* A server's: certificate chain and key in PEM. NULL with one line in error. */
struct tls_context *tls_context_new_server(const char *certificate, const char *key, char *error);

/* A client's. ca_file: "" = those of the system; certificate and key: "" = none. is_unverified:
 * take any server. */
struct tls_context *tls_context_new_client(const char *ca_file, const char *certificate,
					   const char *key, bool is_unverified, char *error);
void tls_context_free(struct tls_context *context);

/* A session for one connection, the caller's to give away (loop/). server_name: the name, or the
 * address, that the certificate must have; NULL for a server's. NULL when out of memory. */
struct ssl_st *tls_session_new(struct tls_context *context, const char *server_name);

/* Tells the other side that no more comes, before a session is freed: as far as it can be written
 * at once. */
void tls_session_end(struct ssl_st *session);

/* What went wrong last in a session or in this thread: borrowed until the next call. */
const char *tls_problem(const struct ssl_st *session);

/* The same for an error code that was taken out of OpenSSL's queue already; 0 = there was none. */
const char *tls_problem_of(const struct ssl_st *session, unsigned long code);

const char *tls_library_version(void);
