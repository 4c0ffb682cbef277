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
#include <string.h>

#include "ipc/child.h"
#include "ipc/commit.h"
#include "worker/export/export.h"

#ifndef UDP_SEGMENT
#define UDP_SEGMENT 103
#endif
#define SEGMENTS_MAX	   64	  /* the kernel's UDP_MAX_SEGMENTS */
#define SEGMENTS_BYTES_MAX 65000u /* an IP packet less its headers */

static bool is_segment(const struct export *export, const struct export_slot *slot)
{
	return export->body->batch.is_segmented && slot->length == export->config->segment_size;
}

/* Slots from at on that one message can carry. */
static uint32_t run_length(struct export *export, uint32_t at, uint32_t slot_count)
{
	uint64_t first = state_get(export->head, STATE_SENT);
	uint32_t most, count = 1;

	if (!is_segment(export, export_slot(export, first + at)))
		return 1;
	most = SEGMENTS_BYTES_MAX / export->config->segment_size;
	most = most < SEGMENTS_MAX ? most : SEGMENTS_MAX;
	while (count < most && at + count < slot_count &&
	       is_segment(export, export_slot(export, first + at + count)))
		count++;
	return count;
}

static struct msghdr make_header(struct export *export, uint32_t destination, uint32_t at,
				 uint32_t count)
{
	struct sink_udp *udp = &export->udp;
	bool is_inet = export->config->destinations[destination].endpoint.address.version == 4;

	return (struct msghdr){
		.msg_name = &udp->addresses[destination],
		.msg_namelen = is_inet ? sizeof(struct sockaddr_in) : sizeof(struct sockaddr_in6),
		.msg_iov = &udp->vectors[at],
		.msg_iovlen = count,
		.msg_control = count > 1 ? udp->control : NULL,
		.msg_controllen = count > 1 ? sizeof(udp->control) : 0,
	};
}

/* Fills in the messages of all destinations, IPv4 first, leaving msg_len as it is. */
static void describe_batch(struct export *export, uint32_t slot_count)
{
	static const uint8_t versions[2] = {4, 6};
	struct export_batch *batch = &export->body->batch;
	const struct config *config = export->config;
	uint64_t first = state_get(export->head, STATE_SENT);
	uint32_t made = 0;

	for (uint32_t i = 0; i < slot_count; i++) {
		struct export_slot *slot = export_slot(export, first + i);

		export->udp.vectors[i] =
			(struct iovec){.iov_base = slot->payload, .iov_len = slot->length};
	}
	for (int family = 0; family < 2; family++) {
		for (uint32_t d = 0; d < config->destination_count; d++) {
			if (config->destinations[d].endpoint.address.version != versions[family])
				continue;
			for (uint32_t at = 0, count; at < slot_count; at += count) {
				count = run_length(export, at, slot_count);
				batch->messages[made++].msg_hdr = make_header(export, d, at, count);
			}
		}
		export->udp.message_ends[family] = made;
	}
	batch->message_count = made;
	batch->slot_count = slot_count;
}

static void begin_batch(struct export *export)
{
	struct export_batch *batch = &export->body->batch;
	uint32_t pending = export_pending(export);

	batch->first = 0;
	COMMIT_BARRIER();
	batch->is_segmented = export->udp.is_segmenting;
	describe_batch(export, pending < EXPORT_BATCH_SLOTS ? pending : EXPORT_BATCH_SLOTS);
	for (uint32_t i = 0; i < batch->message_count; i++)
		batch->messages[i].msg_len = 0;
	COMMIT_BARRIER();
	batch->first = state_get(export->head, STATE_SENT);
}

static bool is_batch_open(const struct export *export)
{
	return export->body->batch.first == state_get(export->head, STATE_SENT);
}

static void open_udp(struct export *export)
{
	struct sink_udp *udp = &export->udp;
	struct cmsghdr *control = (struct cmsghdr *)udp->control;
	struct export_batch *batch = &export->body->batch;
	uint16_t size = (uint16_t) export->config->segment_size;

	udp->fds[0] = CHILD_FD_EXPORT4;
	udp->fds[1] = CHILD_FD_EXPORT6;
	udp->is_segmenting = size != 0;
	for (uint32_t i = 0; i < export->config->destination_count; i++)
		endpoint_to_sockaddr(&export->config->destinations[i].endpoint, &udp->addresses[i]);
	control->cmsg_level = SOL_UDP;
	control->cmsg_type = UDP_SEGMENT;
	control->cmsg_len = CMSG_LEN(sizeof(size));
	memcpy(CMSG_DATA(control), &size, sizeof(size));
	if (is_batch_open(export) && batch->slot_count && batch->slot_count <= EXPORT_BATCH_SLOTS &&
	    batch->slot_count <= export_pending(export))
		describe_batch(export, batch->slot_count);
	else
		batch->first = 0;
}

