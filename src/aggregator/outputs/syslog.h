/* SPDX-License-Identifier: BSD-3-Clause */
#pragma once
#include <stddef.h>
#include <stdint.h>
#include <sys/uio.h>
#include "config/output.h"

/*
 * What syslog puts in front of a record: RFC 5424, with the time in UTC; RFC 3164, with the local
 * time, which needs tzset() before the sandbox, and without the host on the machine's own socket,
 * where daemons expect none; or nothing. Everything is printable ASCII.
 */
#define SYSLOG_HEADER_MAX 512

/* Writes the header with its last blank; returns its length. host_name: "" = not known. */
size_t syslog_format_header(const struct config_output *config, const char *host_name, long pid,
			    int64_t wall_ns, char header[SYSLOG_HEADER_MAX]);

/* A message is one line: newlines of a record (YAML) become a backslash and an n. out has room for
 * twice the length; returns what was used of it. */
size_t syslog_escape(const struct iovec *record, char *out);
