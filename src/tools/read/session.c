/* SPDX-License-Identifier: BSD-3-Clause */
#include "tools/read/session.h"

#include <errno.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/log.h"
#include "record/reader.h"
#include "tools/option/stop.h"
#include "tools/read/exporter.h"
#include "tools/read/print.h"

#define FLUSH_NS	NANOSECONDS_PER_SECOND
#define WAIT_MAX_MS	60000
#define SUMMARY_PACKETS 100000

struct session {
	const struct options *options;
	const struct print *print;
	struct source *source;
	struct output *output;
	struct exporters *exporters;
	uint64_t packets;
	uint64_t sets_left;
	int64_t end_ns; /* monotonic, as is flush_ns */
	int64_t flush_ns;
	bool is_terminal;
};

/* As the spec names what is wrong with a datagram. */
static const char *const error_names[] = {
	[RECORD_BAD_HEADER] = "HEADER_PARSE_ERROR",
	[RECORD_BAD_PACKET] = "BAD_PKT",
	[RECORD_BAD_DATA] = "DATA_PARSE_ERROR",
	[RECORD_BAD_NAMES] = "NAMES_PARSE_ERROR",
};

static void session_error(struct session *session, const struct datagram *datagram,
			  enum record_error error)
{
	char address[ADDRESS_TEXT_MAX];

	session->print->error(session->output, error_names[error],
			      address_format(&datagram->exporter.address, address));
}

static bool is_quiet(const struct session *session)
{
	return session->options->is_stats_only || session->options->is_summary_only;
}

static void sets_count_down(struct session *session, uint64_t count)
{
	session->sets_left -= count < session->sets_left ? count : session->sets_left;
}

static enum record_error sets_print(struct session *session, const struct print_origin *origin,
				    struct record_reader *reader)
{
	enum record_error error = RECORD_OK;
	struct record_set set;
	bool is_end = false;

	while (session->sets_left) {
		error = record_reader_next(reader, &set, &is_end);
		if (error || is_end)
			break;
		session->print->set(session->output, origin, &set);
		sets_count_down(session, 1);
	}
	return error;
}

static void stats_print(struct session *session, const struct print_origin *origin,
			const struct record_stats *stats)
{
	if (session->options->is_stats_only || !session->options->is_summary_only)
		session->print->stats(session->output, origin, stats);
	if (session->options->is_stats_only)
		session->print->exporter(session->output, origin->exporter);
}

static enum record_error datagram_take(struct session *session, const struct datagram *datagram)
{
	struct print_origin origin = {.time_ns = datagram->time_ns};
	struct exporter *exporter;
	struct record_reader reader;
	struct record_stats stats;
	enum record_error error = record_reader_open(&reader, datagram->payload);
	bool is_stats = !error && record_reader_is_stats(&reader);

	if (is_stats)
		error = record_reader_stats(&reader, &stats);
	if (error)
		return error;
	exporter = exporters_find(session->exporters, &datagram->exporter, datagram->time_ns);
	exporter_take(exporter, &reader, is_stats ? &stats : NULL, datagram->time_ns);
	origin.exporter = exporter;
	origin.sequence = reader.sequence;
	origin.version = reader.version;
	if (is_stats)
		stats_print(session, &origin, &stats);
	else if (is_quiet(session))
		sets_count_down(session, reader.sets_count);
	else
		error = sets_print(session, &origin, &reader);
	return error;
}

static void session_summary(struct session *session)
{
	struct source *source = session->source;
	struct print_summary summary = {
		.exporters = session->exporters,
		.receiver_dropped = source->ops->dropped ? source->ops->dropped(source) : 0,
	};

	session->print->summary(session->output, &summary);
}

static void packet_take(struct session *session, const struct datagram *datagram)
{
	enum record_error error = datagram_take(session, datagram);

	if (error)
		session_error(session, datagram, error);
	if (++session->packets % SUMMARY_PACKETS || !session->options->is_summary_only ||
	    session->options->is_stats_only)
		return;
	session_summary(session);
	session->print->separator(session->output);
}

static void session_flush(struct session *session, int64_t now_ns)
{
	output_flush(session->output);
	session->flush_ns = now_ns + FLUSH_NS;
}

/* Waits for the source, the signal, the next flush and the end, whichever comes first. */
static void session_wait(struct session *session)
{
	struct pollfd fds[] = {{session->source->fd, POLLIN, 0}, {stop_fd(), POLLIN, 0}};
	int64_t now_ns = clock_monotonic_ns(), until_ns = session->end_ns;
	int64_t wait_ms;

	if (session->is_terminal)
		session_flush(session, now_ns);
	if (session->output->used && session->flush_ns < until_ns)
		until_ns = session->flush_ns;
	if (until_ns <= now_ns)
		return;
	wait_ms = (until_ns - now_ns) / NANOSECONDS_PER_MILLISECOND + 1;
	poll(fds, 2, wait_ms < WAIT_MAX_MS ? (int)wait_ms : WAIT_MAX_MS);
}

static bool session_is_over(struct session *session)
{
	int64_t now_ns = clock_monotonic_ns();

	if (now_ns >= session->flush_ns)
		session_flush(session, now_ns);
	return stop_is_wanted() || !session->sets_left || session->output->error ||
	       now_ns >= session->end_ns;
}

/* Returns false when the source is at its end, or failed with *status not 0. */
static bool session_step(struct session *session, int *status)
{
	struct source *source = session->source;
	struct datagram datagram;

	if (session->output->used && source->ops->may_wait && source->ops->may_wait(source))
		session_flush(session, clock_monotonic_ns());
	switch (source->ops->next(source, &datagram)) {
	case SOURCE_DATAGRAM:
		packet_take(session, &datagram);
		return true;
	case SOURCE_BAD_FRAME:
		session->print->error(session->output, source->error, source->message);
		return true;
	case SOURCE_OTHER:
		return true;
	case SOURCE_IDLE:
		session_wait(session);
		return true;
	case SOURCE_FAILED:
		log_error("%s", source->message);
		*status = EXIT_FAILURE;
		return false;
	default:
		return false;
	}
}

int session_run(const struct options *options, struct source *source, struct output *output)
{
	int64_t now_ns = clock_monotonic_ns();
	struct session session = {
		.options = options,
		.print = options->is_json ? &print_json : &print_text,
		.source = source,
		.output = output,
		.exporters = exporters_new(),
		.sets_left = options->set_count ? options->set_count : UINT64_MAX,
		.end_ns = options->duration_ns ? now_ns + options->duration_ns : INT64_MAX,
		.flush_ns = now_ns + FLUSH_NS,
		.is_terminal = isatty(output->fd),
	};
	int status = EXIT_SUCCESS;

	while (!session_is_over(&session) && session_step(&session, &status)) {
	}
	session_summary(&session);
	output_flush(output);
	exporters_free(session.exporters);
	if (!output->error || output->error == EPIPE)
		return status;
	log_error("writing failed: %s", strerror(output->error));
	return EXIT_FAILURE;
}
