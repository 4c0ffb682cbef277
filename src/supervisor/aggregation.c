/* SPDX-License-Identifier: BSD-3-Clause */
#include "supervisor/aggregation.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/log.h"
#include "config/outputs.h"
#include "config/setting.h"
#include "ipc/lend.h"
#include "ipc/memory.h"
#include "ipc/observation.h"
#include "supervisor/supervisor.h"

#define DRAIN_TIMEOUT_NS (5 * NANOSECONDS_PER_SECOND)
#define RENEW_TIMEOUT_NS (3 * NANOSECONDS_PER_SECOND)
#define BACKLOG		 128

static bool explain(char *error, const char *what, int code)
{
	snprintf(error, CONFIG_ERROR_MAX, "%.300s: %s", what, strerror(code));
	return false;
}

static void close_one(int *fd)
{
	if (*fd >= 0)
		close(*fd);
	*fd = -1;
}

static void close_unless(int fd, int kept)
{
	if (fd >= 0 && fd != kept)
		close(fd);
}

/* Closes those that are not the same in kept. */
static void close_others(const struct aggregation_fds *fds, const struct aggregation_fds *kept)
{
	close_unless(fds->streams, kept->streams);
	close_unless(fds->listener, kept->listener);
	for (int i = 0; i < CONFIG_OUTPUTS_MAX; i++) {
		close_unless(fds->queues[i], kept->queues[i]);
		close_unless(fds->spools[i], kept->spools[i]);
	}
}

static struct aggregation_fds no_fds(void)
{
	struct aggregation_fds fds = {.streams = -1, .listener = -1};

	memset(fds.queues, -1, sizeof(fds.queues));
	memset(fds.spools, -1, sizeof(fds.spools));
	return fds;
}

/* Memory of a size: that of now when it fits. */
static bool fit(int *fd, int now_fd, const char *name, size_t size, char *error)
{
	*fd = memory_has_size(now_fd, size) ? now_fd : memory_create(name, size);
	return *fd >= 0 || explain(error, "memory of the aggregator", -*fd);
}

/* It outlives every configuration. */
static bool fit_state(struct aggregation *aggregation, char *error)
{
	size_t size = sizeof(struct aggregator_state);
	int now_fd = aggregation->state_fd;

	if (aggregation->state && memory_has_size(now_fd, size))
		return true;
	if (aggregation->state)
		munmap((void *)aggregation->state, size);
	aggregation->state = NULL;
	if (!fit(&aggregation->state_fd, now_fd, "dnsflow-aggregator", size, error))
		return false;
	close_unless(now_fd, aggregation->state_fd);
	aggregation->state = memory_map(aggregation->state_fd, size, false);
	return aggregation->state || explain(error, "memory of the aggregator", ENOMEM);
}

static bool fit_outputs(struct aggregation_fds *next, const struct aggregation_fds *now,
			const struct config *config, char *error)
{
	char problem[SETTING_ERROR_MAX], reason[CONFIG_ERROR_MAX];

	for (uint32_t i = 0; i < config->output_count; i++) {
		if (!fit(&next->queues[i], now->queues[i], "dnsflow-queue",
			 (size_t)config->outputs[i].queue_mib << 20, error))
			return false;
		if (!*config->outputs[i].spool)
			continue;
		next->spools[i] = output_files_open_spool(config, i, reason);
		if (next->spools[i] < 0) {
			snprintf(problem, sizeof(problem), "spool %.100s: %.200s",
				 config->outputs[i].spool, reason);
			outputs_tell(config, i, problem, error);
			return false;
		}
	}
	return true;
}

static int listen_on(const struct endpoint *endpoint)
{
	struct sockaddr_storage address;
	socklen_t length = endpoint_to_sockaddr(endpoint, &address);
	int fd = socket(address.ss_family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0), on = 1;

	if (fd < 0)
		return -errno;
	setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof(on));
	if (!bind(fd, (struct sockaddr *)&address, length) && !listen(fd, BACKLOG))
		return fd;
	on = -errno;
	close(fd);
	return on;
}

