/* SPDX-License-Identifier: BSD-3-Clause */
#include "supervisor/aggregation.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/log.h"
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

static void replace(int *fd, int other)
{
	if (*fd >= 0)
		close(*fd);
	*fd = other;
}

static bool has_size(int fd, size_t size)
{
	struct stat status;

	return fd >= 0 && fstat(fd, &status) == 0 && (size_t)status.st_size == size;
}

/* Makes memory of a size, unless it is there. */
static bool fit(int *fd, const char *name, size_t size, char *error)
{
	int made;

	if (has_size(*fd, size))
		return true;
	made = memory_create(name, size);
	if (made < 0)
		return explain(error, "memory of the aggregator", -made);
	replace(fd, made);
	return true;
}

static bool fit_state(struct aggregation *aggregation, char *error)
{
	size_t size = sizeof(struct aggregator_state);

	if (aggregation->state && has_size(aggregation->state_fd, size))
		return true;
	if (aggregation->state)
		munmap((void *)aggregation->state, size);
	aggregation->state = NULL;
	if (!fit(&aggregation->state_fd, "dnsflow-aggregator", size, error))
		return false;
	aggregation->state = memory_map(aggregation->state_fd, size, false);
	return aggregation->state || explain(error, "memory of the aggregator", ENOMEM);
}

