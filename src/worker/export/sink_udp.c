/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Sends sealed datagrams in batches of sendmmsg, one unconnected socket per family: a connected one
 * would report a refusal instead of sending. With --segments, runs of datagrams of that
 * size become one message that the kernel cuts up (UDP_SEGMENT).
 *
 * A batch is described in the shared body before the first send. The kernel writes each message's
 * msg_len as it sends it, so that whoever takes over in the middle knows what is left.
 */
#include <errno.h>
#include <netinet/in.h>
#include <netinet/udp.h>
#include <poll.h>
#include <stdio.h>
#include <string.h>

#include "ipc/child.h"
#include "ipc/commit.h"
#include "worker/export/outbox.h"

#ifndef UDP_SEGMENT
#define UDP_SEGMENT 103
#endif
#define SEGMENTS_MAX	   64	  /* the kernel's UDP_MAX_SEGMENTS */
#define SEGMENTS_BYTES_MAX 65000u /* an IP packet less its headers */

static bool is_segment(const struct outbox *outbox, const struct outbox_slot *slot)
{
	return outbox->body->batch.segment_size && slot->length == outbox->body->batch.segment_size;
}

/* Slots from at on that one message can carry. */
static uint32_t run_length(struct outbox *outbox, uint32_t at)
{
	const struct outbox_batch *batch = &outbox->body->batch;
	uint64_t first = state_get(outbox->head, STATE_SENT);
	uint32_t most, count = 1;

	if (!is_segment(outbox, outbox_slot(outbox, first + at)))
		return 1;
	most = SEGMENTS_BYTES_MAX / batch->segment_size;
	most = most < SEGMENTS_MAX ? most : SEGMENTS_MAX;
	while (count < most && at + count < batch->slot_count &&
	       is_segment(outbox, outbox_slot(outbox, first + at + count)))
		count++;
	return count;
}

static struct msghdr make_header(struct outbox *outbox, struct sockaddr_storage *destination,
				 uint32_t at, uint32_t count)
{
	struct sink_udp *udp = &outbox->udp;
	bool is_inet = destination->ss_family == AF_INET;

	return (struct msghdr){
		.msg_name = destination,
		.msg_namelen = is_inet ? sizeof(struct sockaddr_in) : sizeof(struct sockaddr_in6),
		.msg_iov = &udp->vectors[at],
		.msg_iovlen = count,
		.msg_control = count > 1 ? udp->control : NULL,
		.msg_controllen = count > 1 ? sizeof(udp->control) : 0,
	};
}

static void set_segment_size(struct sink_udp *udp, uint32_t segment_size)
{
	struct cmsghdr *control = (struct cmsghdr *)udp->control;
	uint16_t size = (uint16_t)segment_size;

	control->cmsg_level = SOL_UDP;
	control->cmsg_type = UDP_SEGMENT;
	control->cmsg_len = CMSG_LEN(sizeof(size));
	memcpy(CMSG_DATA(control), &size, sizeof(size));
}

/* Fills in the messages to all destinations, IPv4 first, leaving msg_len as it is. */
static void describe_batch(struct outbox *outbox)
{
	static const sa_family_t families[2] = {AF_INET, AF_INET6};
	struct outbox_batch *batch = &outbox->body->batch;
	uint64_t first = state_get(outbox->head, STATE_SENT);
	uint32_t made = 0;

	for (uint32_t i = 0; i < batch->slot_count; i++) {
		struct outbox_slot *slot = outbox_slot(outbox, first + i);

		outbox->udp.vectors[i] =
			(struct iovec){.iov_base = slot->payload, .iov_len = slot->length};
	}
	set_segment_size(&outbox->udp, batch->segment_size);
	for (int family = 0; family < 2; family++) {
		for (uint32_t d = 0; d < batch->destination_count; d++) {
			if (batch->destinations[d].ss_family != families[family])
				continue;
			for (uint32_t at = 0, count; at < batch->slot_count; at += count) {
				count = run_length(outbox, at);
				batch->messages[made++].msg_hdr =
					make_header(outbox, &batch->destinations[d], at, count);
			}
		}
		outbox->udp.message_ends[family] = made;
	}
	batch->message_count = made;
}