static bool fit_listener(struct aggregation_fds *next, const struct aggregation_fds *now,
			 const struct config *config, char *error)
{
	const struct endpoint *wanted = &config->web.endpoint;
	bool is_same = now->listener >= 0 && wanted->port == now->address.port &&
		       address_equal(&wanted->address, &now->address.address);
	char text[ENDPOINT_TEXT_MAX];

	if (!*config->web.listen)
		return true;
	next->address = *wanted;
	next->listener = is_same ? now->listener : listen_on(wanted);
	if (next->listener >= 0)
		return true;
	snprintf(error, CONFIG_ERROR_MAX, "web: %s: %s", endpoint_format(wanted, text),
		 strerror(-next->listener));
	return false;
}

static bool fit_all(struct aggregation *aggregation, struct aggregation_fds *next,
		    const struct config *config, char *error)
{
	const struct aggregation_fds *now = &aggregation->lent;
	size_t streams_bytes = config->statistics.streams * observation_shard_size(config);

	return fit_state(aggregation, error) && fit_listener(next, now, config, error) &&
	       fit(&next->streams, now->streams, "dnsflow-streams", streams_bytes, error) &&
	       fit_outputs(next, now, config, error);
}

bool aggregation_open(struct supervisor *supervisor, const struct effective *effective, char *error)
{
	struct aggregation *aggregation = &supervisor->aggregation;
	struct aggregation_fds next = no_fds();

	if (config_has_aggregator(&effective->config) &&
	    !fit_all(aggregation, &next, &effective->config, error)) {
		close_others(&next, &aggregation->lent);
		return false;
	}
	close_others(&aggregation->lent, &next);
	aggregation->lent = next;
	return true;
}

static int lend_worker(const struct seat *seat, int channel)
{
	int head_fd = memory_reopen(seat->lease.fds[CHILD_FD_HEAD]);
	int error =
		head_fd < 0 ? head_fd : lend_send(channel, LEND_HEAD, seat->index, head_fd, NULL);

	if (!error)
		error = lend_send(channel, LEND_WATCH, seat->index, seat->lease.fds[CHILD_FD_WATCH],
				  NULL);
	if (!error)
		error = observation_lease_lend(&seat->lease.observation, seat->index, channel);
	if (!error)
		error = proxy_lease_lend(&seat->lease.proxy, seat->index, channel);
	if (head_fd >= 0)
		close(head_fd);
	return error;
}

static int lend_output(const struct aggregation_fds *lent, uint32_t index, int channel)
{
	int error = lend_send(channel, LEND_QUEUE, index, lent->queues[index], NULL);

	if (!error && lent->spools[index] >= 0)
		error = lend_send(channel, LEND_SPOOL, index, lent->spools[index], NULL);
	return error;
}

static int lend(void *argument, int channel)
{
	struct supervisor *supervisor = argument;
	const struct aggregation *aggregation = &supervisor->aggregation;
	const struct aggregation_fds *lent = &aggregation->lent;
	const struct config *config = &supervisor->effective->config;
	int error = lend_send(channel, LEND_STATE, 0, aggregation->state_fd, NULL);

	if (!error)
		error = lend_send(channel, LEND_STREAMS, config->statistics.streams, lent->streams,
				  NULL);
	for (uint32_t i = 0; !error && i < supervisor->seat_count; i++)
		error = lend_worker(&supervisor->seats[i], channel);
	for (uint32_t i = 0; !error && i < config->output_count; i++)
		error = lend_output(lent, i, channel);
	if (!error && lent->listener >= 0)
		error = lend_send(channel, LEND_LISTENER, 0, lent->listener, NULL);
	return error ? error : lend_send(channel, LEND_END, 0, -1, NULL);
}

/* A database as it is now. The path is the configuration's. */
static void lend_database(const char *path, enum lend what, int channel)
{
	int fd = open(path, O_RDONLY | O_NOCTTY | O_NONBLOCK | O_CLOEXEC);
	struct stat status;
	bool is_file = fd >= 0 && fstat(fd, &status) == 0 && S_ISREG(status.st_mode);

	lend_send(channel, what, 0, is_file ? fd : -1,
		  fd < 0 ? strerror(errno) : "is no regular file");
	if (fd >= 0)
		close(fd);
}

