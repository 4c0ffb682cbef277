/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * A question is tried: with one server, or with all of a group at once. Each try has its time; what
 * was asked in one is still welcome during the next. An answer is believed when it came through the
 * socket that asked, with the id and the question that were sent; anything else is thrown away, and
 * the waiting goes on (so that nobody can end it), but who sends a wrong id knows the port: that
 * question goes on over TCP.
 */
#include "worker/proxy/resolve.h"

#include <string.h>

#include "base/clock.h"
#include "base/cursor.h"
#include "dns/message.h"
#include "dns/question.h"
#include "dns/reply.h"
#include "worker/proxy/answer.h"
#include "worker/proxy/rebinding.h"

#define TICK_NS	       (10 * NANOSECONDS_PER_MILLISECOND)
#define PREFETCH_SHARE 10 /* of its time is left: then it is asked anew */

static bool is_error(uint16_t rcode)
{
	return rcode && rcode != DNS_NXDOMAIN;
}

static struct slice question_of(const struct pending *pending, uint8_t *question)
{
	memcpy(question, pending->asked, pending->name_length);
	be16_store(question + pending->name_length, pending->type);
	be16_store(question + pending->name_length + 2, pending->class);
	return (struct slice){question, pending->name_length + 4u};
}

static struct cache_key cache_key_of(const struct proxy *proxy, const struct pending *pending)
{
	return (struct cache_key){
		.name = {pending->name, pending->name_length},
		.type = pending->type,
		.class = pending->class,
		.is_dnssec_ok = pending->is_dnssec_ok,
		.is_checking_disabled = pending->is_checking_disabled,
		.group = proxy->groups[pending->group].identity,
	};
}

static uint32_t seconds_of(int64_t ns)
{
	return (uint32_t)(ns / NANOSECONDS_PER_SECOND);
}

static void release_all(struct proxy *proxy, struct pending *pending, enum attempt_state state)
{
	for (uint32_t i = 0; i < pending->attempt_count; i++) {
		struct attempt *attempt = &pending->attempts[i];

		if (attempt->state == ATTEMPT_DONE ||
		    (state != ATTEMPT_DONE && attempt->state != state))
			continue;
		server_release(&proxy->servers[attempt->server], attempt);
		pendings_end_try(proxy->pendings, attempt);
	}
}

static void forget(struct proxy *proxy, struct pending *pending)
{
	release_all(proxy, pending, ATTEMPT_DONE);
	wheel_stop(&proxy->wheel, &pending->timer);
	pendings_remove(proxy->pendings, pending);
}

static bool is_waiting(const struct pending *pending)
{
	for (uint32_t i = 0; i < pending->attempt_count; i++)
		if (pending->attempts[i].state != ATTEMPT_DONE)
			return true;
	return false;
}

/* Of those who are asked somebody still has time to answer. */
static bool has_time(const struct pending *pending)
{
	for (uint32_t i = 0; i < pending->attempt_count; i++)
		if (pending->attempts[i].state != ATTEMPT_DONE && !pending->attempts[i].is_late)
			return true;
	return false;
}

static void release_askers(const struct pending *pending)
{
	for (const struct asker *asker = pending->first; asker; asker = asker->next)
		if (asker->client.connection)
			connection_release(&asker->client);
}

/* Nobody waits any more; what other servers still answer is awaited in silence. */
static void settle(struct proxy *proxy, struct pending *pending)
{
	release_askers(pending);
	pendings_settle(proxy->pendings, pending);
	if (!is_waiting(pending))
		forget(proxy, pending);
}

