/* SPDX-License-Identifier: BSD-3-Clause */
#pragma once
#include "ipc/child.h"

/*
 * A capture worker: one source, one outbox, one core. It owns nothing that must outlive it: all of
 * that is lent by the supervisor.
 */
void __attribute__((noreturn)) worker_main(const struct child_identity *identity);
