/* SPDX-License-Identifier: BSD-3-Clause */
#pragma once
#include <stdint.h>
#include "base/slice.h"
#include "dns/name.h"

/* A line of a file of names. */
struct name_line {
	uint8_t wire[DNS_NAME_MAX];
	uint8_t length;
	uint16_t type; /* 0 when the line has none */
};

enum name_line_result { NAME_LINE_NAME, NAME_LINE_EMPTY, NAME_LINE_BAD };

/*
 * "name", "rank,name" (Alexa's rows), either with a type behind it (dnsperf's); "# comment" at the
 * start or behind a blank. line: with or without its end, LF or CRLF.
 */
enum name_line_result name_line_parse(struct slice line, struct name_line *out);
