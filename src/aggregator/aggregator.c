/* SPDX-License-Identifier: BSD-3-Clause */
#include "aggregator/aggregator.h"

#include <fcntl.h>
#include <inttypes.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <unistd.h>

#include "aggregator/intake.h"
#include "aggregator/lent.h"
#include "aggregator/metrics_line.h"
#include "aggregator/outputs/output.h"
#include "aggregator/sandbox.h"
#include "aggregator/stats/streams.h"
#include "aggregator/web/web.h"
#include "base/clock.h"
#include "base/log.h"
#include "base/memory.h"
#include "config/outputs.h"
#include "ipc/control.h"
#include "ipc/hook.h"
#include "ipc/memory.h"
#include "ipc/observation.h"

#define TICK_NS		    (1 * NANOSECONDS_PER_SECOND)
#define FINISH_NS	    (10 * NANOSECONDS_PER_MILLISECOND)
#define DOWN_NS		    (2 * NANOSECONDS_PER_SECOND) /* then an output does not come up any more */
#define DATABASE_TICKS	    10 /* between looks whether a GeoIP database was replaced */
#define BEGIN_NS	    (5 * NANOSECONDS_PER_MILLISECOND)
#define BEGINS		    40
#define NICE		    5 /* workers come first */
#define PREDECESSOR_WAITS   200
#define PREDECESSOR_WAIT_US 10000

struct aggregator {
	struct config config;
	struct child_identity identity;
	struct lent lent;
	struct aggregator_state *state;
	struct aggregator_words words;
	struct hash_key key;
	struct suffixes *suffixes;
	struct streams *streams;
	struct geoip *geoip;
	struct intake intake;
	struct output_host host;
	struct output outputs[CONFIG_OUTPUTS_MAX];
	struct web_host web_host;
	struct auth *auth;
	struct tls_context *web_tls;
	struct web *web;
	char stream_name[256];
	struct loop *loop;
	struct loop_event *tick_timer, *finish_timer, *begin_timer;
	int64_t finish_ns,
		down_ns; /* when it waits no longer: for any output, for one that is down */
	uint32_t ticks, begins;
	bool is_database_told[GEOIP_DATABASE_COUNT];
};

/* It cannot start: the supervisor says why. */
static void __attribute__((noreturn)) fail(const char *text)
{
	control_send(CHILD_FD_CONTROL, CONTROL_FAILED, 0, text);
	exit(EXIT_FAILURE);
}

static void commit(void *argument)
{
	struct aggregator *aggregator = argument;

	aggregator_state_commit(aggregator->state, &aggregator->words);
}

static void ask(void *argument, enum lend what, uint32_t output_index)
{
	(void)argument;
	lend_ask(CHILD_FD_CONTROL, what, output_index);
}

static void ask_for_reset(void *argument)
{
	(void)argument;
	control_send(CHILD_FD_CONTROL, CONTROL_RESET, 0, NULL);
}

static size_t metrics_line(void *argument, bool is_cumulative, char *line, size_t size)
{
	struct aggregator *aggregator = argument;
	size_t length;

	streams_renew(aggregator->streams);
	length = metrics_line_format(aggregator->streams, clock_wall_ns(), line, size);
	if (!is_cumulative)
		streams_reset(aggregator->streams);
	return length;
}

/* Of the captured stream; those of other servers bring their own. */
static void take_event(void *argument, struct event *event)
{
	struct aggregator *aggregator = argument;

	event->identity = (struct slice){(const uint8_t *)aggregator->stream_name,
					 strlen(aggregator->stream_name)};
	hook_event(event->qname);
	for (uint32_t i = 0; i < aggregator->config.output_count; i++)
		if (output_kind_takes_events(aggregator->config.outputs[i].kind))
			output_take(&aggregator->outputs[i], event);
}

/* A run from a file waits for its outputs. */
static bool has_room(void *argument)
{
	struct aggregator *aggregator = argument;

	if (!aggregator->host.is_waiting_allowed)
		return true;
	for (uint32_t i = 0; i < aggregator->config.output_count; i++)
		if (!output_has_room(&aggregator->outputs[i]))
			return false;
	return true;
}