static void begin_batch(struct outbox *outbox)
{
	struct outbox_batch *batch = &outbox->body->batch;
	const struct config *config = outbox->config;
	uint32_t pending = outbox_pending(outbox);

	batch->first = 0;
	COMMIT_BARRIER();
	batch->slot_count = pending < OUTBOX_BATCH_SLOTS ? pending : OUTBOX_BATCH_SLOTS;
	batch->segment_size = outbox->udp.is_segmenting ? config->segment_size : 0;
	batch->destination_count = config->destination_count;
	for (uint32_t d = 0; d < config->destination_count; d++)
		endpoint_to_sockaddr(&config->destinations[d].endpoint, &batch->destinations[d]);
	describe_batch(outbox);
	for (uint32_t i = 0; i < batch->message_count; i++)
		batch->messages[i].msg_len = 0;
	COMMIT_BARRIER();
	batch->first = state_get(outbox->head, STATE_SENT);
}

static bool is_batch_open(const struct outbox *outbox)
{
	return outbox->body->batch.first == state_get(outbox->head, STATE_SENT);
}

static bool is_batch_sound(const struct outbox *outbox)
{
	const struct outbox_batch *batch = &outbox->body->batch;

	if (!batch->slot_count || batch->slot_count > OUTBOX_BATCH_SLOTS ||
	    batch->slot_count > outbox_pending(outbox) ||
	    batch->destination_count > CONFIG_DESTINATIONS_MAX ||
	    batch->segment_size > OUTBOX_SLOT_BYTES)
		return false;
	for (uint32_t d = 0; d < batch->destination_count; d++)
		if (batch->destinations[d].ss_family != AF_INET &&
		    batch->destinations[d].ss_family != AF_INET6)
			return false;
	return true;
}

static void open_udp(struct outbox *outbox)
{
	struct sink_udp *udp = &outbox->udp;

	udp->fds[0] = CHILD_FD_EXPORT4;
	udp->fds[1] = CHILD_FD_EXPORT6;
	udp->is_segmenting = outbox->config->segment_size != 0;
	if (is_batch_open(outbox) && is_batch_sound(outbox))
		describe_batch(outbox);
	else
		outbox->body->batch.first = 0;
}

/* Of a run that is marked as apart or failed. */
static uint32_t segments_sent(const struct mmsghdr *message)
{
	uint32_t sent = (message->msg_len & ~(OUTBOX_FAILED | OUTBOX_APART)) / OUTBOX_SEGMENT;
	uint32_t all = (uint32_t)message->msg_hdr.msg_iovlen;

	return sent < all ? sent : all; /* a predecessor may have spoilt it */
}

/*
 * A kernel or device that cannot segment: this message goes out datagram by datagram, and so will
 * all others. Each is marked, so that whoever goes on, after a full buffer or a kill, does so
 * behind it; a kill just before the mark sends that one again. 0 or errno.
 */
static int send_apart(struct outbox *outbox, int fd, struct mmsghdr *message, int flags)
{
	struct msghdr header = message->msg_hdr;
	uint32_t sent = segments_sent(message);

	header.msg_control = NULL;
	header.msg_controllen = 0;
	header.msg_iovlen = 1;
	for (header.msg_iov += sent; sent < message->msg_hdr.msg_iovlen; header.msg_iov++) {
		if (sendmsg(fd, &header, flags) < 0)
			return errno;
		message->msg_len = OUTBOX_APART + ++sent * OUTBOX_SEGMENT;
	}
	if (outbox->udp.is_segmenting)
		snprintf(outbox->notice, sizeof(outbox->notice),
			 "the kernel does not segment on this path: --segments datagrams are sent "
			 "one by one");
	outbox->udp.is_segmenting = false;
	message->msg_len = 1;
	return 0;
}

static bool is_full(int error)
{
	return error == EAGAIN || error == ENOBUFS;
}

