/* SPDX-License-Identifier: BSD-3-Clause */
#include "worker/capture/capture.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "ipc/child.h"
#include "ipc/commit.h"
#include "ipc/hook.h"
#include "ipc/settings.h"
#include "worker/capture/quarantine.h"

static bool is_dns_port(const struct capture *capture, uint16_t port)
{
	return !capture->are_ports_checked || capture->ports[port / 8] & 1 << port % 8;
}

/* A server of ours sent it: the only direction that records come from. */
static bool is_from_server(const struct capture *capture, const struct packet *packet)
{
	return is_dns_port(capture, packet->source_port);
}

static bool is_dns(const struct capture *capture, const struct packet *packet)
{
	return is_from_server(capture, packet) ||
	       (capture->observer && is_dns_port(capture, packet->destination_port));
}

static bool is_sampled_out(struct capture *capture)
{
	return capture->sample_rate && random_below(&capture->random, capture->sample_rate);
}

static void add_pieces(struct piece_counts *sum, struct piece_counts *counts)
{
	sum->in += counts->in;
	sum->used += counts->used;
	for (int cause = 0; cause < PIECE_CAUSE_COUNT; cause++)
		sum->dropped[cause] += counts->dropped[cause];
	*counts = (struct piece_counts){0};
}

/*
 * Stages what the streams did since the last commit and, at the end of a packet, the fragments, and
 * makes it lasting. Until then a successor finds the datagram of the packet incomplete, completes
 * it again, and goes on with the messages in it that are not committed.
 */
static void stage_pieces(struct capture *capture, bool with_fragments)
{
	struct state_head *head = capture->head;
	struct piece_counts sum = {0};

	_Static_assert(COUNTER_PIECES_RESHARDED - COUNTER_PIECES_DUPLICATE == PIECE_CAUSE_COUNT - 1,
		       "counters of dropped pieces stand in the order of their causes");

	add_pieces(&sum, &capture->stream_pieces);
	commit_set(head, STATE_STREAMS_STEP, commit_next_step(head, STATE_STREAMS_STEP));
	if (with_fragments) {
		add_pieces(&sum, &capture->fragment_pieces);
		commit_set(head, STATE_FRAGMENTS_STEP,
			   commit_next_step(head, STATE_FRAGMENTS_STEP));
	}
	commit_set(head, STATE_HELD,
		   fragments_held(capture->fragments) + streams_held(capture->streams));
	commit_add_some(head, COUNTER_PIECES_IN, sum.in);
	commit_add_some(head, COUNTER_PIECES_USED, sum.used);
	for (int cause = 0; cause < PIECE_CAUSE_COUNT; cause++)
		commit_add_some(head, (enum counter)(COUNTER_PIECES_DUPLICATE + cause),
				sum.dropped[cause]);
	if (capture->keeps_clock)
		commit_set(head, STATE_CLOCK, (uint64_t)capture->now_ns);
}

static uint64_t streams_step(const struct capture *capture)
{
	return commit_next_step(capture->head, STATE_STREAMS_STEP);
}

static uint64_t fragments_step(const struct capture *capture)
{
	return commit_next_step(capture->head, STATE_FRAGMENTS_STEP);
}

/* Stages the end of the packet: its counters, and the cursor behind it. */
static void stage_packet(struct capture *capture, enum counter counter)
{
	struct state_head *head = capture->head;

	commit_add(head, COUNTER_PACKETS_READ, 1);
	commit_add(head, counter, 1);
	commit_set(head, STATE_PACKET, capture->next_packet);
}

static void commit_packet(struct capture *capture, enum counter counter)
{
	stage_packet(capture, counter);
	commit_apply(capture->head);
}

