/* SPDX-License-Identifier: BSD-3-Clause */
#pragma once
#include <stdbool.h>
#include <stdint.h>
#include "dns/event.h"

/*
 * An event as a record of a ring (ring.h): a fixed head in host byte order, then name, identity and
 * message, each beginning at a multiple of 8. Who reads it trusts nobody who wrote it.
 */
#define EVENT_IDENTITY_MAX 255
#define EVENT_MESSAGE_MAX  65535

/* Bytes of its record, at most RING_RECORD_MAX. Name, identity and message must be within their
 * bounds. */
uint32_t event_encoded_length(const struct event *event);

/* Writes exactly that many bytes, 8-byte aligned. */
void event_encode(const struct event *event, uint8_t *out);

/*
 * Reads a record. False unless it is what event_encode could have written: kind, protocol and
 * verdict in range, a valid name, lengths that fit. The parts are borrowed from record, which must
 * be a private copy.
 */
bool event_decode(struct slice record, struct event *event);
