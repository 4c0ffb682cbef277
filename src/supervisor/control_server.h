/* SPDX-License-Identifier: BSD-3-Clause */
#pragma once
#include "config/config.h"
#include "supervisor/handover.h"

/*
 * Answers dnsflowctl (ipc/request.h) on the socket of the setting `control`. Root and our own user
 * may ask for everything, members of the socket's group look only. Sixteen connections at a time;
 * the oldest that has not asked makes way for another, and none may wait with its request for more
 * than ten seconds. No peer can hold us up.
 */
struct control_server;
struct supervisor;

/*
 * NULL when it is off, or cannot be: then a warning says why. config says where. handover: NULL, or
 * that of a predecessor, whose listener goes on; somebody who waits for its upgrade is answered by
 * this one.
 */
struct control_server *control_server_open(struct supervisor *supervisor,
					   const struct config *config, struct handover *handover);

/* Hands over the listener, and who waits for an upgrade. Accepts NULL. */
void control_server_give(const struct control_server *server, struct handover *handover);

/* Accepts NULL. */
void control_server_close(struct control_server *server);
