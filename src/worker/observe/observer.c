/* SPDX-License-Identifier: BSD-3-Clause */
#include "worker/observe/observer.h"

#include <string.h>

#include "base/clock.h"
#include "base/cursor.h"
#include "ipc/child.h"
#include "ipc/commit.h"
#include "ipc/event_codec.h"
#include "ipc/memory.h"
#include "ipc/observation.h"

#define FLAG_QR 0x8000
#define FLAG_AA 0x0400
#define FLAG_RD 0x0100

#define PROTOCOL_TCP 6 /* IP protocol number */

static bool is_own(const struct observer *observer, const struct address *address)
{
	for (uint32_t i = 0; i < observer->own_count; i++)
		if (address_equal(&observer->own[i], address))
			return true;
	return false;
}

/* Whose message it is, seen from the server that is watched (spec/dnstap-receiver.md 4.4); without
 * one, and where its table has no answer, a client's. */
static uint8_t kind_of(const struct observer *observer, const struct packet *packet, uint16_t flags)
{
	bool is_response = flags & FLAG_QR;
	uint8_t kind = EVENT_CLIENT_QUERY;

	if (observer->own_count &&
	    !is_own(observer, is_response ? &packet->source : &packet->destination)) {
		bool is_recursive = flags & FLAG_RD;

		if (is_own(observer, is_response ? &packet->destination : &packet->source))
			kind = is_recursive && !(is_response && (flags & FLAG_AA))
				       ? EVENT_FORWARDER_QUERY
				       : EVENT_RESOLVER_QUERY;
	}
	return (uint8_t)(kind + is_response);
}

/* What the message says of itself. */
static void fill_message(struct observer *observer, struct slice message,
			 const struct dns_answer *answer, struct event *event)
{
	struct dns_question *question = &observer->question;

	event->length = (uint32_t)message.length;
	event->id = be16_load(message.data);
	event->flags = be16_load(message.data + 2);
	if (observer->has_messages)
		event->message = message;
	if (answer) {
		event->rcode = answer->rcode;
		event->type = answer->type;
		event->class = answer->class;
		event->qname = (struct slice){answer->names, answer->question_length};
		return;
	}
	dns_question_parse(message, question);
	event->rcode = question->rcode;
	event->type = question->type;
	event->class = question->class;
	event->qname = (struct slice){question->name, question->name_length};
}

static void fill_packet(const struct observer *observer, const struct packet *packet,
			struct event *event)
{
	bool is_response = event->flags & FLAG_QR;

	event->query_address = is_response ? packet->destination : packet->source;
	event->response_address = is_response ? packet->source : packet->destination;
	event->query_port = is_response ? packet->destination_port : packet->source_port;
	event->response_port = is_response ? packet->source_port : packet->destination_port;
	event->kind = kind_of(observer, packet, event->flags);
	event->protocol = packet->protocol == PROTOCOL_TCP ? EVENT_TCP : EVENT_UDP;
}

static uint8_t *reserve(struct observer *observer, uint32_t length)
{
	uint8_t *out = ring_reserve(&observer->ring, length);

	while (!out && observer->wait) {
		ring_publish(&observer->ring);
		if (!observer->wait(observer->wait_argument))
			return NULL;
		out = ring_reserve(&observer->ring, length);
	}
	return out;
}

static void stage_event(struct observer *observer, const struct event *event)
{
	uint32_t length = event_encoded_length(event);
	enum counter outcome = COUNTER_EVENTS_TOO_BIG;
	uint8_t *out = NULL;

	if (length <= RING_RECORD_MAX) {
		out = reserve(observer, length);
		outcome = out ? COUNTER_EVENTS_PUSHED : COUNTER_EVENTS_FULL;
	}
	if (out) {
		event_encode(event, out);
		commit_set(observer->head, STATE_EVENTS, ring_finish(&observer->ring, length));
	}
	commit_add(observer->head, COUNTER_EVENTS_DUE, 1);
	commit_add(observer->head, outcome, 1);
}

void observer_on_wait(struct observer *observer, bool (*wait)(void *argument), void *argument)
{
	observer->wait = wait;
	observer->wait_argument = argument;
}

void observer_leave_out(struct observer *observer, const struct own_traffic *traffic)
{
	observer->left_out = traffic;
}

/* Queries of clients alone; the event is used again for the next message. */
static void judge(struct observer *observer, struct event *event)
{
	event->verdict = EVENT_NOT_JUDGED;
	event->rule = 0;
	if (event->kind == EVENT_CLIENT_QUERY)
		dry_run_judge(&observer->dry_run, event);
}

