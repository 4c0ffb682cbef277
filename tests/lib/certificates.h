/* SPDX-License-Identifier: BSD-3-Clause */
#pragma once
#include <stdbool.h>

/*
 * Certificates for tests, made by the openssl tool in a folder of their own:
 *
 *	ca.pem       who signs all but "alone"
 *	key.pem      the one key of all others
 *	right.pem    logs.example, 127.0.0.1 and ::1
 *	wrong.pem    other.example
 *	expired.pem  as right.pem, until yesterday
 *	client.pem   as right.pem, for clients only
 *	alone.pem    as right.pem, signed by itself
 */
#define CERTIFICATES_PATH_MAX 64

/* False when the tool is not installed. */
bool certificates_make(void);
void certificates_remove(void);

/* The path of one of them, in one of four buffers in turn. */
const char *certificates_path(const char *name);
