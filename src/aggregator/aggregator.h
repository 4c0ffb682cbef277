/* SPDX-License-Identifier: BSD-3-Clause */
#pragma once
#include "ipc/child.h"

/* The process that keeps statistics, writes to outputs and answers the web. Never returns. */
void aggregator_main(const struct child_identity *identity) __attribute__((noreturn));
