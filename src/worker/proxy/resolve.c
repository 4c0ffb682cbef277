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
#include "worker/proxy/resolve_cache.h"

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

static void release_all(struct proxy *proxy, struct pending *pending, enum attempt_state state)
{
	for (uint32_t i = 0; i < pending->attempt_count; i++) {
		struct attempt *attempt = &pending->attempts[i];

		if (attempt->state == ATTEMPT_DONE ||
		    (state != ATTEMPT_DONE && attempt->state != state))
			continue;
		server_release(&proxy->servers[attempt->server], attempt);
		pendings_end_attempt(proxy->pendings, attempt);
	}
}

static void forget(struct proxy *proxy, struct pending *pending)
{
	release_all(proxy, pending, ATTEMPT_DONE);
	wheel_stop(&proxy->wheel, &pending->timer);
	pendings_remove(proxy->pendings, pending);
}

static void release_askers(const struct pending *pending)
{
	for (const struct asker *asker = pending->first; asker; asker = asker->next)
		if (asker->client.stream)
			client_stream_release(&asker->client);
}

/* Nobody waits any more; what other servers still answer is awaited in silence. */
static void settle(struct proxy *proxy, struct pending *pending)
{
	release_askers(pending);
	pendings_settle(proxy->pendings, pending);
	if (!pending_is_waiting(pending))
		forget(proxy, pending);
}

