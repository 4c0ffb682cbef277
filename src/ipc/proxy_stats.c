/* SPDX-License-Identifier: BSD-3-Clause */
#include "ipc/proxy_stats.h"

size_t proxy_stats_size(const struct config *config)
{
	size_t rules = 1;

	for (const char *at = config->rules; *at; at++)
		rules += *at == '\n';
	return sizeof(struct proxy_stats) + rules * sizeof(struct proxy_rule_stats);
}