static void lend_file(struct supervisor *supervisor, enum lend what, uint32_t index, int channel)
{
	const struct config *config = &supervisor->effective->config;
	char error[CONFIG_ERROR_MAX] = "";
	int fd = -1;

	if (index >= config->output_count || !*config->outputs[index].path)
		return;
	fd = what == LEND_FILE
		     ? output_files_open(config, index, error)
		     : output_files_next(supervisor->aggregation.files, config, index, error);
	lend_send(channel, what, index, fd, error);
	if (fd >= 0)
		close(fd);
}

/* A reload is going on: an index of it may be that of another output now. */
static bool has_old_config(const struct supervisor *supervisor)
{
	return supervisor->aggregation.fds[CHILD_FD_CONFIG] != supervisor->effective->config_fd;
}

/* By an index into our own configuration, never by a name. */
static void on_ask(struct supervisor *supervisor, uint32_t status)
{
	const struct config *config = &supervisor->effective->config;
	int channel = supervisor->aggregation.sidecar.process.control;

	switch (lend_what(status)) {
	case LEND_FILE:
	case LEND_NEXT_FILE:
		if (has_old_config(supervisor)) {
			lend_send(channel, lend_what(status), lend_index(status), -1,
				  "the configuration is another one now");
			break;
		}
		lend_file(supervisor, lend_what(status), lend_index(status), channel);
		break;
	case LEND_CITY:
		lend_database(config->geoip.city_database, LEND_CITY, channel);
		break;
	case LEND_ASN:
		lend_database(config->geoip.asn_database, LEND_ASN, channel);
		break;
	default:
		break;
	}
}

static void reset_statistics(struct supervisor *supervisor)
{
	for (uint32_t i = 0; i < supervisor->seat_count; i++) {
		struct state_watch *watch = supervisor->seats[i].lease.watch;

		__atomic_store_n(&watch->stats_epoch, watch->stats_epoch + 1, __ATOMIC_RELAXED);
	}
}

/* Nobody comes who could still deliver it. */
static void tell_lost(const struct supervisor *supervisor)
{
	const struct aggregator_state *state = supervisor->aggregation.state;
	const struct config *config = &supervisor->effective->config;
	struct aggregator_words words;

	if (!state || !aggregator_state_read(state, &words))
		return;
	for (uint32_t i = 0; i < config->output_count; i++) {
		uint64_t lost = words.outputs[i].queued + words.outputs[i].spooled;

		if (lost)
			log_warn("output %s: %" PRIu64 " records that waited at the end are lost",
				 config->outputs[i].name, lost);
	}
}

/* It has finished: for good, or to begin again with what is in force now. */
static void on_end(struct supervisor *supervisor)
{
	if (!supervisor->aggregation.is_finishing) {
		aggregation_start(supervisor);
		return;
	}
	tell_lost(supervisor);
	loop_stop(supervisor->loop);
}

static void on_event(void *argument, enum sidecar_event event, uint32_t status, const char *text)
{
	struct supervisor *supervisor = argument;

	switch (event) {
	case SIDECAR_IS_READY:
		supervisor_on_aggregator(supervisor, NULL);
		break;
	case SIDECAR_HAS_FAILED:
		supervisor_on_aggregator(supervisor, text);
		break;
	case SIDECAR_HAS_NOTICE:
		log_warn("aggregator: %s", text);
		break;
	case SIDECAR_HAS_DIED:
		log_warn("the aggregator %s; a successor goes on", text);
		break;
	case SIDECAR_HAS_ENDED:
		if (*text)
			log_warn("the aggregator %s while it finished", text);
		on_end(supervisor);
		break;
	case SIDECAR_ASKS:
		on_ask(supervisor, status);
		break;
	case SIDECAR_RESETS:
		reset_statistics(supervisor);
		break;
	}
}

/* Events that were read. */
static uint64_t progress(void *argument)
{
	struct supervisor *supervisor = argument;
	const struct aggregator_state *state = supervisor->aggregation.state;
	struct aggregator_words words;
	uint64_t sum = 0;

	if (!state || !aggregator_state_read(state, &words))
		return 0;
	for (int i = 0; i < CONFIG_WORKERS_MAX; i++)
		sum += words.sources[i].read + words.sources[i].damaged;
	return sum;
}