/* RFC 8767: what was kept, though its time is over, to all who wait. */
static bool deliver_stale(struct proxy *proxy, struct pending *pending)
{
	struct cache_key key = cache_key_of(proxy, pending);
	uint8_t bytes[DNS_NAME_MAX + 4];
	struct cache_hit hit;

	if (!proxy->cache || !proxy->config->proxy.stale_s || !pending->first ||
	    !cache_find(proxy->cache, &key, seconds_of(proxy->now_ns), proxy->config->proxy.stale_s,
			&hit))
		return false;
	for (struct asker *asker = pending->first; asker; asker = asker->next)
		answer_hit(proxy, asker, &hit, question_of(pending, bytes));
	release_askers(pending);
	pendings_dismiss(proxy->pendings, pending);
	return true;
}

static void fail_all(struct proxy *proxy, const struct pending *pending)
{
	for (const struct asker *asker = pending->first; asker; asker = asker->next)
		if (pending->error_rcode)
			answer_relay_error(proxy, asker, pending);
		else
			answer_error(proxy, asker, DNS_SERVFAIL, EDE_NO_REACHABLE_AUTHORITY,
				     COUNTER_PROXY_FAILED);
}

/* All servers have failed, or said so. */
static void fail(struct proxy *proxy, struct pending *pending)
{
	release_all(proxy, pending, ATTEMPT_DONE); /* its time is over: nothing ends it later */
	if (!deliver_stale(proxy, pending))
		fail_all(proxy, pending);
	settle(proxy, pending);
}

static uint32_t asked_before(const struct pending *pending, uint16_t server)
{
	uint32_t times = 0;

	for (uint32_t i = 0; i < pending->attempt_count; i++)
		times += pending->attempts[i].server == server;
	return times;
}

/* is_tcp: what was not fit for UDP goes on over TCP. */
static bool ask_server(struct proxy *proxy, struct pending *pending, uint16_t server, bool is_tcp)
{
	bool is_retry = !is_tcp && asked_before(pending, server);
	struct attempt *attempt = pendings_try(proxy->pendings, pending, &proxy->random);

	proxy->servers[server].stats->retries += is_retry;
	return attempt && server_ask(&proxy->servers[server], pending, attempt,
				     is_tcp || pending->is_over_tcp);
}

/* Less is better: servers that were asked less, then those that are not left alone, then as the
 * policy says. */
static uint64_t rank_of(const struct proxy *proxy, const struct group *group,
			const struct pending *pending, uint32_t place)
{
	const struct server *server = &proxy->servers[group->servers[place]];
	bool is_ill = server_is_left_alone(server, proxy->now_ns);
	uint64_t rank = place;

	if (group->policy == UPSTREAM_ROUND_ROBIN)
		rank = (place + group->count - group->turn % group->count) % group->count;
	else if (group->policy == UPSTREAM_LEAST_OUTSTANDING)
		rank = (uint64_t)server->outstanding << 8 | place;
	return (uint64_t)asked_before(pending, server->number) << 48 | (uint64_t)is_ill << 47 |
	       rank;
}

static struct server *choose(const struct proxy *proxy, const struct pending *pending)
{
	const struct group *group = &proxy->groups[pending->group];
	uint64_t best = UINT64_MAX, rank;
	uint32_t chosen = 0;

	for (uint32_t i = 0; i < group->count; i++) {
		rank = rank_of(proxy, group, pending, i);
		if (rank < best) {
			best = rank;
			chosen = i;
		}
	}
	return &proxy->servers[group->servers[chosen]];
}

/* Beside one on trial, another: a client is not to wait for that. */
static bool ask_one(struct proxy *proxy, struct pending *pending)
{
	struct server *server = choose(proxy, pending);
	bool is_trial = server_begin_trial(server, proxy->now_ns);
	bool has_asked = ask_server(proxy, pending, server->number, false);

	if (is_trial) {
		server = choose(proxy, pending);
		if (!server->backoff_ns && !asked_before(pending, server->number))
			has_asked |= ask_server(proxy, pending, server->number, false);
	}
	proxy->groups[pending->group].turn++;
	return has_asked;
}