/* Sends one message at least. 0 or errno. */
static int send_some(struct outbox *outbox, int fd, struct mmsghdr *messages, uint32_t count,
		     int flags)
{
	if (messages->msg_len & OUTBOX_APART)
		return send_apart(outbox, fd, messages, flags);
	return sendmmsg(fd, messages, count, flags) > 0 ? 0 : errno;
}

/* Decides after a failed send of one message: true to go on with the batch. */
static bool handle_error(struct outbox *outbox, int fd, struct mmsghdr *message, int error,
			 enum sink_patience patience)
{
	struct pollfd writable = {.fd = fd, .events = POLLOUT};

	if (message->msg_hdr.msg_control && !message->msg_len && !is_full(error) && error != EINTR)
		error = send_apart(outbox, fd, message, patience == SINK_WAIT ? 0 : MSG_DONTWAIT);
	if (error == EINTR)
		return true;
	if (is_full(error) && patience == SINK_TRY)
		return false;
	if (is_full(error) && patience == SINK_WAIT)
		poll(&writable, 1, error == EAGAIN ? 1000 : 1);
	else if (error)
		message->msg_len =
			OUTBOX_FAILED + segments_sent(message) * OUTBOX_SEGMENT + (uint32_t)error;
	return true;
}

static bool is_done(const struct mmsghdr *message)
{
	return message->msg_len && !(message->msg_len & OUTBOX_APART);
}

/* Sends [at, end); false when something is left for later. */
static bool send_range(struct outbox *outbox, int fd, uint32_t at, uint32_t end,
		       enum sink_patience patience)
{
	struct mmsghdr *messages = outbox->body->batch.messages;
	bool is_second_try = false;

	while (at < end) {
		int error;

		if (is_done(&messages[at])) {
			at++;
			is_second_try = false;
			continue;
		}
		error = send_some(outbox, fd, &messages[at], end - at,
				  patience == SINK_WAIT ? 0 : MSG_DONTWAIT);
		if (!error)
			continue;
		if (error == ECONNREFUSED && !is_second_try)
			is_second_try = true; /* it told of an earlier datagram */
		else if (!handle_error(outbox, fd, &messages[at], error, patience))
			return false;
	}
	return true;
}

static void finish_batch(struct outbox *outbox)
{
	struct outbox_batch *batch = &outbox->body->batch;
	struct outbox_outcome outcome = {
		.slot_count = batch->slot_count,
		.destination_count = batch->destination_count,
	};
	bool is_sent[OUTBOX_BATCH_SLOTS] = {false};

	for (uint32_t i = 0; i < batch->message_count; i++) {
		const struct mmsghdr *message = &batch->messages[i];
		uint32_t at = (uint32_t)(message->msg_hdr.msg_iov - outbox->udp.vectors);
		uint32_t all = (uint32_t)message->msg_hdr.msg_iovlen, count = all;

		if (message->msg_len & OUTBOX_FAILED) {
			count = segments_sent(message);
			outbox_outcome_fail(outbox, &outcome,
					    (int)(message->msg_len % OUTBOX_SEGMENT), all - count);
		}
		outcome.sends += count;
		memset(is_sent + at, true, count);
	}
	for (uint32_t i = 0; i < batch->slot_count; i++) {
		const struct outbox_slot *slot = outbox_slot(outbox, batch->first + i);
		uint32_t records = slot->is_stats ? 0 : slot->sets;

		*(is_sent[i] ? &outcome.records_sent : &outcome.records_dropped) += records;
	}
	outbox_outcome_stage(outbox, &outcome);
	commit_apply(outbox->head);
}

static bool send_udp(struct outbox *outbox, enum sink_patience patience)
{
	struct sink_udp *udp = &outbox->udp;

	if (!outbox_pending(outbox))
		return false;
	if (!is_batch_open(outbox))
		begin_batch(outbox);
	if (!send_range(outbox, udp->fds[0], 0, udp->message_ends[0], patience) ||
	    !send_range(outbox, udp->fds[1], udp->message_ends[0], udp->message_ends[1], patience))
		return false;
	finish_batch(outbox);
	return true;
}

const struct sink_ops sink_udp = {.open = open_udp, .send = send_udp};