static bool fit_outputs(struct aggregation *aggregation, const struct config *config, char *error)
{
	for (uint32_t i = 0; i < CONFIG_OUTPUTS_MAX; i++) {
		replace(&aggregation->spool_fds[i], -1);
		if (i >= config->output_count) {
			replace(&aggregation->queue_fds[i], -1);
			continue;
		}
		if (!fit(&aggregation->queue_fds[i], "dnsflow-queue",
			 (size_t)config->outputs[i].queue_mib << 20, error))
			return false;
		if (!*config->outputs[i].spool)
			continue;
		aggregation->spool_fds[i] = output_files_open_spool(config, i, error);
		if (aggregation->spool_fds[i] < 0)
			return false;
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

static bool fit_listener(struct aggregation *aggregation, const struct config *config, char *error)
{
	const struct endpoint *wanted = &config->web.endpoint;
	char text[ENDPOINT_TEXT_MAX];
	int fd;

	if (!*config->web.listen) {
		replace(&aggregation->listener_fd, -1);
		return true;
	}
	if (aggregation->listener_fd >= 0 && wanted->port == aggregation->listener.port &&
	    address_equal(&wanted->address, &aggregation->listener.address))
		return true;
	fd = listen_on(wanted);
	if (fd < 0) {
		snprintf(error, CONFIG_ERROR_MAX, "web: %s: %s", endpoint_format(wanted, text),
			 strerror(-fd));
		return false;
	}
	replace(&aggregation->listener_fd, fd);
	aggregation->listener = *wanted;
	return true;
}

bool aggregation_open(struct supervisor *supervisor, const struct effective *effective, char *error)
{
	struct aggregation *aggregation = &supervisor->aggregation;
	const struct config *config = &effective->config;
	size_t streams_bytes = config->statistics.streams * observation_size(config);

	if (!config_has_aggregator(config))
		return true;
	return fit_listener(aggregation, config, error) && fit_state(aggregation, error) &&
	       fit(&aggregation->streams_fd, "dnsflow-streams", streams_bytes, error) &&
	       fit_outputs(aggregation, config, error);
}

static void lend_worker(const struct seat *seat, int channel)
{
	int head_fd = memory_reopen(seat->lease.fds[CHILD_FD_HEAD]);

	lend_send(channel, LEND_HEAD, seat->index, head_fd, NULL);
	lend_send(channel, LEND_WATCH, seat->index, seat->lease.fds[CHILD_FD_WATCH], NULL);
	observation_lease_lend(&seat->lease.observation, seat->index, channel);
	if (head_fd >= 0)
		close(head_fd);
}

static void lend(void *argument, int channel)
{
	struct supervisor *supervisor = argument;
	struct aggregation *aggregation = &supervisor->aggregation;
	const struct config *config = &supervisor->effective->config;

	lend_send(channel, LEND_STATE, 0, aggregation->state_fd, NULL);
	lend_send(channel, LEND_STREAMS, config->statistics.streams, aggregation->streams_fd, NULL);
	for (uint32_t i = 0; i < supervisor->seat_count; i++)
		lend_worker(&supervisor->seats[i], channel);
	for (uint32_t i = 0; i < config->output_count; i++) {
		lend_send(channel, LEND_QUEUE, i, aggregation->queue_fds[i], NULL);
		if (aggregation->spool_fds[i] >= 0)
			lend_send(channel, LEND_SPOOL, i, aggregation->spool_fds[i], NULL);
	}
	if (aggregation->listener_fd >= 0)
		lend_send(channel, LEND_LISTENER, 0, aggregation->listener_fd, NULL);
	lend_send(channel, LEND_END, 0, -1, NULL);
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

/* By an index into our own configuration, never by a name. */
static void on_ask(struct supervisor *supervisor, uint32_t status)
{
	const struct config *config = &supervisor->effective->config;
	int channel = supervisor->aggregation.sidecar.process.control;

	switch (lend_what(status)) {
	case LEND_FILE:
	case LEND_NEXT_FILE:
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

/* It has finished: for good, or to begin again with what is in force now. */
static void on_end(struct supervisor *supervisor)
{
	if (supervisor->aggregation.is_finishing)
		loop_stop(supervisor->loop);
	else
		aggregation_start(supervisor);
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

	aggregation->state_fd = aggregation->streams_fd = aggregation->listener_fd = -1;
	memset(aggregation->queue_fds, -1, sizeof(aggregation->queue_fds));
	memset(aggregation->spool_fds, -1, sizeof(aggregation->spool_fds));
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
		      supervisor->sockets || supervisor->is_ending ? DRAIN_TIMEOUT_NS : 0);
	return false;
}

void aggregation_give(const struct supervisor *supervisor, struct handover *handover)
{
	const struct aggregation *aggregation = &supervisor->aggregation;

	handover_add_fd(handover, "aggregator", HANDOVER_ONE, aggregation->state_fd);
	handover_add_fd(handover, "streams", HANDOVER_ONE, aggregation->streams_fd);
	handover_add_fd(handover, "web", HANDOVER_ONE, aggregation->listener_fd);
	for (int i = 0; i < CONFIG_OUTPUTS_MAX; i++)
		handover_add_fd(handover, "queue", i, aggregation->queue_fds[i]);
}

bool aggregation_take(struct supervisor *supervisor, struct handover *handover, char *error)
{
	struct aggregation *aggregation = &supervisor->aggregation;

	aggregation->state_fd = handover_take_fd(handover, "aggregator", HANDOVER_ONE);
	aggregation->streams_fd = handover_take_fd(handover, "streams", HANDOVER_ONE);
	aggregation->listener_fd = handover_take_fd(handover, "web", HANDOVER_ONE);
	aggregation->listener = supervisor->effective->config.web.endpoint;
	for (int i = 0; i < CONFIG_OUTPUTS_MAX; i++)
		aggregation->queue_fds[i] = handover_take_fd(handover, "queue", i);
	return aggregation_open(supervisor, supervisor->effective, error);
}

void aggregation_close(struct supervisor *supervisor)
{
	struct aggregation *aggregation = &supervisor->aggregation;

	sidecar_fini(&aggregation->sidecar);
	output_files_free(aggregation->files);
	if (aggregation->state)
		munmap((void *)aggregation->state, sizeof(*aggregation->state));
	replace(&aggregation->state_fd, -1);
	replace(&aggregation->streams_fd, -1);
	replace(&aggregation->listener_fd, -1);
	for (int i = 0; i < CONFIG_OUTPUTS_MAX; i++) {
		replace(&aggregation->queue_fds[i], -1);
		replace(&aggregation->spool_fds[i], -1);
	}
}