static bool all_are_left_alone(const struct proxy *proxy, const struct group *group)
{
	for (uint32_t i = 0; i < group->count; i++)
		if (!server_is_left_alone(&proxy->servers[group->servers[i]], proxy->now_ns))
			return false;
	return true;
}

/* All that are not left alone; when all are, all. */
static bool ask_all(struct proxy *proxy, struct pending *pending)
{
	const struct group *group = &proxy->groups[pending->group];
	bool is_any = all_are_left_alone(proxy, group), has_asked = false;

	for (uint32_t i = 0; i < group->count; i++) {
		struct server *server = &proxy->servers[group->servers[i]];

		if (server_is_left_alone(server, proxy->now_ns) && !is_any)
			continue;
		if (!is_any)
			server_begin_trial(server, proxy->now_ns);
		has_asked |= ask_server(proxy, pending, server->number, false);
	}
	return has_asked;
}

static void set_timer(struct proxy *proxy, struct pending *pending)
{
	wheel_set(&proxy->wheel, &pending->timer,
		  proxy->now_ns +
			  (int64_t)proxy->config->proxy.timeout_ms * NANOSECONDS_PER_MILLISECOND);
	if (!proxy->is_ticking)
		loop_timer_set(proxy->tick_timer, TICK_NS);
	proxy->is_ticking = true;
}

/* The next try; when there is none, the end. */
static void try_next(struct proxy *proxy, struct pending *pending)
{
	bool is_parallel = proxy->groups[pending->group].policy == UPSTREAM_PARALLEL;

	while (pending->try_count <= proxy->config->proxy.retries) {
		pending->try_count++;
		if (is_parallel ? ask_all(proxy, pending) : ask_one(proxy, pending)) {
			set_timer(proxy, pending);
			return;
		}
	}
	fail(proxy, pending);
}

/* With one group of one server, or all asked at once, there is nobody else to ask. */
static bool has_other(const struct proxy *proxy, const struct pending *pending)
{
	const struct group *group = &proxy->groups[pending->group];

	if (pending->try_count > proxy->config->proxy.retries)
		return false;
	for (uint32_t i = 0; i < group->count; i++)
		if (!asked_before(pending, group->servers[i]))
			return true;
	return false;
}

void resolve_on_due(struct proxy *proxy, struct wheel_timer *timer)
{
	struct pending *pending = (struct pending *)timer; /* its first member */

	for (uint32_t i = 0; i < pending->attempt_count; i++) {
		struct attempt *attempt = &pending->attempts[i];

		if (attempt->state == ATTEMPT_DONE || attempt->is_late)
			continue;
		attempt->is_late = true;
		server_has_timed_out(&proxy->servers[attempt->server], attempt, proxy->now_ns);
	}
	if (pending->is_answered) {
		forget(proxy, pending);
		return;
	}
	deliver_stale(proxy, pending); /* clients have waited long enough for a better one */
	try_next(proxy, pending);
}

/* 0x20: letters in a case that a forger has to guess, too. */
static void choose_case(struct proxy *proxy, struct pending *pending)
{
	uint16_t bits = 0;

	memcpy(pending->asked, pending->name, pending->name_length);
	if (!proxy->config->proxy.mixes_case)
		return;
	for (uint32_t i = 0; i < pending->name_length; i++) {
		uint8_t octet = pending->asked[i];

		if (i % 16 == 0)
			bits = random_stock_take(&proxy->random);
		if (octet >= 'a' && octet <= 'z' && bits >> i % 16 & 1)
			pending->asked[i] = (uint8_t)(octet - 0x20);
	}
}