/* A kernel or device that cannot segment: this message goes out datagram by datagram, and so will
 * all others. */
static int send_apart(struct export *export, int fd, struct mmsghdr *message)
{
	struct msghdr header = message->msg_hdr;

	header.msg_control = NULL;
	header.msg_controllen = 0;
	header.msg_iovlen = 1;
	for (size_t i = 0; i < message->msg_hdr.msg_iovlen; i++, header.msg_iov++)
		if (sendmsg(fd, &header, 0) < 0)
			return errno;
	if (export->udp.is_segmenting)
		export->notice = "the kernel does not segment on this path: --segments datagrams "
				 "are sent one by one";
	export->udp.is_segmenting = false;
	message->msg_len = 1;
	return 0;
}

static bool is_full(int error)
{
	return error == EAGAIN || error == ENOBUFS;
}

/* Decides after a failed send of one message: true to go on with the batch. */
static bool handle_error(struct export *export, int fd, struct mmsghdr *message, int error,
			 enum sink_patience patience)
{
	struct pollfd writable = {.fd = fd, .events = POLLOUT};

	if (error == EINTR)
		return true;
	if (message->msg_hdr.msg_control && !is_full(error))
		error = send_apart(export, fd, message);
	if (is_full(error) && patience == SINK_TRY)
		return false;
	if (is_full(error) && patience == SINK_WAIT)
		poll(&writable, 1, error == EAGAIN ? 1000 : 1);
	else if (error)
		message->msg_len = EXPORT_FAILED | (uint32_t)error;
	return true;
}

/* Sends [at, end); false when something is left for later. */
static bool send_range(struct export *export, int fd, uint32_t at, uint32_t end,
		       enum sink_patience patience)
{
	struct mmsghdr *messages = export->body->batch.messages;
	bool is_second_try = false;

	while (at < end) {
		int sent, error;

		if (messages[at].msg_len) {
			at++;
			is_second_try = false;
			continue;
		}
		sent = sendmmsg(fd, &messages[at], end - at,
				patience == SINK_WAIT ? 0 : MSG_DONTWAIT);
		error = errno;
		if (sent > 0)
			continue;
		if (error == ECONNREFUSED && !is_second_try)
			is_second_try = true; /* it told of an earlier datagram */
		else if (!handle_error(export, fd, &messages[at], error, patience))
			return false;
	}
	return true;
}

static void finish_batch(struct export *export)
{
	struct export_batch *batch = &export->body->batch;
	struct export_outcome outcome = {.slot_count = batch->slot_count};
	bool is_sent[EXPORT_BATCH_SLOTS] = {false};

	for (uint32_t i = 0; i < batch->message_count; i++) {
		const struct mmsghdr *message = &batch->messages[i];
		uint32_t at = (uint32_t)(message->msg_hdr.msg_iov - export->udp.vectors);
		uint32_t count = (uint32_t)message->msg_hdr.msg_iovlen;

		if (message->msg_len & EXPORT_FAILED) {
			export_outcome_fail(&outcome, (int)(message->msg_len & ~EXPORT_FAILED),
					    count);
			continue;
		}
		outcome.sends += count;
		memset(is_sent + at, true, count);
	}
	for (uint32_t i = 0; i < batch->slot_count; i++) {
		const struct export_slot *slot = export_slot(export, batch->first + i);
		uint32_t records = slot->is_stats ? 0 : slot->sets;

		*(is_sent[i] ? &outcome.records_sent : &outcome.records_dropped) += records;
	}
	export_outcome_stage(export, &outcome);
	commit_apply(export->head);
}

static bool send_udp(struct export *export, enum sink_patience patience)
{
	struct sink_udp *udp = &export->udp;

	if (!export_pending(export))
		return false;
	if (!is_batch_open(export))
		begin_batch(export);
	if (!send_range(export, udp->fds[0], 0, udp->message_ends[0], patience) ||
	    !send_range(export, udp->fds[1], udp->message_ends[0], udp->message_ends[1], patience))
		return false;
	finish_batch(export);
	return true;
}

const struct sink_ops sink_udp = {.open = open_udp, .send = send_udp};
