/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * One turn: take what came in, give up what is overdue, send what may be sent. Lanes that can take
 * a query stand in a queue, so that a turn costs as much as happens in it, however many lanes there
 * are; each gets one batch, then it is the next one's turn.
 */
#include "tools/bench/load.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/cursor.h"
#include "base/log.h"
#include "base/memory.h"
#include "tools/bench/flight.h"
#include "tools/bench/lanes.h"
#include "tools/bench/report.h"
#include "tools/option/stop.h"

#define BATCHES	    32 /* of a turn */
#define LATE_NS	    NANOSECONDS_PER_MILLISECOND
#define PROGRESS_NS NANOSECONDS_PER_SECOND
#define WAIT_MAX_NS (60 * NANOSECONDS_PER_SECOND)
#define FOREVER_NS  INT64_MAX
#define UNLIMITED   UINT64_MAX

struct load {
	const struct plan *plan;
	const struct questions *questions;
	struct score *score;
	struct flight *flight;
	struct lanes lanes;
	uint32_t *ready; /* a ring of numbers of lanes, each in it at most once */
	bool *is_ready;
	uint32_t ready_head, ready_count;
	uint64_t limit, sent;
	uint32_t question; /* the next one */
	int64_t start_ns, end_ns, now_ns;
	int64_t progress_ns; /* of the next line */
	uint64_t progress_queries;
	bool has_warned;
};

static void ready_push(struct load *load, const struct lane *lane)
{
	uint32_t at = load->ready_head + load->ready_count;

	if (load->is_ready[lane->number] || lane->is_blocked ||
	    flight_is_full(load->flight, lane->number))
		return;
	load->is_ready[lane->number] = true;
	load->ready[at < load->lanes.count ? at : at - load->lanes.count] = lane->number;
	load->ready_count++;
}

static struct lane *ready_pop(struct load *load)
{
	uint32_t number = load->ready[load->ready_head];

	if (++load->ready_head == load->lanes.count)
		load->ready_head = 0;
	load->ready_count--;
	load->is_ready[number] = false;
	return &load->lanes.lane[number];
}

static void on_message(void *argument, struct lane *lane, struct slice message, int64_t now_ns)
{
	struct load *load = argument;
	struct flight_query *query = NULL;
	struct answer answer;

	if (message.length >= sizeof(uint16_t))
		query = flight_find(load->flight, lane->number, be16_load(message.data));
	if (query)
		answer = answer_check(message, questions_at(load->questions, query->question));
	if (!query || answer.result == ANSWER_FOREIGN) {
		load->score->foreign++;
		return;
	}
	score_answer(load->score, answer, now_ns - query->sent_ns);
	load->score->answering_ns = now_ns - load->start_ns;
	flight_end(load->flight, query);
}

static void on_lost(void *argument, struct lane *lane)
{
	struct load *load = argument;

	load->score->lost += flight_end_lane(load->flight, lane->number);
}

static void on_turn(void *argument, struct lane *lane)
{
	ready_push(argument, lane);
}

/* The first one is told: the others are like it, and as many as queries. */
static void on_error(void *argument, int error)
{
	struct load *load = argument;
	char server[ENDPOINT_TEXT_MAX];

	if (load->has_warned)
		return;
	load->has_warned = true;
	report_warning("%s: %s", endpoint_format(&load->plan->server, server), strerror(error));
}

/* How many queries were due until now. */
static uint64_t due_count(const struct load *load, int64_t now_ns)
{
	int64_t elapsed_ns = now_ns - load->start_ns;

	if (elapsed_ns < 0)
		return 0;
	return (uint64_t)((unsigned __int128)elapsed_ns * load->plan->rate /
			  (uint64_t)NANOSECONDS_PER_SECOND) +
	       1;
}

static uint64_t quota(const struct load *load)
{
	uint64_t most = load->limit, due;

	if (load->now_ns >= load->end_ns)
		return 0;
	if (load->plan->rate) {
		due = due_count(load, load->now_ns);
		most = due < most ? due : most;
	}
	return most > load->sent ? most - load->sent : 0;
}

static void late_count(struct load *load, uint32_t count)
{
	uint64_t overdue = due_count(load, load->now_ns - LATE_NS);

	if (overdue <= load->sent)
		return;
	overdue -= load->sent;
	load->score->late += overdue < count ? overdue : count;
}

struct batch {
	uint32_t count;
	struct flight_query *queries[LANE_BATCH];
	struct lane_query wanted[LANE_BATCH];
};

/* The next questions, as many as may be asked and the lane has room for. */
static void batch_take(struct load *load, const struct lane *lane, uint64_t most,
		       struct batch *batch)
{
	struct flight_query *query;

	for (batch->count = 0; batch->count < LANE_BATCH && batch->count < most; batch->count++) {
		query = flight_take(load->flight, lane->number);
		if (!query)
			break;
		query->question = load->question;
		batch->queries[batch->count] = query;
		batch->wanted[batch->count] = (struct lane_query){
			query->id, questions_at(load->questions, query->question)};
		if (++load->question == load->questions->count)
			load->question = 0;
	}
}

/* Those from first on were not sent: their questions are the next ones again. */
static void batch_return(struct load *load, struct batch *batch, uint32_t first)
{
	if (first < batch->count)
		load->question = batch->queries[first]->question;
	for (uint32_t i = first; i < batch->count; i++)
		flight_end(load->flight, batch->queries[i]);
}

/*
 * Sends a batch over one lane. The times of its queries are spread over the time that sending took:
 * the kernel hands each on at once, and the last may leave 100 us after the first.
 */