/* Asks; asker: who waits for it, or NULL. */
static void begin(struct proxy *proxy, const struct pending_key *key, const struct asker *asker)
{
	bool is_new;
	struct pending *pending = pendings_find_or_add(proxy->pendings, key, &is_new);

	if (!pending || (asker && !pendings_wait(proxy->pendings, pending, asker))) {
		if (pending && is_new)
			pendings_remove(proxy->pendings, pending);
		proxy_count(proxy, COUNTER_PROXY_DROPPED_FULL, asker != NULL);
		return;
	}
	if (asker && asker->client.connection)
		connection_hold(&asker->client);
	if (!is_new) {
		proxy_count(proxy, COUNTER_PROXY_COALESCED, asker != NULL);
		return;
	}
	choose_case(proxy, pending);
	if (all_are_left_alone(proxy, &proxy->groups[key->group]))
		deliver_stale(proxy, pending); /* and see whether somebody answers again */
	try_next(proxy, pending);
}

static bool is_soon_over(const struct cache_hit *hit)
{
	return hit->left_s && hit->left_s <= (hit->age_s + hit->left_s) / PREFETCH_SHARE;
}

void resolve_ask(struct proxy *proxy, const struct asker *asker, struct slice name, uint32_t group)
{
	const struct dns_query *query = &proxy->taken->query;
	struct pending_key key = {
		.name = name,
		.type = query->type,
		.class = query->class,
		.is_dnssec_ok = query->is_dnssec_ok,
		.is_checking_disabled = query->flags & DNS_FLAG_CD,
		.is_recursion_desired = query->flags & DNS_FLAG_RD,
		.group = group,
	};
	struct cache_key cache_key = {
		.name = name,
		.type = query->type,
		.class = query->class,
		.is_dnssec_ok = key.is_dnssec_ok,
		.is_checking_disabled = key.is_checking_disabled,
		.group = proxy->groups[group].identity,
	};
	uint8_t question[DNS_NAME_MAX + 4];
	struct cache_hit hit;

	/* Who desires no recursion asks what the server knows (and may look who asked what before).
	 */
	if (proxy->cache && key.is_recursion_desired &&
	    cache_find_hashed(proxy->cache, &cache_key,
			      asker->is_rewritten ? cache_hash(proxy->cache, &cache_key)
						  : proxy->taken->hash,
			      seconds_of(proxy->now_ns), 0, &hit)) {
		memcpy(question, name.data, name.length);
		be16_store(question + name.length, query->type);
		be16_store(question + name.length + 2, query->class);
		answer_hit(proxy, asker, &hit, (struct slice){question, name.length + 4});
		if (!proxy->config->proxy.prefetches || !is_soon_over(&hit))
			return;
		proxy_count(proxy, COUNTER_PROXY_PREFETCHES, !pendings_find(proxy->pendings, &key));
		begin(proxy, &key, NULL);
		return;
	}
	begin(proxy, &key, asker);
}

static uint32_t clamp(uint32_t value, uint32_t least, uint32_t most)
{
	return value < least ? least : value > most ? most : value;
}

/* How long it may be kept; 0: not at all. With SOA in the authority section, aliases lead to
 * nothing (RFC 2308 2.2). */
static uint32_t ttl_of(const struct config_proxy *config, const struct response *response)
{
	uint32_t negative = response->negative_ttl_s;
	bool is_negative = response->rcode == DNS_NXDOMAIN || !response->answer_count ||
			   negative != UINT32_MAX;

	if (!is_negative)
		return clamp(response->ttl_least_s, config->cache_ttl_least_s,
			     config->cache_ttl_most_s);
	if (negative == UINT32_MAX)
		return 0;
	if (response->ttl_least_s < negative)
		negative = response->ttl_least_s;
	return clamp(negative, 0, config->cache_negative_ttl_most_s);
}

/* Only whole answers, for the question that they answer (threats G-4). */
static void keep(struct proxy *proxy, const struct pending *pending, struct slice message,
		 const struct response *response)
{
	struct cache_key key = cache_key_of(proxy, pending);
	struct cache_answer answer = {
		.message = message,
		.ttls = response->ttls,
		.ttl_count = response->ttl_count,
		.rcode = response->rcode,
		.extended_error = response->extended_error,
		.ttl_s = ttl_of(&proxy->config->proxy, response),
	};

	if (proxy->cache && pending->is_recursion_desired && answer.ttl_s)
		cache_put(proxy->cache, &key, &answer, seconds_of(proxy->now_ns));
}

