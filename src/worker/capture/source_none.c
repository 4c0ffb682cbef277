/* SPDX-License-Identifier: BSD-3-Clause */
/* No packets are captured: the proxy works alone. */
#include "worker/capture/source.h"

static bool open_nothing(struct source *source, const struct config *config)
{
	(void)source;
	(void)config;
	return true;
}

static enum source_state turn_idle(struct source *source)
{
	(void)source;
	return SOURCE_IDLE;
}

const struct source_ops source_none = {.open = open_nothing, .turn = turn_idle};
