/* SPDX-License-Identifier: BSD-3-Clause */
#include "aggregator/metrics_line.h"

#include <inttypes.h>
#include <stdio.h>
#include <time.h>

#include "base/clock.h"

static const struct {
	const char *counter, *label;
} parts[] = {
	{"query", "QUERIES"},
	{"qps", "QPS"},
	{"domains", "DOMAINS"},
	{"clients", "CLIENTS"},
	{"query/inet", "INET"},
	{"query/inet6", "INET6"},
	{"query/udp", "UDP"},
	{"query/tcp", "TCP"},
	{"response/noerror", "NOERROR"},
	{"response/nxdomain", "NXDOMAINS"},
	{"query/a", "A"},
	{"query/aaaa", "AAAA"},
};

size_t metrics_line_format(struct streams *streams, int64_t wall_ns, char *line, size_t size)
{
	time_t seconds = (time_t)(wall_ns / NANOSECONDS_PER_SECOND);
	int64_t below_ns = wall_ns % NANOSECONDS_PER_SECOND;
	char date[32];
	struct tm parted;
	size_t length;

	localtime_r(&seconds, &parted);
	strftime(date, sizeof(date), "%Y-%m-%d %H:%M:%S", &parted);
	length = (size_t)snprintf(line, size, "%s,%03" PRId64, date,
				  below_ns / NANOSECONDS_PER_MILLISECOND);
	for (size_t i = 0; i < sizeof(parts) / sizeof(parts[0]) && length < size; i++) {
		uint64_t value = 0;

		streams_counter(streams, STREAMS_ALL, parts[i].counter, &value);
		length += (size_t)snprintf(line + length, size - length, "%s %" PRIu64 " %s",
					   i ? "," : "", value, parts[i].label);
	}
	return length < size ? length : size - 1;
}
