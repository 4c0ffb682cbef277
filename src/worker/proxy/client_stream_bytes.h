/* SPDX-License-Identifier: BSD-3-Clause */
#pragma once
#include "worker/proxy/client_stream.h"

/*
 * What a connection keeps: the beginning of a query, or queries that are more than may wait (in),
 * and answers that its client has not taken (out). Counted, of all connections together and of each
 * client. There is nothing of either at most times.
 */

/* Keeps this in the place of what was kept. False when there is no room. */
bool client_stream_keep_in(struct client_stream *stream, const uint8_t *bytes, size_t length);
void client_stream_drop_in(struct client_stream *stream);

/* Keeps this behind what is kept. False when there is no room. */
bool client_stream_keep_out(struct client_stream *stream, const uint8_t *bytes, size_t length);
void client_stream_drop_out(struct client_stream *stream);