void observer_take(struct observer *observer, const struct packet *packet, struct slice message,
		   const struct dns_answer *answer, int64_t time_ns)
{
	struct event *event = &observer->event;
	uint64_t hash;

	if (message.length < DNS_HEADER_SIZE)
		return;
	if (observer->left_out && own_traffic_has(observer->left_out, packet)) {
		commit_add(observer->head, COUNTER_MESSAGES_OWN, 1);
		return;
	}
	event->time_ns = time_ns;
	event->latency_ns = EVENT_NO_LATENCY;
	fill_message(observer, message, answer, event);
	fill_packet(observer, packet, event);
	if (observer->is_dry_run)
		judge(observer, event);
	hash = stats_hash_name(&observer->key, event->qname);
	if (event_is_query(event))
		pairs_add_query(&observer->pairs, event, hash);
	else
		pairs_match(&observer->pairs, event, hash);
	shard_count(&observer->shard, event, hash);
	if (observer->has_events)
		stage_event(observer, event);
}

void observer_note(struct observer *observer, struct event *event)
{
	if (!observer->has_messages)
		event->message = (struct slice){0};
	shard_count(&observer->shard, event, stats_hash_name(&observer->key, event->qname));
	if (observer->has_events)
		stage_event(observer, event);
	commit_apply(observer->head);
}

void observer_tick(struct observer *observer, int64_t now_ns)
{
	struct event event;
	uint64_t at = 0;

	if (now_ns - observer->ticked_ns < NANOSECONDS_PER_SECOND)
		return;
	observer->ticked_ns = now_ns;
	while (pairs_expire(&observer->pairs, now_ns, &at, &event)) {
		shard_count(&observer->shard, &event, 0); /* its name has been counted */
		if (observer->has_events)
			stage_event(observer, &event);
		commit_apply(observer->head);
	}
}

void observer_begin(struct observer *observer)
{
	uint64_t epoch = __atomic_load_n(&observer->watch->stats_epoch, __ATOMIC_RELAXED);

	if (epoch == observer->epoch)
		return;
	observer->epoch = epoch;
	shard_set_epoch(&observer->shard, epoch);
}

void observer_settle(struct observer *observer)
{
	if (observer->has_events)
		ring_publish(&observer->ring);
	shard_settle(&observer->shard);
}

static void read_own(struct observer *observer, const char *list)
{
	char word[ADDRESS_TEXT_MAX];

	for (const char *at = list; *at && observer->own_count < CONFIG_OWN_ADDRESSES_MAX;) {
		size_t length = strcspn(at, "\n");

		if (length < sizeof(word)) {
			memcpy(word, at, length);
			word[length] = '\0';
			observer->own_count +=
				address_parse(word, &observer->own[observer->own_count]);
		}
		at += length + (at[length] == '\n');
	}
}

static int open_ring(struct observer *observer, const struct config *config)
{
	struct ring_fds fds = {CHILD_FD_EVENTS, CHILD_FD_EVENTS_TAIL, CHILD_FD_EVENTS_BELL};

	return ring_open_producer(&observer->ring, &fds, (size_t)config->event_ring_mib << 20,
				  state_get(observer->head, STATE_EVENTS));
}

const char *observer_open(struct observer *observer, const struct config *config,
			  const struct state_watch *watch, struct state_head *head)
{
	struct stats_limits limits = observation_limits(config);
	void *memory;

	*observer = (struct observer){.head = head, .watch = watch};
	observer->has_events = config_has_events(config);
	observer->has_messages = config_has_messages(config);
	observer->key = (struct hash_key){{watch->stats_key[0], watch->stats_key[1]}};
	observer->epoch = watch->stats_epoch;
	read_own(observer, config->own_address);
	observer->suffixes = observation_suffixes(config->statistics.suffix_list);
	memory = memory_map(CHILD_FD_STATS, observation_size(config), true);
	if (!memory || !observer->suffixes)
		return "the memory for statistics that was lent cannot be used";
	shard_attach(&observer->shard, memory, &limits, &observer->key, observer->epoch,
		     observer->suffixes);
	shard_hold_pace(&observer->shard);
	pairs_attach(&observer->pairs, observation_pairs(memory, config), &observer->key,
		     (int64_t)config->statistics.query_timeout_ms * NANOSECONDS_PER_MILLISECOND);
	observer->is_dry_run = config->is_dry_run;
	if (observer->is_dry_run) {
		const char *problem = dry_run_open(&observer->dry_run, config);

		if (problem)
			return problem;
	}
	if (observer->has_events && open_ring(observer, config))
		return "the ring of events that was lent cannot be used";
	return NULL;
}
