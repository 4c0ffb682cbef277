/* SPDX-License-Identifier: BSD-3-Clause */
#include "aggregator/outputs/output.h"

#include <assert.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "aggregator/outputs/spool.h"
#include "base/memory.h"
#include "ipc/output_filter.h"

#define REFILL_MAX 4096 /* records that go from spool to queue at once: a few milliseconds */

static const struct output_ops *const kinds[OUTPUT_KIND_COUNT] = {
	[OUTPUT_STDOUT] = &output_stdout,   [OUTPUT_FILE] = &output_file,
	[OUTPUT_TCP] = &output_tcp,	    [OUTPUT_SYSLOG] = &output_syslog,
	[OUTPUT_METRICS] = &output_metrics, [OUTPUT_RECORDS] = &output_records,
};

static bool open_filter(struct event_filter **filter, const char *section,
			const struct config_filter *config, const struct hash_key *key, char *error)
{
	char problem[FILTER_ERROR_MAX];

	*filter = output_filter_new(config, key, problem);
	if (!*filter)
		snprintf(error, CONFIG_ERROR_MAX, "%s.%s", section, problem);
	return *filter;
}

static bool open_format(struct output *output, char *error)
{
	const struct config_output *config = output->config;
	bool has_geoip = output->host->geoip != NULL;

	output->format = format_new(config->format, config->fields, has_geoip,
				    output->host->suffixes, error);
	if (!output->format)
		return false;
	output->wants_place = has_geoip && format_wants_place(output->format);
	return true;
}

/* What makes records of events. */
static bool open_front(struct output *output, const struct hash_key *key, char *error)
{
	const struct config_output *config = output->config;

	if (!output_kind_takes_events(config->kind))
		return true;
	if (!open_filter(&output->filter, "filter", &config->filter, key, error) ||
	    (config->has_except &&
	     !open_filter(&output->except, "except", &config->except, key, error)) ||
	    (!output->ops->encode && !open_format(output, error)))
		return false;
	if (!privacy_is_needed(&config->privacy))
		return true;
	output->privacy = privacy_new(&config->privacy, output->host->suffixes, error);
	return output->privacy;
}

/* Positions that cannot be are those of a damaged account: what was there is lost. */
static int open_queue(struct output *output, int fd)
{
	struct output_account *account = output->account;
	size_t bytes = (size_t)output->config->queue_mib << 20;
	int failed = queue_open(&output->queue, fd, bytes, &account->head, &account->tail);

	if (failed != -ERANGE)
		return failed;
	account->dropped_damaged += account->queued;
	account->queued = account->head = account->tail = 0;
	return queue_open(&output->queue, fd, bytes, &account->head, &account->tail);
}

static void on_refill(void *argument)
{
	output_flush(argument);
}

static void open_spool(struct output *output, int fd)
{
	struct output_account *account = output->account;
	uint64_t bytes = (uint64_t)output->config->spool_mib << 20;

	if (fd < 0)
		return;
	output->spool = xcalloc(1, sizeof(*output->spool));
	output->scratch = xmalloc(FORMAT_RECORD_MAX);
	output->refill = loop_add_timer(output->host->loop, on_refill, output);
	if (!spool_open(output->spool, fd, bytes, &account->spool_head, &account->spool_tail))
		return;
	account->dropped_damaged += account->spooled;
	account->spooled = account->spool_head = account->spool_tail = 0;
	spool_open(output->spool, fd, bytes, &account->spool_head, &account->spool_tail);
}

bool output_open(struct output *output, uint32_t index, const struct config_output *config,
		 const struct output_host *host, struct output_account *account, int queue_fd,
		 int spool_fd, const struct hash_key *key, char *error)
{
	int failed;

	*output = (struct output){
		.ops = kinds[config->kind],
		.config = config,
		.host = host,
		.index = index,
		.account = account,
	};
	failed = open_queue(output, queue_fd);
	if (!failed)
		failed = random_init(&output->random);
	if (failed) {
		snprintf(error, CONFIG_ERROR_MAX, "%s", strerror(-failed));
	} else {
		open_spool(output, spool_fd);
		if (open_front(output, key, error) && output->ops->open(output, error))
			return true;
	}
	output_close(output);
	return false;
}

/* Of the ways only TLS reads files. */
bool output_check(const struct config_output *config, const struct output_host *host,
		  const struct hash_key *key, bool reads_files, char *error)
{
	struct config_output seen = *config;
	struct output output = {.ops = kinds[config->kind], .config = &seen, .host = host};
	bool is_good;

	if (!reads_files) {
		*seen.filter.name_file = *seen.except.name_file = '\0';
		seen.privacy = config_output_default.privacy;
	}
	is_good = open_front(&output, key, error);
	if (is_good && reads_files && seen.transport == OUTPUT_OVER_TLS)
		is_good = output.ops->open(&output, error);
	output_close(&output);
	return is_good;
}

void output_close(struct output *output)
{
	if (output->own)
		output->ops->close(output);
	free(output->own);
	loop_event_free(output->refill);
	privacy_free(output->privacy);
	format_free(output->format);
	event_filter_free(output->except);
	event_filter_free(output->filter);
	free(output->scratch);
	free(output->spool);
	queue_close(&output->queue);
}

/* Where the next record goes: the queue, or, behind what is spooled already, the scratch of the
 * spool. NULL when there is no place. */
static uint8_t *find_room(struct output *output, size_t length)
{
	uint8_t *room = NULL;

	if (!output->spool || spool_is_empty(output->spool))
		room = queue_reserve(&output->queue, length);
	if (!room && output->spool && !output->host->is_waiting_allowed)
		room = output->scratch;
	return room;
}

