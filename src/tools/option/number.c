/* SPDX-License-Identifier: BSD-3-Clause */
#include "tools/option/number.h"

#include <errno.h>
#include <stdlib.h>

#include "base/clock.h"
#include "base/log.h"

#define SECONDS_MAX 1e9

uint64_t number_parse(const char *option, const char *text, uint64_t min, uint64_t max)
{
	char *end;
	uint64_t number;

	errno = 0;
	number = strtoull(text, &end, 10);
	if (*text < '0' || *text > '9' || *end || errno || number < min || number > max)
		log_fatal("%s: not a number from %llu to %llu: %s", option, (unsigned long long)min,
			  (unsigned long long)max, text);
	return number;
}

int64_t number_parse_seconds(const char *option, const char *text)
{
	char *end;
	double seconds = strtod(text, &end);

	if (end == text || *end || !(seconds > 0 && seconds <= SECONDS_MAX))
		log_fatal("%s: not a number of seconds: %s", option, text);
	return (int64_t)(seconds * (double)NANOSECONDS_PER_SECOND) + 1;
}
