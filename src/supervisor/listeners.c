/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * The index in a group is the order of binding (UDP) and listening (TCP), and a member that is
 * closed is replaced by the last one: sockets come in the order of workers and go from the highest
 * down. A group gets its program when it has one member: before it has an address the kernel would
 * take it for a stranger to those of a wildcard address, and with a second one it would choose.
 */
#include "supervisor/listeners.h"

#include <errno.h>
#include <linux/filter.h>
#include <netinet/in.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/memory.h"
#include "ipc/child.h"
#include "supervisor/bpf.h"

#define GROUPS_MAX    (2 * 2 * CONFIG_LISTEN_MAX) /* of a reload: before and after, once */
#define BACKLOG	      4096
#define RECEIVE_BYTES (4 << 20)
#define STREAM_BYTES  (64 << 10) /* of a connection in the kernel, each way */
#define FDS_BESIDE    4096	 /* of the supervisor: all but these sockets */

/* The sockets of one address and protocol. */
struct group {
	int type; /* SOCK_DGRAM or SOCK_STREAM */
	struct endpoint endpoint;
	uint32_t count;
	int fds[CONFIG_WORKERS_MAX];
};

struct listeners {
	struct steer_settings settings;
	struct bpf_steer *steer; /* NULL: no address, or no eBPF */
	char reason[256];	 /* why there is no eBPF */
	uint32_t group_count;
	struct group *groups[GROUPS_MAX];
};

static const int types[] = {SOCK_DGRAM, SOCK_STREAM};

struct listeners *listeners_new(uint64_t key)
{
	struct listeners *listeners = xcalloc(1, sizeof(*listeners));

	listeners->settings = (struct steer_settings){.key = key, .worker_count = 1};
	return listeners;
}

static bool explain(char *error, const struct endpoint *endpoint, int type, int code)
{
	const char *reason = strerror(-code);
	char text[ENDPOINT_TEXT_MAX];

	if (code == -EADDRINUSE)
		reason = "another program has this address";
	else if (code == -EADDRNOTAVAIL)
		reason = "no interface has this address";
	else if (code == -EACCES)
		reason = "a port below 1024 needs root (or CAP_NET_BIND_SERVICE)";
	else if (code == -ENFILE)
		reason = "there are too many others, which a worker still reads";
	snprintf(error, CONFIG_ERROR_MAX, "proxy.listen: %s over %s: %s",
		 endpoint_format(endpoint, text), type == SOCK_DGRAM ? "UDP" : "TCP", reason);
	return false;
}

static int set(int fd, int level, int option, int value)
{
	return setsockopt(fd, level, option, &value, sizeof(value)) < 0 ? -errno : 0;
}

/* A socket that takes IPv6 alone, or IPv4, as yet without an address. TCP: connections that are
 * still closing do not keep the address from us. */
static int make_socket(const struct endpoint *endpoint, int type)
{
	bool is_inet = endpoint->address.version == 4;
	int fd = socket(is_inet ? AF_INET : AF_INET6, type | SOCK_NONBLOCK | SOCK_CLOEXEC, 0),
	    error;

	if (fd < 0)
		return -errno;
	error = is_inet ? 0 : set(fd, IPPROTO_IPV6, IPV6_V6ONLY, 1);
	if (!error && type == SOCK_STREAM)
		error = set(fd, SOL_SOCKET, SO_REUSEADDR, 1);
	if (!error)
		return fd;
	close(fd);
	return error;
}

static int bind_to(int fd, const struct endpoint *endpoint)
{
	struct sockaddr_storage address;
	socklen_t length = endpoint_to_sockaddr(endpoint, &address);

	return bind(fd, (struct sockaddr *)&address, length) < 0 ? -errno : 0;
}

/* Only on a wildcard address must a reply be told where its query went. */
static int ask_for_addresses(int fd, const struct address *address)
{
	if (!address_is_any(address))
		return 0;
	return address->version == 4 ? set(fd, IPPROTO_IP, IP_PKTINFO, 1)
				     : set(fd, IPPROTO_IPV6, IPV6_RECVPKTINFO, 1);
}