static void on_taken(void *argument)
{
	struct aggregator *aggregator = argument;

	commit(aggregator);
	for (uint32_t i = 0; i < aggregator->config.output_count; i++)
		output_flush(&aggregator->outputs[i]);
}

static const struct intake_ops intake_ops = {take_event, has_room, on_taken};

/* A predecessor that the supervisor lost sight of (an upgrade) must be gone first: the lock is the
 * process's, and ends with it. */
static void wait_for_predecessor(int fd)
{
	struct flock lock = {.l_type = F_WRLCK, .l_whence = SEEK_SET};

	for (int i = 0; i < PREDECESSOR_WAITS; i++) {
		if (fcntl(fd, F_SETLK, &lock) == 0)
			return;
		usleep(PREDECESSOR_WAIT_US);
	}
	fail("another aggregator is at work on the same state");
}

static void attach(struct aggregator *aggregator)
{
	static char error[CONFIG_ERROR_MAX];
	const char *list = aggregator->config.statistics.suffix_list;

	if (!child_read_config(CHILD_FD_CONFIG, &aggregator->config, error))
		fail(error);
	if (!lent_receive(&aggregator->lent, CHILD_FD_CONTROL))
		exit(EXIT_FAILURE);
	wait_for_predecessor(aggregator->lent.state_fd);
	aggregator->state =
		memory_map(aggregator->lent.state_fd, sizeof(struct aggregator_state), true);
	if (!aggregator->state)
		fail("the state that was lent cannot be used");
	aggregator_state_attach(aggregator->state, &aggregator->words);
	aggregator->suffixes = observation_suffixes(list);
	if (aggregator->suffixes && !suffixes_count(aggregator->suffixes))
		log_warn("%s tells no public suffixes: each last label counts as one", list);
}

static void name_stream(struct aggregator *aggregator)
{
	const struct config *config = &aggregator->config;
	const char *file = strrchr(config->read_file, '/');
	const char *name = config->identity;

	if (!*name)
		name = config->input == CONFIG_INPUT_LIVE ? config->interface
		       : file			  ? file + 1
						  : config->read_file;
	snprintf(aggregator->stream_name, sizeof(aggregator->stream_name), "%.255s", name);
}

static void open_streams(struct aggregator *aggregator)
{
	const struct config *config = &aggregator->config;
	size_t bytes = observation_size(config);
	struct streams_parts parts = {.config = config,
				      .suffixes = aggregator->suffixes,
				      .state = aggregator->state,
				      .captured = aggregator->stream_name,
				      .reset = ask_for_reset};

	for (uint32_t i = 0; i < aggregator->lent.worker_count; i++) {
		const struct lent_worker *worker = &aggregator->lent.workers[i];

		parts.watches[i] = memory_map(worker->watch_fd, sizeof(struct state_watch), false);
		if (worker->stats_fd >= 0)
			parts.shards[i] = memory_map(worker->stats_fd, bytes, false);
		if (!parts.watches[i] || (worker->stats_fd >= 0 && !parts.shards[i]))
			fail("the memory of a worker that was lent cannot be used");
	}
	if (parts.watches[0])
		parts.key = (struct hash_key){
			{parts.watches[0]->stats_key[0], parts.watches[0]->stats_key[1]}};
	aggregator->key = parts.key;
	if (aggregator->lent.streams_fd >= 0)
		parts.memory = memory_map(
			aggregator->lent.streams_fd,
			config->statistics.streams * observation_shard_size(config), true);
	aggregator->streams = streams_new(&parts);
}

/* Two outputs of one identity go on with the same queue. */
static uint64_t identity_of(const struct config_output *output)
{
	static const struct hash_key key = {{1, 1}}; /* the same in every process */
	char text[3 * CONFIG_PATH_MAX];
	int length =
		snprintf(text, sizeof(text), "%d %u %u %s %s %s", output->kind, output->queue_mib,
			 output->spool_mib, output->path, output->address, output->spool);

	return hash_bytes(&key, text, (size_t)length);
}

