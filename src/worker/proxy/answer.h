/* SPDX-License-Identifier: BSD-3-Clause */
#pragma once
#include <stdint.h>
#include "worker/proxy/proxy.h"

/* What a client is told: from here on its query is answered, and counted so. */

/* Room for a reply to it, of *size octets: at least REPLY_LOCAL_MAX. */
uint8_t *answer_room(struct proxy *proxy, const struct asker *asker, size_t *size);

/* Sends what was written there. outcome: what is counted when it is sent. */
void answer_send(struct proxy *proxy, const struct asker *asker, const uint8_t *bytes,
		 size_t length, enum counter outcome);

/* Its query, judged: an event. message: as it came. */
void answer_note_query(struct proxy *proxy, const struct asker *asker, struct slice message);