/* Without the right to as much as this, it is as much as the system allows. */
static void widen(int fd)
{
	if (set(fd, SOL_SOCKET, SO_RCVBUFFORCE, RECEIVE_BYTES))
		set(fd, SOL_SOCKET, SO_RCVBUF, RECEIVE_BYTES);
}

/* Connections inherit it: who neither reads nor stops to write has the kernel keep megabytes else,
 * and is told apart late from who reads slowly. */
static int narrow(int fd)
{
	int error = set(fd, SOL_SOCKET, SO_SNDBUF, STREAM_BYTES);

	return error ? error : set(fd, SOL_SOCKET, SO_RCVBUF, STREAM_BYTES);
}

/* Any of the first workers, whatever is asked for: a program even where the kernel would choose
 * by itself, so that workers that come and go are left out. */
static int spread(int fd, uint32_t worker_count)
{
	struct sock_filter instructions[] = {
		BPF_STMT(BPF_LD | BPF_W | BPF_ABS, (uint32_t)(SKF_AD_OFF + SKF_AD_RANDOM)),
		BPF_STMT(BPF_ALU | BPF_MOD | BPF_K, worker_count),
		BPF_STMT(BPF_RET | BPF_A, 0),
	};
	struct sock_fprog program = {.len = 3, .filter = instructions};

	return setsockopt(fd, SOL_SOCKET, SO_ATTACH_REUSEPORT_CBPF, &program, sizeof(program)) < 0
		       ? -errno
		       : 0;
}

/* By one of its sockets. */
static int direct_group(const struct listeners *listeners, const struct group *group, int fd)
{
	if (group->type == SOCK_DGRAM && listeners->steer)
		return set(fd, SOL_SOCKET, SO_ATTACH_REUSEPORT_EBPF,
			   bpf_steer_fd(listeners->steer));
	return spread(fd, listeners->settings.worker_count);
}

static int set_up(const struct listeners *listeners, const struct group *group, int fd)
{
	int error = set(fd, SOL_SOCKET, SO_REUSEPORT, 1);

	if (!error && group->type == SOCK_DGRAM)
		error = ask_for_addresses(fd, &group->endpoint.address);
	if (!error && group->type == SOCK_DGRAM)
		widen(fd);
	if (!error && group->type == SOCK_STREAM)
		error = narrow(fd);
	if (!error)
		error = bind_to(fd, &group->endpoint);
	if (!error && group->type == SOCK_STREAM && listen(fd, BACKLOG) < 0)
		error = -errno;
	if (!error && !group->count)
		error = direct_group(listeners, group, fd);
	return error;
}

/* The socket of one more worker. */
static int add_member(const struct listeners *listeners, struct group *group)
{
	int fd = make_socket(&group->endpoint, group->type), error;

	if (fd < 0)
		return fd;
	error = set_up(listeners, group, fd);
	if (error)
		close(fd);
	else
		group->fds[group->count++] = fd;
	return error;
}

static void close_members(struct group *group, uint32_t count)
{
	while (group->count > count)
		close(group->fds[--group->count]);
}

static struct group *find_group(const struct listeners *listeners, const struct endpoint *endpoint,
				int type)
{
	for (uint32_t i = 0; i < listeners->group_count; i++)
		if (listeners->groups[i]->type == type &&
		    endpoint_equal(&listeners->groups[i]->endpoint, endpoint))
			return listeners->groups[i];
	return NULL;
}

static struct group *add_group(struct listeners *listeners, const struct endpoint *endpoint,
			       int type)
{
	struct group *group = xcalloc(1, sizeof(*group));

	group->type = type;
	group->endpoint = *endpoint;
	listeners->groups[listeners->group_count++] = group;
	return group;
}

static void remove_group(struct listeners *listeners, uint32_t index)
{
	close_members(listeners->groups[index], 0);
	free(listeners->groups[index]);
	listeners->groups[index] = listeners->groups[--listeners->group_count];
}

/* Would our own sockets be in the way of a probe? */
static bool overlaps(const struct listeners *listeners, const struct endpoint *endpoint)
{
	for (uint32_t i = 0; i < listeners->group_count; i++) {
		const struct endpoint *own = &listeners->groups[i]->endpoint;

		if (own->port == endpoint->port &&
		    own->address.version == endpoint->address.version &&
		    (address_is_any(&own->address) || address_is_any(&endpoint->address)))
			return true;
	}
	return false;
}