/* What waits for an output that is no longer configured is lost. */
static void take_over_account(struct output_account *account, const struct config_output *output)
{
	uint64_t identity = identity_of(output), lost = account->queued + account->spooled;

	account->is_up = 0;
	if (account->identity == identity)
		return;
	if (lost)
		log_warn("%" PRIu64
			 " records that waited for another output are lost: now it is %s",
			 lost, output->name);
	*account = (struct output_account){.identity = identity, .read = lost, .lost = lost};
}

static void open_outputs(struct aggregator *aggregator)
{
	static char problem[CONFIG_ERROR_MAX], error[CONFIG_ERROR_MAX];
	struct config *config = &aggregator->config;

	aggregator->geoip = geoip_new(&config->geoip);
	aggregator->host = (struct output_host){
		.loop = aggregator->loop,
		.commit = commit,
		.ask = ask,
		.metrics_line = metrics_line,
		.argument = aggregator,
		.geoip = aggregator->geoip,
		.suffixes = aggregator->suffixes,
		.is_waiting_allowed = config->input != CONFIG_INPUT_LIVE,
	};
	for (uint32_t i = 0; i < config->output_count; i++) {
		take_over_account(&aggregator->words.outputs[i], &config->outputs[i]);
		if (!output_open(&aggregator->outputs[i], i, &config->outputs[i], &aggregator->host,
				 &aggregator->words.outputs[i], aggregator->lent.queue_fds[i],
				 aggregator->lent.spool_fds[i], &aggregator->key, problem)) {
			outputs_tell(config, i, problem, error);
			fail(error);
		}
	}
}

static void open_intake(struct aggregator *aggregator)
{
	intake_init(&aggregator->intake, aggregator->loop, &intake_ops, aggregator);
	for (uint32_t i = 0; i < aggregator->lent.worker_count; i++) {
		const struct lent_worker *worker = &aggregator->lent.workers[i];
		struct ring_fds fds = {worker->ring_fd, worker->tail_fd, worker->bell_fd};

		if (worker->ring_fd >= 0 &&
		    intake_add(&aggregator->intake, i, &fds,
			       (size_t)aggregator->config.event_ring_mib << 20,
			       &aggregator->words.sources[i]))
			fail("a ring of events that was lent cannot be used");
	}
}

static uint64_t in_ring(void *argument, uint32_t worker)
{
	struct aggregator *aggregator = argument;

	return __atomic_load_n(&aggregator->web_host.workers[worker].watch->in_ring,
			       __ATOMIC_RELAXED);
}

static uint64_t events_in_ring(void *argument, uint32_t worker)
{
	struct aggregator *aggregator = argument;

	return ring_count(aggregator->lent.workers[worker].ring_fd,
			  (size_t)aggregator->config.event_ring_mib << 20,
			  aggregator->words.sources[worker].position);
}

static void reset_statistics(void *argument)
{
	struct aggregator *aggregator = argument;

	streams_reset(aggregator->streams);
}

/* Memory of another size is that of another configuration: a reload is on its way, and brings
 * another of us. */
static void open_proxy(struct web_host *host, const struct lent *lent)
{
	size_t cache_size = proxy_cache_size(host->config);

	host->proxy = xmalloc(sizeof(*host->proxy));
	proxy_summary_init(host->proxy, host->config);
	for (uint32_t i = 0; i < host->worker_count; i++) {
		const struct lent_worker *worker = &lent->workers[i];

		host->workers[i].proxy =
			memory_map(worker->proxy_fd, proxy_stats_size(host->config), false);
		if (cache_size)
			host->workers[i].cache = memory_map(worker->cache_fd, cache_size, false);
	}
}

