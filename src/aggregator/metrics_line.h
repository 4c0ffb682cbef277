/* SPDX-License-Identifier: BSD-3-Clause */
#pragma once
#include <stddef.h>
#include <stdint.h>
#include "aggregator/stats/streams.h"

/* The line of the metrics output (spec/dnstap-receiver.md 5.5), local time, without newline;
 * returns its length. wall_ns: since 1970. */
size_t metrics_line_format(struct streams *streams, int64_t wall_ns, char *line, size_t size);