/* With SO_REUSEPORT, programs of one user share an address, and each gets a part of what comes; so
 * it is tried without. */
static int probe(const struct endpoint *endpoint, int type)
{
	int fd = make_socket(endpoint, type), error;

	if (fd < 0)
		return fd;
	error = bind_to(fd, endpoint);
	close(fd);
	return error;
}

/* Before any is opened, for they may overlap. */
static bool probe_all(const struct listeners *listeners, const struct config *config, char *error)
{
	for (uint32_t i = 0; i < config->proxy.endpoint_count; i++) {
		const struct endpoint *endpoint = &config->proxy.endpoints[i];

		for (int t = 0; t < 2; t++) {
			int code = find_group(listeners, endpoint, types[t]) ||
						   overlaps(listeners, endpoint)
					   ? 0
					   : probe(endpoint, types[t]);

			if (code)
				return explain(error, endpoint, types[t], code);
		}
	}
	return true;
}

static bool extend_group(struct listeners *listeners, const struct endpoint *endpoint, int type,
			 uint32_t worker_count, char *error)
{
	struct group *group = find_group(listeners, endpoint, type);
	int code = 0;

	if (!group && listeners->group_count == GROUPS_MAX)
		return explain(error, endpoint, type, -ENFILE);
	if (!group)
		group = add_group(listeners, endpoint, type);
	while (!code && group->count < worker_count)
		code = add_member(listeners, group);
	if (!group->count)
		remove_group(listeners, listeners->group_count - 1);
	return !code || explain(error, endpoint, type, code);
}

/* Steering is there while there is an address. */
static void fit_steering(struct listeners *listeners, bool is_wanted)
{
	if (is_wanted && !listeners->steer)
		listeners->steer = bpf_steer_open(&listeners->settings, listeners->reason);
	if (is_wanted)
		return;
	bpf_steer_close(listeners->steer);
	listeners->steer = NULL;
	*listeners->reason = '\0';
}

bool listeners_extend(struct listeners *listeners, const struct config *config, char *error)
{
	const struct config_proxy *proxy = &config->proxy;
	uint32_t count = config->worker_count;

	if (!proxy->endpoint_count)
		return true;
	child_raise_files(FDS_BESIDE + GROUPS_MAX * CONFIG_WORKERS_MAX);
	if (!probe_all(listeners, config, error))
		return false;
	if (!listeners->group_count) {
		listeners->settings.worker_count = count;
		fit_steering(listeners, true);
	}
	for (uint32_t i = 0; i < proxy->endpoint_count; i++)
		for (int t = 0; t < 2; t++)
			if (!extend_group(listeners, &proxy->endpoints[i], types[t], count, error))
				return false;
	return true;
}

int listeners_steer(struct listeners *listeners, uint32_t worker_count)
{
	int error = 0;

	listeners->settings.worker_count = worker_count;
	if (listeners->steer)
		error = bpf_steer_update(listeners->steer, &listeners->settings);
	for (uint32_t i = 0; !error && i < listeners->group_count; i++)
		error = direct_group(listeners, listeners->groups[i], listeners->groups[i]->fds[0]);
	return error;
}

static bool is_wanted(const struct config *config, const struct endpoint *endpoint)
{
	for (uint32_t i = 0; i < config->proxy.endpoint_count; i++)
		if (endpoint_equal(&config->proxy.endpoints[i], endpoint))
			return true;
	return false;
}

void listeners_trim(struct listeners *listeners, const struct config *config)
{
	for (uint32_t i = listeners->group_count; i-- > 0;)
		if (!is_wanted(config, &listeners->groups[i]->endpoint))
			remove_group(listeners, i);
		else
			close_members(listeners->groups[i], config->worker_count);
	fit_steering(listeners, listeners->group_count);
}

