/* SPDX-License-Identifier: BSD-3-Clause */
#include "worker/proxy/answer.h"

#include "base/clock.h"
#include "base/cursor.h"
#include "dns/message.h"
#include "dns/reply.h"
#include "ipc/proxy_stats.h"

#define STALE_TTL_S 30 /* RFC 8767 4: a stale answer lives for a moment, whatever its TTLs said */

uint8_t *answer_room(struct proxy *proxy, const struct asker *asker, size_t *size)
{
	if (asker->client.stream) {
		*size = sizeof(proxy->reply_bytes);
		return proxy->reply_bytes;
	}
	*size = LISTENER_REPLY_MAX;
	return listener_reply(asker->client.listener);
}

/* What is the same in an event of the query and in one of its answer. */
static void fill_event(const struct proxy *proxy, const struct asker *asker, struct event *event)
{
	const struct client *client = &asker->client;
	const struct reply_question *question = &asker->question;

	event->time_ns = proxy->wall_ns;
	event->latency_ns = EVENT_NO_LATENCY;
	event->query_address = client->address;
	event->query_port = client_port(&client->from);
	event->protocol = client->stream ? EVENT_TCP : EVENT_UDP;
	event->id = question->id;
	event->verdict = asker->verdict;
	event->rule = asker->rule;
	event->response_address = client->asked.address;
	event->response_port = client->asked.port;
	if (!question->question_length)
		return;
	event->qname = (struct slice){question->question, question->question_length - 4u};
	event->type = be16_load(event->qname.data + event->qname.length);
	event->class = be16_load(event->qname.data + event->qname.length + 2);
}

void answer_note_query(struct proxy *proxy, const struct asker *asker, struct slice message)
{
	struct event event = {.kind = EVENT_CLIENT_QUERY};

	if (!proxy->observer)
		return;
	fill_event(proxy, asker, &event);
	event.flags = asker->question.flags;
	event.length = (uint32_t)message.length;
	event.message = message;
	observer_note(proxy->observer, &event);
}

/* What is answered in the turn in which it came took a part of that. */
static int64_t took_ns(const struct proxy *proxy, const struct asker *asker)
{
	if (asker->asked_ns == proxy->now_ns)
		return clock_monotonic_ns() - asker->asked_ns;
	return proxy->now_ns - asker->asked_ns;
}

static void note_answer(struct proxy *proxy, const struct asker *asker, struct slice message,
			int64_t latency_ns)
{
	struct event event = {.kind = EVENT_CLIENT_RESPONSE};

	fill_event(proxy, asker, &event);
	event.flags = be16_load(message.data + 2);
	event.rcode = event.flags & 0xf;
	event.latency_ns = latency_ns;
	event.length = (uint32_t)message.length;
	event.message = message;
	observer_note(proxy->observer, &event);
}

static void hand_over(struct proxy *proxy, const struct asker *asker, const uint8_t *bytes,
		      size_t length, enum counter outcome)
{
	struct proxy_traffic_stats *traffic = &proxy->stats->traffic;

	if (!asker->client.stream) {
		listener_send(asker->client.listener, &asker->client, length, outcome);
	} else if (client_stream_send(&asker->client, bytes, length)) {
		proxy_count(proxy, outcome, 1);
		traffic->packets_sent++;
		traffic->bytes_sent += length;
	} else {
		proxy_count(proxy, COUNTER_PROXY_CLOSED, 1);
	}
}

void answer_send(struct proxy *proxy, const struct asker *asker, const uint8_t *bytes,
		 size_t length, enum counter outcome)
{
	const struct reply_question *question = &asker->question;
	int64_t latency_ns = took_ns(proxy, asker);

	if (be16_load(bytes + 2) & DNS_FLAG_TC)
		proxy_count(proxy, COUNTER_PROXY_TRUNCATED, 1);
	proxy_stats_answer(proxy->stats, (uint64_t)(latency_ns > 0 ? latency_ns : 0));
	if (question->question_length)
		proxy_stats_name(proxy->stats, &proxy->stats_key,
				 (struct slice){question->question, question->question_length - 4u},
				 random_next(&proxy->random_fast));
	if (proxy->observer)
		note_answer(proxy, asker, (struct slice){bytes, length}, latency_ns);
	hand_over(proxy, asker, bytes, length, outcome);
}

