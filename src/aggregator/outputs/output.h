/* SPDX-License-Identifier: BSD-3-Clause */
#pragma once
#include <stdbool.h>
#include <stdint.h>
#include "aggregator/outputs/format.h"
#include "aggregator/outputs/privacy.h"
#include "aggregator/outputs/queue.h"
#include "base/random.h"
#include "config/config.h"
#include "dns/event.h"
#include "ipc/aggregator_state.h"
#include "ipc/lend.h"
#include "loop/loop.h"
#include "rules/filter.h"

/*
 * One output: takes events through its filter, sampling, privacy and format into its queue, and
 * from there to where they go, by the ops of its kind. Nothing here ever waits; what does not fit
 * is counted in the account.
 */
struct output;
struct output_ops {
	/* Before the sandbox: reads keys and certificates, makes its state, output->own, in one
	 * piece of the heap. False with one line in error[CONFIG_ERROR_MAX]. */
	bool (*open)(struct output *output, char *error);
	/* In the sandbox, in the loop: connects, asks for its file. */
	void (*start)(struct output *output);
	/* There are records in the queue: takes what can be taken without waiting. Called again
	 * when more come, and by itself when there is room. */
	void (*write)(struct output *output);
	/* Once a second; may be NULL. */
	void (*tick)(struct output *output, int64_t now_ns);
	/* A descriptor that it asked for, or -1 and why; may be NULL. Takes it. */
	void (*lent)(struct output *output, enum lend what, int fd_take, const char *error);
	/* Has all that was taken from the queue arrived as far as can be known? */
	bool (*is_idle)(const struct output *output);
	/* Gives back all that the state holds, if there is one; it is freed behind that. */
	void (*close)(struct output *output);
	/* What is queued for an event, when it is no text: writes at most FORMAT_RECORD_MAX bytes
	 * at out (8-byte aligned) and returns the length, or one of these. shown is the event as it
	 * may be told, message what it came with. NULL: format_event does it. */
	size_t (*encode)(struct output *output, const struct event *shown, struct slice message,
			 uint8_t *out);
};

#define OUTPUT_NOTHING ((size_t)0) /* there is nothing to tell of it: filtered */
#define OUTPUT_TOO_BIG ((size_t)-1)

/* What outputs share; lent by the aggregator. */
struct output_host {
	struct loop *loop;
	/* Makes all accounts as they stand now valid for a successor: after anything that cannot be
	 * taken back. */
	void (*commit)(void *argument);
	/* Asks the supervisor for a descriptor; ops->lent gets the answer. */
	void (*ask)(void *argument, enum lend what, uint32_t output_index);
	/* The line of the metrics output (spec 5.5), without newline; returns its length. Resets
	 * what it must. */
	size_t (*metrics_line)(void *argument, bool is_cumulative, char *line, size_t size);
	void *argument;
	const struct geoip *geoip; /* or NULL */
	const struct suffixes *suffixes;
	bool is_waiting_allowed; /* a run from a file: nothing is dropped because a queue is full */
};

struct output {
	const struct output_ops *ops;
	const struct config_output *config;
	const struct output_host *host;
	uint32_t index;
	struct output_account *account;
	struct queue queue;
	struct spool *spool;		      /* or NULL */
	struct event_filter *filter, *except; /* or NULL */
	uint64_t given_up;		      /* of the account, what these two have counted */
	struct format *format;		      /* or NULL */
	struct privacy *privacy;	      /* or NULL */
	bool wants_place;		      /* the format does, and there is GeoIP */
	struct random random;		      /* sampling */
	uint8_t *scratch;		      /* with a spool: FORMAT_RECORD_MAX bytes */
	struct loop_event *refill;	      /* with a spool: the queue has room again */
	int64_t due_ns;			      /* metrics: when the next line is; monotonic */
	void *own;			      /* of its kind */
};

/* Makes an output on what it is lent: config and host are borrowed; queue_fd and spool_fd (-1 =
 * none) are the caller's to close. The filters' key keeps their tables from being attacked. False
 * with one line in error[CONFIG_ERROR_MAX], which leaves open which output it is. */
bool output_open(struct output *output, uint32_t index, const struct config_output *config,
		 const struct output_host *host, struct output_account *account, int queue_fd,
		 int spool_fd, const struct hash_key *key, char *error);

/* Would it open? Tries what does not depend on what is lent, and with reads_files what is in files.
 * False with one line in error, as above. */
bool output_check(const struct config_output *config, const struct output_host *host,
		  const struct hash_key *key, bool reads_files, char *error);
void output_close(struct output *output);

/* Whether it would take an event now. */
bool output_has_room(struct output *output);

/* Takes one event. False, and nothing is counted, when it must wait: the queue is full in a run
 * from a file. */
bool output_take(struct output *output, const struct event *event);

/* Takes a record that is no event, its newline included. */
void output_push(struct output *output, const void *record, size_t length);

/* Tells the kind that there is something in the queue, if there is. */
void output_flush(struct output *output);

/* Once a second; and to make a kind send what it would still wait with. */
void output_tick(struct output *output, int64_t now_ns);

/* Nothing waits: queue and spool are empty, and its kind is idle. */
bool output_is_idle(const struct output *output);

/* For the kinds: records were delivered, or could not be; frees the queue up to next, counts, and
 * commits. */
void output_written(struct output *output, uint32_t records, uint64_t bytes, uint64_t next);
void output_failed(struct output *output, uint32_t records, uint64_t next);

extern const struct output_ops output_stdout, output_file, output_tcp, output_syslog,
	output_metrics, output_records;