/* Credentials and keys are read while we may. */
static void open_web(struct aggregator *aggregator)
{
	static char error[CONFIG_ERROR_MAX];
	const struct config *config = &aggregator->config;
	struct web_host *host = &aggregator->web_host;

	if (!*config->web.listen)
		return;
	*host = (struct web_host){
		.config = config,
		.streams = aggregator->streams,
		.geoip = aggregator->geoip,
		.words = &aggregator->words,
		.worker_count = aggregator->lent.worker_count,
		.in_ring = config->input == CONFIG_INPUT_LIVE ? in_ring : NULL,
		.events_in_ring = config_has_events(config) ? events_in_ring : NULL,
		.reset = reset_statistics,
		.argument = aggregator,
	};
	for (uint32_t i = 0; i < host->worker_count; i++) {
		const struct lent_worker *worker = &aggregator->lent.workers[i];

		host->workers[i].head =
			memory_map(worker->head_fd, sizeof(struct state_head), false);
		host->workers[i].watch =
			memory_map(worker->watch_fd, sizeof(struct state_watch), false);
		if (!host->workers[i].head || !host->workers[i].watch)
			fail("the memory of a worker that was lent cannot be used");
	}
	open_proxy(host, &aggregator->lent);
	aggregator->auth = auth_new(&config->web, error);
	if (!aggregator->auth)
		fail(error);
	if (*config->web.certificate) {
		aggregator->web_tls =
			tls_context_new_server(config->web.certificate, config->web.key, error);
		if (!aggregator->web_tls)
			fail(error);
	}
	aggregator->web = web_new(aggregator->loop, host, aggregator->lent.listener_fd,
				  aggregator->auth, aggregator->web_tls);
}

static void ask_for_databases(const struct aggregator *aggregator)
{
	if (*aggregator->config.geoip.city_database)
		lend_ask(CHILD_FD_CONTROL, LEND_CITY, 0);
	if (*aggregator->config.geoip.asn_database)
		lend_ask(CHILD_FD_CONTROL, LEND_ASN, 0);
}

/* Told once: a file that stays away is asked for again and again. */
static void update_database(struct aggregator *aggregator, enum lend what, int fd, const char *text)
{
	enum geoip_database which = what == LEND_CITY ? GEOIP_CITY : GEOIP_ASN;
	bool *is_told = &aggregator->is_database_told[which];
	char error[CONFIG_ERROR_MAX];

	snprintf(error, sizeof(error), "%.200s", text);
	if (fd >= 0 && !geoip_update(aggregator->geoip, which, fd, error)) {
		*is_told = false;
		return;
	}
	if (!*is_told)
		log_warn("geoip.%s cannot be used: %s",
			 which == GEOIP_CITY ? "city-database" : "asn-database", error);
	*is_told = true;
}

static void on_lent(struct aggregator *aggregator, uint32_t status, int fd, const char *text)
{
	enum lend what = lend_what(status);
	uint32_t index = lend_index(status);

	if (what == LEND_CITY || what == LEND_ASN) {
		update_database(aggregator, what, fd, text);
	} else if (index < aggregator->config.output_count &&
		   aggregator->outputs[index].ops->lent) {
		aggregator->outputs[index].ops->lent(&aggregator->outputs[index], what, fd, text);
		return;
	}
	if (fd >= 0)
		close(fd);
}

static bool is_done(const struct aggregator *aggregator, int64_t now_ns)
{
	if (now_ns >= aggregator->finish_ns)
		return true;
	if (!intake_is_empty(&aggregator->intake))
		return false;
	for (uint32_t i = 0; i < aggregator->config.output_count; i++)
		if (!output_is_idle(&aggregator->outputs[i]) &&
		    (aggregator->words.outputs[i].is_up || now_ns < aggregator->down_ns))
			return false;
	return true;
}

/* Asked to finish: until all that there is has been written, or the time is over. What still waits
 * then stays where it is: for a successor, or for the supervisor to say that it is lost. */
static void on_finish(void *argument)
{
	struct aggregator *aggregator = argument;
	int64_t now_ns = clock_monotonic_ns();

	if (is_done(aggregator, now_ns)) {
		commit(aggregator);
		exit(EXIT_SUCCESS);
	}
	for (uint32_t i = 0; i < aggregator->config.output_count; i++)
		output_tick(&aggregator->outputs[i], now_ns);
	loop_timer_set(aggregator->finish_timer, FINISH_NS);
}

static void begin_finish(struct aggregator *aggregator, uint32_t timeout_ms)
{
	int64_t now_ns = clock_monotonic_ns();

	aggregator->finish_ns =
		timeout_ms ? now_ns + timeout_ms * NANOSECONDS_PER_MILLISECOND : INT64_MAX;
	aggregator->down_ns = timeout_ms ? now_ns + DOWN_NS : INT64_MAX;
	loop_timer_set(aggregator->finish_timer, 0);
}

