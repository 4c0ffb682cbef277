/* SPDX-License-Identifier: BSD-3-Clause */
#include "tests/lib/proxy_rig.h"

#include <assert.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/cursor.h"
#include "dns/message.h"
#include "ipc/child.h"
#include "ipc/memory.h"
#include "tests/lib/dns_build.h"

static const struct address loopback4 = {.bytes = {127, 0, 0, 1}, .version = 4};
static const struct address loopback6 = {.bytes = {[15] = 1}, .version = 6};

static int open_socket(const struct endpoint *endpoint, int type)
{
	const int on = 1;
	int family = endpoint->address.version == 4 ? AF_INET : AF_INET6;
	int fd = socket(family, type | SOCK_CLOEXEC, 0);

	assert(fd >= 0);
	if (family == AF_INET6)
		setsockopt(fd, IPPROTO_IPV6, IPV6_V6ONLY, &on, sizeof(on));
	return fd;
}

/* At its port, or at any, which it gets. -1: it is another's. */
static int bind_to(struct endpoint *endpoint, int type)
{
	struct sockaddr_storage address;
	socklen_t length = endpoint_to_sockaddr(endpoint, &address);
	int fd = open_socket(endpoint, type | SOCK_NONBLOCK), failed;

	failed = bind(fd, (struct sockaddr *)&address, length);
	if (!failed && type == SOCK_STREAM)
		failed = listen(fd, 64);
	if (failed) {
		close(fd);
		return -1;
	}
	failed = getsockname(fd, (struct sockaddr *)&address, &length) < 0 ||
		 !endpoint_from_sockaddr(&address, endpoint);
	assert(!failed);
	return fd;
}

/* A port that is free for both. */
static void bind_both(struct endpoint *endpoint, int *udp, int *tcp)
{
	do {
		endpoint->port = 0;
		*tcp = bind_to(endpoint, SOCK_STREAM);
		*udp = bind_to(endpoint, SOCK_DGRAM);
		if (*udp < 0)
			close(*tcp);
	} while (*udp < 0);
}

static int connect_to(const struct endpoint *endpoint, int type)
{
	struct sockaddr_storage address;
	socklen_t length = endpoint_to_sockaddr(endpoint, &address);
	int fd = open_socket(endpoint, type);
	int failed = connect(fd, (struct sockaddr *)&address, length);

	assert(!failed);
	return fd;
}

static void lend(int fd, int number)
{
	int lent = dup2(fd, number);

	assert(lent == number);
	close(fd);
}

void proxy_rig_init(struct proxy_rig *rig)
{
	struct config_proxy *proxy = &rig->config.proxy;

	memset(rig, 0, sizeof(*rig));
	rig->config = config_default;
	rig->config.worker_count = 1;
	proxy->timeout_ms = 200;
	proxy->query_count = 256;
	proxy->cache_mib = 0;
	proxy->tcp_connections = 16;
	proxy->endpoint_count = 1;
	proxy->endpoints[0].address = loopback4;
	rig->watch.stats_key[0] = 1;
	child_fill_numbers();
	lend(open("/dev/null", O_RDONLY | O_CLOEXEC), CHILD_FD_LISTS); /* none */
	for (int i = 0; i < PROXY_RIG_UPSTREAMS; i++) {
		struct endpoint endpoint = {.address = loopback4};

		bind_both(&endpoint, &rig->upstreams[i], &rig->tcp[i]);
		rig->ports[i] = endpoint.port;
	}
}

static void open_proxy(struct proxy_rig *rig)
{
	const char *problem;
	bool has_begun;

	rig->proxy = calloc(1, sizeof(*rig->proxy));
	rig->loop = loop_new();
	assert(rig->proxy);
	problem = proxy_open(rig->proxy, &rig->config, &rig->watch, rig->head, NULL);
	if (problem)
		fprintf(stderr, "# %s\n", problem);
	assert(!problem);
	has_begun = proxy_begin(rig->proxy, rig->loop);
	assert(has_begun);
}

/* As the supervisor does it. */
static void lend_listener(struct endpoint *endpoint, int number)
{
	const int on = 1, stream_bytes = 64 << 10;
	int udp, tcp;

	bind_both(endpoint, &udp, &tcp);
	setsockopt(tcp, SOL_SOCKET, SO_SNDBUF, &stream_bytes, sizeof(stream_bytes));
	if (address_equal(&endpoint->address, &(struct address){.version = 4}))
		setsockopt(udp, IPPROTO_IP, IP_PKTINFO, &on, sizeof(on));
	if (address_equal(&endpoint->address, &(struct address){.version = 6}))
		setsockopt(udp, IPPROTO_IPV6, IPV6_RECVPKTINFO, &on, sizeof(on));
	lend(udp, CHILD_FD_LISTEN + number);
	lend(tcp, CHILD_FD_LISTEN + CONFIG_LISTEN_MAX + number);
}