bool output_has_room(struct output *output)
{
	return find_room(output, FORMAT_RECORD_MAX);
}

static void keep(struct output *output, const uint8_t *room, size_t length)
{
	struct output_account *account = output->account;

	if (room != output->scratch) {
		queue_push(&output->queue, length);
		account->queued++;
	} else if (spool_push(output->spool, room, length)) {
		account->spooled++;
	} else {
		account->dropped_full++;
	}
}

static bool is_wanted(struct output *output, const struct event *event)
{
	return (!event->is_unanswered || output->config->is_unanswered_wanted) &&
	       event_filter_match(output->filter, event) &&
	       !(output->except && event_filter_match(output->except, event));
}

static void count_given_up(struct output *output)
{
	uint64_t given_up = event_filter_limits_reached(output->filter);

	if (output->except)
		given_up += event_filter_limits_reached(output->except);
	output->account->given_up += given_up - output->given_up;
	output->given_up = given_up;
}

static bool is_sampled_out(struct output *output)
{
	uint32_t rate = output->config->sample_rate;

	return rate > 1 && random_below(&output->random, rate);
}

static size_t encode(struct output *output, const struct event *event, uint8_t *room)
{
	struct event shown = *event;
	struct geoip_place place;

	if (output->wants_place)
		geoip_find(output->host->geoip, &event->query_address, &place);
	if (output->privacy)
		privacy_apply(output->privacy, &shown);
	if (output->ops->encode)
		return output->ops->encode(output, &shown, event->message, room);
	return format_event(output->format, &shown, output->wants_place ? &place : NULL,
			    (char *)room);
}

bool output_take(struct output *output, const struct event *event)
{
	struct output_account *account = output->account;
	uint8_t *room = find_room(output, FORMAT_RECORD_MAX);
	bool is_filtered;
	size_t length;

	if (!room && output->host->is_waiting_allowed)
		return false;
	account->read++;
	is_filtered = !is_wanted(output, event);
	count_given_up(output);
	if (is_filtered) {
		account->filtered++;
		return true;
	}
	if (is_sampled_out(output)) {
		account->sampled_out++;
		return true;
	}
	if (!room) {
		account->dropped_full++;
		return true;
	}
	length = encode(output, event, room);
	if (length == OUTPUT_NOTHING)
		account->filtered++;
	else if (length == OUTPUT_TOO_BIG)
		account->dropped_too_big++;
	else
		keep(output, room, length);
	return true;
}

void output_push(struct output *output, const void *record, size_t length)
{
	uint8_t *room = find_room(output, length);

	assert(length <= FORMAT_RECORD_MAX);
	output->account->read++;
	if (!room) {
		output->account->dropped_full++;
		return;
	}
	memcpy(room, record, length);
	keep(output, room, length);
}

/* Where a length was damaged, what follows may have looked like more records, or fewer. */
static void settle_spool(struct output *output)
{
	struct output_account *account = output->account;

	if (account->spooled && !spool_is_empty(output->spool))
		return;
	account->dropped_damaged += account->spooled;
	account->spooled = 0;
	account->spool_tail = account->spool_head;
}

/* Moves one record from the spool to the queue; false when that cannot be now. */
static bool refill_one(struct output *output)
{
	struct output_account *account = output->account;
	uint8_t *room = queue_reserve(&output->queue, FORMAT_RECORD_MAX);
	size_t length;

	if (!room)
		return false;
	switch (spool_pull(output->spool, room, FORMAT_RECORD_MAX, &length)) {
	case SPOOL_RECORD:
		queue_push(&output->queue, length);
		account->queued++;
		account->spooled--;
		break;
	case SPOOL_DAMAGED:
		account->dropped_damaged++;
		account->spooled--;
		break;
	case SPOOL_LOST:
		break;
	default:
		return false;
	}
	settle_spool(output);
	return true;
}

static void commit(const struct output *output)
{
	output->host->commit(output->host->argument);
}

/* What was moved is committed at once, since its place in the spool will be used again. */
static void refill(struct output *output)
{
	int moved = 0;

	if (!output->spool || spool_is_empty(output->spool))
		return;
	while (moved < REFILL_MAX && refill_one(output))
		moved++;
	if (moved)
		commit(output);
}

void output_flush(struct output *output)
{
	refill(output);
	if (!queue_is_empty(&output->queue))
		output->ops->write(output);
}

void output_tick(struct output *output, int64_t now_ns)
{
	if (output->ops->tick)
		output->ops->tick(output, now_ns);
	output_flush(output);
}

bool output_is_idle(const struct output *output)
{
	return queue_is_empty(&output->queue) &&
	       (!output->spool || spool_is_empty(output->spool)) && output->ops->is_idle(output);
}

/* Records have left the queue. */
static void settle(struct output *output, uint32_t records, uint64_t next)
{
	output->account->queued -= records;
	queue_pop(&output->queue, next);
	commit(output);
	if (output->spool && !spool_is_empty(output->spool))
		loop_timer_set(output->refill, 0); /* in the next turn: others want theirs */
}

void output_written(struct output *output, uint32_t records, uint64_t bytes, uint64_t next)
{
	output->account->written += records;
	output->account->bytes_written += bytes;
	settle(output, records, next);
}

void output_failed(struct output *output, uint32_t records, uint64_t next)
{
	output->account->dropped_failed += records;
	settle(output, records, next);
}