static void on_control(void *argument)
{
	struct aggregator *aggregator = argument;
	struct control_message message;
	int fd, got = lend_receive(CHILD_FD_CONTROL, &message, &fd);

	if (got < 0)
		return;
	if (got == 0) /* the supervisor is gone: all is as it should be for who follows */
		exit(EXIT_SUCCESS);
	if (message.type == CONTROL_LENT) {
		on_lent(aggregator, message.status, fd, message.text);
		return;
	}
	if (fd >= 0)
		close(fd);
	if (message.type == CONTROL_DRAIN)
		begin_finish(aggregator, message.status);
}

static void on_tick(void *argument)
{
	struct aggregator *aggregator = argument;
	int64_t now_ns = clock_monotonic_ns();

	streams_settle(aggregator->streams);
	streams_tick(aggregator->streams, now_ns);
	for (uint32_t i = 0; i < aggregator->config.output_count; i++)
		output_tick(&aggregator->outputs[i], now_ns);
	if (aggregator->web)
		web_tick(aggregator->web, now_ns);
	if (aggregator->ticks++ % DATABASE_TICKS == 0)
		ask_for_databases(aggregator);
	loop_timer_set(aggregator->tick_timer, TICK_NS);
}

static bool are_outputs_up(const struct aggregator *aggregator)
{
	for (uint32_t i = 0; i < aggregator->config.output_count; i++)
		if (!aggregator->words.outputs[i].is_up)
			return false;
	return true;
}

/* Events wait in their rings until outputs have their files and connections, for a moment: what
 * came while nobody read would fill a queue that cannot be emptied yet. */
static void on_begin(void *argument)
{
	struct aggregator *aggregator = argument;

	if (are_outputs_up(aggregator) || ++aggregator->begins == BEGINS)
		intake_start(&aggregator->intake);
	else
		loop_timer_set(aggregator->begin_timer, BEGIN_NS);
}

static void set_signals(void)
{
	signal(SIGTERM, SIG_IGN); /* the supervisor decides; without it, its channel ends */
	signal(SIGINT, SIG_IGN);
	signal(SIGHUP, SIG_IGN);
	signal(SIGUSR1, SIG_IGN);
	signal(SIGUSR2, SIG_IGN);
	signal(SIGPIPE, SIG_IGN);
	signal(SIGXFSZ, SIG_IGN);
}

static void enter_sandbox(struct aggregator *aggregator)
{
	if (child_drop_privileges(aggregator->config.uid, aggregator->config.gid))
		fail("privileges cannot be dropped: is the user right (--user)?");
	if (!child_follow(aggregator->identity.parent, SIGKILL))
		exit(EXIT_FAILURE);
	if (aggregator_sandbox_enter(aggregator->geoip))
		fail("the seccomp filter cannot be loaded");
}

void aggregator_main(const struct child_identity *identity)
{
	struct aggregator *aggregator = xcalloc(1, sizeof(*aggregator));

	log_set_role("aggregator");
	aggregator->identity = *identity;
	set_signals();
	setpriority(PRIO_PROCESS, 0, NICE);
	attach(aggregator);
	name_stream(aggregator);
	aggregator->loop = loop_new();
	open_streams(aggregator);
	open_outputs(aggregator);
	open_intake(aggregator);
	intake_take_care(&aggregator->intake, aggregator->state, identity->index);
	open_web(aggregator);
	loop_add_reader(aggregator->loop, CHILD_FD_CONTROL, on_control, aggregator);
	aggregator->tick_timer = loop_add_timer(aggregator->loop, on_tick, aggregator);
	aggregator->finish_timer = loop_add_timer(aggregator->loop, on_finish, aggregator);
	aggregator->begin_timer = loop_add_timer(aggregator->loop, on_begin, aggregator);
	enter_sandbox(aggregator);
	control_send(CHILD_FD_CONTROL, CONTROL_READY, 0, NULL);
	for (uint32_t i = 0; i < aggregator->config.output_count; i++)
		aggregator->outputs[i].ops->start(&aggregator->outputs[i]);
	on_begin(aggregator);
	on_tick(aggregator);
	loop_run(aggregator->loop);
	exit(EXIT_SUCCESS);
}
