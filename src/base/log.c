/* SPDX-License-Identifier: BSD-3-Clause */
#include "base/log.h"

#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

static const char *log_role = "dnsflow";
static enum log_level log_least = LOG_LEVEL_INFO;
static log_sink_fn log_sink;

static void write_line(enum log_level level, const char *format, va_list arguments)
{
	char line[1024];
	int prefix, length;

	if (level < log_least)
		return;
	prefix = snprintf(line, sizeof(line) / 2, "%s: ", log_role);
	length = vsnprintf(line + prefix, sizeof(line) - (size_t)prefix - 1, format, arguments);
	if (length < 0)
		return;
	length += prefix;
	if (length > (int)sizeof(line) - 2)
		length = (int)sizeof(line) - 2;
	for (int i = prefix; i < length; i++)
		if ((unsigned char)line[i] < 0x20 || (unsigned char)line[i] == 0x7f)
			line[i] = '?';
	if (log_sink) {
		line[length] = '\0';
		log_sink(level, line + prefix);
		return;
	}
	line[length] = '\n';
	if (write(STDERR_FILENO, line, (size_t)length + 1) < 0) {
		/* Nowhere is left to say it. */
	}
}

#define LOG_FUNCTION(name, level)                     \
	void name(const char *format, ...)            \
	{                                             \
		va_list arguments;                    \
                                                      \
		va_start(arguments, format);          \
		write_line(level, format, arguments); \
		va_end(arguments);                    \
	}

LOG_FUNCTION(log_debug, LOG_LEVEL_DEBUG)
LOG_FUNCTION(log_info, LOG_LEVEL_INFO)
LOG_FUNCTION(log_warn, LOG_LEVEL_WARN)
LOG_FUNCTION(log_error, LOG_LEVEL_ERROR)

void log_fatal(const char *format, ...)
{
	va_list arguments;

	va_start(arguments, format);
	write_line(LOG_LEVEL_ERROR, format, arguments);
	va_end(arguments);
	exit(EXIT_FAILURE);
}

void log_set_role(const char *role)
{
	log_role = role;
}

void log_set_level(enum log_level level)
{
	log_least = level;
}

void log_set_sink(log_sink_fn sink)
{
	log_sink = sink;
}
