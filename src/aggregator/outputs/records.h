/* SPDX-License-Identifier: BSD-3-Clause */
#pragma once
#include <stddef.h>
#include <stdint.h>
#include <sys/uio.h>
#include "aggregator/outputs/output.h"

/*
 * As queue_peek of an output's queue. A damaged one is emptied, and what was in it counted:
 * -EBADMSG.
 */
static inline int records_peek(struct output *output, uint64_t from, struct iovec *records,
			       int count, size_t bytes, uint64_t *next)
{
	int found = queue_peek(&output->queue, from, records, count, bytes, next);

	if (found >= 0)
		return found;
	output->account->dropped_damaged += output->account->queued;
	output->account->queued = 0;
	queue_pop(&output->queue, *output->queue.head);
	output->host->commit(output->host->argument);
	return found;
}