void proxy_rig_open(struct proxy_rig *rig, const char *rules)
{
	struct config_proxy *proxy = &rig->config.proxy;

	snprintf(rig->config.rules, sizeof(rig->config.rules), rules, rig->ports[0], rig->ports[1],
		 rig->ports[2], rig->ports[0], rig->ports[1]);
	for (uint32_t i = 0; i < proxy->endpoint_count; i++)
		lend_listener(&proxy->endpoints[i], (int)i);
	lend(memory_create("rig", proxy_stats_size(&rig->config)), CHILD_FD_PROXY);
	if (proxy->cache_mib)
		lend(memory_create("rig", proxy_cache_size(&rig->config)), CHILD_FD_CACHE);
	rig->head = calloc(1, sizeof(*rig->head));
	assert(rig->head);
	open_proxy(rig);
	rig->at =
		(struct endpoint){proxy->endpoints[0].address.version == 4 ? loopback4 : loopback6,
				  proxy->endpoints[0].port};
	rig->client = connect_to(&rig->at, SOCK_DGRAM);
}

/* What a process leaves to its end. */
static void free_proxy(struct proxy_rig *rig)
{
	struct proxy *proxy = rig->proxy;

	for (uint32_t i = 0; i < proxy->server_count; i++)
		server_close(&proxy->servers[i]);
	for (uint32_t i = 0; i < proxy->listener_count; i++)
		free(proxy->listeners[i].replies);
	client_streams_free(proxy->streams);
	pendings_free(proxy->pendings);
	limits_free(proxy->limits);
	if (proxy->cache)
		cache_close(proxy->cache);
	prefixes_free(proxy->allowed);
	ruleset_free(proxy->ruleset);
	munmap(proxy->stats, proxy_stats_size(&rig->config));
	free(proxy->servers);
	free(proxy->groups);
	free(proxy);
	loop_free(rig->loop);
}

void proxy_rig_reopen(struct proxy_rig *rig)
{
	free_proxy(rig);
	open_proxy(rig);
}

void proxy_rig_close(struct proxy_rig *rig)
{
	free_proxy(rig);
	free(rig->head);
	close(rig->client);
	for (int i = 0; i < PROXY_RIG_UPSTREAMS; i++) {
		close(rig->upstreams[i]);
		if (rig->tcp[i] >= 0)
			close(rig->tcp[i]);
	}
	for (int i = 0; i < (int)rig->config.proxy.endpoint_count; i++) {
		close(CHILD_FD_LISTEN + i);
		close(CHILD_FD_LISTEN + CONFIG_LISTEN_MAX + i);
	}
	close(CHILD_FD_PROXY);
	if (rig->config.proxy.cache_mib)
		close(CHILD_FD_CACHE);
	child_fill_numbers();
}

bool proxy_rig_adds_up(const struct proxy_rig *rig)
{
	uint64_t sum = state_get(rig->head, STATE_PROXY_WAITING);

	for (enum counter i = COUNTER_PROXY_CACHED; i <= COUNTER_PROXY_PRIVATE; i++)
		sum += proxy_rig_count(rig, i);
	return sum == proxy_rig_count(rig, COUNTER_PROXY_QUERIES);
}

uint64_t proxy_rig_count(const struct proxy_rig *rig, enum counter counter)
{
	return state_counter(rig->head, counter);
}

bool proxy_rig_wait(struct proxy_rig *rig, int fd, int wait_ms)
{
	struct pollfd ready = {.fd = fd, .events = POLLIN};
	int64_t end_ns = clock_monotonic_ns() + wait_ms * NANOSECONDS_PER_MILLISECOND;

	do {
		loop_poll(rig->loop);
		if (poll(&ready, 1, 1) > 0)
			return true;
	} while (clock_monotonic_ns() < end_ns);
	return false;
}

bool proxy_rig_is_quiet(struct proxy_rig *rig, int fd)
{
	return !proxy_rig_wait(rig, fd, PROXY_RIG_QUIET_MS);
}

void proxy_rig_pass(struct proxy_rig *rig, int time_ms)
{
	proxy_rig_wait(rig, -1, time_ms);
}

struct cache_key proxy_rig_key(const struct proxy_rig *rig, const char *name, uint32_t group)
{
	return (struct cache_key){
		.name = {(const uint8_t *)name, strlen(name) + 1},
		.type = DNS_TYPE_A,
		.class = DNS_CLASS_IN,
		.group = rig->proxy->groups[group].identity,
	};
}