static enum counter outcome_counter(enum dns_outcome outcome)
{
	static const enum counter counters[DNS_OUTCOME_COUNT] = {
		[DNS_RECORDED] = COUNTER_MESSAGES_RECORDED,
		[DNS_NOT_RESPONSE] = COUNTER_MESSAGES_NOT_RESPONSE,
		[DNS_NOT_DESIRED] = COUNTER_MESSAGES_NOT_DESIRED,
		[DNS_NOT_AVAILABLE] = COUNTER_MESSAGES_NOT_AVAILABLE,
		[DNS_NOT_NOERROR] = COUNTER_MESSAGES_NOT_NOERROR,
		[DNS_NOT_ONE_QUESTION] = COUNTER_MESSAGES_NOT_ONE_QUESTION,
		[DNS_NOT_ADDRESS_TYPE] = COUNTER_MESSAGES_NOT_ADDRESS_TYPE,
		[DNS_NO_ADDRESS] = COUNTER_MESSAGES_NO_ADDRESS,
		[DNS_MALFORMED_HEADER] = COUNTER_MESSAGES_BAD_HEADER,
		[DNS_MALFORMED_QUESTION] = COUNTER_MESSAGES_BAD_QUESTION,
		[DNS_MALFORMED_ANSWER] = COUNTER_MESSAGES_BAD_ANSWER,
		[DNS_TRUNCATED] = COUNTER_MESSAGES_TRUNCATED,
	};

	return counters[outcome];
}

/* Parses a message and stages its record and its outcome. The first to stage in its step: making
 * room may be a commit of its own. Returns the answer, or NULL if there is none to record. */
static const struct dns_answer *stage_record(struct capture *capture, const struct packet *packet,
					     struct slice message)
{
	struct state_head *head = capture->head;
	struct dns_answer *answer = &capture->answer;
	enum dns_outcome outcome = dns_answer_parse(message, packet->is_cut, answer);
	enum counter counter = outcome_counter(outcome);

	if (outcome == DNS_RECORDED) {
		uint32_t estimate = record_estimate(answer);

		if (estimate > RECORD_ESTIMATE_MAX) {
			counter = COUNTER_MESSAGES_TOO_BIG;
		} else {
			outbox_reserve(capture->outbox, estimate);
			outbox_stage(capture->outbox, &packet->destination, &packet->source,
				     answer);
			commit_add_some(head, COUNTER_MESSAGES_BAD_TAIL, answer->is_tail_malformed);
			commit_add_some(head, COUNTER_MESSAGES_EXCESS, answer->is_excess);
		}
	}
	commit_add(head, COUNTER_MESSAGES_IN, 1);
	commit_add(head, counter, 1);
	return outcome == DNS_RECORDED ? answer : NULL;
}

static void stage_unrecorded(struct capture *capture, enum counter counter)
{
	commit_add(capture->head, COUNTER_MESSAGES_IN, 1);
	commit_add(capture->head, counter, 1);
}

static void stage_message(struct capture *capture, const struct packet *packet,
			  struct slice message)
{
	const struct dns_answer *answer = NULL;

	if (!is_from_server(capture, packet))
		stage_unrecorded(capture, COUNTER_MESSAGES_TO_SERVER);
	else if (!capture->is_exporting)
		stage_unrecorded(capture, COUNTER_MESSAGES_NOT_EXPORTED);
	else
		answer = stage_record(capture, packet, message);
	if (capture->observer)
		observer_take(capture->observer, packet, message, answer, capture->time_ns);
}

static void stage_reassembled(struct capture *capture, const struct packet *packet,
			      struct slice message)
{
	if (is_sampled_out(capture)) {
		stage_unrecorded(capture, COUNTER_MESSAGES_SAMPLED_OUT);
	} else {
		stage_message(capture, packet, message);
	}
	commit_add(capture->head, COUNTER_MESSAGES_REASSEMBLED, 1);
}

static void take_udp(struct capture *capture, const struct packet *packet)
{
	if (!is_dns(capture, packet)) {
		commit_packet(capture, COUNTER_PACKETS_NOT_DNS);
	} else if (is_sampled_out(capture)) {
		commit_packet(capture, COUNTER_PACKETS_SAMPLED_OUT);
	} else {
		stage_message(capture, packet, packet->payload);
		commit_packet(capture, COUNTER_PACKETS_MESSAGE);
		outbox_settle(capture->outbox);
	}
}