void answer_error(struct proxy *proxy, const struct asker *asker, uint16_t rcode,
		  enum extended_error error, enum counter outcome)
{
	size_t size;
	uint8_t *out = answer_room(proxy, asker, &size);

	answer_send(proxy, asker, out, reply_error(&asker->question, rcode, error, out), outcome);
}

void answer_relay_error(struct proxy *proxy, const struct asker *asker,
			const struct pending *pending)
{
	size_t size;
	uint8_t *out = answer_room(proxy, asker, &size);
	size_t length =
		reply_relay_error(&asker->question, pending->error_flags, pending->error_rcode,
				  (enum extended_error)pending->error_extended, out);

	answer_send(proxy, asker, out, length, COUNTER_PROXY_FAILED);
}

/* Who asked under another name gets an answer to that. False when it does not fit: then there is
 * none. */
static bool rename_source(struct proxy *proxy, const struct asker *asker,
			  struct reply_source *source, struct response *response)
{
	struct slice name = {asker->question.question, asker->question.question_length - 4u};
	size_t length = response_rename(source->message, name, response, proxy->renamed_bytes,
					sizeof(proxy->renamed_bytes));

	source->message = (struct slice){proxy->renamed_bytes, length};
	source->ttls = response->ttls;
	source->ttl_count = response->ttl_count;
	return length;
}

void answer_response(struct proxy *proxy, const struct asker *asker,
		     const struct reply_source *source, const struct response *response,
		     enum counter outcome)
{
	static struct response renamed; /* one answer is delivered at a time */
	struct reply_source own = *source;
	size_t size;
	uint8_t *out;

	if (asker->is_rewritten) {
		renamed = *response;
		if (!rename_source(proxy, asker, &own, &renamed)) {
			answer_error(proxy, asker, DNS_SERVFAIL, EDE_OTHER, COUNTER_PROXY_FAILED);
			return;
		}
		own.is_authentic = false; /* nobody signed it under this name */
	}
	out = answer_room(proxy, asker, &size);
	answer_send(proxy, asker, out, reply_relay(&asker->question, &own, out, size), outcome);
}

/* What was kept, as a reply is made of it. */
static struct reply_source source_of_hit(const struct cache_hit *hit)
{
	const struct cache_answer *answer = &hit->answer;

	return (struct reply_source){
		.message = answer->message,
		.ttls = answer->ttls,
		.ttl_count = answer->ttl_count,
		.rcode = answer->rcode,
		.age_s = hit->age_s,
		.ttl_most_s = hit->left_s ? UINT32_MAX : STALE_TTL_S,
		.is_authentic = true,
		.error = hit->left_s ? (enum extended_error)answer->extended_error
			 : answer->rcode == DNS_NXDOMAIN ? EDE_STALE_NXDOMAIN_ANSWER
							 : EDE_STALE_ANSWER,
	};
}

void answer_hit(struct proxy *proxy, const struct asker *asker, const struct cache_hit *hit,
		struct slice question)
{
	struct reply_source source = source_of_hit(hit);

	if (asker->is_rewritten &&
	    response_parse(source.message, question, false, &proxy->response) != RESPONSE_OK) {
		answer_error(proxy, asker, DNS_SERVFAIL, EDE_OTHER, COUNTER_PROXY_FAILED);
		return;
	}
	if (!hit->left_s)
		proxy_count(proxy, COUNTER_PROXY_STALE, 1);
	answer_response(proxy, asker, &source, &proxy->response, COUNTER_PROXY_CACHED);
}
