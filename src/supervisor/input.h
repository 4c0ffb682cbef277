/* SPDX-License-Identifier: BSD-3-Clause */
#pragma once
#include <stdbool.h>
#include <stdint.h>
#include "supervisor/packet_sockets.h"
#include "supervisor/seat.h"

/*
 * Where packets come from: sockets with their rings, a file, or nowhere. Which of them each worker
 * is lent, and what becomes of rings that go.
 */
struct supervisor;

/* Opens what the configuration in force names. Ends the process where that cannot be. */
void input_open(struct supervisor *supervisor);

/* Tells the operator what is read, and with which filter, and where queries are answered. */
void input_log(const struct supervisor *supervisor);

/* Where queries are answered that were not before. */
void input_log_listeners(const struct config *before, const struct config *config);

/* Lends a seat its ring of the sockets that are in use, or the file. A ring that the worker has not
 * seen before has another generation. */
void input_lend(struct supervisor *supervisor, struct seat *seat);

/* Does a process of this seat, or the next one, read a ring of these sockets (NULL: no)? */
bool input_is_lent(const struct packet_sockets *sockets, const struct seat *seat);

/* Closes the rings from count on, whose workers have read them. */
void input_close_rings(struct supervisor *supervisor, uint32_t count);

/* Closes rings of which workers are no longer lent any; what is left in them is counted as
 * discarded. */
void input_discard_rings(struct supervisor *supervisor, struct packet_sockets *sockets);
