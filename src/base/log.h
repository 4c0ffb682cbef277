/* SPDX-License-Identifier: BSD-3-Clause */
#pragma once
#include <stdarg.h>

enum log_level { LOG_LEVEL_DEBUG, LOG_LEVEL_INFO, LOG_LEVEL_WARN, LOG_LEVEL_ERROR };

/*
 * One line per call on standard error, "<role>: <text>". Process rooms and tools log, once, where a
 * decision is taken; library rooms return errors instead. Control bytes in the text are printed as
 * '?'. Nothing is logged per packet.
 */
void log_debug(const char *format, ...) __attribute__((format(printf, 1, 2)));
void log_info(const char *format, ...) __attribute__((format(printf, 1, 2)));
void log_warn(const char *format, ...) __attribute__((format(printf, 1, 2)));
void log_error(const char *format, ...) __attribute__((format(printf, 1, 2)));

/* Logs an error and exits with status 1. Only before a process is ready. */
void log_fatal(const char *format, ...) __attribute__((format(printf, 1, 2), noreturn));

/* The prefix of this process's lines; borrowed, must stay. */
void log_set_role(const char *role);
void log_set_level(enum log_level level);

/* Takes the lines instead of standard error, for tests; NULL restores. text has no newline. */
typedef void (*log_sink_fn)(enum log_level level, const char *text);
void log_set_sink(log_sink_fn sink);