bool proxy_rig_make_older(struct proxy_rig *rig, const struct cache_key *key, uint32_t seconds)
{
	uint32_t now_s = (uint32_t)(rig->proxy->now_ns / NANOSECONDS_PER_SECOND);
	struct cache *cache = rig->proxy->cache;
	uint8_t message[CACHE_MESSAGE_MAX];
	uint16_t ttls[CACHE_TTLS_MAX];
	struct cache_hit hit;

	if (!cache_find(cache, key, now_s, UINT32_MAX, &hit))
		return false;
	memcpy(message, hit.answer.message.data, hit.answer.message.length);
	memcpy(ttls, hit.answer.ttls, sizeof(*ttls) * hit.answer.ttl_count);
	hit.answer.message.data = message;
	hit.answer.ttls = ttls;
	cache_put(cache, key, &hit.answer, now_s - seconds);
	return true;
}

int proxy_rig_connect(const struct proxy_rig *rig)
{
	return connect_to(&rig->at, SOCK_STREAM);
}

void proxy_rig_query(struct proxy_rig_message *message, uint16_t id, uint16_t flags,
		     const char *name, uint16_t type, uint16_t payload)
{
	static struct dns_build build;
	struct slice made;

	dns_build_start(&build, id, flags);
	dns_build_question(&build, name, type);
	if (payload)
		dns_build_edns(&build, payload);
	made = dns_build_message(&build);
	assert(made.length <= sizeof(message->bytes));
	memcpy(message->bytes, made.data, made.length);
	message->length = made.length;
}

void proxy_rig_ask(const struct proxy_rig *rig, uint16_t id, const char *name, uint16_t type)
{
	struct proxy_rig_message query;
	ssize_t sent;

	proxy_rig_query(&query, id, DNS_FLAG_RD, name, type, 0);
	sent = send(rig->client, query.bytes, query.length, 0);
	assert(sent == (ssize_t)query.length);
}

bool proxy_rig_take(struct proxy_rig *rig, int fd, int wait_ms, struct proxy_rig_message *message)
{
	socklen_t length = sizeof(message->from);
	ssize_t got;

	if (!proxy_rig_wait(rig, fd, wait_ms))
		return false;
	got = recvfrom(fd, message->bytes, sizeof(message->bytes), MSG_DONTWAIT,
		       (struct sockaddr *)&message->from, &length);
	message->length = got < 0 ? 0 : (size_t)got;
	return got >= 0;
}

/* Octets of its header and question. */
static size_t head_length(const struct proxy_rig_message *message)
{
	struct slice rest = {message->bytes + DNS_HEADER_SIZE, message->length - DNS_HEADER_SIZE};

	return DNS_HEADER_SIZE + name_wire_length(rest) + 4;
}

void proxy_rig_respond(const struct proxy_rig_message *query, uint16_t flags,
		       struct proxy_rig_message *response)
{
	response->length = head_length(query);
	memcpy(response->bytes, query->bytes, response->length);
	be16_store(response->bytes + 2, flags);
	memset(response->bytes + 6, 0, 6);
}

void proxy_rig_add(struct proxy_rig_message *response, int section, uint16_t type, uint32_t ttl_s,
		   const void *data, uint16_t length)
{
	uint8_t *at = response->bytes + response->length;
	uint8_t *count = response->bytes + 6 + 2 * section;

	assert(response->length + 12 + length <= sizeof(response->bytes));
	be16_store(at, 0xc000 | DNS_HEADER_SIZE);
	be16_store(at + 2, type);
	be16_store(at + 4, DNS_CLASS_IN);
	be32_store(at + 6, ttl_s);
	be16_store(at + 10, length);
	memcpy(at + 12, data, length);
	response->length += 12u + length;
	be16_store(count, (uint16_t)(be16_load(count) + 1));
}

void proxy_rig_send(int fd, const struct proxy_rig_message *query,
		    const struct proxy_rig_message *response)
{
	ssize_t sent = sendto(fd, response->bytes, response->length, 0,
			      (const struct sockaddr *)&query->from, sizeof(query->from));

	assert(sent == (ssize_t)response->length);
}

void proxy_rig_answer(int fd, const struct proxy_rig_message *query, uint32_t ttl_s, uint8_t last)
{
	const uint8_t address[4] = {192, 0, 2, last};
	struct proxy_rig_message response;

	proxy_rig_respond(query, PROXY_RIG_ANSWERED, &response);
	proxy_rig_add(&response, 0, DNS_TYPE_A, ttl_s, address, sizeof(address));
	proxy_rig_send(fd, query, &response);
}
