/* SPDX-License-Identifier: BSD-3-Clause */
#include "supervisor/lease.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#include "ipc/body.h"
#include "ipc/memory.h"

#define SEND_BUFFER_BYTES (4 << 20)

static bool explain(char *error, const char *what, int code)
{
	snprintf(error, CONFIG_ERROR_MAX, "%.300s: %s", what, strerror(code));
	return false;
}

static bool make_memfd(int *fd, const char *name, size_t size, char *error)
{
	*fd = memory_create(name, size);
	return *fd >= 0 || explain(error, "shared memory", -*fd);
}

static bool map_memory(struct lease *lease, char *error)
{
	lease->head = memory_map(lease->fds[CHILD_FD_HEAD], sizeof(struct state_head), false);
	lease->watch = memory_map(lease->watch_fd, sizeof(struct state_watch), true);
	lease->fds[CHILD_FD_WATCH] = memory_reopen(lease->watch_fd);
	if (!lease->head || !lease->watch || lease->fds[CHILD_FD_WATCH] < 0)
		return explain(error, "shared memory", ENOMEM);
	return true;
}

static bool make_memory(struct lease *lease, char *error)
{
	return make_memfd(&lease->fds[CHILD_FD_HEAD], "dnsflow-head", sizeof(struct state_head),
			  error) &&
	       make_memfd(&lease->fds[CHILD_FD_BODY], "dnsflow-body", body_size(), error) &&
	       make_memfd(&lease->watch_fd, "dnsflow-watch", sizeof(struct state_watch), error) &&
	       map_memory(lease, error);
}

static int open_socket(int family)
{
	int fd = socket(family, SOCK_DGRAM | SOCK_CLOEXEC, 0), bytes = SEND_BUFFER_BYTES;

	if (fd >= 0 && setsockopt(fd, SOL_SOCKET, SO_SNDBUFFORCE, &bytes, sizeof(bytes)) < 0)
		setsockopt(fd, SOL_SOCKET, SO_SNDBUF, &bytes, sizeof(bytes));
	return fd;
}

/* One socket per family, not connected (a connected one reports a refusal instead of sending): its
 * port tells a receiver this worker's sequence apart from the others'. */
static bool open_sockets(struct lease *lease, const struct config *config, char *error)
{
	for (uint32_t i = 0; i < config->destination_count; i++) {
		bool is_inet = config->destinations[i].endpoint.address.version == 4;
		int *fd = &lease->fds[is_inet ? CHILD_FD_EXPORT4 : CHILD_FD_EXPORT6];

		if (*fd < 0)
			*fd = open_socket(is_inet ? AF_INET : AF_INET6);
		if (*fd < 0)
			return explain(error, "UDP socket", errno);
	}
	return true;
}

static bool is_file(const char *path, int fd)
{
	struct stat named, opened;

	return stat(path, &named) == 0 && fstat(fd, &opened) == 0 && S_ISREG(named.st_mode) &&
	       named.st_dev == opened.st_dev && named.st_ino == opened.st_ino;
}

/* A pipe that nobody reads would hold us in open(). */
static int create_file(const char *path)
{
	int fd = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_NOCTTY | O_NONBLOCK | O_CLOEXEC, 0644);

	if (fd >= 0)
		fcntl(fd, F_SETFL, O_WRONLY);
	return fd;
}

static bool open_output(struct lease *lease, const struct config *config, uint32_t worker,
			char *error)
{
	char path[CONFIG_TEXT_MAX + 16];
	int *fd = &lease->fds[CHILD_FD_OUTPUT];

	if (!strcmp(config->write_file, "-")) {
		*fd = fcntl(STDOUT_FILENO, F_DUPFD_CLOEXEC, 3);
		return *fd >= 0 || explain(error, "standard output", errno);
	}
	snprintf(path, sizeof(path), config->worker_count > 1 ? "%s.%u" : "%s", config->write_file,
		 worker);
	if (is_file(path, lease->fds[CHILD_FD_INPUT])) {
		snprintf(error, CONFIG_ERROR_MAX,
			 "%.300s is the file that is read: give another one to -w", path);
		return false;
	}
	*fd = create_file(path);
	if (*fd < 0 && errno == ENXIO) {
		snprintf(error, CONFIG_ERROR_MAX,
			 "%.300s is a pipe that nobody reads: start its reader first", path);
		return false;
	}
	return *fd >= 0 || explain(error, path, errno);
}

static void replace(int *fd, int other)
{
	if (*fd >= 0)
		close(*fd);
	*fd = other;
}

/* -1 for none. The one that we are given is closed with its configuration, perhaps before this
 * worker is replaced. */
static bool make_copy(int fd, int *copy)
{
	*copy = fd < 0 ? -1 : fcntl(fd, F_DUPFD_CLOEXEC, 3);
	return fd < 0 || *copy >= 0;
}

/* Both or none. */
static bool take_config(struct lease *lease, const struct effective *effective, char *error)
{
	int config_fd = -1, lists_fd = -1;

	if (!make_copy(effective->config_fd, &config_fd) ||
	    !make_copy(effective->lists_fd, &lists_fd)) {
		explain(error, "configuration", errno);
		replace(&config_fd, -1);
		return false;
	}
	replace(&lease->fds[CHILD_FD_CONFIG], config_fd);
	replace(&lease->fds[CHILD_FD_LISTS], lists_fd);
	return true;
}

