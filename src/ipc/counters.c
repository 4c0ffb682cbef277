/* SPDX-License-Identifier: BSD-3-Clause */
#include "ipc/counters.h"

static const struct {
	const char *name;
	const char *help;
} counters[COUNTER_END] = {
#define COUNTER(number, id, name, help) [number] = {#name, help},
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