/* Commits the messages that the stream layer has ready, one by one, counting those of a packet in
 * the cursor. */
static void take_messages(struct capture *capture, bool are_of_packet)
{
	struct state_head *head = capture->head;
	struct packet packet;
	struct slice message;

	while (streams_next(capture->streams, streams_step(capture), &packet, &message,
			    &capture->stream_pieces)) {
		stage_reassembled(capture, &packet, message);
		stage_pieces(capture, false);
		if (are_of_packet)
			commit_set(head, STATE_MESSAGE, state_get(head, STATE_MESSAGE) + 1);
		commit_apply(head);
		outbox_settle(capture->outbox);
	}
}

/* After streams_expire or streams_flush: takes the messages, commits the rest. The cursor stays, or
 * a successor would take the next packet for one whose messages it goes on with. */
static void finish_stream_work(struct capture *capture)
{
	take_messages(capture, false);
	stage_pieces(capture, false);
	commit_apply(capture->head);
}

/* Feeds a segment to its stream and commits what comes out; the end of the packet is the caller's
 * to commit. */
static void take_segment(struct capture *capture, const struct packet *segment)
{
	streams_add(capture->streams, segment, capture->is_again, streams_step(capture),
		    capture->now_ns, &capture->stream_pieces);
	take_messages(capture, true);
	commit_set(capture->head, STATE_MESSAGE, 0);
}

static void take_tcp(struct capture *capture, const struct packet *segment)
{
	if (!is_dns(capture, segment)) {
		commit_packet(capture, COUNTER_PACKETS_NOT_DNS);
		return;
	}
	take_segment(capture, segment);
	stage_pieces(capture, false);
	commit_packet(capture,
		      segment->payload.length ? COUNTER_PACKETS_PIECE : COUNTER_PACKETS_NOT_DNS);
}

/* A reassembled datagram: its message, its segment, or why there is none; true when it is itself a
 * piece (in a tunnel). */
static bool take_datagram(struct capture *capture, struct packet *datagram)
{
	enum decode_result result = decode_transport(&capture->options, datagram);
	bool is_wanted = is_dns(capture, datagram);

	if (result == DECODE_FRAGMENT)
		return true;
	if (result == DECODE_UDP && is_wanted)
		stage_reassembled(capture, datagram, datagram->payload);
	else if (result == DECODE_TCP && is_wanted)
		take_segment(capture, datagram);
	else if (result == DECODE_UDP || result == DECODE_TCP || result == DECODE_OTHER)
		commit_add(capture->head, COUNTER_DATAGRAMS_NOT_DNS, 1);
	else
		commit_add(capture->head, COUNTER_DATAGRAMS_MALFORMED, 1);
	return false;
}

static void take_fragment(struct capture *capture, const struct packet *fragment)
{
	struct packet piece = *fragment, whole;

	/* Each round goes at least one IP header deeper, so nesting bounds them. */
	while (fragments_add(capture->fragments, &piece, fragments_step(capture), capture->now_ns,
			     &whole, &capture->fragment_pieces) &&
	       take_datagram(capture, &whole))
		piece = whole;
	stage_pieces(capture, true);
	commit_packet(capture, COUNTER_PACKETS_PIECE);
	outbox_settle(capture->outbox);
}

static void take_malformed(struct capture *capture, enum decode_result result)
{
	_Static_assert(COUNTER_PACKETS_TOO_DEEP - COUNTER_PACKETS_BAD_LINK ==
			       DECODE_TOO_DEEP - DECODE_BAD_LINK,
		       "counters of malformed packets stand in the order of their causes");

	commit_packet(capture,
		      (enum counter)(COUNTER_PACKETS_BAD_LINK + (int)(result - DECODE_BAD_LINK)));
}

