/* SPDX-License-Identifier: BSD-3-Clause */
#pragma once
#include <stdbool.h>

/* From here on this process can use what it was lent, make connections of its own, and do nothing
 * else: no file can be opened, no program run. opens_databases: descriptors of its own can be
 * opened again by their names under /proc, for libmaxminddb. What is not allowed fails with EPERM:
 * libraries know how to live with that. Variants: sandbox_seccomp.c, and sandbox_none.c for
 * sanitizers. 0 or -errno. */
int aggregator_sandbox_enter(bool opens_databases);
