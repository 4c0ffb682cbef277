/* SPDX-License-Identifier: BSD-3-Clause */
#include "worker/proxy/answer.h"

#include <string.h>

#include "base/clock.h"
#include "base/cursor.h"
#include "dns/reply.h"
#include "ipc/proxy_stats.h"

uint8_t *answer_room(struct proxy *proxy, const struct asker *asker, size_t *size)
{
	if (asker->client.connection) {
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
	event->protocol = client->connection ? EVENT_TCP : EVENT_UDP;
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

	if (!asker->client.connection) {
		listener_send(asker->client.listener, &asker->client, length, outcome);
	} else if (connection_send(&asker->client, bytes, length)) {
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
