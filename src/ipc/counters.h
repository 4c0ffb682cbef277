/* SPDX-License-Identifier: BSD-3-Clause */
#pragma once

/* Indexes into the counters of a state head. */
enum counter {
#define COUNTER(id, name, help) COUNTER_##id,
#include "ipc/counters.def"
#undef COUNTER
	COUNTER_COUNT,
};

/* "packets_read", and one line of help: borrowed. */
const char *counter_name(enum counter counter);
const char *counter_help(enum counter counter);
