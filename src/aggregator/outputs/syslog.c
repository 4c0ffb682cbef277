/* SPDX-License-Identifier: BSD-3-Clause */
#include "aggregator/outputs/syslog.h"

#include <stdio.h>
#include <time.h>

#include "base/clock.h"

#define HOST_MAX 255 /* RFC 5424 6.2.4 */
#define APP_MAX	 48  /* 6.2.5 */
#define TAG_MAX	 32  /* RFC 3164 4.1.3 */

/* RFC 5424 6: a word is of printable ASCII without blanks; an empty one is "-". */
static void put_word(char *out, const char *text, size_t most)
{
	size_t length = 0;

	for (; length < most && text[length]; length++)
		out[length] = text[length] > ' ' && text[length] <= '~' ? text[length] : '?';
	if (!length)
		out[length++] = '-';
	out[length] = '\0';
}

static size_t put_5424(const struct config_output *config, const char *host, long pid,
		       int64_t wall_ns, char *header)
{
	time_t second = (time_t)(wall_ns / NANOSECONDS_PER_SECOND);
	char app[APP_MAX + 1], date[32];
	struct tm utc;

	put_word(app, config->app_name, APP_MAX);
	strftime(date, sizeof(date), "%Y-%m-%dT%H:%M:%S", gmtime_r(&second, &utc));
	return (size_t)snprintf(header, SYSLOG_HEADER_MAX, "<%u>1 %s.%06dZ %s %s %ld - - ",
				config->facility * 8 + config->severity, date,
				(int)(wall_ns % NANOSECONDS_PER_SECOND / 1000), host, app, pid);
}

static size_t put_3164(const struct config_output *config, const char *host, int64_t wall_ns,
		       char *header)
{
	time_t second = (time_t)(wall_ns / NANOSECONDS_PER_SECOND);
	bool is_local = config->transport == OUTPUT_OVER_UNIX;
	char tag[TAG_MAX + 1], date[32];
	struct tm local;

	put_word(tag, config->app_name, TAG_MAX);
	strftime(date, sizeof(date), "%b %e %H:%M:%S", localtime_r(&second, &local));
	return (size_t)snprintf(header, SYSLOG_HEADER_MAX,
				"<%u>%s %s%s%s: ", config->facility * 8 + config->severity, date,
				is_local ? "" : host, is_local ? "" : " ", tag);
}

size_t syslog_format_header(const struct config_output *config, const char *host_name, long pid,
			    int64_t wall_ns, char header[SYSLOG_HEADER_MAX])
{
	char host[HOST_MAX + 1];

	put_word(host, host_name, HOST_MAX);
	if (config->syslog == OUTPUT_RFC5424)
		return put_5424(config, host, pid, wall_ns, header);
	if (config->syslog == OUTPUT_RFC3164)
		return put_3164(config, host, wall_ns, header);
	*header = '\0';
	return 0;
}

size_t syslog_escape(const struct iovec *record, char *out)
{
	const char *text = record->iov_base;
	size_t used = 0;

	for (size_t i = 0; i < record->iov_len; i++) {
		if (text[i] == '\n')
			out[used++] = '\\';
		out[used++] = text[i] == '\n' ? 'n' : text[i];
	}
	return used;
}