static void deliver(struct proxy *proxy, struct pending *pending, uint8_t *message,
		    const struct response *response)
{
	struct reply_source source = {
		.message = {message, response_compact(message, response)},
		.ttls = response->ttls,
		.ttl_count = response->ttl_count,
		.rcode = response->rcode,
		.ttl_most_s = UINT32_MAX,
		.is_authentic = true,
		.error = (enum extended_error)response->extended_error,
	};

	if (!(response->flags & DNS_FLAG_TC))
		keep(proxy, pending, source.message, response);
	for (struct asker *asker = pending->first; asker; asker = asker->next)
		answer_response(proxy, asker, &source, response, COUNTER_PROXY_RESOLVED);
	settle(proxy, pending);
}

static void refuse_private(struct proxy *proxy, struct pending *pending)
{
	for (struct asker *asker = pending->first; asker; asker = asker->next)
		answer_error(proxy, asker, DNS_REFUSED, EDE_BLOCKED, COUNTER_PROXY_PRIVATE);
	settle(proxy, pending);
}

/* What is good. That it is authentic nobody has to say who could be anybody (threats B-7). */
static void take_good(struct proxy *proxy, const struct server *server, struct pending *pending,
		      uint8_t *message)
{
	const struct response *response = &proxy->response;

	if (!server->is_trusted)
		be16_store(message + 2, (uint16_t)(response->flags & ~DNS_FLAG_AD));
	if (proxy->config->proxy.refuses_private && server->is_public &&
	    rebinding_is_in((struct slice){message, response->length}, response))
		refuse_private(proxy, pending);
	else
		deliver(proxy, pending, message, response);
}

/* Who forges answers to this question knows where it was asked from: it is asked over TCP. */
static void ask_over_tcp(struct proxy *proxy, struct pending *pending, uint16_t server)
{
	if (pending->is_over_tcp || pending->is_answered)
		return;
	pending->is_over_tcp = true;
	release_all(proxy, pending, ATTEMPT_UDP);
	if (!ask_server(proxy, pending, server, true))
		try_next(proxy, pending);
}

/* An answer that nobody waits for, at a port where somebody waits for something: is that question
 * asked through this socket? */
static void suspect(struct proxy *proxy, struct server *server, struct server_socket *socket,
		    struct slice message)
{
	struct pending *at = NULL, *next;
	uint8_t lower[DNS_NAME_MAX];
	struct dns_question asked;
	struct slice name;

	server->stats->wrong_ids++;
	if (!socket || !dns_question_parse(message, &asked) || !asked.name_length)
		return;
	name_lower(asked.name, asked.name_length, lower);
	name = (struct slice){lower, asked.name_length};
	next = pendings_find_question(proxy->pendings, name, asked.type, asked.class, NULL);
	while ((at = next)) {
		next = pendings_find_question(proxy->pendings, name, asked.type, asked.class, at);
		for (uint32_t i = 0; i < at->attempt_count; i++) {
			struct attempt *attempt = &at->attempts[i];

			if (attempt->state == ATTEMPT_UDP && attempt->server == server->number &&
			    &server->sockets[attempt->socket] == socket) {
				ask_over_tcp(proxy, at, server->number);
				break;
			}
		}
	}
}

/* The server is asked elsewhere, or nobody is left to ask. */
static void take_error(struct proxy *proxy, struct server *server, struct pending *pending,
		       const struct response *response)
{
	server->stats->errors++;
	pending->error_rcode = response->rcode;
	pending->error_flags = response->flags;
	pending->error_extended = (int16_t)response->extended_error;
	if (has_time(pending))
		return;
	if (has_other(proxy, pending))
		try_next(proxy, pending);
	else if (!is_waiting(pending))
		fail(proxy, pending);
}