/* RFC 8767: what was kept, though its time is over, to all who wait. */
static bool deliver_stale(struct proxy *proxy, struct pending *pending)
{
	uint8_t question[DNS_NAME_MAX + 4];
	struct cache_hit hit;

	if (!pending->first || !resolve_cache_find_stale(proxy, pending, &hit))
		return false;
	for (struct asker *asker = pending->first; asker; asker = asker->next)
		answer_hit(proxy, asker, &hit, question_of(pending, question));
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

static struct server_group *group_of(const struct proxy *proxy, const struct pending *pending)
{
	return &proxy->groups[pending->group];
}

/* is_tcp: what was not fit for UDP goes on over TCP. */
static bool ask_server(struct proxy *proxy, struct pending *pending, struct server *server,
		       bool is_tcp)
{
	bool is_retry = !is_tcp && pending_times_asked(pending, server->number);
	struct attempt *attempt = pendings_begin_attempt(proxy->pendings, pending, &proxy->random);

	server->stats->retries += is_retry;
	return attempt && server_ask(server, pending, attempt, is_tcp || pending->is_over_tcp);
}

/* Beside one that has failed, the best that has not: a client is not to wait for a trial. */
static bool ask_one(struct proxy *proxy, struct pending *pending)
{
	struct server_group *group = group_of(proxy, pending);
	struct server *server = server_group_choose(group, pending, proxy->now_ns);
	struct server *well = server->backoff_ns ? server_group_find_well(group) : NULL;
	bool has_asked;

	server_begin_trial(server, proxy->now_ns);
	has_asked = ask_server(proxy, pending, server, false);
	if (well)
		has_asked |= ask_server(proxy, pending, well, false);
	group->turn++;
	return has_asked;
}

/* All that are not left alone; when all are, all. */
static bool ask_all(struct proxy *proxy, struct pending *pending)
{
	const struct server_group *group = group_of(proxy, pending);
	bool is_any = server_group_is_left_alone(group, proxy->now_ns), has_asked = false;

	for (uint32_t i = 0; i < group->count; i++) {
		struct server *server = group->servers[i];

		if (server_is_left_alone(server, proxy->now_ns) && !is_any)
			continue;
		if (!is_any)
			server_begin_trial(server, proxy->now_ns);
		has_asked |= ask_server(proxy, pending, server, false);
	}
	return has_asked;
}

static void set_timer(struct proxy *proxy, struct pending *pending)
{
	proxy_set_timer(proxy, &pending->timer,
			(int64_t)proxy->config->proxy.timeout_ms * NANOSECONDS_PER_MILLISECOND);
}

/* The next round; when there is none, the end. */
static void begin_round(struct proxy *proxy, struct pending *pending)
{
	bool is_parallel = group_of(proxy, pending)->policy == UPSTREAM_PARALLEL;

	while (pending->round_count <= proxy->config->proxy.retries) {
		pending->round_count++;
		if (is_parallel ? ask_all(proxy, pending) : ask_one(proxy, pending)) {
			set_timer(proxy, pending);
			return;
		}
	}
	fail(proxy, pending);
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
	begin_round(proxy, pending);
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
	if (asker && asker->client.stream)
		client_stream_hold(&asker->client);
	if (is_new)
		choose_case(proxy, pending);
	if (server_group_is_left_alone(&proxy->groups[key->group], proxy->now_ns))
		deliver_stale(proxy, pending); /* and see whether somebody answers again */
	if (is_new)
		begin_round(proxy, pending);
	else
		proxy_count(proxy, COUNTER_PROXY_COALESCED, asker != NULL);
}

void resolve_ask(struct proxy *proxy, const struct asker *asker, struct slice name, uint32_t group)
{
	const struct dns_query *query = &proxy->taken->query;
	const struct pending_key key = {
		.name = name,
		.type = query->type,
		.class = query->class,
		.is_dnssec_ok = query->is_dnssec_ok,
		.is_checking_disabled = query->flags & DNS_FLAG_CD,
		.is_recursion_desired = query->flags & DNS_FLAG_RD,
		.group = group,
	};
	uint8_t question[DNS_NAME_MAX + 4];
	struct cache_hit hit;

	if (!resolve_cache_find(proxy, asker, name, group, &hit)) {
		begin(proxy, &key, asker);
		return;
	}
	memcpy(question, name.data, name.length);
	be16_store(question + name.length, query->type);
	be16_store(question + name.length + 2, query->class);
	answer_hit(proxy, asker, &hit, (struct slice){question, name.length + 4});
	if (!resolve_cache_is_to_renew(proxy, &hit))
		return;
	proxy_count(proxy, COUNTER_PROXY_PREFETCHES, !pendings_find(proxy->pendings, &key));
	begin(proxy, &key, NULL);
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
		resolve_cache_keep(proxy, pending, source.message, response);
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
static void ask_over_tcp(struct proxy *proxy, struct pending *pending, struct server *server)
{
	if (pending->is_over_tcp || pending->is_answered)
		return;
	pending->is_over_tcp = true;
	release_all(proxy, pending, ATTEMPT_UDP);
	if (!ask_server(proxy, pending, server, true))
		begin_round(proxy, pending);
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
				ask_over_tcp(proxy, at, server);
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
	if (pending_has_time(pending))
		return;
	if (pending->round_count <= proxy->config->proxy.retries &&
	    server_group_has_other(group_of(proxy, pending), pending))
		begin_round(proxy, pending);
	else if (!pending_is_waiting(pending))
		fail(proxy, pending);
}

/* What is believed. */
static void take_answer(struct proxy *proxy, struct server *server, struct pending *pending,
			struct attempt *attempt, uint8_t *message)
{
	const struct response *response = &proxy->response;
	bool is_cut = (response->flags & DNS_FLAG_TC) && attempt->state == ATTEMPT_UDP;

	server_release(server, attempt);
	pendings_end_attempt(proxy->pendings, attempt);
	server_has_answered(server, proxy->now_ns, proxy->now_ns - attempt->sent_ns);
	if (pending->is_answered) {
		if (!pending_is_waiting(pending))
			forget(proxy, pending);
		return;
	}
	if (is_cut) {
		server->stats->truncated++;
		if (ask_server(proxy, pending, server, true))
			set_timer(proxy, pending);
		else if (!pending_is_waiting(pending))
			begin_round(proxy, pending);
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

void resolve_on_message(struct proxy *proxy, struct server *server, struct server_socket *socket,
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
		ask_over_tcp(proxy, pending, server);
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
		pendings_end_attempt(proxy->pendings, attempt);
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
		if (!lose_stream(proxy, at, server) || pending_is_waiting(at))
			continue;
		if (at->is_answered)
			forget(proxy, at);
		else if (!has_worked || !ask_server(proxy, at, server, true))
			begin_round(proxy, at);
	}
}