void aggregation_init(struct supervisor *supervisor)
{
	struct aggregation *aggregation = &supervisor->aggregation;
	struct process_plan plan = {.executable_fd = supervisor->executable_fd,
				    .role = "aggregator",
				    .fds = aggregation->fds};

	aggregation->state_fd = -1;
	aggregation->lent = no_fds();
	memset(aggregation->fds, -1, sizeof(aggregation->fds));
	aggregation->files = output_files_new(supervisor->loop, supervisor->executable_fd);
	aggregation->sidecar = (struct sidecar){
		.lend = lend, .progress = progress, .on_event = on_event, .argument = supervisor};
	sidecar_init(&aggregation->sidecar, &plan, supervisor->loop);
}

void aggregation_start(struct supervisor *supervisor)
{
	struct aggregation *aggregation = &supervisor->aggregation;
	const struct effective *effective = supervisor->effective;

	if (!config_has_aggregator(&effective->config))
		return;
	aggregation->fds[CHILD_FD_CONFIG] = effective->config_fd;
	aggregation->fds[CHILD_FD_LISTS] = effective->lists_fd;
	aggregation->sidecar.plan.keeps_stdout = true;
	sidecar_start(&aggregation->sidecar);
}

bool aggregation_is_ready(const struct supervisor *supervisor)
{
	return !config_has_aggregator(&supervisor->effective->config) ||
	       supervisor->aggregation.sidecar.state == SIDECAR_WORKING;
}

void aggregation_renew(struct supervisor *supervisor)
{
	supervisor->aggregation.fds[CHILD_FD_CONFIG] = -1; /* its number may come again */
	supervisor->aggregation.fds[CHILD_FD_LISTS] = -1;
	sidecar_drain(&supervisor->aggregation.sidecar, RENEW_TIMEOUT_NS);
}

bool aggregation_finish(struct supervisor *supervisor)
{
	struct aggregation *aggregation = &supervisor->aggregation;

	if (aggregation->sidecar.state == SIDECAR_EMPTY && !aggregation->sidecar.is_wanted)
		return true;
	aggregation->is_finishing = true;
	sidecar_start(&aggregation->sidecar); /* one that has just died has more to write */
	sidecar_drain(&aggregation->sidecar,
		      supervisor->is_ending || !config_reads_file(&supervisor->effective->config)
			      ? DRAIN_TIMEOUT_NS
			      : 0);
	return false;
}

void aggregation_give(const struct supervisor *supervisor, struct handover *handover)
{
	const struct aggregation *aggregation = &supervisor->aggregation;

	handover_add_fd(handover, "aggregator", HANDOVER_ONE, aggregation->state_fd);
	handover_add_fd(handover, "streams", HANDOVER_ONE, aggregation->lent.streams);
	handover_add_fd(handover, "web", HANDOVER_ONE, aggregation->lent.listener);
	for (int i = 0; i < CONFIG_OUTPUTS_MAX; i++)
		handover_add_fd(handover, "queue", i, aggregation->lent.queues[i]);
}

bool aggregation_take(struct supervisor *supervisor, struct handover *handover, char *error)
{
	struct aggregation *aggregation = &supervisor->aggregation;

	aggregation->state_fd = handover_take_fd(handover, "aggregator", HANDOVER_ONE);
	aggregation->lent.streams = handover_take_fd(handover, "streams", HANDOVER_ONE);
	aggregation->lent.listener = handover_take_fd(handover, "web", HANDOVER_ONE);
	aggregation->lent.address = supervisor->effective->config.web.endpoint;
	for (int i = 0; i < CONFIG_OUTPUTS_MAX; i++)
		aggregation->lent.queues[i] = handover_take_fd(handover, "queue", i);
	return aggregation_open(supervisor, supervisor->effective, error);
}

void aggregation_close(struct supervisor *supervisor)
{
	struct aggregation *aggregation = &supervisor->aggregation;
	const struct aggregation_fds none = no_fds();

	sidecar_fini(&aggregation->sidecar);
	output_files_free(aggregation->files);
	if (aggregation->state)
		munmap((void *)aggregation->state, sizeof(*aggregation->state));
	close_one(&aggregation->state_fd);
	close_others(&aggregation->lent, &none);
	aggregation->lent = none;
}