/* Is this frame, which no kernel chose for us, one of our share, and what the filter wants? */
static bool select_frame(struct capture *capture, const struct frame *frame,
			 const struct network *network, bool *is_admitted)
{
	struct classification class = classify_network(&capture->settings, network);

	*is_admitted = !capture->is_admitting || class.is_admitted;
	if (capture->filter)
		*is_admitted = filter_match(capture->filter, frame->bytes, frame->wire_length);
	return capture->share_count <= 1 ||
	       class.key % capture->share_count == capture->share_index;
}

static void keep_frame(struct capture *capture, const struct frame *frame)
{
	int error = quarantine_append(CHILD_FD_QUARANTINE, frame);

	commit_add_some(capture->head, COUNTER_PACKETS_NOT_KEPT, error != 0);
	if (error && error != -EBADF)
		snprintf(capture->outbox->notice, sizeof(capture->outbox->notice),
			 "a packet that ended a worker is not kept: quarantine: %s",
			 error == -EFBIG ? "it is full" : strerror(-error));
}

/* Has this frame ended our predecessor? Then it goes no further. */
static bool is_poison(struct capture *capture, const struct frame *frame)
{
	if (__builtin_expect(!capture->is_skipping, true))
		return false;
	capture->is_skipping = false;
	keep_frame(capture, frame);
	commit_set(capture->head, STATE_MESSAGE, 0);
	commit_packet(capture, COUNTER_PACKETS_QUARANTINED);
	return true;
}

static enum decode_result decode_frame(struct capture *capture, const struct frame *frame,
				       const struct network *network, bool is_admitted,
				       struct packet *packet)
{
	hook_frame(frame->bytes);
	if (!is_admitted)
		return DECODE_OTHER;
	return decode_network(&capture->options, network, frame->bytes.length < frame->wire_length,
			      packet);
}

void capture_frame(struct capture *capture, const struct frame *frame)
{
	struct network network = {.ethertype = frame->ethertype};
	enum decode_result result = DECODE_BAD_LINK;
	struct packet packet;
	bool is_admitted = true;

	capture->time_ns = frame->time_ns;
	if (!capture->is_selecting && is_poison(capture, frame))
		return;
	if (link_strip(frame->link, frame->bytes, &network)) {
		if (capture->is_selecting &&
		    (!select_frame(capture, frame, &network, &is_admitted) ||
		     is_poison(capture, frame)))
			return;
		result = decode_frame(capture, frame, &network, is_admitted, &packet);
	} else if (capture->is_selecting && capture->share_index) {
		return; /* what has no network layer is the first share's */
	}
	switch (result) {
	case DECODE_UDP:
		take_udp(capture, &packet);
		break;
	case DECODE_TCP:
		take_tcp(capture, &packet);
		break;
	case DECODE_FRAGMENT:
		take_fragment(capture, &packet);
		break;
	case DECODE_OTHER:
		commit_packet(capture, COUNTER_PACKETS_NOT_DNS);
		break;
	default:
		take_malformed(capture, result);
	}
	capture->is_again = false;
}

void capture_expire(struct capture *capture)
{
	bool is_more = true;

	while (is_more) {
		is_more = fragments_expire(capture->fragments, fragments_step(capture),
					   capture->now_ns, &capture->fragment_pieces);
		stage_pieces(capture, true);
		commit_apply(capture->head);
	}
	while (streams_expire(capture->streams, streams_step(capture), capture->now_ns,
			      &capture->stream_pieces))
		finish_stream_work(capture);
	finish_stream_work(capture);
}

static bool is_ours(const void *argument, const struct address *source,
		    const struct address *destination)
{
	const struct capture *capture = argument;

	return classify_addresses(source, destination) % capture->share_count ==
	       capture->share_index;
}

/*
 * The traffic is divided in another way than before: what we hold of datagrams and streams that go
 * to another worker now will never be complete. (Inside tunnels it is the outer addresses that
 * divide, and nobody knows them any more: those are judged by the inner ones.)
 */
