/* SPDX-License-Identifier: BSD-3-Clause */
#include "tools/bench/frame.h"

#include <string.h>

#include "base/cursor.h"

static size_t smaller(size_t a, size_t b)
{
	return a < b ? a : b;
}

/* Takes octets until the frame has end of them, keeping those for which there is room. */
static bool frame_fill(struct frame *frame, struct slice *stream, uint32_t end)
{
	size_t taken = smaller(end - frame->got, stream->length);

	if (frame->got < sizeof(frame->bytes))
		memcpy(frame->bytes + frame->got, stream->data,
		       smaller(taken, sizeof(frame->bytes) - frame->got));
	frame->got += (uint32_t)taken;
	stream->data += taken;
	stream->length -= taken;
	return frame->got == end;
}

bool frame_next(struct frame *frame, struct slice *stream, struct slice *message)
{
	uint16_t length;

	if (frame->got < DNS_FRAME_SIZE && !frame_fill(frame, stream, DNS_FRAME_SIZE))
		return false;
	length = be16_load(frame->bytes);
	if (!frame_fill(frame, stream, DNS_FRAME_SIZE + length))
		return false;
	*message = (struct slice){frame->bytes + DNS_FRAME_SIZE, smaller(length, ANSWER_KEPT)};
	frame->got = 0;
	return true;
}