/* What is believed. */
static void take_answer(struct proxy *proxy, struct server *server, struct pending *pending,
			struct attempt *attempt, uint8_t *message)
{
	const struct response *response = &proxy->response;
	bool is_cut = (response->flags & DNS_FLAG_TC) && attempt->state == ATTEMPT_UDP;

	server_release(server, attempt);
	pendings_end_try(proxy->pendings, attempt);
	server_has_answered(server, proxy->now_ns, proxy->now_ns - attempt->sent_ns);
	if (pending->is_answered) {
		if (!is_waiting(pending))
			forget(proxy, pending);
		return;
	}
	if (is_cut) {
		server->stats->truncated++;
		if (ask_server(proxy, pending, server->number, true))
			set_timer(proxy, pending);
		else if (!is_waiting(pending))
			try_next(proxy, pending);
	} else if (is_error(response->rcode)) {
		take_error(proxy, server, pending, response);
	} else {
		take_good(proxy, server, pending, message);
	}
}

/* What is asked over UDP leaves at the end of the turn: an answer in the same one came before. */
static bool is_asked_through(const struct proxy *proxy, const struct attempt *attempt,
			     const struct server *server, const struct server_socket *socket)
{
	if (attempt->server != server->number)
		return false;
	if (!socket)
		return attempt->state == ATTEMPT_TCP;
	return attempt->state == ATTEMPT_UDP && &server->sockets[attempt->socket] == socket &&
	       attempt->sent_ns != proxy->now_ns;
}

void resolve_take(struct proxy *proxy, struct server *server, struct server_socket *socket,
		  uint8_t *message, size_t length)
{
	struct slice bytes = {message, length};
	uint8_t question[DNS_NAME_MAX + 4];
	struct attempt *attempt;
	struct pending *pending;

	if (length < DNS_HEADER_SIZE) {
		server->stats->malformed++;
		return;
	}
	pending = pendings_find_id(proxy->pendings, be16_load(message), &attempt);
	if (!pending || !is_asked_through(proxy, attempt, server, socket)) {
		suspect(proxy, server, socket, bytes);
		return;
	}
	switch (response_parse(bytes, question_of(pending, question),
			       proxy->config->proxy.mixes_case, &proxy->response)) {
	case RESPONSE_OK:
		take_answer(proxy, server, pending, attempt, message);
		break;
	case RESPONSE_OTHER: /* also a server that does not keep the case of letters */
		server->stats->wrong_questions++;
		ask_over_tcp(proxy, pending, server->number);
		break;
	case RESPONSE_MALFORMED:
		server->stats->malformed++;
		break;
	}
}

/* Ends what was asked through the server's connection; false when nothing was. */
static bool lose_stream(struct proxy *proxy, struct pending *pending, struct server *server)
{
	bool has_lost = false;

	for (uint32_t i = 0; i < pending->attempt_count; i++) {
		struct attempt *attempt = &pending->attempts[i];

		if (attempt->state != ATTEMPT_TCP || attempt->server != server->number)
			continue;
		server_release(server, attempt);
		pendings_end_try(proxy->pendings, attempt);
		has_lost = true;
	}
	return has_lost;
}

/* A server that has answered may close whenever it likes (RFC 7766 6.2.3): what it leaves is asked
 * anew within its time. */
void resolve_on_stream_end(struct proxy *proxy, struct server *server, bool has_worked)
{
	struct pending *next;

	if (!server->outstanding)
		return;
	for (struct pending *at = pendings_first(proxy->pendings); at; at = next) {
		next = at->next;
		if (!lose_stream(proxy, at, server) || is_waiting(at))
			continue;
		if (at->is_answered)
			forget(proxy, at);
		else if (!has_worked || !ask_server(proxy, at, server->number, true))
			try_next(proxy, at);
	}
}
