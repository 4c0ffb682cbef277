/* SPDX-License-Identifier: BSD-3-Clause */
#include "supervisor/input.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <unistd.h>

#include "base/log.h"
#include "supervisor/accounts.h"
#include "supervisor/generated_filter.h"
#include "supervisor/interface.h"
#include "supervisor/supervisor.h"

static void open_sockets(struct supervisor *supervisor)
{
	const struct effective *effective = supervisor->effective;
	struct interface interface;
	char error[CONFIG_ERROR_MAX];
	const char *notice;

	if (!interface_check(effective->config.interface, &interface, error))
		log_fatal("%s", error);
	supervisor->sockets = packet_sockets_open(&effective->config, effective->filters,
						  &interface, error, &notice);
	if (!supervisor->sockets || !packet_sockets_attach(supervisor->sockets, &interface, error))
		log_fatal("%s", error);
	if (notice)
		log_warn("%s", notice);
	accounts_begin_drops(supervisor);
	reattach_open(supervisor, &interface);
}

void input_open(struct supervisor *supervisor)
{
	const struct config *config = &supervisor->effective->config;

	if (config->input == CONFIG_INPUT_LIVE) {
		open_sockets(supervisor);
		return;
	}
	if (!config_has_capture(config))
		return;
	supervisor->file_fd = strcmp(config->read_file, "-")
				      ? open(config->read_file, O_RDONLY | O_CLOEXEC)
				      : fcntl(STDIN_FILENO, F_DUPFD_CLOEXEC, 3);
	if (supervisor->file_fd < 0)
		log_fatal("%s cannot be read: %s", config->read_file, strerror(errno));
}

static void log_capture(const struct config *config)
{
	char text[FILTER_TEXT_MAX];
	bool is_live = config->input == CONFIG_INPUT_LIVE;

	generated_filter(config, config->share_index, config->share_count, false, text);
	log_info("%s %s, filter %s", is_live ? "listening on" : "reading from file",
		 is_live ? config->interface : config->read_file,
		 *config->filter ? config->filter : text);
	if (config->sample_rate)
		log_info("sample_rate set to %u", config->sample_rate);
}

static bool listens_to(const struct config_proxy *proxy, const struct endpoint *endpoint)
{
	for (uint32_t i = 0; i < proxy->endpoint_count; i++)
		if (proxy->endpoints[i].port == endpoint->port &&
		    address_equal(&proxy->endpoints[i].address, &endpoint->address))
			return true;
	return false;
}

void input_log_listeners(const struct config *before, const struct config *config)
{
	char text[ENDPOINT_TEXT_MAX];

	for (uint32_t i = 0; i < config->proxy.endpoint_count; i++)
		if (!listens_to(&before->proxy, &config->proxy.endpoints[i]))
			log_info("answering queries to %s",
				 endpoint_format(&config->proxy.endpoints[i], text));
}

void input_log(const struct supervisor *supervisor)
{
	const struct config *config = &supervisor->effective->config;

	if (config_has_capture(config))
		log_capture(config);
	input_log_listeners(&config_default, config);
}

bool input_is_lent(const struct packet_sockets *sockets, const struct seat *seat)
{
	return sockets && seat->index < packet_sockets_count_of(sockets) &&
	       seat->lease.fds[CHILD_FD_INPUT] == packet_sockets_fd(sockets, seat->index);
}

/* Remembers how far the ring was read, which the cursor of the next one does not say. */
static void leave_ring(struct packet_sockets *sockets, const struct seat *seat)
{
	if (sockets && accounts_cursor(sockets, seat))
		packet_sockets_leave(sockets, seat->index, seat->lease.head);
}

static void discard_ring(struct packet_sockets *sockets, struct seat *seat)
{
	leave_ring(sockets, seat);
	seat->lease.watch->ring_discarded += packet_sockets_in_ring(sockets, seat->index, NULL);
}

void input_close_rings(struct supervisor *supervisor, uint32_t count)
{
	accounts_take_kernel(supervisor);
	if (!supervisor->sockets)
		return;
	for (uint32_t i = count; i < supervisor->seat_count; i++) {
		struct seat *seat = &supervisor->seats[i];

		discard_ring(supervisor->sockets, seat);
		leave_ring(supervisor->reattach.previous, seat);
		seat->lease.fds[CHILD_FD_INPUT] = -1;
	}
	packet_sockets_shrink(supervisor->sockets, count);
}

/* A ring that the worker has not seen before has another generation. */
void input_lend(struct supervisor *supervisor, struct seat *seat)
{
	struct state_watch *watch = seat->lease.watch;
	int *fd = &seat->lease.fds[CHILD_FD_INPUT];

	if (!supervisor->sockets) {
		*fd = supervisor->file_fd;
		return;
	}
	if (*fd != packet_sockets_fd(supervisor->sockets, seat->index)) {
		leave_ring(supervisor->reattach.previous, seat);
		*fd = packet_sockets_fd(supervisor->sockets, seat->index);
		watch->generation = ++supervisor->generation;
	}
	watch->ring_blocks = packet_sockets_ring_blocks(supervisor->sockets);
	watch->is_unsplit = packet_sockets_are_unsplit(supervisor->sockets);
}

void input_discard_rings(struct supervisor *supervisor, struct packet_sockets *sockets)
{
	for (uint32_t i = 0; i < supervisor->seat_count; i++) {
		struct seat *seat = &supervisor->seats[i];

		packet_sockets_count(sockets, i, seat->lease.watch);
		discard_ring(sockets, seat);
		input_lend(supervisor, seat); /* whoever starts next must not find the old one */
	}
	packet_sockets_close(sockets);
}
