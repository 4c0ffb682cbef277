/* SPDX-License-Identifier: BSD-3-Clause */
#include "worker/proxy/client_stream_bytes.h"

#include <stdlib.h>
#include <string.h>

#include "worker/proxy/client_streams.h"

static bool may_hold(const struct client_stream *stream, uint32_t more)
{
	return stream->owner->held_bytes + more <= CLIENT_STREAMS_HELD_BYTES &&
	       stream->peer->held_bytes + more <= CLIENT_STREAMS_PEER_BYTES;
}

/* NULL: there is no more. */
static uint8_t *bytes_resize(struct client_stream *stream, uint8_t *bytes, uint32_t from,
			     uint32_t to)
{
	uint8_t *resized;

	if (to > from && !may_hold(stream, to - from))
		return NULL;
	resized = to ? realloc(bytes, to) : NULL;
	if (!to)
		free(bytes);
	if (to && !resized)
		return NULL;
	stream->owner->held_bytes += to;
	stream->owner->held_bytes -= from;
	stream->peer->held_bytes += to - from;
	return resized;
}

void client_stream_drop_in(struct client_stream *stream)
{
	stream->in = bytes_resize(stream, stream->in, stream->in_length, 0);
	stream->in_length = 0;
}

void client_stream_drop_out(struct client_stream *stream)
{
	stream->out = bytes_resize(stream, stream->out, stream->out_size, 0);
	stream->out_at = stream->out_length = stream->out_size = 0;
}

bool client_stream_keep_in(struct client_stream *stream, const uint8_t *bytes, size_t length)
{
	uint8_t *kept;

	if (!length) {
		client_stream_drop_in(stream);
		return true;
	}
	kept = bytes_resize(stream, stream->in, stream->in_length, (uint32_t)length);
	if (!kept)
		return false;
	stream->in = kept;
	stream->in_length = (uint32_t)length;
	memcpy(kept, bytes, length);
	return true;
}

/* Makes room at the end of what is kept, as long as that is less work than what was sent. */
static void out_move(struct client_stream *stream)
{
	uint32_t left = stream->out_length - stream->out_at;

	if (stream->out_at < left)
		return;
	memmove(stream->out, stream->out + stream->out_at, left);
	stream->out_at = 0;
	stream->out_length = left;
}

bool client_stream_keep_out(struct client_stream *stream, const uint8_t *bytes, size_t length)
{
	uint32_t needed;
	uint8_t *grown;

	if (stream->out_at)
		out_move(stream);
	needed = stream->out_length + (uint32_t)length;
	if (needed > stream->out_size) {
		grown = bytes_resize(stream, stream->out, stream->out_size, needed);
		if (!grown)
			return false;
		stream->out = grown;
		stream->out_size = needed;
	}
	memcpy(stream->out + stream->out_length, bytes, length);
	stream->out_length = needed;
	return true;
}