static void begin(struct lease *lease, int input_fd)
{
	memset(lease->fds, -1, sizeof(lease->fds));
	observation_lease_init(&lease->observation);
	proxy_lease_init(&lease->proxy);
	lease->watch_fd = -1;
	lease->fds[CHILD_FD_INPUT] = input_fd;
}

/* The memory that a configuration wants, made before anything of it is lent. */
struct memory {
	struct observation_lease observation;
	struct proxy_lease proxy;
};

static void place_memory(struct lease *lease, const struct memory *memory)
{
	observation_lease_replace(&lease->observation, &memory->observation);
	proxy_lease_replace(&lease->proxy, &memory->proxy);
	observation_lease_place(&lease->observation, lease->fds);
	proxy_lease_place(&lease->proxy, lease->fds);
}

static void discard_memory(const struct lease *lease, struct memory *memory)
{
	observation_lease_replace(&memory->observation, &lease->observation);
	proxy_lease_replace(&memory->proxy, &lease->proxy);
}

static bool fit_memory(const struct lease *lease, const struct config *config,
		       struct memory *memory, char *error)
{
	int code;

	memory->proxy = lease->proxy;
	code = observation_lease_fit(&lease->observation, config, &memory->observation);
	if (code)
		return explain(error, "memory for statistics and events", -code);
	code = proxy_lease_fit(&lease->proxy, config, &memory->proxy);
	if (!code)
		return true;
	discard_memory(lease, memory);
	return explain(error, "memory for the proxy", -code);
}

/* All of it or nothing: memory of the one configuration beside the text of another is a worker that
 * cannot start. */
static bool follow(struct lease *lease, const struct effective *effective, char *error)
{
	struct memory memory;

	if (!fit_memory(lease, &effective->config, &memory, error))
		return false;
	if (!take_config(lease, effective, error)) {
		discard_memory(lease, &memory);
		return false;
	}
	place_memory(lease, &memory);
	return true;
}

bool lease_open(struct lease *lease, const struct effective *effective, uint32_t worker,
		int input_fd, char *error)
{
	const struct config *config = &effective->config;

	begin(lease, input_fd);
	if (!make_memory(lease, error) || !follow(lease, effective, error))
		return false;
	if (*config->write_file)
		return open_output(lease, config, worker, error);
	return open_sockets(lease, config, error);
}

bool lease_reconfigure(struct lease *lease, const struct effective *effective, char *error)
{
	return open_sockets(lease, &effective->config, error) && follow(lease, effective, error);
}

static const struct {
	const char *name;
	enum child_fd number;
} handed_over[] = {
	{"head", CHILD_FD_HEAD},
	{"body", CHILD_FD_BODY},
	{"export4", CHILD_FD_EXPORT4},
	{"export6", CHILD_FD_EXPORT6},
};

void lease_give(const struct lease *lease, uint32_t worker, struct handover *handover)
{
	for (size_t i = 0; i < sizeof(handed_over) / sizeof(handed_over[0]); i++)
		handover_add_fd(handover, handed_over[i].name, (int)worker,
				lease->fds[handed_over[i].number]);
	handover_add_fd(handover, "watch", (int)worker, lease->watch_fd);
	observation_lease_give(&lease->observation, worker, handover);
	proxy_lease_give(&lease->proxy, worker, handover);
}

bool lease_take(struct lease *lease, uint32_t worker, const struct effective *effective,
		int input_fd, struct handover *handover, char *error)
{
	begin(lease, input_fd);
	for (size_t i = 0; i < sizeof(handed_over) / sizeof(handed_over[0]); i++)
		lease->fds[handed_over[i].number] =
			handover_take_fd(handover, handed_over[i].name, (int)worker);
	lease->watch_fd = handover_take_fd(handover, "watch", (int)worker);
	if (observation_lease_take(&lease->observation, worker, handover) ||
	    proxy_lease_take(&lease->proxy, worker, handover))
		return explain(error, "shared memory", EBADF);
	observation_lease_place(&lease->observation, lease->fds);
	proxy_lease_place(&lease->proxy, lease->fds);
	return take_config(lease, effective, error) && map_memory(lease, error);
}

int lease_renew_body(struct lease *lease)
{
	int fd = memory_create("dnsflow-body", body_size());

	if (fd < 0)
		return fd;
	replace(&lease->fds[CHILD_FD_BODY], fd);
	return 0;
}

int lease_fit_body(struct lease *lease)
{
	struct stat status;

	if (fstat(lease->fds[CHILD_FD_BODY], &status) == 0 && (size_t)status.st_size == body_size())
		return 0;
	return lease_renew_body(lease);
}

void lease_close(struct lease *lease)
{
	static const enum child_fd owned[] = {CHILD_FD_CONFIG, CHILD_FD_HEAD,	 CHILD_FD_BODY,
					      CHILD_FD_WATCH,  CHILD_FD_EXPORT4, CHILD_FD_EXPORT6,
					      CHILD_FD_OUTPUT, CHILD_FD_LISTS};

	if (lease->head)
		munmap((void *)lease->head, sizeof(*lease->head));
	if (lease->watch)
		munmap(lease->watch, sizeof(*lease->watch));
	for (size_t i = 0; i < sizeof(owned) / sizeof(owned[0]); i++)
		if (lease->fds[owned[i]] >= 0)
			close(lease->fds[owned[i]]);
	if (lease->watch_fd >= 0)
		close(lease->watch_fd);
	observation_lease_close(&lease->observation);
	proxy_lease_close(&lease->proxy);
	*lease = (struct lease){0};
}
