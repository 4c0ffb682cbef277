/* SPDX-License-Identifier: BSD-3-Clause */
#include "ipc/counters.h"

static const struct {
	const char *name;
	const char *help;
} counters[COUNTER_COUNT] = {
#define COUNTER(id, name, help) {#name, help},
#include "ipc/counters.def"
#undef COUNTER
};

const char *counter_name(enum counter counter)
{
	return counters[counter].name;
}

const char *counter_help(enum counter counter)
{
	return counters[counter].help;
}