void listeners_place(const struct listeners *listeners, const struct config *config,
		     uint32_t worker, int *fds)
{
	for (uint32_t i = 0; i < CONFIG_LISTEN_MAX; i++)
		for (uint32_t t = 0; t < 2; t++) {
			const struct group *group =
				i < config->proxy.endpoint_count
					? find_group(listeners, &config->proxy.endpoints[i],
						     types[t])
					: NULL;

			fds[CHILD_FD_LISTEN + t * CONFIG_LISTEN_MAX + i] =
				group && worker < group->count ? group->fds[worker] : -1;
		}
}

bool listeners_are_asked(const int *fds)
{
	struct pollfd waiting[CONFIG_LISTEN_MAX];
	int count = 0;

	for (int i = 0; i < CONFIG_LISTEN_MAX; i++)
		waiting[i] = (struct pollfd){.fd = fds[CHILD_FD_LISTEN + i], .events = POLLIN};
	if (poll(waiting, CONFIG_LISTEN_MAX, 0) > 0)
		for (int i = 0; i < CONFIG_LISTEN_MAX; i++)
			count += waiting[i].revents & POLLIN;
	return count;
}

const char *listeners_degraded(const struct listeners *listeners)
{
	return listeners->group_count && !listeners->steer ? listeners->reason : NULL;
}

/* "listen-udp-3": of the worker whose number follows. */
static void name_fds(char name[HANDOVER_NAME_MAX], const struct group *group, uint32_t index)
{
	snprintf(name, HANDOVER_NAME_MAX, "listen-%s-%u", group->type == SOCK_DGRAM ? "udp" : "tcp",
		 index);
}

void listeners_give(const struct listeners *listeners, struct handover *handover)
{
	char name[HANDOVER_NAME_MAX], text[ENDPOINT_TEXT_MAX];

	handover_add_number(handover, "steer-key", HANDOVER_ONE, listeners->settings.key);
	handover_add_number(handover, "listeners", HANDOVER_ONE, listeners->group_count);
	for (uint32_t i = 0; i < listeners->group_count; i++) {
		const struct group *group = listeners->groups[i];

		name_fds(name, group, i);
		handover_add_text(handover, name, HANDOVER_ONE,
				  endpoint_format(&group->endpoint, text));
		for (uint32_t worker = 0; worker < group->count; worker++)
			handover_add_fd(handover, name, (int)worker, group->fds[worker]);
	}
}

/* One that has a hole is not taken behind it: the sockets there would have other indices. */
static void take_group(struct listeners *listeners, int type, uint32_t index,
		       struct handover *handover)
{
	struct group named = {.type = type}, *group;
	char name[HANDOVER_NAME_MAX], text[ENDPOINT_TEXT_MAX];
	int fd;

	name_fds(name, &named, index);
	handover_text(handover, name, HANDOVER_ONE, text, sizeof(text));
	if (!config_parse_endpoint(text, &named.endpoint) || !named.endpoint.address.version ||
	    find_group(listeners, &named.endpoint, type))
		return;
	group = add_group(listeners, &named.endpoint, type);
	while (group->count < CONFIG_WORKERS_MAX &&
	       (fd = handover_take_fd(handover, name, (int)group->count)) >= 0)
		group->fds[group->count++] = fd;
	if (!group->count)
		remove_group(listeners, listeners->group_count - 1);
}

bool listeners_take(struct listeners *listeners, const struct config *config,
		    struct handover *handover, char *error)
{
	uint64_t count = handover_number(handover, "listeners", HANDOVER_ONE);
	int code;

	if (count)
		listeners->settings.key = handover_number(handover, "steer-key", HANDOVER_ONE);
	for (uint32_t i = 0; i < count && i < GROUPS_MAX; i++)
		for (int t = 0; t < 2; t++)
			take_group(listeners, types[t], i, handover);
	listeners->settings.worker_count = config->worker_count;
	fit_steering(listeners, listeners->group_count);
	if (!listeners_extend(listeners, config, error))
		return false;
	listeners_trim(listeners, config);
	code = listeners_steer(listeners, config->worker_count);
	if (code)
		snprintf(error, CONFIG_ERROR_MAX, "sockets of the proxy: %s", strerror(-code));
	return !code;
}

void listeners_free(struct listeners *listeners)
{
	if (!listeners)
		return;
	while (listeners->group_count)
		remove_group(listeners, listeners->group_count - 1);
	bpf_steer_close(listeners->steer);
	free(listeners);
}