static void reshard(struct capture *capture, pieces_owner_fn is_owner)
{
	uint32_t fragments_at = 0, streams_at = 0;
	bool is_more = true;

	while (is_more) {
		is_more = fragments_reshard(capture->fragments, is_owner, capture, &fragments_at,
					    fragments_step(capture), &capture->fragment_pieces);
		is_more |= streams_reshard(capture->streams, is_owner, capture, &streams_at,
					   streams_step(capture), &capture->stream_pieces);
		stage_pieces(capture, true);
		commit_apply(capture->head);
	}
}

static bool is_never_ours(const void *argument, const struct address *source,
			  const struct address *destination)
{
	(void)argument;
	(void)source;
	(void)destination;
	return false;
}

void capture_give_away(struct capture *capture)
{
	reshard(capture, is_never_ours);
}

void capture_finish(struct capture *capture)
{
	while (streams_flush(capture->streams, streams_step(capture), &capture->stream_pieces))
		finish_stream_work(capture);
}

static void set_port(struct capture *capture, uint16_t port)
{
	capture->ports[port / 8] |= (uint8_t)(1 << port % 8);
}

/* Takes over the pieces that a predecessor left; those that could not be taken over are counted. */
static void take_over(struct capture *capture)
{
	struct state_head *head = capture->head;
	uint64_t held = fragments_held(capture->fragments) + streams_held(capture->streams);
	uint64_t before = state_get(head, STATE_HELD);
	uint64_t shares = (uint64_t)capture->share_count << 32 | capture->share_index;

	commit_add_some(head, COUNTER_PIECES_DISCARDED, before > held ? before - held : 0);
	commit_set(head, STATE_HELD, held);
	commit_apply(head);
	if (state_get(head, STATE_SHARES) == shares)
		return;
	if (held && capture->share_count > 1)
		reshard(capture, is_ours);
	commit_set(head, STATE_SHARES, shares);
	commit_apply(head);
}

int capture_open(struct capture *capture, const struct config *config, uint32_t worker_index,
		 const struct state_watch *watch, struct state_head *head, struct body *body,
		 struct outbox *outbox, struct observer *observer)
{
	bool is_live = !config_reads_file(config);
	struct hash_key key;
	int error = random_init(&capture->random);

	if (!error)
		error = random_secret(&key, sizeof(key));
	if (error)
		return error;
	capture->head = head;
	capture->outbox = outbox;
	capture->observer = observer;
	capture->is_again = state_get(head, STATE_MESSAGE) != 0;
	capture->is_skipping = watch->is_skipping &&
			       watch->skip_generation == state_get(head, STATE_GENERATION) &&
			       watch->skip_block == state_get(head, STATE_BLOCK) &&
			       watch->skip_packet == state_get(head, STATE_PACKET);
	capture->is_exporting = !observer || config->destination_count || *config->write_file;
	capture->keeps_clock = !is_live;
	capture->now_ns = (int64_t)state_get(head, STATE_CLOCK);
	capture->are_ports_checked = !*config->filter;
	capture->is_admitting = !is_live && !*config->filter;
	capture->share_count = config->share_count > 1 ? config->share_count : config->worker_count;
	capture->share_index = config->share_count > 1 ? config->share_index : worker_index;
	/* -f replaces the kernel's filter, and with it its -m. */
	capture->is_selecting =
		!is_live || watch->is_unsplit || (*config->filter && config->share_count > 1);
	capture->sample_rate = config->sample_rate;
	capture->options = (struct decode_options){
		.tunnels = config->tunnels,
		.pcap_port = (uint16_t)config->pcap_port,
		.jmirror_port = (uint16_t)config->jmirror_port,
	};
	settings_init(&capture->settings, config);
	for (int i = 0; i < capture->settings.port_count; i++)
		set_port(capture, capture->settings.ports[i]);
	capture->fragments = fragments_open(body_fragments(body), &fragments_default_limits, &key,
					    state_get(head, STATE_FRAGMENTS_STEP));
	capture->streams = streams_open(body_streams(body), &streams_default_limits, &key,
					state_get(head, STATE_STREAMS_STEP));
	take_over(capture);
	return 0;
}