static void batch_send(struct load *load, struct lane *lane, uint64_t most)
{
	int64_t start_ns = load->now_ns;
	struct batch batch;
	uint32_t sent;

	batch_take(load, lane, most, &batch);
	sent = lane->lanes->ops->send(lane, batch.wanted, batch.count);
	assert(sent <= batch.count);
	load->now_ns = clock_monotonic_ns();
	load->score->sending_ns = load->now_ns - load->start_ns;
	for (uint32_t i = 0; i < sent; i++)
		batch.queries[i]->sent_ns = start_ns + (load->now_ns - start_ns) * i / sent;
	batch_return(load, &batch, sent);
	if (load->plan->rate)
		late_count(load, sent);
	load->sent += sent;
}

/* Some batches, not all that a million queries make: answers must be taken off the sockets. */
static void load_fill(struct load *load)
{
	uint64_t most;

	for (int i = 0; i < BATCHES && load->ready_count && (most = quota(load)) > 0; i++) {
		struct lane *lane = ready_pop(load);

		batch_send(load, lane, most);
		ready_push(load, lane);
		if (load->plan->limit && load->sent == load->limit)
			report_info("limited reached, breaking");
	}
}

static void load_expire(struct load *load)
{
	struct flight_query *query;

	while ((query = flight_oldest(load->flight)) &&
	       load->now_ns - query->sent_ns >= load->plan->timeout_ns) {
		struct lane *lane = &load->lanes.lane[query->lane];

		load->score->timeouts++;
		flight_end(load->flight, query);
		lane->lanes->ops->on_timeout(lane);
		ready_push(load, lane);
	}
}

/* A line each second, of what came to its end since the line before. */
static void load_progress(struct load *load)
{
	uint64_t queries = score_attempted(load->score);
	int64_t since_ns = load->now_ns - load->progress_ns + PROGRESS_NS;

	report_progress(&(struct report_progress){
		.elapsed_ns = load->now_ns - load->start_ns,
		.queries = queries,
		.failed = score_failed(load->score),
		.rate = (double)(queries - load->progress_queries) *
			(double)NANOSECONDS_PER_SECOND / (double)since_ns,
		.in_flight = flight_count(load->flight),
	});
	load->progress_queries = queries;
	load->progress_ns = load->now_ns + PROGRESS_NS;
}

static int64_t earlier(int64_t a, int64_t b)
{
	return a < b ? a : b;
}

/* When the next query is due that a lane could take. */
static int64_t due_ns(const struct load *load)
{
	unsigned __int128 ns = (unsigned __int128)load->sent * (uint64_t)NANOSECONDS_PER_SECOND;

	if (!load->ready_count || load->sent >= load->limit)
		return FOREVER_NS;
	if (!load->plan->rate)
		return load->now_ns;
	return load->start_ns + (int64_t)((ns + load->plan->rate - 1) / load->plan->rate);
}

static void load_wait(struct load *load)
{
	const struct flight_query *oldest = flight_oldest(load->flight);
	int64_t until_ns = earlier(load->now_ns + WAIT_MAX_NS, load->progress_ns);

	if (oldest)
		until_ns = earlier(until_ns, oldest->sent_ns + load->plan->timeout_ns);
	if (load->now_ns < load->end_ns)
		until_ns = earlier(until_ns, earlier(load->end_ns, due_ns(load)));
	lanes_wait(&load->lanes, until_ns - load->now_ns);
	load->now_ns = clock_monotonic_ns();
}

static bool is_over(const struct load *load)
{
	if (stop_is_wanted())
		return true;
	return !flight_count(load->flight) &&
	       (load->sent >= load->limit || load->now_ns >= load->end_ns);
}

static void load_open(struct load *load)
{
	const struct plan *plan = load->plan;
	char server[ENDPOINT_TEXT_MAX];
	int error;

	load->lanes = (struct lanes){
		.ops = plan->is_tcp ? &lane_tcp : &lane_udp,
		.listener = {load, on_message, on_lost, on_turn, on_error},
		.server = plan->server,
		.epoll_fd = -1,
	};
	error = lanes_open(&load->lanes, plan->sockets, stop_fd());
	if (error < 0)
		log_fatal("%s: %s", endpoint_format(&plan->server, server), strerror(-error));
	load->flight = flight_new(plan->concurrency, plan->sockets);
	load->ready = xcalloc(plan->sockets, sizeof(*load->ready));
	load->is_ready = xcalloc(plan->sockets, sizeof(*load->is_ready));
	for (uint32_t i = 0; i < plan->sockets; i++)
		ready_push(load, &load->lanes.lane[i]);
	load->limit = plan->limit ? plan->limit : load->questions->count;
	if (plan->duration_ns && !plan->limit)
		load->limit = UNLIMITED;
}

static void load_close(struct load *load)
{
	load->score->unfinished = flight_count(load->flight);
	load->score->dropped = lanes_dropped(&load->lanes);
	lanes_close(&load->lanes);
	flight_free(load->flight);
	free(load->ready);
	free(load->is_ready);
}

void load_run(const struct plan *plan, const struct questions *questions, struct score *score)
{
	struct load load = {.plan = plan, .questions = questions, .score = score};

	load_open(&load);
	load.start_ns = load.now_ns = clock_monotonic_ns();
	load.end_ns = plan->duration_ns ? load.start_ns + plan->duration_ns : FOREVER_NS;
	load.progress_ns = plan->wants_progress ? load.start_ns + PROGRESS_NS : FOREVER_NS;
	load_fill(&load);
	while (!is_over(&load)) {
		load_wait(&load);
		load_expire(&load);
		load_fill(&load);
		if (load.now_ns >= load.progress_ns)
			load_progress(&load);
	}
	score->elapsed_ns = load.now_ns - load.start_ns;
	load_close(&load);
}
