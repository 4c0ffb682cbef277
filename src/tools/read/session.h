/* SPDX-License-Identifier: BSD-3-Clause */
#pragma once
#include "tools/read/options.h"
#include "tools/read/output.h"
#include "tools/read/source.h"

/*
 * Reads a source to its end (or until a signal, the count or the duration) and prints it. Returns
 * the exit status.
 */
int session_run(const struct options *options, struct source *source, struct output *output);
