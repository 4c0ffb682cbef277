/* SPDX-License-Identifier: BSD-3-Clause */
#pragma once
#include "worker/proxy/proxy.h"

/* Lets the rules judge a query that can be understood, proxy->taken, and does as they say: answers
 * it now, or has it resolved. Fills what they say of it into asker. message: as it came. */
void judge_query(struct proxy *proxy, struct asker *asker, struct slice message);
