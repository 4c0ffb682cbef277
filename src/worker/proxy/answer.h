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

/* An error made here; the one that a question's last server answered with. */
void answer_error(struct proxy *proxy, const struct asker *asker, uint16_t rcode,
		  enum extended_error error, enum counter outcome);
void answer_relay_error(struct proxy *proxy, const struct asker *asker,
			const struct pending *pending);

/* A response of an upstream server: response is that of source->message. */
void answer_response(struct proxy *proxy, const struct asker *asker,
		     const struct reply_source *source, const struct response *response,
		     enum counter outcome);

/* What was kept of one. question: that it answers, wire name, type and class. */
void answer_hit(struct proxy *proxy, const struct asker *asker, const struct cache_hit *hit,
		struct slice question);
