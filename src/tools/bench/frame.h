/* SPDX-License-Identifier: BSD-3-Clause */
#pragma once
#include <stdbool.h>
#include <stdint.h>
#include "base/slice.h"
#include "tools/bench/answer.h"

/* A message that comes in pieces, of which the beginning is kept. All zero before the first one. */
struct frame {
	uint32_t got; /* of length and message */
	uint8_t bytes[DNS_FRAME_SIZE + ANSWER_KEPT];
};

/*
 * Takes octets off the stream up to the end of a message. True: message has its first ANSWER_KEPT
 * octets, valid until the next call. False: all octets were taken.
 */
bool frame_next(struct frame *frame, struct slice *stream, struct slice *message);
